//! What is measured: the tool's command, what others use instead, and what ours has to achieve.

use std::path::PathBuf;
use std::process::Command;

use super::dbmate;
use super::lab::{Lab, Site};
use crate::failure::Result;

/// Makes a command for a fresh place.
pub(super) type Make = fn(&Lab, &Site) -> Command;

/// One side of a comparison.
pub(super) struct Side {
    /// What has to be there first; not measured.
    pub(super) before: &'static [Make],
    /// The measured command.
    pub(super) timed: Make,
    /// Which part of it counts.
    pub(super) timing: Timing,
    /// What ends the server that it leaves running.
    pub(super) afterwards: Make,
}

/// What of a command is measured.
#[derive(Clone, Copy)]
pub(super) enum Timing {
    /// All of it.
    Whole,
    /// A part of which the command itself says that it was done `in N ms`.
    Part {
        /// What was done.
        done: &'static str,
        /// How the command exits.
        exit: i32,
    },
}

/// One comparison.
pub(super) struct Case {
    /// What selects it.
    pub(super) name: &'static str,
    /// What is compared, for the table.
    pub(super) what: &'static str,
    /// Provides what not every machine has; where it cannot, the case is left out.
    pub(super) needs: fn(&Lab) -> Result<()>,
    /// What makes the cluster that all runs share, if they do.
    pub(super) stage: &'static [Make],
    /// The most runs of each side, where they take long.
    pub(super) most: usize,
    /// The tool.
    pub(super) ours: Side,
    /// What others use.
    pub(super) theirs: Side,
    /// What ours has to achieve.
    pub(super) target: Target,
}

/// What the medians of both sides have to satisfy.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// Theirs over ours is at least this.
    Ratio(f64),
    /// Ours takes less than so many milliseconds more.
    Within(f64),
}

/// Clusters and migrations, in the order of the table.
pub(super) const CASES: [Case; 8] = [
    Case {
        name: "init",
        what: "`postgres-init` with a warm template, against initdb, pg_ctl start and createdb",
        needs: no_more,
        stage: &[],
        most: usize::MAX,
        ours: Side {
            before: &[],
            timed: |lab, site| lab.tool("postgres-init", site, &lab.warm_cache()),
            timing: Timing::Whole,
            afterwards: clean_up,
        },
        theirs: PIPELINE_INIT,
        target: Target::Ratio(8.0),
    },
    Case {
        name: "check",
        what: "`database check` on the sample project, against the whole pipeline",
        needs: no_more,
        stage: &[],
        most: usize::MAX,
        ours: Side {
            before: &[],
            timed: database_check,
            timing: Timing::Whole,
            afterwards: nothing,
        },
        theirs: Side {
            before: &[],
            timed: |lab, site| {
                let mut pipeline = lab.pipeline("check", site);
                pipeline.arg(lab.bundle()).arg(lab.project());
                pipeline
            },
            timing: Timing::Whole,
            afterwards: stop,
        },
        target: Target::Ratio(4.0),
    },
    Case {
        name: "cold",
        what: "`postgres-init` without a template, against initdb, pg_ctl start and createdb",
        needs: no_more,
        stage: &[],
        most: usize::MAX,
        ours: Side {
            before: &[],
            timed: |lab, site| lab.tool("postgres-init", site, &site.cache()),
            timing: Timing::Whole,
            afterwards: clean_up,
        },
        theirs: PIPELINE_INIT,
        target: Target::Ratio(1.0),
    },
    Case {
        name: "migrate",
        what: "1000 migrations, against one psql that writes the same history",
        needs: no_more,
        stage: &[],
        most: usize::MAX,
        ours: MIGRATE,
        theirs: in_database(|lab, site| sql(lab, site, lab.migrations().with_whole_history())),
        target: Target::Ratio(1.0 / 1.3),
    },
    Case {
        name: "row",
        what: "1000 migrations, against one psql that writes a row of history for each",
        needs: no_more,
        stage: &[],
        most: usize::MAX,
        ours: MIGRATE,
        theirs: in_database(|lab, site| sql(lab, site, lab.migrations().with_single_row())),
        target: Target::Ratio(1.0 / 3.5),
    },
    Case {
        name: "each",
        what: "200 migrations, against a psql for each that writes a row of history",
        needs: no_more,
        stage: &[],
        most: usize::MAX,
        ours: in_database(|lab, site| migrate(lab, site, lab.migrations().some())),
        theirs: in_database(|lab, site| {
            let mut pipeline = lab.pipeline("each", site);
            pipeline.arg(lab.migrations().some());
            pipeline
        }),
        target: Target::Ratio(10.0),
    },
    Case {
        name: "dbmate",
        what: "1000 migrations, against dbmate",
        needs: |lab| dbmate::provide(&lab.dbmate()),
        stage: &[],
        most: usize::MAX,
        ours: MIGRATE,
        theirs: in_database(run_dbmate),
        // it writes a row of history for each, too
        target: Target::Ratio(1.0 / 3.5),
    },
    Case {
        name: "noop",
        what: "`migrate up all` with 1000 applied, against `psql -c ''`",
        needs: no_more,
        stage: &[],
        most: usize::MAX,
        ours: Side {
            before: MIGRATED,
            timed: migrate_all,
            timing: Timing::Whole,
            afterwards: stop,
        },
        theirs: Side {
            before: MIGRATED,
            timed: |lab, site| lab.pipeline("connect", site),
            timing: Timing::Whole,
            afterwards: stop,
        },
        target: Target::Within(50.0),
    },
];

