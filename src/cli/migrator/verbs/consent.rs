//! Verbs that ask before they change something.

use super::{Cli, print};
use crate::cli::output::ui;
use crate::cli::prompt;
use crate::command::migrator::change::{self, Changes};
use crate::migration::migrate::{Done, Migrate, Request};
use crate::postgres::connection::conninfo::Conninfo;
use crate::sys::error::Result;

/// The database and its server, for a question.
pub(super) fn described(conninfo: &Conninfo) -> String {
    format!("the database {} at {conninfo}", conninfo.database())
}

impl Cli<'_> {
    /// Whether a run may revert migrations of a database on another machine. Asks if it would.
    pub(super) fn may_revert(&self, migrate: &Migrate<'_>, request: &Request) -> Result<bool> {
        if self.global.yes || matches!(request, Request::Up(_) | Request::Until(_)) {
            return Ok(true);
        }
        let planned = Migrate { dry_run: true, ..*migrate }.run(request, &mut |_| ())?;
        let Done::Planned { steps, .. } = planned else { return Ok(true) };
        match steps.iter().filter(|step| step.direction == "down").count() {
            0 => Ok(true),
            count => {
                let place = described(migrate.conninfo);
                let noun = if count == 1 { "migration" } else { "migrations" };
                prompt::confirm(&format!("Revert {count} {noun} of {place}?"))
            }
        }
    }

    pub(super) fn clean(&self) -> Result<()> {
        let conninfo = self.settings.connection()?;
        let question = format!(
            "Drop hectic.migration and hectic.migration_event in {}? The history of migrations is lost.",
            described(&conninfo)
        );
        if !self.global.yes && !prompt::confirm(&question)? {
            ui::status("nothing was changed");
            return self.json_only(&serde_json::json!({ "dropped": false }));
        }
        change::clean(self.settings.project(), &conninfo)?;
        ui::status("dropped; `migrator init` creates an empty history");
        self.json_only(&serde_json::json!({ "dropped": true }))
    }

    /// Shows the changes, asks for consent, and makes them.
    pub(super) fn consent(&self, changes: Changes<'_>, question: &str) -> Result<()> {
        self.record(changes, || Ok(self.global.yes || prompt::confirm(question)?))
    }

    /// Shows the changes and makes them if `agrees`.
    pub(super) fn record(
        &self,
        changes: Changes<'_>,
        agrees: impl FnOnce() -> Result<bool>,
    ) -> Result<()> {
        let lines: Vec<String> = changes.changes.iter().map(ToString::to_string).collect();
        if self.global.json {
            self.json(&lines)?;
        } else {
            print(&lines.iter().map(|line| format!("{line}\n")).collect::<String>())?;
        }
        if lines.is_empty() {
            ui::status("nothing to record");
        } else if self.global.dry_run {
            ui::status(&format!("{} to record; nothing was changed", lines.len()));
        } else if agrees()? {
            let made = changes.make()?;
            ui::status(&format!("recorded: {made}"));
        } else {
            ui::status("nothing was changed");
        }
        Ok(())
    }
}
