//! Clones: what a database for one test costs.

use std::process::Command;

use super::cases::{Case, Side, Target, Timing, no_more, nothing};
use super::lab::{Lab, Site};

/// The case.
pub(super) const CASES: [Case; 1] = [Case {
    name: "clone",
    what: "`database clone` of the sample project, against CREATE DATABASE in an open session",
    needs: no_more,
    stage: &[deploy, clone],
    most: usize::MAX,
    ours: Side {
        before: &[],
        timed: |lab, _| clone(lab, &lab.stage()),
        timing: Timing::Whole,
        afterwards: nothing,
    },
    theirs: Side {
        before: &[],
        timed: |lab, _| lab.pipeline("clone", &lab.stage()),
        timing: Timing::Part { done: "copied", exit: 0 },
        afterwards: nothing,
    },
    target: Target::Within(25.0),
}];

fn deploy(lab: &Lab, site: &Site) -> Command {
    database(lab, site, "deploy")
}

fn clone(lab: &Lab, site: &Site) -> Command {
    database(lab, site, "clone")
}

fn database(lab: &Lab, site: &Site, verb: &str) -> Command {
    let mut database = lab.tool("database", site, &lab.warm_cache());
    database.arg(verb);
    database
}
