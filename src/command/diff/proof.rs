//! `database diff --write-migration`: tries a draft before it saves it.
//!
//! Users trust a saved migration, so the tool proves it first on a copy of side A. The up must make
//! the copy equal to side B, and the down must make it equal to side A again. Only differences that
//! count are considered. The settings of a database do not come with a copy. For those, the result of the
//! first comparison stands.

use std::path::PathBuf;

use super::role;
use super::side::{Side, SideSpec};
use super::{Diff, Report};
use crate::compare::draft::Draft;
use crate::compare::drift;
use crate::compare::drift::{Class, Difference, Roles};
use crate::compare::facts;
use crate::compare::facts::{Facts, Kind as Sort, What};
use crate::compare::rows;
use crate::compare::rows::TableDiff;
use crate::migration::create::{Content, NewMigration};
use crate::migration::name::{Layout, Name};
use crate::migration::script::quote_argument;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::Session;
use crate::postgres::psql::script::Script;
use crate::postgres::sql::template::fill;
use crate::sys::error::{Context, Error, Kind, Result};
use crate::sys::scratch::Scratch;

/// The direction of a draft that makes side A equal to side B.
const UP: &str = "up";

/// Objects that `CREATE DATABASE … TEMPLATE` does not copy.
const APART: [Sort; 5] =
    [Sort::Database, Sort::DatabaseSetting, Sort::RoleSetting, Sort::Subscription, Sort::CronJob];

/// A request to draft a migration.
#[derive(Debug, Clone)]
pub struct Writing {
    /// The migration's description, from which its name is made.
    pub description: String,
    /// The layout of its files. `None` means the layout of the other migrations.
    pub layout: Option<Layout>,
    /// The classes of differences that the draft must remove.
    pub counting: Vec<Class>,
    /// Whether the draft makes the roles that side A lacks.
    pub with_roles: bool,
}

/// The result of drafting.
#[derive(Debug)]
pub enum Outcome {
    /// No difference counts, so there is nothing to draft.
    Needless,
    /// The saved files: the up, then the down.
    Saved([PathBuf; 2]),
    /// The draft failed its proof. It must not become a migration.
    Refused(Box<Refusal>),
}

/// A draft that failed its proof.
#[derive(Debug)]
pub struct Refusal {
    /// The description of its migration.
    pub description: String,
    /// The migration directory.
    pub directory: PathBuf,
    /// The direction that failed.
    pub direction: &'static str,
    /// The error, if its SQL failed.
    pub failed: Option<Error>,
    /// The differences that remain after its SQL ran.
    pub left: Report,
    /// The text of both directions.
    pub content: Content,
}

impl Refusal {
    /// Checks whether nothing but rows differs.
    fn leaves_rows_alone(&self) -> bool {
        self.failed.is_none() && self.left.schema.is_empty() && !self.left.rows.is_empty()
    }
}

/// Both sides after their comparison.
pub(super) struct Compared<'a> {
    pub diff: &'a Diff<'a>,
    pub sides: [&'a Side; 2],
    pub facts: [&'a Facts; 2],
    pub roles: &'a Roles,
    pub report: &'a Report,
}

impl Writing {
    fn migration(&self) -> NewMigration<'_> {
        NewMigration { description: &self.description, version: None, layout: self.layout }
    }

    /// Checks before any work begins whether the draft can be written.
    ///
    /// # Errors
    /// `Conflict` for an invalid name, and for a side A that cannot be copied.
    pub(super) fn check(&self, spec: &SideSpec, is_theirs: bool) -> Result<()> {
        if is_theirs {
            return Err(Error::conflict("cannot draft a migration against an existing database")
                .detail("db-tool tries a draft on a copy of the other side before it saves it, and it copies databases of private clusters only.")
                .hint("take a backup of it and name that: database diff BACKUP --write-migration NAME")
                .hint("or compare with the migrations: --from-migrations"));
        }
        self.migration().path(&spec.migrations.directory).map(drop)
    }

    pub(super) fn write(&self, compared: &Compared) -> Result<Outcome> {
        if compared.report.weigh(&self.counting).counting == 0 {
            return Ok(Outcome::Needless);
        }
        let [a, b] = compared.facts;
        let (a, mut b) = (compared.roles.apply_a(a), compared.roles.apply_b(b));
        // a difference that a rule sets aside must not be changed
        for identity in compared.report.ignored.iter().filter_map(|one| one.identity.as_ref()) {
            b.take(identity, &a);
        }
        let rows = &compared.report.rows;
        let back: Vec<TableDiff> = rows.iter().map(TableDiff::reversed).collect();
        let mut up = Draft::new(&a, &b, rows);
        let roles =
            role::missing(&mut compared.sides[0].beside()?, &mut compared.sides[1].beside()?)?;
        if self.with_roles {
            up.begin_with(role::statements(&roles));
        }
        let mut down = Draft::new(&b, &a, &back);
        let mut rounds = 0;
        let refusal = loop {
            let refusal = self.tried(compared, content(&self.description, &up, &down))?;
            let Some(refusal) = refusal else { break None };
            // if only one side has a column, its rows can be compared on the copy only
            rounds += 1;
            if rounds > 2 || !refusal.leaves_rows_alone() {
                break Some(refusal);
            }
            match refusal.direction {
                UP => up.append(Draft::new(&b, &b, &refusal.left.rows)),
                _ => down.append(Draft::new(&a, &a, &refusal.left.rows)),
            }
        };
        if let Some(mut refusal) = refusal {
            if !self.with_roles && refusal.direction == UP {
                refusal.failed = refusal.failed.map(|error| role::explained(error, &roles));
            }
            refusal.left.rows.iter_mut().for_each(TableDiff::cut);
            return Ok(Outcome::Refused(Box::new(refusal)));
        }
        let directory = &compared.diff.spec.migrations.directory;
        let path = self
            .migration()
            .make_with(directory, &|name: &Name| content(&name.description(), &up, &down))?;
        Ok(Outcome::Saved(files(path)))
    }

    /// Tries both directions on a copy. Returns `None` if both work.
    fn tried(&self, compared: &Compared, content: Content) -> Result<Option<Refusal>> {
        let Side::Private { cluster, .. } = compared.sides[0] else {
            return Err(Error::unexpected("side A has no private cluster"));
        };
        let (reader, owner) = cluster.copy(&compared.roles.a)?;
        let trial = Trial { compared, reader, owner, counting: &self.counting };
        let roles = compared.roles;
        let there = Roles { a: roles.a.clone(), b: roles.a.clone() };
        let directory = &compared.diff.spec.migrations.directory;
        for (direction, sql, side, facts, roles) in [
            (UP, &content.up, compared.sides[1], compared.facts[1], roles),
            ("down", &content.down, compared.sides[0], compared.facts[0], &there),
        ] {
            let (failed, left) = match trial.run(direction, sql)? {
                Some(error) => (Some(error), trial.nothing()),
                None => (None, trial.left(side, facts, roles, direction)?),
            };
            if failed.is_some() || left.weigh(&self.counting).counting > 0 {
                let (description, directory) = (self.description.clone(), directory.clone());
                let content = content.clone();
                return Ok(Some(Refusal {
                    description,
                    directory,
                    direction,
                    failed,
                    left,
                    content,
                }));
            }
        }
        Ok(None)
    }
}

