//! Aligns the text that psql sent to the server with the source that psql read.
//!
//! This module compares the two texts from their beginnings. They may differ in three ways: psql
//! drops empty lines outside of quotes; it replaces `:name`, `:'name'`, `:"name"` and `:{?name}`;
//! and it sends `;` for `\;`. The value of a variable ends where the next piece of the source is
//! found in the sent text.

/// Consecutive lines of a source, numbered from 1.
#[derive(Debug)]
pub(super) struct Window {
    first: usize,
    lines: Vec<String>,
}

impl Window {
    /// Takes lines of which the first has the number `first`. Drops a byte order mark and carriage
    /// returns.
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

/// A pair of equal places: byte `sent` of the sent text, and `byte` of `line` in the source.
#[derive(Debug)]
struct Anchor {
    sent: usize,
    line: usize,
    byte: usize,
    /// Whether the sent text continues with the value of a variable.
    variable: bool,
}

/// A map from the sent text to the source.
#[derive(Debug, Default)]
pub(super) struct Alignment {
    anchors: Vec<Anchor>,
}

impl Alignment {
    /// Finds the place nearest to the window's end at which the source equals `sent`.
    pub(super) fn search(window: &Window, sent: &str) -> Option<Self> {
        if sent.is_empty() {
            return None;
        }
        window.numbers().rev().find_map(|number| {
            let line = window.line(number)?;
            starts(line).find_map(|byte| Walk::new(window, number, byte, sent).run())
        })
    }

    /// The line and byte of the source from which byte `sent` comes.
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

/// The places on a line where a statement can begin: the first token, and after each semicolon.
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

    /// Skips the value of a variable. `source` begins with the variable, which has `length` bytes.
    fn skip_value(&mut self, source: &str, length: usize) -> Option<()> {
        let after = &source[length..];
        let until = after.find(':').unwrap_or(after.len());
        let next = if after.is_empty() { "\n" } else { &after[..until] };
        let sent = &self.sent[self.at..];
        // at the end of the statement no text follows the value
        let value = sent.find(next).filter(|_| !next.is_empty());
        let value = value.or_else(|| (next == "\n").then_some(sent.len()))?;
        self.anchor(true);
        self.at += value;
        self.byte += length;
        self.anchor(false);
        Some(())
    }
}

/// The length of the psql variable with which a text begins (psql manual, "SQL Interpolation").
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
