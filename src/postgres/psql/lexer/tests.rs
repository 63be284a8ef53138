//! The corpus: files, and how psql 15 read them (`log_statement = all`).

mod commands;
mod normal;

use super::{End, Form, Script, Unterminated, scan};

pub(super) fn script(text: &str) -> Script {
    scan(text).unwrap_or_else(|unterminated| panic!("{text:?}: {unterminated:?}"))
}

/// The statements of a file with their data. Shows the end of a statement if the text does not.
fn statements(text: &str) -> Vec<String> {
    let show = |statement: &super::Statement| {
        let end = match statement.end {
            End::Semicolon | End::Combined => "",
            End::Command => " <command>",
            End::Reset => " <reset>",
            End::File => " <end>",
        };
        let data = statement.copy_data.clone().map(|data| format!(" <- {:?}", &text[data]));
        format!("{}{end}{}", &text[statement.span.clone()], data.unwrap_or_default())
    };
    script(text).statements().map(show).collect()
}

/// Checks files against the statements that they hold.
fn check(corpus: &[(&str, &[&str])]) {
    for (text, expected) in corpus {
        assert_eq!(statements(text), *expected, "{text:?}");
    }
}

#[test]
fn quotes_hide_semicolons() {
    check(&[
        ("select 1; select 2", &["select 1;", "select 2 <end>"]),
        ("select 'a;b', 'it''s;'; select 2;", &["select 'a;b', 'it''s;';", "select 2;"]),
        ("select 'a\nb;c\n'; select 2;", &["select 'a\nb;c\n';", "select 2;"]),
        ("select 'a'\n'b;c'; select 2;", &["select 'a'\n'b;c';", "select 2;"]),
        ("select 'a\\'; select 2;", &["select 'a\\';", "select 2;"]),
        ("select E'a\\';b'; select 2;", &["select E'a\\';b';", "select 2;"]),
        ("select E'a\\\\'; select 2;", &["select E'a\\\\';", "select 2;"]),
        ("select e'\\\n'';'; select 2;", &["select e'\\\n'';';", "select 2;"]),
        ("select 1 as \"a;\"\"b;\"; select 2;", &["select 1 as \"a;\"\"b;\";", "select 2;"]),
        (
            "select N'a;', B'01', X'1f', U&'d\\0061;', 1 as U&\"d\\0061;\"; select 2;",
            &["select N'a;', B'01', X'1f', U&'d\\0061;', 1 as U&\"d\\0061;\";", "select 2;"],
        ),
    ]);
}

#[test]
fn dollars_quote_unless_they_follow_an_identifier() {
    check(&[
        (
            "select $$a;b$$; select $x$a;$$;$y$;$x$; select 2;",
            &["select $$a;b$$;", "select $x$a;$$;$y$;$x$;", "select 2;"],
        ),
        ("select $x$ a $x x$ $x$x$x; select 2;", &["select $x$ a $x x$ $x$x$x;", "select 2;"]),
        ("select 1 as a$$; select 2 as b$$;", &["select 1 as a$$;", "select 2 as b$$;"]),
        (
            "prepare p(int) as select $1+$2; select 1;",
            &["prepare p(int) as select $1+$2;", "select 1;"],
        ),
        ("select 1$$;$$; select 2;", &["select 1$$;$$;", "select 2;"]),
        (
            "select é;select 'ö;';\nselect $é$;$é$;",
            &["select é;", "select 'ö;';", "select $é$;$é$;"],
        ),
    ]);
}

#[test]
fn comments_hide_semicolons() {
    check(&[
        ("/* a /* b; */ ; */ select 1; select 2;", &["select 1;", "select 2;"]),
        (
            "/*/ ; */ select 1; /**/ select 2; /*//**/*/ select 4;",
            &["select 1;", "select 2;", "select 4;"],
        ),
        ("-- a;\nselect 1 -- b;\n; select 2; -- tail", &["select 1 -- b;\n;", "select 2;"]),
        ("select 1 -- it's\n; select '--;';", &["select 1 -- it's\n;", "select '--;';"]),
        ("select 1 --/* ;\n; select 2;", &["select 1 --/* ;\n;", "select 2;"]),
        ("select 2 */* ; */ 3; select 5 --1;\n;", &["select 2 */* ; */ 3;", "select 5 --1;\n;"]),
        ("select 1 +-- x;\n2; select 3;", &["select 1 +-- x;\n2;", "select 3;"]),
        ("select 1 -- a\r, 2; select 3;", &["select 1 -- a\r, 2;", "select 3;"]),
        ("select 1e--; x;", &["select 1e--;", "x;"]),
        ("select 0x1e--;'\n;", &["select 0x1e--;'\n;"]),
        ("/* only */ -- comments", &[]),
        ("select 1 /* tail */", &["select 1 <end>"]),
    ]);
}

