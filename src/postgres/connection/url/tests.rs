//! Tests of `postgres::connection::url`.

use std::path::Path;

use super::PgUrl;
use crate::sys::error::Kind;

const NASTY: &[&str] = &[
    "plain",
    "two words",
    "it's",
    "\"quoted\"",
    "100%",
    "%41",
    "a@b",
    "a/b",
    "a&b=c",
    "a+b",
    "a:b",
    "naïve-ß-雪",
    "line\nbreak",
    "back\\slash",
    "a?b#c",
    "[x]",
    " edge ",
];

fn parse(text: &str) -> PgUrl {
    PgUrl::parse(text).unwrap()
}

fn fails(text: &str) -> String {
    let error = PgUrl::parse(text).unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict, "{text}");
    error.message().to_owned()
}

#[test]
fn reads_every_part_of_a_url() {
    let url = parse(
        "postgres://us%40er:s%2Fcret@db.example:6543/my%20db?sslmode=require&options=-c%20a%3Db",
    );
    assert_eq!(url.get("user"), Some("us@er"));
    assert_eq!(url.secret("password").map(super::Password::reveal), Some("s/cret"));
    assert_eq!(url.host(), Some("db.example"));
    assert_eq!(url.ports().unwrap(), [Some(6543)]);
    assert_eq!(url.get("dbname"), Some("my db"));
    assert_eq!(url.get("options"), Some("-c a=b"));
    assert_eq!(url.get("password"), None);
}

#[test]
fn leaves_empty_parts_open() {
    for text in
        ["postgresql://", "postgresql:///", "postgresql://@/", "postgresql://:@:/?", "", "  "]
    {
        assert_eq!(parse(text), PgUrl::default(), "{text}");
    }
    assert_eq!(parse("postgresql:///db").get("dbname"), Some("db"));
    assert_eq!(parse("postgresql://?user=u").get("user"), Some("u"));
    assert_eq!(parse("postgresql://u@").get("user"), Some("u"));
}

#[test]
fn lets_the_query_beat_the_authority() {
    let url = parse("postgresql://a@localhost:1/x?host=/run/pg&port=2&user=b&dbname=y");
    assert_eq!((url.host(), url.ports().unwrap()), (Some("/run/pg"), vec![Some(2)]));
    assert_eq!((url.get("user"), url.get("dbname")), (Some("b"), Some("y")));
    assert_eq!(parse("postgresql://%2Frun%2Fpg/x").host(), Some("/run/pg"));
    assert_eq!(parse("postgresql://h/x?ssl=true").get("sslmode"), Some("require"));
}

#[test]
fn keeps_several_hosts() {
    let url = parse("postgresql://u@a:1,[::1]:2,c/db");
    assert_eq!(url.host(), Some("a,::1,c"));
    assert_eq!(url.ports().unwrap(), [Some(1), Some(2), None]);
    let url = parse("postgresql://a,b/db");
    assert_eq!((url.host(), url.get("port")), (Some("a,b"), Some(",")));
}

#[test]
fn reads_key_value_pairs() {
    let url = parse(r"host = /tmp/x  user='it\'s me' dbname=a\ b password='p q' port=5 options=''");
    assert_eq!(url.host(), Some("/tmp/x"));
    assert_eq!(url.get("user"), Some("it's me"));
    assert_eq!(url.get("dbname"), Some("a b"));
    assert_eq!(url.ports().unwrap(), [Some(5)]);
    assert_eq!(url.get("options"), Some(""));
    assert_eq!(url.secret("password").map(super::Password::reveal), Some("p q"));
}

#[test]
fn names_an_unknown_parameter() {
    let hints = |text: &str| format!("{:?}", PgUrl::parse(text).unwrap_err());
    for text in ["postgresql://h/db?pasword=red", "pasword=red"] {
        assert!(hints(text).contains("did you mean password?"), "{text}");
    }
    for text in ["postgresql://h/db?hunter2=1", "hunter2=1"] {
        assert!(fails(text).contains("a parameter that libpq does not know"));
        assert!(!hints(text).contains("hunter2"), "{text}");
    }
}

