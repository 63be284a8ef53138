//! Finds out how psql will read a file, before psql reads it.
//!
//! psql splits a file into statements and backslash commands without asking the server. This lexer
//! follows psql's rules (`psqlscan.l`, `psqlscanslash.l` and `MainLoop`, as of PostgreSQL 15 to 18,
//! with `standard_conforming_strings` on), including their mistakes:
//!
//! * psql reads line by line; a string continued on the next line is a new string to it;
//! * a semicolon ends a statement unless it is quoted, in parentheses or in a `BEGIN ATOMIC` body,
//!   which psql recognises by counting words (`nesting`);
//! * a backslash outside of quotes begins a command that ends with the line (`command`);
//! * after `COPY … FROM STDIN` the following lines are data (`copy`), and psql reads the rest of
//!   the current line after them.
//!
//! The values of variables, and so the branch of an `\if` that psql takes, are not known here. The
//! lexer reads each branch as if psql took it.

mod command;
mod copy;
mod nesting;
mod normalize;
mod scanner;
mod token;

#[cfg(test)]
mod tests;

use std::ops::Range;

pub use copy::route;
#[cfg(test)]
use normalize::directive;
pub use normalize::normalize;

/// Splits a file into statements and commands.
pub fn scan(text: &str) -> Result<Script, Unterminated> {
    scanner::read(text).map(|(script, _)| script)
}

/// A part that is still open at the end of the file; for the argument of a command, at the end of
/// its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unterminated {
    /// The line on which it begins, from 1.
    pub line: usize,
    /// Its name: `quoted string`, `quoted identifier`, `dollar-quoted string`, `comment`, `quoted
    /// argument` (of a backslash command) or `\if`.
    pub what: &'static str,
}

/// The statements, commands and variables of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// Statements and commands, sorted by their beginnings. A command may be within a statement.
    pub items: Vec<Item>,
    /// The uses of variables, in the order of the text.
    pub references: Vec<Reference>,
}

impl Script {
    /// The statements.
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.items.iter().filter_map(|item| match item {
            Item::Statement(statement) => Some(statement),
            Item::Meta(_) => None,
        })
    }

    /// The backslash commands.
    #[cfg(test)]
    pub fn metas(&self) -> impl Iterator<Item = &Meta> {
        self.items.iter().filter_map(|item| match item {
            Item::Meta(meta) => Some(meta),
            Item::Statement(_) => None,
        })
    }
}

/// A statement or a backslash command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Text that psql sends to the server.
    Statement(Statement),
    /// A command that psql runs itself.
    Meta(Meta),
}

impl Item {
    /// Its place in the text.
    pub fn span(&self) -> &Range<usize> {
        match self {
            Self::Statement(statement) => &statement.span,
            Self::Meta(meta) => &meta.span,
        }
    }
}

/// A statement as psql splits it off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// From the first token to the semicolon; without a semicolon, to the last token. If `\if` is
    /// within the statement, the span begins with the first part, whatever branch it ends in.
    pub span: Range<usize>,
    /// The line on which it begins, from 1.
    pub line: usize,
    /// All its words outside of quotes and comments, in upper case. Quoted identifiers and
    /// variables are among them, unchanged.
    pub words: Vec<String>,
    /// The end of the statement.
    pub end: End,
    /// The data of a `COPY … FROM STDIN`, including the line `\.` but not its line end.
    pub copy_data: Option<Range<usize>>,
    /// The number of `\if` around its innermost part.
    pub conditional: usize,
}

/// The ways in which a statement ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// `;`.
    Semicolon,
    /// `\;`: psql sends the statement together with the next one.
    Combined,
    /// A command that sends the statement, such as `\g`. It is the next item.
    Command,
    /// `\r`, which discards the statement.
    Reset,
    /// The end of the file, where psql sends the statement.
    File,
}

/// A backslash command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// From the backslash to the end of the last argument.
    pub span: Range<usize>,
    /// Its line, from 1.
    pub line: usize,
    /// The name without the backslash. It ends before the next blank or backslash: `\g;` is a
    /// command `g;`, which psql does not know.
    pub command: String,
    /// The arguments. A command that takes a whole line has one.
    pub arguments: Vec<Argument>,
    /// The data of a `\copy … from stdin`, or of a `COPY` that `\g` repeats.
    pub copy_data: Option<Range<usize>>,
    /// The number of `\if` around it. `\if`, `\elif`, `\else` and `\endif` do not count their own.
    pub conditional: usize,
}

/// An argument of a backslash command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// The argument as written.
    pub raw: String,
    /// The value that psql gives it. `None` if it contains a variable or the output of a program.
    pub value: Option<String>,
    /// Whether it contains a program in backquotes.
    pub backquoted: bool,
    /// The parts of the value.
    pub parts: Vec<Part>,
}

/// A part of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text without its quotes. It need not be UTF-8.
    Text(Vec<u8>),
    /// A variable.
    Variable(Form, String),
    /// The output of a program.
    Program,
}

impl Argument {
    /// The value that psql gives it. `value_of` returns the text that takes the place of a
    /// variable.
    pub fn expand(&self, value_of: impl Fn(Form, &str) -> Option<String>) -> Option<String> {
        let mut value = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => value.extend_from_slice(text),
                Part::Variable(form, name) => value.extend(value_of(*form, name)?.into_bytes()),
                Part::Program => return None,
            }
        }
        String::from_utf8(value).ok()
    }

    /// The variables in it.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(_, name) => Some(name.as_str()),
            _ => None,
        })
    }
}

/// A use of a psql variable. If the variable does not exist, psql leaves the text unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its place in the text.
    pub span: Range<usize>,
    /// Its line, from 1.
    pub line: usize,
    /// The name of the variable.
    pub name: String,
    /// Its form.
    pub form: Form,
    /// Whether it is within an `\if`.
    pub conditional: bool,
    /// Whether it is within `[ ]`, where `:name` may be the end of a slice.
    pub subscript: bool,
}

/// The forms in which a variable is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `:name`.
    Plain,
    /// `:'name'`.
    Literal,
    /// `:"name"`.
    Identifier,
    /// `:{?name}`.
    Defined,
}

impl Form {
    const ALL: [Self; 4] = [Self::Plain, Self::Literal, Self::Identifier, Self::Defined];

    fn delimiters(self) -> (&'static str, &'static str) {
        match self {
            Self::Plain => (":", ""),
            Self::Literal => (":'", "'"),
            Self::Identifier => (":\"", "\""),
            Self::Defined => (":{?", "}"),
        }
    }

    fn length(self, name: &str) -> usize {
        let (open, close) = self.delimiters();
        open.len() + name.len() + close.len()
    }

    /// A reference of this form.
    pub fn write(self, name: &str) -> String {
        let (open, close) = self.delimiters();
        format!("{open}{name}{close}")
    }

    /// The name of the variable in a reference of this form.
    fn name(self, reference: &str) -> &str {
        let (open, close) = self.delimiters();
        reference.strip_prefix(open).and_then(|n| n.strip_suffix(close)).unwrap_or(reference)
    }
}
