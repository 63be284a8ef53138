//! The commands and options that the guide names, compared with the programs.

use std::collections::{BTreeMap, BTreeSet};

use clap::Command;
use db_tool::cli::programs;

use super::page::{self, Page};

/// Commands whose arguments belong to another program.
const FOREIGN: [&str; 3] = ["psql", "run", "migrator"];

#[test]
fn every_command_of_the_documents_exists() {
    let programs = programs();
    let unknown: Vec<String> = page::all()
        .iter()
        .filter(|page| page.path == "README.md" || page.path.starts_with("docs/"))
        .flat_map(|page| calls(page).into_iter().map(|call| (page.path.clone(), call)))
        .filter_map(|(path, call)| Some(format!("{path}: `{call}`: {}", fault(&call, &programs)?)))
        .collect();
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

#[test]
fn the_guide_names_every_command_and_option() {
    let pages = page::all();
    let guide: String = pages
        .iter()
        .filter(|page| page.path.starts_with("docs/guide/"))
        .map(|page| page.text.as_str())
        .collect();
    let words: BTreeSet<&str> =
        guide.split(|c: char| !(c.is_alphanumeric() || "-_".contains(c))).collect();
    let mut missing = Vec::new();
    for program in programs() {
        collect_missing(&program, program.get_name(), &words, &mut missing);
    }
    assert!(missing.is_empty(), "the guide does not name\n{}", missing.join("\n"));
}

#[test]
fn a_wrong_command_is_found() {
    let programs = programs();
    for right in ["database check --keep", "database -q url", "migrator migrate up all --json"] {
        assert_eq!(fault(right, &programs), None, "{right}");
    }
    for wrong in ["database chekc", "database check --kep", "migrator migrate upp"] {
        assert!(fault(wrong, &programs).is_some(), "{wrong}");
    }
    let page = Page {
        path: "a.md".into(),
        text: "Use `database url`.\n```sh\ndatabase check | cat\n```\n".into(),
    };
    assert_eq!(calls(&page), ["database url", "database check"]);
}

/// Every `database …` and `migrator …` in a code span, or at the beginning of a line of code.
fn calls(page: &Page) -> Vec<String> {
    let is_call = |text: &str| text.starts_with("database ") || text.starts_with("migrator ");
    let prose: Vec<(usize, &str)> = page.prose();
    let spans = prose.iter().flat_map(|(_, line)| line.split('`').skip(1).step_by(2));
    let numbers: BTreeSet<usize> = prose.iter().map(|(number, _)| *number).collect();
    let code = page.text.lines().enumerate().filter(|(at, _)| !numbers.contains(&(at + 1)));
    let code = code.map(|(_, line)| line.trim_start_matches("$ "));
    let calls = spans.chain(code).filter(|text| is_call(text));
    let end = |text: &str| text.find(['|', '>', ';', '#', '(', '…']).unwrap_or(text.len());
    calls.map(|text| text[..end(text)].trim().to_owned()).collect()
}

/// The command or option of a call, if the programs do not have it.
fn fault(call: &str, programs: &[Command]) -> Option<String> {
    let mut words = call.split_whitespace();
    let name = words.next()?;
    let program = programs.iter().find(|program| program.get_name() == name)?;
    let mut command = program;
    let mut options = long_options(program);
    while let Some(word) = words.next() {
        if FOREIGN.contains(&command.get_name()) && command.get_name() != name || word == "--" {
            return None;
        }
        if let Some(option) = word.strip_prefix("--") {
            let option = option.split('=').next()?.trim_matches(|c: char| !c.is_alphanumeric());
            let Some(takes_value) = options.get(option) else {
                return Some(format!("--{option} is no option"));
            };
            if *takes_value && !word.contains('=') {
                words.next();
            }
        } else if let Some(below) = command.find_subcommand(word) {
            command = below;
            options.extend(long_options(below));
        } else if command.has_subcommands()
            && is_word(word)
            && command.get_arguments().all(|a| !a.is_positional())
        {
            return Some(format!("{word} is no command"));
        }
    }
    None
}

/// Whether a word of a call looks like the name of a command, and not like a value or a placeholder.
fn is_word(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c == '_') && !word.starts_with('-')
}

/// The long options of a command, each with whether it takes a value.
fn long_options(command: &Command) -> BTreeMap<String, bool> {
    let mut options =
        BTreeMap::from([("help", false), ("version", false)].map(|(n, v)| (n.to_owned(), v)));
    for argument in command.get_arguments() {
        for name in argument.get_long_and_visible_aliases().into_iter().flatten() {
            options.insert(name.to_owned(), argument.get_action().takes_values());
        }
    }
    options
}

fn collect_missing(
    command: &Command,
    name: &str,
    words: &BTreeSet<&str>,
    missing: &mut Vec<String>,
) {
    let last = name.split(' ').next_back().unwrap_or(name);
    if !words.contains(last) {
        missing.push(name.to_owned());
    }
    let shown = command.get_arguments().filter(|option| !option.is_hide_set());
    let options = shown.filter_map(clap::Arg::get_long);
    let unnamed = options.filter(|long| !words.contains(format!("--{long}").as_str()));
    missing.extend(unnamed.map(|long| format!("{name} --{long}")));
    for below in command.get_subcommands() {
        collect_missing(below, &format!("{name} {}", below.get_name()), words, missing);
    }
}
