//! The tokens of a line, as `psqlscan.l` distinguishes them.
//!
//! psql reads line by line. `Open` is a quote or a comment that goes on in the next line. psql
//! distinguishes only the tokens that it needs: quotes, words, variables and a few symbols.

use super::Form;

/// The kinds of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Blanks within a line.
    Blank,
    /// A carriage return, which ends a `--` comment and is a blank otherwise.
    Return,
    /// `-- …`.
    Comment,
    /// The beginning of a quote or comment, which may have several lines.
    Opening(Open),
    /// A keyword or an identifier without quotes.
    Word,
    /// A variable, which psql replaces by its value.
    Variable(Form),
    /// `;`.
    Semicolon,
    /// `\;`, which adds a semicolon to the text without sending it.
    Combined,
    /// The beginning of a backslash command.
    Backslash,
    /// Anything else: numbers, operators, punctuation.
    Symbol,
}

/// A quote or comment that is open at the end of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Open {
    /// `'…'`, in which a backslash has no special meaning.
    Literal,
    /// `E'…'`.
    Escaped,
    /// `"…"`.
    Identifier,
    /// `/* … */`, with the number of comments around it.
    Comment(usize),
    /// A dollar-quoted string with its delimiter.
    Dollar(String),
}

impl Open {
    /// Its name in messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Literal | Self::Escaped => "quoted string",
            Self::Identifier => "quoted identifier",
            Self::Comment(_) => "comment",
            Self::Dollar(_) => "dollar-quoted string",
        }
    }

    /// The length of `text` up to the closing delimiter. `None` if `text` does not close it.
    pub(super) fn close(&mut self, text: &str) -> Option<usize> {
        match self {
            Self::Literal => close_quote(text, b'\'', false),
            Self::Escaped => close_quote(text, b'\'', true),
            Self::Identifier => close_quote(text, b'"', false),
            Self::Dollar(delimiter) => text.find(&**delimiter).map(|at| at + delimiter.len()),
            Self::Comment(depth) => close_comment(text, depth),
        }
    }
}

fn close_quote(text: &str, quote: u8, escapes: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let doubled = bytes[at] == quote && bytes.get(at + 1) == Some(&quote);
        if doubled || (escapes && bytes[at] == b'\\') {
            at += 2;
        } else if bytes[at] == quote {
            return Some(at + 1);
        } else {
            at += 1;
        }
    }
    None
}

fn close_comment(text: &str, depth: &mut usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find(['*', '/']) {
        at += found;
        if text[at..].starts_with("/*") {
            *depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            at += 2;
            if *depth == 0 {
                return Some(at);
            }
            *depth -= 1;
        } else {
            at += 1;
        }
    }
    None
}

/// The kind and the length of the first token of `text`, which is not empty.
pub(super) fn next(text: &str) -> (Kind, usize) {
    let bytes = text.as_bytes();
    let digit_at = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    match bytes[0] {
        b' ' | b'\t' | b'\x0b' | b'\x0c' => (Kind::Blank, run(text, is_blank)),
        b'\r' => (Kind::Return, 1),
        b'-' if text.starts_with("--") => (Kind::Comment, run(text, |b| b != b'\r')),
        b'/' if text.starts_with("/*") => (Kind::Opening(Open::Comment(0)), 2),
        b'\'' => (Kind::Opening(Open::Literal), 1),
        b'"' => (Kind::Opening(Open::Identifier), 1),
        b'$' => dollar(text),
        b';' => (Kind::Semicolon, 1),
        b'\\' if text.starts_with("\\;") => (Kind::Combined, 2),
        b'\\' if text.starts_with("\\:") => (Kind::Symbol, 2),
        b'\\' => (Kind::Backslash, 1),
        b':' => colon(text),
        b'.' if digit_at(1) => (Kind::Symbol, number(bytes)),
        b'0'..=b'9' => (Kind::Symbol, number(bytes)),
        byte if is_word_start(byte) => word(text),
        byte if is_operator(byte) => (Kind::Symbol, operator(text)),
        b'.' if text.starts_with("..") => (Kind::Symbol, 2),
        _ => (Kind::Symbol, 1),
    }
}

