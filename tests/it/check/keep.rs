//! `check --keep`: the cluster stays, and the output says how to open it and how to remove it.

use crate::support::project::with_own_cache;
use crate::support::trace::{nothing_left, private_directory, registered};
use crate::support::{Outcome, Sandbox};

/// Follows the instruction after `remove it:`.
fn remove(sandbox: &mut Sandbox) {
    let directory = private_directory(sandbox).expect("kept");
    sandbox.set("PG_WORKING_DIR", directory);
    sandbox.unset("DB_URL");
    sandbox.database(["cleanup"]).success();
}

fn url(kept: &Outcome) -> String {
    let (_, rest) = kept.stderr.split_once("database --url '").expect("a way in");
    rest.split_once('\'').expect("quoted").0.to_owned()
}

#[test]
fn a_kept_cluster_can_be_opened_and_removed() {
    let mut sandbox = with_own_cache(
        "CREATE TABLE t (x int) INHERITS (hectic.created_at); INSERT INTO t (x) VALUES (7);\n",
    );
    let kept = sandbox.database(["check", "--keep"]).success();
    let url = url(&kept);
    let arguments = ["--url", &url, "psql", "-Atc", "SELECT x FROM t"];
    assert_eq!(sandbox.database(arguments).success().stdout, "7\n");
    assert_eq!(registered(&sandbox), Vec::<String>::new(), "no check may take it for an orphan");
    sandbox.database(["check"]).success();
    assert_eq!(sandbox.query(&url, "SELECT x FROM t"), "7");
    remove(&mut sandbox);
    nothing_left(&sandbox);
}

#[test]
fn a_failed_one_is_kept_too() {
    let mut sandbox = with_own_cache("CREATE SCHEMA reached; SELECT 1 / 0;\n");
    let failed = sandbox.database(["check", "--keep"]).fails(1, ["division by zero", "is kept"]);
    let directory = private_directory(&sandbox).expect("kept");
    let removal = format!("PG_WORKING_DIR='{}' database cleanup", directory.display());
    assert!(failed.stderr.contains(&removal), "{failed}");
    let found =
        sandbox.query(&url(&failed), "SELECT count(*) FROM pg_namespace WHERE nspname = 'reached'");
    assert_eq!(found, "1");
    remove(&mut sandbox);
    nothing_left(&sandbox);
}
