//! Keeps the descriptors that the caller left open away from a server.

use std::io::Result;
use std::os::fd::{BorrowedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// The first descriptor after standard input, output and error.
const FIRST: RawFd = 3;

/// The directory with a name for each descriptor of this process, on Linux and macOS.
const DESCRIPTORS: &str = "/dev/fd";

/// Makes every descriptor but the three standard ones close at exec. db-tool opens its own that
/// way; the caller's may be pipes whose readers wait for their end.
pub(super) fn close_at_exec() -> Result<()> {
    // Linux before 5.11 and other systems lack the call; a sandbox may forbid it
    in_one_call().or_else(|_| one_by_one())
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the C library may be older than this system call")]
fn in_one_call() -> Result<()> {
    use nix::libc;
    // SAFETY: the call takes numbers, and closes nothing before exec
    let result = unsafe {
        libc::syscall(libc::SYS_close_range, FIRST, RawFd::MAX, libc::CLOSE_RANGE_CLOEXEC)
    };
    Errno::result(result).map(drop).map_err(Into::into)
}

#[cfg(not(target_os = "linux"))]
fn in_one_call() -> Result<()> {
    Err(Errno::ENOSYS.into())
}

fn one_by_one() -> Result<()> {
    for entry in std::fs::read_dir(DESCRIPTORS)? {
        let number = entry?.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some(descriptor) = number.filter(|number| *number >= FIRST) {
            set_flag(descriptor)?;
        }
    }
    Ok(())
}

#[expect(unsafe_code, reason = "the descriptor need not be ours: a closed one is an error")]
fn set_flag(descriptor: RawFd) -> Result<()> {
    // SAFETY: see the reason; nothing keeps the descriptor
    let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
    match fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)) {
        // another thread has closed it since the directory was read
        Ok(_) | Err(Errno::EBADF) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `close` reaches a descriptor that a caller would have left open.
    fn reaches(close: fn() -> Result<()>) -> bool {
        let file = tempfile::tempfile().expect("a file");
        fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty())).expect("left open");
        close().expect("closed at exec");
        let flags = fcntl(&file, FcntlArg::F_GETFD).expect("still open");
        let standard = fcntl(std::io::stderr(), FcntlArg::F_GETFD).expect("open");
        assert_eq!(standard & FdFlag::FD_CLOEXEC.bits(), 0, "standard error stays");
        flags & FdFlag::FD_CLOEXEC.bits() != 0
    }

    #[test]
    fn descriptors_of_the_caller_close_at_exec() {
        assert!(reaches(close_at_exec));
        assert!(reaches(one_by_one));
        #[cfg(target_os = "linux")]
        assert!(in_one_call().is_err() || reaches(in_one_call));
    }
}
