//! The cost of commits that wait for the disk: the tool against itself with `synchronous_commit` off.
//!
//! In memory there is no disk to wait for. So these cases run only if the command line names them,
//! with `TMPDIR` on a disk.

use std::process::Command;

use super::cases::{Case, Make, Side, Target, Timing, no_more};
use super::lab::{Lab, Site};

/// Both cases.
pub(super) const CASES: [Case; 2] = [
    Case {
        name: "deploy-sync",
        what: "`database deploy` of the sample project, against itself with synchronous_commit off",
        needs: no_more,
        stage: &[],
        most: usize::MAX,
        ours: side(&[], deploy),
        theirs: side(&[], |lab, site| hurried(lab, site, deploy)),
        target: Target::Ratio(0.9),
    },
    Case {
        name: "migrate-sync",
        what: "1000 migrations, against the same with synchronous_commit off",
        needs: no_more,
        stage: &[],
        most: usize::MAX,
        ours: side(PREPARED, migrate),
        theirs: side(PREPARED, |lab, site| hurried(lab, site, migrate)),
        target: Target::Ratio(0.5),
    },
];

/// The preparation of a cluster of db-tool with a history of migrations.
const PREPARED: &[Make] = &[
    |lab, site| lab.tool("postgres-init", site, &lab.warm_cache()),
    |lab, site| {
        let mut migrator = lab.tool("migrator", site, &lab.warm_cache());
        migrator.arg("init");
        migrator
    },
];

const fn side(before: &'static [Make], timed: Make) -> Side {
    Side { before, timed, timing: Timing::Whole, afterwards: stop }
}

fn stop(lab: &Lab, site: &Site) -> Command {
    lab.tool("postgres-cleanup", site, &lab.warm_cache())
}

fn deploy(lab: &Lab, site: &Site) -> Command {
    let mut database = lab.tool("database", site, &lab.warm_cache());
    database.arg("deploy");
    database
}

fn migrate(lab: &Lab, site: &Site) -> Command {
    let mut migrator = lab.tool("migrator", site, &lab.warm_cache());
    migrator.arg("--migration-dir").arg(lab.migrations().all()).args(["migrate", "up", "all"]);
    migrator
}

/// The same, with commits that do not wait.
fn hurried(lab: &Lab, site: &Site, make: Make) -> Command {
    let mut command = make(lab, site);
    let url = format!("{}&options=-c%20synchronous_commit%3Doff", lab.url(site));
    command.env("DB_URL", url);
    command
}
