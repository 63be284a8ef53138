//! Writes to files that the user names: regular files, or pipes that perhaps nobody reads. A signal
//! ends the wait.

use std::fs::File;
use std::io::{Error, ErrorKind, Result as IoResult, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::PollFlags;

use super::input::{SILENCE, poll_for};
use super::waiting::{Patience, wait_for};
use crate::sys::error::Result;
use crate::sys::no_follow;

/// The bytes that a pipe takes without blocking once it is ready.
const PIECE: usize = 4096;

/// The permissions of a new log, before the umask.
const MODE: u32 = 0o666;

/// Whether a log may be a link to the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    Follow,
    Refuse,
}

/// A file to which db-tool appends. A pipe or a device may be in its place.
#[derive(Debug)]
pub struct Log {
    file: File,
    is_regular: bool,
}

impl Log {
    /// Opens the file, and creates it if it is missing. For a pipe, waits until somebody reads it.
    ///
    /// # Errors
    /// `Interrupted` after a signal; the result inside tells whether the file could be opened.
    pub fn open(path: &Path, links: Links) -> Result<IoResult<Self>> {
        let mut announced = false;
        let opened = wait_for(SILENCE, Patience::Interruptible, || {
            let opened = match links {
                Links::Refuse => no_follow::append(path, MODE),
                Links::Follow => File::options()
                    .create(true)
                    .append(true)
                    .mode(MODE)
                    .custom_flags(OFlag::O_NONBLOCK.bits())
                    .open(path),
            };
            match opened {
                Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => {
                    if !std::mem::replace(&mut announced, true) {
                        tracing::info!("waiting for somebody to read the pipe {}", path.display());
                    }
                    Ok(None)
                }
                opened => Ok(Some(opened)),
            }
        })?;
        let nobody = || Error::new(ErrorKind::TimedOut, "nobody reads the pipe");
        Ok(opened.unwrap_or_else(|| Err(nobody())).and_then(Self::blocking))
    }

    /// Clears `O_NONBLOCK`: a program that inherits the descriptor expects that writing blocks.
    fn blocking(file: File) -> IoResult<Self> {
        let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
        fcntl(&file, FcntlArg::F_SETFL(flags.difference(OFlag::O_NONBLOCK)))?;
        let is_regular = file.metadata()?.is_file();
        Ok(Self { file, is_regular })
    }

    /// Another descriptor of the same file, for a child process.
    pub fn share(&self) -> IoResult<File> {
        self.file.try_clone()
    }

    /// Adds a line. Ignores errors: the work goes on even if its log cannot be written.
    pub fn line(&mut self, line: &str) {
        let line = format!("{line}\n");
        if self.is_regular {
            let _ = self.file.write_all(line.as_bytes());
            return;
        }
        for piece in line.as_bytes().chunks(PIECE) {
            let ready = poll_for(&self.file.as_fd(), PollFlags::POLLOUT, || true);
            if !matches!(ready, Ok(true)) || self.file.write_all(piece).is_err() {
                return;
            }
        }
    }
}
