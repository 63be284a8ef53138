//! `database watch`: runs another verb again after each change of the project.
//!
//! The verb runs in a second process, which reads the settings anew, and which cleans up by itself
//! however it ends. This process waits for changes, keys, signals and the end of that process, all
//! in one loop.
//!
//! A change during a check interrupts it: its outcome is out of date, and its cluster is removed in
//! any case. Other verbs change the development database, so they run to their end before they
//! begin again.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::project::watched::Watched;
use crate::sys::error::{Error, Result};
use crate::sys::keys::Keys;
use crate::sys::process::{Command, Job};
use crate::sys::signal;
use crate::sys::watch::{Burst, Watcher};

/// The interval in which the loop looks for signals.
const TICK: Duration = Duration::from_millis(50);

/// The arguments of `watch`.
pub struct Watch<'a> {
    /// Finds the files that count, anew before each run. `None` if the settings cannot be read at the
    /// moment; the files of the previous run then count.
    pub project: &'a dyn Fn() -> Option<Watched>,
    /// The verb to run.
    pub command: Command,
    /// Whether a change interrupts the verb.
    pub interrupts: bool,
    /// Whether the user may press keys, if there is a terminal.
    pub keys: bool,
    /// Tells the user what happens.
    pub tell: &'a dyn Fn(&Moment<'_>),
}

/// What happens in a watch.
#[derive(Debug)]
pub enum Moment<'a> {
    /// The verb begins, for this reason.
    Begins(&'a Reason),
    /// The verb has ended, after this time.
    Ended(ExitStatus, Duration),
    /// The verb was interrupted by a change or a key.
    Interrupted,
}

/// The reason of a run.
#[derive(Debug, PartialEq, Eq)]
pub enum Reason {
    /// The first run, of a watch that the user can control with keys or not.
    Start { keys: bool },
    /// The user has pressed a key.
    Key,
    /// These files have changed; unknown ones if there is none.
    Changed(BTreeSet<PathBuf>),
}

enum Event {
    Changed(Vec<PathBuf>),
    Key(u8),
    Ended,
}

impl Watch<'_> {
    /// Runs until the user quits.
    ///
    /// # Errors
    /// `Interrupted` after a signal; `Failed` if the system cannot watch the files.
    pub fn run(self) -> Result<()> {
        let (sender, events) = channel();
        let changes = sender.clone();
        let watcher = Watcher::new(move |paths| drop(changes.send(Event::Changed(paths))))?;
        let typed = sender.clone();
        let on_key = move |key| drop(typed.send(Event::Key(key)));
        let keys = if self.keys { Keys::listen(on_key) } else { None };
        let mut session = Session {
            watch: self,
            sender,
            watcher,
            watched: Watched::default(),
            burst: Burst::default(),
            job: None,
            next: None,
        };
        session.begin(&Reason::Start { keys: keys.is_some() })?;
        let outcome = session.follow(&events);
        if let Some(mut job) = session.job.take() {
            job.stop();
            job.finish()?;
        }
        outcome
    }
}

struct Session<'a> {
    watch: Watch<'a>,
    sender: Sender<Event>,
    watcher: Watcher,
    watched: Watched,
    burst: Burst,
    job: Option<Job>,
    /// The reason to run again after the current run.
    next: Option<Reason>,
}

impl Session<'_> {
    fn follow(&mut self, events: &Receiver<Event>) -> Result<()> {
        loop {
            signal::check()?;
            let until_end =
                self.burst.end().map(|end| end.saturating_duration_since(Instant::now()));
            match events.recv_timeout(until_end.map_or(TICK, |time| time.min(TICK))) {
                Ok(Event::Changed(paths)) => self.see(paths),
                Ok(Event::Key(b'q' | b'Q')) => return Ok(()),
                Ok(Event::Key(b'r' | b'R')) => self.repeat(Reason::Key)?,
                Ok(Event::Key(_)) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Event::Ended) => self.conclude()?,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::unexpected("the watch has lost its events"));
                }
            }
            if let Some(changed) = self.burst.take(Instant::now()) {
                self.repeat(Reason::Changed(changed))?;
            }
        }
    }

    fn see(&mut self, paths: Vec<PathBuf>) {
        let is_unknown = paths.is_empty();
        let counting: Vec<_> = paths.into_iter().filter(|path| self.watched.counts(path)).collect();
        if is_unknown || !counting.is_empty() {
            self.burst.add(counting, Instant::now());
        }
    }

    /// Runs the verb again: now, or after the current run.
    fn repeat(&mut self, reason: Reason) -> Result<()> {
        let Some(job) = &mut self.job else { return self.begin(&reason) };
        if self.watch.interrupts || reason == Reason::Key {
            job.stop();
        }
        self.next = Some(match (self.next.take(), reason) {
            (Some(Reason::Changed(mut all)), Reason::Changed(more)) => {
                all.extend(more);
                Reason::Changed(all)
            }
            (_, reason) => reason,
        });
        Ok(())
    }

    /// Files that change from now on cause the next run, so the watch is renewed first.
    fn begin(&mut self, reason: &Reason) -> Result<()> {
        if let Some(watched) = (self.watch.project)() {
            self.watched = watched;
        }
        self.watcher.watch(&self.watched.directories())?;
        (self.watch.tell)(&Moment::Begins(reason));
        let sender = self.sender.clone();
        let on_end = move || drop(sender.send(Event::Ended));
        self.job = Some(Job::start(self.watch.command.clone(), on_end)?);
        Ok(())
    }

    fn conclude(&mut self) -> Result<()> {
        let Some(job) = self.job.take() else { return Ok(()) };
        let was_stopped = job.is_stopped();
        let (status, time) = job.finish()?;
        // after Ctrl-C, which the terminal sends to both processes
        signal::check()?;
        let moment = match was_stopped && status.code().is_none() {
            true => Moment::Interrupted,
            false => Moment::Ended(status, time),
        };
        (self.watch.tell)(&moment);
        match self.next.take() {
            Some(reason) => self.begin(&reason),
            None => Ok(()),
        }
    }
}
