//! Checks a complete plan before its first change: every file, every include, every forbidden
//! statement, every psql variable.
//!
//! `down 3` with one missing down therefore changes nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Direction;
use super::directory::Directory;
use super::history::Record;
use super::name::Name;
use super::plan::Step;
use super::refuse::{characteristics, refusals};
use super::source::{Part, Source};
use crate::postgres::connection::session::{Session, column};
use crate::postgres::psql::lexer::{Form, Item, Reference, Script};
use crate::postgres::psql::script::BUILT_IN;
use crate::sys::error::{Error, Result};

/// psql commands that leave the state of psql unchanged.
const HARMLESS: [&str; 18] = [
    "i",
    "include",
    "ir",
    "include_relative",
    "echo",
    "qecho",
    "warn",
    "if",
    "elif",
    "else",
    "endif",
    "g",
    "gexec",
    "gdesc",
    "copy",
    "p",
    "d",
    "conninfo",
];

/// A step that passed the checks.
#[derive(Debug)]
pub struct Prepared {
    pub name: Name,
    pub direction: Direction,
    /// The SQL that psql will run.
    pub source: Source,
    /// The text of the down, which an up stores in the history.
    pub down: Option<Source>,
    /// Run it in a transaction.
    pub transactional: bool,
    /// The checksum of the up file.
    pub checksum: String,
    /// The normalized checksum of the up file.
    pub normalized_checksum: String,
    /// It changes the state of psql, such as variables or the output format.
    pub changes_psql: bool,
    /// It may take advisory locks.
    pub takes_locks: bool,
    /// It chooses the isolation level of its transaction.
    pub chooses_transaction: bool,
}

impl Prepared {
    pub fn file(&self) -> &Path {
        &self.source.entry().path
    }
}

/// The directory and settings that all steps share.
#[derive(Debug, Clone, Copy)]
pub struct Preflight<'a> {
    /// The migrations.
    pub directory: &'a Directory,
    /// The directory where relative paths of `\i` start.
    pub base: &'a Path,
    /// The psql variables that the migrator sets.
    pub variables: &'a [(String, String)],
}

