//! Rules about who may name whom.

use super::path;
use super::source::Source;
use super::{Rule, Violation};

/// Every rule of this file.
pub(crate) const RULES: &[Rule] = &[
    only_cli_talks,
    only_process_starts_programs,
    only_the_session_is_async,
    cluster_is_vanilla,
    arrows_point_down,
    verbs_do_not_call_each_other,
    pure_modules_do_no_io,
    programs_only_call_cli,
    tests_use_the_programs_only,
];

/// Modules that compute and nothing else, wherever they are.
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

/// Only `process` starts programs.
fn only_process_starts_programs(source: &Source) -> Vec<Violation> {
    if !source.path.starts_with("src/") || source.is_module("process") {
        return Vec::new();
    }
    let named = path::named(&source.code);
    let ours = named.iter().any(|(_, path)| path.join("::") == "crate::process::Command");
    naming(source, "only `process` starts programs: call it", |path| {
        let calls = ["execv", "execve", "execvp", "fork", "posix_spawn"];
        path[0] == "duct"
            || starts(path, &["std", "process", "Command"])
            || starts(path, &["Command", "new"]) && !ours
            || starts(path, &["nix", "unistd"]) && calls.contains(&path[path.len() - 1])
    })
}

/// Async code stays in the files that hold the connection.
fn only_the_session_is_async(source: &Source) -> Vec<Violation> {
    let homes = ["src/postgres/session", "src/postgres/sql_error", "src/postgres/tls"];
    if !source.path.starts_with("src/") || homes.iter().any(|h| source.path.starts_with(h)) {
        return Vec::new();
    }
    let crates = ["tokio", "tokio_postgres", "tokio_postgres_rustls"];
    naming(source, "async and the driver stay in postgres/session: use `Session`", |path| {
        crates.contains(&path[0])
    })
}

/// `postgres-init` provisions vanilla PostgreSQL.
fn cluster_is_vanilla(source: &Source) -> Vec<Violation> {
    if !source.is_module("cluster") {
        return Vec::new();
    }
    let nouns = ["bundle", "migration", "patch", "secret", "source"];
    naming(source, "cluster/ knows plain PostgreSQL only: compose the two in command/", |path| {
        path[0] == "crate" && path.get(1).is_some_and(|module| nouns.contains(module))
    })
}

/// A layer names only what is below it, or beside it.
fn arrows_point_down(source: &Source) -> Vec<Violation> {
    let Some(own) = module(source).map(level) else { return Vec::new() };
    naming(source, "arrows point down only: hand the value in from above", |path| {
        path[0] == "crate" && path.get(1).is_some_and(|module| level(module) > own)
    })
}

/// The height of a top-level module; nouns are in the middle.
fn level(module: &str) -> usize {
    match module {
        "cli" => 4,
        "command" => 3,
        "postgres" => 1,
        "process" | "signal" | "error" => 0,
        // A type or a function at the top of the crate has no height.
        other if other.starts_with(char::is_uppercase) => 0,
        _ => 2,
    }
}

/// The top-level module that a file belongs to; none for `lib.rs` and the programs.
fn module(source: &Source) -> Option<&str> {
    let rest = source.path.strip_prefix("src/")?;
    let name = rest.split(['/', '.']).next()?;
    (!["lib", "bin"].contains(&name)).then_some(name)
}

/// A verb may call `deploy`; otherwise verbs do not call each other.
fn verbs_do_not_call_each_other(source: &Source) -> Vec<Violation> {
    let Some(verb) = source.path.strip_prefix("src/command/").filter(|v| *v != "mod.rs") else {
        return Vec::new();
    };
    let own = verb.split(['/', '.']).next().unwrap_or_default().to_owned();
    // The last segment is a helper in mod.rs when it stands alone, a verb's module when it does not.
    let other = |module: &str| ![own.as_str(), "deploy", "self"].contains(&module);
    let lower = |module: &str| module.starts_with(char::is_lowercase);
    naming(source, "verbs do not call each other: share it through a noun or `deploy`", |path| {
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
            || starts(path, &["crate", "process"])
            || starts(path, &["crate", "postgres", "session"])
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

/// The integration tests see what a user sees.
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

/// A violation for every line of code with one of `words` that does not continue a longer name.
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
        assert_eq!(lines(only_cli_talks, "src/cli/ui.rs", red), [0; 0]);
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
        assert_eq!(lines(rule, "src/process.rs", red), [0; 0]);
        assert_eq!(lines(rule, "src/process/detached.rs", red), [0; 0]);
        assert_eq!(lines(rule, "src/processing.rs", red), [1, 2, 3, 4]);
        let green = "use crate::process::{Command, Output};\nlet c = Command::new(x);\n";
        assert_eq!(lines(rule, "src/cluster/mod.rs", green), [0; 0]);
    }

    #[test]
    fn only_the_session_may_be_async() {
        let red = "use tokio_postgres::Client;\nlet r = tokio::runtime::Builder::new();\n";
        let rule = only_the_session_is_async;
        assert_eq!(lines(rule, "src/postgres/script.rs", red), [1, 2]);
        for home in ["session.rs", "session/connect.rs", "tls.rs", "sql_error.rs"] {
            assert_eq!(lines(rule, &format!("src/postgres/{home}"), red), [0; 0]);
        }
    }

    #[test]
    fn cluster_may_not_know_the_bundle() {
        let red = "use crate::{bundle::Bundle, error::Error};\nlet s = crate::secret::load();\n";
        assert_eq!(lines(cluster_is_vanilla, "src/cluster/template.rs", red), [1, 2]);
        assert_eq!(lines(cluster_is_vanilla, "src/command/deploy.rs", red), [0; 0]);
        let green = "let source = error.source();\nuse std::error::Error;\n";
        assert_eq!(lines(cluster_is_vanilla, "src/cluster/mod.rs", green), [0; 0]);
    }

    #[test]
    fn arrows_may_not_point_up() {
        let red = "use crate::cli::Ui;\n";
        for path in ["src/command/check.rs", "src/bundle.rs", "src/error.rs"] {
            assert_eq!(lines(arrows_point_down, path, red), [1], "{path}");
        }
        assert_eq!(lines(arrows_point_down, "src/postgres/url.rs", "use crate::bundle::B;"), [1]);
        assert_eq!(lines(arrows_point_down, "src/signal.rs", "use crate::postgres::U;"), [1]);
        let green = "use crate::{error::Result, postgres::Session, workspace::W};";
        assert_eq!(lines(arrows_point_down, "src/bundle.rs", green), [0; 0]);
        assert_eq!(lines(arrows_point_down, "src/cli/mod.rs", red), [0; 0]);
    }

    #[test]
    fn a_verb_may_call_deploy_only() {
        let rule = verbs_do_not_call_each_other;
        let red = "use super::hydrate::run;\nlet x = crate::command::patch::apply();\n";
        assert_eq!(lines(rule, "src/command/check.rs", red), [1, 2]);
        let green = "use super::{Report, deploy, deploy::apply};\nuse crate::command::shared;\n";
        assert_eq!(lines(rule, "src/command/check.rs", green), [0; 0]);
    }

    #[test]
    fn a_pure_module_may_not_touch_the_world() {
        let red = "use std::fs::File;\nuse std::net::TcpStream;\npath.exists();\nfs::read(p);\n";
        for path in ["src/cluster/conf.rs", "src/drift/render.rs", "src/postgres/url.rs"] {
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
