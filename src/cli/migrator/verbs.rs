//! The verbs of `migrator`: they resolve values, run the command and print its report.

mod consent;
mod import;
mod schema;
mod verify;

use serde::Serialize;

use super::settings::Settings;
use crate::bundle;
use crate::bundle::inherits;
use crate::cli::args::migrator::{
    AMBIGUOUS_APPLY, AMBIGUOUS_MIGRATE, APPLY_COMMANDS, ApplyVerb, Arguments, Global,
    MIGRATE_COMMANDS, MigrateVerb, Verb, ambiguous,
};
use crate::cli::output::{migrator as report, ui};
use crate::cli::resolve::Resolve;
use crate::command::bundle::described;
use crate::command::migrator::change;
use crate::command::migrator::{fetch, inspect};
use crate::migration::create::{self, NewMigration};
use crate::migration::migrate::{Done, LAST, Migrate, Planned, Request};
use crate::migration::plan::Count;
use crate::migration::runner::Moved;
use crate::sys::error::{Error, Kind, Result};

/// Runs a verb of `migrator`.
pub(in crate::cli) fn execute(arguments: Arguments) -> Result<()> {
    let Arguments { global, verb } = arguments;
    if !global.inherits.is_empty() {
        tracing::warn!("--inherits is deprecated: the bundle enforces inheritance");
    }
    let resolve = Resolve::new(global.db_url.clone(), &["DB_URL", "PGURL"])?;
    // with `create`, -v sets the version
    let (variables, version) = match verb {
        Verb::Create { .. } => (&[][..], global.set.last()),
        _ => (global.set.as_slice(), None),
    };
    let settings = Settings::new(resolve, &global, variables)?;
    let cli = Cli { settings, global: &global };
    match verb {
        Verb::New { directory } => cli.new_project(&directory),
        Verb::Create { description, name } => cli.create(description.or(name), version),
        Verb::List { raw } => cli.list(raw),
        Verb::Verify { after_hydrate } => cli.verify(after_hydrate),
        Verb::Import(import) => cli.import(&import),
        Verb::Init if global.dry_run => {
            cli.value("sql", &bundle::script(cli.settings.project().bundle()?))
        }
        Verb::Clean if global.dry_run => cli.value("sql", change::CLEAN),
        verb => cli.with_database(verb),
    }
}

struct Cli<'a> {
    settings: Settings,
    global: &'a Global,
}

