//! From a dotenv to the database.

use std::path::Path;

use super::dotenv;
use crate::error::{Context, Error, Result};
use crate::postgres::session::{Session, column};
use crate::workspace::Dotenv;

/// Reads the dotenv without loading it, so that a mistake is told before anything is replaced.
pub fn check(source: &Dotenv) -> Result<()> {
    read(source)?.map_or(Ok(()), |content| parse(source, &content))
}

fn parse(source: &Dotenv, content: &[u8]) -> Result<()> {
    let place = match (&source.content, source.file.as_ref().or(source.default.as_ref())) {
        (None, Some(file)) => file.display().to_string(),
        _ => "HECTIC_DOTENV_CONTENT".to_owned(),
    };
    dotenv::parse(content).map(drop).map_err(|error| error.hint(format!("it is in {place}")))
}

/// Loads the first dotenv there is into the database; none is fine.
///
/// The content is parsed here first, so that a mistake in it is told with its line and nothing
/// reaches the server; it then travels as a bound parameter, never in the text of a statement.
pub fn load(session: &mut Session, source: &Dotenv) -> Result<()> {
    let Some(content) = read(source)? else { return Ok(()) };
    parse(source, &content)?;
    let can = session.query_one(include_str!("../../sql/query/can-load-secrets.sql"), &[])?;
    if !column::<bool>(&can, "found")? {
        tracing::warn!("the dotenv is not loaded: the database has no hectic bundle");
        return Ok(());
    }
    let text = String::from_utf8(content).map_err(|_| Error::failed("the dotenv is not UTF-8"))?;
    session
        .query(include_str!("../../sql/query/load-secrets.sql"), &[&text])
        .map_err(|error| discreet(error, session))
        .context("cannot load the secrets")
        .map(drop)
}

/// The error without what may repeat the secrets: DETAIL shows rows, CONTEXT with
/// `log_parameter_max_length_on_error` the parameter.
fn discreet(error: Error, session: &Session) -> Error {
    let Some(failure) = session.last_failure() else { return error };
    let code = format!("SQLSTATE: {}", failure.code().code());
    let said = Error::new(error.kind(), failure.message()).detail(code);
    failure.hint().into_iter().fold(said, Error::hint)
}

fn read(source: &Dotenv) -> Result<Option<Vec<u8>>> {
    if let Some(content) = &source.content {
        return Ok(Some(content.clone()));
    }
    if let Some(file) = &source.file {
        return read_file(file).map(Some);
    }
    match &source.default {
        Some(file) if file.exists() => read_file(file).map(Some),
        _ => Ok(None),
    }
}

fn read_file(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|error| {
        Error::missing(format!(
            "dotenv file is not readable: {} ({})",
            file.display(),
            error.kind()
        ))
        .hint("make it readable, or unset HECTIC_DOTENV_FILE and ENVIRONMENT to load no secrets")
    })
}
