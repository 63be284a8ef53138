//! Reads the settings of one file.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{KEYS, Key, SECTIONS, Type};
use super::{ProjectFile, Settings, word};
use crate::postgres::sql::quote::quote_ident;
use crate::sys::error::{Error, IoContext, Kind, Result};
use crate::sys::shown::{beginning, toml_error};

/// The largest file, in bytes. A project has some dozens of settings.
const LIMIT: u64 = 1 << 20;

/// Reads a file. Returns `None` if there is none.
///
/// # Errors
/// `Conflict` (exit 2) with the line if the file is invalid or too large, or has an unknown setting.
pub(in crate::cli) fn read(path: &Path) -> Result<Option<(ProjectFile, Settings)>> {
    let Ok(facts) = path.symlink_metadata() else { return Ok(None) };
    if facts.len() > LIMIT {
        return Err(Error::conflict(format!("{} has more than 1 MB", path.display()))
            .hint("this file holds settings only"));
    }
    let hint = "it has to be a readable file, in UTF-8";
    let text = crate::sys::process::read_text(path).on("read", path);
    let text = text.map_err(|error| error.with_kind(Kind::Conflict).hint(hint))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
    let settings = parse(&text).map_err(|Mistake { line, what, hint }| {
        let error = Error::conflict(format!("{}:{line}: {what}", path.display()));
        if hint.is_empty() { error } else { error.hint(hint) }
    })?;
    Ok(Some((ProjectFile { path: path.to_owned(), text }, settings)))
}

/// A mistake in the file.
#[derive(Debug)]
struct Mistake {
    line: usize,
    what: String,
    hint: String,
}

fn parse(text: &str) -> std::result::Result<Settings, Mistake> {
    let table = DeTable::parse(text).map_err(|error| {
        let (line, what) = toml_error(text, error.span(), error.message());
        Mistake { line, what, hint: String::new() }
    })?;
    let mut found = Settings::new();
    collect(text, "", table.get_ref(), &mut found)?;
    Ok(found)
}

/// Adds the settings of a table, whose name is a part of theirs.
fn collect(
    text: &str,
    prefix: &str,
    table: &DeTable<'_>,
    found: &mut Settings,
) -> std::result::Result<(), Mistake> {
    for (name, value) in table {
        let full = format!("{prefix}{}", name.get_ref());
        if SECTIONS.contains(&&*full) {
            continue;
        }
        if let Some(key) = KEYS.iter().find(|key| key.name == full) {
            let setting =
                converted(key, value.get_ref()).ok_or_else(|| wrong_type(text, key, value))?;
            found.push((key.variable, setting));
            continue;
        }
        let is_section = KEYS.iter().any(|key| key.name.starts_with(&format!("{full}.")));
        match value.get_ref() {
            DeValue::Table(below) if is_section => {
                collect(text, &format!("{full}."), below, found)?
            }
            _ => return Err(unknown(text, &full, name.span().start)),
        }
    }
    Ok(())
}

/// The value as the text of the variable.
fn converted(key: &Key, value: &DeValue<'_>) -> Option<String> {
    let on = |on: bool, [yes, no]: [&str; 2]| if on { yes } else { no }.to_owned();
    Some(match (key.of, value) {
        (Type::Text | Type::Path, DeValue::String(text)) => text.to_string(),
        (Type::Integer, DeValue::Integer(number)) => number.to_string(),
        (Type::Switch, DeValue::Boolean(value)) => on(*value, ["1", "0"]),
        (Type::Inverted, DeValue::Boolean(value)) => on(*value, ["0", "1"]),
        (Type::OnOff, DeValue::Boolean(value)) => on(*value, ["on", "off"]),
        (Type::OnOff, DeValue::String(text)) if ["on", "off"].contains(&&**text) => {
            text.to_string()
        }
        (Type::List, DeValue::Array(items)) => texts(items)?.join(","),
        (Type::Names, DeValue::Array(items)) => {
            let names: Vec<_> = texts(items)?.iter().map(|name| quote_ident(name)).collect();
            names.join(", ")
        }
        (Type::Word(words), DeValue::String(text)) if words.contains(&&**text) => text.to_string(),
        _ => return None,
    })
}

fn texts(items: &[Spanned<DeValue<'_>>]) -> Option<Vec<String>> {
    let text = |item: &Spanned<DeValue<'_>>| match item.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        _ => None,
    };
    items.iter().map(text).collect()
}

