//! Lays the text that psql sent over the source it came from.
//!
//! The two are walked side by side. They may differ in three ways only: psql drops empty lines
//! outside of quotes, replaces `:name`, `:'name'`, `:"name"` and `:{?name}`, and sends `;` for
//! `\;`. Where a variable stood, the text up to the next piece of source is its value.

/// Consecutive lines of a source, numbered from 1.
#[derive(Debug)]
pub(super) struct Window {
    first: usize,
    lines: Vec<String>,
}

impl Window {
    /// `lines` begin with line `first`. A byte order mark and carriage returns are dropped.
    pub(super) fn new(first: usize, mut lines: Vec<String>) -> Self {
        for (index, line) in lines.iter_mut().enumerate() {
            super::clean_line(first + index, line);
        }
        Self { first, lines }
    }

    pub(super) fn numbers(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.lines.len()
    }

    pub(super) fn line(&self, number: usize) -> Option<&str> {
        self.lines.get(number.checked_sub(self.first)?).map(String::as_str)
    }
}

/// From `sent` on in the sent text, the source goes on at `byte` of `line`.
#[derive(Debug)]
struct Anchor {
    sent: usize,
    line: usize,
    byte: usize,
    /// The sent text is the value of the variable at this place.
    variable: bool,
}

/// A map from the sent text to the source.
#[derive(Debug, Default)]
pub(super) struct Alignment {
    anchors: Vec<Anchor>,
}

impl Alignment {
    /// The place nearest to the window's end at which `sent` begins.
    pub(super) fn search(window: &Window, sent: &str) -> Option<Self> {
        if sent.is_empty() {
            return None;
        }
        window.numbers().rev().find_map(|number| {
            let line = window.line(number)?;
            starts(line).find_map(|byte| Walk::new(window, number, byte, sent).run())
        })
    }

    /// The line and byte of the source that byte `sent` came from.
    pub(super) fn source(&self, sent: usize) -> (usize, usize) {
        let after = self.anchors.partition_point(|anchor| anchor.sent <= sent);
        match after.checked_sub(1).and_then(|at| self.anchors.get(at)) {
            Some(anchor) if anchor.variable => (anchor.line, anchor.byte),
            Some(anchor) => (anchor.line, anchor.byte + sent - anchor.sent),
            None => (1, 0),
        }
    }

    /// The source line on which the sent text ends.
    pub(super) fn last_line(&self) -> usize {
        self.anchors.last().map_or(1, |anchor| anchor.line)
    }
}

/// Where a statement can begin on a line: at its first token, and after each semicolon.
fn starts(line: &str) -> impl Iterator<Item = usize> {
    std::iter::once(0).chain(line.match_indices(';').map(|(at, _)| at + 1)).filter_map(|from| {
        let rest = &line[from..];
        rest.find(|c: char| !c.is_whitespace()).map(|blanks| from + blanks)
    })
}

struct Walk<'a> {
    window: &'a Window,
    line: usize,
    byte: usize,
    sent: &'a str,
    at: usize,
    anchors: Vec<Anchor>,
}

impl<'a> Walk<'a> {
    fn new(window: &'a Window, line: usize, byte: usize, sent: &'a str) -> Self {
        let mut walk = Self { window, line, byte, sent, at: 0, anchors: Vec::new() };
        walk.anchor(false);
        walk
    }

    fn anchor(&mut self, variable: bool) {
        self.anchors.push(Anchor { sent: self.at, line: self.line, byte: self.byte, variable });
    }

    fn run(mut self) -> Option<Alignment> {
        while self.at < self.sent.len() {
            let source = self.window.line(self.line)?.get(self.byte..)?;
            if source.is_empty() {
                self.next_line()?;
            } else {
                self.step(source)?;
            }
        }
        Some(Alignment { anchors: self.anchors })
    }

    fn next_line(&mut self) -> Option<()> {
        if self.sent[self.at..].starts_with('\n') {
            self.at += 1;
        } else if self.byte > 0 {
            return None;
        }
        self.line += 1;
        self.byte = 0;
        self.anchor(false);
        Some(())
    }

    fn step(&mut self, source: &'a str) -> Option<()> {
        let sent = &self.sent[self.at..];
        if let Some(length) =
            variable(source).filter(|&length| !sent.starts_with(&source[..length]))
        {
            return self.skip_value(source, length);
        }
        if source.starts_with("\\;") && sent.starts_with(';') {
            self.byte += 1;
            self.anchor(false);
        }
        let source = &self.window.line(self.line)?[self.byte..];
        let next = source.chars().next().filter(|&next| sent.starts_with(next))?;
        self.byte += next.len_utf8();
        self.at += next.len_utf8();
        Some(())
    }

    /// Skips the value of the variable of `length` bytes that `source` begins with.
    fn skip_value(&mut self, source: &str, length: usize) -> Option<()> {
        let after = &source[length..];
        let until = after.find(':').unwrap_or(after.len());
        let next = if after.is_empty() { "\n" } else { &after[..until] };
        let sent = &self.sent[self.at..];
        // At the very end of the statement nothing follows the value.
        let value = sent.find(next).filter(|_| !next.is_empty());
        let value = value.or_else(|| (next == "\n").then_some(sent.len()))?;
        self.anchor(true);
        self.at += value;
        self.byte += length;
        self.anchor(false);
        Some(())
    }
}

/// The length of the psql variable that a text begins with (psql manual, "SQL Interpolation").
fn variable(text: &str) -> Option<usize> {
    let name = text.strip_prefix(':')?;
    let (open, close) = match name.chars().next()? {
        '\'' => ("'", "'"),
        '"' => ("\"", "\""),
        '{' => ("{?", "}"),
        _ => ("", ""),
    };
    let name = name.strip_prefix(open)?;
    let length = name.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(name.len());
    let closed = length > 0 && name[length..].starts_with(close);
    closed.then_some(1 + open.len() + length + close.len())
}
