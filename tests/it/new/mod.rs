//! `database new`: a project that works at once, and never a file of the user replaced.

mod from;
mod place;

use crate::support::{Sandbox, assert_golden};

/// A sandbox without a project, whose programs work in its directory `work`.
pub fn nowhere() -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.unset("PG_SHARED_PRELOAD_LIBRARIES");
    std::fs::create_dir(sandbox.path("work")).unwrap();
    sandbox.go("work");
    sandbox
}

#[test]
fn a_new_project_passes_check_and_its_test() {
    let mut sandbox = nowhere();
    let made = sandbox.database(["new", "shop"]).success();
    assert_golden("new.txt", &made.block(&sandbox));
    sandbox.go("work/shop");
    sandbox.database(["check"]).success();
    sandbox.database(["deploy"]).success();
    let tested = sandbox.database(["test"]).success();
    assert!(tested.stdout.contains("ok 1 - "), "{tested}");
    let who = sandbox.database(["psql", "-XAtc", "SELECT current_user, current_database()"]);
    assert_eq!(who.success().stdout, "shop|shop\n");
    sandbox.database(["cleanup"]).success();
}

#[test]
fn the_test_of_a_new_project_can_fail() {
    let mut sandbox = nowhere();
    sandbox.database(["new", "shop"]).success();
    sandbox.go("work/shop");
    let source = sandbox.read("work/shop/db/src/entrypoint.sql");
    let broken = "ALTER TABLE note ALTER created_at SET DEFAULT '2000-01-01';\n";
    sandbox.write("work/shop/db/src/entrypoint.sql", source + broken);
    sandbox.database(["deploy"]).success();
    sandbox.database(["test"]).fails(1, ["not ok 1"]);
}

#[test]
fn a_shell_that_sources_the_envrc_has_the_cluster() {
    let mut sandbox = nowhere();
    sandbox.database(["new", "shop"]).success();
    sandbox.go("work/shop");
    for shell in ["sh", "bash"] {
        let script = "set -eu; . ./.envrc; cd db; database psql -XAtc 'SELECT current_user'";
        assert_eq!(sandbox.run(shell, ["-c", script]).success().stdout, "shop\n", "{shell}");
    }
}

#[test]
fn a_flake_has_the_projects_name() {
    let mut sandbox = nowhere();
    let made = sandbox.database(["new", "--nix", "My Café"]).success();
    assert!(made.stderr.contains("nix develop"), "{made}");
    let flake = sandbox.read("work/My Café/flake.nix");
    assert!(flake.contains("postgresql://my_caf@localhost/my_caf?"), "{flake}");
    sandbox.go("work/My Café");
    // without Nix and direnv, the file still works
    let script = ". ./.envrc && database psql -XAtc 'SELECT current_database()'";
    assert_eq!(sandbox.run("sh", ["-c", script]).success().stdout, "my_caf\n");
    // direnv defines `use` and `use_flake` for the file
    let direnv = "use_flake() { :; }; use() { echo \"use $*\"; }; . ./.envrc";
    assert_eq!(sandbox.run("bash", ["-c", direnv]).success().stdout, "use flake\n");
}
