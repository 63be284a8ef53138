//! What is measured: the tool's command, the pipeline's, and how much faster ours has to be.

use std::process::Command;

use super::lab::{Lab, Site};

/// Makes a command for a fresh place.
pub(super) type Make = fn(&Lab, &Site) -> Command;

/// One side of a comparison.
pub(super) struct Side {
    /// The measured command.
    pub(super) timed: Make,
    /// What ends the server that it leaves running.
    pub(super) afterwards: Make,
}

/// One comparison.
pub(super) struct Case {
    /// What selects it.
    pub(super) name: &'static str,
    /// What is compared, for the table.
    pub(super) what: &'static str,
    /// The tool.
    pub(super) ours: Side,
    /// The shell pipeline.
    pub(super) theirs: Side,
    /// The pipeline's median over ours has to be at least this.
    pub(super) target: f64,
}

/// Every comparison, in the order of the table.
pub(super) const CASES: [Case; 3] = [
    Case {
        name: "init",
        what: "`postgres-init` with a warm template, against initdb, pg_ctl start and createdb",
        ours: Side {
            timed: |lab, site| lab.tool("postgres-init", site, &lab.warm_cache()),
            afterwards: clean_up,
        },
        theirs: PIPELINE_INIT,
        target: 8.0,
    },
    Case {
        name: "check",
        what: "`database check` on the sample project, against the whole pipeline",
        ours: Side { timed: database_check, afterwards: nothing },
        theirs: Side {
            timed: |lab, site| {
                let mut pipeline = lab.pipeline("check", site);
                pipeline.arg(lab.bundle()).arg(lab.project());
                pipeline
            },
            afterwards: stop,
        },
        target: 4.0,
    },
    Case {
        name: "cold",
        what: "`postgres-init` without a template, against initdb, pg_ctl start and createdb",
        ours: Side {
            timed: |lab, site| lab.tool("postgres-init", site, &site.cache()),
            afterwards: clean_up,
        },
        theirs: PIPELINE_INIT,
        target: 1.0,
    },
];

const PIPELINE_INIT: Side =
    Side { timed: |lab, site| lab.pipeline("init", site), afterwards: stop };

fn database_check(lab: &Lab, site: &Site) -> Command {
    let mut database = lab.tool("database", site, &lab.warm_cache());
    database.arg("check");
    database
}

fn clean_up(lab: &Lab, site: &Site) -> Command {
    lab.tool("postgres-cleanup", site, &lab.warm_cache())
}

fn stop(lab: &Lab, site: &Site) -> Command {
    lab.pipeline("stop", site)
}

fn nothing(_: &Lab, _: &Site) -> Command {
    crate::program::new("true")
}
