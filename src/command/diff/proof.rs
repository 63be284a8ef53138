//! `database diff --write-migration`: a draft that has been tried.
//!
//! What is written down is believed, so it is proven first: the way forward makes a copy of side A
//! what side B is, and the way back makes it what it was, as far as differences count. The copy is
//! read as the sides were; what does not come with a copy of a database (its privileges, its
//! settings) is taken from the first comparison.

use std::path::PathBuf;

use super::side::{Ground, Side};
use super::{Diff, Report};
use crate::compare::draft::Draft;
use crate::compare::drift;
use crate::compare::drift::{Class, Difference, Roles};
use crate::compare::facts;
use crate::compare::facts::{Facts, Kind as Sort};
use crate::compare::rows;
use crate::compare::rows::TableDiff;
use crate::migration::create::{Content, New};
use crate::migration::name::{Layout, Name};
use crate::migration::script::quote_argument;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::Session;
use crate::postgres::psql::script::Script;
use crate::postgres::sql::template::fill;
use crate::sys::error::{Context, Error, Kind, Result};
use crate::sys::scratch::Scratch;

/// The direction of a draft that makes side A what side B is.
const UP: &str = "up";

/// What no copy of a database has.
const APART: [Sort; 5] =
    [Sort::Database, Sort::DatabaseSetting, Sort::RoleSetting, Sort::Subscription, Sort::CronJob];

/// A migration that is wanted.
#[derive(Debug, Clone)]
pub struct Writing {
    /// What it is about.
    pub description: String,
    /// How it is to lie on disk; as its neighbours do, when `None`.
    pub layout: Option<Layout>,
    /// The classes that have to be expressed.
    pub counting: Vec<Class>,
}

/// What became of it.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing differs that counts.
    Needless,
    /// Both files, up first.
    Saved([PathBuf; 2]),
    /// It does not stand its proof, and nothing was saved.
    Refused(Box<Refusal>),
}

/// A draft that does not do what it should.
#[derive(Debug)]
pub struct Refusal {
    /// What was tried.
    pub direction: &'static str,
    /// Its SQL failed.
    pub failed: Option<Error>,
    /// What it leaves, where it ran.
    pub left: Report,
    /// The text of both directions.
    pub content: Content,
}

impl Refusal {
    /// Whether all but rows is as it should be.
    fn leaves_rows_alone(&self) -> bool {
        self.failed.is_none() && self.left.schema.is_empty() && !self.left.rows.is_empty()
    }
}

