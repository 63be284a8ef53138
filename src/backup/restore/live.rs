//! Checks and changes in a restored cluster that need its server.
//!
//! Jobs, subscriptions and prepared transactions belong to the machine of the backup. db-tool
//! switches them off here, or rolls them back, and reports them. It also lists the indexes whose
//! collation has another version here, because they may give wrong answers. At the end, a read and
//! a write in every database prove that the cluster works.

use super::Requirements;
use super::tame;
use crate::cluster::Running;
use crate::postgres::connection::session::{Row, Session, column};
use crate::postgres::sql::quote::{quote_ident, quote_literal};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Context, Error, Result};

/// The OID of the collation `default`, which has the version of the database.
const DEFAULT_COLLATION: u32 = 100;

/// The changes in a restored cluster, and its problems.
#[derive(Debug, Default)]
pub(in crate::backup) struct Findings {
    /// The changes, one sentence each.
    pub changes: Vec<String>,
    /// The problems that the user has to solve, one sentence each.
    pub warnings: Vec<String>,
}

/// A database of the restored cluster.
struct Database {
    name: String,
    is_template: bool,
    /// Whether a DROP DATABASE was interrupted, so that the database can only be dropped.
    is_invalid: bool,
    /// The recorded and the present version of its collation, if they differ.
    stale: Option<(String, Option<String>)>,
}

/// Makes all checks and changes.
pub(in crate::backup) fn adapt(
    running: &Running,
    toolchain: &Toolchain,
    required: &Requirements<'_>,
) -> Result<Findings> {
    let mut findings = Findings::default();
    let mut session = open(running, "postgres")?;
    promote(&mut session, &mut findings)?;
    let superuser = &running.spec().settings.superuser;
    let (role, database) =
        (required.role.unwrap_or(superuser), required.database.unwrap_or("postgres"));
    tame::settings(&mut session, toolchain, &[role, superuser], &mut findings.changes)?;
    roll_back_prepared(running, &mut session, &mut findings)?;
    let databases = databases(&mut session, database)?;
    check_contents(required, &databases, &mut session, &mut findings)?;
    tame::admit(running, (role, database), required.options, &mut findings.changes)?;
    for database in &databases {
        if database.is_invalid {
            let told = format!("the database {} is invalid: drop it", database.name);
            findings.warnings.push(told);
            continue;
        }
        let done = visit(running, database, required.reindex, &mut findings)
            .context(format!("the database {} cannot be used here", database.name));
        match done {
            Err(error) if required.database.is_some_and(|required| required != database.name) => {
                findings.warnings.push(error.message().to_owned());
            }
            done => done?,
        }
    }
    Ok(findings)
}

/// Opens a session in which no trigger fires: triggers may need libraries that are not loaded yet.
fn open(running: &Running, database: &str) -> Result<Session> {
    running.undisturbed_session(&running.spec().settings.superuser, database)
}

fn promote(session: &mut Session, findings: &mut Findings) -> Result<()> {
    let row = session.query_one(sql!("backup/restore-recovery"), &[])?;
    if !column::<bool>(&row, "recovering")? {
        return Ok(());
    }
    let row = session.query_one(sql!("backup/restore-promote"), &[])?;
    if !column::<bool>(&row, "promoted")? {
        return Err(Error::failed("the restored cluster does not leave recovery"));
    }
    findings.changes.push("promoted: it was in recovery".to_owned());
    Ok(())
}

fn roll_back_prepared(
    running: &Running,
    session: &mut Session,
    findings: &mut Findings,
) -> Result<()> {
    for row in session.query(sql!("backup/restore-prepared"), &[])? {
        let (gid, database): (String, String) = (column(&row, "gid")?, column(&row, "database")?);
        let mut there = open(running, &database)?;
        there.batch(&format!("ROLLBACK PREPARED {}", quote_literal(&gid)))?;
        findings.changes.push(format!("rolled back the prepared transaction {gid} in {database}"));
    }
    Ok(())
}

/// The databases that accept connections, and the database `name`.
fn databases(session: &mut Session, name: &str) -> Result<Vec<Database>> {
    let rows = session.query(sql!("backup/restore-databases"), &[&name])?;
    rows.iter().map(Database::of).collect()
}

impl Database {
    fn of(row: &Row) -> Result<Self> {
        let was = column::<Option<String>>(row, "was")?.unwrap_or("unknown".to_owned());
        let is = column(row, "is")?;
        let stale = column::<bool>(row, "stale")?.then_some((was, is));
        let (is_template, is_invalid) = (column(row, "template")?, column(row, "invalid")?);
        Ok(Self { name: column(row, "name")?, is_template, is_invalid, stale })
    }
}

