//! What psql will do with a file, known before psql sees it.
//!
//! `psql` splits a file into statements and backslash commands without asking the server. Its rules
//! (`psqlscan.l`, `psqlscanslash.l` and `MainLoop`, as of PostgreSQL 15 to 18, with
//! `standard_conforming_strings` on) are followed here, with the mistakes that they make:
//!
//! * it reads line by line; a string continued on the next line is a new string to it;
//! * a semicolon ends a statement unless it is quoted, in parentheses or in a `BEGIN ATOMIC` body,
//!   which is recognised by counting words (`nesting`);
//! * a backslash outside of quotes begins a command that ends with the line (`command`);
//! * after `COPY … FROM STDIN` the lines that follow the current one are data (`copy`), and the rest
//!   of the current one is read after them.
//!
//! What cannot be known is left open: the values of variables, and which branch of an `\if` is
//! taken. Each branch is read as if it were.

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

/// Takes a file apart.
pub fn scan(text: &str) -> Result<Script, Unterminated> {
    scanner::read(text).map(|(script, _)| script)
}

/// Something that the file ends without closing, or a line in case of a command's argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unterminated {
    /// The line on which it begins, from 1.
    pub line: usize,
    /// What it is: `quoted string`, `quoted identifier`, `dollar-quoted string`, `comment`,
    /// `quoted argument` (of a backslash command) or `\if`.
    pub what: &'static str,
}

/// A file, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// Statements and commands, by where they begin. A command may stand within a statement.
    pub items: Vec<Item>,
    /// The variables that are used, in the order of the text.
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
    /// What goes to the server.
    Statement(Statement),
    /// What psql does itself.
    Meta(Meta),
}

impl Item {
    /// Where it is.
    pub fn span(&self) -> &Range<usize> {
        match self {
            Self::Statement(statement) => &statement.span,
            Self::Meta(meta) => &meta.span,
        }
    }
}

/// A statement, as psql cuts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// From the first token through the semicolon; up to the last token if there is none. With
    /// `\if` in its midst it begins where its first part does, whatever branch it ends in.
    pub span: Range<usize>,
    /// The line it begins on, from 1.
    pub line: usize,
    /// All its words outside of quotes and comments, in upper case. Quoted identifiers and
    /// variables stand among them as they are written.
    pub words: Vec<String>,
    /// What ends it.
    pub end: End,
    /// The data of a `COPY … FROM STDIN`, through the line `\.` but without that line's end.
    pub copy_data: Option<Range<usize>>,
    /// In how many `\if` its innermost part is.
    pub conditional: usize,
}

/// What ends a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// `;`.
    Semicolon,
    /// `\;`: it is sent together with the next one.
    Combined,
    /// A command that sends it, such as `\g`; the command is the next item.
    Command,
    /// `\r` throws it away.
    Reset,
    /// The end of the file, which sends it.
    File,
}

/// A backslash command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// From the backslash through the last argument.
    pub span: Range<usize>,
    /// The line it is on, from 1.
    pub line: usize,
    /// The name, without the backslash. It goes up to the next blank or backslash: `\g;` is a
    /// command `g;`, which psql does not know.
    pub command: String,
    /// The arguments; a command that takes a whole line has one.
    pub arguments: Vec<Argument>,
    /// The data of a `\copy … from stdin`, or of a `COPY` that `\g` repeats.
    pub copy_data: Option<Range<usize>>,
    /// In how many `\if` it is. `\if`, `\elif`, `\else` and `\endif` are not in their own.
    pub conditional: usize,
}

/// An argument of a backslash command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// As written.
    pub raw: String,
    /// What psql makes of it, as far as that can be known: `None` when a variable or a program's
    /// output is part of it.
    pub value: Option<String>,
    /// Whether a program in backquotes is part of it.
    pub backquoted: bool,
    /// What it consists of.
    pub parts: Vec<Part>,
}

/// A part of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text without its quotes, which need not be UTF-8.
    Text(Vec<u8>),
    /// A variable.
    Variable(Form, String),
    /// The output of a program.
    Program,
}

impl Argument {
    /// What psql makes of it, when `value_of` knows what it puts in the places of variables.
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

/// A use of a psql variable. Where no such variable exists, psql leaves the text as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Where it is.
    pub span: Range<usize>,
    /// The line it is on, from 1.
    pub line: usize,
    /// The name of the variable.
    pub name: String,
    /// How it is written.
    pub form: Form,
    /// Whether it is within an `\if`.
    pub conditional: bool,
    /// Whether it is within `[ ]`, where `:name` may be the end of a slice.
    pub subscript: bool,
}

/// How a variable is written.
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

    /// The name in a reference of this form.
    fn name(self, reference: &str) -> &str {
        let (open, close) = self.delimiters();
        reference.strip_prefix(open).and_then(|n| n.strip_suffix(close)).unwrap_or(reference)
    }
}
