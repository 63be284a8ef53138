//! The sources of the migrator's settings: options, environment, configuration.

use crate::support::migrator::{MigratorProject, name, table};
use crate::support::tls::TlsServer;

#[test]
fn options_stand_before_or_after_the_command() {
    let mut project = MigratorProject::with_tables(2);
    let url = project.variable("DB_URL").unwrap().to_str().unwrap().to_owned();
    project.unset("DB_URL");
    std::fs::rename(project.path("migration"), project.path("other")).unwrap();
    let words = |text: &str| {
        let words =
            text.split(' ').map(|word| if word == "URL" { url.clone() } else { word.into() });
        project.run("migrator", words.collect::<Vec<_>>())
    };
    words("-u URL -d other migrate up").success();
    words("migrate -u URL up -d other").success();
    words("migrate down 2 --db-url URL --migration-dir other").success();
    words("--wait migrate --db-url=URL up --migration-dir=other").fails(2, ["cannot use -u"]);
    words("--wait -u URL apply --quiet -d other next").success();
    words("-u URL info --json -d other").success();
    assert_eq!(project.states(), "1 Migrated, 2 Undone");
}

#[test]
fn options_beat_the_environment_which_beats_the_file() {
    let mut project = MigratorProject::new();
    for (at, directory) in ["file", "env", "option"].iter().enumerate() {
        project.write(&format!("{directory}/{}/up.sql", name(at.try_into().unwrap())), "");
    }
    let listed = |project: &MigratorProject, words: &[&str]| {
        let words = [words, &["list", "--raw"]].concat();
        project.run("migrator", words).success().stdout.trim_end().to_owned()
    };
    project.write("migrator.toml", "migration_dir = 'file'\n");
    assert_eq!(listed(&project, &[]), name(0));
    project.write("sub/other.toml", "migration_dir = '../env'\n");
    assert_eq!(listed(&project, &["-c", "sub/other.toml"]), name(1));
    for outside in ["..", "/etc", "file/../.."] {
        project.write("migrator.toml", format!("migration_dir = '{outside}'\n"));
        project.migrator(["list"]).fails(2, ["migrator.toml sets migration_dir", "outside"]);
        assert_eq!(listed(&project, &["-d", "option"]), name(2));
    }
    project.set("MIGRATION_DIR", "env");
    assert_eq!(listed(&project, &[]), name(1));
    assert_eq!(listed(&project, &["-d", "option"]), name(2));
    let url = project.variable("DB_URL").unwrap().to_str().unwrap().to_owned();
    project.write("migrator.toml", "db_url = 'host=/nowhere'\n");
    project.migrator(["history"]).success();
    project.unset("DB_URL");
    project.migrator(["history"]).fails(1, ["/nowhere"]);
    project.set("PGURL", &url);
    project.migrator(["history"]).success();
    project.set("DB_URL", "host=/elsewhere");
    project.migrator(["history"]).fails(1, ["/elsewhere"]);
    project.migrator(["history", "-u", &url]).success();
}

#[test]
fn the_configuration_is_read_with_care() {
    let project = MigratorProject::with_tables(1);
    project.write("bad.toml", "migration_dir = 'x'\ncolour = 'hush'\n");
    let unknown = project.migrator(["-c", "bad.toml", "list"]).fails(9, ["bad.toml:2", "colour"]);
    assert!(!unknown.stderr.contains("hush"), "{unknown}");
    project.write("bad.toml", "wait = 5\n");
    project.migrator(["-c", "bad.toml", "list"]).fails(2, ["bad.toml:1"]);
    project.write("bad.toml", "wait = [\n");
    project.migrator(["-c", "bad.toml", "list"]).fails(2, ["bad.toml:"]);
    project.migrator(["-c", "gone.toml", "list"]).fails(3, ["gone.toml"]);
    project.migrator(["list", "-c"]).fails(3, []);
    project.write("bad.toml", "wait = 'long'\n");
    project.migrator(["-c", "bad.toml", "list"]).fails(2, ["wait is \"long\""]);
}

