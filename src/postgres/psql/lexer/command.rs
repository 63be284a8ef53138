//! The arguments of a backslash command, as `psqlscanslash.l` reads them.
//!
//! A command ends with its line. Its name decides how psql reads the line: most commands take
//! words, some the whole line, some a file name, or `|` and the rest of the line.

use std::ops::Range;

use super::token::variable;
use super::{Argument, Form, Part};

/// The way in which a command reads its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Words, quoted or not.
    Words,
    /// The unchanged line.
    WholeLine,
    /// A file name, or `|` and the rest of the line.
    Pipe,
    /// `(option=value …)`, then a file name or a pipe.
    OptionsPipe,
}

impl Reading {
    fn of(command: &str) -> Self {
        match command {
            "!" | "copy" | "ef" | "ev" | "sf" | "sf+" | "sv" | "sv+" | "h" | "help" => {
                Self::WholeLine
            }
            "o" | "out" | "w" | "write" => Self::Pipe,
            "g" | "gx" => Self::OptionsPipe,
            _ => Self::Words,
        }
    }
}

/// Whether the command sends the query buffer or, if that is empty, the last statement again.
pub(super) fn sends(command: &str) -> bool {
    runs(command) || matches!(command, "gdesc" | "parse")
}

/// Whether the server runs the text that the command sends.
pub(super) fn runs(command: &str) -> bool {
    matches!(command, "g" | "gx" | "gset" | "gexec" | "crosstabview" | "watch" | "sendpipeline")
}

/// A command with its arguments. Positions are bytes of its line.
#[derive(Debug)]
pub(super) struct Command<'a> {
    pub(super) name: &'a str,
    pub(super) arguments: Vec<Argument>,
    pub(super) variables: Vec<(Form, Range<usize>)>,
    /// The end of the last argument.
    pub(super) end: usize,
}

/// The name of a quoted argument that is not closed on its line.
pub(super) const OPEN_ARGUMENT: &str = "quoted argument";

/// Reads the command with the backslash at `at` of `line`.
pub(super) fn read(line: &str, at: usize) -> Result<Command<'_>, &'static str> {
    let rest = &line[at + 1..];
    let length = rest.find(|c| is_space(c) || c == '\\').unwrap_or(rest.len());
    let name = &rest[..length];
    let mut reader = Reader { line, at: at + 1 + length, variables: Vec::new() };
    let arguments = reader.arguments(Reading::of(name))?;
    Ok(Command { name, arguments, variables: reader.variables, end: reader.at })
}

struct Reader<'a> {
    line: &'a str,
    at: usize,
    variables: Vec<(Form, Range<usize>)>,
}

impl Reader<'_> {
    fn arguments(&mut self, reading: Reading) -> Result<Vec<Argument>, &'static str> {
        let mut arguments = Vec::new();
        let mut pipe = matches!(reading, Reading::Pipe | Reading::OptionsPipe);
        while let Some(start) = self.start() {
            if reading == Reading::WholeLine || (pipe && self.line[start..].starts_with('|')) {
                arguments.push(self.rest_of_line(start));
                break;
            }
            let Some(argument) = self.argument(start)? else { break };
            pipe = reading == Reading::OptionsPipe && ends_options(&arguments, &argument);
            arguments.push(argument);
        }
        Ok(arguments)
    }

    /// The beginning of the next argument, if there is one.
    fn start(&self) -> Option<usize> {
        let blanks = self.line[self.at..].find(|c| !is_space(c))?;
        Some(self.at + blanks)
    }

    fn rest_of_line(&mut self, start: usize) -> Argument {
        let raw = self.line[start..].trim_end_matches('\r');
        self.at = start + raw.len();
        let parts = vec![Part::Text(raw.into())];
        Argument { raw: raw.to_owned(), value: Some(raw.to_owned()), backquoted: false, parts }
    }

    /// Reads one argument. `None` at the beginning of the next command.
    fn argument(&mut self, start: usize) -> Result<Option<Argument>, &'static str> {
        let mut parts = Vec::new();
        let mut at = start;
        while let Some(next) = self.line[at..].chars().next() {
            let rest = &self.line[at..];
            let length = match next {
                '\\' => break,
                c if is_space(c) => break,
                '\'' => {
                    let (text, length) = quoted(rest).ok_or(OPEN_ARGUMENT)?;
                    add_text(&mut parts, &text);
                    length
                }
                '"' => rest[1..].find('"').ok_or(OPEN_ARGUMENT)? + 2,
                '`' => {
                    parts.push(Part::Program);
                    let length = rest[1..].find('`').ok_or(OPEN_ARGUMENT)? + 2;
                    self.variables_within(at..at + length);
                    length
                }
                ':' => self.variable(at).unwrap_or(1),
                c => c.len_utf8(),
            };
            match variable(rest).filter(|_| next == ':') {
                Some((form, name)) => parts.push(Part::Variable(form, name.to_owned())),
                None if matches!(next, '`' | '\'') => {}
                None => add_text(&mut parts, &rest.as_bytes()[..length]),
            }
            at += length;
        }
        if at == start {
            return Ok(None);
        }
        self.at = at;
        let backquoted = parts.contains(&Part::Program);
        let mut argument =
            Argument { raw: self.line[start..at].to_owned(), value: None, backquoted, parts };
        argument.value = argument.expand(|_, _| None);
        Ok(Some(argument))
    }

    /// Records the variable at `at`, if there is one, and returns its length.
    fn variable(&mut self, at: usize) -> Option<usize> {
        let (form, name) = variable(&self.line[at..])?;
        let length = form.length(name);
        self.variables.push((form, at..at + length));
        Some(length)
    }

    fn variables_within(&mut self, range: Range<usize>) {
        let mut at = range.start;
        while let Some(found) = self.line[at..range.end].find(':') {
            at += found;
            at += self.variable(at).unwrap_or(1);
        }
    }
}

