//! Helpers for the tests of `database diff`: a project, its live database, and a reader of the
//! reports.

use serde_json::Value;

use crate::support::project::deployed;
use crate::support::trace::own_cache;
use crate::support::{Outcome, Sandbox, bindir, psql, repository};

/// A deployed project with one source. Its cluster is side A of comparisons. The test notices if a
/// private cluster is left.
pub struct LiveProject(Sandbox);

impl std::ops::Deref for LiveProject {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.0
    }
}

impl std::ops::DerefMut for LiveProject {
    fn deref_mut(&mut self) -> &mut Sandbox {
        &mut self.0
    }
}

impl LiveProject {
    #[track_caller]
    pub fn new(source: &str) -> Self {
        let mut sandbox = deployed(source);
        own_cache(&mut sandbox);
        Self(sandbox)
    }

    /// A copy of a project, deployed.
    #[track_caller]
    pub fn of(project: &str) -> Self {
        let mut sandbox = Sandbox::with_project(project);
        sandbox.database(["deploy"]).success();
        own_cache(&mut sandbox);
        Self(sandbox)
    }

    /// The objects that the tests of the bundle leave. Diff warns of `ON_ERROR_STOP` in their
    /// source.
    #[track_caller]
    pub fn of_bundle_fixtures() -> Self {
        const ANEW: &str = "CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO public;";
        let bundle = repository().join("tests/fixture/bundle");
        let files = ["triggers", "created_at", "secret", "immutable"].map(|name| {
            let file = bundle.join(name).display().to_string();
            // a schema and functions of their own for each
            format!(
                "\\ir {file}.sql\nALTER SCHEMA public RENAME TO of_{name}; {ANEW} DISCARD TEMP;\n"
            )
        });
        // pg_dump leaves out the privileges of the original schema, also under another name
        Self::new(&format!("DROP SCHEMA public; {ANEW}\n{}", files.concat()))
    }

    /// The URL of the live database for the project's role.
    pub fn live(&self) -> String {
        url(self, "dev")
    }

    /// Runs statements in the live database as the project's role, one after the other.
    #[track_caller]
    pub fn change(&self, sql: &str) -> &Self {
        let file = self.write("change.sql", sql);
        let (url, file) = (self.live(), file.display().to_string());
        let arguments = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &url, "-f", &file];
        self.run(&psql(), arguments).success();
        self
    }

    /// Runs SQL in a session of its own, in one transaction unless the SQL ends it.
    pub fn holding(&self, sql: &str) -> std::process::Child {
        let url = self.live();
        let arguments = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &url, "-c", sql];
        self.spawn(&psql(), arguments)
    }

    /// Replaces the live database by its copy through `pg_dump | psql`.
    #[track_caller]
    pub fn dump_and_load(&self) -> &Self {
        let (dump, live) = (self.path("dump.sql").display().to_string(), self.live());
        let arguments = ["--create", "--file", &dump, &live];
        self.run(bindir().join("pg_dump").to_str().unwrap(), arguments).success();
        let others = live.replacen("/app?", "/postgres?", 1);
        self.query(&others, "DROP DATABASE IF EXISTS original");
        self.query(&others, "ALTER DATABASE app RENAME TO original");
        let arguments = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &others, "-f", &dump];
        self.run(&psql(), arguments).success();
        self
    }

    /// Whether the server was built with ICU.
    pub fn has_icu(&self) -> bool {
        self.ask("SELECT count(*) > 0 FROM pg_collation WHERE collname = 'und-x-icu'") == "t"
    }

    /// Replaces the sources.
    pub fn source(&self, sql: &str) -> &Self {
        self.write("project/db/src/entrypoint.sql", sql);
        self
    }

    /// `database diff --against` the live database.
    pub fn diff<const N: usize>(&self, arguments: [&str; N]) -> Outcome {
        let url = self.live();
        self.run("database", ["diff", "--against", &url].iter().chain(&arguments))
    }

    /// The report as JSON, with any exit code.
    #[track_caller]
    pub fn report<const N: usize>(&self, arguments: [&str; N]) -> Value {
        let all: Vec<&str> = ["--format", "json"].into_iter().chain(arguments).collect();
        let url = self.live();
        let outcome = self.run("database", ["diff", "--against", &url].iter().chain(&all));
        parsed(&outcome)
    }

    /// The differences of the schema, one a line: see [`schema`].
    #[track_caller]
    pub fn schema(&self) -> Vec<String> {
        schema(&self.report([]))
    }

    /// Fails the test unless the comparison finds no difference and prints nothing.
    #[track_caller]
    pub fn silent(&self) {
        silent(&self.diff([]));
    }
}

