//! Tests of `postgres::conninfo`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::{Conninfo, Facts, LibpqEnvironment};
use crate::postgres::connection::url::PgUrl;
use crate::sys::error::{Kind, Result};

fn environment(variables: &[(&str, &str)], home: Option<&Path>) -> LibpqEnvironment {
    LibpqEnvironment {
        variables: variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        home: home.map(Path::to_owned),
        os_user: Some("me".to_owned()),
    }
}

fn try_resolve(url: &str, environment: &LibpqEnvironment) -> Result<Conninfo> {
    Conninfo::resolve(&PgUrl::parse(url).unwrap(), environment)
}

fn resolve(url: &str, variables: &[(&str, &str)]) -> Conninfo {
    try_resolve(url, &environment(variables, None)).unwrap()
}

fn password(conninfo: &Conninfo) -> Option<&str> {
    conninfo.targets()[0].password.as_ref().map(super::Password::reveal)
}

fn home_with(name: &str, text: &str, mode: u32) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(name);
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    home
}

#[test]
fn falls_back_to_the_defaults() {
    let conninfo = resolve("", &[]);
    assert_eq!((conninfo.user(), conninfo.database()), ("me", "me"));
    assert_eq!(conninfo.targets().len(), 1);
    assert!(conninfo.targets()[0].is_socket());
    assert_eq!(conninfo.targets()[0].port, 5432);
    assert!(conninfo.is_local());
    assert_eq!(resolve("user=u", &[]).database(), "u");
}

#[test]
fn knows_which_servers_are_this_machine() {
    let here = [
        "host=/tmp",
        "host=localhost",
        "host=127.8.9.1",
        "host=::1",
        "host=/a,localhost,",
        "host=::ffff:127.0.0.1",
        "postgresql://[::1]/x",
        "host=@abstract",
        "host=localhost hostaddr=127.0.0.1",
    ];
    for text in here {
        assert!(resolve(text, &[]).is_local(), "{text}");
    }
    let elsewhere = [
        "host=db",
        "host=/tmp,db",
        "host=localhost hostaddr=10.0.0.1",
        "host=10.0.0.1",
        "postgresql://localhost/db?host=db",
        "host=localhost.example",
        "host=127.0.0.1.example",
    ];
    for text in elsewhere {
        assert!(!resolve(text, &[]).is_local(), "{text}");
    }
}

#[test]
fn prefers_the_string_to_the_variables() {
    let variables =
        [("PGHOST", "far"), ("PGPORT", "1"), ("PGUSER", "eve"), ("PGSSLMODE", "require")];
    let conninfo = resolve("host=/s port=2", &variables);
    assert_eq!(conninfo.targets()[0].to_string(), "/s/.s.PGSQL.2");
    assert_eq!((conninfo.user(), conninfo.get("sslmode")), ("me", Some("require")));
    assert_eq!(resolve("dbname=d", &variables).user(), "eve");
    // An empty parameter keeps the variable out, and means the default.
    assert!(resolve("host=''", &variables).is_local());
    assert!(!resolve("", &variables).is_local());
    assert_eq!(resolve("", &[("PGREQUIRESSL", "1")]).get("sslmode"), Some("require"));
}

#[test]
fn the_environment_does_not_lead_away_from_a_host_that_is_named() {
    let home = home_with(".pg_service.conf", "[s]\nhost=svc\nport=9\nuser=s\n", 0o600);
    let variables =
        [("PGHOSTADDR", "10.0.0.1"), ("PGPORT", "7"), ("PGUSER", "u"), ("PGDATABASE", "b")];
    let with_service = [&variables[..], &[("PGSERVICE", "s")]].concat();
    for (url, variables, expected) in [
        ("host=localhost", &variables[..], "localhost:5432"),
        ("hostaddr=::1", &variables, "[::1]:5432"),
        ("host=/s", &with_service, "/s/.s.PGSQL.5432"),
        ("service=s", &variables, "svc:9"),
        ("dbname=d", &variables, "10.0.0.1:7"),
    ] {
        let conninfo = try_resolve(url, &environment(variables, Some(home.path()))).unwrap();
        assert_eq!(conninfo.to_string(), expected, "{url}");
        let (user, database) = match url {
            "service=s" => ("s", "s"),
            "dbname=d" => ("u", "d"),
            _ => ("me", "me"),
        };
        assert_eq!((conninfo.user(), conninfo.database()), (user, database), "{url}");
    }
}

