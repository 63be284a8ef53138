//! The normal form of a script: without comments and a byte order mark, and with equal line ends.
//!
//! Two files with the same normal form do the same. Two files with different normal forms may do
//! the same, too: other blanks than those before a comment stay, because only a parser could tell
//! them from blanks in quotes, in data or on the line of a command.

use super::Unterminated;
use super::scanner;
use super::scanner::{Piece, PieceKind};
use super::token;
use super::token::Kind;

/// The number of tokens before a comment that can join with the token after it: `:{?name` and `}`.
const REACH: usize = 4;

/// The text of the directive `-- migrator: …` on the first line.
pub fn directive(text: &str) -> Option<&str> {
    let line = text.strip_prefix('\u{feff}').unwrap_or(text).split(['\r', '\n']).next()?;
    line.strip_prefix("-- migrator:").map(str::trim)
}

/// The text without comments and a byte order mark, with `\n` for every line end.
///
/// * A comment that fills its lines is removed with these lines; any other comment with the blanks
///   before it.
/// * A blank stays where two tokens would join.
/// * Blanks and line ends at the end of the text are removed.
/// * Quotes, `COPY` data, backslash commands and a `directive` stay unchanged.
pub fn normalize(text: &str) -> Result<String, Unterminated> {
    let (_, pieces) = scanner::read(text)?;
    let directive = directive(text).and_then(|_| pieces.first()).cloned();
    let mut output = Output { text, ..Output::default() };
    for piece in &pieces {
        let source = &text[piece.span.clone()];
        match piece.kind {
            PieceKind::Comment if directive.as_ref() != Some(piece) => output.comment(),
            PieceKind::Blank => output.normal.push_str(source),
            PieceKind::LineEnd => output.end_line(source, text[piece.span.end..].starts_with('\n')),
            _ => output.keep(piece),
        }
    }
    Ok(output.finish())
}

#[derive(Default)]
struct Output<'a> {
    text: &'a str,
    normal: String,
    /// The beginning of the line.
    line: usize,
    /// The end of the last piece that must stay.
    kept: usize,
    /// The beginnings of the last tokens that have nothing between them.
    tokens: Vec<usize>,
    /// Whether the line has a comment.
    commented: bool,
    /// Whether a comment follows the kept text.
    gap: bool,
}

impl Output<'_> {
    fn comment(&mut self) {
        self.normal.truncate(self.kept.max(self.line));
        self.commented = true;
        self.gap = true;
    }

    fn end_line(&mut self, end: &str, goes_on: bool) {
        if end == "\r" && goes_on {
            return;
        }
        self.drop_comment_line();
        if self.normal.len() > self.line || !self.commented {
            self.normal.push('\n');
        }
        self.line = self.normal.len();
        self.commented = false;
    }

    /// Drops the rest of a line that has only comments.
    fn drop_comment_line(&mut self) {
        if self.commented && self.kept <= self.line {
            self.normal.truncate(self.line);
        }
    }

    fn keep(&mut self, piece: &Piece) {
        if self.normal.len() > self.kept {
            self.tokens.clear();
        } else if self.gap && self.merges(piece) {
            self.normal.push(' ');
            self.tokens.clear();
        }
        self.tokens.push(self.normal.len());
        self.normal.push_str(&self.text[piece.span.clone()]);
        self.kept = self.normal.len();
        self.gap = false;
    }

    /// Whether a token would join with those before it.
    fn merges(&self, piece: &Piece) -> bool {
        let reach = self.tokens.len().saturating_sub(REACH);
        let Some(&start) = self.tokens.get(reach) else { return false };
        let before = &self.normal[start..];
        let rest = &self.text[piece.span.start..];
        let line = rest.split('\n').next().unwrap_or(rest);
        !has_boundary(&format!("{before}{line}"), before.len())
    }

    fn finish(mut self) -> String {
        self.drop_comment_line();
        let kept = self.kept;
        let end = self.normal[kept..].trim_end_matches([' ', '\t', '\x0b', '\x0c', '\n']).len();
        self.normal.truncate(kept + end);
        self.normal
    }
}

/// Whether a token ends at `boundary` of `text`.
fn has_boundary(text: &str, boundary: usize) -> bool {
    let mut at = 0;
    while at < boundary {
        let (kind, length) = token::next(&text[at..]);
        at += length;
        if let Kind::Opening(mut open) = kind {
            let Some(length) = open.close(&text[at..]) else { return false };
            at += length;
        } else if kind == Kind::Comment {
            return false;
        }
    }
    at == boundary
}
