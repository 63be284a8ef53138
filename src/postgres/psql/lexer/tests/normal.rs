//! Texts with equal and with different normal forms: first examples, then random texts.

use crate::postgres::psql::lexer::scanner;
use crate::postgres::psql::lexer::scanner::{Piece, PieceKind};
use crate::postgres::psql::lexer::{directive, normalize};

fn normal(text: &str) -> String {
    normalize(text).unwrap_or_else(|unterminated| panic!("{text:?}: {unterminated:?}"))
}

fn check(examples: &[(&str, &str)]) {
    for (text, expected) in examples {
        assert_eq!(normal(text), *expected, "{text:?}");
        assert_eq!(normal(expected), *expected, "twice: {text:?}");
    }
}

#[test]
fn comments_go() {
    check(&[
        ("-- a\nx;\n  /* b\n c */ -- d\ny;\n", "x;\ny;"),
        ("x; -- a\n\ny;  /* b */\n", "x;\n\ny;"),
        ("x /* a */ y", "x y"),
        ("f(a /* a */, b)", "f(a, b)"),
        ("x /* a */ /* b */ y", "x y"),
        ("x /* a\n b */\ny", "x\ny"),
        ("x\n  -- a\n\n  y", "x\n\n  y"),
        ("/* a */  x", "  x"),
        ("-- only", ""),
        ("x;\n-- last", "x;"),
        ("'a' -- b\n'c'", "'a'\n'c'"),
    ]);
}

#[test]
fn tokens_stay_apart() {
    check(&[
        ("a/**/b", "a b"),
        ("a/*\n*/b", "a b"),
        ("a /**/b", "a b"),
        ("1/**/2", "1 2"),
        ("1/**/.5", "1 .5"),
        ("a/**/(b)", "a(b)"),
        ("'a'/**/'b'", "'a' 'b'"),
        ("e/**/'a'", "e 'a'"),
        ("date/**/'a'", "date'a'"),
        ("u&/**/'a'", "u& 'a'"),
        ("-/**/- 1", "- - 1"),
        ("1 / /**/*", "1 / *"),
        ("</**/=", "< ="),
        (":/**/a", ": a"),
        (":/**/'a'", ": 'a'"),
        (":{?a/**/}", ":{?a }"),
        ("$a/**/$", "$a $"),
        ("a/**/$$b$$", "a $$b$$"),
        ("$a$b$a$/**/$a$b$a$", "$a$b$a$$a$b$a$"),
    ]);
}

#[test]
fn line_ends_are_alike() {
    check(&[
        ("\u{feff}x\r\n;\ry\n", "x\n;\ny"),
        ("'a\r\n' \r\n;", "'a\r\n' \n;"),
        ("-- a\r\nx;\r\n-- b\ry", "x;\ny"),
        ("copy c from stdin; -- a\r\n-- b\r\n\\.\r\nx;", "copy c from stdin;\n-- b\r\n\\.\nx;"),
        ("\\echo 'a  \t'\r\n\\! b -- c \r\nx", "\\echo 'a  \t'\n\\! b -- c \nx"),
        ("x  \n\n", "x"),
        ("\\! a  \n", "\\! a  "),
        ("copy c from stdin;\n a\n\n", "copy c from stdin;\n a\n\n"),
    ]);
}

#[test]
fn the_directive_is_no_comment() {
    check(&[
        ("\u{feff}-- migrator: no-transaction\r\n-- a\nx;", "-- migrator: no-transaction\nx;"),
        ("x;\n-- migrator: no-transaction", "x;"),
        ("-- migrator\nx;", "x;"),
    ]);
    assert_eq!(directive("\u{feff}-- migrator: no-transaction \r\nx"), Some("no-transaction"));
    assert_eq!(directive("x\n-- migrator: no-transaction"), None);
}

#[test]
fn what_is_laid_out_differently_differs() {
    for (one, other) in [
        ("x y", "x  y"),
        ("x\ny", "x\n\ny"),
        ("x\ny", "x\n y"),
        ("x y", "x\ty"),
        ("x y", "X y"),
        ("'a -- b'", "'a'"),
        ("$$ -- a\n$$", "$$\n$$"),
        ("'a\n'", "'a\r\n'"),
        ("\\echo a -- b", "\\echo a"),
    ] {
        assert_ne!(normal(one), normal(other), "{one:?}");
    }
}

/// Numbers that look random but are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn text(&mut self) -> String {
        const TOKENS: &[&str] = &[
            "a",
            "select",
            "e",
            "u",
            "1",
            ".5",
            "1e",
            "+",
            "-",
            "*",
            "/",
            "<=",
            "&",
            "?",
            "@",
            ",",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ".",
            ";",
            ":",
            "::",
            ":=",
            ":v",
            ":'v'",
            ":\"v\"",
            ":{?v}",
            "'s -- s'",
            "'t''\n;'",
            "E'u\\''",
            "b'1'",
            "U&'x'",
            "\"i /* i\"",
            "U&\"i\"",
            "$$d\n--$$",
            "$t$ $$ $t$",
            "$1",
            "$",
            "é",
            "\\;",
            "\\:",
            "\\echo c -- 'd\n e'\n",
            "\\! c /*\n",
            "\\x\\\\",
            "\ncopy c from stdin;\n'd -- /*\n\\.\n",
            "begin",
            "end",
            "create",
            "function",
        ];
        const BETWEEN: &[&str] = &["", "", " ", " ", "  ", "\t", "\n", "\n  ", "\n\n"];
        let count = 1 + self.below(12);
        (0..count).map(|_| format!("{}{}", self.of(BETWEEN), self.of(TOKENS))).collect()
    }
}

