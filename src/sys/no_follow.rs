//! Opens files in directories that another user may control.
//!
//! Such a user can put a link or a pipe in the place of the file. db-tool often has more rights
//! than that user, so it must not follow the link; and to open a pipe could take for ever. The
//! functions here fail for a link. For a pipe they fail or return at once.

use std::fs::{File, OpenOptions};
use std::io::Result;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::OFlag;

/// Opens a file to read from it.
pub fn read(path: &Path) -> Result<File> {
    options().read(true).open(path)
}

/// Opens a file to write to it, and keeps its content.
pub fn write(path: &Path) -> Result<File> {
    options().write(true).open(path)
}

/// Opens a file to write to it, and keeps its content. Creates it with `mode` if it is missing.
pub fn create(path: &Path, mode: u32) -> Result<File> {
    options().create(true).truncate(false).write(true).mode(mode).open(path)
}

/// The same, also to read from the file. Some network file systems demand this for a shared lock.
pub fn create_readable(path: &Path, mode: u32) -> Result<File> {
    options().create(true).truncate(false).read(true).write(true).mode(mode).open(path)
}

/// Opens a file to append to it. Creates it with `mode` if it is missing.
pub fn append(path: &Path, mode: u32) -> Result<File> {
    options().create(true).append(true).mode(mode).open(path)
}

/// Opens a directory.
pub fn directory(path: &Path) -> Result<File> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    File::options().read(true).custom_flags(flags.bits()).open(path)
}

fn options() -> OpenOptions {
    let mut options = File::options();
    options.custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits());
    options
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_link_is_an_error_wherever_it_leads() {
        let place = tempfile::tempdir().expect("temporary directory");
        let [link, file, missing] = ["link", "file", "missing"].map(|name| place.path().join(name));
        std::fs::write(&file, "precious").expect("written");
        for target in [&file, &missing, &place.path().to_owned()] {
            symlink(target, &link).expect("linked");
            assert!(read(&link).is_err() && write(&link).is_err());
            assert!(create(&link, 0o600).is_err() && create_readable(&link, 0o600).is_err());
            assert!(append(&link, 0o600).is_err());
            assert!(directory(&link).is_err());
            std::fs::remove_file(&link).expect("removed");
        }
        assert!(!missing.exists());
        assert_eq!(std::fs::read_to_string(file).expect("there"), "precious");
    }

    #[test]
    fn a_pipe_that_nobody_uses_does_not_block() {
        let place = tempfile::tempdir().expect("temporary directory");
        let pipe = place.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::from_bits_truncate(0o600)).expect("made");
        assert!(read(&pipe).is_ok(), "a reader does not wait for a writer");
        assert!(write(&pipe).is_err() && create(&pipe, 0o600).is_err());
        assert!(append(&pipe, 0o600).is_err());
        assert!(directory(&pipe).is_err());
    }

    #[test]
    fn a_file_keeps_its_content_and_a_new_one_gets_its_mode() {
        let place = tempfile::tempdir().expect("temporary directory");
        let path = place.path().join("file");
        append(&path, 0o600).and_then(|mut file| file.write_all(b"one ")).expect("written");
        append(&path, 0o644).and_then(|mut file| file.write_all(b"two")).expect("written");
        drop(create(&path, 0o644).expect("opened"));
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "one two");
        assert_eq!(path.metadata().expect("there").permissions().mode() & 0o777, 0o600);
        assert!(directory(&path).is_err());
    }
}
