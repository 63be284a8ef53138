//! The commands that measure a pull from staging: a real sshd on loopback, and `pg_dump` through
//! it.
//!
//! Both sides go through the same ssh with the same keys, to the same server, into a file. `far` is the
//! same host behind a line that is 20 ms longer, each way.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use super::cases::{Case, Make, Side, Target, Timing, nothing};
use super::lab::{Lab, Site};
use crate::failure::{On, Result};
use crate::sshd;

/// The number of runs in cases that take seconds.
const FEW: usize = 5;
/// A case that runs only if the command line names it, because it takes gigabytes of disk space.
pub(super) const LARGE: &str = "gigabyte";

/// Every pull.
pub(super) const CASES: [Case; 5] = [
    Case {
        name: "pull",
        what: "`database pull_staging` of 320 MB through ssh, against `ssh host pg_dump -a > file`",
        ..pull(|lab, site| ours(lab, site, "near", "1"), |lab, site| theirs(lab, site, "near"))
    },
    Case {
        name: "jobs",
        what: "the same with `--jobs 2`",
        target: Target::Ratio(1.0),
        ..pull(|lab, site| ours(lab, site, "near", "2"), |lab, site| theirs(lab, site, "near"))
    },
    Case {
        name: "far",
        what: "the same with `--jobs 2` over a line that is 20 ms longer each way",
        target: Target::Ratio(1.0),
        ..pull(|lab, site| ours(lab, site, "far", "2"), |lab, site| theirs(lab, site, "far"))
    },
    Case {
        name: "into",
        what: "`--into-database` of the same, but for comparing what arrived, against `pg_dump` into a file and psql on it",
        ours: Side { before: &[here], timed: into, timing: LOADED, afterwards: nothing },
        theirs: Side { before: &[here], timed: load, timing: Timing::Whole, afterwards: nothing },
        target: Target::Ratio(1.2),
        ..pull(into, load)
    },
    Case {
        name: LARGE,
        what: "the first with 1 GB",
        stage: &[plain, |lab, stage| tables(lab, stage, 13), serve],
        ..pull(|lab, site| ours(lab, site, "near", "1"), |lab, site| theirs(lab, site, "near"))
    },
];

/// The time from the start of the pull to the last loaded row, without the final comparison.
const LOADED: Timing = Timing::Part { done: "rows loaded", exit: 0 };

const fn pull(ours: Make, theirs: Make) -> Case {
    Case {
        name: "",
        what: "",
        needs,
        stage: &[plain, |lab, stage| tables(lab, stage, 4), serve],
        most: FEW,
        ours: Side { before: &[], timed: ours, timing: Timing::Whole, afterwards: nothing },
        theirs: Side { before: &[], timed: theirs, timing: Timing::Whole, afterwards: nothing },
        target: Target::Ratio(1.0 / 1.2),
    }
}

/// Provides an sshd, and a copy of this program that the user of the pipeline can reach.
fn needs(lab: &Lab) -> Result<()> {
    sshd::provide()?;
    let own = std::env::current_exe().on("find", Path::new("/proc/self/exe"))?;
    std::fs::copy(&own, lab.delay()).map(drop).on("copy", &own)
}

fn plain(lab: &Lab, stage: &Site) -> Command {
    lab.pipeline("init", stage)
}

fn tables(lab: &Lab, stage: &Site, parts: u8) -> Command {
    let mut pipeline = lab.pipeline("sql", stage);
    pipeline.arg(lab.samples().pulled(parts));
    pipeline
}

fn serve(lab: &Lab, stage: &Site) -> Command {
    let mut pipeline = lab.pipeline("sshd", stage);
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    pipeline.arg(sshd::provide().unwrap_or_else(|_| "sshd".into()));
    pipeline.arg(port.map_or(22, |address| address.port()).to_string()).arg(lab.delay());
    pipeline
}

fn theirs(lab: &Lab, site: &Site, host: &str) -> Command {
    let mut pipeline = lab.pipeline("pull", &lab.stage());
    pipeline.arg(host).arg(site.work().join("pulled.sql"));
    pipeline
}

/// Makes the database into which the rows are loaded.
fn here(lab: &Lab, _: &Site) -> Command {
    lab.pipeline("here", &lab.stage())
}

fn load(lab: &Lab, site: &Site) -> Command {
    let mut pipeline = lab.pipeline("load", &lab.stage());
    pipeline.arg("near").arg(site.work().join("pulled.sql"));
    pipeline
}

fn into(lab: &Lab, site: &Site) -> Command {
    let mut pull = ours(lab, site, "near", "1");
    pull.env("DB_URL", lab.url_of("here", &lab.stage())).args(["--into-database", "--verbose"]);
    pull
}

fn ours(lab: &Lab, site: &Site, host: &str, jobs: &str) -> Command {
    let mut pull = lab.tool("database", site, &lab.warm_cache());
    let stage = lab.stage().work();
    let mut path = stage.join("ssh").into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    pull.env("PATH", path)
        .env("LOCAL_DIR", lab.samples().empty_project())
        .env("PATCH_SQL", site.work().join("pulled.sql"))
        .env("STAGING_SSH_HOST", host)
        .env("STAGING_DB_URL", lab.url(&lab.stage()))
        .env("STAGING_DUMP_TABLES", "pulled_*")
        .env("STAGING_DUMP_FLAGS", "--no-owner")
        .args(["pull_staging", "--jobs", jobs]);
    pull
}
