//! Writing to what somebody names: a regular file, or a pipe that nobody may read. A signal ends the wait.

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

/// What a pipe that can be written to takes at least, without blocking.
const PIECE: usize = 4096;

/// A file that grows, or a pipe or device in its place.
#[derive(Debug)]
pub struct Log {
    file: File,
    is_regular: bool,
}

impl Log {
    /// Opens the file, which is made when it is missing, with more `flags`. A pipe waits for its reader.
    ///
    /// # Errors
    /// `Interrupted` after a signal; the result inside tells whether the file could be opened.
    pub fn open(path: &Path, flags: OFlag) -> Result<IoResult<Self>> {
        let mut told = false;
        let opened = wait_for(SILENCE, Patience::Interruptible, || {
            let mut options = File::options();
            let options =
                options.create(true).append(true).custom_flags((flags | OFlag::O_NONBLOCK).bits());
            match options.open(path) {
                Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => {
                    if !std::mem::replace(&mut told, true) {
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

    /// Those who inherit it expect a file that blocks.
    fn blocking(file: File) -> IoResult<Self> {
        let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
        fcntl(&file, FcntlArg::F_SETFL(flags.difference(OFlag::O_NONBLOCK)))?;
        let is_regular = file.metadata()?.is_file();
        Ok(Self { file, is_regular })
    }

    /// Another descriptor of the same file, to hand on.
    pub fn share(&self) -> IoResult<File> {
        self.file.try_clone()
    }

    /// Adds a line. Failing to is no reason to end what is logged.
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
