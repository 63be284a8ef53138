//! Parses dotenv files: names and values, of secrets or of settings (`settings`).
//!
//! There is no standard. Tools disagree on the meaning of `$`, `#`, a backslash, or a line without
//! `=`. This grammar never reads a text silently in another way than other tools: where they
//! disagree, the text is either literal (`$`, `=`, quotes inside a value) or an error. The same
//! grammar exists in SQL (`hectic.load_secrets_from_env`), and one corpus tests both.
//!
//! - UTF-8 of at most 1 MiB. A byte order mark at the beginning is dropped. CRLF counts as LF, also
//!   in quotes.
//! - Blank lines, and lines whose first character other than space and tab is `#`, are skipped.
//! - `[export ]NAME = value`. Blanks around `=` are optional. NAME: `[A-Za-z_][A-Za-z0-9_.]*`, at
//!   most 128 characters, once in a file.
//! - `'…'`: literal, may span lines. `"…"`: may span lines, with the escapes `\n \r \t \\ \" \$`. Only
//!   blanks and a comment may follow the closing quote.
//! - Without quotes, a value ends with its line. Blanks around it do not count, and `#` after a
//!   blank begins a comment.
//! - No substitution. `NAME=` sets the empty text. A value has at most 65536 bytes.
//! - The first error rejects the file. No message contains a byte of a value, or a malformed name,
//!   which may be a piece of a value.

mod settings;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

pub use self::settings::settings;
use super::Secret;
use crate::sys::error::{Error, Result};

/// The largest file, in bytes.
const MAX_FILE: usize = 1024 * 1024;
/// The longest name, in characters (all of one byte).
const MAX_NAME: usize = 128;
/// The largest value, in bytes.
const MAX_VALUE: usize = 65_536;

/// A placeholder for `\$` in a value: the other dollar signs may begin variables.
const DOLLAR: char = '\0';

/// A line of a dotenv file that sets a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name as it is in the file.
    pub name: String,
    /// The value without its quotes.
    pub value: Secret,
}

