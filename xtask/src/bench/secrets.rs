//! The cost of secrets: of opening one, and of loading a hundred.

use std::process::Command;

use super::cases::{Case, Make, Side, Target, Timing, no_more, nothing, stop};
use super::lab::{Lab, Site};

/// The cases of opening and loading.
pub(super) const CASES: [Case; 2] = [
    Case {
        name: "open",
        what: "`hectic.get_secret` of 256 bytes in a warm session, 500 times, against pgcrypto's `pgp_sym_decrypt`",
        needs: no_more,
        stage: &[database, load],
        most: usize::MAX,
        ours: in_stage(|lab, _| sql(lab, &lab.stage(), "open.sql")),
        theirs: in_stage(|lab, _| sql(lab, &lab.stage(), "decrypt.sql")),
        target: Target::Ratio(1.0 / 12.0),
    },
    Case {
        name: "load",
        what: "`database secrets load` of 100 secrets, against one psql that inserts them plain",
        needs: no_more,
        stage: &[],
        most: usize::MAX,
        ours: in_database(load),
        theirs: in_database(|lab, site| sql(lab, site, "plain.sql")),
        target: Target::Ratio(1.0 / 3.0),
    },
];

const fn in_stage(timed: Make) -> Side {
    let timing = Timing::Part { done: "values opened", exit: 0 };
    Side { before: &[], timed, timing, afterwards: nothing }
}

const fn in_database(timed: Make) -> Side {
    Side { before: &[database], timed, timing: Timing::Whole, afterwards: stop }
}

fn database(lab: &Lab, site: &Site) -> Command {
    let mut pipeline = lab.pipeline("database", site);
    pipeline.arg(lab.bundle()).arg(lab.samples().secret("begin.sql"));
    pipeline
}

fn load(lab: &Lab, site: &Site) -> Command {
    let mut database = lab.tool("database", site, &lab.warm_cache());
    database.args(["secrets", "load", "--dotenv-file"]).arg(lab.samples().secret("secrets.env"));
    database
}

fn sql(lab: &Lab, site: &Site, name: &str) -> Command {
    let mut pipeline = lab.pipeline("sql", site);
    pipeline.arg(lab.samples().secret(name));
    pipeline
}
