//! A project and its staging: another database of the same cluster, with a schema of its own.

use crate::support::project::deployed;
use crate::support::{Outcome, Sandbox, psql};

/// A schema with everything that a pull has to handle; the same on both sides.
pub const SCHEMA: &str = r#"
CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('low', 'high');
CREATE DOMAIN shop.short AS text CHECK (length(VALUE) < 70);
CREATE TYPE shop.pair AS (a int, b text);
CREATE TABLE shop.customer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name shop.short NOT NULL,
  loud text GENERATED ALWAYS AS (upper(name::text)) STORED, boss bigint REFERENCES shop.customer) INHERITS (hectic.created_at);
CREATE TABLE shop."Order Line" ("Nr" serial PRIMARY KEY, customer bigint NOT NULL REFERENCES shop.customer ON DELETE CASCADE,
  what text) INHERITS (hectic.created_at);
CREATE TABLE shop.chicken (id int PRIMARY KEY, egg int) INHERITS (hectic.created_at);
CREATE TABLE shop.egg (id int PRIMARY KEY, chicken int REFERENCES shop.chicken) INHERITS (hectic.created_at);
ALTER TABLE shop.chicken ADD FOREIGN KEY (egg) REFERENCES shop.egg;
CREATE TABLE shop.kind (code text PRIMARY KEY) INHERITS (hectic.created_at, hectic.immutable);
CREATE TABLE shop.log (line text, at timestamptz) INHERITS (hectic.created_at);
CREATE TABLE shop.measure (day date, v int, created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (day)) PARTITION BY RANGE (day);
CREATE TABLE shop.measure_1 PARTITION OF shop.measure FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE shop.measure_2 PARTITION OF shop.measure FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE TABLE shop.every (id uuid PRIMARY KEY, b boolean, i2 int2, f4 float4, f8 float8, n numeric, t text, c char(5), by bytea,
  ts timestamptz, iv interval, j json, jb jsonb, a int[], r int4range, m shop.mood, p shop.pair, ip inet, mo money, x xml,
  v varbit, pt point) INHERITS (hectic.created_at);
"#;

/// The rows of staging.
const ROWS: &str = r#"
INSERT INTO shop.customer (name, boss) VALUES ('Ann', NULL), ('Bob', 1), ('Cem', 1);
UPDATE shop.customer SET boss = 3 WHERE id = 1;
INSERT INTO shop."Order Line" (customer, what) VALUES (1, E'tab\there'), (2, E'\\.\nnew\\line'), (3, NULL), (3, '\N'), (1, ':x '' "');
INSERT INTO shop.chicken (id) VALUES (1); INSERT INTO shop.egg (id, chicken) VALUES (1, 1); UPDATE shop.chicken SET egg = 1;
INSERT INTO shop.kind (code) VALUES ('a'), ('b');
INSERT INTO shop.log (line, at) VALUES ('x', now()), ('x', now()), (NULL, NULL);
INSERT INTO shop.measure (day, v) VALUES ('2020-05-05', 1), ('2021-05-05', 2);
INSERT INTO shop.every (id, b, i2, f4, f8, n, t, c, by, ts, iv, j, jb, a, r, m, p, ip, mo, x, v, pt) VALUES ('00000000-0000-0000-0000-000000000001', true, 7, 'NaN', 0.1, 'Infinity', '', 'ab', '\x00ff5c',
  '2020-01-01 10:00:00.123456+02', '1 mon -2 days', '{"a" : 1}', '{"a": 1}', '{1,NULL}', '[1,5)', 'high', '(1,"a,b")', '::1/64', 12.5,
  '<a>&amp;</a>', B'101', '(1,2)');
INSERT INTO shop.every (id, t) VALUES ('00000000-0000-0000-0000-000000000002', 'ünïcode 🐘 ''; DROP');
"#;

/// A sandbox with a deployed project and a staging database; see [`PullProject::new`].
pub struct PullProject(Sandbox);

impl std::ops::Deref for PullProject {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.0
    }
}

impl std::ops::DerefMut for PullProject {
    fn deref_mut(&mut self) -> &mut Sandbox {
        &mut self.0
    }
}

impl PullProject {
    /// Both sides have [`SCHEMA`], and staging has rows. The pull takes all tables of `shop`,
    /// without ssh.
    #[track_caller]
    pub fn new() -> Self {
        let mut sandbox = deployed(SCHEMA);
        sandbox.ask("CREATE DATABASE staging TEMPLATE app");
        sandbox.set("STAGING_SSH_HOST", "-");
        let staging = sandbox.url("staging");
        sandbox.set("STAGING_DB_URL", staging);
        sandbox.set("STAGING_DUMP_TABLES", "shop.*");
        sandbox.set("STAGING_DUMP_FLAGS", "");
        let pull = Self(sandbox);
        pull.on_staging(&format!("BEGIN; SET LOCAL hectic.migration_mode = 'on'; {ROWS} COMMIT"));
        pull
    }

    #[track_caller]
    pub fn on_staging(&self, sql: &str) -> String {
        self.ask_in("staging", sql)
    }

    /// Runs SQL that is too long for an argument.
    #[track_caller]
    pub fn file(&self, database: &str, sql: &str) {
        let url = self.url(database);
        let arguments = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &url];
        self.run_with_input(&psql(), arguments, sql).success();
    }

    /// `database pull_staging`.
    pub fn pull<const N: usize>(&self, arguments: [&str; N]) -> Outcome {
        self.run("database", ["pull_staging"].iter().chain(&arguments))
    }

    /// From now on, the pull reads staging as this role.
    pub fn as_role(&mut self, role: &str) {
        let url = self.url("staging");
        let url = url.rsplit_once(" user=").map(|(rest, _)| format!("{rest} user={role}"));
        self.set("STAGING_DB_URL", url.unwrap());
    }

    /// The patch.
    pub fn patch(&self) -> String {
        self.read("project/test-data.sql")
    }

    /// Checks that both sides have the same rows in a table.
    #[track_caller]
    pub fn same(&self, table: &str) {
        let sql = format!(
            "SELECT string_agg(x, ' ' ORDER BY x) FROM (SELECT ROW(r.*)::text FROM {table} AS r) AS r (x)"
        );
        let (here, there) = (self.ask(&sql), self.on_staging(&sql));
        assert!(!there.is_empty(), "{table} is empty on staging");
        assert_eq!(here, there, "{table}");
    }
}
