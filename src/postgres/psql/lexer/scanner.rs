//! Follows psql's main loop: it reads lines, remembers open quotes and comments between them, and
//! collects statements.

use std::ops::Range;

use super::command;
use super::command::Command;
use super::copy;
use super::copy::Progress;
use super::nesting::Nesting;
use super::token;
use super::token::{Kind, Open};
use super::{End, Form, Item, Meta, Reference, Script, Statement, Unterminated};

/// A piece of the text. The pieces cover all of the text but a byte order mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: PieceKind,
    pub(super) span: Range<usize>,
}

/// The kinds of pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PieceKind {
    /// Blanks within a line.
    Blank,
    /// The end of a line.
    LineEnd,
    /// A comment, including the line ends in it.
    Comment,
    /// A token.
    Token,
    /// A backslash command with its arguments.
    Command,
    /// Lines of `COPY` data.
    Data,
}

/// Reads the complete text.
pub(super) fn read(text: &str) -> Result<(Script, Vec<Piece>), Unterminated> {
    let mut scanner = Scanner { text, ..Scanner::default() };
    scanner.next = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    while let Some(line) = scanner.read_line() {
        scanner.lex(&line)?;
        scanner.end_line(&line);
    }
    scanner.finish()
}

/// A line without its line end.
struct Line {
    number: usize,
    span: Range<usize>,
}

/// A statement being collected.
#[derive(Debug, Clone)]
struct Draft {
    span: Range<usize>,
    line: usize,
    words: Vec<String>,
    conditional: usize,
    copy: Progress,
}

/// psql's query buffer and its state. `\if` saves it, and `\else` restores it.
#[derive(Debug, Clone, Default)]
struct Buffer {
    draft: Option<Draft>,
    nesting: Nesting,
    /// Whether statements that ended with `\;` wait to be sent.
    combined: bool,
    /// The waiting statements that take data, as indexes of `items`.
    copies: Vec<usize>,
}

/// An open `\if`.
struct Branch {
    line: usize,
    before: Buffer,
    /// The buffer after the first branch. `None` until the second branch begins.
    after: Option<Buffer>,
}

#[derive(Default)]
struct Scanner<'a> {
    text: &'a str,
    /// The beginning of the next line, or of data.
    next: usize,
    /// The number of lines read.
    line: usize,
    open: Option<(Open, usize)>,
    buffer: Buffer,
    branches: Vec<Branch>,
    /// The number of `COPY … FROM STDIN` in the text that psql sent last. Each reads data from the
    /// script, again if psql sends the text again.
    last_copies: usize,
    items: Vec<Item>,
    references: Vec<Reference>,
    pieces: Vec<Piece>,
}

impl<'a> Scanner<'a> {
    fn read_line(&mut self) -> Option<Line> {
        let rest = self.text.get(self.next..).filter(|rest| !rest.is_empty())?;
        let length = rest.find('\n').unwrap_or(rest.len());
        let span = self.next..self.next + length;
        self.next = (span.end + 1).min(self.text.len());
        self.line += 1;
        Some(Line { number: self.line, span })
    }

    fn lex(&mut self, line: &Line) -> Result<(), Unterminated> {
        let mut at = line.span.start;
        while at < line.span.end {
            let rest = &self.text[at..line.span.end];
            if let Some((open, _)) = &mut self.open {
                let closed = open.close(rest);
                at += closed.unwrap_or(rest.len());
                self.extend(at);
                if closed.is_some() {
                    self.open = None;
                }
                continue;
            }
            let (kind, length) = token::next(rest);
            let span = at..at + length;
            at = if kind == Kind::Backslash {
                self.command(line, at)?
            } else {
                self.token(line, kind, span.clone());
                span.end
            };
        }
        Ok(())
    }

    fn token(&mut self, line: &Line, kind: Kind, span: Range<usize>) {
        self.pieces.push(Piece { kind: piece_kind(&kind), span: span.clone() });
        if !matches!(
            kind,
            Kind::Blank | Kind::Return | Kind::Comment | Kind::Opening(Open::Comment(_))
        ) {
            self.collect(line, &kind, &span);
        }
        match kind {
            Kind::Opening(open) => self.open = Some((open, line.number)),
            Kind::Variable(form) => self.reference(line, form, span),
            Kind::Semicolon if !self.buffer.nesting.holds_semicolon() => self.send(End::Semicolon),
            Kind::Combined => {
                self.close(End::Combined);
                self.buffer.nesting.combine();
                self.buffer.combined = true;
            }
            _ => {}
        }
    }

