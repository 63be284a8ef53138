//! Rules about which module may name which.

use super::path;
use super::source::Source;
use super::{Rule, Violation};

/// Every rule of this file.
pub(crate) const RULES: &[Rule] = &[
    only_cli_talks,
    only_process_starts_programs,
    files_are_opened_with_care,
    only_the_session_is_async,
    arrows_are_listed,
    verbs_do_not_call_each_other,
    pure_modules_do_no_io,
    programs_only_call_cli,
    tests_use_the_programs_only,
];

/// Modules that only compute, at any place in the tree.
const PURE: [&str; 7] = ["conf", "draft", "drift", "exit", "layout", "plan", "url"];

/// Below `cli/`: no clap, no environment, no printing, no exit.
fn only_cli_talks(source: &Source) -> Vec<Violation> {
    if !source.path.starts_with("src/") || source.is_module("cli") {
        return Vec::new();
    }
    let crates = ["clap", "anstream", "anstyle", "indicatif"];
    let mut found = naming(source, "only cli/ talks to a person: return data instead", |path| {
        crates.contains(&path[0])
            || starts(path, &["std", "process", "exit"])
            || starts(path, &["process", "exit"])
    });
    let environment = "only cli/ reads the environment: take the value as an argument";
    found.extend(naming(source, environment, |path| {
        let constant = path.get(2) == Some(&"consts");
        starts(path, &["std", "env"]) && !constant || path[0] == "env" && path.len() > 1
    }));
    let macros = ["print!", "println!", "eprint!", "eprintln!"];
    found.extend(containing(source, &macros, "only cli/ prints: return data instead"));
    found
}

/// Only `sys::process` starts programs.
fn only_process_starts_programs(source: &Source) -> Vec<Violation> {
    if !source.path.starts_with("src/") || source.is_module("sys/process") {
        return Vec::new();
    }
    let named = path::named(&source.code);
    let ours = named.iter().any(|(_, path)| path.join("::") == "crate::sys::process::Command");
    naming(source, "only `sys::process` starts programs: call it", |path| {
        let calls = ["execv", "execve", "execvp", "fork", "posix_spawn"];
        path[0] == "duct"
            || starts(path, &["std", "process", "Command"])
            || starts(path, &["Command", "new"]) && !ours
            || starts(path, &["nix", "unistd"]) && calls.contains(&path[path.len() - 1])
    })
}

/// Files that may open files in their own way, each with the reason.
const OPENERS: [(&str, &str); 5] = [
    ("src/cli/prompt.rs", "the terminal"),
    ("src/cluster/template/copy.rs", "a file of the manifest, without links and without waiting"),
    ("src/cluster/template/trim.rs", "a directory"),
    ("src/sys/no_follow.rs", "files without links and without waiting"),
    ("src/sys/signal.rs", "the system's description of this process"),
];

/// The owner of a directory can put a pipe, which blocks, or a file that has no end in the place of
/// a file.
fn files_are_opened_with_care(source: &Source) -> Vec<Violation> {
    let exempt = OPENERS.iter().any(|(path, _)| *path == source.path);
    if !source.path.starts_with("src/") || source.is_module("sys/process") || exempt {
        return Vec::new();
    }
    let advice = "it may block or have no end: use `process::read_regular`, `read_text`, \
                  `open_regular` or `open_directory`, or `no_follow` where another user could put \
                  a link";
    let mut found = naming(source, advice, |path| {
        let [.., module, function] = path else { return false };
        *module == "fs" && ["copy", "read", "read_to_string"].contains(function)
            || *module == "File" && *function == "open"
    });
    found.extend(containing(source, &[".read(true)", "O_NOFOLLOW"], advice));
    found
}

/// Async code stays in the files that hold the connection.
fn only_the_session_is_async(source: &Source) -> Vec<Violation> {
    let homes =
        ["src/postgres/connection/session", "src/postgres/connection/tls", "src/postgres/error"];
    if !source.path.starts_with("src/") || homes.iter().any(|h| source.path.starts_with(h)) {
        return Vec::new();
    }
    let crates = ["tokio", "tokio_postgres", "tokio_postgres_rustls"];
    naming(source, "async and the driver stay in postgres/connection: use `Session`", |path| {
        crates.contains(&path[0])
    })
}

