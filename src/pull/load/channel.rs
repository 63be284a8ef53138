//! The channel that carries a table's rows from the session that reads them to the session that
//! loads them. It holds only a few chunks: staging is read while rows are loaded, and memory use
//! stays bounded.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::postgres::connection::session::Session;
use crate::pull::into_file;
use crate::pull::read::amount::Amount;
use crate::pull::read::rows;
use crate::pull::read::source::PullPlan;
use crate::pull::select::table::Table;
use crate::sys::error::{Error, Result};
use crate::sys::signal;

/// The size of a chunk. A chunk of one large row may be larger.
const CHUNK: usize = 1 << 16;

/// The number of chunks in all channels together.
const CHUNKS: usize = 256;

/// The interval at which a wait checks for signals.
const TICK: Duration = Duration::from_millis(30);

enum Piece {
    Rows(Vec<u8>),
    /// The table was read completely.
    End(Amount),
}

/// The sending ends of the channels, by table.
pub(in crate::pull) struct Channels {
    open: Mutex<BTreeMap<String, SyncSender<Piece>>>,
    stop: Stop,
}

/// A flag that ends all reading sessions, even while they wait for rows.
#[derive(Clone, Default)]
pub(in crate::pull) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(in crate::pull) fn now(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The receiving end of one table's channel.
pub(in crate::pull) struct TableReceiver {
    pieces: Receiver<Piece>,
    amount: Option<Amount>,
    cut: bool,
}

/// Makes a channel for each table. `jobs` of them are in use at the same time.
pub(in crate::pull) fn channels(tables: &[Table], jobs: usize) -> (Channels, Vec<TableReceiver>) {
    let depth = (CHUNKS / jobs.max(1)).clamp(2, 64);
    let mut senders = BTreeMap::new();
    let receiver = |table: &Table| {
        let (sender, pieces) = sync_channel(depth);
        senders.insert(table.name.clone(), sender);
        TableReceiver { pieces, amount: None, cut: false }
    };
    let receivers = tables.iter().map(receiver).collect();
    (Channels { open: Mutex::new(senders), stop: Stop::default() }, receivers)
}

impl Channels {
    pub(in crate::pull) fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Reads a table and sends its rows into its channel.
    ///
    /// # Errors
    /// An error if the table cannot be read, or if loading has ended.
    pub(in crate::pull) fn read(
        &self,
        session: &mut Session,
        plan: &PullPlan,
        table: &Table,
    ) -> Result<()> {
        session.stop_with(&self.stop.0);
        if self.stop.0.load(Ordering::SeqCst) {
            return Err(Error::failed("loading has ended"));
        }
        let sender = self.open.lock().ok().and_then(|mut channels| channels.remove(&table.name));
        let sender = sender.ok_or_else(|| Error::unexpected("a table was read twice"))?;
        let mut writer = ChannelWriter { sender, chunk: Vec::new() };
        let started = Instant::now();
        let amount = rows::rows(session, table, &plan.options, &mut writer)?;
        into_file::record(plan, &table.name, amount, started.elapsed());
        let flushed = writer.flush().is_ok();
        let ended = flushed && writer.sender.send(Piece::End(amount)).is_ok();
        if ended { Ok(()) } else { Err(Error::failed("loading has ended")) }
    }
}

impl TableReceiver {
    /// Receives the next rows; `None` at the end of the table. It is an error if the reader has
    /// failed, but only the reader knows why.
    pub(in crate::pull) fn next(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            match self.pieces.recv_timeout(TICK) {
                Ok(Piece::Rows(rows)) => return Ok(Some(rows)),
                Ok(Piece::End(amount)) => {
                    self.amount = Some(amount);
                    return Ok(None);
                }
                Err(RecvTimeoutError::Timeout) => signal::check()?,
                Err(RecvTimeoutError::Disconnected) => {
                    self.cut = true;
                    return Err(Error::failed("reading has ended"));
                }
            }
        }
    }

    /// The reader failed before the end of the table.
    pub(in crate::pull) fn is_cut(&self) -> bool {
        self.cut
    }

    /// The amount of rows, known when all have arrived.
    pub(in crate::pull) fn amount(&self) -> Result<Amount> {
        self.amount.ok_or_else(|| Error::unexpected("a table has not arrived"))
    }
}

/// The sending end of one table's channel, as a writer.
struct ChannelWriter {
    sender: SyncSender<Piece>,
    chunk: Vec<u8>,
}

impl Write for ChannelWriter {
    fn write(&mut self, rows: &[u8]) -> std::io::Result<usize> {
        if self.chunk.len() + rows.len() > CHUNK {
            self.flush()?;
        }
        if self.chunk.capacity() == 0 {
            self.chunk.reserve_exact(CHUNK.max(rows.len()));
        }
        self.chunk.extend_from_slice(rows);
        Ok(rows.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let full = std::mem::take(&mut self.chunk);
        self.sender.send(Piece::Rows(full)).map_err(|_| ErrorKind::BrokenPipe.into())
    }
}