impl Cli<'_> {
    fn with_database(&self, verb: Verb) -> Result<()> {
        let project = self.settings.project();
        // report wrong arguments before connecting to a database
        let request = match &verb {
            Verb::Migrate { verb } => Some(request(verb)?),
            Verb::Apply { verb } => Some(applied(verb.as_ref())?),
            _ => None,
        };
        let conninfo = self.settings.connection()?;
        let reads = matches!(verb, Verb::Info | Verb::History | Verb::Validate | Verb::Fetch);
        if !reads && !self.global.dry_run {
            self.settings.resolve().refuse_staging(&conninfo)?;
        }
        inherits::check(&conninfo, &self.global.inherits)?;
        if let Some(request) = request {
            return self.migrate(&request);
        }
        match verb {
            Verb::Init => {
                change::init(project, &conninfo)?;
                let kind = project.bundle()?;
                ui::status(&format!("{} applied", described(kind)));
                let (version, kind) = (bundle::VERSION, kind.as_str());
                self.json_only(&serde_json::json!({ "bundle": version, "kind": kind }))
            }
            Verb::Info => self.info(),
            Verb::History => self.history(),
            Verb::Validate => self.validate(),
            Verb::Abort => self.abort(),
            Verb::Repair { applied, reverted } => {
                let request = change::RepairOptions { applied, reverted };
                let question = format!("Record this in {}?", consent::described(&conninfo));
                self.consent(change::repair(project, &conninfo, &request)?, &question)
            }
            Verb::Baseline { name } => {
                self.record(change::baseline(project, &conninfo, &name)?, || Ok(true))
            }
            Verb::Clean => self.clean(),
            Verb::Fetch => self.fetch(),
            _ => Err(Error::unexpected("a verb that needs no database reached the database verbs")),
        }
    }

    fn new_project(&self, directory: &std::path::Path) -> Result<()> {
        if self.global.dry_run {
            create::check_place(directory)?;
            return self.path(directory);
        }
        create::project(directory)?;
        ui::status(&format!(
            "project created; next:  cd {} && migrator create NAME",
            directory.display()
        ));
        self.path(directory)
    }

    fn create(&self, description: Option<String>, version: Option<&String>) -> Result<()> {
        let description = description.map_or_else(create::made_up_word, Ok)?;
        let version = version.map(|text| match text.parse::<i64>() {
            Ok(version) if version > 0 => Ok(version),
            _ => Err(Error::conflict(format!("\"{text}\" is not a version"))
                .hint("with create, -v sets the version: a whole number from 1")),
        });
        let new = NewMigration {
            description: &description,
            version: version.transpose()?,
            layout: self.settings.layout,
        };
        let directory = &self.settings.project().directory;
        let path = match self.global.dry_run {
            true => new.path(directory)?,
            false => new.make(directory)?,
        };
        self.path(&path)
    }

    fn migrate(&self, request: &Request) -> Result<()> {
        let conninfo = self.settings.connection()?;
        let toolchain = || self.settings.resolve().client();
        let migrate = Migrate {
            project: self.settings.project(),
            conninfo: &conninfo,
            toolchain: &toolchain,
            dry_run: self.global.dry_run,
        };
        let mut count = 0;
        let tell = |moved: &Moved| {
            count += 1;
            let verb = if moved.direction == "up" { "applied" } else { "reverted" };
            ui::status(&format!("{verb} {} in {:.0} ms", moved.name, moved.milliseconds));
        };
        if !self.global.dry_run && !conninfo.is_local() && !self.may_revert(&migrate, request)? {
            ui::status("nothing was changed");
            return Ok(());
        }
        let schema = self.schema(&conninfo)?;
        let done = migrate.run(request, &mut { tell });
        match schema::written(schema, count, done)? {
            Done::Planned { steps, bundle } => self.show_plan(&steps, bundle),
            Done::Moved(moved) => {
                if moved.is_empty() {
                    ui::status("nothing to do: the database is where it should be");
                }
                if self.global.json { self.json(&moved) } else { Ok(()) }
            }
        }
    }

    fn show_plan(&self, steps: &[Planned], bundle: bool) -> Result<()> {
        if self.global.json {
            return self.json(&steps);
        }
        print(&report::plan(steps, bundle))?;
        ui::status(&format!("{} to do; nothing was changed", steps.len()));
        Ok(())
    }

    fn list(&self, raw: bool) -> Result<()> {
        let listed = inspect::list(self.settings.project())?;
        if self.global.json {
            return self.json(&listed);
        }
        if raw {
            let names: String = listed.iter().map(|entry| format!("{}\n", entry.name)).collect();
            return print(&names);
        }
        print(&report::list(&listed))
    }

    fn info(&self) -> Result<()> {
        let all = inspect::info(self.settings.project(), &self.settings.connection()?)?;
        if self.global.json {
            return self.json(&all);
        }
        print(&report::info(&all))
    }

    fn history(&self) -> Result<()> {
        let events = inspect::history(self.settings.project(), &self.settings.connection()?)?;
        if self.global.json {
            return self.json(&events);
        }
        print(&report::history(&events))
    }

    fn validate(&self) -> Result<()> {
        let validated = inspect::validate(self.settings.project(), &self.settings.connection()?)?;
        if self.global.json {
            self.json(&validated.findings)?;
        } else {
            print(&report::findings(&validated.findings))?;
        }
        if let Some(mismatch) = validated.mismatch {
            return Err(mismatch);
        }
        let errors = validated.findings.iter().filter(|finding| !finding.warning).count();
        if errors > 0 {
            return Err(Error::conflict(format!("the history does not fit: {errors} problems"))
                .hint("restore the files, or record them as they are: `migrator repair`"));
        }
        ui::status(&format!("valid: {} applied, {} pending", validated.applied, validated.pending));
        Ok(())
    }

    fn abort(&self) -> Result<()> {
        let dry_run = self.global.dry_run;
        let aborted =
            change::abort(self.settings.project(), &self.settings.connection()?, dry_run)?;
        if self.global.json {
            return self.json(&aborted);
        }
        match aborted.as_slice() {
            [] => ui::status("nothing is Running"),
            names if dry_run => ui::status(&format!("would be aborted: {}", names.join(", "))),
            names => ui::status(&format!("aborted: {}; no SQL was undone", names.join(", "))),
        }
        Ok(())
    }

    fn fetch(&self) -> Result<()> {
        let connection = self.settings.connection()?;
        let fetched = fetch::run(self.settings.project(), &connection, self.global.dry_run)?;
        if self.global.json {
            return self.json(&fetched);
        }
        let paths = fetched.written.iter().map(|path| format!("{}\n", path.display()));
        print(&paths.collect::<String>())?;
        let verb = if self.global.dry_run { "to write" } else { "written" };
        ui::status(&format!(
            "{} files {verb}, {} exist already",
            fetched.written.len(),
            fetched.unchanged
        ));
        Ok(())
    }

    fn path(&self, path: &std::path::Path) -> Result<()> {
        match self.global.json {
            true => self.value("path", &path.display().to_string()),
            false => print(&format!("{}\n", path.display())),
        }
    }

    /// Prints a text, or a JSON object with the text under `key`.
    fn value(&self, key: &str, text: &str) -> Result<()> {
        match self.global.json {
            true => self.json(&serde_json::json!({ key: text })),
            false => print(text),
        }
    }

    /// Prints a value only as JSON; the status line says the same to people.
    fn json_only(&self, value: &serde_json::Value) -> Result<()> {
        if self.global.json { self.json(value) } else { Ok(()) }
    }

    fn json(&self, value: &impl Serialize) -> Result<()> {
        ui::data(|out| {
            let text = serde_json::to_string_pretty(value).map_err(std::io::Error::other)?;
            writeln!(out, "{text}")
        })
    }
}

