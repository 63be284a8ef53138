//! Opens connections: chooses the server and the encryption as libpq does.

use std::future::{Future, poll_fn};
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::{ChannelBinding, SslMode, SslNegotiation, TargetSessionAttrs};
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::{NextStep, Refusal};
use super::{Inbox, Notice, lock};
use crate::postgres::connection::conninfo::{Conninfo, Facts, Target, bad_value};
use crate::postgres::connection::tls::{Mode, Tls};
use crate::postgres::error::severity_of;
use crate::sys::error::{Error, Result};

/// Parameters that demand a check which db-tool does not make. Refusing them is safer than ignoring
/// them.
const UNSUPPORTED: &[&str] = &["replication", "require_auth", "requirepeer", "sslcrldir"];

/// The SQLSTATEs with which servers and poolers refuse start-up options: unknown setting, protocol
/// violation, unsupported feature.
const REFUSALS: [SqlState; 3] =
    [SqlState::UNDEFINED_OBJECT, SqlState::PROTOCOL_VIOLATION, SqlState::FEATURE_NOT_SUPPORTED];

/// An open connection and the task that drives it.
pub(super) struct Opened {
    pub(super) client: Client,
    pub(super) driver: Driver,
    pub(super) tls: Option<MakeRustlsConnect>,
    pub(super) inbox: Arc<Mutex<Inbox>>,
}

/// Moves messages between client and server until the connection ends.
type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tries the servers in turn.
pub(super) async fn open(conninfo: &Conninfo) -> Result<Opened> {
    let config = Settings::new(conninfo)?;
    let mut refusals: Vec<Refusal> = Vec::new();
    for wanted in Role::passes(conninfo)? {
        for target in conninfo.targets() {
            match config.try_target(target, wanted).await {
                Ok(opened) => return Ok(opened),
                Err(refusal) => {
                    let last = refusal.then != NextStep::NextServer;
                    refusals.push(refusal);
                    if last {
                        return Err(Refusal::report(refusals));
                    }
                }
            }
        }
    }
    Err(Refusal::report(refusals))
}

/// The settings that all servers share.
struct Settings<'a> {
    conninfo: &'a Conninfo,
    mode: Mode,
    tls: Option<Tls>,
    base: Config,
}

impl<'a> Settings<'a> {
    fn new(conninfo: &'a Conninfo) -> Result<Self> {
        if let Some(key) = UNSUPPORTED.iter().find(|key| conninfo.get(key).is_some()) {
            return Err(Error::conflict(format!("connection parameter {key} is not supported")));
        }
        if conninfo.get("gssencmode") == Some("require") {
            return Err(Error::conflict("gssencmode=require is not supported")
                .hint("encrypt with sslmode=verify-full instead"));
        }
        let mode = Mode::of(conninfo)?;
        let network = conninfo.targets().iter().any(|target| !target.is_socket());
        // libpq does not read certificate files for a socket, either.
        let tls =
            (network && mode != Mode::Disable).then(|| Tls::new(conninfo, mode)).transpose()?;
        Ok(Self { conninfo, mode, tls, base: base_config(conninfo)? })
    }

    /// Tries one server with each encryption that the mode allows. If the server refuses TLS,
    /// `prefer` tries again without it; if it refuses a plain connection, `allow` tries again with
    /// TLS (§34.19.1).
    async fn try_target(&self, target: &Target, wanted: Role) -> Result<Opened, Refusal> {
        let tls = self.tls.as_ref().filter(|_| !target.is_socket());
        let order: &[Option<&Tls>] = match self.mode {
            Mode::Disable => &[None],
            Mode::Allow => &[None, tls],
            Mode::Prefer => &[tls, None],
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => &[tls],
        };
        let order = if tls.is_none() { &[None] } else { order };
        let mut first: Option<Refusal> = None;
        for tls in order {
            match self.attempt(target, *tls, wanted).await {
                Ok(opened) => return Ok(opened),
                Err(refusal) => {
                    let goes_on = refusal.then == NextStep::OtherEncryption;
                    let refusal = match first.take() {
                        Some(first) => first.and(refusal),
                        None => refusal,
                    };
                    if !goes_on {
                        return Err(refusal);
                    }
                    first = Some(refusal);
                }
            }
        }
        Err(first.unwrap_or_else(|| Refusal::timeout(self.conninfo, target)))
    }

