//! Waiting for events, and ending processes.
//!
//! A test waits for the event itself, however long that takes, because a machine may be slow or
//! busy. One limit holds for all waits. It only prevents a test from hanging for ever.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Outcome;

/// The longest wait for any event. A command that sleeps until the test ends it sleeps an hour.
const DEADLINE: Duration = Duration::from_secs(15 * 60);

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until `condition` holds.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        std::thread::sleep(PAUSE);
    }
}

/// Reads the output of a process on `stream` until `enough` accepts it. It reads no byte more,
/// because other readers need the rest.
pub fn hear(stream: &mut impl Read, pid: u32, enough: impl Fn(&str) -> bool) -> String {
    let _dog = Watchdog::over(pid);
    let (mut said, mut byte) = (Vec::new(), [0]);
    while !enough(&String::from_utf8_lossy(&said)) && stream.read(&mut byte).unwrap() > 0 {
        said.push(byte[0]);
    }
    String::from_utf8_lossy(&said).into_owned()
}

/// Kills a process that outlives the deadline, unless it is dropped before.
struct Watchdog {
    done: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    fn over(pid: u32) -> Self {
        let (done, watch) = channel::<()>();
        let thread = std::thread::spawn(move || {
            if watch.recv_timeout(DEADLINE) == Err(RecvTimeoutError::Timeout) {
                try_signal("KILL", pid);
            }
        });
        Self { done: Some(done), thread: Some(thread) }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.done.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Collects the output of a child, and kills a child that does not end.
pub fn finish(mut child: Child, input: Option<&str>) -> Outcome {
    let dog = Watchdog::over(child.id());
    if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().unwrap();
    drop(dog);
    Outcome {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code(),
        signal: output.status.signal(),
    }
}

/// The same, and calls `look` again and again until the child ends.
pub fn finish_watched(child: Child, mut look: impl FnMut() + Send) -> Outcome {
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::SeqCst) {
                look();
                std::thread::sleep(PAUSE);
            }
        });
        let outcome = finish(child, None);
        ended.store(true, Ordering::SeqCst);
        outcome
    })
}

/// Sends a signal, such as `INT`, to a process, or to a group by its negative number.
#[track_caller]
pub fn signal(name: &str, target: impl std::fmt::Display) {
    let told = format!("SIG{name} to {target}");
    assert!(try_signal(name, target), "{told}: it is not there");
}

/// The same for a process that may have ended.
pub fn try_signal(name: &str, target: impl std::fmt::Display) -> bool {
    let signal: Signal = format!("SIG{name}").parse().unwrap();
    kill(Pid::from_raw(target.to_string().parse().unwrap()), signal).is_ok()
}
