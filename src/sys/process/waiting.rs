//! Waiting: for a condition, and for children that a signal has to reach.

use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::inspect::descendants;
use crate::sys::error::Result;
use crate::sys::signal;

/// How long a cancelled child may take before it is killed.
const GRACE: Duration = Duration::from_secs(3);

/// How long after a signal that was passed on it is passed on again.
const AGAIN: Duration = Duration::from_millis(300);

/// Whether a signal cuts a wait short. A clean-up after a signal must not be cut short by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// A signal ends the wait.
    Interruptible,
    /// The wait goes on to its end.
    Stubborn,
}

/// Probes until it yields a value or `limit` is over (`None`), first every millisecond and then
/// every five: fine enough for a server that is ready within thirty.
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

/// Children being waited for, by the pids that a signal has to reach.
static WAITED_FOR: Mutex<Vec<Arc<Vec<u32>>>> = Mutex::new(Vec::new());

/// While this lives, a signal is passed on to a child.
pub(super) struct Told(Arc<Vec<u32>>);

impl Drop for Told {
    fn drop(&mut self) {
        if let Ok(mut children) = WAITED_FOR.lock() {
            children.retain(|child| !Arc::ptr_eq(child, &self.0));
        }
    }
}

/// Has the child told about signals until the returned value is dropped.
pub(super) fn tell_on_signal(handle: &duct::Handle) -> Told {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| signal::listen(cancel_children));
    let child = Arc::new(handle.pids());
    if let Ok(mut children) = WAITED_FOR.lock() {
        children.push(Arc::clone(&child));
    }
    if signal::caught().is_some() {
        cancel_children();
    }
    Told(child)
}

/// Runs in the signal thread. Whatever arrived, psql gets an INT, because that cancels the running
/// statement in the server too; a TERM would leave the server working on it. It gets one after the
/// other, because psql ignores them while it waits for a program of `\!`.
fn cancel_children() {
    let Ok(children) = WAITED_FOR.lock().map(|children| children.clone()) else { return };
    std::thread::spawn(move || {
        let gone = || Ok(all_gone(&children).then_some(()));
        let started = Instant::now();
        let tell = |signal| {
            let waited_for = children.iter().filter(|child| is_waited_for(child));
            waited_for.for_each(|child| send(child, signal));
        };
        while started.elapsed() < GRACE {
            tell(Signal::SIGINT);
            if matches!(wait_for(AGAIN, Patience::Stubborn, gone), Ok(Some(()))) {
                return;
            }
        }
        tell(Signal::SIGKILL);
    });
}

/// Signals a child and what it has started, as a terminal would: a program of `\!` or `\copy` that
/// lived on would hold the pipes that we read from. What a child started in the moment in which it
/// died is nobody's descendant any more, but in the group that the child leads, if it leads one.
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
