//! Differences that rules set aside.

use super::support::LiveProject;

const RULES: &str = "project/db/diff-ignore.toml";

fn differing() -> LiveProject {
    let live = LiveProject::new("CREATE SCHEMA s;");
    live.change(
        "CREATE SCHEMA extra; CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1';",
    );
    live
}

#[test]
fn a_rule_sets_a_difference_aside_until_it_expires() {
    let live = differing();
    live.diff([]).fails(1, ["2 differences that count"]);
    let rule = "[[ignore]]\nobject = \"schema ext*\"\nreason = \"a tool makes it\"\n";
    live.write(RULES, rule);
    let left = live.diff([]).fails(1, ["1 difference that counts, 0 others, 1 ignored"]);
    assert!(!left.stdout.contains("extra"), "{left}");
    let function =
        "[[ignore]]\nobject = \"function s.f()\"\nclass = \"semantic\"\nreason = \"later\"\n";
    live.write(RULES, format!("{rule}{function}until = 2099-12-31\n"));
    let ignored = live.diff([]).success();
    assert_eq!(ignored.stdout, "");
    assert!(ignored.stderr.contains("2 ignored"), "{ignored}");
    let report = live.report([]);
    assert_eq!(report["ignored"][0]["reason"], "a tool makes it", "{report:#}");
    live.write(RULES, format!("{rule}{function}until = 2020-12-31\n"));
    live.diff([]).fails(1, ["1 difference that counts", "expired on 2020-12-31"]);
}

#[test]
fn rules_can_be_elsewhere_and_have_to_be_rules() {
    let live = differing();
    live.write("rules.toml", "[[ignore]]\nobject = \"*\"\nreason = \"all\"\n");
    live.diff(["--ignore-file", "rules.toml"]).success();
    live.diff(["--ignore-file", "none.toml"]).fails(3, ["none.toml"]);
    live.write(RULES, "[[ignore]]\nobject = \"*\"\n");
    live.diff([]).fails(2, ["missing field `reason`", "diff-ignore.toml"]);
}

#[test]
fn rows_are_set_aside_by_their_table() {
    let table = |name: &str| {
        format!(
            "CREATE TABLE currency (code text PRIMARY KEY, name text) INHERITS (hectic.created_at, hectic.immutable);
             BEGIN; SET LOCAL hectic.migration_mode = 'on'; INSERT INTO currency (code, name) VALUES ('EUR', '{name}'); COMMIT;"
        )
    };
    let live = LiveProject::new(&table("Euro"));
    live.source(&table("euro"));
    live.diff([]).fails(1, ["1 difference"]);
    live.write(RULES, "[[ignore]]\nobject = \"rows public.currency\"\nreason = \"spelling\"\n");
    live.diff([]).success();
}
