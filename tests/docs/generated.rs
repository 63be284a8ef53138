//! Text that the documents take from the programs: commands, variables and exit codes.

use clap::Command;
use db_tool::cli::migrator::file;
use db_tool::cli::{config, env, exit, programs};
use serde_json::{Map, json};

use super::page;

/// The width of the help, in characters.
const WIDTH: usize = 98;

/// A document, the name of a generated part of it, and the function that writes that part.
type Part = (&'static str, &'static str, fn() -> String);

const PARTS: [Part; 4] = [
    ("docs/reference/commands.md", "commands", commands),
    ("docs/reference/variables.md", "variables", variables),
    ("docs/reference/exit-codes.md", "exit-codes", exit_codes),
    ("docs/reference/settings.md", "settings", settings),
];

/// The JSON Schema of `database.toml`, for editors.
const SCHEMA: &str = "docs/reference/database.schema.json";

#[test]
fn the_schema_is_what_the_program_reads() {
    let path = page::root().join(SCHEMA);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, schema()).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    assert!(found == schema(), "{SCHEMA} is stale: `cargo x docs` renews it");
}

#[test]
fn generated_text_is_what_the_programs_say() {
    for (file, name, generate) in PARTS {
        let path = page::root().join(file);
        let found = std::fs::read_to_string(&path).unwrap();
        let expected = with_part(&found, name, &generate());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, expected).unwrap();
            continue;
        }
        let stale = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
        assert!(
            found == expected,
            "{file} is stale, first here (`cargo x docs` renews it):\n{stale:#?}"
        );
    }
}

#[test]
fn a_stale_part_is_replaced_and_nothing_else() {
    let text = "a\n<!-- t:begin -->\nold\n<!-- t:end -->\nb\n";
    let new = "a\n<!-- t:begin -->\nnew\n<!-- t:end -->\nb\n";
    assert_eq!(with_part(text, "t", "new\n"), new);
    assert_eq!(with_part(new, "t", "new\n"), new);
}

#[test]
fn options_of_a_program_are_not_repeated_for_its_commands() {
    let global = clap::Arg::new("global").long("global").global(true);
    let own = clap::Arg::new("own").long("own");
    let sub = Command::new("sub").arg(own).subcommand(Command::new("below"));
    let text = sections(Command::new("tool").arg(global).subcommand(sub));
    let titles: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(titles, ["## tool", "### tool sub", "### tool sub below"]);
    assert_eq!(text.matches("--global").count(), 1);
    assert_eq!(text.matches("--own").count(), 1);
}

/// The help of every program and command.
fn commands() -> String {
    programs().into_iter().map(sections).collect::<Vec<_>>().join("\n")
}

/// The help of a program, and of each of its commands.
fn sections(mut program: Command) -> String {
    program.build();
    let mut text = section("##", program.clone());
    add_commands(&program, &mut text);
    text
}

fn add_commands(command: &Command, text: &mut String) {
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        let own = below.clone().mut_args(|argument| {
            let everywhere = argument.is_global_set() || argument.get_id() == "help";
            if everywhere { argument.hide(true) } else { argument }
        });
        text.push('\n');
        text.push_str(&section("###", own));
        add_commands(below, text);
    }
}

fn section(level: &str, command: Command) -> String {
    let title = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let help = command.term_width(WIDTH).render_help().to_string();
    let help: String = help.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    format!("{level} {title}\n\n```text\n{}\n```\n", help.trim_end())
}

fn variables() -> String {
    let row = |v: &env::Variable| [format!("`{}`", v.name), v.default.into(), v.meaning.into()];
    table(["Variable", "Default", "Meaning"], env::TABLE.iter().map(row))
}

/// The settings of `database.toml` that the file may make.
fn allowed() -> impl Iterator<Item = &'static config::Key> {
    config::KEYS.iter().filter(|key| key.is_allowed())
}

