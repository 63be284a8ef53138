//! The lines of TAP, as `TAP::Parser::Grammar` reads them.

use super::record::Directive;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    Version(Option<u32>),
    Plan(Plan),
    Test(Test),
    BailOut(String),
    Comment,
    /// Each pragma with its switch: on or off.
    Pragmas(Vec<(String, bool)>),
    Unknown,
}

/// The line that announces the number of tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// `None` if the number does not fit into `usize`.
    pub(super) tests: Option<usize>,
    /// The numbers of the tests that are expected to fail.
    pub(super) todo: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Test {
    pub(super) ok: bool,
    /// The test's number without leading zeros.
    pub(super) number: Option<String>,
    /// The text without the directive.
    pub(super) description: String,
    pub(super) directive: Option<Directive>,
    /// The line has neither a number nor a hyphen after `ok` or `not ok`. A cell of a psql table
    /// often looks like that and is no test.
    pub(super) is_vague: bool,
}

impl Line {
    /// Reads a line. From version 13 on, TAP has pragmas and a stricter form of plans.
    pub(super) fn parse(line: &str, version: u32) -> Self {
        if let Some(reason) = trim_start(line).strip_prefix("Bail out!") {
            return Self::BailOut(reason.trim().to_owned());
        }
        if let Some(test) = Test::parse(line) {
            return Self::Test(test);
        }
        if line.starts_with('#') {
            return Self::Comment;
        }
        if let Some(plan) = line.strip_prefix("1..") {
            return Plan::parse(plan, version).map_or(Self::Unknown, Self::Plan);
        }
        let pragmas = line.strip_prefix("pragma").filter(|_| version >= 13);
        if let Some(pragmas) = pragmas.and_then(parse_pragmas) {
            return Self::Pragmas(pragmas);
        }
        parse_version(line).map_or(Self::Unknown, Self::Version)
    }
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
        let (digits, description) = split_digits(trim_start(rest));
        let number = (!digits.is_empty()).then(|| significant(digits));
        let is_vague = number.is_none() && !description.starts_with('-');
        let (description, directive) = split_directive(description);
        Some(Self { ok, number, description, directive, is_vague })
    }
}

impl Plan {
    /// Parses `text`, which follows `1..`.
    fn parse(text: &str, version: u32) -> Option<Self> {
        let (digits, tail) = split_digits(text);
        if digits.is_empty() {
            return None;
        }
        let tail = trim_start(tail);
        let number = significant(digits);
        let plan = |todo| Self { tests: number.parse().ok(), todo };
        if version >= 13 {
            let skips = || tail.strip_prefix('#').is_some_and(|text| begins_with(text, "SKIP"));
            return (tail.is_empty() || skips()).then(|| plan(Vec::new()));
        }
        if let Some(todo) = parse_todo(tail) {
            return Some(plan(todo));
        }
        // text may follow a plan of no tests
        (number == "0" || tail.is_empty()).then(|| plan(Vec::new()))
    }
}

/// The numbers in `todo 2 3` behind a plan.
fn parse_todo(tail: &str) -> Option<Vec<String>> {
    let mut rest = tail.strip_prefix("todo")?;
    let mut todo = Vec::new();
    loop {
        let (digits, after) = split_digits(trim_start(rest));
        if digits.is_empty() || !rest.starts_with(is_space) {
            return (!todo.is_empty()).then_some(todo);
        }
        todo.push(digits.to_owned());
        rest = after;
    }
}

/// Parses ` +strict, -other`.
fn parse_pragmas(text: &str) -> Option<Vec<(String, bool)>> {
    let pragma = |text: &str| {
        let text = text.trim_matches(is_space);
        let on = text.starts_with('+');
        let name = text.strip_prefix(['+', '-'])?;
        let is_name = !name.is_empty() && name.chars().all(is_word);
        is_name.then(|| (name.to_owned(), on))
    };
    text.starts_with(is_space).then(|| text.split(',').map(pragma).collect()).flatten()
}

/// Parses `TAP version 13`. The inner option is empty if the number does not fit into `u32`.
fn parse_version(line: &str) -> Option<Option<u32>> {
    let mut words = line.split(is_space).filter(|word| !word.is_empty());
    let is_version = line.starts_with(['t', 'T'])
        && words.next()?.eq_ignore_ascii_case("tap")
        && words.next()?.eq_ignore_ascii_case("version");
    let number = words.next().filter(|_| is_version && words.next().is_none())?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())
}

/// Splits a text before the first `#` without a backslash before it, if a directive follows.
fn split_directive(text: &str) -> (String, Option<Directive>) {
    let plain = |text: &str| {
        let text = trim_start(text);
        trim_start(text.strip_prefix('-').unwrap_or(text)).trim_end().replace("\\#", "#")
    };
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '#' => {
                let directive = Directive::parse(&text[at + 1..]);
                return (plain(if directive.is_some() { &text[..at] } else { text }), directive);
            }
            _ => {}
        }
    }
    (plain(text), None)
}

impl Directive {
    fn parse(text: &str) -> Option<Self> {
        let reason = || trim_start(text)[4..].trim().to_owned();
        match () {
            () if begins_with(text, "TODO") => Some(Self::Todo(reason())),
            // `TAP::Parser` takes `SKIPPED` and the like for the directive, too
            () if trim_start(text).get(..4)?.eq_ignore_ascii_case("SKIP") => {
                Some(Self::Skip(reason()))
            }
            () => None,
        }
    }
}

/// Checks whether `text` begins with `word`, in any case, after optional blanks.
fn begins_with(text: &str, word: &str) -> bool {
    let text = trim_start(text);
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
        && !text[word.len()..].starts_with(is_word)
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// Removes leading zeros.
fn significant(digits: &str) -> String {
    match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        significant => significant.to_owned(),
    }
}

fn trim_start(text: &str) -> &str {
    text.trim_start_matches(is_space)
}

/// The bytes that Perl treats as blanks.
pub(super) fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\x0b'
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