/// Parses a complete dotenv file, in the order of its lines.
///
/// Errors are of `Kind::Failed` and begin with `dotenv line N: `.
pub fn parse(content: &[u8]) -> Result<Vec<Entry>> {
    let text = decode(content)?;
    let mut parser = Parser { text: &text, at: 0, line: 1 };
    let mut entries = Vec::new();
    let mut lines = HashMap::new();
    while parser.next_entry() {
        let line = parser.line;
        let Raw { name, text, .. } = parser.entry()?;
        let entry = Entry { name, value: Secret::new(text.replace(DOLLAR, "$")) };
        if let Some(first) = lines.insert(entry.name.clone(), line) {
            let name = &entry.name;
            return Err(error(line, &format!("duplicate name {name} (first on line {first})")));
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// Checks size, NUL and UTF-8, in this order. Drops the byte order mark and the CR of CRLF.
fn decode(content: &[u8]) -> Result<String> {
    if content.len() > MAX_FILE {
        return Err(Error::failed("dotenv: larger than 1 MiB"));
    }
    let line_at = |at: usize| content[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
    if let Some(at) = content.iter().position(|&byte| byte == 0) {
        return Err(error(line_at(at), "NUL byte"));
    }
    let text = std::str::from_utf8(content)
        .map_err(|invalid| error(line_at(invalid.valid_up_to()), "not UTF-8"))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n"))
}

fn error(line: usize, what: &str) -> Error {
    Error::failed(format!("dotenv line {line}: {what}"))
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// An entry before its escapes and variables are replaced.
struct Raw {
    name: String,
    /// The text, with [`DOLLAR`] for `\$`.
    text: String,
    quote: Option<char>,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The rest of the line, without its line end.
    fn rest_of_line(&self) -> &'a str {
        let rest = self.rest();
        rest.find('\n').map_or(rest, |end| &rest[..end])
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(is_blank).len();
    }

    fn next_line(&mut self) {
        self.at = (self.at + self.rest_of_line().len() + 1).min(self.text.len());
        self.line += 1;
    }

    /// Goes to the next line that is neither blank nor a comment. Returns false at the end.
    fn next_entry(&mut self) -> bool {
        while self.at < self.text.len() {
            self.skip_blanks();
            let line = self.rest_of_line();
            if !line.is_empty() && !line.starts_with('#') {
                return true;
            }
            self.next_line();
        }
        false
    }

    fn entry(&mut self) -> Result<Raw> {
        let line = self.line;
        let name = self.name()?;
        self.skip_blanks();
        let quote = self.rest().chars().next().filter(|first| matches!(first, '\'' | '"'));
        let text = match quote {
            Some(quote) => self.quoted(quote)?,
            None => self.unquoted()?,
        };
        if text.len() > MAX_VALUE {
            return Err(error(line, "value larger than 65536 bytes"));
        }
        Ok(Raw { name, text, quote })
    }

    /// `[export ]NAME [blanks] =`.
    fn name(&mut self) -> Result<String> {
        let line = self.rest_of_line();
        let Some((before, _)) = line.split_once('=') else {
            return Err(error(self.line, "expected NAME=value"));
        };
        self.at += before.len() + 1;
        let name = before.trim_matches(is_blank);
        let name = match name.strip_prefix("export") {
            Some(after) if after.starts_with(is_blank) => after.trim_start_matches(is_blank),
            _ => name,
        };
        if name.is_empty() {
            return Err(error(self.line, "empty name"));
        }
        if name.contains(is_blank) {
            return Err(error(self.line, "expected NAME=value"));
        }
        if !is_name(name) {
            return Err(error(
                self.line,
                "invalid name (letters, digits, \"_\" and \".\", \
                 not starting with a digit or \".\", at most 128)",
            ));
        }
        Ok(name.to_owned())
    }

    fn unquoted(&mut self) -> Result<String> {
        let line = self.rest_of_line();
        let comment = comment_start(&self.text[..self.at], line).unwrap_or(line.len());
        let value = line[..comment].trim_end_matches(is_blank);
        if value.contains('\r') {
            return Err(error(self.line, "stray carriage return"));
        }
        self.next_line();
        Ok(value.to_owned())
    }

    fn quoted(&mut self, quote: char) -> Result<String> {
        let opening = self.line;
        let name = if quote == '"' { "double" } else { "single" };
        let body = &self.rest()[1..];
        let Some(length) = quoted_length(body, quote) else {
            return Err(error(opening, &format!("unterminated {name} quote")));
        };
        let body = &body[..length];
        self.at += length + 2;
        self.line += body.matches('\n').count();
        self.end_of_quoted()?;
        if quote == '\'' { Ok(body.to_owned()) } else { unescape(body, opening) }
    }

    /// After a closing quote: blanks, then the end of the line or a comment after a blank.
    fn end_of_quoted(&mut self) -> Result<()> {
        let rest = self.rest_of_line();
        let after = rest.trim_start_matches(is_blank);
        let comment = after.starts_with('#') && after.len() < rest.len();
        if !after.is_empty() && !comment {
            return Err(error(self.line, "text after the closing quote"));
        }
        self.next_line();
        Ok(())
    }
}

/// The length of a quoted value. In double quotes, a backslash quotes the next character.
fn quoted_length(body: &str, quote: char) -> Option<usize> {
    let mut chars = body.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Some(at);
        }
        if c == '\\' && quote == '"' {
            chars.next();
        }
    }
    None
}

/// Replaces the escapes of a double-quoted value that begins on `line`.
fn unescape(body: &str, line: usize) -> Result<String> {
    let mut value = String::with_capacity(body.len());
    let mut chars = body.chars();
    while let Some(c) = chars.next() {
        value.push(match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => '\n',
            ('\\', Some('r')) => '\r',
            ('\\', Some('t')) => '\t',
            ('\\', Some('$')) => DOLLAR,
            ('\\', Some(escaped @ ('\\' | '"'))) => escaped,
            ('\\', _) => {
                return Err(error(
                    line,
                    "unknown escape in double quotes (known: \\n \\r \\t \\\\ \\\" \\$); \
                     single quotes keep backslashes",
                ));
            }
            (plain, _) => plain,
        });
    }
    Ok(value)
}

pub(super) fn is_name(name: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.len() <= MAX_NAME
        && name.starts_with(first)
        && name.chars().all(|c| first(c) || c.is_ascii_digit() || c == '.')
}

/// The position of the comment after an unquoted value: a `#` after a blank begins it.
fn comment_start(before: &str, value: &str) -> Option<usize> {
    value.match_indices('#').map(|(at, _)| at).find(|&at| match at {
        0 => before.ends_with(is_blank),
        _ => value[..at].ends_with(is_blank),
    })
}
