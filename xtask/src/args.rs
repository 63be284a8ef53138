//! The command line of `cargo x`.

use std::path::PathBuf;

use crate::failure::{Failure, Result};
use crate::soak::{Isolation, SoakPlan};
use crate::test::TestPlan;

/// The text that `cargo x help` prints.
pub(crate) const USAGE: &str = "\
Usage: cargo x COMMAND

  demo                        run `database check` on the sample project
  test [--pg N] [--repeat N] [FILTER…]
                              all checks, then all tests; with a FILTER only the tests it matches;
                              --repeat runs the tests N times and sums up
  check                       rustfmt, clippy, the tidy test and the documentation, warnings denied
  fix                         apply clippy's suggestions, then rustfmt
  fmt                         rustfmt
  nix                         evaluate and build the flake, with a stand-in for nixpkgs
  docs                        renew what the documents take from the programs
  bench [-n RUNS] [--bin DIR] [NAME…]
                              compare the release build (or the programs in DIR) with a plain
                              shell pipeline; NAME selects cases
  soak [-n RUNS] [--seed S] [--pg N] [--isolated]
                              run 2000 commands at random, four at once, and kill processes
                              meanwhile; nothing may be lost or left; --isolated uses namespaces
                              of its own, if we are root
  postgres [--pg N]           find or provide PostgreSQL; print its program directory

`demo`, `test`, `bench` and `soak` find PostgreSQL 15 or later, or install it and say so. `--pg 17` and
`--pg 18` use a private copy below target/, `--pg 15` and `--pg 16` an installed one.
";

/// The number of runs of each side of a benchmark, unless `-n` sets another.
const DEFAULT_RUNS: usize = 11;

/// The number of commands of a soak, unless `-n` sets another.
const SOAK_RUNS: usize = 2000;

/// A command with its arguments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Print the usage.
    Help,
    /// Run the main job on the sample project.
    Demo,
    /// Run checks and tests.
    Test(TestPlan),
    /// Run all checks that need no server.
    Check,
    /// Apply clippy's suggestions and rustfmt.
    Fix,
    /// Run rustfmt.
    Fmt,
    /// Renew the generated parts of the documents.
    Docs,
    /// Check the flake.
    Nix,
    /// Measure.
    Bench(BenchPlan),
    /// Run commands at random and kill processes.
    Soak(SoakPlan),
    /// Print the program directory.
    Postgres { pg: Option<u32> },
    /// Be a slow line: `bench` has ssh start this.
    Delay { milliseconds: u64, address: String },
}

/// The arguments of `bench`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BenchPlan {
    /// The number of measured runs of each side.
    pub(crate) runs: usize,
    /// The directory of the programs to measure; without it, they are built.
    pub(crate) programs: Option<PathBuf>,
    /// Names of cases; empty for all.
    pub(crate) names: Vec<String>,
}

/// Reads the words after `cargo x`.
pub(crate) fn parse(words: &[String]) -> Result<Verb> {
    let Some((verb, rest)) = words.split_first() else {
        return Err(Failure::missing(USAGE));
    };
    let mut rest = Words { rest, verb };
    match verb.as_str() {
        "help" | "-h" | "--help" => Ok(Verb::Help),
        "demo" => rest.none().map(|()| Verb::Demo),
        "check" => rest.none().map(|()| Verb::Check),
        "fix" => rest.none().map(|()| Verb::Fix),
        "fmt" => rest.none().map(|()| Verb::Fmt),
        "docs" => rest.none().map(|()| Verb::Docs),
        "nix" => rest.none().map(|()| Verb::Nix),
        "test" => test(&mut rest),
        "postgres" => postgres(&mut rest),
        "bench" => bench(&mut rest),
        "soak" => soak(&mut rest),
        "delay" => {
            let milliseconds = rest.number("delay")?;
            Ok(Verb::Delay { milliseconds, address: rest.value("delay")?.to_owned() })
        }
        other => Err(Failure::unknown(format!("unknown command `{other}`\n\n{USAGE}"))),
    }
}

fn test(words: &mut Words<'_>) -> Result<Verb> {
    let mut plan = TestPlan { pg: None, repeat: 1, filters: Vec::new() };
    while let Some(word) = words.next() {
        match word {
            "--pg" => plan.pg = Some(words.number("--pg")?),
            "--repeat" => plan.repeat = words.number("--repeat")?,
            option if option.starts_with('-') => return Err(words.unknown(option)),
            filter => plan.filters.push(filter.to_owned()),
        }
    }
    if plan.repeat == 0 {
        return Err(Failure::unknown("--repeat needs a number above 0"));
    }
    Ok(Verb::Test(plan))
}

fn postgres(words: &mut Words<'_>) -> Result<Verb> {
    let mut pg = None;
    while let Some(word) = words.next() {
        match word {
            "--pg" => pg = Some(words.number("--pg")?),
            other => return Err(words.unknown(other)),
        }
    }
    Ok(Verb::Postgres { pg })
}

fn bench(words: &mut Words<'_>) -> Result<Verb> {
    let mut plan = BenchPlan { runs: DEFAULT_RUNS, programs: None, names: Vec::new() };
    while let Some(word) = words.next() {
        match word {
            "-n" => plan.runs = words.number("-n")?,
            "--bin" => plan.programs = Some(PathBuf::from(words.value("--bin")?)),
            option if option.starts_with('-') => return Err(words.unknown(option)),
            name => plan.names.push(name.to_owned()),
        }
    }
    if plan.runs == 0 {
        return Err(Failure::unknown("-n needs a number above 0"));
    }
    Ok(Verb::Bench(plan))
}