    /// Makes one attempt within its time limit.
    async fn attempt(
        &self,
        target: &Target,
        tls: Option<&Tls>,
        wanted: Role,
    ) -> Result<Opened, Refusal> {
        let limit = self
            .conninfo
            .connect_timeout(target)
            .map_err(|error| Refusal { error, then: NextStep::Stop })?;
        let once = || async {
            let config = self.config_for(target, tls.is_some(), limit);
            match tls {
                Some(tls) => start(&config, tls.connector.clone(), wanted).await,
                None => start(&config, NoTls, wanted).await,
            }
        };
        let attempt = async {
            match once().await {
                Err(AttemptFailure::Error(error)) if self.is_news(&error) => once().await,
                outcome => outcome,
            }
        };
        let outcome = match limit {
            Some(limit) => tokio::time::timeout(limit, attempt)
                .await
                .map_err(|_| Refusal::timeout(self.conninfo, target))?,
            None => attempt.await,
        };
        match outcome {
            Ok((client, driver, inbox, facts)) => {
                let late = facts.map(|facts| self.conninfo.learn(facts)).unwrap_or_default();
                for statement in late {
                    send(&client, statement).await;
                }
                Ok(Opened { client, driver, inbox, tls: tls.map(|tls| tls.connector.clone()) })
            }
            Err(AttemptFailure::Error(error)) => {
                Err(Refusal::new(self.conninfo, target, tls, &error))
            }
            Err(AttemptFailure::Role) => Err(Refusal::role(self.conninfo, target, wanted.name())),
        }
    }

    /// Whether the server or a pooler refuses our options, and this was not known before.
    fn is_news(&self, error: &tokio_postgres::Error) -> bool {
        let refuses = |code: &SqlState| REFUSALS.contains(code);
        error.code().is_some_and(refuses) && self.conninfo.leave_timeouts()
    }

    fn config_for(&self, target: &Target, encrypted: bool, limit: Option<Duration>) -> Config {
        let mut config = self.base.clone();
        config.port(target.port);
        config.ssl_mode(if encrypted { SslMode::Require } else { SslMode::Disable });
        let options = self.conninfo.start_up_options();
        if !options.is_empty() {
            config.options(options);
        }
        if let Some(limit) = limit {
            config.connect_timeout(limit);
        }
        match target.host.strip_prefix('@').filter(|_| target.is_socket()) {
            // the system marks an abstract socket with a zero byte
            Some(name) => config.host_path(PathBuf::from(format!("\0{name}"))),
            None => config.host(&target.host),
        };
        if let Some(address) = target.hostaddr {
            config.hostaddr(address);
        }
        if let Some(password) = &target.password {
            config.password(password.reveal());
        }
        config
    }
}

/// The parameters that are the same for all servers.
fn base_config(conninfo: &Conninfo) -> Result<Config> {
    let mut config = Config::new();
    config.user(conninfo.user()).dbname(conninfo.database());
    config.target_session_attrs(TargetSessionAttrs::Any);
    let name = conninfo.get("application_name").or(conninfo.get("fallback_application_name"));
    config.application_name(name.unwrap_or("db-tool"));
    config.channel_binding(match conninfo.get("channel_binding") {
        None | Some("prefer") => ChannelBinding::Prefer,
        Some("disable") => ChannelBinding::Disable,
        Some("require") => ChannelBinding::Require,
        Some(_) => return Err(bad_value("channel_binding", "prefer, disable or require")),
    });
    config.ssl_negotiation(match conninfo.get("sslnegotiation") {
        None | Some("postgres") => SslNegotiation::Postgres,
        Some("direct") => SslNegotiation::Direct,
        Some(_) => return Err(bad_value("sslnegotiation", "postgres or direct")),
    });
    if conninfo.get("keepalives") == Some("0") {
        config.keepalives(false);
    }
    let seconds = |key| conninfo.get(key).and_then(|text| text.parse().ok()).filter(|n| *n > 0);
    if let Some(idle) = seconds("keepalives_idle") {
        config.keepalives_idle(Duration::from_secs(idle));
    }
    if let Some(interval) = seconds("keepalives_interval") {
        config.keepalives_interval(Duration::from_secs(interval));
    }
    if let Some(milliseconds) = seconds("tcp_user_timeout") {
        config.tcp_user_timeout(Duration::from_millis(milliseconds));
    }
    Ok(config)
}

