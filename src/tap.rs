//! The Test Anything Protocol, as pgTAP prints it through psql.
//!
//! Only top-level lines count. psql's aligned output puts a blank in front of each value, so one
//! leading blank is not an indentation.

/// What was read of a TAP stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tap {
    /// Tests that went well, the skipped and the expected failures (`TODO`) among them.
    pub passed: usize,
    /// The lines of the tests that did not.
    pub failed: Vec<String>,
    planned: Option<usize>,
    bailed_out: Option<String>,
}

impl Tap {
    /// Reads one line; what is not TAP is passed over.
    pub fn read(&mut self, line: &str) {
        let line = line.trim_end();
        let line = line.strip_prefix(' ').unwrap_or(line);
        if let Some(reason) = line.strip_prefix("Bail out!") {
            self.bailed_out = Some(reason.trim().to_owned());
        } else if let Some(plan) = line.strip_prefix("1..") {
            let digits = plan.split(|c: char| !c.is_ascii_digit()).next().unwrap_or("");
            self.planned = digits.parse().ok().or(self.planned);
        } else if is_result(line, "not ok") {
            if is_expected(line) {
                self.passed += 1;
            } else {
                self.failed.push(line.to_owned());
            }
        } else if is_result(line, "ok") {
            self.passed += 1;
        }
    }

    /// How many tests ran.
    pub fn ran(&self) -> usize {
        self.passed + self.failed.len()
    }

    /// Whether all is well; else why not. A file that prints no TAP is judged by its statements.
    pub fn verdict(&self) -> Result<(), String> {
        if let Some(reason) = &self.bailed_out {
            return Err(format!("bailed out: {reason}"));
        }
        if !self.failed.is_empty() {
            return Err(format!("{} of {} not ok", self.failed.len(), self.ran()));
        }
        match self.planned {
            Some(planned) if planned != self.ran() => {
                Err(format!("{planned} tests were planned, {} ran", self.ran()))
            }
            _ => Ok(()),
        }
    }
}

/// `ok`, alone or followed by a blank: `okay` is no result.
fn is_result(line: &str, word: &str) -> bool {
    line.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// A failure marked `# TODO` is expected.
fn is_expected(line: &str) -> bool {
    line.rsplit_once('#').is_some_and(|(_, directive)| {
        directive.trim_start().get(..4).is_some_and(|word| word.eq_ignore_ascii_case("todo"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(lines: &str) -> Result<(), String> {
        let mut tap = Tap::default();
        lines.lines().for_each(|line| tap.read(line));
        tap.verdict()
    }

    #[test]
    fn a_plan_that_is_met_is_well() {
        assert_eq!(verdict("1..2\nok 1 - a\nok 2 - b # SKIP no server"), Ok(()));
        assert_eq!(verdict(" 1..1\n ok 1 - aligned output"), Ok(()));
        assert_eq!(verdict("ok 1\n1..1"), Ok(()), "a plan at the end");
        assert_eq!(verdict("no TAP at all"), Ok(()));
    }

    #[test]
    fn failures_are_counted() {
        assert_eq!(verdict("1..2\nok 1\nnot ok 2 - b"), Err("1 of 2 not ok".into()));
        assert_eq!(verdict("not ok 1 - later # TODO soon"), Ok(()));
        assert_eq!(verdict("not ok 1 - about # signs"), Err("1 of 1 not ok".into()));
        assert_eq!(verdict("okay then\nnot okay either"), Ok(()));
    }

    #[test]
    fn a_broken_plan_is_a_failure() {
        assert_eq!(verdict("1..3\nok 1"), Err("3 tests were planned, 1 ran".into()));
        assert_eq!(verdict("Bail out! no table"), Err("bailed out: no table".into()));
        assert_eq!(verdict("    not ok 1 - of a subtest\nok 1 - subtest\n1..1"), Ok(()));
    }
}
