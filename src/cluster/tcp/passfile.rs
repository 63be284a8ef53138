//! The password of the project's role, in a file that libpq and other clients read (`PGPASSFILE`).
//!
//! A comment in the file holds the verifier that the server stores. So db-tool sees whether the role
//! still has this password, and gives a restored cluster the same one again, without ever computing
//! or sending the password.

use std::os::unix::fs::MetadataExt;

use crate::cluster::files::{read_small, replace_file};
use crate::cluster::{Layout, Running};
use crate::postgres::connection::password;
use crate::postgres::connection::session::column;
use crate::postgres::connection::url::Password as Secret;
use crate::postgres::sql::quote::{quote_ident, quote_literal};
use crate::sys::error::{Context, Result};

/// The beginning of the line with the verifier.
const VERIFIER: &str = "# ";
/// The hosts by which clients of this machine name the loopback interface.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The choice between the password of the file and a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Password {
    /// Keep the password of the file, if there is one.
    Keep,
    /// Make a new password.
    Renew,
}

/// A password, and the verifier that stands for it in the server.
struct Passfile {
    password: Secret,
    verifier: String,
}

impl Running {
    /// Lets a role connect over TCP: gives it the password of the passfile, or makes both. The role
    /// is `role` if the cluster has it, else the superuser. Does nothing if the server does not
    /// listen.
    pub fn give_password(&self, role: Option<&str>, choice: Password) -> Result<()> {
        let Some(address) = self.wanted_tcp_address()? else { return Ok(()) };
        let _acting = self.spec().act()?;
        let layout = &self.spec().layout;
        let mut session = self.session("postgres")?;
        let superuser = self.spec().settings.superuser.as_str();
        let mut role = role.unwrap_or(superuser);
        let mut row = session.query_opt(sql!("cluster/role-password"), &[&role])?;
        if row.is_none() {
            role = superuser;
            row = session.query_opt(sql!("cluster/role-password"), &[&role])?;
        }
        let known: Option<String> = row.map(|row| column(&row, "password")).transpose()?.flatten();
        let passfile = match choice {
            Password::Keep => Passfile::read(layout),
            Password::Renew => None,
        };
        let passfile = passfile.map_or_else(Passfile::make, Ok)?;
        passfile.write(layout, &address.host, address.port, role)?;
        if known.as_deref() == Some(&*passfile.verifier) {
            return Ok(());
        }
        let (name, verifier) = (quote_ident(role), quote_literal(&passfile.verifier));
        session
            .batch(&format!("ALTER ROLE {name} PASSWORD {verifier}"))
            .context(format!("cannot set the password of the role {role}"))
    }
}

impl Passfile {
    fn make() -> Result<Self> {
        let password = password::random()?;
        let verifier = password::verifier(&password);
        Ok(Self { password, verifier })
    }

    /// Reads the file. `None` if there is none, if db-tool did not write it, or if others could
    /// read it: they may know its password.
    fn read(layout: &Layout) -> Option<Self> {
        let path = layout.passfile();
        let facts = path.symlink_metadata().ok()?;
        if facts.uid() != layout.owner() || facts.mode() & 0o077 != 0 {
            tracing::warn!(
                "{} can be read by others: the database gets another password",
                path.display()
            );
            return None;
        }
        Self::parse(std::str::from_utf8(&read_small(&path).ok()?).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut comments = text.lines().filter_map(|line| line.strip_prefix(VERIFIER));
        let verifier = comments.find(|text| password::is_verifier(text))?.to_owned();
        let line = text.lines().find(|line| !line.starts_with('#'))?;
        let (_, password) = line.rsplit_once(':')?;
        let is_ours = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let is_long = password.len() >= 32 && password.chars().all(is_ours);
        is_long.then(|| Self { password: Secret::new(password), verifier })
    }

    /// Writes the file for clients that connect to `host`, unless it is as it should be.
    fn write(&self, layout: &Layout, host: &str, port: u16, role: &str) -> Result<()> {
        let (path, text) = (layout.passfile(), self.text(host, port, role));
        if read_small(&path).is_ok_and(|found| found == text.as_bytes()) {
            return Ok(());
        }
        replace_file(&path, &text)
    }

    /// The role may connect to every database of the cluster, so the database is `*`.
    fn text(&self, host: &str, port: u16, role: &str) -> String {
        let mut hosts = vec![host];
        hosts.extend(LOCAL.iter().filter(|local| **local != host));
        let line = |host: &&str| {
            let (host, role) = (escape(host), escape(role));
            format!("{host}:{port}:*:{role}:{}\n", self.password.reveal())
        };
        let lines: String = hosts.iter().map(line).collect();
        format!("# db-tool writes this file\n{VERIFIER}{}\n{lines}", self.verifier)
    }
}

/// Escapes `:` and `\`, as libpq wants it in a password file.
fn escape(field: &str) -> String {
    field.replace('\\', r"\\").replace(':', r"\:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_is_read_again() {
        let made = Passfile::make().unwrap();
        let text = made.text("127.0.0.1", 5432, r"a:b\c");
        let lines: Vec<_> = text.lines().skip(2).collect();
        let password = made.password.reveal();
        assert_eq!(lines[0], format!(r"127.0.0.1:5432:*:a\:b\\c:{password}"));
        assert_eq!(lines[2], format!(r"\:\:1:5432:*:a\:b\\c:{password}"));
        assert_eq!(lines.len(), 3);
        let read = Passfile::parse(&text).expect("ours");
        assert!(read.password == made.password && read.verifier == made.verifier);
    }

    #[test]
    fn a_file_of_somebody_else_is_not_used() {
        for foreign in ["", "h:1:d:u:hush\n", "# SCRAM-SHA-256$4096:a$b:c\nh:1:d:u:short\n"] {
            assert!(Passfile::parse(foreign).is_none(), "{foreign}");
        }
    }
}
