//! Recognises statements that are followed by lines of data.
//!
//! psql learns this from the server; db-tool recognises it by the words. The server and `\copy`
//! take `STDIN` and `STDOUT` for the same: only the direction counts.

use super::token;
use super::token::Kind;

/// The part of `COPY … FROM STDIN` that was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing was read.
    #[default]
    Start,
    /// `COPY`.
    Copy,
    /// `COPY … FROM`.
    From,
    /// `COPY … FROM STDIN`.
    FromStdin,
    /// Another statement.
    Other,
}

impl Progress {
    /// Takes the next token outside of parentheses.
    pub(super) fn push(&mut self, kind: &Kind, text: &str) {
        let is = |word: &str| *kind == Kind::Word && text.eq_ignore_ascii_case(word);
        *self = match self {
            Self::Start if is("copy") => Self::Copy,
            Self::Copy if is("from") => Self::From,
            Self::Copy if !is("to") => Self::Copy,
            Self::From if is("stdin") || is("stdout") => Self::FromStdin,
            Self::FromStdin => Self::FromStdin,
            _ => Self::Other,
        }
    }
}

/// The direction and the other end of a `\copy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route<'a> {
    /// Whether it copies into the table.
    pub from: bool,
    /// The word after `from` or `to`: `stdin`, `pstdin`, `program` (any case), or a file.
    pub end: &'a str,
}

impl Route<'_> {
    /// Whether lines of data follow.
    pub(super) fn is_inline(self) -> bool {
        self.from && ["stdin", "stdout"].iter().any(|word| self.end.eq_ignore_ascii_case(word))
    }

    /// Whether it reads psql's own standard input.
    pub fn reads_standard_input(self) -> bool {
        self.from && ["pstdin", "pstdout"].iter().any(|word| self.end.eq_ignore_ascii_case(word))
    }

    /// Whether it runs a program.
    pub fn is_program(self) -> bool {
        self.end.eq_ignore_ascii_case("program")
    }
}

/// The route of a `\copy` with this line of arguments. `None` if psql refuses it.
pub fn route(arguments: &str) -> Option<Route<'_>> {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < arguments.len() {
        let text = &arguments[at..];
        let (kind, mut length) = token::next(text);
        if let Kind::Opening(mut open) = kind.clone() {
            length += open.close(&text[length..])?;
        }
        let token = &text[..length];
        at += length;
        match token {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let is = |word: &str| token.eq_ignore_ascii_case(word);
        if depth == 0 && kind == Kind::Word && (is("from") || is("to")) {
            let end = arguments[at..].split_whitespace().next()?;
            // psql removes semicolons at the end of the line
            return Some(Route { from: is("from"), end: end.trim_end_matches(';') });
        }
    }
    None
}
