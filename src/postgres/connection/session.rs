//! A connected session.
//!
//! tokio-postgres is asynchronous, the rest of the crate is synchronous. The border is here: a
//! session owns a runtime of one thread, which runs only while a caller waits for the server. A
//! signal must end that wait. So the wait looks for a signal every few milliseconds. If one has
//! arrived, the session asks the server to cancel the statement and returns the error
//! `Interrupted`, which unwinds through every clean-up.

mod connect;
mod failure;
#[cfg(test)]
mod tests;

use std::future::{Future, poll_fn};
use std::io::Cursor;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_core::Stream;
use futures_sink::Sink;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

pub use failure::{is_not_ready, server_error};
pub use tokio_postgres::Row;
pub use tokio_postgres::error::DbError;
pub use tokio_postgres::types::{FromSql, ToSql, Type};

use super::conninfo::Conninfo;
use crate::sys::error::{Error, Result};
use crate::sys::process::Patience;
use crate::sys::signal;

/// The interval in which a wait looks for a signal.
const TICK: Duration = Duration::from_millis(30);

/// The interval between two requests to cancel.
const AGAIN: Duration = Duration::from_millis(300);

/// The time that a cancelled statement has to end.
const GRACE: Duration = Duration::from_secs(5);

/// The time that a connection has to close properly.
const FAREWELL: Duration = Duration::from_secs(1);

/// A message of the server that is not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// `NOTICE`, `WARNING`, `INFO` and so on, in the language of the server.
    pub severity: String,
    /// The message.
    pub message: String,
    /// The DETAIL field.
    pub detail: Option<String>,
    /// The HINT field.
    pub hint: Option<String>,
}

/// The messages that the server sends besides its answers.
#[derive(Default)]
struct Inbox {
    notices: Vec<Notice>,
    ended_by: Option<tokio_postgres::Error>,
}

/// A connection to a database. Dropping it closes the connection, and the server rolls back an open
/// transaction.
pub struct Session {
    runtime: Runtime,
    // only `drop` takes it
    client: Option<Client>,
    driver: JoinHandle<()>,
    tls: Option<MakeRustlsConnect>,
    inbox: Arc<Mutex<Inbox>>,
    last_failure: Option<DbError>,
    patience: Patience,
    stop: Option<Arc<AtomicBool>>,
}

impl Session {
    /// Connects to the first suitable server, by the rules of libpq (§34.1.1.3). If a server
    /// refuses the login, the next one is not tried.
    ///
    /// # Errors
    /// `Failed` if no connection comes about, `Conflict` or `Missing` for unusable parameters and
    /// certificate files, `Interrupted` after a signal.
    pub fn connect(conninfo: &Conninfo) -> Result<Self> {
        Self::connect_with(conninfo, Patience::Interruptible)
    }

