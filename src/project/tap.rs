//! The Test Anything Protocol, as pgTAP prints it through psql.
//!
//! The grammar is that of Perl's `TAP::Parser`, which `prove` uses. There are two differences: a plan is
//! not required, and a table of psql is read through its layout. Only top-level lines count: the lines
//! of a subtest are indented.

/// What was read of a TAP stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tap {
    /// Tests that went well, the skipped and the expected failures (`TODO`) among them.
    pub passed: usize,
    /// The lines of the tests that did not.
    pub failed: Vec<String>,
    plan: Option<Plan>,
    /// The first violation of the protocol.
    broken: Option<String>,
    bailed_out: Option<String>,
}

/// How many tests a stream announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    tests: usize,
    /// How many tests came before it: none, or else all.
    after: usize,
}

impl Tap {
    /// Reads one line; what is not TAP is passed over.
    pub fn read(&mut self, line: &str) {
        if self.bailed_out.is_some() {
            return;
        }
        let line = cell(line.trim_end());
        // the name of a column may itself be `ok`
        if !last_column(line).is_some_and(|value| self.take(value)) {
            self.take(line);
        }
    }

    /// Reads a line of TAP; false for any other.
    fn take(&mut self, line: &str) -> bool {
        if let Some(reason) = line.trim_start().strip_prefix("Bail out!") {
            self.bailed_out = Some(reason.trim().to_owned());
        } else if let Some(test) = Test::parse(line) {
            self.test(&test, line);
        } else if let Some(plan) = line.strip_prefix("1..") {
            self.plan(plan);
        } else {
            return false;
        }
        true
    }

    fn test(&mut self, test: &Test, line: &str) {
        if let Some(plan) = self.plan
            && plan.after > 0
        {
            self.breaks("the plan is neither before nor after all tests".to_owned());
        }
        let number = self.ran() + 1;
        if test.number.as_ref().is_some_and(|found| *found != number.to_string()) {
            let found = test.number.as_deref().unwrap_or_default();
            self.breaks(format!("test {found} stands where test {number} is expected"));
        }
        if test.passes {
            self.passed += 1;
        } else {
            self.failed.push(line.to_owned());
        }
    }

    fn plan(&mut self, text: &str) {
        let Some(tests) = parse_plan(text) else {
            return self.breaks(format!("the plan 1..{text} is malformed"));
        };
        if self.plan.is_some() {
            self.breaks("there is more than one plan".to_owned());
        }
        self.plan = Some(Plan { tests, after: self.ran() });
    }

    fn breaks(&mut self, why: String) {
        self.broken.get_or_insert(why);
    }

    /// How many tests ran.
    pub fn ran(&self) -> usize {
        self.passed + self.failed.len()
    }

    /// Whether all is well; else why not.
    pub fn verdict(&self) -> Result<(), String> {
        if let Some(reason) = &self.bailed_out {
            return Err(format!("bailed out: {reason}"));
        }
        if !self.failed.is_empty() {
            return Err(format!("{} of {} not ok", self.failed.len(), self.ran()));
        }
        match self.plan {
            Some(plan) if plan.tests != self.ran() => {
                Err(format!("{} tests were planned, {} ran", plan.tests, self.ran()))
            }
            _ => self.broken.clone().map_or(Ok(()), Err),
        }
    }
}

/// The line of a test.
struct Test {
    /// Its number without leading zeros, if it has one.
    number: Option<String>,
    passes: bool,
}

impl Test {
    /// `[not ]ok [number] [description] [# directive]`.
    fn parse(line: &str) -> Option<Self> {
        let (ok, rest) = match line.strip_prefix("not ok") {
            Some(rest) => (false, rest),
            None => (true, line.strip_prefix("ok")?),
        };
        if rest.starts_with(is_word) {
            return None;
        }
        let rest = rest.trim_start();
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, description) = rest.split_at(digits);
        let significant = number.trim_start_matches('0');
        let number = match (number.is_empty(), significant.is_empty()) {
            (true, _) => None,
            (_, true) => Some("0".to_owned()),
            _ => Some(significant.to_owned()),
        };
        Some(Self { number, passes: ok || has_directive(description, "TODO") })
    }
}