    /// Adds a token to the statement.
    fn collect(&mut self, line: &Line, kind: &Kind, span: &Range<usize>) {
        let text = &self.text[span.clone()];
        let outside = !self.buffer.nesting.in_parentheses();
        match kind {
            Kind::Word => self.buffer.nesting.word(text),
            _ => self.buffer.nesting.symbol(text),
        }
        let conditional = self.branches.len();
        let draft = self.buffer.draft.get_or_insert_with(|| Draft {
            span: span.clone(),
            line: line.number,
            words: Vec::new(),
            conditional,
            copy: Progress::default(),
        });
        draft.span.end = span.end;
        draft.conditional = draft.conditional.max(conditional);
        match kind {
            Kind::Word => draft.words.push(text.to_ascii_uppercase()),
            Kind::Variable(_) | Kind::Opening(Open::Identifier) => {
                draft.words.push(text.to_owned())
            }
            _ => {}
        }
        if outside {
            draft.copy.push(kind, text);
        }
    }

    /// Extends the piece and the statement to `at`, because a quote or a comment goes on.
    fn extend(&mut self, at: usize) {
        let Some(piece) = self.pieces.last_mut() else { return };
        let from = piece.span.end;
        piece.span.end = at;
        let Some(draft) = self.buffer.draft.as_mut().filter(|_| piece.kind == PieceKind::Token)
        else {
            return;
        };
        draft.span.end = at;
        if let (Some((Open::Identifier, _)), Some(word)) = (&self.open, draft.words.last_mut()) {
            word.push_str(&self.text[from..at]);
        }
    }

    fn end_line(&mut self, line: &Line) {
        if line.span.end == self.text.len() {
            return;
        }
        let span = line.span.end..line.span.end + 1;
        if self.open.is_some() {
            self.extend(span.end);
        } else {
            self.pieces.push(Piece { kind: PieceKind::LineEnd, span });
        }
    }

    fn reference(&mut self, line: &Line, form: Form, span: Range<usize>) {
        self.references.push(Reference {
            name: form.name(&self.text[span.clone()]).to_owned(),
            line: line.number,
            form,
            conditional: !self.branches.is_empty(),
            subscript: self.buffer.nesting.in_brackets(),
            span,
        });
    }

    /// Ends the statement and records it. Without a token there is none.
    fn close(&mut self, end: End) {
        let Some(draft) = self.buffer.draft.take() else { return };
        if draft.copy == Progress::FromStdin && end != End::Reset {
            self.buffer.copies.push(self.items.len());
        }
        self.items.push(Item::Statement(Statement {
            span: draft.span,
            line: draft.line,
            words: draft.words,
            end,
            copy_data: None,
            conditional: draft.conditional,
        }));
    }

    /// Ends the statement and sends it with the waiting ones. Each `COPY` among them takes data.
    fn send(&mut self, end: End) {
        self.close(end);
        let sent = std::mem::take(&mut self.buffer);
        self.last_copies = sent.copies.len();
        for place in sent.copies {
            let data = self.copy_data();
            if let Some(Item::Statement(statement)) = self.items.get_mut(place) {
                statement.copy_data = data;
            }
        }
    }

    /// Reads lines of data up to `\.` or, without it, to the end of the file.
    fn copy_data(&mut self) -> Option<Range<usize>> {
        let start = self.next;
        let mut data = None;
        while let Some(line) = self.read_line() {
            let text = &self.text[line.span.clone()];
            let is_last = matches!(text, "\\." | "\\.\r");
            let end = if is_last { line.span.start + 2 } else { self.next };
            data = Some(start..end);
            if is_last {
                self.pieces.push(Piece { kind: PieceKind::Data, span: start..end });
                if line.span.end > end {
                    let span = end..line.span.end;
                    self.pieces.push(Piece { kind: PieceKind::LineEnd, span });
                }
                self.end_line(&line);
                return data;
            }
        }
        if let Some(span) = &data {
            self.pieces.push(Piece { kind: PieceKind::Data, span: span.clone() });
        }
        data
    }