/// Both sides, after their comparison.
pub(super) struct Compared<'a> {
    pub diff: &'a Diff<'a>,
    pub sides: [&'a Side; 2],
    pub facts: [&'a Facts; 2],
    pub roles: &'a Roles,
    pub report: &'a Report,
}

impl Writing {
    fn migration(&self) -> New<'_> {
        New { description: &self.description, version: None, layout: self.layout }
    }

    /// Whether it could be written at all, before the work begins.
    ///
    /// # Errors
    /// `Conflict` for a name that is none, and for a side A that nobody may copy.
    pub(super) fn check(&self, ground: &Ground, is_theirs: bool) -> Result<()> {
        if is_theirs {
            return Err(Error::conflict("a migration cannot be drafted against a database that is only read")
                .detail("A draft is tried on a copy of the other side before it is saved, and only what is in a private cluster is copied.")
                .hint("take a backup of it and name that: database diff BACKUP --write-migration NAME")
                .hint("or draft what the migrations lack: --from-migrations"));
        }
        self.migration().path(&ground.migrations.directory).map(drop)
    }

    pub(super) fn write(&self, compared: &Compared) -> Result<Outcome> {
        if compared.report.weigh(&self.counting).counting == 0 {
            return Ok(Outcome::Needless);
        }
        let [a, b] = compared.facts;
        let (a, mut b) = (compared.roles.apply_a(a), compared.roles.apply_b(b));
        // what is lived with is not to be changed
        for identity in compared.report.ignored.iter().filter_map(|one| one.identity.as_ref()) {
            b.take(identity, &a);
        }
        let rows = &compared.report.rows;
        let back: Vec<TableDiff> = rows.iter().map(TableDiff::reversed).collect();
        let mut up = Draft::new(&a, &b, rows);
        let mut down = Draft::new(&b, &a, &back);
        let mut rounds = 0;
        let refusal = loop {
            let refusal = self.tried(compared, content(&self.description, &up, &down))?;
            let Some(refusal) = refusal else { break None };
            // rows of columns that only one side had could be compared on the copy only
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
            refusal.left.rows.iter_mut().for_each(TableDiff::cut);
            return Ok(Outcome::Refused(Box::new(refusal)));
        }
        let directory = &compared.diff.ground.migrations.directory;
        let path = self
            .migration()
            .make_with(directory, &|name: &Name| content(&name.description(), &up, &down))?;
        Ok(Outcome::Saved(files(path)))
    }

    /// Tries both directions on a copy. None: they do what they should.
    fn tried(&self, compared: &Compared, content: Content) -> Result<Option<Refusal>> {
        let Side::Private { cluster, .. } = compared.sides[0] else {
            return Err(Error::unexpected("side A has no cluster of ours"));
        };
        let (reader, owner) = cluster.copy(&compared.roles.a)?;
        let trial = Trial { compared, reader, owner, counting: &self.counting };
        let roles = compared.roles;
        let there = Roles { a: roles.a.clone(), b: roles.a.clone() };
        for (direction, sql, side, facts, roles) in [
            (UP, &content.up, compared.sides[1], compared.facts[1], roles),
            ("down", &content.down, compared.sides[0], compared.facts[0], &there),
        ] {
            let (failed, left) = match trial.run(direction, sql)? {
                Some(error) => (Some(error), trial.nothing()),
                None => (None, trial.left(side, facts, roles, direction)?),
            };
            if failed.is_some() || left.weigh(&self.counting).counting > 0 {
                return Ok(Some(Refusal { direction, failed, left, content: content.clone() }));
            }
        }
        Ok(None)
    }
}

/// The text of both directions.
fn content(name: &str, up: &Draft, down: &Draft) -> Content {
    Content {
        up: up.text(&format!("{name}: drafted from a comparison.")),
        down: down.text(&format!("Reverts {name}: drafted from a comparison.")),
    }
}

/// The file that moves forward and the one that moves back.
fn files(made: PathBuf) -> [PathBuf; 2] {
    if made.is_dir() {
        return [made.join("up.sql"), made.join("down.sql")];
    }
    let name = made.file_name().unwrap_or_default().to_string_lossy().replacen('V', "U", 1);
    let down = made.with_file_name(name);
    [made, down]
}

/// A copy of side A.
struct Trial<'a> {
    compared: &'a Compared<'a>,
    reader: Conninfo,
    owner: Conninfo,
    counting: &'a [Class],
}

impl Trial<'_> {
    /// Runs a draft; SQL that fails is returned.
    fn run(&self, direction: &str, sql: &str) -> Result<Option<Error>> {
        let scratch = &self.compared.diff.ground.migrations.scratch;
        let place = Scratch::new(scratch)?;
        let file = format!("{direction}.sql");
        let script = fill(sql!("diff/try-draft"), &[("file", &quote_argument(&file))]);
        for (name, text) in [(file.as_str(), sql), ("try.sql", &script)] {
            place.write(name, text)?;
        }
        let script = Script {
            file: PathBuf::from("try.sql"),
            variables: self.compared.diff.ground.migrations.variables.clone(),
            directory: place.path().to_owned(),
            log: Some(place.path().join("log")),
        };
        match script.run(&self.compared.diff.ground.toolchain, &self.owner) {
            Ok(()) => Ok(None),
            Err(error) if error.kind() == Kind::Sql => Ok(Some(error)),
            Err(error) => Err(error),
        }
    }

    fn nothing(&self) -> Report {
        Report::between("draft", &self.compared.report.b)
    }

    /// What counts and is not as on that side.
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
    APART.contains(&difference.identity.kind)
}