/// A word, unless it is the prefix of a quote: `E'`, `B'`, `X'`, `N'`, `U&'`, `U&"`.
fn word(text: &str) -> (Kind, usize) {
    let length = run(text, is_word);
    let quoted = |at: usize, quote| text[at..].starts_with(quote);
    match text.as_bytes()[0].to_ascii_lowercase() {
        b'e' if length == 1 && quoted(1, '\'') => (Kind::Opening(Open::Escaped), 2),
        b'b' | b'x' | b'n' if length == 1 && quoted(1, '\'') => (Kind::Opening(Open::Literal), 2),
        b'u' if length == 1 && quoted(1, '&') && quoted(2, '\'') => {
            (Kind::Opening(Open::Literal), 3)
        }
        b'u' if length == 1 && quoted(1, '&') && quoted(2, '"') => {
            (Kind::Opening(Open::Identifier), 3)
        }
        _ => (Kind::Word, length),
    }
}

/// `$tag$`, `$1` or a single `$`.
fn dollar(text: &str) -> (Kind, usize) {
    let tag = &text[1..];
    if tag.starts_with(|c: char| c.is_ascii_digit()) {
        return (Kind::Symbol, 1 + run(tag, |b| b.is_ascii_digit()));
    }
    let length = run(tag, |b| is_word(b) && b != b'$');
    if !tag[length..].starts_with('$') {
        return (Kind::Symbol, 1);
    }
    let delimiter = &text[..length + 2];
    (Kind::Opening(Open::Dollar(delimiter.to_owned())), delimiter.len())
}

fn colon(text: &str) -> (Kind, usize) {
    match variable(text) {
        Some((form, name)) => (Kind::Variable(form), form.length(name)),
        None if text.starts_with("::") || text.starts_with(":=") => (Kind::Symbol, 2),
        None => (Kind::Symbol, 1),
    }
}

/// The variable at the beginning of `text`: `:name`, `:'name'`, `:"name"` or `:{?name}`.
pub(super) fn variable(text: &str) -> Option<(Form, &str)> {
    Form::ALL.into_iter().find_map(|form| {
        let (open, close) = form.delimiters();
        let name = text.strip_prefix(open)?;
        let length = run(name, |b| is_word(b) && b != b'$');
        (length > 0 && name[length..].starts_with(close)).then(|| (form, &name[..length]))
    })
}

/// A number with the letters behind it: the server takes them as one token or refuses them.
fn number(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let range = byte == b'.' && bytes.get(at + 1) == Some(&b'.');
        let sign = matches!(byte, b'+' | b'-') && is_exponent(&bytes[..at]);
        if range || !(sign || byte == b'.' || (is_word(byte) && byte != b'$')) {
            break;
        }
        at += 1;
    }
    at
}

/// Whether a sign after `number` belongs to it, even if no digit follows.
fn is_exponent(number: &[u8]) -> bool {
    let mantissa = number.strip_suffix(b"e").or_else(|| number.strip_suffix(b"E"));
    mantissa.is_some_and(|m| m.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_')))
}

/// A run of operator characters. It ends before a comment.
fn operator(text: &str) -> usize {
    let length = run(text, is_operator);
    let comment = [text[..length].find("--"), text[..length].find("/*")];
    comment.into_iter().flatten().min().unwrap_or(length)
}

fn run(text: &str, belongs: impl Fn(u8) -> bool) -> usize {
    text.bytes().position(|byte| !belongs(byte)).unwrap_or(text.len())
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\x0b' | b'\x0c')
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii()
}

fn is_word(byte: u8) -> bool {
    is_word_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

fn is_operator(byte: u8) -> bool {
    b"~!@#^&|`?+-*/%<>=".contains(&byte)
}