/// The reason why an attempt failed.
enum AttemptFailure {
    Error(tokio_postgres::Error),
    Role,
}

/// A new connection, with facts about the server if it sends its version.
type Started = (Client, Driver, Arc<Mutex<Inbox>>, Option<Facts>);

/// Connects, and checks whether the server has the wanted role.
async fn start<T>(config: &Config, tls: T, wanted: Role) -> Result<Started, AttemptFailure>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect(tls).await.map_err(AttemptFailure::Error)?;
    if !wanted.fits(|name| connection.parameter(name) == Some("on")) {
        return Err(AttemptFailure::Role);
    }
    let major = connection.parameter("server_version").and_then(major);
    let is_superuser = connection.parameter("is_superuser") == Some("on");
    let facts = major.map(|major| Facts { major, is_superuser });
    let inbox = Arc::default();
    let driver = Box::pin(drive(connection, Arc::clone(&inbox)));
    Ok((client, driver, inbox, facts))
}

/// The major version: `17` for `17.2 (Debian …)` or `17beta1`.
fn major(version: &str) -> Option<u32> {
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Sends statements without waiting for the answer. They run before the next statement.
async fn send(client: &Client, sql: &str) {
    let mut answer = pin!(client.batch_execute(sql));
    // the first poll sends the request
    let _ = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await;
}

/// Drives the connection, and collects the messages that the server sends besides its answers.
async fn drive<S, T>(mut connection: Connection<S, T>, inbox: Arc<Mutex<Inbox>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            Ok(AsyncMessage::Notice(notice)) => lock(&inbox).notices.push(notice_from(&notice)),
            Ok(_) => {}
            Err(error) => {
                lock(&inbox).ended_by = Some(error);
                return;
            }
        }
    }
}

fn notice_from(notice: &DbError) -> Notice {
    Notice {
        severity: severity_of(notice),
        message: notice.message().to_owned(),
        detail: notice.detail().map(str::to_owned),
        hint: notice.hint().map(str::to_owned),
    }
}

/// The wanted kind of server: `target_session_attrs` (§34.1.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
}

impl Role {
    /// The roles to look for, in this order: the client tries all servers for one role before it looks
    /// for the next.
    fn passes(conninfo: &Conninfo) -> Result<Vec<Self>> {
        Ok(match conninfo.get("target_session_attrs") {
            None | Some("any") => vec![Self::Any],
            Some("read-write") => vec![Self::ReadWrite],
            Some("read-only") => vec![Self::ReadOnly],
            Some("primary") => vec![Self::Primary],
            Some("standby") => vec![Self::Standby],
            Some("prefer-standby") => vec![Self::Standby, Self::Any],
            Some(_) => {
                let known = "any, read-write, read-only, primary, standby or prefer-standby";
                return Err(bad_value("target_session_attrs", known));
            }
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::ReadWrite => "read-write",
            Self::ReadOnly => "read-only",
            Self::Primary => "primary",
            Self::Standby => "standby",
        }
    }

    /// Whether a server has this role. Servers report it at the start of a session since PostgreSQL
    /// 14 (§55.2.7).
    fn fits(self, is_on: impl Fn(&str) -> bool) -> bool {
        let standby = is_on("in_hot_standby");
        let read_only = standby || is_on("default_transaction_read_only");
        match self {
            Self::Any => true,
            Self::ReadWrite => !read_only,
            Self::ReadOnly => read_only,
            Self::Primary => !standby,
            Self::Standby => standby,
        }
    }
}
