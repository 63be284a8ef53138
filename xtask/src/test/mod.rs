//! `cargo x test`: all checks, the flake, PostgreSQL, all tests, a soak.
//!
//! Nothing is printed after the line with the sums, so that the outcome stays visible.

mod report;

use std::io::IsTerminal;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use report::{Failed, Report};

use crate::failure::{Failure, Result};
use crate::soak::{self, Isolation, SoakPlan};
use crate::{check, clients, cron, faketime, nix, pgtap, place, postgres, program, sshd};

/// The variable that names the directory of the server's programs.
const BINDIR: &str = "DB_TOOL_TEST_PG_BINDIR";
/// The variable that names a cache directory that the tests share. It survives between runs, so
/// that each run saves an initdb.
const CACHE: &str = "DB_TOOL_TEST_CACHE";
/// The variable from which proptest takes the random numbers of every property.
const SEED: &str = "PROPTEST_RNG_SEED";
/// The number of commands of the soak at the end.
const SOAK_RUNS: usize = 200;

/// The tests to run, and the number of times.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TestPlan {
    /// The major version of PostgreSQL.
    pub(crate) pg: Option<u32>,
    /// The number of times that the tests run.
    pub(crate) repeat: usize,
    /// Parts of the names of tests; empty for the checks and all tests.
    pub(crate) filters: Vec<String>,
}

/// Runs the tests as often as planned. Without filters, it runs the checks before them and a soak
/// after them, each once.
pub(crate) fn run(plan: &TestPlan) -> Result<()> {
    let (bindir, sshd) = (postgres::provide(plan.pg)?, sshd::provide()?);
    let (faketime, clients) = (faketime::provide()?, clients::provide()?);
    let (cron, pgtap) = (cron::provide(&bindir)?, pgtap::provide(&bindir)?);
    if plan.filters.is_empty() {
        check::run()?;
        nix::run_if_possible()?;
    }
    program::run(program::cargo().args(["test", "--workspace", "--no-run", "--quiet"]))?;
    let mut all = Vec::new();
    for run in 1..=plan.repeat {
        let (seed, started) = (seed(), Instant::now());
        let mut cargo = program::cargo();
        cargo.args(["test", "--workspace", "--no-fail-fast", "--"]).args(&plan.filters);
        cargo.env(sshd::VARIABLE, &sshd).env(BINDIR, &bindir).env(clients::VARIABLE, &clients);
        cargo.env(pgtap::VARIABLE, &pgtap);
        cargo.envs(faketime.iter().map(|library| (faketime::VARIABLE, library)));
        cargo.envs(cron.iter().map(|directory| (cron::VARIABLE, directory)));
        cargo.env(CACHE, place::kept("test-cache")?).env(SEED, &seed);
        let report = watch(&mut cargo)?;
        if plan.repeat > 1 {
            let took = started.elapsed().as_secs();
            println!("run {run} of {}: {}, in {took} s", plan.repeat, report.sums());
        }
        all.push((run, seed, report));
    }
    let is_soaked = plan.filters.is_empty().then(|| soak(plan.pg));
    conclude(plan, &all, is_soaked)
}

/// Runs the soak, which prints its summary or its failure. Returns whether it passed.
fn soak(pg: Option<u32>) -> bool {
    println!();
    let plan = SoakPlan { runs: SOAK_RUNS, seed: None, pg, isolation: Isolation::Wanted };
    let soaked = soak::run(&plan);
    if let Err(failure) = &soaked
        && !failure.is_told()
    {
        eprintln!("{failure}");
    }
    soaked.is_ok()
}

/// Runs the tests and shows the part of their output that is worth reading.
fn watch(cargo: &mut std::process::Command) -> Result<Report> {
    let (mut report, terminal) = (Report::default(), std::io::stderr().is_terminal());
    let status = program::run_by_line(cargo, |line| {
        let shown = report.take(line);
        if terminal && shown.is_empty() {
            eprint!("\r{} tests have ended\r", report.ended());
        }
        print!("{shown}");
    })?;
    print!("{}", report.finish());
    if status.success() || report.failed() > 0 {
        return Ok(report);
    }
    Err(Failure::new(format!("{}\nfailed ({status}): cargo test", report.unexplained())))
}

/// Repeats the failures of all runs and adds up.
fn conclude(
    plan: &TestPlan,
    all: &[(usize, String, Report)],
    is_soaked: Option<bool>,
) -> Result<()> {
    for (run, seed, report) in all {
        for failed in report.failures() {
            let which = if plan.repeat > 1 { format!(" in run {run}") } else { String::new() };
            println!("\nFAILED{which}: {}\n{}", failed.name, failed.output.trim_end());
            println!("alone: {}", alone(plan.pg, seed, failed));
        }
    }
    let failed_runs = all.iter().filter(|(.., report)| report.failed() > 0).count();
    if plan.repeat > 1 {
        println!("\n{} of {} runs passed", all.len() - failed_runs, all.len());
    }
    let total = all.iter().map(|(.., report)| report).sum::<Report>();
    println!("\n{}{}", total.sums(), sum_of_soak(is_soaked));
    if failed_runs == 0 && is_soaked != Some(false) { Ok(()) } else { Err(Failure::told()) }
}

/// What the last line says of the soak.
fn sum_of_soak(is_soaked: Option<bool>) -> &'static str {
    match is_soaked {
        Some(true) => ", the soak passed",
        Some(false) => ", the soak failed",
        None => "",
    }
}

/// The command that runs a test that failed, with the same random numbers if it takes any.
fn alone(pg: Option<u32>, seed: &str, failed: &Failed) -> String {
    let seed = if failed.is_property() { format!("{SEED}={seed} ") } else { String::new() };
    let pg = pg.map(|major| format!("--pg {major} ")).unwrap_or_default();
    format!("{seed}cargo x test {pg}{}", program::quoted(&failed.name))
}

/// The caller's seed, else another one each time.
fn seed() -> String {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    std::env::var(SEED).unwrap_or_else(|_| (now() % u128::from(u32::MAX)).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_has_the_version_and_for_a_property_the_seed() {
        let mut failed = Failed { name: "a::b".into(), output: "panicked".into() };
        assert_eq!(alone(None, "7", &failed), "cargo x test a::b");
        failed.output = "minimal failing input: x = 1".into();
        assert_eq!(alone(Some(17), "7", &failed), "PROPTEST_RNG_SEED=7 cargo x test --pg 17 a::b");
    }
}