fn wrong_type(text: &str, key: &Key, value: &Spanned<DeValue<'_>>) -> Mistake {
    let mut hint = String::new();
    let wanted = match key.of {
        Type::Text => "a string",
        Type::Path => "a path, which is a string",
        Type::Integer => "a whole number",
        Type::Switch | Type::Inverted => "true or false",
        Type::OnOff => "true or false, or one of the strings on and off",
        Type::List | Type::Names => "an array of strings",
        Type::Word(words) => {
            let given = value.get_ref().as_str().unwrap_or_default();
            hint = word::suggestion(words, given).unwrap_or_default();
            &format!("one of the strings {}", word::choice(words))
        }
    };
    Mistake {
        line: line(text, value.span().start),
        what: format!("{} is not {wanted}", key.name),
        hint,
    }
}

fn unknown(text: &str, name: &str, at: usize) -> Mistake {
    let known = KEYS.iter().filter(|key| key.is_allowed()).map(|key| key.name).chain(SECTIONS);
    let nearest = known
        .map(|known| (strsim::jaro_winkler(known, name), known))
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    let hint = match nearest {
        Some((likeness, known)) if likeness > 0.8 => format!("did you mean {known}?"),
        _ => "docs/reference/settings.md lists all settings".to_owned(),
    };
    let what = format!("there is no setting {}", beginning_of_name(name));
    Mistake { line: line(text, at), what, hint }
}

/// A name as it is, unless it looks like something that was put in a wrong place.
fn beginning_of_name(name: &str) -> String {
    let is_name =
        name.len() <= 40 && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    if is_name { name.to_owned() } else { beginning(name) }
}

fn line(text: &str, at: usize) -> usize {
    text[..at.min(text.len())].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        parse(text).unwrap_or_else(|wrong| panic!("line {}: {}", wrong.line, wrong.what))
    }

    fn wrong(text: &str) -> (usize, String, String) {
        let wrong = parse(text).expect_err("an error");
        (wrong.line, wrong.what, wrong.hint)
    }

    #[test]
    fn settings_stand_for_variables() {
        let text = "url = 'postgresql://a@localhost/b'\r\nport = 5433\nlogging = false\ntemplate = false\n\
                    preload_libraries = []\n[pull]\nurl = 'x'\n[pull.mask.\"a.b\"]\nc = 'keep'\n\
                    [migrator]\nwait = '5s'\n[[diff.ignore]]\nobject = 'x'\n";
        let expected = [
            ("DB_URL", "postgresql://a@localhost/b"),
            ("PG_PORT", "5433"),
            ("PG_DISABLE_LOGGING", "1"),
            ("PG_TEMPLATE", "off"),
            ("PG_SHARED_PRELOAD_LIBRARIES", ""),
            ("STAGING_DB_URL", "x"),
        ];
        let mut found = settings(text);
        found.sort_unstable();
        let mut expected: Vec<_> = expected.map(|(n, v)| (n, v.to_owned())).into();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_mistake_has_a_line_and_a_suggestion() {
        assert_eq!(wrong("\nport = 'x'").0, 2);
        assert_eq!(wrong("port = 'x'").1, "port is not a whole number");
        assert_eq!(wrong("a = 1\na = 2").0, 2);
        for (value, nearest) in [("1", ""), ("false", ""), ("''", ""), ("'Full'", "full")] {
            let (_, what, hint) = wrong(&format!("bundle = {value}"));
            assert_eq!(what, "bundle is not one of the strings full, history or off");
            assert_eq!(hint.contains("did you mean full?"), nearest == "full", "{value}");
        }
        let (line, what, hint) = wrong("port = 1\nworkingdir = 'x'");
        assert_eq!((line, &*what), (2, "there is no setting workingdir"));
        assert_eq!(hint, "did you mean working_dir?");
        assert_eq!(wrong("[pul]\nurl = 'x'").1, "there is no setting pul");
        assert_eq!(wrong("[pull]\nurls = 'x'").2, "did you mean pull.url?");
        assert!(!wrong("'hunter2 hunter2 hunter2' = 1").1.contains("hunter2 hunter2"));
        assert!(!wrong("url = 'hunter2 hunter2'x").1.contains("hunter2 hunter2"));
    }

    #[test]
    fn each_setting_has_a_variable_of_its_own() {
        for key in KEYS {
            let is_variable = crate::cli::env::TABLE.iter().any(|known| known.name == key.variable);
            assert!(is_variable || key.variable == "VISUAL", "{}", key.variable);
            let same = KEYS.iter().filter(|other| other.variable == key.variable).count();
            assert_eq!(same, 1, "{}", key.variable);
        }
    }
}
