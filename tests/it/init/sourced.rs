//! `postgres-init` as in the Nix package: a script that can be sourced, here around the program
//! under test. `nix/test/wrapper.sh` tests it in more shells and under harder conditions.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Outcome, Sandbox, bindir, entries, program, repository};

/// A sandbox with the script, which finds PostgreSQL by itself.
fn with_script() -> Sandbox {
    let mut sandbox = Sandbox::with_cluster();
    let script = std::fs::read_to_string(repository().join("nix/postgres-init.sh")).unwrap();
    let path = sandbox.path("package/postgres-init");
    let script = script
        .replace("@shell@", "/bin/sh")
        .replace("@self@", path.to_str().unwrap())
        .replace("@program@", &program("postgres-init"))
        .replace("@postgresql@", bindir().to_str().unwrap());
    assert!(!script.contains(" @"), "all is filled in");
    sandbox.write("package/postgres-init", script);
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    sandbox.unset("PG_BINDIR");
    sandbox
}

fn run(sandbox: &Sandbox, shell: &str, line: &str) -> Outcome {
    let script = sandbox.path("package/postgres-init");
    sandbox.run(shell, ["-c", &line.replace("SCRIPT", script.to_str().unwrap())])
}

#[test]
fn sourced_it_exports_the_connection_and_psql() {
    let mut sandbox = with_script();
    let working = sandbox.path("it's a \"directory\" with $(touch pwned)");
    sandbox.unset("PG_WORKING_DIR");
    for shell in ["sh", "bash"] {
        let line = format!(
            "set -eu -- --help; PG_REUSE=1 PG_WORKING_DIR='{}'; . SCRIPT\n\
             psql -At \"$PGURL\" -c 'SELECT 40 + 2'; echo \"$@\" \"$POSTGRESQL_HOST\"",
            working.to_str().unwrap().replace('\'', r"'\''")
        );
        let said = run(&sandbox, shell, &line).success().stdout;
        assert_eq!(said, format!("42\n--help {}\n", working.join("sock").display()), "{shell}");
    }
    assert!(!entries(&sandbox.path("")).contains(&"pwned".to_owned()));
    sandbox.set("PG_WORKING_DIR", &working);
    sandbox.run("postgres-cleanup", [""; 0]).success();
}

#[test]
fn a_failure_leaves_the_shell_alive_and_is_its_status() {
    let mut sandbox = with_script();
    sandbox.unset("PG_WORKING_DIR");
    for shell in ["sh", "bash"] {
        let said = run(&sandbox, shell, ". SCRIPT; echo $? ${PGURL-none}").success();
        assert_eq!(said.stdout, "3 none\n", "{shell}");
        assert!(said.stderr.contains("PG_WORKING_DIR"), "{said}");
    }
}

#[test]
fn run_it_is_the_program() {
    let sandbox = with_script();
    let exported = run(&sandbox, "sh", "SCRIPT --export json; SCRIPT --frobnicate; echo $?");
    let exported = exported.success().stdout;
    assert!(exported.starts_with('{') && exported.ends_with("}\n9\n"), "{exported}");
}

#[test]
fn each_setting_of_the_cluster_needs_no_export() {
    let script = std::fs::read_to_string(repository().join("nix/postgres-init.sh")).unwrap();
    let help = Sandbox::new().init(["--help"]).success().stdout;
    let names = help.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(" [default"));
    let settings: Vec<&str> =
        names.map(|(name, _)| name).filter(|name| name.starts_with("PG_")).collect();
    assert!(settings.len() > 10, "{settings:?}");
    for name in settings.into_iter().chain(["LOCAL_DIR", "DB_URL"]) {
        assert!(script.split_whitespace().any(|word| word.trim_end_matches(';') == name), "{name}");
    }
}
