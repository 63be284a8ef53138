//! `--export`: the connection for a shell, a program or a file.

use crate::support::{Sandbox, whoami};

#[test]
fn every_connection_variable_is_exported_and_nothing_else_printed() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("PG_URL_VAR", "APP_URL");
    sandbox.set("PG_PORT", "7001");
    let exported = sandbox.init(["--export", "sh"]).success();
    let host = sandbox.path("pg/sock").display().to_string();
    let user = whoami();
    let url = format!("postgresql://{user}@localhost/testdb?host={host}&port=7001");
    let expected = format!(
        "export POSTGRESQL_HOST='{host}' POSTGRESQL_PORT='7001' POSTGRESQL_USER='{user}' \
         POSTGRESQL_DATABASE='testdb' PGHOST='{host}' PGPORT='7001' PGUSER='{user}' \
         PGDATABASE='testdb' PGURL='{url}' DATABASE_URL='{url}' APP_URL='{url}'\n"
    );
    assert_eq!(exported.stdout, expected);
    assert!(exported.stderr.contains("PostgreSQL cluster created"), "{exported}");
    assert_eq!(exported.stderr.lines().count(), 1, "{exported}");
    assert_eq!(sandbox.query(&url, "SELECT 1"), "1");
}

/// The exported variables, in their order.
const NAMES: [&str; 10] = [
    "POSTGRESQL_HOST",
    "POSTGRESQL_PORT",
    "POSTGRESQL_USER",
    "POSTGRESQL_DATABASE",
    "PGHOST",
    "PGPORT",
    "PGUSER",
    "PGDATABASE",
    "PGURL",
    "DATABASE_URL",
];

#[test]
fn programs_of_postgresql_connect_with_no_further_word() {
    let mut sandbox = Sandbox::with_cluster();
    let url = format!("postgresql://dev@localhost/app?host={}", sandbox.path("pg").display());
    sandbox.set("DB_URL", url);
    let who = "SELECT current_user || ' ' || current_database()";
    let line = format!(
        "eval \"$(postgres-init --export sh)\" && cd / && \"$PG_BINDIR/psql\" -XAtc \"{who}\" && \
         \"$PG_BINDIR/pg_dump\" -s | grep -c 'PostgreSQL database dump complete' && \
         \"$PG_BINDIR/psql\" -XAt \"$DATABASE_URL\" -c \"{who}\""
    );
    let shown = sandbox.shell(&line).success();
    assert_eq!(shown.stdout, "dev app\n1\ndev app\n");
}

#[test]
fn without_export_standard_output_is_empty() {
    let sandbox = Sandbox::with_cluster();
    assert_eq!(sandbox.init([]).success().stdout, "");
    let quiet = sandbox.init(["--quiet"]).success();
    assert_eq!(quiet.stderr, "");
}

#[test]
fn each_format_says_the_same() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("PG_REUSE", "1");
    let json = sandbox.init(["--export", "json"]).success().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let expect = |line: &dyn Fn(&str, &str) -> String| -> String {
        NAMES.map(|name| line(name, json[name].as_str().unwrap())).concat()
    };
    let exported = |format| sandbox.init(["--export", format]).success().stdout;
    let words = expect(&|name, value| format!(" {name}='{value}'"));
    assert_eq!(exported("sh"), format!("export{words}\n"));
    assert_eq!(exported("fish"), expect(&|name, value| format!("set -gx {name} '{value}'\n")));
    assert_eq!(exported("dotenv"), expect(&|name, value| format!("{name}='{value}'\n")));
    sandbox.init(["--export", "xml"]).fails(2, ["xml"]);
    sandbox.init(["--export"]).fails(3, ["--export"]);
}

#[test]
fn eval_is_safe_whatever_the_values_are() {
    let mut sandbox = Sandbox::new();
    let working = sandbox.path("a'b \"c\" $(touch pwned) `touch pwned` ;touch pwned; ü\\");
    sandbox.set("PG_WORKING_DIR", &working);
    sandbox.set("PG_DATABASE", "it's; touch pwned");
    let line = "eval \"$(postgres-init --export sh)\" && printf '%s\\n' \"$POSTGRESQL_HOST\" \
                \"$POSTGRESQL_DATABASE\" && \
                \"$PG_BINDIR/psql\" -XAt -d \"$PGURL\" -c 'SELECT current_database()'";
    let shown = sandbox.shell(line).success();
    let host = working.join("sock");
    let expected = format!("{}\nit's; touch pwned\nit's; touch pwned\n", host.display());
    assert_eq!(shown.stdout, expected);
    assert!(!sandbox.path("pwned").exists());
}

#[test]
fn a_name_that_is_none_is_refused_before_anything_is_made() {
    let mut sandbox = Sandbox::with_cluster();
    for name in ["1URL", "A-B", "A B", "x;rm", "Ü", "A\nB"] {
        sandbox.set("PG_URL_VAR", name);
        sandbox.init(["--export", "sh"]).fails(2, ["PG_URL_VAR"]);
        sandbox.init([]).fails(2, ["PG_URL_VAR"]);
    }
    assert!(!sandbox.path("pg").exists());
}

#[test]
fn the_projects_url_is_corrected_when_the_port_is_another() {
    let mut sandbox = Sandbox::with_cluster();
    let url = format!("postgresql://dev@localhost/shop?host={}", sandbox.path("pg").display());
    sandbox.set("DB_URL", url);
    let exported = sandbox.init(["--export", "json"]).success().stdout;
    assert!(!exported.contains("DB_URL"), "a URL that works stays as it is: {exported}");
}

#[test]
fn messages_are_objects_when_asked() {
    let sandbox = Sandbox::with_cluster();
    let told = sandbox.init(["--log-format", "json"]).success();
    for line in told.stderr.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(object["level"], "info");
    }
    assert_eq!(told.stderr.lines().count(), 1, "{told}");
}
