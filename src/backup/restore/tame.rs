//! Tames the settings of roles and databases, and lets the project's role in.
//!
//! A session gets the settings of its role and its database when it begins. A restore resets
//! those that suit only another machine. Then it lets the project's role in, even if production did
//! not, and connects as this role to prove it.

use super::preflight::{SESSION_LIBRARIES, sort};
use super::settings::belongs_elsewhere;
use crate::cluster::Running;
use crate::postgres::connection::session::{Row, Session, column};
use crate::postgres::sql::quote::{quote_ident, quote_literal};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Context, Error, Result};

/// A setting of a role or a database.
struct Setting {
    /// The role or database that has the setting, in words.
    owner: String,
    /// The beginning of the statement that changes it, up to the role or the database.
    alter: String,
    name: String,
    value: String,
    /// Whether it affects sessions of the roles that db-tool connects as.
    reaches: bool,
}

/// Resets the settings of roles and databases that suit only another machine. `roles` must be able
/// to work here, and as themselves.
pub(in crate::backup) fn settings(
    session: &mut Session,
    toolchain: &Toolchain,
    roles: &[&str],
    changes: &mut Vec<String>,
) -> Result<()> {
    let sql = sql!("backup/restore-role-settings");
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    for row in session.query(sql, &[&roles])? {
        let setting = Setting::of(&row)?;
        let Some((clause, what)) = setting.tamed(toolchain) else { continue };
        session.batch(&format!("{} {clause}", setting.alter))?;
        match told.last_mut().filter(|(owner, _)| *owner == setting.owner) {
            Some((_, names)) => names.push(what),
            None => told.push((setting.owner, vec![what])),
        }
    }
    let sentence = |(owner, names): (String, Vec<String>)| {
        format!("left out of the settings of {owner}: {}", names.join(", "))
    };
    changes.extend(told.into_iter().map(sentence));
    Ok(())
}

impl Setting {
    fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            owner: column(row, "owner")?,
            alter: column(row, "alter")?,
            name: column(row, "name")?,
            value: column(row, "value")?,
            reaches: column(row, "reaches")?,
        })
    }

    /// The clause that resets or changes the setting, and a text about it. `None` if the setting
    /// may stay.
    fn tamed(&self, toolchain: &Toolchain) -> Option<(String, String)> {
        let parts: Vec<_> = self.name.split('.').map(quote_ident).collect();
        let reset = format!("RESET {}", parts.join("."));
        let name = self.name.to_ascii_lowercase();
        if name == "role" {
            return self.reaches.then(|| (reset, format!("{name} ({})", self.value)));
        }
        if belongs_elsewhere(&name, &self.value) {
            return Some((reset, name));
        }
        if !SESSION_LIBRARIES.contains(&&*name) {
            return None;
        }
        let (present, absent) = sort(toolchain, &name, &self.value);
        let told = format!("{name} ({})", absent.join(", "));
        let list: Vec<_> = present.iter().map(|library| quote_literal(library)).collect();
        match (absent.is_empty(), list.is_empty()) {
            (true, _) => None,
            (false, true) => Some((reset, told)),
            (false, false) => Some((format!("SET {name} = {}", list.join(", ")), told)),
        }
    }
}

/// Lets `role` connect to `database`, and proves it with a connection with the start-up options.
pub fn admit(
    running: &Running,
    (role, database): (&str, &str),
    options: Option<&str>,
    changes: &mut Vec<String>,
) -> Result<()> {
    let superuser = &running.spec().settings.superuser;
    let mut session = running.undisturbed_session(superuser, "postgres")?;
    let sql = sql!("backup/restore-admit");
    for row in session.query(sql, &[&role, &database])? {
        session.batch(column(&row, "statement")?)?;
        changes.push(column(&row, "told")?);
    }
    let Err(error) = running.prove_login(role, database, options) else { return Ok(()) };
    let context = || format!("{role} cannot connect to the database {database}");
    if options.is_some() && running.prove_login(role, database, None).is_ok() {
        return Err(error).context(context()).hint(
            "without the options of the URL (or PGOPTIONS) it can: change them to fit the backup",
        );
    }
    if !disable_login_triggers(running, database, &error, changes)? {
        return Err(error).context(context());
    }
    running.prove_login(role, database, options).context(context())
}

/// Disables the login triggers, which may keep users out. Returns whether there were any.
fn disable_login_triggers(
    running: &Running,
    database: &str,
    why: &Error,
    changes: &mut Vec<String>,
) -> Result<bool> {
    let superuser = &running.spec().settings.superuser;
    // the superuser cannot connect either, so no trigger is the cause
    let Ok(mut session) = running.undisturbed_session(superuser, database) else {
        return Ok(false);
    };
    let rows = session.query(sql!("backup/restore-login-triggers"), &[])?;
    for row in &rows {
        let name: String = column(row, "name")?;
        session.batch(&format!("ALTER EVENT TRIGGER {} DISABLE", quote_ident(&name)))?;
        changes.push(format!(
            "disabled the login trigger {name} in {database}, as nobody can connect: {}",
            why.message()
        ));
    }
    Ok(!rows.is_empty())
}
