//! Tests of `postgres::session`.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::Session;
use crate::postgres::connection::conninfo::{Conninfo, LibpqEnvironment};
use crate::postgres::connection::url::PgUrl;
use crate::sys::error::{Error, Kind};

fn refusal(parameters: &str) -> Error {
    let url = PgUrl::parse(&format!("user=me password=hunter2 {parameters}")).unwrap();
    let conninfo = Conninfo::resolve(&url, &LibpqEnvironment::default()).unwrap();
    let error = Session::connect(&conninfo).map(|_| ()).unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2"));
    error
}

/// A server that sends `answer`, or nothing, to its first client.
fn server(answer: &'static [u8]) -> u16 {
    server_that(move |_| answer)
}

/// A server as above, with an answer that depends on the request.
fn server_that(answer: impl Fn(&[u8]) -> &'static [u8] + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 512];
            let _ = stream.read(&mut request);
            let answer = answer(&request);
            let _ = stream.write_all(answer);
            if answer.is_empty() {
                let _ = stream.read(&mut [0; 512]);
            }
        }
    });
    port
}

#[test]
fn says_where_nothing_listens() {
    let dir = tempfile::tempdir().unwrap();
    let error = refusal(&format!("host={} port=7", dir.path().display()));
    assert_eq!(error.kind(), Kind::Failed);
    let socket = format!("{}/.s.PGSQL.7", dir.path().display());
    assert!(error.message().contains(&socket), "{error}");
    assert!(error.message().ends_with("no server listens there"), "{error}");
    assert_eq!(error.hints().len(), 1);
}

#[test]
fn tries_every_server_and_tells_of_each() {
    let error = refusal("host=/nowhere/a,/nowhere/b,/nowhere/c");
    assert!(error.message().contains("/nowhere/c"));
    assert_eq!(error.details().len(), 2);
    assert!(error.details()[0].contains("/nowhere/a"));
}

#[test]
fn gives_a_mute_server_the_time_it_may_take() {
    let port = server(b"");
    let start = Instant::now();
    let error = refusal(&format!("host=127.0.0.1 port={port} connect_timeout=2"));
    assert!(error.message().ends_with("no answer in time"), "{error}");
    assert!(start.elapsed() >= Duration::from_secs(2));
}

#[test]
fn insists_on_tls_when_it_must() {
    let port = server(b"N");
    let error = refusal(&format!("host=127.0.0.1 port={port} sslmode=require"));
    assert!(error.message().ends_with("the server does not offer TLS"), "{error}");
}

#[test]
fn stops_when_the_handshake_fails() {
    let port = server(b"Sgarbage that is no handshake");
    let error = refusal(&format!("host=127.0.0.1 port={port} sslmode=require"));
    assert!(error.message().contains("TLS failed"), "{error}");
}

#[test]
fn says_that_a_password_is_wanted() {
    // AuthenticationCleartextPassword.
    let port = server(b"R\0\0\0\x08\0\0\0\x03");
    let error = refusal(&format!("host=127.0.0.1 port={port} sslmode=disable password=''"));
    assert!(error.message().ends_with("the server wants a password"), "{error}");
}

#[test]
fn tells_the_servers_own_reason() {
    let port = server(b"E\0\0\0\x2cSFATAL\0VFATAL\0C3D000\0Mno such database\0\0");
    let error = refusal(&format!("host=127.0.0.1 port={port} sslmode=disable"));
    assert_eq!(error.kind(), Kind::Failed);
    assert!(error.message().ends_with("no such database"), "{error}");
    assert_eq!(error.details(), ["SQLSTATE: 3D000"]);
}

#[test]
fn a_server_without_tls_tells_its_own_reason_where_tls_is_only_preferred() {
    let failure = b"E\0\0\0\x2cSFATAL\0VFATAL\0C3D000\0Mno such database\0\0";
    // an SSLRequest begins with its length, 8
    let port = server_that(|request| if request[3] == 8 { b"N" } else { failure });
    let error = refusal(&format!("host=127.0.0.1 port={port}"));
    assert!(error.message().ends_with("no such database"), "{error}");
    assert_eq!(error.details(), ["SQLSTATE: 3D000"]);
}

#[test]
fn refuses_what_it_would_have_to_ignore() {
    for parameters in [
        "requirepeer=postgres",
        "gssencmode=require",
        "sslmode=sometimes",
        "channel_binding=maybe",
        "target_session_attrs=best",
        "connect_timeout=soon",
    ] {
        let error = refusal(&format!("host=/nowhere {parameters}"));
        assert_eq!(error.kind(), Kind::Conflict, "{parameters}: {error}");
    }
}