const PIPELINE_INIT: Side = Side {
    before: &[],
    timed: |lab, site| lab.pipeline("init", site),
    timing: Timing::Whole,
    afterwards: stop,
};

/// All migrations, in a database that has the bundle.
pub(super) const MIGRATE: Side = in_database(migrate_all);

/// A database in which everything is applied.
const MIGRATED: &[Make] = &[database, migrate_all];

/// A command for a database that has the bundle and no migrations, in a cluster of its own.
const fn in_database(timed: Make) -> Side {
    Side { before: &[database], timed, timing: Timing::Whole, afterwards: stop }
}

fn database(lab: &Lab, site: &Site) -> Command {
    let mut pipeline = lab.pipeline("database", site);
    pipeline.arg(lab.bundle()).arg(lab.migrations().begin());
    pipeline
}

fn sql(lab: &Lab, site: &Site, file: PathBuf) -> Command {
    let mut pipeline = lab.pipeline("sql", site);
    pipeline.arg(file);
    pipeline
}

fn migrate_all(lab: &Lab, site: &Site) -> Command {
    migrate(lab, site, lab.migrations().all())
}

fn migrate(lab: &Lab, site: &Site, directory: PathBuf) -> Command {
    let mut migrator = lab.tool("migrator", site, &lab.warm_cache());
    migrator.arg("--migration-dir").arg(directory).args(["migrate", "up", "all"]);
    migrator
}

fn run_dbmate(lab: &Lab, site: &Site) -> Command {
    let mut dbmate = crate::program::outside_any_project(&lab.dbmate());
    dbmate.arg("--url").arg(lab.url(site)).arg("--migrations-dir").arg(lab.migrations().dbmate());
    dbmate.args(["--no-dump-schema", "migrate"]);
    dbmate
}

fn database_check(lab: &Lab, site: &Site) -> Command {
    let mut database = lab.tool("database", site, &lab.warm_cache());
    database.arg("check");
    database
}

fn clean_up(lab: &Lab, site: &Site) -> Command {
    lab.tool("postgres-cleanup", site, &lab.warm_cache())
}

pub(super) fn stop(lab: &Lab, site: &Site) -> Command {
    lab.pipeline("stop", site)
}

pub(super) fn nothing(_: &Lab, _: &Site) -> Command {
    crate::program::new("true")
}

#[expect(clippy::unnecessary_wraps, reason = "others need something that can be missing")]
pub(super) fn no_more(_: &Lab) -> Result<()> {
    Ok(())
}
