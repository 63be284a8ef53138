//! Questions to the user. A signal ends them.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use crate::secret::Secret;
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::{read_stream, wait_readable};

/// Asks for yes or no on the terminal. Exits with 3 if there is no terminal.
pub(super) fn confirm(question: &str) -> Result<bool> {
    let input = std::io::stdin();
    if !input.is_terminal() || super::env::no_tty() {
        return Err(Error::missing("there is no terminal to ask for confirmation")
            .hint("--yes confirms in advance"));
    }
    let _ = write!(anstream::stderr(), "{question} [y/N] ");
    let answer = line(&input).inspect_err(|_| {
        let _ = writeln!(anstream::stderr());
    })?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Reads the value of `name`: typed without echo, or from a pipe.
pub(super) fn secret(name: &str) -> Result<Secret> {
    let input = std::io::stdin();
    if input.is_terminal() {
        return hidden(name);
    }
    let bytes = read_stream(&input, "standard input")?.map_err(|error| unread(&error))?;
    let text = String::from_utf8(bytes).map_err(|_| Error::failed("the value is not UTF-8"))?;
    if text.contains('\0') {
        return Err(Error::conflict("the value contains a zero byte, which a text cannot store"));
    }
    // the line end comes from `echo`, not from the value
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

/// A terminal whose echo is off while this value lives.
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

/// Reads one line with its end. At the end of the input, the line may lack its end.
fn line(terminal: &impl AsFd) -> Result<String> {
    let (mut line, mut buffer) = (Vec::new(), [0; 4096]);
    // a terminal returns at most one line at a time
    while !line.ends_with(b"\n") {
        wait_readable(terminal, || true)?;
        match nix::unistd::read(terminal, &mut buffer) {
            Ok(0) => break,
            Ok(count) => line.extend_from_slice(&buffer[..count]),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(errno) => return Err(unread(&errno.into())),
        }
    }
    String::from_utf8(line).map_err(|_| Error::failed("the input is not UTF-8"))
}

fn unread(error: &std::io::Error) -> Error {
    Error::failed(format!("cannot read the answer: {error}"))
}
