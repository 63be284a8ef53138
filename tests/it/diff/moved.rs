//! Drafts in which a name goes to another object, and parts go to another parent.

use super::draft::proven;

const FREE: &str = "SET hectic.inheritance_extra_excluded_schemas = 'public';";

#[test]
fn a_table_with_another_name_takes_over_the_names_of_the_parts() {
    let table = |name: &str| {
        format!(
            "{FREE}
             CREATE TABLE {name} (id int GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME numbers), b int,
               n int CONSTRAINT n_key UNIQUE, CONSTRAINT key PRIMARY KEY (id));
             CREATE INDEX of_b ON {name} (b);
             CREATE STATISTICS more ON b, n FROM {name};
             CREATE SEQUENCE other OWNED BY {name}.b;
             ALTER TABLE {name} ALTER b SET DEFAULT nextval('other');
             CREATE TABLE uses (n int REFERENCES {name} (n));"
        )
    };
    let [up, _] = proven(&table("old"), &table("new"));
    assert!(!up.contains("Not expressed"), "{up}");
}

#[test]
fn keys_between_partitions_are_drafted() {
    let parts = "CREATE TABLE p (id int PRIMARY KEY, above int) PARTITION BY RANGE (id);
        CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
        CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
        CREATE TABLE p21 PARTITION OF p2 FOR VALUES FROM (10) TO (15);
        ALTER TABLE p ADD FOREIGN KEY (above) REFERENCES p;
        CREATE TABLE q (id int REFERENCES p);";
    proven(FREE, &format!("{FREE}{parts}"));
    // a key keeps a partition of the table to which it refers
    let more = "CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (20) TO (30);";
    proven(&format!("{FREE}{parts}"), &format!("{FREE}{parts}{more}"));
}

#[test]
fn children_declare_what_they_inherit() {
    let parent = "CREATE TABLE p (a int, b int GENERATED ALWAYS AS (a * 2) STORED);";
    let child =
        "CREATE TABLE c (a int, b int GENERATED ALWAYS AS (a * 2) STORED); ALTER TABLE c INHERIT p;
        CREATE TABLE checked (x int, CONSTRAINT k CHECK (x > 0) NOT VALID);
        CREATE TABLE valid (CONSTRAINT k CHECK (x > 0)) INHERITS (checked);";
    let [up, _] = proven(&format!("{FREE}{parent}"), &format!("{FREE}{parent}{child}"));
    assert!(!up.contains("Not expressed"), "{up}");
    let other = "CREATE TABLE p (a bigint, b int GENERATED ALWAYS AS (a * 3) STORED);
        CREATE TABLE free (x int, CONSTRAINT y CHECK (x > 0)); CREATE TABLE joins () INHERITS (free);";
    let before = "CREATE TABLE c () INHERITS (p);
        CREATE TABLE free (x int, CONSTRAINT y CHECK (x > 0)); CREATE TABLE joins (x int);";
    let [up, down] = proven(
        &format!("{FREE}{parent}{before}"),
        &format!("{FREE}{other} CREATE TABLE c () INHERITS (p);"),
    );
    assert!(!up.contains("Not expressed") && !down.contains("Not expressed"), "{up}{down}");
}
