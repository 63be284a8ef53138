//! `database config`: prints every setting with its value and its origin.

use serde_json::{Value, json};

use crate::cli::args::diff::DiffFormat;
use crate::cli::config::KEYS;
use crate::cli::env::{TABLE, Variable};
use crate::cli::migrator::file;
use crate::cli::output::{table, ui};
use crate::cli::resolve::Resolve;
use crate::postgres::connection::url::PgUrl;
use crate::sys::error::Result;

/// A setting as it is in force.
struct Setting {
    /// Its name in `database.toml`, if that file can make it.
    key: Option<String>,
    variable: &'static str,
    /// The value, without secrets. The default of the documentation if nothing sets it.
    value: String,
    /// A file, `environment`, a flag or `default`.
    origin: String,
}

pub(in crate::cli) fn run(resolve: &Resolve, format: DiffFormat) -> Result<()> {
    let mut settings: Vec<Setting> =
        TABLE.iter().map(|variable| setting(resolve, variable)).collect();
    settings.extend(of_migrator(resolve)?);
    let text = match format {
        DiffFormat::Text => as_text(&settings),
        DiffFormat::Json => as_json(&settings),
    };
    ui::data(|out| write!(out, "{text}"))
}

fn setting(resolve: &Resolve, variable: &Variable) -> Setting {
    let name = variable.name;
    let key = KEYS
        .iter()
        .find(|key| key.variable == name && key.is_allowed())
        .map(|key| key.name.to_owned());
    let (value, origin) = match (resolve.url.as_deref(), resolve.env.set(name)) {
        (Some(url), _) if name == "DB_URL" => (shown(name, url), "--url".to_owned()),
        (_, Some(value)) => {
            let origin = resolve.env.origin(name).map(|file| file.display().to_string());
            let value = shown(name, &value.to_string_lossy());
            (value, origin.unwrap_or_else(|| "environment".to_owned()))
        }
        (_, None) => (variable.default.replace('`', ""), "default".to_owned()),
    };
    Setting { key, variable: name, value, origin }
}

/// The settings of the section `migrator`, or of `migrator.toml`.
fn of_migrator(resolve: &Resolve) -> Result<Vec<Setting>> {
    let found = file::in_force(resolve.env.project())?;
    let of =
        |name: &str| found.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let origin = of("origin").unwrap_or_default();
    let setting = |(name, _, variable, default): &(&str, &str, &'static str, &str)| {
        let (value, origin) = match of(name) {
            Some(value) => (value.escape_debug().to_string(), origin.clone()),
            None => (default.replace('`', ""), "default".to_owned()),
        };
        Setting { key: Some(format!("migrator.{name}")), variable, value, origin }
    };
    // the rows of the environment show these two, which beat the file
    let is_beaten = |variable: &str| resolve.env.set(variable).is_some();
    let mut settings: Vec<_> = file::SETTINGS.iter().map(setting).collect();
    for one in settings.iter_mut().filter(|one| is_beaten(one.variable)) {
        one.origin = format!("{} beats it", one.variable);
    }
    Ok(settings)
}

/// The value without secrets.
fn shown(name: &str, value: &str) -> String {
    match name {
        "HECTIC_DOTENV_CONTENT" if !value.is_empty() => "(secret)".to_owned(),
        "DB_URL" | "PGURL" | "STAGING_DB_URL" if !value.is_empty() => PgUrl::parse(value)
            .map_or_else(|_| "(no connection string)".to_owned(), |url| url.to_string()),
        _ => value.escape_debug().to_string(),
    }
}

fn as_text(settings: &[Setting]) -> String {
    let rows = settings.iter().map(|one| {
        let key = one.key.as_deref().unwrap_or("-").to_owned();
        [key, one.variable.to_owned(), one.value.clone(), one.origin.clone()]
    });
    table::render(&["Setting", "Variable", "Value", "From"], rows)
}

fn as_json(settings: &[Setting]) -> String {
    let object = |one: &Setting| {
        json!({
            "setting": one.key,
            "variable": one.variable,
            "value": one.value,
            "from": one.origin,
        })
    };
    format!("{}\n", Value::Array(settings.iter().map(object).collect()))
}
