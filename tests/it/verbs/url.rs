//! `database url`: the connection, without a password.

use crate::support::{Sandbox, project};

#[test]
fn a_password_is_never_printed() {
    let mut sandbox = Sandbox::new();
    for (given, expected) in [
        ("postgresql://u:hush@h.example:5433/d", "postgresql://u@h.example:5433/d\n"),
        ("postgresql://u@h.example/d?password=hush", "postgresql://u@h.example/d\n"),
        (
            "postgresql://u:hu%20sh@h.example/d?sslmode=require",
            "postgresql://u@h.example/d?sslmode=require\n",
        ),
        ("host=h.example user=u password='hush' dbname=d", "postgresql://u@h.example/d\n"),
    ] {
        sandbox.set("DB_URL", given);
        let shown = sandbox.database(["url"]).success();
        assert_eq!((shown.stdout.as_str(), shown.stderr.as_str()), (expected, ""));
    }
}

#[test]
fn the_argument_beats_db_url_beats_pgurl() {
    let mut sandbox = Sandbox::new();
    let url = |sandbox: &Sandbox| sandbox.database(["url"]).success().stdout;
    sandbox.database(["url"]).fails(3, ["--url, DB_URL and PGURL are all unset"]);
    sandbox.set("PGURL", "postgresql://u@third.example/d");
    assert_eq!(url(&sandbox), "postgresql://u@third.example/d\n");
    sandbox.set("DB_URL", "postgresql://u@second.example/d");
    assert_eq!(url(&sandbox), "postgresql://u@second.example/d\n");
    let first = "postgresql://u@first.example/d";
    assert_eq!(sandbox.database(["-u", first, "url"]).success().stdout, format!("{first}\n"));
    assert_eq!(sandbox.database(["url", "--url", first]).success().stdout, format!("{first}\n"));
}

#[test]
fn it_leads_to_the_socket_of_a_directory_that_is_too_long() {
    let mut sandbox = project::with_source("");
    let long = sandbox.path(&"long".repeat(30));
    sandbox.set("PG_WORKING_DIR", &long);
    sandbox.set("DB_URL", format!("postgresql://dev@localhost/app?host={}", long.display()));
    sandbox.database(["init"]).success();
    let url = sandbox.database(["url"]).success().stdout;
    assert!(!url.contains("longlong"), "{url}");
    assert_eq!(sandbox.query(url.trim_end(), "SELECT current_user"), "dev");
    sandbox.database(["cleanup"]).success();
}

#[test]
fn nonsense_is_refused_without_repeating_a_password() {
    let mut sandbox = Sandbox::new();
    for bad in
        ["postgresql://u:hush@h:99999999/d", "host=h password=hush bogus", "mysql://u:hush@h/d"]
    {
        sandbox.set("DB_URL", bad);
        let refused = sandbox.database(["url"]).fails(2, ["cannot use DB_URL"]);
        assert!(!refused.stderr.contains("hush"), "{refused}");
    }
}