/// Whether `argument` closes the options in parentheses that `before` opened.
fn ends_options(before: &[Argument], argument: &Argument) -> bool {
    let is =
        |argument: &Argument, test: fn(&str) -> bool| argument.value.as_deref().is_some_and(test);
    let first = before.first().unwrap_or(argument);
    is(first, |value| value.starts_with('('))
        && is(argument, |value| value.ends_with(')'))
        && !before.iter().any(|argument| is(argument, |value| value.ends_with(')')))
}

/// Appends text to the last part.
fn add_text(parts: &mut Vec<Part>, text: &[u8]) {
    match parts.last_mut() {
        Some(Part::Text(before)) => before.extend_from_slice(text),
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

/// The value and the length of the string `'…'` at the beginning of `text`.
fn quoted(text: &str) -> Option<(Vec<u8>, usize)> {
    let bytes = text.as_bytes();
    let mut meaning = Vec::new();
    let mut at = 1;
    loop {
        match (*bytes.get(at)?, bytes.get(at + 1)) {
            (b'\'', Some(b'\'')) => {
                meaning.push(b'\'');
                at += 2;
            }
            (b'\'', _) => break,
            (b'\\', Some(_)) => {
                let (byte, length) = escape(&bytes[at + 1..]);
                meaning.push(byte);
                at += 1 + length;
            }
            (byte, _) => {
                meaning.push(byte);
                at += 1;
            }
        }
    }
    Some((meaning, at + 1))
}

/// The byte that an escape sequence stands for, and the length of the sequence.
fn escape(bytes: &[u8]) -> (u8, usize) {
    let number = |digits: &[u8], radix| {
        std::str::from_utf8(digits).ok().and_then(|d| u32::from_str_radix(d, radix).ok())
    };
    let digits = |from: usize, most: usize, belongs: fn(&u8) -> bool| {
        let digits = bytes[from..].iter().take(most);
        &bytes[from..from + digits.take_while(|b| belongs(b)).count()]
    };
    let octal = digits(0, 3, |b| matches!(b, b'0'..=b'7'));
    if let Some(value) = number(octal, 8) {
        return (value.to_le_bytes()[0], octal.len());
    }
    if bytes[0] == b'x' {
        let hex = digits(1, 2, u8::is_ascii_hexdigit);
        if let Some(value) = number(hex, 16) {
            return (value.to_le_bytes()[0], 1 + hex.len());
        }
    }
    let byte = match bytes[0] {
        b'n' => b'\n',
        b't' => b'\t',
        b'b' => b'\x08',
        b'r' => b'\r',
        b'f' => b'\x0c',
        other => other,
    };
    (byte, 1)
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '\x0b' | '\x0c')
}
