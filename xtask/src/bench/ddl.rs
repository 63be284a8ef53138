//! The cost of the bundle's event triggers: statements in a database with the bundle, against the
//! same statements without it.

use std::path::PathBuf;
use std::process::Command;

use super::cases::{Case, MIGRATE, Make, Side, Target, Timing, no_more, nothing, stop};
use super::lab::{Lab, Site};

/// Many tables and schemas in succession, and the migrator against a psql without event triggers.
pub(super) const CASES: [Case; 8] = [
    case(
        "excluded-300",
        "300 tables of an excluded schema, each made, altered and indexed, in a database with the bundle, against one without",
        |lab, site| sql(lab, site, "excluded-300.sql"),
    ),
    case("excluded", "3000 such tables", |lab, site| sql(lab, site, "excluded-3000.sql")),
    case(
        "inheriting-300",
        "300 tables that inherit `hectic.created_at`, with the bundle, against without",
        |lab, site| sql(lab, site, "inheriting-300.sql"),
    ),
    case("inheriting", "3000 such tables", |lab, site| sql(lab, site, "inheriting-3000.sql")),
    case(
        "schemas",
        "1000 transactions with a schema and a row, with the bundle, against without",
        |lab, site| sql(lab, site, "schemas.sql"),
    ),
    case(
        "objects",
        "1000 objects of an excluded schema as a dump makes them, with the bundle, against without",
        |lab, site| file(lab, site, lab.samples().thousand_objects()),
    ),
    Case {
        name: "thousand",
        what: "`database check` of a project of these 1000 objects, against createdb and psql in a running cluster without the bundle",
        needs: no_more,
        stage: &[],
        most: usize::MAX,
        ours: Side {
            before: &[],
            timed: |lab, site| {
                let mut check = lab.tool("database", site, &lab.warm_cache());
                check.env("LOCAL_DIR", lab.samples().thousand()).arg("check");
                check
            },
            timing: Timing::Whole,
            afterwards: nothing,
        },
        theirs: Side {
            before: &[plain],
            timed: |lab, site| {
                let mut pipeline = lab.pipeline("fresh", site);
                pipeline.arg(lab.samples().thousand_objects());
                pipeline
            },
            timing: Timing::Whole,
            afterwards: stop,
        },
        // `check` also makes a cluster and removes it
        target: Target::Ratio(1.0 / 1.5),
    },
    Case {
        name: "unwatched",
        what: "1000 migrations, against one psql that writes a row of history for each, without the bundle",
        needs: no_more,
        stage: &[],
        most: usize::MAX,
        ours: MIGRATE,
        theirs: without_bundle(|lab, site| {
            let mut pipeline = lab.pipeline("sql", site);
            pipeline.arg(lab.migrations().with_single_row());
            pipeline
        }),
        target: Target::Ratio(1.0 / 3.5),
    },
];

/// A case that runs the same statements on both sides.
const fn case(name: &'static str, what: &'static str, timed: Make) -> Case {
    Case {
        name,
        what,
        needs: no_more,
        stage: &[],
        most: usize::MAX,
        ours: Side { before: &[database], timed, timing: Timing::Whole, afterwards: stop },
        theirs: without_bundle(timed),
        target: Target::Ratio(1.0 / 1.1),
    }
}

const fn without_bundle(timed: Make) -> Side {
    let before = &[plain as Make, parent, begin];
    Side { before, timed, timing: Timing::Whole, afterwards: stop }
}

fn database(lab: &Lab, site: &Site) -> Command {
    let mut pipeline = lab.pipeline("database", site);
    pipeline.arg(lab.bundle()).arg(lab.samples().ddl("begin.sql"));
    pipeline
}

fn plain(lab: &Lab, site: &Site) -> Command {
    lab.pipeline("init", site)
}

fn parent(lab: &Lab, site: &Site) -> Command {
    sql(lab, site, "plain.sql")
}

fn begin(lab: &Lab, site: &Site) -> Command {
    sql(lab, site, "begin.sql")
}

fn sql(lab: &Lab, site: &Site, name: &str) -> Command {
    file(lab, site, lab.samples().ddl(name))
}

fn file(lab: &Lab, site: &Site, path: PathBuf) -> Command {
    let mut pipeline = lab.pipeline("sql", site);
    pipeline.arg(path);
    pipeline
}
