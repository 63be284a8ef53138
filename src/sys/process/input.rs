//! Reads files that the user names: regular files, or pipes that may never end. A signal ends the
//! wait.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result as IoResult};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::acting::{ActingAs, controller, is_acting};
use crate::sys::error::Result;
use crate::sys::signal;

/// The longest time that a pipe may send nothing.
pub(super) const SILENCE: Duration = Duration::from_secs(600);

/// After this time, db-tool says that it waits for a pipe.
const SLOW_AFTER: Duration = Duration::from_secs(5);

/// The interval in which a wait looks for a signal, in milliseconds.
const TICK: u8 = 50;

/// The most bytes that db-tool reads from a pipe, from a device, or from a text such as a settings
/// file.
const LIMIT: usize = 64 * 1024 * 1024;

/// The most bytes that db-tool reads of any file at once. A sparse file can be larger than the
/// memory and take no space on the disk.
const FILE_LIMIT: usize = 1024 * 1024 * 1024;

/// Reads the file `path`, which may be a pipe such as `<(…)` of a shell.
///
/// # Errors
/// `Interrupted` after a signal. The inner result tells whether the file could be read.
pub fn read(path: &Path) -> Result<IoResult<Vec<u8>>> {
    let file = match open(path) {
        Ok(file) => file,
        Err(error) => return Ok(Err(error)),
    };
    match file.metadata() {
        Err(error) => Ok(Err(error)),
        Ok(facts) if facts.is_file() || facts.is_dir() => Ok(read_up_to(LIMIT, file)),
        Ok(facts) if facts.file_type().is_block_device() => Ok(Err(irregular())),
        Ok(_) => read_stream(&file, &path.display().to_string()),
    }
}

/// Opens a file and fails if it is not a regular one: a pipe in its place would block.
pub fn open_regular(path: impl AsRef<Path>) -> IoResult<File> {
    let file = open(path.as_ref())?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(irregular()) }
}

/// Opens a directory. A pipe in its place is an error and does not block.
pub fn open_directory(path: impl AsRef<Path>) -> IoResult<File> {
    File::options().read(true).custom_flags(OFlag::O_DIRECTORY.bits()).open(path)
}

/// Reads a file of at most 1 GB, which must be a regular one.
pub fn read_regular(path: impl AsRef<Path>) -> IoResult<Vec<u8>> {
    read_up_to(FILE_LIMIT, open_regular(path)?)
}

/// Reads a text of at most 64 MB from a file, which must be a regular one.
pub fn read_text(path: impl AsRef<Path>) -> IoResult<String> {
    text(read_up_to(LIMIT, open_regular(path)?)?)
}

fn read_up_to(limit: usize, file: File) -> IoResult<Vec<u8>> {
    // with room for all bytes from the start, the vector never moves and leaves no copy of a secret
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    if length > limit {
        return Err(too_large(limit));
    }
    let mut bytes = Vec::with_capacity(length);
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit { Err(too_large(limit)) } else { Ok(bytes) }
}

fn too_large(limit: usize) -> Error {
    let what = format!("it is larger than {} MB", limit / (1024 * 1024));
    Error::new(ErrorKind::FileTooLarge, what)
}

/// Reads `stream` up to its end. Messages call it `name`.
///
/// # Errors
/// See [`read`].
pub fn read_stream(stream: &(impl AsFd + ?Sized), name: &str) -> Result<IoResult<Vec<u8>>> {
    let (mut bytes, mut announced) = (Vec::new(), false);
    let mut buffer = [0; 64 * 1024];
    loop {
        let started = Instant::now();
        let goes_on = || {
            let waited = started.elapsed();
            if waited > SLOW_AFTER && !std::mem::replace(&mut announced, true) {
                tracing::info!("waiting for {name}, which is no regular file, to end");
            }
            waited < SILENCE
        };
        if !wait_readable(stream, goes_on)? {
            let minutes = SILENCE.as_secs() / 60;
            let why = format!("nothing came for {minutes} minutes");
            return Ok(Err(Error::new(ErrorKind::TimedOut, why)));
        }
        match nix::unistd::read(stream, &mut buffer) {
            Ok(0) => return Ok(Ok(bytes)),
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(errno) => return Ok(Err(errno.into())),
        }
        if bytes.len() > LIMIT {
            return Ok(Err(Error::new(ErrorKind::FileTooLarge, "it does not end within 64 MB")));
        }
    }
}

/// Waits until `stream` can be read or has ended. Returns false when `go_on` returns false.
///
/// # Errors
/// `Interrupted` after a signal.
pub fn wait_readable(stream: &(impl AsFd + ?Sized), go_on: impl FnMut() -> bool) -> Result<bool> {
    poll_for(stream, PollFlags::POLLIN, go_on)
}

/// Waits for an `event` on `stream`, as [`wait_readable`] does.
pub(super) fn poll_for(
    stream: &(impl AsFd + ?Sized),
    event: PollFlags,
    mut go_on: impl FnMut() -> bool,
) -> Result<bool> {
    loop {
        signal::check()?;
        let mut polled = [PollFd::new(stream.as_fd(), event)];
        match poll(&mut polled, PollTimeout::from(TICK)) {
            Ok(0) | Err(Errno::EINTR) => {}
            // if the stream is broken, the following read reports it
            _ => return Ok(true),
        }
        if !go_on() {
            return Ok(false);
        }
    }
}

fn text(bytes: Vec<u8>) -> IoResult<String> {
    let not_text = |_| Error::new(ErrorKind::InvalidData, "the text is not UTF-8");
    String::from_utf8(bytes).map_err(not_text)
}

/// Opens a file without waiting. If another user controls the path, root reads with the rights of
/// that user. If that user may not read the file, root reads it only if no link leads to it.
fn open(path: &Path) -> IoResult<File> {
    let acting = is_acting();
    let user = if acting { None } else { controller(path).unwrap_or(None) };
    let Some(user) = user else { return open_as_we_are(path) };
    let opened = {
        let _acting =
            ActingAs::enter(Some(&user)).map_err(|error| Error::other(error.to_string()))?;
        open_as_we_are(path)
    };
    match opened {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            open_in_place(path).map_err(|_| error)
        }
        opened => opened,
    }
}

fn open_as_we_are(path: &Path) -> IoResult<File> {
    // without O_NONBLOCK, opening a pipe that has no writer would block
    File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)
}

/// Opens a file that no symbolic link and no second hard link leads to.
#[cfg(target_os = "linux")]
fn open_in_place(path: &Path) -> IoResult<File> {
    use std::os::unix::fs::MetadataExt;

    use nix::fcntl::{AT_FDCWD, OpenHow, ResolveFlag, openat2};
    let options = OpenHow::new().flags(OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK);
    let options = options.resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
    let file = File::from(openat2(AT_FDCWD, path, options)?);
    if file.metadata()?.nlink() == 1 { Ok(file) } else { Err(irregular()) }
}

#[cfg(not(target_os = "linux"))]
fn open_in_place(path: &Path) -> IoResult<File> {
    open_as_we_are(path)
}

fn irregular() -> Error {
    Error::new(ErrorKind::InvalidInput, "it is not a regular file")
}
