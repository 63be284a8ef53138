//! `migrator import`.

use super::{Cli, print};
use crate::bundle::Kind;
use crate::cli::args::migrator::Import;
use crate::cli::migrator::settings::current_directory;
use crate::cli::output::ui;
use crate::command::migrator::import::{ImportOptions, ImportReport, prepare};
use crate::migration::import::tool::Tool;
use crate::migration::project::RunOptions;
use crate::sys::error::Result;

impl Cli<'_> {
    pub(super) fn import(&self, arguments: &Import) -> Result<()> {
        let base = current_directory()?;
        // the tables of the other tool do not inherit from those of the full bundle
        let chosen = self.global.bundle.is_some() || self.global.no_hook;
        let project = self.settings.project();
        let bundle = project.bundle.map(|kind| if chosen { kind } else { Kind::History });
        let project = RunOptions { bundle, ..project.clone() };
        let options = ImportOptions {
            base: &base,
            source: arguments.source.as_deref(),
            tool: arguments.from.as_deref().and_then(Tool::named),
            directory: &project.directory,
            layout: self.settings.layout,
            placeholders: &project.variables,
            dry_run: self.global.dry_run,
        };
        let mut prepared = prepare(&options)?;
        let mut recorded = 0;
        if arguments.history {
            let conninfo = self.settings.connection()?;
            if !self.global.dry_run {
                self.settings.resolve().refuse_staging(&conninfo)?;
                project.bundle()?;
            }
            prepared.read_history(&project, &conninfo)?;
            prepared.write()?;
            if !self.global.dry_run {
                recorded = prepared.record(&project, &conninfo)?;
            }
        } else {
            prepared.write()?;
        }
        self.import_report(&prepared.report, arguments.history.then_some(recorded))
    }

    fn import_report(&self, report: &ImportReport, recorded: Option<usize>) -> Result<()> {
        if self.global.json {
            self.json(report)?;
        } else {
            let names = report.migrations.iter().map(|one| format!("{}\n", one.name));
            print(&names.collect::<String>())?;
        }
        if !report.notes.is_empty() {
            ui::status("changed on the way:");
            report.notes.iter().for_each(|note| ui::status(&format!("  {note}")));
        }
        if !report.not_taken.is_empty() {
            ui::status("not taken over:");
            for left in &report.not_taken {
                ui::status(&format!("  {}: {}", left.what, left.why));
            }
        }
        if !report.elsewhere.is_empty() {
            ui::status(&format!(
                "{} of the table without a file here: {}",
                counted(report.elsewhere.len(), "row"),
                report.elsewhere.join(", ")
            ));
            ui::status("  import their directory, too, with another -d and --migration-set");
        }
        let migrations = counted(report.migrations.len(), "migration");
        let tool = report.tool;
        if self.global.dry_run {
            ui::status(&format!("{migrations} of {tool} to take over; nothing was changed"));
            return Ok(());
        }
        let place = self.settings.project().directory.display();
        ui::status(&format!("{migrations} of {tool} taken over to {place}"));
        if let Some(recorded) = recorded {
            let applied = counted(report.applied.len(), "migration");
            ui::status(&format!("{applied} applied by {tool}; {recorded} recorded now"));
        }
        self.next_step(recorded.is_some());
        Ok(())
    }

    fn next_step(&self, is_recorded: bool) {
        if self.settings.project().bundle == Some(Kind::Full) && self.global.bundle.is_none() {
            ui::status(
                "next:  set bundle = \"history\" in database.toml, or add --bundle history: the full \
                 bundle refuses tables that do not inherit from its own",
            );
        }
        let verb = if is_recorded { "info" } else { "migrate up all" };
        ui::status(&format!("then:  migrator {verb}"));
    }
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
