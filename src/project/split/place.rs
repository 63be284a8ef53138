//! The paths of source files.

use std::collections::HashMap;

/// The paths of the source files so far. Two paths differ in more than the case of letters, because some
/// file systems do not tell letters of different case apart.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The directories of the schemas.
    directories: HashMap<String, String>,
    taken: HashMap<String, usize>,
}

impl Places {
    /// A path for the next file of this schema and kind.
    pub fn path(&mut self, (schema, file): (Option<&str>, &str)) -> String {
        let directory = schema.map(|schema| self.directory(schema) + "/").unwrap_or_default();
        let path = format!("{directory}{file}");
        match self.number(&path) {
            1 => format!("{path}.sql"),
            number => format!("{path}-{number}.sql"),
        }
    }

    fn directory(&mut self, schema: &str) -> String {
        if let Some(directory) = self.directories.get(schema) {
            return directory.clone();
        }
        let plain = |c: char| if c.is_alphanumeric() || "_-".contains(c) { c } else { '_' };
        let name: String = schema.chars().map(plain).take(40).collect();
        let directory = match self.number(&format!("{name}/")) {
            1 => name,
            number => format!("{name}-{number}"),
        };
        self.directories.insert(schema.to_owned(), directory.clone());
        directory
    }

    /// The number of files with this name so far, this one included.
    fn number(&mut self, name: &str) -> usize {
        let number = self.taken.entry(name.to_lowercase()).or_default();
        *number += 1;
        *number
    }
}