    /// Connects like [`Self::connect`]. With `Patience::Stubborn`, signals do not end the waits of
    /// the session: it writes records after a signal.
    ///
    /// # Errors
    /// See [`Self::connect`].
    pub fn connect_with(conninfo: &Conninfo, patience: Patience) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::failed(format!("cannot start the event loop: {error}")))?;
        let opened = runtime.block_on(async {
            let attempt = pin!(connect::open(conninfo));
            interruptible(attempt, patience, None).await?
        });
        match opened {
            Ok(opened) => Ok(Self {
                driver: runtime.spawn(opened.driver),
                runtime,
                client: Some(opened.client),
                tls: opened.tls,
                inbox: opened.inbox,
                last_failure: None,
                patience,
                stop: None,
            }),
            Err(error) => {
                // do not wait for a host name that is still being looked up
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// Runs any number of statements in the simple protocol. They are one transaction unless they
    /// contain transaction control. Rows are discarded.
    ///
    /// # Errors
    /// See [`server_error`].
    pub fn batch(&mut self, sql: &str) -> Result<()> {
        self.run(async |client| client.batch_execute(sql).await)
    }

    /// Runs one statement and returns its rows.
    ///
    /// # Errors
    /// See [`server_error`].
    pub fn query(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        self.run(async |client| client.query(sql, params).await)
    }

    /// Runs one statement with parameters of the given types. This takes one round trip;
    /// [`Self::query`] takes two.
    ///
    /// # Errors
    /// See [`server_error`].
    pub fn query_typed(
        &mut self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>> {
        self.run(async |client| client.query_typed(sql, params).await)
    }

    /// Runs one statement that returns one row or none.
    ///
    /// # Errors
    /// `Unexpected` for more rows; see [`server_error`].
    pub fn query_opt(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>> {
        self.run(async |client| client.query_opt(sql, params).await)
    }

    /// Runs one statement that returns one row.
    ///
    /// # Errors
    /// `Unexpected` for none or more; see [`server_error`].
    pub fn query_one(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Row> {
        self.run(async |client| client.query_one(sql, params).await)
    }

    /// Runs one statement and returns the number of affected rows.
    ///
    /// # Errors
    /// See [`server_error`].
    pub fn execute(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<u64> {
        self.run(async |client| client.execute(sql, params).await)
    }

    /// Runs a `COPY … TO STDOUT` and passes the data to `take` piece by piece. If `take` fails, the
    /// session cannot be used any more.
    ///
    /// # Errors
    /// The error of `take`; see also [`server_error`].
    pub fn copy_out(&mut self, sql: &str, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut taken = Ok(());
        self.run(async |client| {
            let mut stream = pin!(client.copy_out(sql).await?);
            while let Some(chunk) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
                taken = take(&chunk?);
                if taken.is_err() {
                    break;
                }
            }
            Ok(())
        })?;
        if taken.is_err() {
            self.abandon();
        }
        taken
    }

    /// Makes the server stop a COPY whose data db-tool no longer reads. Without this, the server
    /// would work until it has something to send.
    fn abandon(&self) {
        let Some(client) = self.client.as_ref() else { return };
        self.runtime.block_on(async {
            // the server answers this after the statement before it
            let ended = pin!(client.batch_execute(""));
            cancel_until(client, self.tls.as_ref(), ended).await;
        });
    }

    /// Runs a `COPY … FROM STDIN` with the data that `next` returns, and returns the number of
    /// rows. If `next` fails, the statement fails, too.
    ///
    /// # Errors
    /// The error of `next`; see also [`server_error`].
    pub fn copy_in(
        &mut self,
        sql: &str,
        mut next: impl FnMut() -> Result<Option<Vec<u8>>>,
    ) -> Result<u64> {
        let mut handed_out = Ok(());
        let rows = self.run(async |client| {
            let mut sink = pin!(client.copy_in::<_, Cursor<Vec<u8>>>(sql).await?);
            loop {
                match next() {
                    Ok(Some(data)) => {
                        poll_fn(|context| sink.as_mut().poll_ready(context)).await?;
                        sink.as_mut().start_send(Cursor::new(data))?;
                        // send the data before `next` has to wait
                        tokio::task::yield_now().await;
                    }
                    Ok(None) => return sink.finish().await,
                    Err(error) => {
                        handed_out = Err(error);
                        return Ok(0);
                    }
                }
            }
        })?;
        handed_out.map(|()| rows)
    }

    /// From now on, setting `stop` ends every wait with an error, as a signal would.
    pub fn stop_with(&mut self, stop: &Arc<AtomicBool>) {
        self.stop = Some(Arc::clone(stop));
    }

    /// The server's error for the last failed statement. `None` after a success.
    pub fn last_failure(&self) -> Option<&DbError> {
        self.last_failure.as_ref()
    }

    /// The SQLSTATE of the last failed statement, such as `42P01`.
    pub fn sqlstate(&self) -> Option<&str> {
        self.last_failure.as_ref().map(|failure| failure.code().code())
    }

    /// The notices and warnings since the last call, in order.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut lock(&self.inbox).notices)
    }

    /// Waits for the result of `work`, or for a signal.
    fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T> {
        self.last_failure = None;
        let client = self.client.as_ref().ok_or_else(|| Error::unexpected("session is closed"))?;
        let answer = self.runtime.block_on(async {
            let mut answer = pin!(work(client));
            match interruptible(answer.as_mut(), self.patience, self.stop.as_deref()).await {
                Ok(answer) => Ok(answer),
                Err(interrupted) => {
                    cancel_until(client, self.tls.as_ref(), answer).await;
                    Err(interrupted)
                }
            }
        })?;
        answer.map_err(|error| self.failed(&error))
    }

    /// The error of a lost connection says only "closed"; the inbox holds the reason.
    fn failed(&mut self, error: &tokio_postgres::Error) -> Error {
        let inbox = lock(&self.inbox);
        let cause = inbox.ended_by.as_ref().filter(|_| error.is_closed()).unwrap_or(error);
        self.last_failure = cause.as_db_error().cloned();
        server_error(cause)
    }
}

impl Drop for Session {
    /// Closes the connection properly, so that the server does not log a lost connection. An error
    /// does no harm.
    fn drop(&mut self) {
        self.client = None;
        let driver = &mut self.driver;
        let farewell = async { tokio::time::timeout(FAREWELL, driver).await };
        let _ = self.runtime.block_on(farewell);
    }
}

/// The value of a column.
///
/// # Errors
/// `Unexpected` if there is no such column or if it has another type.
pub fn column<'a, T: FromSql<'a>>(row: &'a Row, name: &str) -> Result<T> {
    row.try_get(name).map_err(|error| server_error(&error))
}

/// Waits for the end of `work` or for a signal. If both are there, the result of `work` counts, and
/// the next wait notices the signal.
async fn interruptible<F: Future>(
    mut work: Pin<&mut F>,
    patience: Patience,
    stop: Option<&AtomicBool>,
) -> Result<F::Output> {
    if patience == Patience::Stubborn {
        return Ok(work.await);
    }
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Ok(done),
            _ = tick.tick() => {
                signal::check()?;
                if stop.is_some_and(|stop| stop.load(Ordering::SeqCst)) {
                    return Err(Error::failed("no longer wanted"));
                }
            }
        }
    }
}

/// Requests a cancellation until the answer arrives. One request is not enough: the server ignores
/// a request that arrives before the statement, and would go on.
async fn cancel_until<F: Future>(
    client: &Client,
    tls: Option<&MakeRustlsConnect>,
    mut answer: Pin<&mut F>,
) {
    let cancelled = async {
        loop {
            cancel(client, tls).await;
            if tokio::time::timeout(AGAIN, answer.as_mut()).await.is_ok() {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(GRACE, cancelled).await;
}

/// Asks the server to cancel the running statement. This takes a second connection.
async fn cancel(client: &Client, tls: Option<&MakeRustlsConnect>) {
    let token = client.cancel_token();
    let _ = match tls {
        Some(tls) => token.cancel_query(tls.clone()).await,
        None => token.cancel_query(NoTls).await,
    };
}

/// No thread panics while it holds the lock, so a poisoned lock is still usable.
fn lock(inbox: &Mutex<Inbox>) -> std::sync::MutexGuard<'_, Inbox> {
    inbox.lock().unwrap_or_else(PoisonError::into_inner)
}
