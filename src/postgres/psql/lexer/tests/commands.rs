//! Backslash commands.

use super::{check, script};
use crate::postgres::psql::lexer::{Meta, route};

fn metas(text: &str) -> Vec<Meta> {
    script(text).metas().cloned().collect()
}

/// The commands of a file with the arguments that psql would see. For an unknown value: `?` and the
/// argument as written.
fn commands(text: &str) -> Vec<String> {
    let argument = |argument: &crate::postgres::psql::lexer::Argument| match &argument.value {
        Some(value) => format!(" [{value}]"),
        None => format!(" ?{}{}", if argument.backquoted { "`" } else { "" }, argument.raw),
    };
    let show = |meta: &Meta| {
        format!("{}{}", meta.command, meta.arguments.iter().map(argument).collect::<String>())
    };
    metas(text).iter().map(show).collect()
}

fn check_commands(corpus: &[(&str, &[&str])]) {
    for (text, expected) in corpus {
        assert_eq!(commands(text), *expected, "{text:?}");
    }
}

#[test]
fn arguments_are_unquoted() {
    check_commands(&[
        ("\\echo a  b;c\t'd e'\r\n", &["echo [a] [b;c] [d e]"]),
        ("\\set x 'a''b\\'c\\n\\t\\x41\\101\\q'", &["set [x] [a'b'c\n\tAAq]"]),
        ("\\set x '\\xc3\\xa4' '\\xff'", &["set [x] [ä] ?'\\xff'"]),
        ("\\echo \"a 'b\"c \"`d`\" '`e`'", &["echo [\"a 'b\"c] [\"`d`\"] [`e`]"]),
        ("\\echo x'y z'w `a b`c", &["echo [xy zw] ?``a b`c"]),
        (
            "\\echo :a :'b' :\"c\" :{?d} :: 'x':e ':f'",
            &["echo ?:a ?:'b' ?:\"c\" ?:{?d} [::] ?'x':e [:f]"],
        ),
        ("\\set x ''\n\\set x", &["set [x] []", "set [x]"]),
    ]);
}

#[test]
fn a_command_ends_at_a_backslash_or_with_its_line() {
    check_commands(&[
        ("\\echo a\\echo b\\\\select 1;", &["echo [a]", "echo [b]"]),
        ("\\x\\q;\\!true\\", &["x", "q;", "!true", ""]),
        ("select 1\\g\\gx", &["g", "gx"]),
        ("\\g;\n\\o|cat", &["g;", "o|cat"]),
        ("-- \\a\n/* \\b */ select '\\c', $$\\d$$ \\; \\e", &["e"]),
    ]);
    check(&[
        ("select 1; \\echo a;b 'c;' \\\\ select 2; \\echo d;", &["select 1;", "select 2;"]),
        ("select 1, \\echo 'a\\\\' \\\\ 2; x;", &["select 1, \\echo 'a\\\\' \\\\ 2;", "x;"]),
        ("\\echo \"a'b\" \\\\ select 1;", &["select 1;"]),
        ("\\echo a;\nselect 1;", &["select 1;"]),
    ]);
}

#[test]
fn some_commands_take_the_whole_line() {
    check_commands(&[
        ("\\! echo 'a \\\\ select 1; \r\n", &["! [echo 'a \\\\ select 1; ]"]),
        ("\\copy t from 'a b' `c` :d", &["copy [t from 'a b' `c` :d]"]),
        ("\\ef f 'a", &["ef [f 'a]"]),
        ("\\h alter\\a", &["h [alter\\a]"]),
        ("\\!\nx", &["!"]),
    ]);
}

#[test]
fn a_pipe_takes_the_rest_of_the_line() {
    check_commands(&[
        ("\\o |cat \\\\ 'x", &["o [|cat \\\\ 'x]"]),
        ("\\o '|cat' x", &["o [|cat] [x]"]),
        ("\\o a |b \\\\ x", &["o [a] [|b]"]),
        ("\\w | cat > `x", &["w [| cat > `x]"]),
        ("select 1 \\g |cat \\\\ x", &["g [|cat \\\\ x]"]),
        ("select 1 \\gx (a=b c=d) |cat \\x", &["gx [(a=b] [c=d)] [|cat \\x]"]),
        ("select 1 \\g (a=b) c |d \\x", &["g [(a=b)] [c] [|d]", "x"]),
        ("\\echo |a \\x", &["echo [|a]", "x"]),
    ]);
}

