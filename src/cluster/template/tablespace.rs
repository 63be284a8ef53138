//! Tablespaces of a restored cluster. They lie inside its data directory.
//!
//! On the machine of the backup, a tablespace has an absolute path. In a restored cluster it is
//! `tablespace/OID` in the data directory, so that the cluster is one directory, which can be
//! renamed, kept and removed. The links in `pg_tblspc` must be absolute: a base backup recognises
//! by them that a tablespace lies inside the data directory. So db-tool makes the links again after
//! each move of the directory, and at every start.

use std::path::{Path, PathBuf};

use crate::cluster::files::remove_file;
use crate::sys::error::{Error, IoContext, Result};

/// The directory in a data directory that holds the tablespaces. Each is named after its OID.
pub const TABLESPACES: &str = "tablespace";

/// The directory in a data directory with PostgreSQL's links to the tablespaces.
const LINKS: &str = "pg_tblspc";

/// Points the links in `data` to the tablespaces inside it.
pub(in crate::cluster) fn relink(data: &Path) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(data.join(TABLESPACES)) else { return Ok(()) };
    for entry in entries {
        let entry = entry.on("read", data.join(TABLESPACES))?;
        let link = data.join(LINKS).join(entry.file_name());
        if std::fs::read_link(&link).is_ok_and(|target| target == entry.path()) {
            continue;
        }
        remove_file(&link)?;
        std::os::unix::fs::symlink(entry.path(), &link).on("link", &link)?;
    }
    Ok(())
}

/// Whether `path` in `data` is a link that [`relink`] makes.
pub(in crate::cluster) fn is_remade(data: &Path, path: &Path) -> bool {
    path.parent() == Some(Path::new(LINKS))
        && path.file_name().is_some_and(|oid| data.join(TABLESPACES).join(oid).is_dir())
}

/// Fails (exit 2) if a part of the cluster lies outside `data`: a copy of `data` would lack that
/// part.
pub(in crate::cluster) fn require_inside(data: &Path) -> Result<()> {
    let links = data.join(LINKS);
    let entries = std::fs::read_dir(&links).on("read", &links)?.flatten();
    let spaces = entries.map(|entry| Path::new(LINKS).join(entry.file_name()));
    let outside = |path: &PathBuf| data.join(path).is_symlink() && !is_remade(data, path);
    match std::iter::once("pg_wal".into()).chain(spaces).find(outside) {
        None => Ok(()),
        Some(path) => Err(Error::conflict(format!(
            "{} leads out of the data directory, and only that is copied",
            data.join(path).display()
        ))
        .hint("`database backup` saves the whole cluster; a restore puts everything into the data directory")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_follow_the_directory() {
        let place = tempfile::tempdir().expect("temporary directory");
        let (one, two) = (place.path().join("one"), place.path().join("two"));
        std::fs::create_dir_all(one.join("tablespace/16384")).expect("made");
        std::fs::create_dir_all(one.join("pg_tblspc")).expect("made");
        relink(&one).expect("linked");
        std::fs::rename(&one, &two).expect("renamed");
        relink(&two).expect("linked anew");
        let leads = std::fs::read_link(two.join("pg_tblspc/16384")).expect("a link");
        assert_eq!(leads, two.join("tablespace/16384"));
    }

    #[test]
    fn links_that_lead_elsewhere_are_left_alone() {
        let data = tempfile::tempdir().expect("temporary directory");
        std::fs::create_dir_all(data.path().join("pg_tblspc")).expect("made");
        let link = data.path().join("pg_tblspc/1");
        std::os::unix::fs::symlink("/elsewhere", &link).expect("linked");
        relink(data.path()).expect("nothing to do");
        assert_eq!(std::fs::read_link(&link).expect("a link"), Path::new("/elsewhere"));
    }
}
