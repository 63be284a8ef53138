//! `staging.toml`: db-tool masks values before they leave staging, and refuses columns without a
//! decision.

use super::support::PullProject;

const DECISIONS: &str = r#"
[table."shop.customer"]
name = "hash"
boss = "null"
[table."shop.\"Order Line\""]
what = { fixed = "it's @where@ \\ nothing" }
[table."shop.log"]
line = { sql = "upper(t.line) -- a comment" }
"#;

fn masked(decisions: &str) -> PullProject {
    let mut pull = PullProject::new();
    pull.set(
        "STAGING_DUMP_TABLES",
        "shop.customer shop.log shop.\"Order Line\" shop.chicken shop.egg",
    );
    pull.write("project/staging.toml", decisions);
    pull
}

#[test]
fn values_are_masked_on_staging() {
    let mut pull = masked(DECISIONS);
    for flags in ["", "--inserts"] {
        pull.set("STAGING_DUMP_FLAGS", flags);
        pull.pull(["--where", "shop.log=line IS NOT NULL"]).success();
        let patch = pull.patch();
        assert!(!patch.contains("Ann") && !patch.contains("Bob"), "{patch}");
        pull.database(["patch"]).success();
        let hashed = "SELECT name = encode(sha256('Ann'), 'hex') AND boss IS NULL FROM shop.customer WHERE id = 1";
        assert_eq!(pull.ask(hashed), "t");
        let fixed = "SELECT DISTINCT what FROM shop.\"Order Line\"";
        assert_eq!(pull.ask(fixed), "it's @where@ \\ nothing");
        assert_eq!(pull.ask("SELECT string_agg(line, '') FROM shop.log"), "XX");
    }
}

#[test]
fn a_column_without_a_decision_stops_the_pull() {
    let pull = masked(&DECISIONS.replace("name = \"hash\"\n", ""));
    pull.write("project/test-data.sql", "old\n");
    let failed = pull.pull([]).fails(2, ["shop.customer.\"name\"", "without a decision"]);
    assert!(!failed.stderr.contains("boss") && !failed.stderr.contains("chicken"), "{failed}");
    pull.on_staging("ALTER TABLE shop.chicken ADD COLUMN notes json[]");
    pull.pull([]).fails(2, ["shop.chicken.\"notes\""]);
    assert_eq!(pull.patch(), "old\n");
}

#[test]
fn decisions_have_to_mean_something() {
    for (wrong, said) in [
        ("[table.\"shop.log\"]\nabsent = \"keep\"", "absent"),
        ("[table.\"shop.log\"]\nline = \"shred\"", "staging.toml"),
        ("[tables]\n", "tables"),
        (
            "[table.\"shop.*\"]\ncreated_at = \"keep\"\n[table.\"shop.log\"]\ncreated_at = \"keep\"",
            "twice",
        ),
    ] {
        masked(wrong).pull([]).fails(2, [said]);
    }
    let mut pull = masked(DECISIONS);
    pull.set("STAGING_DUMP_FLAGS", "--schema-only");
    pull.pull([]).fails(2, ["staging.toml", "--schema-only"]);
}
