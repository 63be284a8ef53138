//! Runs every example of the documentation, unchanged.
//!
//! The `sh` blocks of a file run in order. Each begins in the same directory, with the variables
//! that those before it exported. A `text` block below one is its output, stdout and stderr
//! together. In it, `…` stands for any text. The test does not compare durations, so the times in
//! the documents are only examples.
//!
//! A page of `docs/` starts where the quick start of `README.md` has deployed the sample project:
//! the runner first runs the blocks of the README up to that one.

use crate::support::{Sandbox, bindir, project, repository, steady, whoami};

/// The directory in which the documents say that their examples run.
const SHOWN: &str = "/src/shop";

/// One `sh` block and the output that the page shows for it.
#[derive(Debug, PartialEq)]
struct Example {
    line: usize,
    script: String,
    output: Option<String>,
}

/// A test for each page of `docs/` that has examples, and the list of these pages.
macro_rules! pages {
    ($($test:ident: $page:literal,)*) => {
        const PAGES: &[&str] = &[$($page),*];
        $(
            #[test]
            fn $test() {
                run_page($page);
            }
        )*
    };
}

pages! {
    examples_of_the_cluster: "docs/guide/cluster.md",
    examples_of_a_project: "docs/guide/project.md",
    examples_of_filling_a_database: "docs/guide/hydrate-patch-test.md",
    examples_of_clones: "docs/guide/clones.md",
    examples_of_tests: "docs/guide/tests.md",
    examples_of_migrations: "docs/guide/migrations.md",
    examples_of_import: "docs/guide/import.md",
    examples_of_a_schema_file: "docs/guide/schema.md",
    examples_of_comparing_databases: "docs/guide/diff.md",
    examples_of_secrets: "docs/guide/secrets.md",
    examples_of_backup_and_restore: "docs/guide/backup.md",
    examples_of_snapshots: "docs/guide/snapshots.md",
    examples_of_continuous_integration: "docs/guide/ci.md",
    examples_of_json: "docs/reference/json.md",
    examples_of_settings: "docs/reference/settings.md",
}

#[test]
fn no_page_with_examples_is_left_out() {
    let mut found = Vec::new();
    pages_below(&repository().join("docs"), "docs", &mut found);
    found.retain(|page| !examples(&text_of(page)).is_empty());
    found.sort();
    let mut listed: Vec<&str> = PAGES.to_vec();
    listed.sort_unstable();
    assert_eq!(found, listed);
}

#[test]
fn every_example_of_the_readme_runs() {
    let sandbox = shop();
    run(&sandbox, "README.md", 5);
}

#[test]
fn every_example_of_the_sample_project_runs() {
    let sandbox = shop();
    run(&sandbox, "nix/template/README.md", 1);
}

#[test]
fn the_bundle_can_be_applied_by_hand_as_its_readme_says() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("PG_DATABASE", "mydb");
    sandbox.init([]).success();
    project::copy(&repository().join("sql"), &sandbox.path("shop"));
    let programs = format!("{}:/usr/bin:/bin", bindir().display());
    let tool = sandbox.variable("PATH").unwrap().to_owned();
    sandbox.set("PATH", programs);
    sandbox.set("PGHOST", sandbox.path("pg"));
    sandbox.set("PGUSER", whoami());
    run(&sandbox, "sql/README.md", 1);
    sandbox.set("PATH", tool);
    let url = sandbox.url("mydb");
    let status = sandbox.database(["--url", &url, "bundle", "status"]).success();
    assert!(status.stdout.contains("current"), "{status}");
    for table in ["secret", "migration", "created_at"] {
        let found = sandbox.query(&url, &format!("SELECT to_regclass('hectic.{table}')"));
        assert_eq!(found, format!("hectic.{table}"));
    }
}

#[test]
fn every_example_of_a_new_migration_project_runs() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    sandbox.run("migrator", ["new", "shop"]).success();
    sandbox.set("DB_URL", sandbox.url("testdb"));
    run(&sandbox, "nix/migrator/README.md", 1);
    let applied = "SELECT string_agg(state, ',') FROM hectic.migration_state";
    assert_eq!(sandbox.ask_in("testdb", applied), "Undone");
}

