//! TCP connections to the development cluster: the address, the port, the password.

mod address;
mod clients;
mod password;
mod tls;

use std::net::TcpListener;

use crate::support::{Outcome, Sandbox};

/// A sandbox whose cluster will listen on a free port of the loopback address.
fn listening() -> Sandbox {
    let mut sandbox = Sandbox::with_cluster();
    let url = format!("postgresql://dev@localhost/app?host={}", sandbox.path("pg").display());
    sandbox.set("DB_URL", url);
    sandbox.set("PG_LISTEN", "127.0.0.1");
    sandbox.set("PG_PORT", "0");
    sandbox
}

/// Runs `line` in a shell that has evaluated `postgres-init --export sh`, and nothing else.
fn exported(sandbox: &Sandbox, line: &str) -> Outcome {
    sandbox.shell(&format!(
        "eval \"$(postgres-init --quiet --export sh)\" && unset DB_URL PG_WORKING_DIR && cd / && \
         PATH=$PG_BINDIR:$PATH && {line}"
    ))
}

/// The port that the working directory remembers.
fn port(sandbox: &Sandbox) -> u16 {
    sandbox.read("pg/port").trim().parse().unwrap()
}

/// The password in the passfile.
fn password(sandbox: &Sandbox) -> String {
    let text = sandbox.read("pg/passfile");
    text.lines().last().unwrap().rsplit_once(':').unwrap().1.to_owned()
}

/// Occupies a free port of the loopback address.
fn occupied() -> (TcpListener, u16) {
    let holder = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = holder.local_addr().unwrap().port();
    (holder, port)
}

const WHO: &str = "psql -XAtc \"SELECT current_user || ' ' || host(inet_server_addr())\"";

#[test]
fn the_exported_variables_suffice() {
    let sandbox = listening();
    let shown = exported(&sandbox, WHO).success();
    assert_eq!(shown.stdout, "dev 127.0.0.1\n");
    let by_url = exported(&sandbox, "psql -XAt \"$DATABASE_URL\" -c 'SELECT 1'").success();
    assert_eq!(by_url.stdout, "1\n");
    let by_name = exported(&sandbox, "PGHOST=localhost psql -XAtc 'SELECT 1'").success();
    assert_eq!(by_name.stdout, "1\n");
    let dumped = exported(&sandbox, "pg_dump -s | grep -c 'database dump complete'").success();
    assert_eq!(dumped.stdout, "1\n");
}

#[test]
fn db_tool_itself_goes_on_using_the_socket() {
    let sandbox = listening();
    let by_socket = "psql -XAt \"$PGURL\" -c 'SELECT inet_server_addr() IS NULL'";
    assert_eq!(exported(&sandbox, by_socket).success().stdout, "t\n");
    let ours = sandbox.database(["psql", "-XAtc", "SELECT inet_server_addr() IS NULL"]).success();
    assert_eq!(ours.stdout, "t\n");
    assert!(
        sandbox.database(["url"]).success().stdout.contains(&format!("port={}", port(&sandbox)))
    );
}

#[test]
fn without_a_setting_nothing_listens() {
    let mut sandbox = listening();
    sandbox.unset("PG_LISTEN");
    let exported = sandbox.init(["--export", "sh"]).success();
    assert!(!exported.stdout.contains("PGPASSFILE"), "{exported}");
    assert_eq!(sandbox.ask_in("postgres", "SHOW listen_addresses"), "");
    assert!(!sandbox.path("pg/passfile").exists());
    let hba = sandbox.read("pg/data/pg_hba.conf");
    assert!(!hba.contains("host "), "{hba}");
}

#[test]
fn status_doctor_and_config_show_the_address() {
    let sandbox = listening();
    sandbox.init([]).success();
    let address = format!("127.0.0.1:{}", port(&sandbox));
    let status = sandbox.database(["status"]).success();
    assert!(status.stdout.contains(&format!("address:  {address}\n")), "{status}");
    let json = sandbox.database(["status", "--json"]).success();
    assert!(json.stdout.contains(&format!("\"address\":\"{address}\"")), "{json}");
    assert!(sandbox.database(["doctor"]).stdout.contains("ok    address: 127.0.0.1\n"));
    let config = sandbox.database(["config"]).success();
    let line = config.stdout.lines().find(|line| line.contains("PG_LISTEN")).unwrap();
    let words: Vec<_> = line.split_ascii_whitespace().collect();
    assert_eq!(words, ["listen", "PG_LISTEN", "127.0.0.1", "environment"]);
}

#[test]
fn a_server_whose_own_settings_differ_is_not_started_again_and_again() {
    let mut sandbox = listening();
    sandbox.unset("PG_LISTEN");
    sandbox.init([]).success();
    sandbox.ask_in("postgres", "ALTER SYSTEM SET listen_addresses = ''");
    sandbox.set("PG_LISTEN", "127.0.0.1");
    let tried = sandbox.init([]).success();
    assert!(tried.stderr.contains("cluster started"), "{tried}");
    let running = sandbox.postmaster();
    let told = sandbox.init(["--export", "sh"]).success();
    assert!(told.stderr.contains("ALTER SYSTEM"), "{told}");
    assert!(told.stdout.contains(&format!("PGHOST='{}", sandbox.path("pg").display())), "{told}");
    assert_eq!(sandbox.postmaster(), running);
}

#[test]
fn a_running_server_begins_to_listen_when_nobody_works_in_it() {
    let mut sandbox = listening();
    sandbox.unset("PG_LISTEN");
    sandbox.init([]).success();
    sandbox.leave_work();
    let session = crate::support::bystander::Bystander::session(&sandbox, "SELECT pg_sleep(3600)");
    let kept = sandbox.init(["--listen", "127.0.0.1", "--export", "sh"]).success();
    assert!(kept.stderr.contains("1 other session works"), "{kept}");
    assert!(kept.stderr.contains("found running"), "{kept}");
    assert!(!kept.stdout.contains("127.0.0.1"), "no address at which nobody listens: {kept}");
    sandbox.ask_in(
        "postgres",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%3600%' AND pid <> pg_backend_pid()",
    );
    drop(session);
    sandbox.set("PG_LISTEN", "127.0.0.1");
    let started = sandbox.init([]).success();
    assert!(started.stderr.contains("cluster started"), "{started}");
    assert!(sandbox.has_work());
    assert_eq!(exported(&sandbox, WHO).success().stdout, "dev 127.0.0.1\n");
    // a shell without the setting leaves the server as it is
    sandbox.unset("PG_LISTEN");
    let found = sandbox.init([]).success();
    assert!(found.stderr.contains("found running"), "{found}");
    assert_eq!(sandbox.ask_in("postgres", "SHOW listen_addresses"), "127.0.0.1");
}
