//! Clones: what a database for one test costs.

use std::process::Command;

use super::cases::{Case, Side, Target, Timing, no_more, nothing};
use super::lab::{Lab, Site};
use crate::{clients, place, program};

/// The cases, in the order of the table.
pub(super) const CASES: [Case; 2] = [CLONE, APPLICATION];

const CLONE: Case = Case {
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
};

const APPLICATION: Case = Case {
    name: "application",
    what: "200 tests of an application, each in a clone, against pgtestdb's method",
    needs: |_| clients::provide().map(drop),
    stage: &[deploy, clone],
    most: 3,
    ours: Side {
        before: &[],
        timed: |lab, _| application(lab, "clone"),
        timing: Timing::Whole,
        afterwards: nothing,
    },
    theirs: Side {
        before: &[],
        timed: |lab, _| application(lab, "pgtestdb"),
        timing: Timing::Whole,
        afterwards: nothing,
    },
    target: Target::Ratio(0.4),
};

/// The tests of the application, with this method.
fn application(lab: &Lab, method: &str) -> Command {
    let tool = database(lab, &lab.stage(), "clone");
    // `needs` has provided it
    let python = clients::provide().unwrap_or_default().join("psycopg");
    let mut command = program::outside_any_project(&python);
    for (name, value) in tool.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.env("DB_TOOL", tool.get_program());
    command.arg(place::root().join("xtask/bench/application.py")).arg(method);
    command
}

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