fn check_contents(
    required: &Requirements<'_>,
    databases: &[Database],
    session: &mut Session,
    findings: &mut Findings,
) -> Result<()> {
    if let Some(name) = required.database
        && !databases.iter().any(|database| database.name == name)
    {
        let there = databases.iter().filter(|database| !database.is_template);
        let there: Vec<_> = there.map(|database| database.name.as_str()).collect();
        return Err(Error::missing(format!("the backup has no database {name}"))
            .hint(format!("it has: {}", there.join(", ")))
            .hint("name one of them in DB_URL or PG_DATABASE, or use another backup"));
    }
    let Some(role) = required.role else { return Ok(()) };
    let sql = sql!("cluster/role-exists");
    if !column::<bool>(&session.query_one(sql, &[&role])?, "found")? {
        session.batch(&format!("CREATE ROLE {} LOGIN SUPERUSER", quote_ident(role)))?;
        findings.changes.push(format!("made the role {role}, which the backup does not have"));
    }
    Ok(())
}

fn visit(
    running: &Running,
    database: &Database,
    reindex: bool,
    findings: &mut Findings,
) -> Result<()> {
    let mut session = open(running, &database.name)?;
    let row = session.query_one(sql!("backup/restore-has-cron"), &[])?;
    if column(&row, "found")? {
        let jobs = session.execute(sql!("backup/restore-disable-cron"), &[])?;
        if jobs > 0 {
            let what = if jobs == 1 { "job" } else { "jobs" };
            findings.changes.push(format!("disabled {jobs} cron {what} in {}", database.name));
        }
    }
    for row in session.query(sql!("backup/restore-subscriptions"), &[])? {
        let name: String = column(&row, "name")?;
        session.batch(&format!("ALTER SUBSCRIPTION {} DISABLE", quote_ident(&name)))?;
        findings.changes.push(format!("disabled the subscription {name} in {}", database.name));
    }
    sort_anew(&mut session, database, reindex, findings)?;
    session.query_one(sql!("backup/restore-prove"), &[]).map(drop)
}

/// A collation with another version than the recorded one.
struct Stale {
    oid: u32,
    name: String,
    was: String,
    /// The present version. None if the server does not know it; then nothing can be recorded.
    is: Option<String>,
    /// The statement that records the present version.
    refresh: String,
}

fn stale_collations(session: &mut Session, database: &Database) -> Result<Vec<Stale>> {
    let mut found = Vec::new();
    if let Some((was, is)) = &database.stale {
        let refresh = refresh(&format!("DATABASE {}", quote_ident(&database.name)), "COLLATION");
        let (oid, name) = (DEFAULT_COLLATION, "the default".to_owned());
        found.push(Stale { oid, name, was: was.clone(), is: is.clone(), refresh });
    }
    for row in session.query(sql!("backup/restore-collations"), &[])? {
        let name: String = column(&row, "name")?;
        let refresh = refresh(&format!("COLLATION {name}"), "");
        let (oid, was, is) = (column(&row, "oid")?, column(&row, "was")?, column(&row, "is")?);
        found.push(Stale { oid, name, was, is, refresh });
    }
    Ok(found)
}

/// The statement that records the present version of a collation.
fn refresh(object: &str, what: &str) -> String {
    format!("ALTER {object} REFRESH {what} VERSION")
}

/// Rebuilds the indexes that a changed collation affects, or lists them.
fn sort_anew(
    session: &mut Session,
    database: &Database,
    reindex: bool,
    findings: &mut Findings,
) -> Result<()> {
    for Stale { oid, name, was, is, refresh } in stale_collations(session, database)? {
        let indexes = stale_indexes(session, oid)?;
        if reindex {
            for index in &indexes {
                session.batch(&format!("REINDEX INDEX {index}"))?;
            }
            is.as_ref().map_or(Ok(()), |_| session.batch(&refresh))?;
        }
        if indexes.is_empty() {
            continue;
        }
        let (list, is) = (indexes.join(", "), is.as_deref().unwrap_or("unknown"));
        let what = format!("{name} collation of {} was {was} and is {is} here", database.name);
        match reindex {
            true => findings.changes.push(format!("{what}: built anew: {list}")),
            false => findings.warnings.push(format!(
                "{what}; these indexes may give wrong answers, --reindex builds them anew: {list}"
            )),
        }
    }
    Ok(())
}

fn stale_indexes(session: &mut Session, collation: u32) -> Result<Vec<String>> {
    let sql = sql!("backup/restore-stale-indexes");
    let rows = session.query(sql, &[&vec![collation]])?;
    rows.iter().map(|row| column(row, "name")).collect()
}
