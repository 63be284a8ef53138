//! The signals INT, TERM and HUP.
//!
//! A clean-up cannot run in a signal handler, and a process that dies of a signal runs no clean-up.
//! So `install` catches the signals before any work begins, and the handler only remembers the
//! first one. The children that db-tool waits for get the signal, too (see `process`). Between two
//! steps, `check` turns the remembered signal into an error, and the error unwinds through every
//! clean-up. At the end `main` raises the signal again, so that the caller sees the true cause.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::sys::error::{Error, Kind, Result};

static CAUGHT: AtomicI32 = AtomicI32::new(0);
/// The signals that the handler has seen. Ctrl-C also ends a child; db-tool may reap that child
/// before its signal thread runs. Without this flag, the child would seem to have failed by itself.
static ARRIVED: OnceLock<Vec<(i32, Arc<AtomicBool>)>> = OnceLock::new();
static LISTENER: Mutex<Option<fn(i32)>> = Mutex::new(None);

/// Catches INT, TERM and HUP from now on. If the caller ignores HUP, as `nohup` does, it stays
/// ignored.
pub fn install() -> Result<()> {
    let mut to_catch = vec![SIGINT, SIGTERM];
    if !hangup_is_ignored() {
        to_catch.push(SIGHUP);
    }
    let cannot = |e| Error::failed(format!("cannot catch signals: {e}"));
    let mut arrived = Vec::new();
    for &signal in &to_catch {
        let flag = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(signal, Arc::clone(&flag)).map_err(cannot)?;
        arrived.push((signal, flag));
    }
    let _ = ARRIVED.set(arrived);
    let mut signals = signal_hook::iterator::Signals::new(&to_catch).map_err(cannot)?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            remember(signal);
            let listener = LISTENER.lock().ok().and_then(|guard| *guard);
            if let Some(listener) = listener {
                listener(signal);
            }
        }
    });
    Ok(())
}

/// From now on, the signal thread calls `listener` with every signal.
pub(crate) fn listen(listener: fn(i32)) {
    if let Ok(mut guard) = LISTENER.lock() {
        *guard = Some(listener);
    }
}

/// Only the first signal counts.
fn remember(signal: i32) {
    let _ = CAUGHT.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
}

/// The first signal that arrived, if any.
pub fn caught() -> Option<i32> {
    let mut arrived = ARRIVED.get().into_iter().flatten();
    if let Some((signal, _)) = arrived.find(|(_, flag)| flag.load(Ordering::SeqCst)) {
        remember(*signal);
    }
    match CAUGHT.load(Ordering::SeqCst) {
        0 => None,
        signal => Some(signal),
    }
}

/// Returns an error of kind `Interrupted` if a signal has arrived.
pub fn check() -> Result<()> {
    match caught() {
        None => Ok(()),
        Some(signal) => Err(Error::new(Kind::Interrupted(signal), "interrupted")),
    }
}

/// Ends this process by `signal`, as if db-tool had no handler.
pub fn raise_again(signal: i32) {
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}

/// Reads `/proc/self/status`, which only Linux has. On other systems HUP is always caught.
fn hangup_is_ignored() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 != 0)
}
