//! The commands that measure comparisons and backups.
//!
//! A comparison needs two sides. In some cases their making does not count; there, the tool itself
//! prints how long the part took that counts. Data that is only read is made once for all runs.

use std::process::Command;

use super::cases::{Case, Make, Side, Target, Timing, no_more, nothing, stop};
use super::lab::{Lab, Site};

/// The number of runs in cases that take the other side seconds.
const FEW: usize = 3;

/// Every comparison of databases, and backups.
pub(super) const CASES: [Case; 5] = [
    Case {
        name: "rows",
        what: "rows of 100 immutable tables × 1000, all equal, against a `pg_dump -t` each and side",
        needs: no_more,
        stage: &[reference, second],
        most: FEW,
        ours: Side { before: &[], timed: diff_rows, timing: rows(0), afterwards: nothing },
        theirs: DUMPS,
        target: Target::Ratio(50.0),
    },
    Case {
        name: "changed",
        what: "the same with a few differing rows in three tables",
        needs: no_more,
        stage: &[reference, change, second],
        most: FEW,
        ours: Side { before: &[], timed: diff_rows, timing: rows(1), afterwards: nothing },
        theirs: DUMPS,
        target: Target::Ratio(50.0),
    },
    Case {
        name: "facts",
        what: "the schema of 1000 tables read, against `pg_dump --schema-only`",
        needs: no_more,
        stage: &[plain, things],
        most: usize::MAX,
        ours: Side {
            before: &[],
            timed: diff_schema,
            timing: Timing::Part { done: "schema of the database read", exit: 0 },
            afterwards: nothing,
        },
        theirs: on_stage(|lab, _| lab.pipeline("schema", &lab.stage())),
        target: Target::Ratio(1.0),
    },
    Case {
        name: "diff",
        what: "`database diff --from-migrations` on the sample project, against two pipelines and their dumps",
        needs: no_more,
        stage: &[],
        most: usize::MAX,
        ours: Side {
            before: &[],
            timed: |lab, site| {
                let mut diff = lab.tool("database", site, &lab.warm_cache());
                diff.env("LOCAL_DIR", lab.samples().migrated()).args(["diff", "--from-migrations"]);
                diff
            },
            timing: Timing::Whole,
            afterwards: nothing,
        },
        theirs: Side {
            before: &[],
            timed: |lab, site| {
                let mut pipeline = lab.pipeline("diff", site);
                let samples = lab.samples();
                pipeline.arg(lab.bundle()).arg(samples.migrated()).arg(samples.migration());
                pipeline
            },
            timing: Timing::Whole,
            afterwards: stop,
        },
        target: Target::Ratio(2.0),
    },
    Case {
        name: "backup",
        what: "`database backup` of a freshly written cluster of 300 MB, against `pg_basebackup -c fast -Ft -X stream -z`",
        needs: no_more,
        stage: &[plain, events],
        most: FEW,
        ours: on_stage(|lab, site| {
            let mut backup = lab.tool("database", site, &lab.warm_cache());
            backup
                .env("DB_URL", lab.url(&lab.stage()))
                .arg("backup")
                .arg(site.work().join("backup"));
            backup
        }),
        theirs: on_stage(|lab, site| {
            let mut pipeline = lab.pipeline("backup", &lab.stage());
            pipeline.arg(site.work().join("backup"));
            pipeline
        }),
        target: Target::Ratio(5.0),
    },
];

const DUMPS: Side = on_stage(|lab, site| {
    let mut pipeline = lab.pipeline("rows", &lab.stage());
    pipeline.arg(site.work());
    pipeline
});

/// The part of a comparison that compares rows.
const fn rows(exit: i32) -> Timing {
    Timing::Part { done: "rows compared", exit }
}

/// A command that finds everything in the shared cluster and leaves nothing running.
const fn on_stage(timed: Make) -> Side {
    Side { before: &[], timed, timing: Timing::Whole, afterwards: nothing }
}

fn diff_rows(lab: &Lab, site: &Site) -> Command {
    let mut diff = diff_with_stage(lab, site);
    diff.env("LOCAL_DIR", lab.samples().reference_project());
    diff
}

fn diff_schema(lab: &Lab, site: &Site) -> Command {
    let mut diff = diff_with_stage(lab, site);
    diff.env("LOCAL_DIR", lab.samples().empty_project());
    diff
}

/// Compares with the shared database. At least the version of the bundle differs, which does not
/// matter here.
fn diff_with_stage(lab: &Lab, site: &Site) -> Command {
    let mut diff = lab.tool("database", site, &lab.warm_cache());
    diff.args(["--verbose", "diff", "--against"]).arg(lab.url(&lab.stage()));
    diff.args(["--fail-on", "order"]);
    diff
}

fn plain(lab: &Lab, stage: &Site) -> Command {
    lab.pipeline("init", stage)
}

fn reference(lab: &Lab, stage: &Site) -> Command {
    let mut pipeline = lab.pipeline("database", stage);
    pipeline.arg(lab.bundle()).arg(lab.samples().reference());
    pipeline
}

fn second(lab: &Lab, stage: &Site) -> Command {
    let mut pipeline = lab.pipeline("second", stage);
    pipeline.arg(lab.bundle()).arg(lab.samples().reference());
    pipeline
}

fn change(lab: &Lab, stage: &Site) -> Command {
    let mut pipeline = lab.pipeline("sql", stage);
    pipeline.arg(lab.samples().changed());
    pipeline
}

fn things(lab: &Lab, stage: &Site) -> Command {
    let mut pipeline = lab.pipeline("sql", stage);
    pipeline.arg(lab.samples().things());
    pipeline
}

fn events(lab: &Lab, stage: &Site) -> Command {
    let mut pipeline = lab.pipeline("sql", stage);
    pipeline.arg(lab.samples().events());
    pipeline
}
