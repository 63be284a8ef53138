//! The names of migrations: `20250131120000-create-users`, `V000001__Create_users`.
//!
//! The number at the beginning is the version, which orders the migrations of a set. The rest is a
//! description. The full name is the directory's name, or the file's name without its extension,
//! because that is the name that people see and type.

use std::fmt;

/// The number of digits in a directory's version: a time, `YYYYMMDDHHMMSS`.
pub(in crate::migration) const TIMESTAMP: usize = 14;

/// The layout of a migration's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// `YYYYMMDDHHMMSS-name/`, with `up.sql` and `down.sql` or `up/` and `down/`.
    Directory,
    /// `V000001__Description.sql` and `U000001__Description.sql`.
    Flat,
}

/// A migration's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The version, which orders migrations.
    pub version: i64,
    /// The name on disk, without an extension.
    pub full: String,
}

/// The meaning of an entry's name in the migration directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The directory of a migration.
    Directory(Name),
    /// The up file of a flat migration.
    Up(Name),
    /// The down file of a flat migration.
    Down(Name),
    /// Not a migration.
    Other,
}

/// Parses the name of an entry in the migration directory.
pub fn parse(entry: &str, is_directory: bool) -> Entry {
    match is_directory {
        true => directory(entry).map_or(Entry::Other, Entry::Directory),
        false => flat(entry).unwrap_or(Entry::Other),
    }
}

fn directory(entry: &str) -> Option<Name> {
    let (digits, rest) = entry.split_once('-')?;
    let is_time = digits.len() == TIMESTAMP && digits.bytes().all(|b| b.is_ascii_digit());
    (is_time && !rest.trim().is_empty())
        .then(|| Some(Name { version: digits.parse().ok()?, full: entry.to_owned() }))?
}

fn flat(entry: &str) -> Option<Entry> {
    let stem = entry.strip_suffix(".sql")?;
    let (digits, rest) = stem.get(1..)?.split_once("__")?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) || rest.trim().is_empty() {
        return None;
    }
    let version = digits.parse().ok()?;
    match stem.as_bytes()[0] {
        b'V' => Some(Entry::Up(Name { version, full: stem.to_owned() })),
        b'U' => Some(Entry::Down(Name { version, full: format!("V{}", &stem[1..]) })),
        _ => None,
    }
}

impl Name {
    /// Builds the name of a new migration.
    pub fn new(layout: Layout, version: i64, description: &str) -> Self {
        let full = match layout {
            Layout::Directory => format!("{version:0TIMESTAMP$}-{description}"),
            Layout::Flat => format!("V{version:06}__{}", description.replace(' ', "_")),
        };
        Self { version, full }
    }

    /// The layout that the name belongs to.
    pub fn layout(&self) -> Layout {
        match self.full.strip_prefix('V') {
            Some(rest) if rest.contains("__") => Layout::Flat,
            _ => Layout::Directory,
        }
    }

    /// The part after the version. In a flat name, blanks replace the underscores.
    pub fn description(&self) -> String {
        match self.layout() {
            Layout::Flat => {
                self.full.split_once("__").map_or("", |(_, rest)| rest).replace('_', " ")
            }
            Layout::Directory => self.full.split_once('-').map_or("", |(_, rest)| rest).to_owned(),
        }
    }

    /// Checks whether the user's `text` means this migration: its name, version or description.
    pub fn is_called(&self, text: &str) -> bool {
        let text = text.trim_end_matches('/');
        let as_file = text.strip_suffix(".sql").unwrap_or(text);
        self.full == as_file
            || text.trim_start_matches('V').parse() == Ok(self.version)
            || self.description() == text
            || self.description().replace(' ', "_") == text
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(version: i64, full: &str) -> Name {
        Name { version, full: full.to_owned() }
    }

    #[test]
    fn both_layouts_are_known_and_nothing_else() {
        let full = "20250131120000-create users";
        assert_eq!(parse(full, true), Entry::Directory(name(20_250_131_120_000, full)));
        let flat = "V000012__Create_users";
        assert_eq!(parse("V000012__Create_users.sql", false), Entry::Up(name(12, flat)));
        assert_eq!(parse("U000012__Create_users.sql", false), Entry::Down(name(12, flat)));
        for other in ["README.md", "2025-create", "20250131120000-", "20250131120000", "notes"] {
            assert_eq!(parse(other, true), Entry::Other, "{other}");
        }
        for other in [
            "V1.sql",
            "V1__.sql",
            "V1__x.SQL",
            "X1__x.sql",
            "V__x.sql",
            "V1_x.sql",
            "",
            ".sql",
            "é__x.sql",
        ] {
            assert_eq!(parse(other, false), Entry::Other, "{other}");
        }
        assert_eq!(parse("V99999999999999999999__x.sql", false), Entry::Other);
    }

    #[test]
    fn a_migration_answers_to_its_names() {
        let flat = name(12, "V000012__Create_users");
        for text in ["12", "V000012", "000012", "V000012__Create_users.sql", "Create users"] {
            assert!(flat.is_called(text), "{text}");
        }
        let directory = name(20_250_131_120_000, "20250131120000-create-users");
        for text in ["20250131120000", "20250131120000-create-users/", "create-users"] {
            assert!(directory.is_called(text), "{text}");
        }
        for text in ["", "create", "13", "20250131120000-"] {
            assert!(!flat.is_called(text) && !directory.is_called(text), "{text}");
        }
    }

    #[test]
    fn new_names_are_read_back() {
        let made = Name::new(Layout::Directory, 5, "add it");
        assert_eq!(parse(&made.full, true), Entry::Directory(made.clone()));
        let made = Name::new(Layout::Flat, 5, "add it");
        assert_eq!(parse(&format!("{made}.sql"), false), Entry::Up(made.clone()));
        assert_eq!(made.description(), "add it");
    }
}
