//! Objects around the rows: triggers, rules, constraints, and the search path of functions.

use super::hostile::wild;
use super::support::PullProject;

const INTO: &str = "--into-database";

/// The triggers and rules that fire here, and the constraints that are checked.
const AROUND: &str = "
SELECT string_agg(x, E'\\n' ORDER BY x) FROM (
  SELECT concat_ws(' ', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT concat_ws(' ', ev_class::regclass, rulename, ev_enabled) FROM pg_rewrite WHERE oid > 16384
  UNION ALL SELECT concat_ws(' ', conrelid::regclass, contypid::regtype, conname, pg_get_constraintdef(oid), convalidated, conislocal, coninhcount,
    connoinherit, obj_description(oid, 'pg_constraint')) FROM pg_constraint WHERE oid > 16384) AS f (x)";

/// Loads the rows from the file, twice, and then with `--into-database`. After each, `table` is the
/// same on both sides, and nothing around it has changed.
#[track_caller]
fn loads(pull: &PullProject, tables: &[&str]) {
    let before = pull.ask(AROUND);
    pull.pull([]).success();
    for load in [["patch", "-q"], ["patch", "-q"], ["pull_staging", INTO]] {
        pull.database(load).success();
        tables.iter().for_each(|table| pull.same(table));
        assert_eq!(pull.ask(AROUND), before, "{load:?}");
    }
}

/// The same with empty tables here.
#[track_caller]
fn fills(pull: &PullProject, tables: &[&str]) {
    let before = pull.ask(AROUND);
    let truncate = tables.join(", ");
    pull.ask(&format!(
        "BEGIN; SET LOCAL session_replication_role = replica; TRUNCATE {truncate}; COMMIT"
    ));
    pull.pull([INTO]).success();
    tables.iter().for_each(|table| pull.same(table));
    assert_eq!(pull.ask(AROUND), before);
}

#[test]
fn what_a_trigger_did_on_staging_is_not_done_again() {
    let schema = "CREATE TABLE wild.a_post (id int PRIMARY KEY, comments int NOT NULL DEFAULT 0);
        CREATE TABLE wild.comment (id int PRIMARY KEY, post int REFERENCES wild.a_post ON DELETE CASCADE); CREATE TABLE wild.audit (what text);
        CREATE TABLE wild.stamped (id int PRIMARY KEY) INHERITS (hectic.updated_at, hectic.immutable);
        CREATE TABLE wild.part (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE wild.part_1 PARTITION OF wild.part DEFAULT;
        CREATE FUNCTION wild.count() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE wild.a_post SET comments = comments + 1 WHERE id = NEW.post; RETURN NULL; END $$;
        CREATE FUNCTION wild.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO wild.audit VALUES (TG_RELID::regclass || TG_OP); RETURN NULL; END $$;
        CREATE TRIGGER counts AFTER INSERT ON wild.comment FOR EACH ROW EXECUTE FUNCTION wild.count();
        CREATE TRIGGER notes AFTER INSERT OR UPDATE OR DELETE ON wild.comment FOR EACH ROW EXECUTE FUNCTION wild.note(); ALTER TABLE wild.comment ENABLE ALWAYS TRIGGER notes;
        CREATE TRIGGER truncated AFTER TRUNCATE ON wild.comment EXECUTE FUNCTION wild.note();
        CREATE CONSTRAINT TRIGGER late AFTER INSERT ON wild.a_post DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wild.note();
        CREATE TRIGGER \"Part\" AFTER INSERT OR DELETE ON wild.part FOR EACH ROW EXECUTE FUNCTION wild.note(); ALTER TABLE wild.part_1 ENABLE ALWAYS TRIGGER \"Part\";
        CREATE TRIGGER own AFTER INSERT ON wild.part_1 FOR EACH ROW EXECUTE FUNCTION wild.note();
        CREATE TRIGGER off AFTER INSERT ON wild.comment FOR EACH ROW EXECUTE FUNCTION wild.note(); ALTER TABLE wild.comment DISABLE TRIGGER off;
        CREATE TRIGGER replica AFTER INSERT ON wild.a_post FOR EACH ROW EXECUTE FUNCTION wild.note(); ALTER TABLE wild.a_post ENABLE REPLICA TRIGGER replica;
        CREATE RULE also AS ON INSERT TO wild.a_post DO ALSO INSERT INTO wild.audit VALUES ('rule');
        CREATE RULE always AS ON DELETE TO wild.a_post DO INSTEAD NOTHING; ALTER TABLE wild.a_post ENABLE ALWAYS RULE always";
    let rows = "INSERT INTO wild.a_post VALUES (1), (2); INSERT INTO wild.comment VALUES (1, 1), (2, 1); INSERT INTO wild.part VALUES (1), (2); INSERT INTO wild.stamped VALUES ('2020-01-01', 7)";
    let pull = wild(schema, rows);
    let tables = ["wild.a_post", "wild.comment", "wild.audit", "wild.stamped", "wild.part"];
    loads(&pull, &tables);
    fills(&pull, &tables);
}

#[test]
fn a_trigger_that_only_another_role_can_disable_is_told() {
    let schema = "CREATE TABLE wild.a (id int PRIMARY KEY, n int); CREATE TABLE wild.b (id int PRIMARY KEY);
        CREATE FUNCTION wild.count() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN UPDATE wild.a SET n = n + 1; RETURN NULL; END';
        CREATE TRIGGER counts AFTER INSERT ON wild.b FOR EACH ROW EXECUTE FUNCTION wild.count(); CREATE RULE \"No\" AS ON UPDATE TO wild.b DO INSTEAD NOTHING";
    let mut pull = wild(schema, "INSERT INTO wild.a VALUES (1, 0); INSERT INTO wild.b VALUES (1)");
    pull.ask("CREATE ROLE loader LOGIN; GRANT USAGE, CREATE ON SCHEMA wild TO loader; ALTER TABLE wild.a OWNER TO loader; GRANT ALL ON wild.b TO loader");
    pull.pull([]).success();
    let url = pull.variable("DB_URL").unwrap().to_string_lossy().replace("dev@", "loader@");
    pull.set("DB_URL", url);
    let told = ["TRIGGER counts", "RULE \"No\"", "only its owner can disable"];
    pull.database(["patch"])
        .fails(1, [told[0], told[1], told[2], "table wild.a: of 1 pulled rows only 0"]);
    pull.pull([INTO]).fails(1, [told[0], told[1], told[2], "wild.a: the 1 rows here differ"]);
    assert_eq!(pull.ask("SELECT count(*) FROM wild.a"), "0", "in one transaction");
    pull.ask("DROP TRIGGER counts ON wild.b");
    pull.database(["patch"]).success();
    pull.pull([INTO]).success();
}

#[test]
fn rows_may_be_older_than_a_constraint() {
    let schema = "CREATE TABLE wild.checked (id int PRIMARY KEY, n int); CREATE TABLE wild.heir (own int, PRIMARY KEY (id)) INHERITS (wild.checked);
        CREATE TABLE wild.late_heir (PRIMARY KEY (id)) INHERITS (wild.heir);
        CREATE TABLE wild.parted (id int PRIMARY KEY, n int) PARTITION BY RANGE (id); CREATE TABLE wild.part_1 PARTITION OF wild.parted FOR VALUES FROM (0) TO (10);
        CREATE TABLE wild.part_2 PARTITION OF wild.parted DEFAULT; CREATE TABLE wild.target (id int PRIMARY KEY);
        CREATE TABLE wild.refers (id int PRIMARY KEY, target int, other int); CREATE DOMAIN wild.positive AS int; CREATE TABLE wild.domained (id int PRIMARY KEY, p wild.positive)";
    let rows = "INSERT INTO wild.checked VALUES (1, 0); INSERT INTO wild.heir VALUES (2, 0, 1); INSERT INTO wild.late_heir VALUES (3, 5, 1); INSERT INTO wild.parted VALUES (1, 0), (11, 5);
        INSERT INTO wild.target VALUES (1); INSERT INTO wild.refers VALUES (1, 7, 7); INSERT INTO wild.domained VALUES (1, -1)";
    let constraints = "ALTER TABLE wild.heir ADD CONSTRAINT k CHECK (n > 0) NOT VALID; ALTER TABLE wild.checked ADD CONSTRAINT k CHECK (n > 0) NOT VALID; \
        COMMENT ON CONSTRAINT k ON wild.checked IS 'it''s'; COMMENT ON CONSTRAINT k ON wild.late_heir IS 'late'; ALTER TABLE wild.late_heir VALIDATE CONSTRAINT k; \
        ALTER TABLE wild.checked ADD CONSTRAINT alone CHECK (n > 1) NO INHERIT NOT VALID; \
        ALTER TABLE wild.parted ADD CONSTRAINT k CHECK (n > 0) NOT VALID; ALTER TABLE wild.part_2 VALIDATE CONSTRAINT k; \
        ALTER TABLE wild.refers ADD FOREIGN KEY (target) REFERENCES wild.target NOT VALID; ALTER TABLE wild.refers ADD CONSTRAINT \"Far\" FOREIGN KEY (other) REFERENCES shop.egg NOT VALID; \
        ALTER DOMAIN wild.positive ADD CONSTRAINT p CHECK (VALUE > 0) NOT VALID; COMMENT ON CONSTRAINT p ON DOMAIN wild.positive IS 'p'";
    let mut pull = wild(schema, rows);
    pull.ask(constraints);
    pull.on_staging(constraints);
    let tables = ["wild.checked", "wild.heir", "wild.late_heir", "wild.parted"];
    let tables = tables.into_iter().chain(["wild.target", "wild.refers", "wild.domained"]);
    let tables: Vec<_> = tables.collect();
    loads(&pull, &tables);
    fills(&pull, &tables);
    for alone in ["wild.heir", "wild.late_heir", "wild.part_1", "wild.part_2", "wild.refers"] {
        pull.set("STAGING_DUMP_TABLES", alone);
        loads(&pull, &[alone]);
    }
    let refused = "INSERT INTO wild.late_heir VALUES (9, 0)";
    pull.run("database", ["psql", "-c", refused]).fails(1, ["violates check constraint"]);
    pull.on_staging("ALTER TABLE wild.late_heir DISABLE TRIGGER ALL, DROP CONSTRAINT IF EXISTS none; ALTER TABLE wild.heir NO INHERIT wild.checked; ALTER TABLE wild.late_heir NO INHERIT wild.heir; ALTER TABLE wild.late_heir DROP CONSTRAINT k; UPDATE wild.late_heir SET n = -1");
    pull.set("STAGING_DUMP_TABLES", "wild.late_heir");
    pull.pull([]).success();
    pull.database(["patch"]).fails(1, ["\"k\"", "wild", "late_heir"]);
}

#[test]
fn functions_find_what_they_always_find() {
    let schema = "SET search_path = wild, public; CREATE TABLE wild.dict (val text PRIMARY KEY); CREATE FUNCTION wild.helper(v text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(v)';
        CREATE FUNCTION wild.slug(v text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN helper(v); END';
        CREATE FUNCTION wild.known(v text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT EXISTS (SELECT FROM dict WHERE val = v)';
        CREATE DOMAIN wild.tag AS text CHECK (wild.slug(VALUE) <> 'x');
        CREATE TABLE wild.data (id int PRIMARY KEY, val text NOT NULL CHECK (wild.known(val)), s text GENERATED ALWAYS AS (wild.slug(val)) STORED, t wild.tag, c wild.tag[]);
        CREATE INDEX ON wild.data (wild.slug(val)) WHERE wild.slug(val) <> 'y'; CREATE TABLE wild.log (i int);
        CREATE FUNCTION wild.fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (1); RETURN NEW; END'; CREATE TRIGGER f BEFORE INSERT ON wild.data FOR EACH ROW EXECUTE FUNCTION wild.fire()";
    let rows = "INSERT INTO wild.dict VALUES ('A'), ('B'); INSERT INTO wild.data (id, val, t, c) VALUES (1, 'A', 'a', '{b,c}'), (2, 'B', 'b', NULL)";
    let mut pull = wild(schema, rows);
    pull.ask("ALTER DATABASE app SET search_path = wild, public");
    loads(&pull, &["wild.dict", "wild.data", "wild.log"]);
    fills(&pull, &["wild.dict", "wild.data", "wild.log"]);
    pull.ask("ALTER DATABASE app RESET search_path; ALTER ROLE dev SET search_path = wild; ALTER ROLE CURRENT_USER SET search_path = wild");
    pull.set("STAGING_DUMP_FLAGS", "--inserts");
    pull.on_staging("DELETE FROM wild.data WHERE id = 2");
    pull.pull([]).success();
    pull.ask("TRUNCATE wild.data, wild.dict");
    pull.database(["patch"]).success();
    pull.same("wild.data");
}

#[test]
fn nobody_stands_between_a_pull_and_its_operators() {
    let evil = "CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC;
        CREATE FUNCTION evil.trap(anyelement, anyelement) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
        CREATE FUNCTION evil.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
        CREATE OPERATOR evil.= (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = evil.trap); CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.trap);
        CREATE OPERATOR evil.>= (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = evil.trap); CREATE OPERATOR evil.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.trap);
        CREATE FUNCTION evil.format(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
        CREATE FUNCTION evil.to_regclass(text) RETURNS regclass LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
        CREATE FUNCTION evil.count(text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
        CREATE DOMAIN evil.text AS pg_catalog.text CHECK (VALUE = 'trapped'); CREATE DOMAIN evil.oid AS pg_catalog.oid CHECK (false); CREATE DOMAIN evil.\"int8\" AS pg_catalog.int8 CHECK (false);";
    let mut pull = PullProject::new();
    pull.file("app", evil);
    pull.file("staging", evil);
    for database in ["app", "staging"] {
        let path = format!("ALTER DATABASE {database} SET search_path = evil, pg_catalog, shop");
        pull.ask_in("postgres", &path);
    }
    for options in [
        ["--closure", "--where=shop.customer=t.id OPERATOR(pg_catalog.>) 0"],
        ["--where=shop.log=true", "--since=created_at"],
        ["--where=shop.every=true", "--limit=shop.kind=2"],
    ] {
        pull.set("STAGING_DUMP_FLAGS", "");
        pull.pull(options).success();
        pull.database(["patch"]).success();
        if !options[1].contains("since") {
            pull.pull([INTO, options[0], options[1]]).success();
        }
        pull.set("STAGING_DUMP_FLAGS", "--column-inserts");
        pull.pull(options).success();
        pull.database(["patch"]).success();
    }
}

#[test]
fn conditions_and_masks_mean_what_they_mean_on_staging() {
    let schema = "CREATE FUNCTION wild.helper(v text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(v)';
        CREATE FUNCTION wild.slug(v text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN helper(v); END';
        CREATE TYPE wild.kind AS ENUM ('x', 'y'); CREATE TABLE wild.thing (id int PRIMARY KEY, k wild.kind, n text)";
    let pull = wild(schema, "INSERT INTO wild.thing VALUES (1, 'x', 'A'), (2, 'y', 'B')");
    pull.on_staging("ALTER DATABASE staging SET search_path = wild, public");
    for condition in ["k = 'x'::kind", "slug(n) = 'a'", "id IN (SELECT min(id) FROM thing)"] {
        pull.ask("TRUNCATE wild.thing");
        let condition = format!("--where=wild.thing={condition}");
        let checked = pull.pull(["--check", &condition]).success();
        assert!(!checked.stderr.contains("does not exist"), "{checked}");
        pull.pull([INTO, &condition]).success();
        assert_eq!(pull.ask("SELECT string_agg(n, ' ') FROM wild.thing"), "A", "{condition}");
    }
    pull.write("project/staging.toml", "[table.\"wild.thing\"]\nn = { sql = \"slug(t.n)\" }\n");
    pull.pull([INTO]).success();
    assert_eq!(pull.ask("SELECT string_agg(n, ' ' ORDER BY n) FROM wild.thing"), "a b");
}

#[test]
fn rows_are_exchanged_by_what_their_index_calls_equal() {
    let class = |sign: &str, compare: &str| {
        format!(
            "CREATE FUNCTION wild.f{compare}(a text, b text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT lower(a) {sign} lower(b)';
            CREATE OPERATOR wild.{sign} (LEFTARG = text, RIGHTARG = text, FUNCTION = wild.f{compare});"
        )
    };
    let operators = [("<", "lt"), ("<=", "le"), ("=", "eq"), (">=", "ge"), (">", "gt")];
    let schema = operators.map(|(sign, name)| class(sign, name)).join("\n")
        + "CREATE FUNCTION wild.compare(a text, b text) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT CASE WHEN lower(a) < lower(b) THEN -1 WHEN lower(a) > lower(b) THEN 1 ELSE 0 END';
        CREATE OPERATOR CLASS wild.caseless FOR TYPE text USING btree AS OPERATOR 1 wild.<, OPERATOR 2 wild.<=, OPERATOR 3 wild.=, OPERATOR 4 wild.>=, OPERATOR 5 wild.>, FUNCTION 1 wild.compare(text, text);
        CREATE TABLE wild.word (w text NOT NULL, n int); CREATE UNIQUE INDEX ON wild.word (w wild.caseless)";
    let pull = wild(&schema, "INSERT INTO wild.word VALUES ('A', 1), ('b', 2)");
    pull.ask("INSERT INTO wild.word VALUES ('a', 7), ('B', 7)");
    loads(&pull, &["wild.word"]);
}

#[test]
fn a_table_without_partitions_is_pulled() {
    let schema = "CREATE TABLE wild.thing (id int PRIMARY KEY); CREATE TABLE wild.void (id int, t text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
        CREATE TABLE wild.refers (id int PRIMARY KEY, v int REFERENCES wild.void)";
    let mut pull =
        wild(schema, "INSERT INTO wild.thing VALUES (1); INSERT INTO wild.refers VALUES (1, NULL)");
    pull.pull(["--check"]).success();
    pull.pull(["--scan"]).success();
    pull.pull(["--closure", "--limit", "wild.refers=1"]).success();
    pull.database(["patch"]).success();
    loads(&pull, &["wild.thing", "wild.refers"]);
    // no partition here takes the row
    pull.on_staging("CREATE TABLE wild.part PARTITION OF wild.void DEFAULT; INSERT INTO wild.void VALUES (1, 'x')");
    pull.set("STAGING_DUMP_TABLES", "wild.void");
    pull.pull([]).success();
    pull.database(["patch"]).fails(1, ["no partition", "void"]);
}