fn print(text: &str) -> Result<()> {
    ui::data(|out| out.write_all(text.as_bytes()))
}

fn request(verb: &MigrateVerb) -> Result<Request> {
    Ok(match verb {
        MigrateVerb::Up { count } => Request::Up(parse_count("up", count.as_deref())?),
        MigrateVerb::Down { count } => Request::Down(parse_count("down", count.as_deref())?),
        MigrateVerb::To { name } if MIGRATE_COMMANDS.contains(&name.as_str()) => {
            return Err(two_commands(AMBIGUOUS_MIGRATE, "to", name));
        }
        MigrateVerb::To { name } => Request::To(name.clone()),
        MigrateVerb::Redo { count } => match parse_count("redo", count.as_deref())? {
            Count::Number(number) => Request::Redo(number),
            Count::All => Request::Redo(usize::MAX),
        },
    })
}

fn applied(verb: Option<&ApplyVerb>) -> Result<Request> {
    Ok(match verb {
        None | Some(ApplyVerb::All) => Request::Up(Count::All),
        Some(ApplyVerb::Next) => Request::Up(Count::Number(1)),
        Some(ApplyVerb::Until { target }) if APPLY_COMMANDS.contains(&target.as_str()) => {
            return Err(two_commands(AMBIGUOUS_APPLY, "until", target));
        }
        Some(ApplyVerb::Until { target }) => Request::Until(target.clone()),
    })
}

fn two_commands(message: &str, verb: &str, other: &str) -> Error {
    Error::conflict(format!("{message}: {verb} {other}")).hint("give one command at a time")
}

fn parse_count(verb: &str, text: Option<&str>) -> Result<Count> {
    match text {
        None => Ok(Count::Number(1)),
        Some("all") => Ok(Count::All),
        Some(text) if verb == "up" && LAST.contains(&text) => Ok(Count::All),
        Some(text) => match text.parse() {
            Ok(0) => Err(Error::conflict(format!("{verb} 0 does nothing"))
                .hint("give a number from 1, or all; `migrate to 0` reverts everything")),
            Ok(number) => Ok(Count::Number(number)),
            Err(_) => Err(match ambiguous(text) {
                Some(message) => two_commands(message, verb, text),
                None => {
                    Error::new(Kind::UnknownArgument, format!("{verb} \"{text}\" is not a number"))
                        .hint("give a number from 1, or all; `migrate to NAME` goes to a migration")
                }
            }),
        },
    }
}
