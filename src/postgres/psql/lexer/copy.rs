//! Which statements are followed by lines of data.
//!
//! psql learns it from the server; here the words tell. `STDIN` and `STDOUT` mean the same to both
//! the server and `\copy`: the direction is what counts.

use super::token;
use super::token::Kind;

/// How far a statement is on the way to `COPY … FROM STDIN`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing was seen.
    #[default]
    Start,
    /// `COPY`.
    Copy,
    /// `COPY … FROM`.
    From,
    /// `COPY … FROM STDIN`.
    FromStdin,
    /// Something else.
    Other,
}

impl Progress {
    /// Takes in the next token outside of parentheses.
    pub(super) fn push(&mut self, kind: &Kind, text: &str) {
        let is = |word: &str| *kind == Kind::Word && text.eq_ignore_ascii_case(word);
        *self = match self {
            Self::Start if is("copy") => Self::Copy,
            Self::Copy if is("from") => Self::From,
            Self::Copy if !is("to") => Self::Copy,
            Self::From if is("stdin") || is("stdout") => Self::FromStdin,
            Self::FromStdin => Self::FromStdin,
            _ => Self::Other,
        }
    }
}

/// The other side of a `\copy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route<'a> {
    /// Into the table, not out of it.
    pub from: bool,
    /// The word after `from` or `to`: `stdin`, `pstdin`, `program` (any case), or a file.
    pub end: &'a str,
}

impl Route<'_> {
    /// Whether lines of data follow.
    pub(super) fn is_inline(self) -> bool {
        self.from && ["stdin", "stdout"].iter().any(|word| self.end.eq_ignore_ascii_case(word))
    }

    /// Whether psql's own standard input is read.
    pub fn reads_standard_input(self) -> bool {
        self.from && ["pstdin", "pstdout"].iter().any(|word| self.end.eq_ignore_ascii_case(word))
    }

    /// Whether a program is run.
    pub fn is_program(self) -> bool {
        self.end.eq_ignore_ascii_case("program")
    }
}

/// The route of a `\copy` with this line of arguments; `None` when psql refuses it.
pub fn route(arguments: &str) -> Option<Route<'_>> {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < arguments.len() {
        let text = &arguments[at..];
        let (kind, mut length) = token::next(text);
        if let Kind::Opening(mut open) = kind.clone() {
            length += open.close(&text[length..])?;
        }
        let token = &text[..length];
        at += length;
        match token {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let is = |word: &str| token.eq_ignore_ascii_case(word);
        if depth == 0 && kind == Kind::Word && (is("from") || is("to")) {
            let end = arguments[at..].split_whitespace().next()?;
            // psql takes the semicolons off the end of the line
            return Some(Route { from: is("from"), end: end.trim_end_matches(';') });
        }
    }
    None
}