#[test]
fn a_string_is_not_continued_on_the_next_line() {
    // The server takes both lines as one `E` string; psql sends all of this as one text.
    let text = "select E'a'\n'b\\'c';\nselect 2;\n";
    assert_eq!(scan(text), Err(Unterminated { line: 2, what: "quoted string" }));
    check(&[("select E'a'\n'b\\'; select 2;", &["select E'a'\n'b\\';", "select 2;"])]);
}

#[test]
fn parentheses_hold_semicolons() {
    check(&[
        ("select (1; 2); select 3;", &["select (1; 2);", "select 3;"]),
        ("select (1)); select 3;", &["select (1));", "select 3;"]),
        ("select ((1;\n2)\n); select 3;", &["select ((1;\n2)\n);", "select 3;"]),
        (
            "create rule r as on insert to t do instead (select 1; select 2); select 3;",
            &["create rule r as on insert to t do instead (select 1; select 2);", "select 3;"],
        ),
        ("select (1; 2", &["select (1; 2 <end>"]),
    ]);
}

#[test]
fn atomic_bodies_hold_semicolons() {
    check(&[
        (
            "create function f() returns int begin atomic select 1; select 2; end; select 3;",
            &["create function f() returns int begin atomic select 1; select 2; end;", "select 3;"],
        ),
        (
            "create or replace procedure p() begin atomic select case 1 when 1 then 2 end; END; x;",
            &[
                "create or replace procedure p() begin atomic select case 1 when 1 then 2 end; END;",
                "x;",
            ],
        ),
        (
            "create function \"f 2\"(a int default (case when b then 1 end)) begin atomic; end; x;",
            &[
                "create function \"f 2\"(a int default (case when b then 1 end)) begin atomic; end;",
                "x;",
            ],
        ),
        (
            "create function f() returns int return case when true then 1 end; select 2;",
            &["create function f() returns int return case when true then 1 end;", "select 2;"],
        ),
        (
            "create table t_begin(x int); begin; select 1; end;",
            &["create table t_begin(x int);", "begin;", "select 1;", "end;"],
        ),
        (
            "create schema s create table t(a int); begin; select 1;",
            &["create schema s create table t(a int);", "begin;", "select 1;"],
        ),
    ]);
}

#[test]
fn statements_are_combined() {
    check(&[
        ("select 1 \\; select 2; select 3;", &["select 1 \\;", "select 2;", "select 3;"]),
        ("select 1 \\; \\;", &["select 1 \\;", "\\;"]),
        ("create function f() \\; begin; end;", &["create function f() \\;", "begin;", "end;"]),
        ("select 1 \\:: text; x;", &["select 1 \\:: text;", "x;"]),
        (";;x;", &[";", ";", "x;"]),
    ]);
}

#[test]
fn data_follows_copy_from_stdin() {
    check(&[
        (
            "copy c from stdin;\na;b\n'x\n\\.\nx;",
            &["copy c from stdin; <- \"a;b\\n'x\\n\\\\.\"", "x;"],
        ),
        ("copy c from stdin;\r\na\r\n\\.\r\nx;", &["copy c from stdin; <- \"a\\r\\n\\\\.\"", "x;"]),
        ("copy c from stdin;\na;\n", &["copy c from stdin; <- \"a;\\n\""]),
        ("copy c from stdin;\na\n\\. \n\\.", &["copy c from stdin; <- \"a\\n\\\\. \\n\\\\.\""]),
        (
            "COPY c (a) FROM\n/* x */ STDIN WITH (FORMAT csv)\n;\na;\n\\.\n",
            &["COPY c (a) FROM\n/* x */ STDIN WITH (FORMAT csv)\n; <- \"a;\\n\\\\.\""],
        ),
        ("copy \"from\" from stdout;\n;\n\\.\n", &["copy \"from\" from stdout; <- \";\\n\\\\.\""]),
        (
            "copy c from stdin \\g\n;\n\\.\nx;",
            &["copy c from stdin <command> <- \";\\n\\\\.\"", "x;"],
        ),
        ("copy c to stdout; x;\ny;", &["copy c to stdout;", "x;", "y;"]),
        (
            "copy (select a from stdin) to stdin; x;\ny;",
            &["copy (select a from stdin) to stdin;", "x;", "y;"],
        ),
        (
            "copy c from 'f' where a is distinct from stdin;\nx;",
            &["copy c from 'f' where a is distinct from stdin;", "x;"],
        ),
        ("select 'copy c from stdin';\nx;", &["select 'copy c from stdin';", "x;"]),
        ("copy c from stdin", &["copy c from stdin <end>"]),
    ]);
}

