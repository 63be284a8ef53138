//! The input of psql, built from the templates in `sql/query`. Pure.

use std::collections::BTreeMap;
use std::path::Path;

use super::preflight::Prepared;
use super::source::Source;
use super::{Direction, TOOL_VERSION, keep, lock};
use crate::postgres::sql::quote::quote_literal;
use crate::postgres::sql::template::fill;

/// Tries to take the lock. psql prints `t` or `f`.
pub fn take_lock() -> String {
    fill(sql!("migration/psql-lock"), &[("lock", &lock::KEY.to_string())])
}

/// The data that all scripts of a run share.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The migration directory.
    pub directory: &'a Path,
    /// The migration set.
    pub set: &'a str,
    /// `user@host`.
    pub actor: &'a str,
    /// psql variables.
    pub variables: &'a [(String, String)],
}

impl Frame<'_> {
    /// Builds the input for one migration. psql reads `file`; `previous` is the version applied
    /// before it.
    pub fn script(&self, step: &Prepared, file: &Path, previous: Option<i64>) -> String {
        let template = match (step.transactional, step.chooses_transaction) {
            (true, true) => sql!("migration/run-in-chosen-transaction"),
            (true, false) => sql!("migration/run-in-transaction"),
            (false, _) => sql!("migration/run-alone"),
        };
        let body = fill(
            template,
            &[
                ("start", self.start(step, previous).trim_end()),
                ("file", &quote_argument(&file.to_string_lossy())),
                ("set", &quote_literal(self.set)),
                ("version", &step.name.version.to_string()),
                ("reset", sql!("migration/reset-session")),
            ],
        );
        [self.variables(), body].concat()
    }

    fn variables(&self) -> String {
        let each = self.variables.iter();
        each.map(|(name, value)| format!("\\set {name} {}\n", quote_argument(value))).collect()
    }

    fn start(&self, step: &Prepared, previous: Option<i64>) -> String {
        let (up, down) = match step.direction {
            Direction::Up => (Some(&step.source), step.down.as_ref()),
            Direction::Down => (None, Some(&step.source)),
        };
        let files = keep::files(self.directory, &step.name, up, down);
        let text = |source: Option<&Source>| or_null(source.map(|s| s.entry().text.as_str()));
        fill(
            sql!("migration/start"),
            &[
                ("lock", &lock::KEY.to_string()),
                ("set", &quote_literal(self.set)),
                ("version", &step.name.version.to_string()),
                ("name", &quote_literal(&step.name.full)),
                ("direction", &quote_literal(step.direction.as_str())),
                ("transactional", &step.transactional.to_string()),
                ("checksum", &quote_literal(&step.checksum)),
                ("normalized", &quote_literal(&step.normalized_checksum)),
                ("previous", &previous.map_or_else(|| "NULL".to_owned(), |v| v.to_string())),
                ("actor", &quote_literal(self.actor)),
                ("tool", &quote_literal(TOOL_VERSION)),
                ("up", &text(up)),
                ("down", &text(down)),
                ("files", &or_null(files.as_deref())),
            ],
        )
    }
}

fn or_null(text: Option<&str>) -> String {
    text.map_or_else(|| "NULL".to_owned(), quote_literal)
}

/// Builds the input that restores the session after a migration, beyond the usual reset. At its end
/// psql prints its variables. Returns `None` if nothing needs to be restored.
pub fn reset(step: &Prepared, defines: bool, base: &Path) -> Option<String> {
    let mut script = String::new();
    if step.takes_locks {
        let release = sql!("migration/release-advisory-locks");
        script.push_str(&fill(release, &[("lock", &lock::KEY.to_string())]));
    }
    if step.changes_psql || defines {
        // first, because psql without QUIET prints messages about the other commands
        script.push_str("\\set QUIET on\n");
        script.push_str(sql!("migration/reset-psql"));
        let base = quote_argument(&base.to_string_lossy());
        script.push_str(&format!("\\cd {base}\n\\set\n"));
    }
    (!script.is_empty()).then_some(script)
}

/// psql's variables and their values.
pub type Variables = BTreeMap<String, String>;

/// Parses the output of `\set`: lines `NAME = 'value'`.
pub fn read_variables(lines: &[String]) -> Variables {
    // ignore results of the last statement, and lines that continue a value
    let is_setting = |name: &str| {
        let belongs = |c: char| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii();
        name.chars().all(belongs)
            && !matches!(name, "ERROR" | "ROW_COUNT" | "SQLSTATE")
            && !name.starts_with("LAST_ERROR")
    };
    let each = lines.iter().filter_map(|line| {
        let (name, value) = line.split_once(" = '")?;
        Some((name.to_owned(), value.strip_suffix('\'').unwrap_or(value).to_owned()))
    });
    each.filter(|(name, _)| is_setting(name)).collect()
}

/// Builds the commands that give psql's variables their original values.
pub fn restore_variables(pristine: &Variables, now: &Variables) -> String {
    let new = now.keys().filter(|name| !pristine.contains_key(*name));
    let changed = pristine.iter().filter(|(name, value)| now.get(*name) != Some(value));
    new.map(|name| format!("\\unset {name}\n"))
        .chain(changed.map(|(name, value)| format!("\\set {name} {}\n", quote_argument(value))))
        .collect()
}

/// Quotes a text as an argument of a psql command, on one line.
pub fn quote_argument(text: &str) -> String {
    let mut quoted = String::from("'");
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str("''"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_of_psql_hold_anything() {
        assert_eq!(quote_argument("it's a \\ \"b\" :c `d`"), "'it''s a \\\\ \"b\" :c `d`'");
        assert_eq!(quote_argument("two\nlines\t"), "'two\\nlines\\t'");
    }

    #[test]
    fn templates_have_pairs_of_marks() {
        for template in [
            sql!("migration/start"),
            sql!("migration/run-in-transaction"),
            sql!("migration/run-in-chosen-transaction"),
            sql!("migration/run-alone"),
            sql!("migration/release-advisory-locks"),
        ] {
            assert_eq!(template.matches('@').count() % 2, 0, "{template}");
        }
    }

    #[test]
    fn psqls_variables_are_read_and_restored() {
        let lines = ["A = 'x'", "ROW_COUNT = '3'", "B = 'it's'", "more'", "\\! ls = 'x''"]
            .map(str::to_owned);
        let read = read_variables(&lines);
        assert_eq!((read.len(), read["B"].as_str()), (2, "it's"));
        let pristine = Variables::from([("A".to_owned(), "y".to_owned())]);
        assert_eq!(restore_variables(&pristine, &read), "\\unset B\n\\set A 'y'\n");
    }
}
