//! Work whose end nobody waits for: the removal of directories that are out of use.
//!
//! A thread does the work while the command goes on. The program waits for it only at its very end,
//! after it has printed its report. If the program is killed before, the next command finds what is
//! left, because each directory has a mark or an entry in a registry.

use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::sys::error::{Error, Result};

/// The work that has begun: what it does, and the thread that does it.
static BEGUN: Mutex<Vec<(String, JoinHandle<Result<()>>)>> = Mutex::new(Vec::new());

/// Begins some work. `what` describes it for an error: `remove /tmp/x`.
pub fn begin(what: String, work: impl FnOnce() -> Result<()> + Send + 'static) {
    let mut begun = BEGUN.lock().unwrap_or_else(PoisonError::into_inner);
    begun.push((what, std::thread::spawn(work)));
}

/// Waits for all work that has begun. A failure is a warning: the command itself has succeeded, and
/// the next one tries again.
pub fn finish() {
    // a thread may begin more work, and then needs the list
    let begun = || std::mem::take(&mut *BEGUN.lock().unwrap_or_else(PoisonError::into_inner));
    loop {
        let begun = begun();
        if begun.is_empty() {
            return;
        }
        for (what, thread) in begun {
            let panicked = |_| Err(Error::unexpected("a thread panicked"));
            if let Err(error) = thread.join().unwrap_or_else(panicked) {
                tracing::warn!("cannot {what}: {error}; the next command tries again");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_waits_for_all_work() {
        let place = tempfile::tempdir().expect("temporary directory");
        let path = place.path().join("slow");
        std::fs::write(&path, "").expect("written");
        let (go, wait) = std::sync::mpsc::channel();
        let gone = path.clone();
        begin("fail".to_owned(), || Err(Error::failed("it fails")));
        begin("remove a file".to_owned(), move || {
            wait.recv().map_err(|_| Error::failed("nobody says go"))?;
            std::fs::remove_file(&gone).map_err(|_| Error::failed("no file"))
        });
        assert!(path.exists());
        go.send(()).expect("it waits");
        finish();
        assert!(!path.exists());
    }
}
