//! The programs leave nothing behind, after any mixture of successes, failures and kills.

use crate::support::project::with_own_cache;
use crate::support::trace::{has, nothing_left, private_directory, registered, signal};
use crate::support::{Sandbox, finish, wait_until};

/// Ends in the way that its variable `USE_MOCK` or the file `what` says.
const VERSATILE: &str = "CREATE TABLE t (x int) INHERITS (hectic.created_at);\n\
    SELECT :{?USE_MOCK} AS mock \\gset\n\
    \\if :mock\n\\! touch started-$PPID\nSELECT pg_sleep(3600);\n\\endif\n";

/// Kills a running check, so that its server has no parent.
fn killed(sandbox: &Sandbox) {
    let before = registered(sandbox).len();
    let check = sandbox.spawn("database", ["check", "-m"]);
    wait_until("the sources run", || has(&sandbox.path("project"), "started-"));
    signal("KILL", check.id());
    assert_eq!(finish(check, None).signal, Some(9));
    assert_eq!(registered(sandbox).len(), before + 1, "an orphan");
    for name in sandbox.entries("project").iter().filter(|name| name.starts_with("started-")) {
        std::fs::remove_file(sandbox.path("project").join(name)).unwrap();
    }
}

#[test]
fn the_next_run_removes_an_orphan() {
    let sandbox = with_own_cache(VERSATILE);
    killed(&sandbox);
    let orphan = private_directory(&sandbox).expect("its directory stays");
    let next = sandbox.database(["check"]).success();
    assert!(!orphan.exists(), "{next}");
    nothing_left(&sandbox);
}

#[test]
fn a_run_that_fails_or_has_another_tmpdir_removes_it_too() {
    let mut sandbox = with_own_cache(VERSATILE);
    killed(&sandbox);
    let elsewhere = sandbox.path("home/tmp");
    std::fs::create_dir(&elsewhere).unwrap();
    sandbox.set_temporary(&elsewhere);
    sandbox.write("project/db/src/entrypoint.sql", "SELEKT 1;\n");
    sandbox.database(["check"]).fails(1, ["SELEKT"]);
    assert_eq!(sandbox.entries("home/tmp"), Vec::<String>::new());
    nothing_left(&sandbox);
}

#[test]
fn a_mixture_leaves_nothing() {
    let sandbox = with_own_cache(VERSATILE);
    sandbox.database(["check"]).success();
    killed(&sandbox);
    let cut_short = sandbox.spawn("database", ["check", "-m"]);
    wait_until("the sources run", || has(&sandbox.path("project"), "started-"));
    signal("TERM", cut_short.id());
    sandbox.database(["check", "-i", "no.such"]).fails(5, ["no.such"]);
    assert_eq!(finish(cut_short, None).signal, Some(15));
    let together: Vec<_> = (0..3).map(|_| sandbox.spawn("database", ["check"])).collect();
    for check in together {
        finish(check, None).success();
    }
    nothing_left(&sandbox);
}

/// The check is killed at a random moment. It has no template, so that some moments lie in
/// `initdb`.
#[test]
fn killed_at_any_moment() {
    let mut sandbox = with_own_cache(VERSATILE);
    for template in ["on", "off"] {
        sandbox.set("PG_TEMPLATE", template);
        for things in 0..5 {
            let check = sandbox.spawn("database", ["check", "-m"]);
            wait_until("it got so far", || {
                let Some(private) = private_directory(&sandbox) else { return false };
                let data = private.join("data");
                match things {
                    0 => true,
                    1 => has(&private, "log"),
                    2 => has(&private, "data"),
                    3 => has(&data, "postmaster.pid"),
                    _ => has(&private, ".s.PGSQL."),
                }
            });
            signal("KILL", check.id());
            assert_eq!(finish(check, None).signal, Some(9));
            sandbox.database(["check"]).success();
            nothing_left(&sandbox);
        }
    }
}

