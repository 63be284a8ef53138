//! Cached states: what an unchanged project, or one with a changed source, costs.

use std::process::Command;

use super::cases::{Case, PIPELINE_CHECK, Side, Target, Timing, no_more, nothing};
use super::lab::{Lab, Site};

/// The cases, in the order of the table.
pub(super) const CASES: [Case; 4] = [
    Case {
        name: "again",
        what: "`database check` of the unchanged sample project, against the whole pipeline",
        needs: no_more,
        stage: &[],
        most: usize::MAX,
        ours: Side { before: &[check], timed: check, timing: Timing::Whole, afterwards: nothing },
        theirs: PIPELINE_CHECK,
        target: Target::Ratio(12.0),
    },
    Case {
        name: "edited",
        what: "`database check` after a change of the sources, against the whole pipeline",
        needs: no_more,
        stage: &[],
        most: usize::MAX,
        ours: Side {
            before: &[check, edit],
            timed: check,
            timing: Timing::Whole,
            afterwards: nothing,
        },
        theirs: PIPELINE_CHECK,
        target: Target::Ratio(5.0),
    },
    Case {
        name: "detached",
        what: "the same while a process in the background saves the states",
        needs: no_more,
        stage: &[],
        most: usize::MAX,
        ours: Side {
            before: &[check, edit],
            timed: check_detached,
            timing: Timing::Whole,
            afterwards: nothing,
        },
        theirs: PIPELINE_CHECK,
        target: Target::Ratio(5.0),
    },
    Case {
        name: "redeploy",
        what: "`database deploy` of the unchanged sample project, against the whole pipeline",
        needs: no_more,
        stage: &[],
        most: usize::MAX,
        ours: Side {
            before: &[deploy],
            timed: deploy,
            timing: Timing::Whole,
            afterwards: |lab, site| lab.tool("postgres-cleanup", site, &lab.warm_cache()),
        },
        theirs: PIPELINE_CHECK,
        target: Target::Ratio(2.0),
    },
];

fn check(lab: &Lab, site: &Site) -> Command {
    database(lab, site, &["check"])
}

fn check_detached(lab: &Lab, site: &Site) -> Command {
    let mut check = check(lab, site);
    check.env("PG_CACHE_DETACH", "on");
    check
}

fn deploy(lab: &Lab, site: &Site) -> Command {
    database(lab, site, &["deploy"])
}

fn database(lab: &Lab, site: &Site, arguments: &[&str]) -> Command {
    let mut database = lab.tool("database", site, &lab.warm_cache());
    database.args(arguments).env("PG_CACHE", "on");
    database
}

/// Adds a comment to the entry point, another one each time.
fn edit(lab: &Lab, _: &Site) -> Command {
    let mut shell = crate::program::new("sh");
    let entry = lab.project().join("db/src/entrypoint.sql");
    shell.args(["-c", "date +'-- %s%N' >> \"$1\"", "sh"]).arg(entry);
    shell
}