#[test]
fn timeouts_are_off_unless_the_caller_sets_them() {
    let conninfo = resolve("host=/s options='-c lock_timeout=5'", &[("PGOPTIONS", "-c x.y=1")]);
    let usual = "-c statement_timeout=0 -c lock_timeout=0 \
                 -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0";
    assert_eq!(conninfo.start_up_options(), format!("{usual} -c lock_timeout=5"));
    assert!(conninfo.is_version_unknown());
    let facts = |major, is_superuser| Facts { major, is_superuser };
    let superuser = facts(17, true);
    assert_eq!(conninfo.clone().learn(superuser).len(), 2, "the first session did not know it");
    assert!(conninfo.learn(superuser).is_empty() && !conninfo.is_version_unknown());
    let newer = format!("{usual} -c transaction_timeout=0 -c lc_messages=C -c lock_timeout=5");
    assert_eq!(conninfo.start_up_options(), newer);
    let variables = conninfo.variables_without_timeouts();
    assert!(variables.contains(&("PGOPTIONS", newer)), "{variables:?}");
    assert!(conninfo.leave_timeouts() && !conninfo.leave_timeouts());
    assert_eq!(conninfo.start_up_options(), "-c lock_timeout=5");
    assert!(resolve("host=/s", &[]).learn(facts(16, false)).is_empty());
    let own = "host=/s options='-c transaction_timeout=9 -c lc_messages=de_DE.UTF-8'";
    assert!(resolve(own, &[]).learn(superuser).is_empty());
}

#[test]
fn pairs_hosts_addresses_and_ports() {
    let conninfo = resolve("host=a,/b,c port=1,,3", &[]);
    let shown: Vec<_> = conninfo.targets().iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["a:1", "/b/.s.PGSQL.5432", "c:3"]);
    let conninfo = resolve("host=a,b hostaddr=::1,10.0.0.1 port=7", &[]);
    assert_eq!(conninfo.to_string(), "a (::1):7, b (10.0.0.1):7");
    let conninfo = resolve("hostaddr=10.0.0.1", &[]);
    assert_eq!(conninfo.to_string(), "10.0.0.1:5432");
    for url in ["host=a,b,c port=1,2", "host=a,b hostaddr=::1", "host=a hostaddr=name"] {
        let error = try_resolve(url, &environment(&[], None)).unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict, "{url}");
    }
}

#[test]
fn refuses_a_bad_port_from_the_environment() {
    let error = try_resolve("", &environment(&[("PGPORT", "99999")], None)).unwrap_err();
    assert_eq!(error.message(), "the connection string's port is not between 1 and 65535");
}

#[test]
fn needs_a_user() {
    let nobody = LibpqEnvironment::default();
    assert_eq!(try_resolve("", &nobody).unwrap_err().kind(), Kind::Missing);
}

#[test]
fn reads_a_service_between_string_and_variables() {
    let text = "# c\n[other]\nhost=no\n\n [mine] \nhost=svc\nport=9\nport=10\nuser=s\npassword=p w\n[mine]\nhost=x\n";
    let home = home_with(".pg_service.conf", text, 0o600);
    let variables = [("PGUSER", "env"), ("PGSERVICE", "mine"), ("PGDATABASE", "d")];
    let conninfo = try_resolve("user=u", &environment(&variables, Some(home.path()))).unwrap();
    assert_eq!(conninfo.to_string(), "svc:9");
    assert_eq!((conninfo.user(), conninfo.database()), ("u", "d"));
    assert_eq!(password(&conninfo), Some("p w"));
    assert!(conninfo.variables().iter().all(|(name, _)| *name != "PGSERVICE"));
}

#[test]
fn searches_the_system_file_after_the_users() {
    let home = home_with(".pg_service.conf", "[other]\nhost=no\n", 0o600);
    let system = home_with("pg_service.conf", "[mine]\nhost=sys\n", 0o644);
    let variables = [("PGSYSCONFDIR", system.path().to_str().unwrap())];
    let conninfo =
        try_resolve("service=mine", &environment(&variables, Some(home.path()))).unwrap();
    assert_eq!(conninfo.targets()[0].host, "sys");
}

#[test]
fn names_the_service_or_file_that_is_missing() {
    let home = home_with(".pg_service.conf", "[x]\nhost = h\n", 0o600);
    let here = home.path().to_str().unwrap();
    let base = [("PGSYSCONFDIR", here)];
    let error = try_resolve("service=nope", &environment(&base, Some(home.path()))).unwrap_err();
    assert_eq!(error.kind(), Kind::Missing);
    assert!(!error.message().contains("nope") && error.message().contains(".pg_service.conf"));
    let error = try_resolve("service=x", &environment(&base, Some(home.path()))).unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
    assert!(error.message().contains("line 2"));
    let named = [("PGSERVICEFILE", "/nowhere/file")];
    let error = try_resolve("service=x", &environment(&named, None)).unwrap_err();
    assert_eq!(error.kind(), Kind::Missing);
    assert!(error.message().contains("/nowhere/file"));
    let error =
        try_resolve("service=x", &environment(&[("PGSERVICEFILE", here)], None)).unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
}

