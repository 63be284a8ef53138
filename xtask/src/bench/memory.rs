//! The peak of the memory that the tool itself takes.
//!
//! `wait4` and `time -f %M` report the largest process among a process and its children, which
//! would be the server. The kernel keeps the peak of db-tool itself in `/proc/<pid>/status` while
//! db-tool lives. This program reads it every millisecond, so it misses at most the memory of the
//! last one.

#![expect(clippy::disallowed_methods, reason = "a sampling loop has to sleep")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::cases::Case;
use super::lab::{self, Lab};
use crate::failure::{Failure, On, Result};

/// The cases whose peak is measured, each with its limit in megabytes. The other cases run the same
/// commands.
const MEASURED: [(&str, f64); 8] = [
    ("init", 20.0),
    ("check", 20.0),
    ("cold", 20.0),
    ("migrate", 20.0),
    ("noop", 20.0),
    ("pull", 64.0),
    ("jobs", 64.0),
    ("gigabyte", 64.0),
];
/// Runs of each command; the largest counts.
const RUNS: usize = 3;

/// Prints the peaks of the cases' commands. Returns false if one exceeds its limit.
pub(super) fn report<'a>(lab: &Lab, cases: impl Iterator<Item = &'a Case>) -> Result<bool> {
    if !cfg!(target_os = "linux") {
        eprintln!("Peak memory is measured on Linux only.");
        return Ok(true);
    }
    println!("\n| Peak memory of db-tool itself | | Target |\n|---|---:|---:|");
    let mut within = true;
    for case in cases {
        let Some((_, limit)) = MEASURED.iter().find(|(name, _)| *name == case.name) else {
            continue;
        };
        if let Err(missing) = (case.needs)(lab) {
            eprintln!("{} is left out: {missing}", case.name);
            continue;
        }
        let peak = lab.with_stage(case.stage, || peak(lab, case))?;
        println!("| {} | {peak:.1} MB | < {limit} MB |", case.name);
        within &= peak < *limit;
    }
    Ok(within)
}

/// The largest peak of the case's command, in MB.
fn peak(lab: &Lab, case: &Case) -> Result<f64> {
    let mut peak: f64 = 0.0;
    for _ in 0..RUNS {
        peak = peak.max(lab.with_site(&case.ours, watch)?.0);
    }
    if peak > 0.0 {
        return Ok(peak);
    }
    Err(Failure::new(format!("{}: ended before its memory could be read", case.name)))
}

/// Runs the command and reads its high-water mark until it ends.
fn watch(command: &mut Command) -> Result<(f64, std::process::ExitStatus)> {
    let mut child = lab::start(command)?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak: f64 = 0.0;
    loop {
        // The mark is gone from the status of a process that has ended, so the last one counts.
        let text = fs::read_to_string(&status).unwrap_or_default();
        peak = peak.max(high_water_mark(&text).unwrap_or_default());
        if let Some(ended) = child.try_wait().on("wait for", Path::new(command.get_program()))? {
            return Ok((peak, ended));
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The largest resident set so far, in MB: `VmHWM:    4660 kB`.
fn high_water_mark(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_read_in_megabytes_and_absent_after_the_end() {
        let mark = high_water_mark("Name:\tx\nVmHWM:\t    2000 kB\nVmRSS:\t 1 kB\n");
        assert_eq!(mark, Some(2.048));
        assert_eq!(high_water_mark("Name:\tx\nState:\tZ (zombie)\n"), None);
    }
}