impl Preflight<'_> {
    /// Checks and prepares every step.
    ///
    /// # Errors
    /// `Missing` for a missing file, `Conflict` for a file that must not run as it is.
    pub fn prepare(&self, steps: &[Step], records: &[Record]) -> Result<Vec<Prepared>> {
        steps.iter().map(|step| self.prepare_one(*step, records)).collect()
    }

    fn prepare_one(&self, step: Step, records: &[Record]) -> Result<Prepared> {
        let record = records.iter().find(|record| record.name.version == step.version);
        let Some(migration) = self.directory.find(step.version) else {
            let name = record.map_or_else(|| step.version.to_string(), |r| r.name.to_string());
            return Err(Error::missing(format!("the files of migration {name} are gone"))
                .hint("`migrator fetch` restores them from the history"));
        };
        let load = |file: &PathBuf| Source::load(file, self.base);
        let source = Source::load(migration.file(step.direction)?, self.base)?;
        let down = match step.direction {
            Direction::Up => migration.down.as_ref().map(load).transpose()?,
            Direction::Down => None,
        };
        let transactional = source.is_transactional()?;
        let traits = self.examine(&source, transactional)?;
        let (checksum, normalized_checksum) = match (step.direction, record) {
            (Direction::Down, Some(record)) => {
                (record.checksum.clone(), record.normalized_checksum.clone())
            }
            _ => (source.checksum(), source.normalized_checksum()?),
        };
        Ok(Prepared {
            name: migration.name.clone(),
            direction: step.direction,
            source,
            down,
            transactional,
            checksum,
            normalized_checksum,
            changes_psql: traits.changes_psql,
            takes_locks: traits.takes_locks,
            chooses_transaction: traits.chooses_transaction,
        })
    }

    fn examine(&self, source: &Source, transactional: bool) -> Result<Traits> {
        let scripts: Vec<(&Part, Script)> =
            source.parts.iter().map(|part| Ok((part, part.scan()?))).collect::<Result<_>>()?;
        for (part, script) in &scripts {
            refuse(part, script, transactional)?;
        }
        self.require_variables(&scripts)?;
        let metas = scripts.iter().flat_map(|(_, script)| metas(script));
        Ok(Traits {
            changes_psql: metas.clone().any(|meta| !HARMLESS.contains(&meta.command.as_str())),
            takes_locks: source.parts.iter().any(|part| part.text.contains("advisory")),
            chooses_transaction: scripts.iter().any(|(_, script)| chooses_transaction(script)),
        })
    }

    /// Checks that every psql variable is set, because psql would leave `:NAME` in the SQL.
    fn require_variables(&self, scripts: &[(&Part, Script)]) -> Result<()> {
        let mut known: BTreeSet<&str> = BUILT_IN.into_iter().collect();
        known.extend(self.variables.iter().map(|(name, _)| name.as_str()));
        for meta in scripts.iter().flat_map(|(_, script)| metas(script)) {
            match meta.command.as_str() {
                // sets variables whose names are known only at run time
                "gset" => return Ok(()),
                "set" | "getenv" => {
                    known.extend(meta.arguments.first().and_then(|name| name.value.as_deref()));
                }
                _ => {}
            }
        }
        for (part, script) in scripts {
            let missing = script
                .references
                .iter()
                .find(|reference| is_needed(reference) && !known.contains(reference.name.as_str()));
            if let Some(reference) = missing {
                return Err(Error::missing(format!(
                    "{}:{}: the psql variable :{} is not set",
                    part.path.display(),
                    reference.line,
                    reference.name
                ))
                .hint(format!("give it a value: --set {}=VALUE", reference.name)));
            }
        }
        Ok(())
    }
}

struct Traits {
    changes_psql: bool,
    takes_locks: bool,
    chooses_transaction: bool,
}

fn metas(script: &Script) -> impl Iterator<Item = &crate::postgres::psql::lexer::Meta> + Clone {
    script.items.iter().filter_map(|item| match item {
        Item::Meta(meta) => Some(meta),
        Item::Statement(_) => None,
    })
}

fn chooses_transaction(script: &Script) -> bool {
    script.items.iter().any(|item| match item {
        Item::Meta(_) => false,
        Item::Statement(statement) => {
            let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
            characteristics::sets_this_transaction(&words)
        }
    })
}

/// Checks whether a reference needs a variable. A slice of an array looks like a reference, and a
/// branch of `\if` may not run.
fn is_needed(reference: &Reference) -> bool {
    reference.form != Form::Defined && !reference.conditional && !reference.subscript
}

fn refuse(part: &Part, script: &Script, transactional: bool) -> Result<()> {
    let found = refusals(script, transactional);
    let Some(first) = found.first() else { return Ok(()) };
    let place = |line: usize| format!("{}:{line}", part.path.display());
    let mut error = Error::conflict(format!("{}: {}", place(first.line), first.what));
    for other in &found[1..] {
        error = error.detail(format!("{}: {}", place(other.line), other.what));
    }
    let mut hints: Vec<&str> = found.iter().map(|refusal| refusal.hint).collect();
    hints.dedup();
    Err(hints.into_iter().fold(error, Error::hint))
}

/// Checks that this role may write on this server.
///
/// # Errors
/// `Failed`, with a remedy, if it may not.
pub fn check_privileges(session: &mut Session) -> Result<()> {
    let query = sql!("migration/privileges");
    match session.query_opt(query, &[])? {
        None => Ok(()),
        Some(row) => {
            let (problem, remedy): (String, String) =
                (column(&row, "problem")?, column(&row, "remedy")?);
            Err(Error::failed(problem).hint(remedy))
        }
    }
}
