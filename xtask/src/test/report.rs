//! The output of cargo and the test programs, and the part of it that `cargo x test` shows.
//!
//! libtest has one stable format, which is for people. If the tests of a program pass, the report
//! shows its name and its last line. If a test fails, it shows the output of the test. If a program
//! ends without its last line, it shows all its output.

use std::fmt::Write;
use std::iter::Sum;

/// A failed test, or a test program that did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) name: String,
    /// The output of the test.
    pub(super) output: String,
}

impl Failed {
    /// Whether proptest found the failure, with random numbers.
    pub(super) fn is_property(&self) -> bool {
        self.output.contains("minimal failing input")
    }
}

/// The outcome of some test programs so far.
#[derive(Default)]
pub(super) struct Report {
    passed: usize,
    failed: usize,
    /// Ended tests, in programs that still run.
    ended: usize,
    failures: Vec<Failed>,
    program: Option<Program>,
    /// The output outside of any program.
    outside: String,
}

/// A test program that runs.
#[derive(Default)]
struct Program {
    /// The line with which cargo announces it.
    name: String,
    /// The output, without the lines about tests that pass.
    said: String,
    part: Part,
    /// Failed tests, each with the output read so far.
    failures: Vec<Failed>,
}

/// The part of a test program's output in which a line is.
#[derive(Default, PartialEq, Eq)]
enum Part {
    #[default]
    Tests,
    Outputs,
    Names,
}

impl Report {
    /// Takes a line in, and returns the text to show now.
    pub(super) fn take(&mut self, line: &str) -> String {
        if line.starts_with("     Running ") || line.starts_with("   Doc-tests ") {
            let shown = self.finish();
            self.program = Some(Program { name: line.to_owned(), ..Program::default() });
            return shown;
        }
        let Some(program) = &mut self.program else {
            let _ = writeln!(self.outside, "{line}");
            return String::new();
        };
        let Some(result) = line.strip_prefix("test result: ") else {
            self.ended += usize::from(program.take(line));
            return String::new();
        };
        let program = self.program.take().unwrap_or_default();
        let (passed, failed) = (count(result, "passed"), count(result, "failed"));
        (self.passed, self.failed) = (self.passed + passed, self.failed + failed);
        if passed + failed == 0 {
            return String::new();
        }
        let said = if failed > 0 { program.said.as_str() } else { "" };
        let shown = format!("{}\n{said}{line}\n", program.name);
        self.failures.extend(program.failures);
        shown
    }

    /// Ends the current program. If it has not printed its result, it has crashed.
    pub(super) fn finish(&mut self) -> String {
        let Some(program) = self.program.take() else { return String::new() };
        let shown = format!("{}\n{}it ended without a result\n", program.name, program.said);
        self.failed += 1;
        let name = program.name.trim_start().to_owned();
        self.failures.push(Failed { name, output: program.said });
        shown
    }

    pub(super) fn failed(&self) -> usize {
        self.failed
    }

    pub(super) fn ended(&self) -> usize {
        self.ended
    }

    pub(super) fn failures(&self) -> &[Failed] {
        &self.failures
    }

    /// The output of cargo when no program ran.
    pub(super) fn unexplained(&self) -> &str {
        self.outside.trim_end()
    }

    /// `805 passed, 0 failed`.
    pub(super) fn sums(&self) -> String {
        format!("{} passed, {} failed", self.passed, self.failed)
    }
}

impl<'a> Sum<&'a Self> for Report {
    fn sum<I: Iterator<Item = &'a Self>>(reports: I) -> Self {
        reports.fold(Self::default(), |mut sum, report| {
            sum.passed += report.passed;
            sum.failed += report.failed;
            sum
        })
    }
}