/// The rooms that each room may name, and no others. `cluster` may not name the bundle or a project:
/// `postgres-init` provisions vanilla PostgreSQL.
const ARROWS: [(&str, &[&str]); 14] = [
    (
        "cli",
        &[
            "command",
            "environment",
            "project",
            "compare",
            "migration",
            "backup",
            "pull",
            "secret",
            "bundle",
            "cluster",
            "postgres",
            "sys",
        ],
    ),
    (
        "command",
        &[
            "environment",
            "project",
            "compare",
            "migration",
            "backup",
            "pull",
            "secret",
            "bundle",
            "cluster",
            "postgres",
            "sys",
        ],
    ),
    ("environment", &["backup", "bundle", "cluster", "postgres", "sys"]),
    ("project", &["migration", "pull", "postgres", "sys"]),
    ("compare", &["postgres", "sys"]),
    ("migration", &["bundle", "postgres", "sys"]),
    ("backup", &["cluster", "postgres", "sys"]),
    ("pull", &["postgres", "sys"]),
    ("secret", &["cluster", "postgres", "sys"]),
    ("bundle", &["postgres", "sys"]),
    ("cluster", &["postgres", "sys"]),
    ("postgres", &["sys"]),
    ("sys", &[]),
    ("lib", &[]),
];

/// A room names only the rooms that the list gives it.
fn arrows_are_listed(source: &Source) -> Vec<Violation> {
    let Some(own) = module(source) else { return Vec::new() };
    let Some((_, allowed)) = ARROWS.iter().find(|(room, _)| *room == own) else {
        let what = format!("`{own}` is not a room: put the file into one, or list it in ARROWS");
        return vec![Violation::new(source, 1, what)];
    };
    naming(source, "ARROWS does not list this: hand the value in from above", |path| {
        path[0] == "crate" && path.get(1).is_some_and(|to| *to != own && !allowed.contains(to))
    })
}

/// The room that a file belongs to; none for the programs.
fn module(source: &Source) -> Option<&str> {
    let rest = source.path.strip_prefix("src/")?;
    let name = rest.split(['/', '.']).next()?;
    (name != "bin").then_some(name)
}

/// A verb may call `content`; otherwise verbs do not call each other.
fn verbs_do_not_call_each_other(source: &Source) -> Vec<Violation> {
    let Some(verb) = source.path.strip_prefix("src/command/").filter(|v| *v != "mod.rs") else {
        return Vec::new();
    };
    let own = verb.split(['/', '.']).next().unwrap_or_default().to_owned();
    // The last segment is a helper in mod.rs when it stands alone, a verb's module when it does not.
    let other = |module: &str| ![own.as_str(), "content", "self"].contains(&module);
    let lower = |module: &str| module.starts_with(char::is_lowercase);
    naming(source, "verbs do not call each other: share it through a noun or `content`", |path| {
        let rest = match path {
            ["crate", "command", rest @ ..] => rest,
            ["super", rest @ ..] if !verb.contains('/') => rest,
            _ => return false,
        };
        rest.len() > 1 && lower(rest[0]) && other(rest[0])
    })
}

/// Modules that are tested without a server, a file or a socket.
fn pure_modules_do_no_io(source: &Source) -> Vec<Violation> {
    let Some(inside) = source.path.strip_prefix("src/").and_then(|p| p.strip_suffix(".rs")) else {
        return Vec::new();
    };
    if !inside.split('/').any(|part| PURE.contains(&part)) {
        return Vec::new();
    }
    let advice = "this module is pure: let the caller do the input and output";
    let types = ["File", "OpenOptions", "TcpStream", "UnixListener", "UnixStream"];
    let mut found = naming(source, advice, |path| {
        let address = path.get(2).is_some_and(|name| name.ends_with("Addr"));
        starts(path, &["std", "fs"])
            || starts(path, &["std", "net"]) && !address
            || path[0] == "fs"
            || types.contains(&path[path.len() - 1])
            || path.len() > 1 && types.contains(&path[path.len() - 2])
            || starts(path, &["crate", "sys", "process"])
            || starts(path, &["crate", "postgres", "connection", "session"])
    });
    let methods =
        [".canonicalize(", ".exists(", ".is_dir(", ".is_file(", ".metadata(", ".read_dir("];
    found.extend(containing(source, &methods, advice));
    found
}

