//! Turns the errors of servers and of connections into errors of this crate.

use std::error::Error as _;
use std::io;

use rustls::CertificateError;
use tokio_postgres::error::{DbError, SqlState};

use crate::postgres::connection::conninfo::{Conninfo, Target};
use crate::postgres::connection::tls::Tls;
use crate::postgres::error::own_kind;
use crate::sys::error::{Error, Kind};

/// Turns the error of a running session into an error of this crate.
///
/// A failed statement is of kind `Sql`. The SQL of the bundle uses SQLSTATE class `HC`;
/// [`own_kind`] gives its kinds. A lost connection and a server that shuts down are `Failed`. A
/// value of a wrong type and an impossible number of rows are `Unexpected`. DETAIL, HINT, CONTEXT
/// and SQLSTATE of the server become detail lines.
pub fn server_error(error: &tokio_postgres::Error) -> Error {
    if let Some(failure) = error.as_db_error() {
        return statement_error(failure);
    }
    if error.is_closed() || source_io(error).is_some() {
        return Error::failed(format!("the connection to the server is lost: {}", reason(error)))
            .hint("the server's log tells why it ended the connection");
    }
    Error::unexpected(reason(error))
}

fn statement_error(failure: &DbError) -> Error {
    let code = failure.code().code();
    let kind = own_kind(code).unwrap_or(match code.get(..2) {
        // 57014 is a cancelled statement; 57P01 and higher are a server that shuts down
        Some("08") => Kind::Failed,
        Some("57") if code != "57014" => Kind::Failed,
        _ => Kind::Sql,
    });
    let lines = [
        ("DETAIL", failure.detail()),
        ("HINT", failure.hint()),
        ("CONTEXT", failure.where_()),
        ("SQLSTATE", Some(code)),
    ];
    lines
        .into_iter()
        .filter_map(|(name, text)| Some(format!("{name}: {}", text?)))
        .fold(Error::new(kind, failure.message()), Error::detail)
}

/// Whether the server refused the connection because it is starting or stopping, or recovers from
/// the crash of one of its processes.
pub fn is_not_ready(error: &Error) -> bool {
    let line = format!("SQLSTATE: {}", SqlState::CANNOT_CONNECT_NOW.code());
    error.details().contains(&line)
}

/// The next step after a refusal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NextStep {
    /// Try the same server with the other encryption.
    OtherEncryption,
    /// Try the next server.
    NextServer,
    /// Stop: another server would not help.
    Stop,
}

/// The reason why db-tool does not use a server without TLS if TLS is required.
const NO_TLS: &str = "the server does not offer TLS";

/// A failed attempt to connect.
pub(super) struct Refusal {
    pub(super) error: Error,
    pub(super) then: NextStep,
}

impl Refusal {
    pub(super) fn new(
        conninfo: &Conninfo,
        target: &Target,
        tls: Option<&Tls>,
        error: &tokio_postgres::Error,
    ) -> Self {
        let failure = if let Some(failure) = error.as_db_error() {
            login_error(failure)
        } else if let Some(why) = source_tls(error) {
            certificate_error(why, tls)
        } else if let Some(why) = source_io(error) {
            network_error(why, error, target)
        } else {
            protocol_error(error)
        };
        Self { error: failure.context(place(conninfo, target)), then: next_step(error) }
    }

    pub(super) fn timeout(conninfo: &Conninfo, target: &Target) -> Self {
        let error = Error::failed("no answer in time")
            .hint("see whether the server can be reached, or raise connect_timeout")
            .context(place(conninfo, target));
        Self { error, then: NextStep::NextServer }
    }

    pub(super) fn role(conninfo: &Conninfo, target: &Target, wanted: &str) -> Self {
        let error =
            Error::failed(format!("the server is not one for target_session_attrs={wanted}"))
                .hint("list the other servers in host, or set target_session_attrs=any")
                .context(place(conninfo, target));
        Self { error, then: NextStep::NextServer }
    }

    /// Adds the refusal of the attempt with the other encryption.
    pub(super) fn and(self, other: Self) -> Self {
        let (message, after) = (self.error.message(), other.error.message());
        let detail = (message != after).then(|| format!("with the other encryption: {after}"));
        let then =
            if other.then == NextStep::OtherEncryption { NextStep::Stop } else { other.then };
        // the caller allowed a connection without TLS, so the missing TLS is not the cause
        if message.ends_with(NO_TLS) {
            return Self { error: other.error, then };
        }
        Self { error: detail.into_iter().fold(self.error, Error::detail), then }
    }