fn described(key: &config::Key) -> env::Variable {
    *env::TABLE.iter().find(|variable| variable.name == key.variable).unwrap()
}

fn settings() -> String {
    let row = |key: &config::Key| {
        let variable = described(key);
        let of = match key.of {
            config::Type::Text | config::Type::Path => "string",
            config::Type::Integer => "integer",
            config::Type::Switch | config::Type::Inverted => "boolean",
            config::Type::OnOff => "boolean, or `\"on\"`, `\"off\"`",
            config::Type::List | config::Type::Names => "array of strings",
            config::Type::Word(words) => &words.map(|word| format!("`\"{word}\"`")).join(", "),
        };
        [
            format!("`{}`", key.name),
            of.into(),
            format!("`{}`", variable.name),
            variable.default.into(),
        ]
    };
    let of_migrator = |(name, of, variable, default): &(&str, &str, &str, &str)| {
        let variable = if *variable == "-" { "-".to_owned() } else { format!("`{variable}`") };
        [format!("`migrator.{name}`"), (*of).into(), variable, (*default).into()]
    };
    let rows = allowed().map(row).chain(file::SETTINGS.iter().map(of_migrator));
    table(["Setting", "Type", "Variable", "Default"], rows)
}

/// Each setting with its type. The sections that `migrator`, `pull_staging` and `diff` read are
/// objects.
fn schema() -> String {
    let (mut top, mut pull) = (Map::new(), Map::new());
    for key in allowed() {
        let mut of = match key.of {
            config::Type::Text | config::Type::Path => json!({ "type": "string" }),
            config::Type::Integer => json!({ "type": "integer", "minimum": 1, "maximum": 65535 }),
            config::Type::List | config::Type::Names => {
                json!({ "type": "array", "items": { "type": "string" } })
            }
            config::Type::Word(words) => json!({ "enum": words }),
            config::Type::Switch | config::Type::Inverted => json!({ "type": "boolean" }),
            config::Type::OnOff => json!({ "enum": [true, false, "on", "off"] }),
        };
        let variable = described(key);
        of["description"] = format!("{}: {}", variable.name, variable.meaning).into();
        match key.name.strip_prefix("pull.") {
            Some(name) => pull.insert(name.to_owned(), of),
            None => top.insert(key.name.to_owned(), of),
        };
    }
    let object = |properties| json!({ "type": "object", "properties": properties, "additionalProperties": false });
    pull.insert("mask".to_owned(), json!({ "type": "object" }));
    top.insert("pull".to_owned(), object(pull));
    let rules = json!({ "ignore": { "type": "array", "items": { "type": "object", "required": ["object", "reason"] } } });
    top.insert("diff".to_owned(), json!({ "type": "object", "properties": rules }));
    let of_migrator =
        |(name, of, _, _): &(&str, &str, &str, &str)| ((*name).to_owned(), json!({ "type": of }));
    top.insert("migrator".to_owned(), object(file::SETTINGS.iter().map(of_migrator).collect()));
    let mut schema = object(top);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "database.toml".into();
    format!("{}\n", serde_json::to_string_pretty(&schema).unwrap())
}

fn exit_codes() -> String {
    let row = |(code, meaning): &(exit::ExitCode, &str)| {
        [(*code as i32).to_string(), (*meaning).to_owned()]
    };
    table(["Code", "Meaning"], exit::TABLE.iter().map(row))
}

/// A Markdown table.
fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let line = |cells: [String; N]| {
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        format!("| {} |\n", cells.join(" | "))
    };
    let rows: String = rows.map(line).collect();
    line(head.map(str::to_owned)) + &line([(); N].map(|()| "---".to_owned())) + &rows
}

/// `text` with `part` between the markers of `name`.
fn with_part(text: &str, name: &str, part: &str) -> String {
    let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->\n"));
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{begin} is missing"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{end} is missing"));
    format!("{before}{begin}{part}{end}{after}")
}