/// A program is one expression: a call of `cli`.
fn programs_only_call_cli(source: &Source) -> Vec<Violation> {
    if !source.path.starts_with("src/bin/") {
        return Vec::new();
    }
    naming(source, "a program only calls `db_tool::cli`: move the rest there", |path| {
        path[0] == "db_tool" && path.get(1) != Some(&"cli")
            || path.len() > 1 && !["db_tool", "std"].contains(&path[0])
            || path[0] == "std" && path[1..] != ["process", "ExitCode"]
    })
}

/// The integration tests see only the output and the files that a user sees.
fn tests_use_the_programs_only(source: &Source) -> Vec<Violation> {
    if !source.path.starts_with("tests/it/") {
        return Vec::new();
    }
    naming(source, "tests/it uses the programs and sql/ only: run the program instead", |path| {
        path[0] == "db_tool"
    })
}

/// A violation for every path that `banned` holds for.
fn naming(source: &Source, what: &str, banned: impl Fn(&[&str]) -> bool) -> Vec<Violation> {
    let named = path::named(&source.code).into_iter();
    let hits =
        named.filter(|(_, path)| banned(&path.iter().map(String::as_str).collect::<Vec<_>>()));
    hits.map(|(line, path)| {
        Violation::new(source, line, format!("names `{}`; {what}", path.join("::")))
    })
    .collect()
}

/// A violation for every line of code that has one of `words` as a whole name.
fn containing(source: &Source, words: &[&str], what: &str) -> Vec<Violation> {
    let continues = |before: &str, word: &str| {
        !word.starts_with('.') && before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
    };
    let mut found = Vec::new();
    for (index, line) in source.code.lines().enumerate() {
        for word in words {
            if line.match_indices(word).any(|(at, _)| !continues(&line[..at], word)) {
                found.push(Violation::new(source, index + 1, format!("has `{word}`; {what}")));
            }
        }
    }
    found
}