    /// Reads a backslash command and applies it. Returns the end of the command.
    fn command(&mut self, line: &Line, at: usize) -> Result<usize, Unterminated> {
        let start = line.span.start;
        let text = &self.text[line.span.clone()];
        let command = command::read(text, at - start)
            .map_err(|what| Unterminated { line: line.number, what })?;
        for (form, span) in &command.variables {
            self.reference(line, *form, start + span.start..start + span.end);
        }
        let mut end = start + command.end;
        let span = at..end;
        self.pieces.push(Piece { kind: PieceKind::Command, span: span.clone() });
        let rest = &text[command.end..];
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        if rest[blanks..].starts_with("\\\\") {
            end += blanks + 2;
            self.extend_command(end);
        }
        let copy_data = self.run(&command, line);
        let own = matches!(command.name, "else" | "elif");
        let conditional = match command.name {
            "if" => self.branches.len() - 1,
            _ => self.branches.len() - usize::from(own && !self.branches.is_empty()),
        };
        self.items.push(Item::Meta(Meta {
            span,
            line: line.number,
            command: command.name.to_owned(),
            arguments: command.arguments,
            copy_data,
            conditional,
        }));
        Ok(end)
    }

    fn extend_command(&mut self, end: usize) {
        if let Some(piece) = self.pieces.last_mut() {
            piece.span.end = end;
        }
    }

    /// Applies a command to the buffer. Returns the data that the command itself takes.
    fn run(&mut self, command: &Command<'_>, line: &Line) -> Option<Range<usize>> {
        match command.name {
            "if" => self.branches.push(Branch {
                line: line.number,
                before: self.buffer.clone(),
                after: None,
            }),
            "elif" | "else" => self.next_branch(),
            "endif" => {
                if let Some(buffer) = self.branches.pop().and_then(|branch| branch.after) {
                    self.buffer = buffer;
                }
            }
            "r" | "reset" => {
                self.close(End::Reset);
                self.buffer = Buffer::default();
            }
            "copy" => {
                let arguments = command.arguments.first().map_or("", |argument| &argument.raw);
                return copy::route(arguments)
                    .filter(|r| r.is_inline())
                    .and_then(|_| self.copy_data());
            }
            name if command::runs(name) => return self.send_by_command(),
            name if command::sends(name) => {
                self.close(End::Command);
                self.buffer = Buffer::default();
            }
            _ => {}
        }
        None
    }

    fn send_by_command(&mut self) -> Option<Range<usize>> {
        if self.buffer.draft.is_some() || self.buffer.combined {
            self.send(End::Command);
            return None;
        }
        // the query buffer is empty: psql sends the last statement again
        let taken: Vec<_> = (0..self.last_copies).filter_map(|_| self.copy_data()).collect();
        Some(taken.first()?.start..taken.last()?.end)
    }

    /// psql takes only one branch, so each begins with the buffer before the `\if`.
    fn next_branch(&mut self) {
        let Some(branch) = self.branches.last_mut() else { return };
        let buffer = std::mem::replace(&mut self.buffer, branch.before.clone());
        branch.after.get_or_insert(buffer);
    }

    fn finish(mut self) -> Result<(Script, Vec<Piece>), Unterminated> {
        if let Some((open, line)) = &self.open {
            return Err(Unterminated { line: *line, what: open.name() });
        }
        if let Some(branch) = self.branches.first() {
            return Err(Unterminated { line: branch.line, what: "\\if" });
        }
        self.send(End::File);
        // the text after a COPY on the same line was read after the data
        self.items.sort_by_key(|item| item.span().start);
        self.references.sort_by_key(|reference| reference.span.start);
        self.pieces.sort_by_key(|piece| piece.span.start);
        Ok((Script { items: self.items, references: self.references }, self.pieces))
    }
}

fn piece_kind(kind: &Kind) -> PieceKind {
    match kind {
        Kind::Blank => PieceKind::Blank,
        Kind::Return => PieceKind::LineEnd,
        Kind::Comment | Kind::Opening(Open::Comment(_)) => PieceKind::Comment,
        _ => PieceKind::Token,
    }
}