#[test]
fn blocks_are_found_with_their_output() {
    let text =
        "```sh\na\nb\n```\n\n```text\nc\n```\n```text\nd\n```\n```sh\ne\n```\nf\n```text\ng\n```\n";
    let example = |line, script: &str, output: Option<&str>| Example {
        line,
        script: script.into(),
        output: output.map(str::to_owned),
    };
    assert_eq!(examples(text), [example(1, "a\nb\n", Some("c\n")), example(12, "e\n", None)]);
}

#[test]
fn an_ellipsis_stands_for_any_text_and_all_else_for_itself() {
    for (pattern, text) in [("a\n…\nd", "a\nb\nc\nd"), ("a", "a"), ("…b…", "abc"), ("a…", "a")]
    {
        assert!(matches(pattern, text), "{pattern:?} {text:?}");
    }
    for (pattern, text) in [("a", "ab"), ("a…c", "ab"), ("…b", "bc"), ("a…a", "a"), ("b…", "ab")]
    {
        assert!(!matches(pattern, text), "{pattern:?} {text:?}");
    }
}

/// A sandbox with the sample project in `shop`.
fn shop() -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.unset("PG_SHARED_PRELOAD_LIBRARIES");
    project::copy(&repository().join("nix/template"), &sandbox.path("shop"));
    sandbox
}

/// Runs the examples of `file` in the sandbox's `shop`; there have to be at least `least`.
fn run(sandbox: &Sandbox, file: &str, least: usize) {
    let examples = examples(&text_of(file));
    assert!(examples.len() >= least, "{file} has only {} examples", examples.len());
    run_all(sandbox, file, &examples);
}

/// Deploys the sample project as the README says, then runs the examples of a page.
fn run_page(page: &str) {
    let sandbox = shop();
    let mut start = examples(&text_of("README.md"));
    let deploys = start.iter().position(|example| example.script.contains("database deploy"));
    start.truncate(deploys.expect("the README deploys the sample project") + 1);
    run_all(&sandbox, "README.md", &start);
    run_all(&sandbox, page, &examples(&text_of(page)));
}

/// Runs examples in the sandbox's `shop`, each with the variables that those before it exported.
fn run_all(sandbox: &Sandbox, file: &str, examples: &[Example]) {
    let place = sandbox.path("shop");
    let state = sandbox.path("state");
    if !state.exists() {
        sandbox.write("state", "");
    }
    for Example { line, script, output } in examples {
        let script =
            format!("exec 2>&1\ncd \"$1\"\n. \"$2\"\nset -e\n{script}export -p > \"$2\"\n");
        let arguments =
            ["-c".as_ref(), script.as_ref(), "sh".as_ref(), place.as_os_str(), state.as_os_str()];
        let outcome = sandbox.run("sh", arguments);
        assert!(outcome.code == Some(0), "{file}:{line} failed\n{outcome}");
        let Some(shown) = output else { continue };
        let said = outcome.stdout.replace(place.to_str().unwrap(), SHOWN);
        assert!(
            matches(&comparable(shown), &comparable(&said)),
            "{file}:{line} says something else\n--- shown\n{shown}--- said\n{said}"
        );
    }
}

fn text_of(file: &str) -> String {
    std::fs::read_to_string(repository().join(file)).unwrap()
}

/// The Markdown files below `directory`, each with `name` in front.
fn pages_below(directory: &std::path::Path, name: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{name}/{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            pages_below(&entry.path(), &name, found);
        } else if name.ends_with(".md") {
            found.push(name);
        }
    }
}

/// Leaves out durations, and the blanks that psql prints at the ends of lines.
fn comparable(text: &str) -> String {
    let steady = steady(text);
    steady.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// The `sh` blocks of a Markdown text, each with the `text` block that follows it at once.
fn examples(markdown: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut lines = markdown.lines().enumerate();
    let mut shows_last = false;
    while let Some((index, line)) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            shows_last &= line.is_empty();
            continue;
        };
        let body = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
        let body: String = body.map(|line| format!("{line}\n")).collect();
        match language {
            "sh" => found.push(Example { line: index + 1, script: body, output: None }),
            "text" if shows_last => found.last_mut().unwrap().output = Some(body),
            _ => {}
        }
        shows_last = language == "sh";
    }
    found
}

/// Whether `text` is `pattern`, in which `…` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('…') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('…').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(last)
}