#[test]
fn the_rest_of_the_line_is_read_after_the_data() {
    check(&[
        (
            "copy c from stdin; select 'rest;';\na;\n\\.\nx;",
            &["copy c from stdin; <- \"a;\\n\\\\.\"", "select 'rest;';", "x;"],
        ),
        (
            "copy c from stdin; copy d from stdin;\na;\n\\.\nb;\n\\.\nx;",
            &["copy c from stdin; <- \"a;\\n\\\\.\"", "copy d from stdin; <- \"b;\\n\\\\.\"", "x;"],
        ),
        (
            "copy c from stdin \\; copy d from stdin;\na;\n\\.\nb;\n\\.\nx;",
            &[
                "copy c from stdin \\; <- \"a;\\n\\\\.\"",
                "copy d from stdin; <- \"b;\\n\\\\.\"",
                "x;",
            ],
        ),
        (
            "copy c from stdin; select 'a\nc;\n\\.\nb;'; x;",
            &["copy c from stdin; <- \"c;\\n\\\\.\"", "select 'a\nc;\n\\.\nb;';", "x;"],
        ),
    ]);
}

#[test]
fn statements_tell_their_words_and_lines() {
    let text =
        "\u{feff}-- a\n\n  create /* x */ Table \"a b\".:t(i int);\n\nselect 'x',\n\"y\nz\" ;";
    let found = script(text);
    let told: Vec<_> = found.statements().map(|s| (s.line, s.words.join(" "))).collect();
    let expected = [(3, "CREATE TABLE \"a b\" :t I INT"), (5, "SELECT \"y\nz\"")];
    assert_eq!(told, expected.map(|(line, words)| (line, words.to_owned())));
}

#[test]
fn variables_are_found_outside_of_quotes() {
    let text = "select :a, :'b', :\"c\", :{?d}, ':e', \":f\", $$:g$$, 1::h, x[1:i]; -- :j\n\
                select E':k' :=l, \\:m, :'n, :\"o'; \\echo :p ':q' `:r` \":s\" :'t'\n\
                \\! echo :u\n\\if :{?v}\nselect :w;\n\\endif";
    let found = script(text);
    let told: Vec<_> = found.references.iter().map(|r| (r.name.as_str(), r.form, r.line)).collect();
    let expected = [
        ("a", Form::Plain, 1),
        ("b", Form::Literal, 1),
        ("c", Form::Identifier, 1),
        ("d", Form::Defined, 1),
        ("i", Form::Plain, 1),
        ("p", Form::Plain, 2),
        ("r", Form::Plain, 2),
        ("t", Form::Literal, 2),
        ("v", Form::Defined, 4),
        ("w", Form::Plain, 5),
    ];
    assert_eq!(told, expected);
    let of = |name: &str| found.references.iter().find(|r| r.name == name).cloned().unwrap();
    assert!(of("i").subscript && !of("a").subscript);
    assert!(of("w").conditional && !of("v").conditional);
    assert_eq!(&text[of("c").span], ":\"c\"");
}

#[test]
fn what_is_not_closed_is_told() {
    for (text, line, what) in [
        ("select 1;\nselect 'a\n;", 2, "quoted string"),
        ("select\nE'a\\'", 2, "quoted string"),
        ("select \"a", 1, "quoted identifier"),
        ("x;\n/* a /* */", 2, "comment"),
        ("select $a$ $b$", 1, "dollar-quoted string"),
        ("\\echo 'a\nb'", 1, "quoted argument"),
        ("\\echo `a\n", 1, "quoted argument"),
        ("x;\n\\if a\n\\if b\n\\endif\n", 2, "\\if"),
    ] {
        assert_eq!(scan(text), Err(Unterminated { line, what }), "{text:?}");
    }
}
