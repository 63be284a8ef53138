//! `cargo x bench`: the tool against the commands that people use instead, on this machine, now.
//!
//! Absolute times say more about the machine and its load than about the tool. So both sides run in
//! turn, in fresh directories, and the ratio of their medians counts. A case about
//! new clusters is measured twice, in memory and on the disk of the repository. Each side first has one run
//! that does not count. `bench` stops and removes the servers and files of a run outside the
//! measured part.

mod cached;
mod cases;
mod clones;
mod comparisons;
mod dbmate;
mod ddl;
mod durability;
mod lab;
mod memory;
mod migrations;
mod pulls;
mod samples;
mod secrets;
mod stats;
mod test_files;

use std::io::IsTerminal;
use std::path::PathBuf;

use crate::args::BenchPlan;
use crate::failure::{Failure, Result};
use crate::{place, postgres, program};
use cases::Case;
use lab::Lab;
use stats::Comparison;

/// The name that selects the memory measurement.
const MEMORY: &str = "memory";

/// Measures the chosen cases, and fails when a target is missed.
pub(crate) fn run(plan: &BenchPlan) -> Result<()> {
    let named = |name: &str| plan.names.iter().any(|n| n == name);
    let wanted = |name: &str| named(name) || plan.names.is_empty() && !is_for_itself(name);
    known(&plan.names)?;
    let (bindir, programs) = (postgres::provide(None)?, programs(plan)?);
    let mut labs = Vec::new();
    for (name, parent) in Lab::parents()? {
        let lab = Lab::new(bindir.clone(), programs.clone(), parent)?;
        eprintln!("working in {} ({name})", lab.place().display());
        labs.push((name, lab));
    }
    let Some((_, lab)) = labs.first() else { return Ok(()) };
    let mut missed = Vec::new();
    let timed: Vec<&Case> = cases().filter(|case| wanted(case.name)).collect();
    if !timed.is_empty() {
        println!("{}", stats::HEADER);
    }
    for case in timed {
        if let Err(missing) = (case.needs)(lab) {
            eprintln!("{} is left out: {missing}", case.name);
            continue;
        }
        let runs = plan.runs.min(case.most);
        // the place decides about a cluster, and hardly about its content
        let places = if makes_clusters(case) { labs.len() } else { 1 };
        for (place, lab) in labs.iter().take(places) {
            let comparison = lab.with_stage(case.stage, || compare(lab, case, runs))?;
            let name = format!("{}, {place}", case.name);
            println!("{}", comparison.row(&name, case.what, case.target));
            if !comparison.meets(case.target) {
                missed.push(name);
            }
        }
    }
    let measured = cases().filter(|case| !is_for_itself(case.name) || named(case.name));
    if wanted(MEMORY) && !memory::report(lab, measured)? {
        missed.push(MEMORY.to_owned());
    }
    if missed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("missed the target of: {}", missed.join(", "))))
}

/// Every case, in the order of the table.
fn cases() -> impl Iterator<Item = &'static Case> {
    let clusters =
        cases::CASES.iter().chain(&cached::CASES).chain(&clones::CASES).chain(&ddl::CASES);
    let contents = comparisons::CASES.iter().chain(&secrets::CASES).chain(&pulls::CASES);
    let contents = contents.chain(&test_files::CASES);
    clusters.chain(contents).chain(&durability::CASES)
}

/// Whether a case is about new clusters. It is measured in memory and on the disk.
fn makes_clusters(case: &Case) -> bool {
    ["init", "check", "cold"].contains(&case.name)
        || cached::CASES.iter().any(|known| known.name == case.name)
}

/// Whether a case runs only if the command line names it.
fn is_for_itself(name: &str) -> bool {
    name == pulls::LARGE || durability::CASES.iter().any(|case| case.name == name)
}

/// Refuses a name that no case has.
fn known(names: &[String]) -> Result<()> {
    let known: Vec<&str> = cases().map(|case| case.name).chain([MEMORY]).collect();
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Failure::unknown(format!(
            "there is no case `{name}`; there are: {}",
            known.join(", ")
        ))),
        None => Ok(()),
    }
}

/// The directory of the programs to measure; builds them unless an option names it.
fn programs(plan: &BenchPlan) -> Result<PathBuf> {
    if let Some(given) = &plan.programs {
        return Ok(place::root().join(given));
    }
    let build = ["build", "--release", "--package", "db-tool", "--bins"];
    program::run_aside(program::cargo().args(build))?;
    Ok(place::target().join("release"))
}

/// Runs both sides in turn, and alternates the side that begins.
fn compare(lab: &Lab, case: &Case, runs: usize) -> Result<Comparison> {
    let mut comparison = Comparison::default();
    for run in 0..=runs {
        progress(&format!("{}: {run} of {runs}", case.name));
        let (ours, theirs) = if run % 2 == 0 {
            let ours = lab.time(&case.ours)?;
            (ours, lab.time(&case.theirs)?)
        } else {
            let theirs = lab.time(&case.theirs)?;
            (lab.time(&case.ours)?, theirs)
        };
        if run > 0 {
            comparison.push(ours, theirs);
        }
    }
    progress("");
    Ok(comparison)
}

/// Replaces the line of progress on a terminal.
fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_cases_select() {
        assert!(known(&["init".into(), "memory".into()]).is_ok());
        assert_eq!(known(&["speed".into()]).unwrap_err().code(), 9);
    }
}