fn soak(words: &mut Words<'_>) -> Result<Verb> {
    let isolation = Isolation::No;
    let mut plan = SoakPlan { runs: SOAK_RUNS, seed: None, pg: None, isolation };
    while let Some(word) = words.next() {
        match word {
            "-n" => plan.runs = words.number("-n")?,
            "--pg" => plan.pg = Some(words.number("--pg")?),
            "--isolated" => plan.isolation = Isolation::Wanted,
            // `soak --isolated` starts itself with it
            "--inside" => plan.isolation = Isolation::Inside,
            "--seed" => plan.seed = Some(words.number("--seed")?),
            other => return Err(words.unknown(other)),
        }
    }
    Ok(Verb::Soak(plan))
}

/// The words that remain to be read.
struct Words<'a> {
    rest: &'a [String],
    verb: &'a str,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn value(&mut self, option: &str) -> Result<&'a str> {
        self.next().ok_or_else(|| Failure::missing(format!("{option} needs a value\n\n{USAGE}")))
    }

    fn number<N: std::str::FromStr>(&mut self, option: &str) -> Result<N> {
        let text = self.value(option)?;
        text.parse().map_err(|_| Failure::unknown(format!("{option} needs a number, not `{text}`")))
    }

    fn none(&mut self) -> Result<()> {
        self.next().map_or(Ok(()), |word| Err(self.unknown(word)))
    }

    fn unknown(&self, word: &str) -> Failure {
        Failure::unknown(format!("`{}` takes no `{word}`\n\n{USAGE}", self.verb))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Verb> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    fn code(line: &str) -> u8 {
        parsed(line).unwrap_err().code()
    }

    #[test]
    fn no_command_is_missing_and_a_wrong_one_unknown() {
        assert_eq!(code(""), 3);
        assert_eq!(code("frobnicate"), 9);
        assert!(parsed("frobnicate").unwrap_err().to_string().contains("Usage: cargo x"));
    }

    #[test]
    fn test_takes_options_and_filters_in_any_order() {
        let filters = vec!["a".to_owned(), "b".to_owned()];
        let expected = Verb::Test(TestPlan { pg: Some(17), repeat: 3, filters });
        assert_eq!(parsed("test a --pg 17 b --repeat 3").unwrap(), expected);
        let expected = Verb::Test(TestPlan { pg: None, repeat: 1, filters: vec![] });
        assert_eq!(parsed("test").unwrap(), expected);
    }

    #[test]
    fn a_value_that_is_missing_wrong_or_superfluous_is_said_to_be() {
        assert_eq!(code("test --pg"), 3);
        assert_eq!(code("test --pg nine"), 9);
        assert_eq!(code("test --release"), 9);
        assert_eq!(code("test --repeat 0"), 9);
        assert_eq!(code("test --repeat"), 3);
        assert_eq!(code("postgres 17"), 9);
        assert_eq!(code("check now"), 9);
        assert_eq!(code("bench -n 0"), 9);
    }

    #[test]
    fn bench_has_a_default_and_takes_names() {
        let Verb::Bench(plan) = parsed("bench --bin old cold").unwrap() else { panic!("bench") };
        assert_eq!(plan.runs, 11);
        assert_eq!(plan.programs, Some(PathBuf::from("old")));
        assert_eq!(plan.names, ["cold"]);
    }

    #[test]
    fn a_soak_has_a_default_and_a_seed_that_repeats_it() {
        let isolation = Isolation::No;
        let expected = Verb::Soak(SoakPlan { runs: 2000, seed: None, pg: None, isolation });
        assert_eq!(parsed("soak").unwrap(), expected);
        let isolation = Isolation::Wanted;
        let expected = Verb::Soak(SoakPlan { runs: 8, seed: Some(42), pg: None, isolation });
        assert_eq!(parsed("soak --seed 42 -n 8 --isolated").unwrap(), expected);
        assert_eq!(code("soak fast"), 9);
    }

    /// The words of every `cargo x …` in `text`, up to the end of the code or the comment.
    fn commands(text: &str) -> Vec<&str> {
        let after = text.split("cargo x ").skip(1);
        after.map(|rest| rest.split(['`', '\n', '#', '(']).next().unwrap_or_default()).collect()
    }

    #[test]
    fn every_command_in_the_documents_is_one() {
        let documents = crate::documents::all().unwrap();
        let commands: Vec<&str> = documents.iter().flat_map(|text| commands(text)).collect();
        for name in
            ["demo", "test", "check", "fix", "fmt", "docs", "nix", "bench", "soak", "postgres"]
        {
            let named = commands.iter().any(|line| line.split_whitespace().next() == Some(name));
            assert!(named, "the documents do not mention `cargo x {name}`");
        }
        for line in commands {
            assert!(parsed(line).is_ok(), "the documents have `cargo x {line}`");
        }
    }

    #[test]
    fn ci_runs_the_test_command() {
        let ci = include_str!("../../.ci/run");
        assert_eq!(commands(ci), ["test"]);
    }
}
