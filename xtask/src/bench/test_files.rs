//! Many files of tests, each in a database of its own.

use std::path::PathBuf;
use std::process::Command;

use super::cases::{Case, Side, Target, Timing, no_more, nothing, stop};
use super::lab::{Lab, Site};

/// The number of files. The other side takes a second or more for each.
const FILES: &str = "20";

/// Copies the project and writes files of tests, which would collide in one database.
const WRITE: &str = "\
cp -r \"$1\" \"$2\" && rm -r \"$2/db/test\" && mkdir \"$2/db/test\" && for n in $(seq \"$3\"); do
    echo \"INSERT INTO shop.category (name) VALUES ('Test'); SELECT '1..1'; SELECT 'ok 1';\" >\"$2/db/test/$n.sql\"
done && chmod -R a+rX \"$2\"";

/// The case.
pub(super) const CASES: [Case; 1] = [Case {
    name: "tests",
    what: "20 files of tests with `database test`, against the pipeline in a fresh cluster for each, one after the other",
    needs: no_more,
    stage: &[write, deploy],
    most: 2,
    ours: Side {
        before: &[],
        timed: |lab, _| database(lab, &lab.stage(), &["test"]),
        timing: Timing::Whole,
        afterwards: nothing,
    },
    theirs: Side {
        before: &[],
        timed: |lab, site| {
            let mut pipeline = lab.pipeline("tests", site);
            pipeline.arg(lab.bundle()).arg(project(&lab.stage()));
            pipeline
        },
        timing: Timing::Whole,
        afterwards: stop,
    },
    target: Target::Ratio(3.0),
}];

/// The project with the tests.
fn project(site: &Site) -> PathBuf {
    site.work().with_file_name("tested")
}

fn write(lab: &Lab, site: &Site) -> Command {
    let mut shell = crate::program::new("sh");
    shell.args(["-c", WRITE, "sh"]).arg(lab.project()).arg(project(site)).arg(FILES);
    shell
}

fn deploy(lab: &Lab, site: &Site) -> Command {
    database(lab, site, &["deploy"])
}

fn database(lab: &Lab, site: &Site, words: &[&str]) -> Command {
    let mut database = lab.tool("database", site, &lab.warm_cache());
    database.args(words).env("LOCAL_DIR", project(site));
    database
}