impl Program {
    /// Takes a line in, and returns whether a test has ended.
    fn take(&mut self, line: &str) -> bool {
        let ended = line.starts_with("test ") && line.contains(" ... ");
        if ended && !line.ends_with("FAILED") {
            return true;
        }
        let _ = writeln!(self.said, "{line}");
        let section = line.strip_prefix("---- ").and_then(|line| line.strip_suffix(" stdout ----"));
        match (&self.part, line, section) {
            (Part::Tests, "failures:", _) => self.part = Part::Outputs,
            (Part::Outputs, "failures:", _) => self.part = Part::Names,
            (Part::Outputs, _, Some(name)) => self.name_failure(name),
            (Part::Outputs, ..) => {
                if let Some(failed) = self.failures.last_mut() {
                    let _ = writeln!(failed.output, "{line}");
                }
            }
            // a test that printed nothing is only named
            (Part::Names, ..) => {
                if let Some(name) = line.strip_prefix("    ")
                    && !self.failures.iter().any(|failed| failed.name == name)
                {
                    self.name_failure(name);
                }
            }
            (Part::Tests, ..) => {}
        }
        ended
    }

    fn name_failure(&mut self, name: &str) {
        self.failures.push(Failed { name: name.to_owned(), output: String::new() });
    }
}

/// The number before `what` in `ok. 805 passed; 0 failed; …`.
fn count(result: &str, what: &str) -> usize {
    let mut words = result.split([' ', ';']);
    let mut before = None;
    words
        .find_map(|word| {
            if word == what {
                return before;
            }
            before = word.parse().ok();
            None
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREEN: &str = "
    Finished `test` profile in 1s
     Running unittests src/bin/database.rs (target/debug/deps/database-1)

running 0 tests

test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

     Running tests/it/main.rs (target/debug/deps/it-2)

running 2 tests
kill: (7): No such process
test a::one ... ok
test a::two ... ok

test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s

";

    const RED: &str = "
     Running tests/it/main.rs (target/debug/deps/it-2)

running 3 tests
test a::one ... ok
test a::two ... FAILED
test a::quiet ... FAILED

failures:

---- a::two stdout ----

thread 'a::two' panicked
failures of a kind

failures:
    a::quiet
    a::two

test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s

error: test failed, to rerun pass `--test it`
";

    const CRASHED: &str = "
     Running tests/it/main.rs (target/debug/deps/it-2)

running 2 tests
test a::one ... ok
thread panicked in a destructor, aborting
error: test failed, to rerun pass `--test it`
";

    fn read(text: &str) -> (Report, String) {
        let mut report = Report::default();
        let shown: String = text.lines().map(|line| report.take(line)).collect();
        let rest = report.finish();
        (report, shown + &rest)
    }

    #[test]
    fn of_what_passes_the_name_and_the_result_are_shown() {
        let (report, shown) = read(GREEN);
        let name = "     Running tests/it/main.rs (target/debug/deps/it-2)\n";
        let result = "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n";
        assert_eq!(shown, format!("{name}{result}"));
        assert_eq!((report.sums().as_str(), report.ended()), ("2 passed, 0 failed", 2));
    }

    #[test]
    fn a_failure_is_shown_and_kept_whole() {
        let (report, shown) = read(RED);
        assert!(shown.contains("---- a::two stdout ----\n\nthread 'a::two' panicked\n"), "{shown}");
        assert!(shown.ends_with("finished in 0.1s\n") && !shown.contains("a::one"), "{shown}");
        let [two, quiet] = report.failures() else { panic!("{:?}", report.failures()) };
        assert_eq!(two.output.trim(), "thread 'a::two' panicked\nfailures of a kind");
        assert_eq!((two.name.as_str(), quiet.name.as_str()), ("a::two", "a::quiet"));
        assert_eq!(report.sums(), "1 passed, 2 failed");
        let both = [&report, &read(GREEN).0].into_iter().sum::<Report>();
        assert_eq!(both.sums(), "3 passed, 2 failed");
    }

    #[test]
    fn a_program_that_crashes_is_a_failure_with_all_it_said() {
        let (report, shown) = read(&[CRASHED, GREEN].concat());
        assert!(shown.contains("aborting") && shown.contains("without a result"), "{shown}");
        assert_eq!(report.sums(), "2 passed, 1 failed");
        assert!(report.failures()[0].name.contains("tests/it/main.rs"));
        assert!(report.failures()[0].output.contains("in a destructor"));
    }

    #[test]
    fn what_is_said_before_any_program_is_kept() {
        let (report, shown) = read("error: could not compile\n");
        assert_eq!((shown.as_str(), report.unexplained()), ("", "error: could not compile"));
        assert_eq!(report.failed(), 0);
    }
}