#[test]
fn a_connection_may_be_told_in_every_way() {
    let mut project = MigratorProject::with_tables(1);
    project.unset("DB_URL");
    project.migrator(["info"]).fails(3, ["no connection", "--db-url", "DB_URL"]);
    let socket = project.path("pg").display().to_string();
    let encoded = socket.replace('/', "%2F");
    for url in [
        format!("host={socket} user=dev dbname=app"),
        format!("host='{socket}' user = dev dbname='app'"),
        format!("postgresql:///app?host={socket}&user=dev"),
        format!("postgres://dev@{encoded}/app"),
    ] {
        project.migrator(["-u", &url, "history"]).success();
    }
    project.migrator(["-u", "postgresql://[broken", "info"]).fails(2, []);
    project.migrator(["-u"]).fails(3, []);
    let service = format!("[mine]\nhost={socket}\nuser=dev\ndbname=app\n");
    let service = project.write("service.conf", service);
    project.set("PGSERVICEFILE", service);
    project.migrator(["-u", "service=mine", "migrate", "up"]).success();
    project.set("PGSERVICE", "mine");
    project.migrator(["migrate", "down"]).success();
    assert_eq!(project.states(), "1 Undone");
}

#[test]
fn a_password_file_and_certificates_serve_a_role_without_superuser() {
    let mut server = TlsServer::start();
    let grants = "GRANT CREATE ON DATABASE app TO scramuser; \
                  GRANT CREATE ON SCHEMA public TO scramuser";
    server.sandbox.database(["psql", "-X", "-c", grants]).success();
    let line = "localhost:*:app:scramuser:s\\:cr\\\\et\n";
    let file = server.sandbox.write("pgpass", line);
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let ca = server.file("ca.crt").display().to_string();
    let url = server.url(&format!("user=scramuser sslmode=verify-full sslrootcert={ca}"));
    server.sandbox.set("DB_URL", url);
    server.sandbox.set("MIGRATION_DIR", "migration");
    let up = format!("migration/{}/up.sql", name(1));
    server.sandbox.write(&up, table("mine"));
    server.sandbox.write(&format!("migration/{}/down.sql", name(1)), "DROP TABLE mine;");
    let run = |words: &[&str]| server.sandbox.run("migrator", words);
    run(&["migrate", "up", "all"]).fails(1, ["password"]);
    server.sandbox.set("PGPASSFILE", &file);
    let run = |words: &[&str]| server.sandbox.run("migrator", words);
    let applied = run(&["migrate", "up", "all", "--verbose"]).success();
    assert!(!applied.stderr.contains("s:cr"), "{applied}");
    for words in [&["info"][..], &["validate"], &["migrate", "redo"], &["migrate", "down", "all"]] {
        run(words).success();
    }
    let events = run(&["history", "--json"]).success().stdout;
    assert_eq!(events.matches("\"Undone\"").count(), 2, "{events}");
}

#[test]
fn timeouts_hold_for_each_migration() {
    let project = MigratorProject::new();
    let check = "SELECT 1 / (current_setting('lock_timeout') = '3s' AND \
                 current_setting('statement_timeout') = '2min')::int;\n";
    project.write_up(1, &format!("{check}SET lock_timeout = '1s'; SET statement_timeout = 0;\n"));
    project.write_up(2, check);
    project.write_up(3, &format!("-- migrator: no-transaction\n{check}"));
    project.migrator(["apply", "--lock-timeout", "3s", "--statement-timeout", "2min"]).success();
    project.write("migrator.toml", "lock_timeout = '3s'\nstatement_timeout = '120s'\n");
    project.migrator(["migrate", "redo", "3"]).success();
    project.migrator(["apply", "--lock-timeout", "soon"]).fails(2, ["soon", "30s"]);
    project.write_up(4, "SELECT pg_sleep(3600);\n");
    project.migrator(["apply", "--statement-timeout", "2s"]).fails(4, ["statement timeout"]);
    assert!(project.states().ends_with("4 Error"));
}

#[test]
fn inherits_is_deprecated_and_still_checked() {
    let project = MigratorProject::with_tables(1);
    let warned = project.migrator(["-i", "hectic.nope", "migrate", "up"]).fails(5, ["hectic.nope"]);
    assert!(warned.stderr.contains("deprecated"), "{warned}");
    project.up_all();
    let warned = project.migrator(["info", "--inherits", "public.t1"]).success();
    assert!(warned.stderr.contains("--inherits is deprecated"), "{warned}");
}

#[test]
fn without_psql_nothing_is_run_and_looking_needs_none() {
    let mut project = MigratorProject::with_tables(1);
    std::fs::create_dir(project.path("no-programs")).unwrap();
    let empty = project.path("no-programs");
    project.set("PG_BINDIR", &empty);
    project.migrator(["migrate", "up"]).fails(127, ["psql"]);
    project.migrator(["info"]).success();
    project.migrator(["init"]).success();
    project.migrator(["migrate", "to", "0"]).success();
}