/// The URL of a sandbox's database for a role.
pub fn url(sandbox: &Sandbox, role: &str) -> String {
    let role = role.replace(' ', "%20").replace('"', "%22");
    format!("postgresql://{role}@localhost/app?host={}", sandbox.path("pg").display())
}

/// Fails the test unless the comparison found nothing and printed nothing.
#[track_caller]
pub fn silent(outcome: &Outcome) {
    let said = (outcome.code, outcome.stdout.as_str(), outcome.stderr.as_str());
    assert_eq!(said, (Some(0), "", ""), "{outcome}");
}

/// The printed report as JSON; the exit code has to agree with it.
#[track_caller]
pub fn parsed(outcome: &Outcome) -> Value {
    let report: Value = serde_json::from_str(&outcome.stdout)
        .unwrap_or_else(|error| panic!("no JSON: {error}\n{outcome}"));
    let code = i32::from(report["counting"] != 0);
    assert_eq!(outcome.code, Some(code), "{outcome}");
    report
}

/// `class + kind name`, `class - kind name` or `class ~ kind name: property`, in the order of the report.
pub fn schema(report: &Value) -> Vec<String> {
    let line = |difference: &Value| {
        let text = |field: &str| difference[field].as_str().unwrap_or_default();
        let head = format!("{} {} {}", text("kind"), text("name"), text("property"));
        let head = head.trim_end();
        let sign = match text("change") {
            "added" => "+",
            "removed" => "-",
            _ => "~",
        };
        format!("{} {sign} {head}", text("class"))
    };
    report["schema"].as_array().unwrap().iter().map(line).collect()
}

/// The changes of rows, one a line: `table + a=1 b=NULL`, `table ~ a=1: b 2 → 3`.
pub fn rows(report: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for table in report["rows"].as_array().unwrap() {
        let name = table["table"].as_str().unwrap();
        lines.extend(table["changes"].as_array().unwrap().iter().map(|change| {
            let cells = |names: &Value, values: &Value| {
                let pairs = names.as_array().unwrap().iter().zip(values.as_array().unwrap());
                let pairs = pairs.map(|(n, v)| format!("{}={}", n.as_str().unwrap(), cell(v)));
                pairs.collect::<Vec<_>>().join(" ")
            };
            match change["change"].as_str().unwrap() {
                "added" => format!("{name} + {}", cells(&table["columns"], &change["cells"])),
                "removed" => format!("{name} - {}", cells(&table["columns"], &change["cells"])),
                _ => format!(
                    "{name} ~ {}: {}",
                    cells(&table["key"], &change["key"]),
                    changed(&change["cells"])
                ),
            }
        }));
    }
    lines
}

fn changed(cells: &Value) -> String {
    let cells = cells.as_array().unwrap().iter().map(|one| {
        let column = one["column"].as_str().unwrap();
        format!("{column} {} → {}", cell(&one["before"]), cell(&one["after"]))
    });
    cells.collect::<Vec<_>>().join(", ")
}

fn cell(value: &Value) -> &str {
    value.as_str().unwrap_or("NULL")
}

/// An immutable table with these columns, and rows in it.
pub fn immutable(name: &str, columns: &str, values: &str) -> String {
    let insert = match values {
        "" => String::new(),
        values => format!("INSERT INTO {name} VALUES {values};"),
    };
    // columns of parents come first, so the statement leaves out hectic.created_at
    format!(
        "SET hectic.inheritance_extra_excluded_schemas = 'public';
         CREATE TABLE {name} ({columns}) INHERITS (hectic.immutable);
         BEGIN; SET LOCAL hectic.migration_mode = 'on'; {insert} COMMIT;\n"
    )
}

/// A statement in migration mode.
pub fn write(sql: &str) -> String {
    format!("BEGIN; SET LOCAL hectic.migration_mode = 'on'; {sql}; COMMIT;\n")
}
