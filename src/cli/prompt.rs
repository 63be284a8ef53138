//! Questions to a person, which a signal ends like everything else.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use crate::secret::Secret;
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::{read_stream, wait_readable};

/// Asks for yes or no on the terminal; without one, exit 3.
pub(super) fn confirm(question: &str) -> Result<bool> {
    let input = std::io::stdin();
    if !input.is_terminal() || super::env::no_tty() {
        return Err(Error::missing("there is nobody to ask").hint("--yes says yes in advance"));
    }
    let _ = write!(anstream::stderr(), "{question} [y/N] ");
    let answer = line(&input).inspect_err(|_| {
        let _ = writeln!(anstream::stderr());
    })?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// A value for `name` that is typed without being seen, or read from a pipe.
pub(super) fn secret(name: &str) -> Result<Secret> {
    let input = std::io::stdin();
    if input.is_terminal() {
        return hidden(name);
    }
    let bytes = read_stream(&input, "standard input")?.map_err(|error| unread(&error))?;
    let text = String::from_utf8(bytes).map_err(|_| Error::failed("the value is not UTF-8"))?;
    if text.contains('\0') {
        return Err(Error::conflict("the value holds a zero byte, which no text can"));
    }
    // of `echo`, not of the value
    Ok(Secret::new(text.strip_suffix('\n').map(str::to_owned).unwrap_or(text)))
}

fn hidden(name: &str) -> Result<Secret> {
    let path = "/dev/tty";
    let terminal = File::options().read(true).write(true).open(path).on("open", path)?;
    let quiet = Quiet::new(&terminal)?;
    let typed = write!(&terminal, "{name}: ").on("write to", path).and_then(|()| line(&terminal));
    drop(quiet);
    let _ = writeln!(&terminal);
    match typed?.strip_suffix('\n') {
        Some(value) => Ok(Secret::new(value.strip_suffix('\r').unwrap_or(value))),
        None => Err(Error::missing("no value was given")),
    }
}

/// A terminal that does not show what is typed, as long as this lives.
struct Quiet<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Quiet<'a> {
    fn new(terminal: &'a File) -> Result<Self> {
        let before = tcgetattr(terminal).on("set up", "/dev/tty")?;
        let mut quiet = before.clone();
        quiet.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(terminal, SetArg::TCSANOW, &quiet).on("set up", "/dev/tty")?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal, SetArg::TCSANOW, &self.before);
    }
}

/// One line with its end, or what came before the input ended.
fn line(terminal: &impl AsFd) -> Result<String> {
    let (mut line, mut buffer) = (Vec::new(), [0; 4096]);
    // a terminal hands out no more than a line
    while !line.ends_with(b"\n") {
        wait_readable(terminal, || true)?;
        match nix::unistd::read(terminal, &mut buffer) {
            Ok(0) => break,
            Ok(count) => line.extend_from_slice(&buffer[..count]),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(errno) => return Err(unread(&errno.into())),
        }
    }
    String::from_utf8(line).map_err(|_| Error::failed("what was typed is not UTF-8"))
}

fn unread(error: &std::io::Error) -> Error {
    Error::failed(format!("cannot read the answer: {error}"))
}
