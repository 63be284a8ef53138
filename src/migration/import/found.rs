//! What the files of another tool say.

/// A migration of another tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The migration's key in the tool's table.
    pub key: String,
    /// The parts of its version, which are digits: more than one if the version has dots.
    pub version: Vec<String>,
    /// The description in its name.
    pub description: String,
    pub up: Script,
    /// The way back, if the tool has one.
    pub down: Option<Script>,
    /// The checksums that the tool may have recorded for it; none if it records none.
    pub checksums: Vec<String>,
    /// The keys of the migrations that it stands for, if it is more than one.
    pub contains: Vec<String>,
}

/// The SQL of one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The file, relative to the directory of the tool.
    pub origin: String,
    /// The number of lines of the file before the text.
    pub offset: usize,
    pub text: String,
    /// Whether the tool would run it in a transaction of its own; no, if it has a mark.
    pub transaction: bool,
}

/// A file that has no counterpart, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct NotTaken {
    /// The file, relative to the directory of the tool.
    pub what: String,
    pub why: String,
}

/// Everything that the files of another tool say, in the tool's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Import {
    pub migrations: Vec<Found>,
    pub not_taken: Vec<NotTaken>,
    /// Changes that a person should know of.
    pub notes: Vec<String>,
    /// What a person must decide before the import is possible.
    pub problems: Vec<String>,
}

impl Import {
    /// Lists a file that is not taken over.
    pub fn leave(&mut self, what: &str, why: impl Into<String>) {
        self.not_taken.push(NotTaken { what: what.to_owned(), why: why.into() });
    }
}

impl Script {
    /// The SQL of a whole file, which the tool runs in a transaction if it runs any so.
    pub fn whole(origin: &str, text: String) -> Self {
        Self { origin: origin.to_owned(), offset: 0, text, transaction: true }
    }

    /// A line of the text, as `FILE:LINE`.
    pub fn line(&self, line: usize) -> String {
        format!("{}:{}", self.origin, self.offset + line)
    }
}

/// Splits a version of digits from the rest of a name: `12_add` into `12` and `_add`.
pub fn split_digits(name: &str) -> Option<(&str, &str)> {
    let end = name.find(|c: char| !c.is_ascii_digit()).unwrap_or(name.len());
    (end > 0).then(|| name.split_at(end))
}

/// The digits of a number without zeros in front.
pub fn number(digits: &str) -> &str {
    match digits.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    }
}

/// A key that sorts versions by the values of their parts, which are digits.
pub fn order<T: AsRef<str>>(parts: impl IntoIterator<Item = T>) -> Vec<(usize, String)> {
    let digits = |part: T| part.as_ref().trim_start_matches('0').to_owned();
    parts.into_iter().map(digits).map(|digits| (digits.len(), digits)).collect()
}

/// The reason why a file that does not look like a migration is left.
pub fn other_file(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("go") => "a migration in Go: write its SQL by hand",
        Some("rs") => "a migration in Rust: write its SQL by hand",
        Some("rb") => "a migration in Ruby: write its SQL by hand",
        Some("java" | "kt" | "class") => "a migration in Java: write its SQL by hand",
        Some("sql") => "its name is not that of a migration",
        _ => "not a migration",
    }
}