/// Whether the first `#` of a description that no backslash hides begins this directive.
fn has_directive(description: &str, directive: &str) -> bool {
    let mut chars = description.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '#' => return begins_with(description[at + 1..].trim_start(), directive),
            _ => {}
        }
    }
    false
}

/// Whether a text begins with a word, in any case.
fn begins_with(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
        && !text[word.len()..].starts_with(is_word)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The number of tests in `1..text`. A plan of no tests may have a reason behind it.
fn parse_plan(text: &str) -> Option<usize> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let tests = text[..digits].parse().ok()?;
    (tests == 0 || text[digits..].trim().is_empty()).then_some(tests)
}

/// The value in a line of a table with one column, as psql lays it out; any other line as it is.
fn cell(line: &str) -> &str {
    for bar in ['|', '│'] {
        let inner = line.strip_prefix(bar).and_then(|inner| inner.strip_suffix(bar));
        if let Some(aligned) = inner {
            return cell(aligned.trim_end());
        }
    }
    // `+` and `↵` mark a value that goes on in the next line
    let aligned = line.strip_prefix(' ').map(|value| value.trim_end_matches(['+', '↵']).trim_end());
    aligned.unwrap_or(line)
}

/// The value behind a single word and a bar: in a row of two columns, or in psql's expanded display.
fn last_column(line: &str) -> Option<&str> {
    let (before, value) = line.split_once(['|', '│'])?;
    let is_word = !before.starts_with([' ', '#']) && !before.trim_end().contains(' ');
    is_word.then(|| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORPUS: &str = include_str!("../../tests/fixture/tap/corpus.txt");

    fn verdict(lines: &str) -> Result<(), String> {
        let mut tap = Tap::default();
        lines.lines().for_each(|line| tap.read(line));
        tap.verdict()
    }

    #[test]
    fn the_corpus_has_the_verdicts_of_prove() {
        let cases: Vec<_> = CORPUS.split("\n== ").skip(1).collect();
        assert!(cases.len() > 40, "{} cases", cases.len());
        for case in cases {
            let (title, lines) = case.split_once('\n').expect("a title");
            assert_eq!(verdict(lines).is_ok(), title.starts_with("pass: "), "{title}");
        }
    }

    #[test]
    fn why_tests_fail_is_told() {
        for (lines, why) in [
            ("1..2\nok 1\nnot ok 2 - b", "1 of 2 not ok"),
            ("1..3\nok 1", "3 tests were planned, 1 ran"),
            ("1..2\nok 1\nok 1", "test 1 stands where test 2 is expected"),
            ("1..2 x\nok 1", "the plan 1..2 x is malformed"),
            ("Bail out! no table", "bailed out: no table"),
        ] {
            assert_eq!(verdict(lines), Err(why.to_owned()));
        }
    }

    #[test]
    fn a_plan_is_not_required() {
        assert_eq!(verdict("no TAP at all"), Ok(()));
        assert_eq!(verdict("ok 1"), Ok(()));
    }

    #[test]
    fn tables_of_psql_are_read() {
        for (plan, test) in [
            (" 1..1", " not ok 1"),
            (" 1..1    +", " not ok 1+"),
            ("| 1..1 |", "| not ok 1 |"),
            ("│ 1..1  ↵│", "│ not ok 1 │"),
            ("plan | 1..1", "ok | not ok 1"),
            (" 2 | 1..1", " 2 | not ok 1"),
        ] {
            let failed = Err("1 of 1 not ok".to_owned());
            assert_eq!(verdict(&format!("{plan}\n{test}")), failed, "{plan}");
            assert_eq!(verdict(&format!("{plan}\n{}", test.replace("not ", ""))), Ok(()), "{plan}");
        }
    }
}