#[test]
fn commands_send_or_drop_what_was_collected() {
    check(&[
        (
            "select 1 \\g\nselect 2 \\gset p_\nselect 3 \\gexec\nselect 4 \\watch 1\nx;",
            &[
                "select 1 <command>",
                "select 2 <command>",
                "select 3 <command>",
                "select 4 <command>",
                "x;",
            ],
        ),
        ("select (1 \\g\nselect 3; x;", &["select (1 <command>", "select 3;", "x;"]),
        ("select $1 \\bind 1 \\g\nx;", &["select $1 <command>", "x;"]),
        (
            "create function f() begin atomic \\g\nx; y;",
            &["create function f() begin atomic <command>", "x;", "y;"],
        ),
        (
            "select 1 \\r\nselect (2 \\reset\nx; y;",
            &["select 1 <reset>", "select (2 <reset>", "x;", "y;"],
        ),
        ("select 1 \\p \\; select 2;", &["select 1 \\p \\;", "select 2;"]),
        ("copy c from stdin \\gdesc\nx;", &["copy c from stdin <command>", "x;"]),
    ]);
}

#[test]
fn data_follows_copy_commands() {
    let data = |text: &str| {
        let found = metas(text).into_iter().filter_map(|meta| meta.copy_data);
        found.map(|data| text[data].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(data("\\copy c from stdin\na;\n\\.\nx;"), ["a;\n\\."]);
    assert_eq!(data("\\copy (select 1) to stdout\na;"), [""; 0]);
    assert_eq!(data("\\copy c(a) FROM STDIN csv;\na;\n"), ["a;\n"]);
    assert_eq!(data("\\copy c from pstdin\na;"), [""; 0]);
    // `\g` without a statement sends the last one again, including its data
    assert_eq!(data("copy c from stdin;\na\n\\.\n\\g\nb;\n\\.\nx;"), ["b;\n\\."]);
    assert_eq!(data("select 1;\n\\g\nb;"), [""; 0]);
}

#[test]
fn a_route_tells_the_other_side() {
    let told = |text| route(text).map(|route| (route.from, route.end));
    assert_eq!(told("t from program 'x'"), Some((true, "program")));
    assert_eq!(told("s.\"from\" (a, b) To PSTDOUT;"), Some((false, "PSTDOUT")));
    assert_eq!(told("(select * from stdin) to 'a b'"), Some((false, "'a")));
    assert_eq!(told("t"), None);
}

#[test]
fn each_branch_begins_with_what_there_was_before() {
    check(&[
        (
            "select (1\n\\if :a\n+ 2)\n\\elif :b\n+ 3)\n\\else\n)\n\\endif\n; x;",
            &["select (1\n\\if :a\n+ 2)\n\\elif :b\n+ 3)\n\\else\n)\n\\endif\n;", "x;"],
        ),
        (
            "select 1\n\\if :a\n;\n\\else\n, 2;\n\\endif\nx;",
            &["select 1\n\\if :a\n;", "select 1\n\\if :a\n;\n\\else\n, 2;", "x;"],
        ),
        (
            "\\if :a\nselect (\n\\else\nx;\n\\endif\n1); y;",
            &["select (\n\\else\nx;\n\\endif\n1);", "x;", "y;"],
        ),
    ]);
}

#[test]
fn items_tell_how_deep_in_conditions_they_are() {
    let text = "a;\n\\if 1\nb;\n\\if 2\n\\x\nc\n\\endif\n;\n\\else\nd;\n\\endif\ne;";
    let found = script(text);
    let told: Vec<_> = found.statements().map(|s| (s.words[0].as_str(), s.conditional)).collect();
    assert_eq!(told, [("A", 0), ("B", 1), ("C", 2), ("D", 1), ("E", 0)]);
    let told: Vec<_> = found.metas().map(|m| (m.command.as_str(), m.conditional)).collect();
    assert_eq!(told, [("if", 0), ("if", 1), ("x", 2), ("endif", 1), ("else", 0), ("endif", 0)]);
}

#[test]
fn a_command_has_a_place() {
    let text = "\u{feff}x;\n  \\echo a 'b'  \r\n";
    let found = metas(text);
    assert_eq!((found[0].line, &text[found[0].span.clone()]), (2, "\\echo a 'b'"));
}
