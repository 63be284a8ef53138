//! Waits for conditions, and passes signals on to children.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::inspect::descendants;
use crate::sys::error::Result;
use crate::sys::signal;

/// The time that a cancelled child has before it is killed.
const GRACE: Duration = Duration::from_secs(3);

/// The interval after which a signal is passed on again.
const AGAIN: Duration = Duration::from_millis(300);

/// Whether a signal ends a wait early. The signal that caused a clean-up must not cut the clean-up
/// short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// A signal ends the wait.
    Interruptible,
    /// The wait goes on to its end.
    Stubborn,
}

/// Calls `probe` until it returns a value, or until `limit` is over (`None`). Probes every
/// millisecond at first, and later every five: a server often starts within 30 ms.
pub fn wait_for<T>(
    limit: Duration,
    patience: Patience,
    mut probe: impl FnMut() -> Result<Option<T>>,
) -> Result<Option<T>> {
    let started = Instant::now();
    loop {
        if let Some(value) = probe()? {
            return Ok(Some(value));
        }
        if patience == Patience::Interruptible {
            signal::check()?;
        }
        let waited = started.elapsed();
        if waited >= limit {
            return Ok(None);
        }
        pause(if waited < Duration::from_millis(200) { 1 } else { 5 });
    }
}

#[expect(clippy::disallowed_methods, reason = "the waiting loop of this crate")]
fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// The children that db-tool waits for, each with the pids to which a signal is passed on.
static WAITED_FOR: Mutex<Vec<Arc<Vec<u32>>>> = Mutex::new(Vec::new());

/// While this value lives, signals are passed on to a child.
pub(super) struct SignalRelay(Arc<Vec<u32>>);

impl Drop for SignalRelay {
    fn drop(&mut self) {
        if let Ok(mut children) = WAITED_FOR.lock() {
            children.retain(|child| !Arc::ptr_eq(child, &self.0));
        }
    }
}

/// Passes signals on to the child until the returned value is dropped.
pub(super) fn relay_signals(handle: &duct::Handle) -> SignalRelay {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| signal::listen(|_| cancel_children()));
    let child = Arc::new(handle.pids());
    if let Ok(mut children) = WAITED_FOR.lock() {
        children.push(Arc::clone(&child));
    }
    if signal::caught().is_some() {
        cancel_children();
    }
    SignalRelay(child)
}

/// Runs in the signal thread.
fn cancel_children() {
    let Ok(children) = WAITED_FOR.lock().map(|children| children.clone()) else { return };
    std::thread::spawn(move || cancel(&children));
}

/// Ends children. Whichever signal has arrived, psql gets SIGINT: it then cancels the running
/// statement in the server, too. After SIGTERM the server would go on with the statement. The signal
/// is repeated, because psql ignores it while it waits for a program of `\!`.
fn cancel(children: &[Arc<Vec<u32>>]) {
    let gone = || Ok(all_gone(children).then_some(()));
    let started = Instant::now();
    let send_to_all = |signal| {
        let waited_for = children.iter().filter(|child| is_waited_for(child));
        waited_for.for_each(|child| send(child, signal));
    };
    while started.elapsed() < GRACE {
        send_to_all(Signal::SIGINT);
        if matches!(wait_for(AGAIN, Patience::Stubborn, gone), Ok(Some(()))) {
            return;
        }
    }
    send_to_all(Signal::SIGKILL);
}

/// The time after which a child is ended, and whether that has happened.
#[derive(Debug, Clone)]
pub struct Deadline {
    limit: Duration,
    passed: Arc<AtomicBool>,
}

impl Deadline {
    /// A child may take this long.
    pub fn after(limit: Duration) -> Self {
        Self { limit, passed: Arc::default() }
    }

    /// Whether the child has taken longer.
    pub fn has_passed(&self) -> bool {
        self.passed.load(Ordering::SeqCst)
    }

    /// Ends the child of `relay` after the limit, unless the returned value is dropped before.
    pub(super) fn watch(&self, relay: &SignalRelay) -> mpsc::Sender<()> {
        let (alive, ended) = mpsc::channel();
        let (deadline, child) = (self.clone(), Arc::clone(&relay.0));
        std::thread::spawn(move || {
            if let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(deadline.limit) {
                deadline.passed.store(true, Ordering::SeqCst);
                cancel(&[child]);
            }
        });
        alive
    }
}

/// Signals a child and its descendants, as a terminal would: a surviving program of `\!` or `\copy`
/// would hold the pipes that db-tool reads from. A process that the child started just before its
/// death is no longer its descendant; but if the child leads a process group, the signal to the
/// group reaches it.
fn send(child: &[u32], signal: Signal) {
    let below = child.iter().flat_map(|&pid| descendants(pid)).collect::<Vec<_>>();
    for pid in child.iter().chain(&below) {
        let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
    }
    for pid in child {
        let _ = killpg(Pid::from_raw(pid.cast_signed()), signal);
    }
}

fn is_waited_for(child: &Arc<Vec<u32>>) -> bool {
    WAITED_FOR.lock().is_ok_and(|children| children.iter().any(|other| Arc::ptr_eq(other, child)))
}

fn all_gone(children: &[Arc<Vec<u32>>]) -> bool {
    !children.iter().any(is_waited_for)
}