fn starts(path: &[&str], prefix: &[&str]) -> bool {
    path.starts_with(prefix)
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;

    #[test]
    fn only_cli_may_talk() {
        let red = "use std::{env, fs};\nfn f() {\n    println!();\n    env::var();\n    \
                   std::process::exit(1)\n}\nuse clap::Parser;\n";
        let mut found = lines(only_cli_talks, "src/command/check.rs", red);
        found.sort_unstable();
        assert_eq!(found, [1, 3, 4, 5, 7]);
        assert_eq!(lines(only_cli_talks, "src/cli/output/ui.rs", red), [0; 0]);
        let green = "// println!\nfn f() -> &str { \"std::env\" }\nwriteln!(out);\nprocess::run();\n\
                     std::env::consts::ARCH;\n";
        assert_eq!(lines(only_cli_talks, "src/command/check.rs", green), [0; 0]);
    }

    #[test]
    fn only_process_may_start_programs() {
        let red = "use duct::cmd;\nlet c = Command::new(x);\nuse std::process::Command;\n\
                   use nix::unistd::{self, fork};\n";
        let rule = only_process_starts_programs;
        assert_eq!(lines(rule, "src/cluster/mod.rs", red), [1, 2, 3, 4]);
        assert_eq!(lines(rule, "src/sys/process.rs", red), [0; 0]);
        assert_eq!(lines(rule, "src/sys/process/detached.rs", red), [0; 0]);
        assert_eq!(lines(rule, "src/sys/processing.rs", red), [1, 2, 3, 4]);
        let green = "use crate::sys::process::{Command, Output};\nlet c = Command::new(x);\n";
        assert_eq!(lines(rule, "src/cluster/mod.rs", green), [0; 0]);
    }

    #[test]
    fn files_may_only_be_opened_with_care() {
        let rule = files_are_opened_with_care;
        let red = "use std::fs::{File, read};\nFile::open(p);\nfs::read_to_string(p);\n\
                   std::fs::copy(a, b);\nOpenOptions::new().read(true).open(p);\n\
                   custom_flags(O_NOFOLLOW);\n";
        let mut found = lines(rule, "src/secret/load.rs", red);
        found.sort_unstable();
        assert_eq!(found, [1, 2, 3, 4, 5, 6]);
        for exempt in ["src/sys/process/input.rs", "src/sys/no_follow.rs", "tests/it/main.rs"] {
            assert_eq!(lines(rule, exempt, red), [0; 0], "{exempt}");
        }
        let green = "crate::process::read_regular(p);\nFile::create_new(p);\nfs::read_dir(p);\n";
        assert_eq!(lines(rule, "src/secret/load.rs", green), [0; 0]);
    }

    #[test]
    fn only_the_session_may_be_async() {
        let red = "use tokio_postgres::Client;\nlet r = tokio::runtime::Builder::new();\n";
        let rule = only_the_session_is_async;
        assert_eq!(lines(rule, "src/postgres/psql/script.rs", red), [1, 2]);
        for home in [
            "connection/session.rs",
            "connection/session/connect.rs",
            "connection/tls.rs",
            "error/mod.rs",
        ] {
            assert_eq!(lines(rule, &format!("src/postgres/{home}"), red), [0; 0]);
        }
    }

    #[test]
    fn an_arrow_has_to_be_listed() {
        let rule = arrows_are_listed;
        let red =
            "use crate::{bundle::Bundle, sys::error::Error};\nlet s = crate::secret::load();\n";
        assert_eq!(lines(rule, "src/cluster/template/cache.rs", red), [1, 2]);
        assert_eq!(lines(rule, "src/command/deploy.rs", red), [0; 0]);
        for path in ["src/command/check.rs", "src/bundle/mod.rs", "src/sys/error.rs"] {
            assert_eq!(lines(rule, path, "use crate::cli::Ui;\n"), [1], "{path}");
        }
        assert_eq!(lines(rule, "src/sys/signal.rs", "use crate::postgres::U;"), [1]);
        assert_eq!(lines(rule, "src/loose.rs", ""), [1]);
        let green = "use std::error::Error;\nuse crate::cluster::spec;\nuse crate::sys::error;\n";
        assert_eq!(lines(rule, "src/cluster/mod.rs", green), [0; 0]);
    }

    #[test]
    fn the_listed_arrows_make_no_circle() {
        for (at, (room, allowed)) in ARROWS.iter().enumerate() {
            let below: Vec<_> = ARROWS[at + 1..].iter().map(|(room, _)| room).collect();
            assert!(allowed.iter().all(|to| below.contains(&to)), "{room} stands above its arrows");
        }
    }

    #[test]
    fn a_verb_may_call_content_only() {
        let rule = verbs_do_not_call_each_other;
        let red = "use super::hydrate::run;\nlet x = crate::command::patch::apply();\n";
        assert_eq!(lines(rule, "src/command/check.rs", red), [1, 2]);
        let green =
            "use super::{Report, content, content::Content};\nuse crate::command::shared;\n";
        assert_eq!(lines(rule, "src/command/check.rs", green), [0; 0]);
    }

    #[test]
    fn a_pure_module_may_not_touch_the_world() {
        let red = "use std::fs::File;\nuse std::net::TcpStream;\npath.exists();\nfs::read(p);\n";
        for path in
            ["src/cluster/conf.rs", "src/compare/drift/render.rs", "src/postgres/connection/url.rs"]
        {
            let mut found = lines(pure_modules_do_no_io, path, red);
            found.sort_unstable();
            assert_eq!(found, [1, 2, 3, 4], "{path}");
        }
        assert_eq!(lines(pure_modules_do_no_io, "src/cluster/mod.rs", red), [0; 0]);
        let green = "use std::process::ExitCode;\nuse std::path::Path;\nuse std::net::IpAddr;\n";
        assert_eq!(lines(pure_modules_do_no_io, "src/cli/exit.rs", green), [0; 0]);
    }

    #[test]
    fn a_program_may_only_call_cli() {
        let rule = programs_only_call_cli;
        let red = "use db_tool::error::Error;\nfn main() { std::env::args(); }\n";
        assert_eq!(lines(rule, "src/bin/database.rs", red), [1, 2]);
        let green =
            "fn main() -> std::process::ExitCode {\n    db_tool::cli::database::main()\n}\n";
        assert_eq!(lines(rule, "src/bin/database.rs", green), [0; 0]);
    }

    #[test]
    fn the_integration_tests_may_not_use_the_library() {
        let red = "use db_tool::postgres::PgUrl;\n";
        assert_eq!(lines(tests_use_the_programs_only, "tests/it/main.rs", red), [1]);
        assert_eq!(lines(tests_use_the_programs_only, "tests/docs.rs", red), [0; 0]);
    }
}