    /// Makes an error of the last refusal. The refusals of earlier servers become details.
    pub(super) fn report(mut refusals: Vec<Self>) -> Error {
        match refusals.pop() {
            None => Error::unexpected("no server to connect to"),
            Some(last) => refusals
                .iter()
                .fold(last.error, |error, earlier| error.detail(earlier.error.message())),
        }
    }
}

fn place(conninfo: &Conninfo, target: &Target) -> String {
    let (user, database) = (conninfo.user(), conninfo.database());
    format!("cannot connect to {target} as {user}, database {database}")
}

/// The next step after an error. Perhaps the server demands another encryption. If a server is
/// starting up or cannot be reached, the next one may answer.
fn next_step(error: &tokio_postgres::Error) -> NextStep {
    match error.as_db_error() {
        Some(failure) if *failure.code() == SqlState::CANNOT_CONNECT_NOW => NextStep::NextServer,
        Some(_) => NextStep::OtherEncryption,
        None if is_tls(error) => NextStep::OtherEncryption,
        None if source_io(error).is_some() => NextStep::NextServer,
        None => NextStep::Stop,
    }
}

fn login_error(failure: &DbError) -> Error {
    let error = statement_error(failure).with_kind(Kind::Failed);
    let hint = match failure.code().code() {
        "3D000" => "create the database, or name another one",
        "28P01" => "check the password in the connection string, PGPASSWORD or the password file",
        "28000" => "check the user, and what the server's pg_hba.conf allows",
        "57P03" => "wait until the server has started, then try again",
        "53300" => "close other connections, or raise the server's max_connections",
        _ => return error,
    };
    error.hint(hint)
}

fn certificate_error(why: &rustls::Error, tls: Option<&Tls>) -> Error {
    let checked = tls.and_then(|tls| tls.checked_against.as_deref());
    match (why, checked) {
        (rustls::Error::InvalidCertificate(why), Some(roots)) => {
            let why = match why {
                CertificateError::UnknownIssuer => "its issuer is not trusted".to_owned(),
                other => other.to_string(),
            };
            Error::failed(format!("the server's certificate is refused ({roots}): {why}")).hint(
                "check the host name and sslrootcert; the name must be in the certificate's \
                 subjectAltName",
            )
        }
        _ => Error::failed(format!("TLS failed: {why}"))
            .hint("the server may want a client certificate: sslcert and sslkey"),
    }
}

fn network_error(why: &io::Error, error: &tokio_postgres::Error, target: &Target) -> Error {
    let failure = Error::failed(reason(error));
    match why.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            Error::failed("no server listens there").hint(if target.is_socket() {
                "start the server, or correct the host (socket directory) and port"
            } else {
                "start the server, or correct the host and port"
            })
        }
        io::ErrorKind::TimedOut => {
            failure.hint("see whether the server can be reached, or raise connect_timeout")
        }
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
            Error::failed("the server ended the connection")
                .hint("see the server's log; is it PostgreSQL that listens there?")
        }
        io::ErrorKind::PermissionDenied => {
            failure.hint("the socket or its directory is another user's")
        }
        _ => failure.hint("check the host and port"),
    }
}

/// Errors that tokio-postgres itself reports.
fn protocol_error(error: &tokio_postgres::Error) -> Error {
    match reason(error).as_str() {
        "password missing" => Error::failed("the server wants a password").hint(
            "give it in PGPASSWORD, in a password file (~/.pgpass) or in the connection string",
        ),
        "server does not support TLS" => Error::failed(NO_TLS)
            .hint("set ssl = on in the server, or sslmode=prefer for a network you trust"),
        other => Error::failed(other),
    }
}

/// The innermost reason: the outer ones only name the step.
fn reason(error: &tokio_postgres::Error) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    reason.to_string()
}

fn source_io(error: &tokio_postgres::Error) -> Option<&io::Error> {
    error.source()?.downcast_ref()
}

fn source_tls(error: &tokio_postgres::Error) -> Option<&rustls::Error> {
    source_io(error)?.get_ref()?.downcast_ref()
}

/// Whether TLS caused the error. Without a rustls error, only the text of tokio-postgres tells.
fn is_tls(error: &tokio_postgres::Error) -> bool {
    source_tls(error).is_some() || error.to_string().contains("TLS")
}
