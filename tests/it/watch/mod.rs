//! `database watch`: runs a verb again after each change, and leaves nothing behind.

mod ending;
mod files;
mod runs;

use std::process::{Child, Stdio};

use crate::support::wait::hear;
use crate::support::{Outcome, Sandbox, finish};

/// A watch that runs.
struct Watching {
    child: Option<Child>,
    /// Everything on its standard error so far.
    said: String,
}

impl Watching {
    /// Starts `database watch` and waits for the end of the first run.
    fn start<const N: usize>(sandbox: &Sandbox, arguments: [&str; N]) -> Self {
        let mut watching = Self::begin(sandbox, arguments);
        watching.verdict();
        watching
    }

    /// Starts `database watch` and does not wait.
    fn begin<const N: usize>(sandbox: &Sandbox, arguments: [&str; N]) -> Self {
        let mut command = sandbox.command("database", ["watch"].into_iter().chain(arguments));
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        Self { child: Some(command.spawn().unwrap()), said: String::new() }
    }

    /// The output of the watch up to the line that has `words`.
    #[track_caller]
    fn until(&mut self, words: &str) -> String {
        let child = self.child.as_mut().unwrap();
        let id = child.id();
        let stream = child.stderr.as_mut().unwrap();
        let enough = |said: &str| said.ends_with('\n') && said.contains(words);
        let said = hear(stream, id, enough);
        self.said += &said;
        assert!(said.contains(words), "it ended before it said {words:?}:\n{}", self.said);
        said
    }

    /// The output up to the end of the next run.
    #[track_caller]
    fn verdict(&mut self) -> String {
        self.until(" ms\n")
    }

    /// The output up to the end of the next run, which has to pass.
    #[track_caller]
    fn passes(&mut self) -> String {
        let said = self.verdict();
        assert!(said.contains(" passed after "), "{said}");
        said
    }

    /// The output up to the end of the next run, which has to fail.
    #[track_caller]
    fn fails(&mut self) -> String {
        let said = self.verdict();
        assert!(said.contains(" failed with exit code 1 after "), "{said}");
        said
    }

    /// Ends it by a signal. The outcome has what it said after the last wait.
    fn end(mut self, signal: &str) -> Outcome {
        crate::support::wait::signal(signal, self.child.as_ref().unwrap().id());
        finish(self.child.take().unwrap(), None)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // a failed test leaves none behind
        let Some(mut child) = self.child.take() else { return };
        crate::support::wait::try_signal("INT", child.id());
        let _ = child.wait();
    }
}

/// The number of runs in what a watch said.
fn runs(said: &str) -> usize {
    said.matches(" changed\n").count()
}
