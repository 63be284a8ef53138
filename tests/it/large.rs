//! Sources of a hundred megabytes: db-tool needs little memory and still names the right line.

use std::fs::File;
use std::io::{BufWriter, Write};

use crate::support::project::with_own_cache;
use crate::support::trace::nothing_left;
use crate::support::wait::finish_watched;
use crate::support::{Outcome, Sandbox};

/// A hundred thousand lines of a kilobyte make a hundred megabytes.
const LINES: usize = 100_000;
/// The memory that db-tool itself may take, in kilobytes, without the pages of its program, of
/// which a debug build has many. `cargo x bench memory` measures all memory of a release build.
const MEMORY: u64 = 8 * 1024;

fn sandbox_with(write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> Sandbox {
    let sandbox = with_own_cache("");
    let file = File::create(sandbox.path("project/db/src/entrypoint.sql")).unwrap();
    let mut file = BufWriter::new(file);
    write(&mut file).unwrap();
    file.flush().unwrap();
    sandbox
}

/// Runs a check and measures the memory of db-tool, on systems that report it.
fn check(sandbox: &Sandbox) -> Outcome {
    let child = sandbox.spawn("database", ["check"]);
    let status = format!("/proc/{}/status", child.id());
    // the peak of the program's own pages is subtracted from the peak of all
    let (mut all, mut program) = (0, 0);
    let outcome = finish_watched(child, || {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let kilobytes = |name: &str| -> Option<u64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        all = all.max(kilobytes("VmHWM:").unwrap_or(0));
        program = program.max(kilobytes("RssFile:").unwrap_or(0));
    });
    let peak = all - program;
    assert!(peak > 0 || cfg!(not(target_os = "linux")), "nothing was measured");
    assert!(peak < MEMORY, "{peak} kB");
    outcome
}

#[test]
fn an_error_at_the_end_of_many_statements() {
    let filler = "x".repeat(1000);
    let sandbox = sandbox_with(|file| {
        for _ in 0..LINES {
            writeln!(file, "-- {filler}")?;
        }
        writeln!(file, "SELECT 1;\nSELECT 2,;")
    });
    let place = format!("entrypoint.sql:{}:10", LINES + 2);
    check(&sandbox).fails(1, [&place, "SELECT 2,;", "42601"]);
    nothing_left(&sandbox);
}

#[test]
fn an_error_at_the_end_of_one_statement() {
    let filler = "x".repeat(1000);
    let sandbox = sandbox_with(|file| {
        writeln!(file, "CREATE TEMPORARY TABLE t (x text);\nINSERT INTO t VALUES")?;
        for _ in 0..LINES {
            writeln!(file, "('{filler}'),")?;
        }
        writeln!(file, "(missing);")
    });
    let place = format!("entrypoint.sql:{}:2", LINES + 3);
    check(&sandbox).fails(1, [&place, "(missing);", "42703"]);
    nothing_left(&sandbox);
}

#[test]
fn one_statement_on_one_line() {
    let filler = "x".repeat(1000);
    let sandbox = sandbox_with(|file| {
        write!(file, "SELECT 1;\nSELECT length('")?;
        for _ in 0..LINES {
            write!(file, "{filler}")?;
        }
        writeln!(file, "'), missing;")
    });
    check(&sandbox).fails(1, ["entrypoint.sql:2:", "column \"missing\" does not exist", "42703"]);
    nothing_left(&sandbox);
}

#[test]
fn much_output_is_not_held() {
    let sandbox = sandbox_with(|file| {
        writeln!(file, "SELECT repeat('x', 1000) FROM generate_series(1, {LINES});")?;
        writeln!(file, "DO $$ BEGIN FOR i IN 1..1000 LOOP RAISE NOTICE '%', repeat('x', 100000);")?;
        writeln!(file, "END LOOP; END $$;")
    });
    check(&sandbox).success();
    nothing_left(&sandbox);
}

#[test]
fn a_token_of_many_megabytes() {
    let sandbox = sandbox_with(|file| write!(file, "{}", "x".repeat(20_000_000)));
    let told = check(&sandbox).fails(1, ["entrypoint.sql:1:1", "syntax error", "bytes more)"]);
    let longest = told.stderr.lines().map(str::len).max();
    assert!(told.stderr.len() < 20_000 && longest < Some(2200), "{}", told.stderr.len());
    nothing_left(&sandbox);
}