#[test]
fn refuses_what_is_malformed() {
    for text in [
        "postgresql://[::1/db",
        "postgresql://[]/db",
        "postgresql://[::1]x/db",
        "postgresql://h/d%4",
        "postgresql://h/d%zz",
        "postgresql://h/d%00",
        "postgresql://h/%ff",
        "postgresql://h/d?host",
        "postgresql://h/d?host=a=b",
        "just-a-word",
        "host",
        "host='open",
        "host a=b",
        "mysql://h/db",
    ] {
        fails(text);
    }
}

#[test]
fn refuses_a_port_that_cannot_be() {
    for port in ["0", "70000", "65536"] {
        let message = fails(&format!("postgresql://h:{port}/db"));
        assert_eq!(message, "the connection string's port is not between 1 and 65535");
    }
    for port in ["x", "-1", "5432x", "5 4"] {
        assert!(fails(&format!("host=h port='{port}'")).contains("is not between 1 and 65535"));
    }
    assert!(PgUrl::default().with("port", "0").ports().is_err());
}

#[test]
fn never_shows_a_password() {
    let url = parse("postgresql://u:hunter2@h/db?sslpassword=hunter2&password=hunter2");
    for shown in [url.to_url(), format!("{url}"), format!("{url:?}")] {
        assert!(!shown.contains("hunter2") && !shown.contains("password"), "{shown}");
    }
    for text in [
        "postgresql://u:hunter2%zz@h/db",
        "postgresql://u:hunter2/x@h/db",
        "password=a hunter2",
        "password=a b:hunter2=c",
        "postgresql://u:hunter2@h/db?nope=hunter2",
        "password='hunter2",
        "postgresql://u@h/db?password=x&hunter2",
        "postgresql://u:a?hunter2@h/db?x",
        "postgresql://u:x@hunter2@h/db",
        "postgresql://u:12/hunter2@h/db",
        "postgresql://u:12/hunter2@h",
        "hunter2=1",
    ] {
        let error = PgUrl::parse(text);
        assert!(!format!("{error:?}").contains("hunter2"), "{text}: {error:?}");
    }
}

#[test]
fn writes_the_canonical_socket_url() {
    let url = PgUrl::for_socket(Path::new("/dir/sock"), 5432, "user", "db");
    assert_eq!(url.to_url(), "postgresql://user@localhost/db?host=/dir/sock&port=5432");
    assert_eq!(parse(&url.to_url()), url);
}

#[test]
fn writes_the_canonical_tcp_url() {
    for text in [
        "postgresql://user@host:6543/db?connect_timeout=3&sslmode=verify-full",
        "postgresql://user@a:1,b:2/db",
        "postgresql://user@a,b:2/db",
        "postgresql://user@a,b/db",
        "postgresql://user@localhost/db?host=a,b",
        "postgresql://user@a,b/db?port=6543",
        "postgresql://user@[::1]:5432/db",
        "postgresql:///db?user=user",
        "postgresql:///?hostaddr=10.0.0.1",
        "postgresql://u@localhost/db?host=/a,b&port=1,2",
    ] {
        assert_eq!(parse(text).to_url(), text);
    }
}

#[test]
fn survives_a_round_trip_with_any_value() {
    for value in NASTY {
        for key in ["user", "dbname", "options", "application_name", "host", "sslrootcert"] {
            for base in [PgUrl::default(), parse("postgresql://u@h:1/d"), parse("host=/s user=u")] {
                let url = base.with(key, value);
                assert_eq!(parse(&url.to_url()), url, "{key}={value:?}: {url}");
                assert!(url.to_url().is_ascii());
            }
        }
        let socket = PgUrl::for_socket(&Path::new("/tmp").join(value), 1, value, value);
        assert_eq!(parse(&socket.to_url()), socket, "{value:?}: {socket}");
    }
}

#[test]
fn sets_and_clears_parameters() {
    let url =
        parse("postgresql://u:p@h/db").with("dbname", "other").without("user").without("password");
    assert_eq!(url, parse("host=h dbname=other"));
}
