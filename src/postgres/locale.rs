//! The encoding and the locale of a database, in the form that CREATE DATABASE takes.

use super::connection::session::{Session, column};
use super::sql::quote::quote_literal;
use super::sql::template::fill;
use crate::sys::error::Result;

/// The encoding and the locale of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locale {
    encoding: String,
    provider: String,
    collate: String,
    ctype: String,
    /// The locale of the provider, unless the provider is libc.
    locale: Option<String>,
    rules: Option<String>,
}

impl Locale {
    /// Reads them from the database that the session is connected to.
    pub fn of(session: &mut Session) -> Result<Self> {
        let row = session.query_one(sql!("postgres/database-locale"), &[])?;
        Ok(Self {
            encoding: column(&row, "encoding")?,
            provider: column(&row, "provider")?,
            collate: column(&row, "collate")?,
            ctype: column(&row, "ctype")?,
            locale: column(&row, "locale")?,
            rules: column(&row, "rules")?,
        })
    }

    /// The statement that creates a database with this encoding and locale. It quotes both names.
    pub fn create(&self, name: &str, owner: &str) -> String {
        let mut more = String::new();
        if let Some(locale) = &self.locale {
            let word = if self.provider == "icu" { "ICU_LOCALE" } else { "BUILTIN_LOCALE" };
            more.push_str(&format!(" {word} {}", quote_literal(locale)));
        }
        if let Some(rules) = &self.rules {
            more.push_str(&format!(" ICU_RULES {}", quote_literal(rules)));
        }
        let values = [
            ("name", name.to_owned()),
            ("owner", owner.to_owned()),
            ("encoding", quote_literal(&self.encoding)),
            ("provider", self.provider.clone()),
            ("collate", quote_literal(&self.collate)),
            ("ctype", quote_literal(&self.ctype)),
            ("more", more),
        ];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        fill(sql!("postgres/create-database"), &values)
    }
}
