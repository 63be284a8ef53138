//! INT, TERM and HUP: caught before anything exists, looked at between steps, raised again at the end.
//!
//! A clean-up that must run on Ctrl-C cannot run in a signal handler, and a process that dies of the
//! signal runs none. So the first signal is only remembered; children that are being waited for are
//! told (see `process`), their wait ends, `check` turns the memory into an error, the error unwinds
//! through every clean-up, and `main` raises the signal again so that the caller sees the truth.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::sys::error::{Error, Kind, Result};

static CAUGHT: AtomicI32 = AtomicI32::new(0);
/// What the handler itself has noted. A child that ends of the same Ctrl-C may be reaped before the
/// signal thread has run, and must not pass for one that failed by itself.
static ARRIVED: OnceLock<Vec<(i32, Arc<AtomicBool>)>> = OnceLock::new();
static LISTENER: Mutex<Option<fn()>> = Mutex::new(None);

/// Catches INT, TERM and HUP from now on. A HUP that the caller ignores (`nohup`) stays ignored.
pub fn install() -> Result<()> {
    let mut wanted = vec![SIGINT, SIGTERM];
    if !hangup_is_ignored() {
        wanted.push(SIGHUP);
    }
    let cannot = |e| Error::failed(format!("cannot catch signals: {e}"));
    let mut arrived = Vec::new();
    for &signal in &wanted {
        let flag = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(signal, Arc::clone(&flag)).map_err(cannot)?;
        arrived.push((signal, flag));
    }
    let _ = ARRIVED.set(arrived);
    let mut signals = signal_hook::iterator::Signals::new(&wanted).map_err(cannot)?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            remember(signal);
            let listener = LISTENER.lock().ok().and_then(|guard| *guard);
            if let Some(tell) = listener {
                tell();
            }
        }
    });
    Ok(())
}

/// Calls `listener` from the signal thread for every signal that arrives.
pub(crate) fn listen(listener: fn()) {
    if let Ok(mut guard) = LISTENER.lock() {
        *guard = Some(listener);
    }
}

/// The first signal counts.
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

/// An error of kind `Interrupted` once a signal has arrived.
pub fn check() -> Result<()> {
    match caught() {
        None => Ok(()),
        Some(signal) => Err(Error::new(Kind::Interrupted(signal), "interrupted")),
    }
}

/// Dies of `signal`, as a process without our handler would have.
pub fn raise_again(signal: i32) {
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}

/// Linux tells in `/proc/self/status`; elsewhere a hang-up is caught.
fn hangup_is_ignored() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 != 0)
}
