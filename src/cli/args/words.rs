//! Changes the words of a command line before clap parses them, where a program's language is not
//! one that clap can describe.
//!
//! `database` has two verbs that hand arguments on: all words after `psql` are for psql, and
//! `database [options] migrator …` is `migrator [options] …`. To clap, the options of `database`
//! belong to each of its verbs: in `database psql -q`, it would take `-q` for itself. And an option
//! with an optional value, such as `--wait`, takes the next word in any case: in
//! `migrator create --wait name`, it would take the name.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use super::migrator::Global;

/// Inserts `--` after the verb `psql` of `database`, so that clap leaves the options after it alone.
/// `database psql --help` stays, and shows the help of `database`.
pub(in crate::cli) fn for_psql(mut words: Vec<OsString>) -> Vec<OsString> {
    if let Some(at) = place_of_verb(&words)
        && words[at] == "psql"
        && words.get(at + 1).is_some_and(|next| next != "--" && next != "--help")
    {
        words.insert(at + 1, "--".into());
    }
    words
}

/// Rewrites `database [options] migrator …` as `migrator [options] …`. Options that both programs
/// have mean the same. Returns `None` for another verb.
pub(in crate::cli) fn from_database(words: &[OsString]) -> Option<Vec<OsString>> {
    let at = place_of_verb(words).filter(|at| words[*at] == "migrator")?;
    Some([&["migrator".into()], &words[1..at], &words[at + 1..]].concat())
}

/// The arguments of `database` up to its verb, which is here the verb of another program, so that
/// clap leaves all words after it alone. The options are those of both programs, because
/// [`from_database`] hands them on.
#[derive(Debug, Parser)]
#[command(disable_help_flag = true, disable_version_flag = true)]
struct Head {
    #[command(flatten)]
    global: Global,
    #[arg(long)]
    remote: bool,
    #[arg(short, long)]
    help: bool,
    #[arg(short = 'V', long)]
    version: bool,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The verb and all words after it.
    #[command(external_subcommand)]
    Any(Vec<OsString>),
}

/// The place of the verb of `database`: the first word that is neither an option nor the value of
/// an option.
fn place_of_verb(words: &[OsString]) -> Option<usize> {
    let head = Head::try_parse_from(complete_wait(words.to_vec())).ok()?;
    head.verb.and_then(|Verb::Any(rest)| words.len().checked_sub(rest.len()))
}

/// Inserts the default value of `--wait` unless a duration, which begins with a digit, follows.
pub(in crate::cli) fn complete_wait(mut words: Vec<OsString>) -> Vec<OsString> {
    for at in 0..words.len() {
        let next = words.get(at + 1).and_then(|next| next.to_str());
        let is_value = next.is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit()));
        if words[at] == "--wait" && !is_value {
            words[at] = "--wait=5min".into();
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn words_after_psql_are_for_psql() {
        for (given, expected) in [
            ("database psql -q -c x", "database psql -- -q -c x"),
            ("database -q -u psql psql -h", "database -q -u psql psql -- -h"),
            ("database -qupsql psql -h", "database -qupsql psql -- -h"),
            ("database --log-format=json psql psql", "database --log-format=json psql -- psql"),
            ("database psql -- -q", "database psql -- -q"),
            ("database psql", "database psql"),
            ("database psql --help", "database psql --help"),
            ("database log psql -x", "database log psql -x"),
            ("database --nonsense psql -x", "database --nonsense psql -x"),
        ] {
            assert_eq!(for_psql(words(given)), words(expected), "{given}");
        }
    }

    #[test]
    fn database_hands_its_options_over() {
        for (given, expected) in [
            ("database migrator list", Some("migrator list")),
            ("database -u x -q migrator list --raw", Some("migrator -u x -q list --raw")),
            ("database -i a --inherits=b migrator info", Some("migrator -i a --inherits=b info")),
            ("database --url=x --json migrator info", Some("migrator --url=x --json info")),
            ("database --remote migrator -- info", Some("migrator --remote -- info")),
            ("database --wait migrator info", Some("migrator --wait info")),
            ("database -h migrator migrator", Some("migrator -h migrator")),
            ("database log migrator", None),
            ("database -u migrator", None),
            ("database --version", None),
            ("database -u", None),
            ("database", None),
        ] {
            assert_eq!(from_database(&words(given)), expected.map(words), "{given}");
        }
    }

    #[test]
    fn wait_does_not_swallow_a_command() {
        for (given, expected) in [
            ("migrator --wait migrate up", "migrator --wait=5min migrate up"),
            ("migrator migrate up --wait all", "migrator migrate up --wait=5min all"),
            ("migrator info --wait", "migrator info --wait=5min"),
            ("migrator --wait 5s info", "migrator --wait 5s info"),
        ] {
            assert_eq!(complete_wait(words(given)), words(expected), "{given}");
        }
    }
}
