//! The cases: the command of db-tool, the command that people use instead, and the target.

use std::path::PathBuf;
use std::process::Command;

use super::dbmate;
use super::lab::{Lab, Site};
use crate::failure::Result;

/// Makes a command for a site.
pub(super) type Make = fn(&Lab, &Site) -> Command;

/// One side of a comparison.
pub(super) struct Side {
    /// The preparations, which are not measured.
    pub(super) before: &'static [Make],
    /// The measured command.
    pub(super) timed: Make,
    /// The part of it that counts.
    pub(super) timing: Timing,
    /// Stops the server that the command leaves running.
    pub(super) afterwards: Make,
}

/// The measured part of a command.
#[derive(Clone, Copy)]
pub(super) enum Timing {
    /// The whole command.
    Whole,
    /// A part, whose duration the command itself prints as `in N ms`.
    Part {
        /// The step that the command names.
        done: &'static str,
        /// The exit status of the command.
        exit: i32,
    },
}

/// One comparison.
pub(super) struct Case {
    /// The name on the command line.
    pub(super) name: &'static str,
    /// The description in the table.
    pub(super) what: &'static str,
    /// Provides programs that not every machine has. If it cannot, the case is left out.
    pub(super) needs: fn(&Lab) -> Result<()>,
    /// The commands that make the cluster that all runs share, if they share one.
    pub(super) stage: &'static [Make],
    /// The highest number of runs of each side, for cases that take long.
    pub(super) most: usize,
    /// The command of db-tool.
    pub(super) ours: Side,
    /// The command that people use instead.
    pub(super) theirs: Side,
    /// The ratio that db-tool has to achieve.
    pub(super) target: Target,
}

/// The condition that the medians of both sides have to satisfy.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// The time of the other side, divided by ours, is at least this.
    Ratio(f64),
    /// Our time exceeds that of the other side by less than so many milliseconds.
    Within(f64),
}

/// The pipeline for the whole sample project, from nothing each time.
pub(super) const PIPELINE_CHECK: Side = Side {
    before: &[],
    timed: |lab, site| {
        let mut pipeline = lab.pipeline("check", site);
        pipeline.arg(lab.bundle()).arg(lab.project());
        pipeline
    },
    timing: Timing::Whole,
    afterwards: stop,
};

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
        theirs: PIPELINE_CHECK,
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
        // dbmate writes a row of history for each migration, too
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

/// The preparation of a database in which all migrations are applied.
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