/// An unfinished template is not used, and remains do not pile up.
#[test]
fn killed_while_building_the_template() {
    let mut sandbox = with_own_cache("SELECT 1;\n");
    let cold = sandbox.path("cold");
    sandbox.set("XDG_CACHE_HOME", &cold);
    let templates = || match cold.join("db-tool/template") {
        made if made.exists() => crate::support::entries(&made),
        _ => Vec::new(),
    };
    let check = sandbox.spawn("database", ["check"]);
    wait_until("it builds", || templates().iter().any(|name| name.ends_with(".new")));
    signal("KILL", check.id());
    finish(check, None);
    assert!(templates().iter().any(|name| name.ends_with(".new")), "{:?}", templates());
    sandbox.database(["check"]).success();
    let [template, lock] = &templates()[..] else { panic!("{:?}", templates()) };
    assert_eq!(*lock, format!("{template}.lock"));
    nothing_left(&sandbox);
}

/// An entry in the registry is no proof. db-tool removes only the directory that has the entry's
/// own name.
#[test]
fn a_forged_entry_removes_nothing() {
    let sandbox = with_own_cache("SELECT 1;\n");
    sandbox.write("home/precious/file", "");
    let precious = sandbox.path("home/precious");
    sandbox.write("cache/db-tool/running/db-tool-check-x", precious.to_str().unwrap());
    sandbox.write("cache/db-tool/running/db-tool-check-y", "");
    sandbox.write("cache/db-tool/running/db-tool-check-z", [0xff, 0xfe, b'\n', b'/']);
    sandbox.database(["check"]).success();
    assert_eq!(sandbox.entries("home/precious"), ["file"]);
}

#[test]
fn closed_streams_and_readers_that_leave() {
    let sandbox = with_own_cache("SELECT 1;\n");
    for script in [
        "database check >&-",
        "database check 2>&-",
        "database check <&-",
        "database check <&- >&- 2>&-",
        "database check | true",
        "database check 2>&1 | true",
        "database --verbose check 2>&1 | head -n 1",
    ] {
        sandbox.run("sh", ["-c", script]).success();
        nothing_left(&sandbox);
    }
}

#[test]
fn many_checks_at_once_with_orphans_about() {
    let sandbox = with_own_cache(VERSATILE);
    killed(&sandbox);
    let together: Vec<_> = (0..4).map(|_| sandbox.spawn("database", ["check"])).collect();
    for check in together {
        finish(check, None).success();
    }
    nothing_left(&sandbox);
}

/// An error does not show the whole of an invalid value, because it may be a password in the wrong
/// place.
#[test]
fn a_value_that_is_not_valid_is_not_shown_whole() {
    const SECRET: &str = "correct-horse-battery-staple";
    let mut sandbox = crate::support::project::with_source("SELECT 1;\n");
    sandbox.write("project/db/migration/.keep", "");
    let file = |text: &str| {
        let path = sandbox.write("wrong.toml", text.replace('?', SECRET));
        path.display().to_string()
    };
    let silent = |outcome: crate::support::Outcome, code: i32, words: &str| {
        assert!(!outcome.stderr.contains(SECRET), "{outcome}");
        outcome.fails(code, [words]);
    };
    for (text, words) in [
        ("wait = \"?\"\n", "wait is \"correct-hors…\""),
        ("\nlock_timeout = \"?\"\n", "lock_timeout is \"correct-hors…\""),
        ("\nvariables = \"?\"\n", "wrong.toml:2: invalid type: string \"correct-hors…\""),
        ("[variables]\n\"?\" = \"1\"\n", "is not a name for a psql variable"),
        ("[variables]\nAUTOCOMMIT = \"off\"\n", "AUTOCOMMIT is reserved"),
    ] {
        let file = file(text);
        silent(sandbox.run("migrator", ["-c", &file, "migrate", "up"]), 2, words);
    }
    silent(sandbox.run("migrator", ["--set", SECRET, "migrate", "up"]), 3, "has no value");
    silent(sandbox.database(["diff", "--fail-on", SECRET]), 9, "there is no class");
    for (name, words) in
        [("PG_PORT", "PG_PORT is"), ("PG_OS_USER", ""), ("PG_URL_VAR", "PG_URL_VAR is")]
    {
        sandbox.set(name, SECRET);
        let outcome = sandbox.init([]);
        assert!(!outcome.stderr.contains(SECRET) && outcome.stderr.contains(words), "{outcome}");
        sandbox.unset(name);
    }
}
