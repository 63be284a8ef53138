//! Single keys of the terminal, without the return key.

use std::io::{IsTerminal, Stdin};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp};

use crate::sys::process::wait_readable;

/// The interval in which the thread looks whether it is to go on.
const TICK: Duration = Duration::from_millis(50);

/// The terminal sends single keys and shows none of them while this value lives. Ctrl-C remains a
/// signal.
pub struct Keys {
    before: Termios,
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keys {
    /// A thread calls `on_key` with each key. `None` if the standard input is no terminal, or belongs
    /// to another job of the shell.
    pub fn listen(on_key: impl Fn(u8) + Send + 'static) -> Option<Self> {
        let input = std::io::stdin();
        if !input.is_terminal() || !is_in_foreground(&input) {
            return None;
        }
        let before = tcgetattr(&input).ok()?;
        set(&input, &before);
        let (end, ended) = channel();
        let own = before.clone();
        let thread = std::thread::spawn(move || read(&input, &own, &ended, on_key));
        Some(Self { before, end: Some(end), thread: Some(thread) })
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        drop(self.end.take());
        let _ = self.thread.take().map(JoinHandle::join);
        let input = std::io::stdin();
        if is_in_foreground(&input) {
            let _ = tcsetattr(&input, SetArg::TCSANOW, &self.before);
        }
    }
}

fn read(input: &Stdin, before: &Termios, ended: &Receiver<()>, on_key: impl Fn(u8)) {
    let mut buffer = [0; 64];
    let goes_on = |time| ended.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
    while goes_on(Duration::ZERO) {
        // a process in the background that reads would be stopped
        if !is_in_foreground(input) {
            let _ = goes_on(TICK);
            continue;
        }
        // a shell that took the job back into the foreground has set up the terminal for itself
        if tcgetattr(input).is_ok_and(|now| now.local_flags.contains(LocalFlags::ICANON)) {
            set(input, before);
        }
        match wait_readable(input, || false) {
            Ok(false) => continue,
            Ok(true) => {}
            Err(_) => return,
        }
        match nix::unistd::read(input, &mut buffer) {
            Ok(count) if count > 0 => buffer[..count].iter().for_each(|key| on_key(*key)),
            // the terminal has gone
            _ => return,
        }
    }
}

fn set(input: &Stdin, before: &Termios) {
    let mut single = before.clone();
    single.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
    let _ = tcsetattr(input, SetArg::TCSANOW, &single);
}

fn is_in_foreground(input: &Stdin) -> bool {
    tcgetpgrp(input).is_ok_and(|group| group == getpgrp())
}
