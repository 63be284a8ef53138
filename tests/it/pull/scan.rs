//! `--scan`: its proposals contain counts and no values. A pull accepts them, and its rows load.

use super::support::PullProject;

const TABLES: &str = r#"
CREATE TABLE shop.person (id int PRIMARY KEY, name text NOT NULL, contact varchar(60) UNIQUE, phone varchar(20), password text NOT NULL,
  "Home page" text, about text, extra jsonb NOT NULL DEFAULT '{}', raw bytea, seen_from inet, "odd ""key""" text NOT NULL) INHERITS (hectic.created_at);
CREATE TABLE shop.account (email text PRIMARY KEY, kind text REFERENCES shop.kind) INHERITS (hectic.created_at);
CREATE TABLE shop.visit (id int PRIMARY KEY, who varchar(50) REFERENCES shop.account) INHERITS (hectic.created_at);
"#;

const ROWS: &str = r#"
INSERT INTO shop.person (id, name, contact, phone, password, "Home page", about, extra, raw, seen_from, "odd ""key""")
SELECT i, 'Ann Person' || repeat('x', i), CASE WHEN i > 3 THEN 'mail' || i || '@leak.example' END, '+49 171 555' || 1000 + i,
  md5(i::text), 'home' || i, 'this is a long leak about nobody in particular', '{"a": "leak"}', 'leak@leak.example', '10.0.0.1', 'plain' || i
FROM generate_series(1, 40) i;
INSERT INTO shop.account (email, kind) VALUES ('one@leak.example', 'a'), ('two@leak.example', 'b');
INSERT INTO shop.visit (id, who) VALUES (1, 'one@leak.example'), (2, NULL);
"#;

fn people() -> PullProject {
    let pull = PullProject::new();
    pull.ask(TABLES);
    pull.on_staging(&format!("{TABLES}{ROWS}"));
    pull
}

#[test]
fn proposals_have_counts_and_no_values() {
    let pull = people();
    let scan = pull.pull(["--scan"]).success();
    let says = |lines: &str| assert!(scan.stdout.contains(lines), "{lines}\n{scan}");
    says("\n[table.\"shop.person\"]\n");
    says("# e-mail in 37 of 37 sampled\ncontact = { sql = ");
    says("# phone by its name; phone in 40 of 40 sampled\nphone = { sql = ");
    says("# name of a person by its name; name of a person in 40 of 40 sampled\nname = \"hash\"\n");
    says("password = { fixed = \"\" }\n");
    says("# nothing found in 40 sampled\n\"Home page\" = \"keep\"\n");
    says("\"odd \\\"key\\\"\" = \"keep\"\n");
    says("about = \"null\"\n");
    says("# JSON by its type; JSON in 40 of 40 sampled\nextra = { fixed = \"{}\" }\n");
    says("# e-mail in 40 of 40 sampled\nraw = \"null\"\n");
    says("seen_from = \"null\"\n");
    for value in ["leak", "Ann", "555", "plain", "10.0"] {
        assert!(!format!("{scan}").contains(value), "{value}: {scan}");
    }
    assert!(
        !pull.path("project/staging.toml").exists() && !pull.path("project/test-data.sql").exists()
    );
}

#[test]
fn both_sides_of_a_foreign_key_are_decided_alike() {
    let pull = people();
    let scan = pull.pull(["--scan"]).success();
    let decision = |key: &str| {
        let found =
            scan.stdout.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        found.unwrap_or_else(|| panic!("{key}: {scan}")).replace("t.email", "t.who").to_owned()
    };
    assert_eq!(decision("email"), decision("who"));
    assert!(decision("who").contains("'hex'), 50)"), "{scan}");
    assert_eq!((decision("kind"), decision("code")), ("\"keep\"".into(), "\"keep\"".into()));
    pull.write("project/staging.toml", "[table.\"shop.account\"]\nemail = \"hash\"\n");
    let scan = pull.pull(["--scan"]).success();
    assert!(scan.stdout.contains("\nwho = \"hash\"\n"), "{scan}");
    assert!(!scan.stdout.contains("\nemail ="), "decided columns are left out: {scan}");
    assert!(
        scan.stderr.contains("1 have a decision") && scan.stderr.contains("shop.account"),
        "{scan}"
    );
}

#[test]
fn what_is_proposed_is_taken_and_loads() {
    let pull = people();
    let scan = pull.pull(["--scan"]).success();
    pull.write("project/staging.toml", &scan.stdout);
    pull.pull([]).success();
    assert!(!pull.patch().contains("leak"), "{}", pull.patch());
    pull.database(["patch"]).success();
    let joined = "SELECT count(*) FROM shop.visit JOIN shop.account ON email = who";
    assert_eq!(pull.ask(joined), "1");
    let again = pull.pull(["--scan"]).success();
    assert!(!again.stdout.contains('['), "nothing is open: {again}");
    assert!(again.stderr.contains("columns proposed: 0"), "{again}");
}

#[test]
fn large_tables_are_sampled() {
    let mut pull = PullProject::new();
    pull.on_staging("CREATE TABLE shop.large (v text) INHERITS (hectic.created_at); INSERT INTO shop.large (v) SELECT CASE WHEN i > 60000 THEN 'a@b.example' ELSE 'x' END AS v FROM generate_series(1, 100000) i; ANALYZE shop.large");
    pull.set("STAGING_DUMP_TABLES", "shop.large");
    let scan = pull.pull(["--scan"]).success();
    assert!(scan.stdout.contains("# e-mail in "), "{scan}");
    assert!(!scan.stdout.contains("of 100000"), "{scan}");
}

#[test]
fn a_scan_goes_alone() {
    let mut pull = PullProject::new();
    pull.pull(["--scan", "--limit", "shop.log=1"]).fails(2, ["--limit"]);
    pull.set("STAGING_DUMP_FLAGS", "--schema-only");
    pull.pull(["--scan"]).fails(2, ["--scan", "--schema-only"]);
    pull.set("STAGING_DUMP_TABLES", "shop.absent");
    pull.set("STAGING_DUMP_FLAGS", "");
    pull.pull(["--scan"]).fails(5, ["shop.absent"]);
}

#[test]
fn tables_that_may_not_be_read_are_all_named() {
    let mut pull = PullProject::new();
    pull.write("project/test-data.sql", "old\n");
    pull.ask("CREATE ROLE reader LOGIN");
    pull.on_staging(
        "GRANT USAGE ON SCHEMA shop, hectic TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA shop, hectic TO reader;
         GRANT SELECT ON ALL SEQUENCES IN SCHEMA shop TO reader;
         REVOKE SELECT ON shop.log, shop.egg FROM reader; REVOKE SELECT ON SEQUENCE shop.customer_id_seq FROM reader;
         ALTER TABLE shop.kind ENABLE ROW LEVEL SECURITY;
         REVOKE SELECT ON shop.chicken FROM reader; GRANT SELECT (id) ON shop.chicken TO reader",
    );
    pull.as_role("reader");
    let all = ["shop.log: ", "shop.egg: ", "shop.customer_id_seq", "shop.kind: row-level security"];
    for arguments in [[].as_slice(), &["--scan"]] {
        let arguments = ["pull_staging"].iter().chain(arguments);
        pull.run("database", arguments).fails(1, all);
    }
    pull.set("STAGING_DUMP_FLAGS", "-T shop.log -T shop.egg -T shop.customer -T shop.kind");
    pull.pull([]).fails(1, ["shop.chicken: columns may not be read", "egg"]);
    assert_eq!(pull.patch(), "old\n");
}
