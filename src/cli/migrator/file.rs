//! The file of the migrator's settings: the section of `database.toml`, or `migrator.toml`.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cli::config::ProjectFile;
use crate::cli::trust;
use crate::migration::name::Layout;
use crate::postgres::connection::url::PgUrl;
use crate::sys::error::{Error, IoContext, Kind, Result};
use crate::sys::shown::toml_error;

/// The default file of settings, read if it exists.
pub(super) const FILE: &str = "migrator.toml";

/// All settings of the section `migrator`: the name, the type in JSON Schema, the variable that
/// overrides it, and the default in the documentation.
pub const SETTINGS: [(&str, &str, &str, &str); 10] = [
    ("db_url", "string", "DB_URL", "(unset)"),
    ("migration_dir", "string", "MIGRATION_DIR", "`$DATABASE_DIR/migration`"),
    ("migration_set", "string", "-", "`default`"),
    ("layout", "string", "-", "`directory`"),
    ("schema_file", "string", "-", "(unset)"),
    ("out_of_order", "boolean", "-", "`false`"),
    ("lock_timeout", "string", "-", "(unset)"),
    ("statement_timeout", "string", "-", "(unset)"),
    ("wait", "string", "-", "`5min`"),
    ("variables", "object", "-", "(none)"),
];

/// The content of the file of settings.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) db_url: Option<String>,
    pub(super) migration_dir: Option<PathBuf>,
    pub(super) migration_set: Option<String>,
    pub(super) layout: Option<Layout>,
    pub(super) schema_file: Option<PathBuf>,
    pub(super) out_of_order: bool,
    pub(super) lock_timeout: Option<String>,
    pub(super) statement_timeout: Option<String>,
    pub(super) wait: Option<String>,
    pub(super) variables: std::collections::BTreeMap<String, String>,
    /// The file itself.
    #[serde(skip)]
    pub(super) origin: Option<PathBuf>,
}

/// The section of `database.toml`.
#[derive(Deserialize)]
struct Section {
    migrator: Option<File>,
}

/// The settings that the file makes, as texts, and the file. A URL is shown without its password.
pub(in crate::cli) fn in_force(
    project: Option<&ProjectFile>,
) -> Result<Vec<(&'static str, String)>> {
    let file = read(None, project)?;
    let url = file.db_url.as_deref().map(|url| {
        PgUrl::parse(url).map_or_else(|_| "(no connection string)".into(), |url| url.to_string())
    });
    // a value may be secret
    let variables = file.variables.keys().cloned().collect::<Vec<_>>().join(", ");
    let origin = file.origin.map(|origin| origin.display().to_string());
    let values = [
        ("db_url", url),
        ("migration_dir", file.migration_dir.map(|path| path.display().to_string())),
        ("migration_set", file.migration_set),
        ("layout", file.layout.map(|layout| format!("{layout:?}").to_lowercase())),
        ("schema_file", file.schema_file.map(|path| path.display().to_string())),
        ("out_of_order", file.out_of_order.then(|| "true".to_owned())),
        ("lock_timeout", file.lock_timeout),
        ("statement_timeout", file.statement_timeout),
        ("wait", file.wait),
        ("variables", Some(variables).filter(|text| !text.is_empty())),
        ("origin", origin),
    ];
    Ok(values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
}

/// Reads the file that the user named, else the section of the project's file, else `migrator.toml`.
pub(super) fn read(named: Option<&Path>, project: Option<&ProjectFile>) -> Result<File> {
    let path = named.unwrap_or(Path::new(FILE));
    if let (None, Some(project)) = (named, project) {
        let section = |text: &str| {
            let file = parse::<Section>(&project.path, text);
            file.map(|file| file.migrator).map_err(|error| error.with_kind(Kind::Conflict))
        };
        if let Some(file) = project.section("migrator", path, section)? {
            return placed(file, &project.path, true);
        }
    }
    if named.is_none() && !path.is_file() {
        return Ok(File::default());
    }
    if !path.is_file() {
        return Err(Error::missing(format!("there is no configuration {}", path.display()))
            .hint("name it with -c/--config-file, or omit the option"));
    }
    let text = crate::sys::process::read_text(path).on("read", path)?;
    let file = parse(path, &text)
        .map_err(|error| error.hint("`migrator new` creates one with every setting"))?;
    // trust a file that the user named explicitly
    placed(file, path, named.is_none())
}

fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| {
        let (line, message) = toml_error(text, error.span(), error.message());
        let kind = if message.starts_with("unknown field") {
            Kind::UnknownArgument
        } else {
            Kind::Conflict
        };
        Error::new(kind, format!("{}:{line}: {message}", path.display()))
    })
}

/// Checks the file as far as it is not trusted, and lets its paths start at its directory.
fn placed(mut file: File, path: &Path, is_found: bool) -> Result<File> {
    if let Some(url) = file.db_url.as_ref().filter(|_| is_found) {
        trust::check_connection(path, url)?;
    }
    let parent = crate::cli::path::absolute(path).parent().map(Path::to_owned).unwrap_or_default();
    file.migration_dir = file.migration_dir.map(|directory| parent.join(directory));
    if let Some(file) = file.schema_file.as_ref().filter(|_| is_found) {
        trust::check_schema_file(path, file)?;
    }
    file.schema_file = file.schema_file.map(|file| parent.join(file));
    file.origin = Some(path.to_owned());
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_new_project_gets_is_read() {
        let root = tempfile::tempdir().expect("temporary directory");
        let file = root.path().join("migrator.toml");
        let text = include_str!("../../../nix/migrator/migrator.toml");
        let every: String = text
            .lines()
            .map(|line| {
                let setting = line
                    .strip_prefix("# ")
                    .filter(|rest| rest.contains(" = ") || rest.starts_with('['));
                setting.unwrap_or(line).to_owned() + "\n"
            })
            .collect();
        std::fs::write(&file, every).expect("written");
        let read = read(Some(&file), None).expect("read");
        assert_eq!(read.migration_dir, Some(root.path().join("migration")));
        assert_eq!(read.variables.len(), 1);
        std::fs::write(&file, "db_url = 'x'\nsecret = 'hush'\n").expect("written");
        let error = super::read(Some(&file), None).expect_err("unknown");
        assert!(error.message().contains(":2:") && !error.message().contains("hush"), "{error}");
    }
}
