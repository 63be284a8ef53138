//! The texts of `postgresql.conf` and `pg_hba.conf`.
//!
//! The `postgresql.conf` of a cluster that db-tool made has two parts. The base is a copy of the
//! user's file (`PG_CONF_FILE`), or empty; it is written once. The block stands between two marks,
//! and every start writes it anew. Lines that the user adds outside the block stay. Lines below the
//! block override it, because PostgreSQL takes the last setting of a name.

use std::path::Path;

/// The first line of the block.
const BEGIN: &str = "# --- db-tool: rewritten at every start; put your own settings below ---";
/// The last line of the block.
const END: &str = "# --- db-tool: end ---";

/// Allows local connections only. Base backups need the replication line.
pub const HBA: &str = "\
# TYPE  DATABASE     USER  METHOD
local   all          all   trust
local   replication  all   trust
";

/// A list of settings. Their order matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conf {
    settings: Vec<(String, String)>,
}

impl Conf {
    /// Adds a setting.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.push((name.to_owned(), value.into()));
        self
    }

    /// The settings as command-line arguments of the server, which override all files.
    pub fn arguments(&self) -> impl Iterator<Item = String> {
        self.settings.iter().flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")])
    }

    /// Returns `existing` with its block replaced. If it has no block, adds one at the end.
    pub fn written_into(&self, existing: &str) -> String {
        let (base, rest) = match existing.split_once(BEGIN) {
            Some((base, rest)) => (base, rest.split_once(END).map_or("", |(_, after)| after)),
            None => (existing, "\n"),
        };
        let separator = if base.is_empty() || base.ends_with('\n') { "" } else { "\n" };
        format!("{base}{separator}{BEGIN}\n{}{END}{rest}", self.block())
    }

    fn block(&self) -> String {
        self.settings.iter().map(|(name, value)| format!("{name} = {}\n", quote(value))).collect()
    }
}

/// Whether a line of `postgresql.conf` begins our block (`Some(true)`) or ends it (`Some(false)`).
pub fn block_mark(line: &str) -> Option<bool> {
    match line {
        BEGIN => Some(true),
        END => Some(false),
        _ => None,
    }
}

/// Quotes a value for `postgresql.conf`: doubles single quotes and escapes backslashes and line
/// breaks.
fn quote(value: &str) -> String {
    let escaped = value.replace('\\', r"\\").replace('\'', "''").replace('\n', r"\n");
    format!("'{escaped}'")
}

/// A list of directories as PostgreSQL's `SplitDirectoriesString` reads it, each in double quotes.
pub fn directory_list<'a>(directories: impl IntoIterator<Item = &'a Path>) -> String {
    let quoted = directories
        .into_iter()
        .map(|directory| format!("\"{}\"", directory.to_string_lossy().replace('"', "\"\"")));
    quoted.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_replaced_and_its_surroundings_stay() {
        let first = Conf::default().set("port", "5432").written_into("work_mem = 1\n");
        let edited = first.replace(END, &format!("{END}\nfsync = off"));
        let second = Conf::default().set("port", "5433").written_into(&edited);
        assert_eq!(second, format!("work_mem = 1\n{BEGIN}\nport = '5433'\n{END}\nfsync = off\n"));
        assert_eq!(Conf::default().set("port", "5433").written_into(&second), second);
    }

    #[test]
    fn a_base_without_a_final_newline_keeps_its_last_line() {
        let text = Conf::default().set("port", "1").written_into("a = 1");
        assert!(text.starts_with("a = 1\n# ---"), "{text}");
    }

    #[test]
    fn values_are_quoted() {
        let text = Conf::default().set("x", r"it's a \ path").written_into("");
        assert!(text.contains(r"x = 'it''s a \\ path'"), "{text}");
        let list = directory_list([Path::new("/a, b"), Path::new("/c\"d")]);
        assert_eq!(list, r#""/a, b", "/c""d""#);
    }

    #[test]
    fn arguments_carry_values_as_they_are() {
        let conf = Conf::default().set("fsync", "off");
        assert_eq!(conf.arguments().collect::<Vec<_>>(), ["-c", "fsync=off"]);
    }
}
