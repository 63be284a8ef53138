//! NOT NULL as a constraint: of domains since PostgreSQL 17, of columns since 18.

use super::draft::proven;
use super::support::LiveProject;

fn release(live: &LiveProject) -> u32 {
    live.ask("SELECT current_setting('server_version_num')::int / 10000").parse().unwrap()
}

#[test]
fn the_name_of_not_null_is_a_name_only() {
    let sql = "CREATE TABLE t (a int CONSTRAINT one NOT NULL, b int NOT NULL, c int);
               CREATE DOMAIN d AS int CONSTRAINT one NOT NULL;
               CREATE TABLE child () INHERITS (t);";
    let exempt = "SET hectic.inheritance_extra_excluded_schemas = 'public';";
    let live = LiveProject::new(&format!("{exempt}{sql}"));
    live.silent();
    live.dump_and_load().silent();
    let (column, domain) = (release(&live) >= 18, release(&live) >= 17);
    live.change(&format!(
        "{exempt} DROP TABLE t CASCADE; DROP DOMAIN d; {}",
        sql.replace("one", "\"the Other\"")
    ));
    let expected = [
        (domain, "name-only ~ domain public.d not null constraint"),
        (column, "name-only ~ column public.t.a not null constraint"),
    ];
    let there = expected.iter().filter(|(is_there, _)| *is_there).map(|(_, line)| *line);
    assert_eq!(live.schema(), there.collect::<Vec<_>>());
    live.diff([]).success();
    // without NOT NULL there is no constraint whose name could differ
    live.change("ALTER TABLE t ALTER COLUMN a DROP NOT NULL;");
    assert!(live.schema().contains(&"semantic ~ column public.t.a not null".to_owned()));
    assert!(!live.schema().iter().any(|line| line.contains("t.a not null constraint")));
}

#[test]
fn a_draft_renames_not_null() {
    let table = |names: [&str; 3]| {
        let [a, b, d] = names;
        format!(
            "SET hectic.inheritance_extra_excluded_schemas = 'public';
             CREATE TABLE t (a int {a} NOT NULL, b int {b} NOT NULL); CREATE DOMAIN d AS int {d} NOT NULL;
             CREATE TABLE needed (x int);"
        )
    };
    let before = table(["CONSTRAINT one", "", "CONSTRAINT one"]);
    let after = table(["CONSTRAINT \"the Other\"", "CONSTRAINT two", ""])
        .replace("x int", "x int CONSTRAINT three NOT NULL");
    let [up, down] = proven(&before, &after);
    let is_named = up.contains("RENAME CONSTRAINT");
    assert_eq!(up.contains("ALTER TABLE public.t RENAME CONSTRAINT one TO \"the Other\";"), {
        is_named && up.contains("ALTER TABLE public.needed ADD CONSTRAINT three NOT NULL x;")
    });
    assert_eq!(down.contains("ALTER DOMAIN public.d RENAME CONSTRAINT d_not_null TO one;"), {
        up.contains("ALTER DOMAIN public.d RENAME CONSTRAINT one TO d_not_null;")
    });
}

#[test]
fn a_draft_knows_not_null_of_some_rows_and_no_children() {
    let live = LiveProject::new("");
    if release(&live) < 18 {
        return;
    }
    let table = |name: &str, rest: &str| {
        format!(
            "SET hectic.inheritance_extra_excluded_schemas = 'public';
             CREATE TABLE {name} (a int NOT NULL, b int NOT NULL, c int, d int NOT NULL); {rest}"
        )
    };
    let plain = "ALTER TABLE t ADD CONSTRAINT later NOT NULL c NOT VALID;";
    let other = "ALTER TABLE t ALTER CONSTRAINT t_a_not_null NO INHERIT;
                 ALTER TABLE t ALTER COLUMN b DROP NOT NULL;
                 ALTER TABLE t ADD CONSTRAINT two NOT NULL b NOT VALID;
                 ALTER TABLE t ADD CONSTRAINT later NOT NULL c;
                 CREATE TABLE u (a int NOT NULL NO INHERIT, b int CONSTRAINT u1 NOT NULL);
                 CREATE TABLE v () INHERITS (u);
                 CREATE TABLE w (a int, b int);
                 ALTER TABLE w ADD CONSTRAINT w1 NOT NULL a NO INHERIT NOT VALID;";
    let [up, _] = proven(&table("t", plain), &table("t", other));
    for statement in [
        "ALTER TABLE public.t ALTER CONSTRAINT t_a_not_null NO INHERIT;",
        "ALTER TABLE public.t ADD NOT NULL b NOT VALID;",
        "ALTER TABLE public.t RENAME CONSTRAINT t_b_not_null TO two;",
        "ALTER TABLE public.t VALIDATE CONSTRAINT later;",
        "a integer NOT NULL NO INHERIT,",
        "b integer CONSTRAINT u1 NOT NULL",
        "ALTER TABLE public.w ADD CONSTRAINT w1 NOT NULL a NO INHERIT NOT VALID;",
    ] {
        assert!(up.contains(statement), "{statement}\n{up}");
    }
}