#[test]
fn takes_the_password_from_the_first_line_that_matches() {
    let text = "#*:*:*:*:comment\nh:1:db:u:one\n*:2:*:u:two\n\\:\\:1:*:*:*:v6\nh:*:*:u\\:x:a\\:b\\\\c\nlocalhost:*:*:*:sock\n/s:*:*:*:dir\r\n";
    let home = home_with(".pgpass", text, 0o600);
    let surroundings = environment(&[], Some(home.path()));
    for (url, expected) in [
        ("host=h port=1 dbname=db user=u", Some("one")),
        ("host=h port=1 dbname=other user=u", None),
        ("host=other port=2 dbname=d user=u", Some("two")),
        ("host=::1", Some("v6")),
        ("host=h user=u:x", Some("a:b\\c")),
        ("", Some("sock")),
        ("host=localhost", Some("sock")),
        ("host=/s", Some("dir")),
        ("host=h port=1 dbname=db user=u password=given", Some("given")),
    ] {
        assert_eq!(password(&try_resolve(url, &surroundings).unwrap()), expected, "{url}");
    }
    let variables = environment(&[("PGPASSWORD", "env")], Some(home.path()));
    let conninfo = try_resolve("host=h port=1 dbname=db user=u", &variables).unwrap();
    assert_eq!(password(&conninfo), Some("env"));
}

#[test]
fn ignores_a_password_file_that_others_can_read() {
    let home = home_with("pass", "*:*:*:*:p\n", 0o640);
    let file = home.path().join("pass");
    let variables = [("PGPASSFILE", file.to_str().unwrap())];
    let conninfo = try_resolve("host=h", &environment(&variables, None)).unwrap();
    assert_eq!(password(&conninfo), None);
    assert_eq!(conninfo.warnings().len(), 1);
    assert!(conninfo.warnings()[0].contains("/pass"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let conninfo = try_resolve("host=h", &environment(&variables, None)).unwrap();
    assert_eq!(password(&conninfo), Some("p"));
    assert!(conninfo.warnings().is_empty());
}

#[test]
fn hands_everything_on_as_variables() {
    let url = "postgresql://u:secret@a,b:2/db?sslmode=verify-full&sslrootcert=/r&options=-c%20x%3Dy&connect_timeout=4&target_session_attrs=primary&application_name=me";
    let variables = resolve(url, &[("PGSSLCERT", "/c"), ("PGOPTIONS", "ignored"), ("PGTZ", "x")]);
    let expected = [
        ("PGAPPNAME", "me"),
        ("PGCONNECT_TIMEOUT", "4"),
        ("PGDATABASE", "db"),
        ("PGHOST", "a,b"),
        ("PGOPTIONS", "-c x=y"),
        ("PGPASSWORD", "secret"),
        ("PGPORT", "5432,2"),
        ("PGSSLCERT", "/c"),
        ("PGSSLMODE", "verify-full"),
        ("PGSSLROOTCERT", "/r"),
        ("PGTARGETSESSIONATTRS", "primary"),
        ("PGUSER", "u"),
    ];
    let expected: Vec<_> = expected.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
    assert_eq!(variables.variables(), expected);
}

#[test]
fn leaves_differing_passwords_to_the_password_file() {
    let home = home_with("pass", "a:*:*:*:one\nb:*:*:*:two\n", 0o600);
    let file = home.path().join("pass");
    let variables = [("PGPASSFILE", file.to_str().unwrap())];
    let conninfo = try_resolve("host=a,b", &environment(&variables, None)).unwrap();
    let names: Vec<_> = conninfo.variables().into_iter().map(|(name, _)| name).collect();
    assert!(names.contains(&"PGPASSFILE") && !names.contains(&"PGPASSWORD"));
}

#[test]
fn waits_ten_seconds_for_a_network_and_longer_for_a_socket() {
    let timeout = |url| {
        let conninfo = resolve(url, &[]);
        conninfo.connect_timeout(&conninfo.targets()[0])
    };
    assert_eq!(timeout("host=h").unwrap(), Some(Duration::from_secs(10)));
    assert_eq!(timeout("host=/s").unwrap(), Some(Duration::from_secs(30)));
    let programs = |url| resolve(url, &[]).variables();
    assert!(programs("host=h").contains(&("PGCONNECT_TIMEOUT", "10".to_owned())));
    assert!(programs("host=h,/s").contains(&("PGCONNECT_TIMEOUT", "30".to_owned())));
    assert_eq!(timeout("host=h connect_timeout=1").unwrap(), Some(Duration::from_secs(2)));
    assert_eq!(timeout("host=h connect_timeout=0").unwrap(), None);
    assert_eq!(timeout("host=h connect_timeout=-1").unwrap(), None);
    assert!(timeout("host=h connect_timeout=soon").is_err());
}

#[test]
fn never_shows_a_password() {
    let conninfo = resolve("host=h user=u password=hunter2 sslpassword=hunter2", &[]);
    assert!(!format!("{conninfo} {conninfo:?}").contains("hunter2"));
    for key in ["port", "hostaddr", "service", "connect_timeout"] {
        let text = format!("host=h user=u {key}=hunter2");
        let error = PgUrl::parse(&text)
            .and_then(|url| Conninfo::resolve(&url, &environment(&[], None)))
            .and_then(|conninfo| conninfo.connect_timeout(&conninfo.targets()[0]).map(drop));
        assert!(!format!("{:?}", error.unwrap_err()).contains("hunter2"), "{text}");
    }
}
