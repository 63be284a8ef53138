//! Replaces files that users see. A reader finds the old or the new content, never a part of it.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::sys::error::{IoContext, Result};
use crate::sys::process::{ActingAs, Links, Log};

/// Replaces the content of a file in one step. If the file is a link, the link stays. A pipe or a
/// device gets the text.
///
/// # Errors
/// `Interrupted` if a signal arrives while nobody reads the pipe.
pub fn replace(path: &Path, text: &str) -> Result<()> {
    let _acting = ActingAs::controller_of(path)?;
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let before = std::fs::metadata(path).ok();
    if before.as_ref().is_some_and(|facts| !facts.is_file() && !facts.is_dir()) {
        let opened = Log::open(path, Links::Follow)?.and_then(|log| log.share());
        return opened.and_then(|mut file| file.write_all(text.as_bytes())).on("write", path);
    }
    let directory = directory_of(path);
    let mut beside = tempfile::Builder::new()
        .prefix(".db-tool-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(directory)
        .on("write", path)?;
    beside.write_all(text.as_bytes()).on("write", path)?;
    if let Some(before) = before {
        beside.as_file().set_permissions(before.permissions()).on("write", path)?;
    }
    beside.as_file().sync_all().on("write", path)?;
    beside.persist(path).map(drop).map_err(|error| error.error).on("write", path)
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_and_the_permissions_stay() {
        let place = tempfile::tempdir().expect("temporary directory");
        let (file, link) = (place.path().join("file"), place.path().join("link"));
        replace(&file, "one").expect("written");
        std::fs::set_permissions(&file, Permissions::from_mode(0o640)).expect("set");
        std::os::unix::fs::symlink("file", &link).expect("linked");
        replace(&link, "two").expect("written");
        assert_eq!(std::fs::read_to_string(&file).expect("there"), "two");
        assert!(link.is_symlink());
        assert_eq!(file.metadata().expect("there").permissions().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(place.path()).expect("there").count(), 2);
        assert!(replace(Path::new("/dev/null"), "three").is_ok());
    }
}