fn content(name: &str, up: &Draft, down: &Draft) -> Content {
    Content {
        up: up.text(&format!("{name}: drafted from a comparison.")),
        down: down.text(&format!("Reverts {name}: drafted from a comparison.")),
    }
}

/// The paths of the up and the down.
fn files(made: PathBuf) -> [PathBuf; 2] {
    if made.is_dir() {
        return [made.join("up.sql"), made.join("down.sql")];
    }
    let name = made.file_name().unwrap_or_default().to_string_lossy().replacen('V', "U", 1);
    let down = made.with_file_name(name);
    [made, down]
}

/// A copy of side A, on which a draft is tried.
struct Trial<'a> {
    compared: &'a Compared<'a>,
    reader: Conninfo,
    owner: Conninfo,
    counting: &'a [Class],
}

impl Trial<'_> {
    /// Runs a draft. Returns the error if its SQL fails.
    fn run(&self, direction: &str, sql: &str) -> Result<Option<Error>> {
        let scratch = &self.compared.diff.spec.migrations.scratch;
        let place = Scratch::new(scratch)?;
        let file = format!("{direction}.sql");
        let script = fill(sql!("diff/try-draft"), &[("file", &quote_argument(&file))]);
        for (name, text) in [(file.as_str(), sql), ("try.sql", &script)] {
            place.write(name, text)?;
        }
        let script = Script {
            file: PathBuf::from("try.sql"),
            variables: self.compared.diff.spec.migrations.variables.clone(),
            directory: place.path().to_owned(),
            log: Some(place.path().join("log")),
        };
        match script.run(&self.compared.diff.spec.toolchain, &self.owner) {
            Ok(()) => Ok(None),
            Err(error) if error.kind() == Kind::Sql => Ok(Some(error)),
            Err(error) => Err(error),
        }
    }

    fn nothing(&self) -> Report {
        Report::between("draft", &self.compared.report.b)
    }

    /// Returns the differences between the copy and `side` that count.
    fn left(&self, side: &Side, facts: &Facts, roles: &Roles, direction: &str) -> Result<Report> {
        let mut copy = Session::connect(&self.reader)?;
        facts::begin(&mut copy)?;
        let mut other = side.open()?;
        let mut read = Facts::read_within(&mut copy).context("cannot read the copy")?;
        let rows = rows::compare(&mut copy, &mut other, &self.compared.diff.rows)?;
        facts::end(&mut other)?;
        facts::respell(&mut read, facts, || side.beside())?;
        let mut schema = drift::compare(&read, facts, roles);
        schema.retain(|difference| !is_apart(difference));
        if direction == UP {
            let original = &self.compared.report.schema;
            schema.extend(original.iter().filter(|difference| is_apart(difference)).cloned());
        }
        schema.retain(|difference| self.counting.contains(&difference.class));
        let mut left = Report { schema, rows, ..Report::between("draft", side.name()) };
        left.ignore(&self.compared.diff.rules, self.compared.diff.today);
        Ok(left)
    }
}

fn is_apart(difference: &Difference) -> bool {
    let is_privilege =
        matches!(&difference.what, What::Changed { property, .. } if property == "acl");
    APART.contains(&difference.identity.kind) && !is_privilege
}
