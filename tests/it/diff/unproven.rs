//! Drafts that fail their proof, and the roles that they may lack.

use super::draft::{EVERYTHING, FIRST, project, write, written};
use crate::support::trace::nothing_left;

#[test]
fn a_rejected_draft_is_saved_beside_the_migrations_with_the_reason() {
    let sandbox = project(
        "CREATE TABLE t (a int) INHERITS (hectic.created_at);",
        "CREATE TABLE t (a int, b int) INHERITS (hectic.created_at);
         SELECT lo_create(4711);",
    );
    let words = ["its up leaves differences", "+ large objects all", "db/rejected/more has the"];
    let failed = write(&sandbox, "more").fails(1, words);
    assert!(failed.stdout.contains("+ large objects all  [semantic]"), "{failed}");
    assert!(!failed.stderr.contains("ADD COLUMN"), "{failed}");
    assert_eq!(written(&sandbox), [""; 0]);
    let read = |file: &str| sandbox.read(&format!("project/db/rejected/{file}"));
    let up = read("more/up.sql");
    assert!(
        up.contains("--   + large objects all") && up.contains("ADD COLUMN b integer;"),
        "{up}"
    );
    assert!(read("more/down.sql").contains("DROP COLUMN b;"));
    let reason = read("more/reason.txt");
    assert!(
        reason.contains("its up leaves differences") && reason.contains("+ large objects"),
        "{reason}"
    );
    assert_eq!(read(".gitignore"), "*\n");
    // what somebody has edited stays
    sandbox.write("project/db/rejected/more/up.sql", "-- mine\n");
    write(&sandbox, "more").fails(1, ["db/rejected/more-2 has the"]);
    assert_eq!(read("more/up.sql"), "-- mine\n");
    write(&sandbox, "more").fails(1, ["db/rejected/more-2 has the"]);
    // without a place for the draft, its reason is told
    std::fs::remove_dir_all(sandbox.path("project/db/rejected")).unwrap();
    sandbox.write("project/db/rejected", "a file");
    write(&sandbox, "more").fails(1, ["its up leaves differences", "could not be saved"]);
    nothing_left(&sandbox);
    // diff does not know beforehand which rows the statements will meet
    let sandbox = project(
        "CREATE TABLE t (a int) INHERITS (hectic.created_at); INSERT INTO t (a) VALUES (1);",
        "CREATE TABLE t (a int, b int NOT NULL) INHERITS (hectic.created_at);",
    );
    write(&sandbox, "more").fails(1, ["its up fails", "contains null values"]);
    assert_eq!(written(&sandbox), [""; 0]);
    nothing_left(&sandbox);
}

#[test]
fn roles_that_are_missing_are_listed_or_made() {
    let table = "CREATE TABLE t (a int) INHERITS (hectic.created_at);";
    let sandbox = project(
        table,
        &format!(
            "CREATE ROLE \"Some group\" NOLOGIN CREATEDB; CREATE ROLE reader LOGIN NOINHERIT CONNECTION LIMIT 3 PASSWORD 'x';
             CREATE ROLE idle; GRANT \"Some group\" TO reader; {table} GRANT SELECT ON t TO reader;"
        ),
    );
    let role = "CREATE ROLE reader NOINHERIT LOGIN CONNECTION LIMIT 3";
    let words = ["its up fails: role \"reader\" does not exist", role, "--with-roles"];
    let failed = write(&sandbox, "x").fails(1, words);
    assert!(!failed.stderr.contains("idle"), "{failed}");
    assert_eq!(written(&sandbox), [""; 0]);
    assert!(sandbox.read("project/db/rejected/x/reason.txt").contains(role));
    let all = ["diff", "--from-migrations", "--write-migration", "x", "--with-roles"];
    sandbox.database(all).fails(1, ["wrote "]);
    let up = sandbox.read(&format!("project/db/migration/{}/up.sql", written(&sandbox)[0]));
    assert!(up.contains(role) && up.contains("GRANT \"Some group\" TO reader;"), "{up}");
    assert!(!up.contains("idle") && !up.contains("PASSWORD"), "{up}");
    sandbox.database(["diff", "--from-migrations"]).success();
    // up, down, and up again
    sandbox.write(&format!("{FIRST}/down.sql"), EVERYTHING);
    sandbox.run("migrator", ["verify"]).success();
    nothing_left(&sandbox);
    sandbox.database(["diff", "--from-migrations", "--with-roles"]).fails(3, []);
}
