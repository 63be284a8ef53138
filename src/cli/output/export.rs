//! `--export`: prints the connection variables for a shell, a program or a file.

use std::path::Path;

use serde_json::{Map, Value};

use crate::cli::{env, trust};
use crate::cluster::tcp::TcpAddress;
use crate::environment::development::Ready;
use crate::postgres::connection::url::PgUrl;
use crate::sys::error::{Error, Result};
use crate::sys::shell;
use crate::sys::shown::beginning;

/// The formats of exported variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// `export NAME='value' …`, for `eval` in a POSIX shell. It is one command, so its status
    /// covers all variables.
    Sh,
    /// `set -gx NAME 'value'`, for `eval` in fish.
    Fish,
    /// One JSON object.
    Json,
    /// `NAME='value'` lines.
    Dotenv,
}

/// The variable with the name of the template database of clones.
pub const TEMPLATE: &str = "DATABASE_TEMPLATE";

/// Checks the name of the variable that gets the URL. Exits with 2 if it is not allowed.
pub fn check_name(name: &str) -> Result<&str> {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let rest = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // these two hold a URL anyway
    let url = matches!(name, "PGURL" | "DB_URL");
    let ours = name.starts_with("POSTGRESQL_")
        || name == TEMPLATE
        || name.starts_with("PG")
        || env::TABLE.iter().any(|variable| variable.name == name);
    let taken = !url && (ours || trust::is_read_by_others(name));
    if name.starts_with(first) && name.chars().all(rest) && !taken {
        return Ok(name);
    }
    Err(Error::conflict(format!(
        "PG_URL_VAR is {}, which cannot be its name",
        beginning(name)
    ))
    .hint("use letters, digits and _, not starting with a digit, and no name that has another meaning"))
}

/// The variables of a cluster that is ready: those of libpq, `DATABASE_URL`, which most frameworks
/// read, and db-tool's own. `PG_URL_VAR` overrides a variable of the same name.
///
/// If the server listens, the variables of libpq and `DATABASE_URL` name its TCP address, because
/// some clients cannot use a socket. db-tool's own variables always name the socket.
pub fn variables(ready: &Ready, url_variable: &str, holder: Option<u32>) -> Vec<(String, String)> {
    let url = ready.url.to_url();
    let host = ready.running.socket_directory().to_string_lossy().into_owned();
    let port = ready.running.port().to_string();
    let network = ready.tcp.as_ref();
    let pg_host = network.map_or(&host, |tcp| &tcp.host);
    let database_url = network.map_or_else(|| url.clone(), |tcp| over_tcp(ready, tcp));
    let mut variables: Vec<(String, String)> = [
        ("POSTGRESQL_HOST", &host),
        ("POSTGRESQL_PORT", &port),
        ("POSTGRESQL_USER", &ready.user),
        ("POSTGRESQL_DATABASE", &ready.database),
        ("PGHOST", pg_host),
        ("PGPORT", &port),
        ("PGUSER", &ready.user),
        ("PGDATABASE", &ready.database),
        ("PGURL", &url),
        ("DATABASE_URL", &database_url),
    ]
    .map(|(name, value)| (name.to_owned(), value.clone()))
    .into();
    if let Some(tcp) = network {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        variables.push(("PGPASSFILE".to_owned(), path(&tcp.passfile)));
        if let Some(root) = &tcp.root_certificate {
            variables.push(("PGSSLMODE".to_owned(), "verify-full".to_owned()));
            variables.push(("PGSSLROOTCERT".to_owned(), path(root)));
        }
    }
    if let Some(corrected) = &ready.corrected {
        variables.push(("DB_URL".to_owned(), corrected.to_url()));
    }
    if let Some(pid) = holder {
        // direnv gives it on to the shell, whose process the hook could not name
        variables.push(("PG_LEASE".to_owned(), pid.to_string()));
    }
    if url_variable != "PGURL" {
        variables.retain(|(name, _)| name != url_variable);
        variables.push((url_variable.to_owned(), url));
    }
    variables
}

/// The value of an exported variable for another database of the same server. `None` if the
/// variable does not name a database.
pub fn in_database(name: &str, value: &str, database: &str) -> Option<String> {
    if matches!(name, "PGDATABASE" | "POSTGRESQL_DATABASE") {
        return Some(database.to_owned());
    }
    let is_url = value.starts_with("postgresql://") || value.starts_with("postgres://");
    let url = PgUrl::parse(value).ok().filter(|_| is_url || name == "DB_URL")?;
    Some(url.with("dbname", database).to_url())
}

/// The URL for clients that connect over TCP. They find the password in the passfile. Not every
/// client reads the variables of TLS, so the URL has them, too.
fn over_tcp(ready: &Ready, tcp: &TcpAddress) -> String {
    let url = ready.url.clone().with("host", &tcp.host).with("port", &tcp.port.to_string());
    let Some(root) = &tcp.root_certificate else { return url.to_url() };
    url.with("sslmode", "verify-full").with("sslrootcert", &root.to_string_lossy()).to_url()
}

/// Formats the variables.
pub fn render(format: Format, variables: &[(String, String)]) -> String {
    let lines = |line: fn(&str, &str) -> String| {
        variables.iter().map(|(name, value)| line(name, value) + "\n").collect()
    };
    match format {
        Format::Sh => {
            let words = variables.iter().map(|(n, v)| format!(" {n}={}", shell::quote(v)));
            format!("export{}\n", words.collect::<String>())
        }
        Format::Fish => lines(|name, value| format!("set -gx {name} {}", quote_fish(value))),
        Format::Dotenv => lines(|name, value| format!("{name}={}", quote_dotenv(value))),
        Format::Json => {
            let object = variables.iter().map(|(n, v)| (n.clone(), Value::String(v.clone())));
            format!("{}\n", Value::Object(object.collect::<Map<_, _>>()))
        }
    }
}

/// Quotes for fish, which has only the escapes `\'` and `\\` inside single quotes.
fn quote_fish(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}

/// Quotes for a dotenv. Single quotes are literal there, so a value that contains one gets double
/// quotes.
fn quote_dotenv(value: &str) -> String {
    if !value.contains(['\'', '\r']) {
        return format!("'{value}'");
    }
    let escaped = value.replace('\\', r"\\").replace('"', "\\\"").replace('$', r"\$");
    format!("\"{}\"", escaped.replace('\n', r"\n").replace('\r', r"\r"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: &str = r#"a b'c"d\e$f`g"#;

    #[test]
    fn each_format_quotes_in_its_own_way() {
        let one = [("X".to_owned(), NASTY.to_owned())];
        assert_eq!(render(Format::Sh, &one), "export X='a b'\\''c\"d\\e$f`g'\n");
        assert_eq!(render(Format::Fish, &one), "set -gx X 'a b\\'c\"d\\\\e$f`g'\n");
        assert_eq!(render(Format::Dotenv, &one), "X=\"a b'c\\\"d\\\\e\\$f`g\"\n");
        assert_eq!(render(Format::Json, &one), "{\"X\":\"a b'c\\\"d\\\\e$f`g\"}\n");
    }

    #[test]
    fn names_are_checked() {
        assert!(check_name("MY_URL2").is_ok());
        for bad in ["PATH", "POSTGRESQL_HOST", "", "2X", "A-B", "A B", "x;rm", "Ü"] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }
}
