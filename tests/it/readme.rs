//! Every example of the documentation, run as it stands.
//!
//! The `sh` blocks of a file run in order. Each begins in the same directory, with the variables
//! that those before it exported. A `text` block below one is its output, stdout and stderr
//! together; in it `…` stands for any text, and durations are not compared.

use std::collections::BTreeSet;

use crate::support::{Sandbox, bindir, project, repository, steady, whoami};

/// Where the README's examples are said to happen.
const SHOWN: &str = "/src/shop";

/// One `sh` block and what is shown as its output.
#[derive(Debug, PartialEq)]
struct Example {
    line: usize,
    script: String,
    output: Option<String>,
}

#[test]
fn every_example_of_the_readme_runs() {
    let mut sandbox = Sandbox::new();
    sandbox.unset("PG_SHARED_PRELOAD_LIBRARIES");
    project::copy(&repository().join("nix/template"), &sandbox.path("shop"));
    run(&sandbox, "README.md", 6);
}

#[test]
fn every_example_of_the_sample_project_runs() {
    let sandbox = Sandbox::new();
    project::copy(&repository().join("nix/template"), &sandbox.path("shop"));
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
fn the_tables_of_options_are_those_of_the_programs() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let common = options_of_row(&readme, "all four");
    for program in ["database", "postgres-init", "postgres-cleanup", "migrator"] {
        let expected = &options_of_row(&readme, program) | &common;
        assert_eq!(options_of_help(program, &["--help"]), expected, "{program}");
    }
    let everywhere = &options_of_row(&readme, "database") | &common;
    let everywhere = &everywhere - &["-V", "--version"].map(str::to_owned).into();
    // `database migrator` is the program of that name
    for verb in verbs("database").iter().filter(|verb| *verb != "migrator") {
        let expected = &options_of_row(&readme, verb) | &everywhere;
        let mut found = options_of_help("database", &[verb, "--help"]);
        for below in commands("database", &[verb, "--help"]) {
            found.extend(options_of_help("database", &[verb, &below, "--help"]));
        }
        assert_eq!(found, expected, "{verb}");
    }
}

#[test]
fn the_table_of_the_migrator_is_that_of_its_commands() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let global = &options_of_row(&readme, "migrator") | &options_of_row(&readme, "all four");
    let global = &global - &["-V", "--version"].map(str::to_owned).into();
    for verb in verbs("migrator") {
        // another program has an `init` too
        let row = if verb == "init" { "initialize" } else { &verb };
        let of_row = options_of_row(&readme, row);
        let of_row = &of_row - &["-v", "--dry-run"].map(str::to_owned).into();
        let found = options_of_help("migrator", &[&verb, "--help"]);
        assert_eq!(found, &of_row | &global, "{verb}");
    }
}

#[test]
fn every_example_of_a_new_migration_project_runs() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.init([]).success();
    sandbox.run("migrator", ["new", "shop"]).success();
    sandbox.set("DB_URL", sandbox.url("testdb"));
    run(&sandbox, "nix/migrator/README.md", 1);
    let applied = "SELECT string_agg(state, ',') FROM hectic.migration";
    assert_eq!(sandbox.query(&sandbox.url("testdb"), applied), "Undone");
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

/// Runs the examples of `file` in the sandbox's `shop`; there have to be at least `least`.
fn run(sandbox: &Sandbox, file: &str, least: usize) {
    let text = std::fs::read_to_string(repository().join(file)).unwrap();
    let examples = examples(&text);
    assert!(examples.len() >= least, "{file} has only {} examples", examples.len());
    let (place, state) = (sandbox.path("shop"), sandbox.write("state", ""));
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
            matches(&comparable(&shown), &comparable(&said)),
            "{file}:{line} says something else\n--- shown\n{shown}--- said\n{said}"
        );
    }
}

/// Without durations, and without blanks at the ends of lines, which psql makes.
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

/// The subcommands that a program's help lists.
fn verbs(program: &str) -> Vec<String> {
    let names = commands(program, &["--help"]);
    assert!(names.len() > 5, "{names:?}");
    names
}

/// The subcommands that a help lists.
fn commands(program: &str, arguments: &[&str]) -> Vec<String> {
    let help = Sandbox::new().run(program, arguments).success().stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = commands.take_while(|line| !line.is_empty()).filter_map(|line| {
        line.split_whitespace().next().filter(|name| *name != "help").map(str::to_owned)
    });
    names.collect()
}

/// The options that a program's help lists.
fn options_of_help(program: &str, arguments: &[&str]) -> BTreeSet<String> {
    let help = Sandbox::new().run(program, arguments).success().stdout;
    let rows = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let words = rows.flat_map(|row| row.split_whitespace().take_while(|w| w.starts_with('-')));
    words.map(|word| word.trim_end_matches(',').to_owned()).filter(|word| word != "-").collect()
}

/// The options in the code of the README's table rows whose first cell begins with `name`.
fn options_of_row(readme: &str, name: &str) -> BTreeSet<String> {
    let rows = readme.lines().filter(|line| {
        let cell = line.strip_prefix("| ").unwrap_or_default().trim_start_matches('`');
        cell.strip_prefix(name).is_some_and(|rest| rest.starts_with(['`', ' ']))
    });
    let rows: Vec<&str> = rows.collect();
    assert!(!rows.is_empty(), "the README has no row for {name}");
    let code = rows.iter().flat_map(|row| row.split('`').skip(1).step_by(2));
    let words = code.flat_map(|code| code.split([' ', ',']));
    words.filter(|word| word.starts_with('-')).map(str::to_owned).collect()
}