/// Texts that can be read, with their pieces.
fn texts() -> impl Iterator<Item = (String, Vec<Piece>)> {
    let mut dice = Dice(1);
    let made = (0..2_000).map(move |_| dice.text());
    made.filter_map(|text| scanner::read(&text).ok().map(|(_, pieces)| (text, pieces)))
}

fn inserted(text: &str, at: usize, what: &str) -> String {
    format!("{}{what}{}", &text[..at], &text[at..])
}

/// The comments that can follow a piece without an effect, for the given next piece.
fn comments(piece: &Piece, next: Option<PieceKind>) -> &'static [&'static str] {
    match (piece.kind, next) {
        (PieceKind::Token, Some(PieceKind::LineEnd) | None) => {
            &[" -- c ; '", "/* c */", "\t/* /* c\n */ ' */  -- d"]
        }
        (PieceKind::Token, _) => &["/* c */", "  /* /* c\n */ ' */", "/**/ /**/"],
        (PieceKind::LineEnd, Some(PieceKind::Data)) => &[],
        (PieceKind::LineEnd, Some(PieceKind::LineEnd) | None) => {
            &["-- c ; '\n", "/* c\n */ -- d\n"]
        }
        // a comment alone on a line of blanks would be removed with that line
        (PieceKind::LineEnd, Some(PieceKind::Blank)) => &["  -- c ; '\n", " /* c\n */\n"],
        (PieceKind::LineEnd, _) => &["  -- c ; '\n", " /* c\n */\n", "/* c */"],
        _ => &[],
    }
}

#[test]
fn comments_leave_no_trace() {
    let mut tried = 0;
    for (text, pieces) in texts() {
        let has_data = pieces.iter().any(|piece| piece.kind == PieceKind::Data);
        for (index, piece) in pieces.iter().enumerate() {
            for comment in comments(piece, pieces.get(index + 1).map(|next| next.kind)) {
                // on the line of a `COPY`, a comment of two lines would continue after the data
                if has_data && piece.kind == PieceKind::Token && comment.contains('\n') {
                    continue;
                }
                let commented = inserted(&text, piece.span.end, comment);
                assert_eq!(normal(&commented), normal(&text), "{commented:?} from {text:?}");
                tried += 1;
            }
        }
    }
    assert!(tried > 5_000, "{tried} comments were tried");
}

#[test]
fn line_ends_and_a_mark_leave_no_trace() {
    for (text, pieces) in texts() {
        let with = |end: &str| {
            let piece = |piece: &Piece| match piece.kind {
                PieceKind::LineEnd => end.to_owned(),
                _ => text[piece.span.clone()].to_owned(),
            };
            pieces.iter().map(piece).collect::<String>()
        };
        assert_eq!(with("\n"), text, "the pieces cover the text");
        assert_eq!(normal(&with("\r\n")), normal(&text), "{text:?}");
        assert_eq!(normal(&format!("\u{feff}{text}")), normal(&text), "{text:?}");
        let by_lines = |piece: &Piece| matches!(piece.kind, PieceKind::Command | PieceKind::Data);
        if !pieces.iter().any(by_lines) {
            assert_eq!(normal(&with("\r")), normal(&text), "{text:?}");
        }
    }
}

#[test]
fn anything_else_leaves_a_trace() {
    for (text, pieces) in texts() {
        let kept =
            pieces.iter().rposition(|p| !matches!(p.kind, PieceKind::Blank | PieceKind::LineEnd));
        let unchanged = normal(&text);
        let kept = pieces.iter().take(kept.map_or(0, |last| last + 1));
        for piece in kept.filter(|piece| piece.kind != PieceKind::Comment) {
            for (at, old) in text[piece.span.clone()].char_indices() {
                let at = piece.span.start + at;
                let after = at + old.len_utf8();
                let added = inserted(&text, after, "q");
                // without its end, a line may become part of a comment
                let new = if piece.kind == PieceKind::LineEnd { "\nq" } else { "q" };
                let replaced = format!("{}{new}{}", &text[..at], &text[after..]);
                for changed in [added, replaced] {
                    let same = normalize(&changed).is_ok_and(|normal| normal == unchanged);
                    assert!(!same, "{changed:?} from {text:?}");
                }
            }
        }
    }
}

#[test]
fn the_normal_form_is_normal() {
    for (text, _) in texts() {
        assert_eq!(normal(&normal(&text)), normal(&text), "{text:?}");
    }
}
