//! `database doctor`: prints the findings.

use serde_json::json;

use crate::cli::args::diff::DiffFormat;
use crate::cli::output::text::{logs, templates};
use crate::cli::output::ui;
use crate::cli::resolve::Resolve;
use crate::command::doctor::{Diagnosis, Doctor, Finding, Value, Verdict};
use crate::sys::error::{Error, Result};

/// Checks and prints the findings. If a precondition is not met, fails with the exit code of the
/// first one.
pub(in crate::cli) fn run(resolve: &Resolve, format: DiffFormat) -> Result<()> {
    let layout = resolve.layout();
    let doctor = Doctor {
        toolchain: resolve.toolchain(),
        settings: resolve.private_settings(),
        workspace: resolve.workspace(),
        spec: layout.as_ref().ok().and_then(|layout| resolve.spec(layout.clone()).ok()),
        layout,
        temporary: resolve.temporary_directory(),
        place: resolve.private_place(),
        url: resolve.project_url().ok().flatten().cloned(),
        connection: resolve.connection_as_it_is(),
    };
    let diagnosis = doctor.run();
    match format {
        DiffFormat::Text => print(&diagnosis)?,
        DiffFormat::Json => print_json(&diagnosis)?,
    }
    match diagnosis.first_problem() {
        None => Ok(()),
        Some(problem) => Err(Error::new(problem.kind(), "not everything is in order")),
    }
}

fn print(diagnosis: &Diagnosis) -> Result<()> {
    ui::data(|out| {
        for finding in &diagnosis.findings {
            let what = finding.what;
            match &finding.verdict {
                Verdict::Good(value) => writeln!(out, "ok    {what}: {}", text(value))?,
                Verdict::Note(found, advice) => {
                    writeln!(out, "note  {what}: {found}\n      {advice}")?;
                }
                Verdict::Bad(error) => {
                    writeln!(out, "BAD   {what}: {}", error.message())?;
                    for hint in error.hints() {
                        writeln!(out, "      {hint}")?;
                    }
                }
            }
        }
        Ok(())
    })
}

fn print_json(diagnosis: &Diagnosis) -> Result<()> {
    let object = |finding: &Finding| {
        let (verdict, found, advice) = match &finding.verdict {
            Verdict::Good(value) => ("ok", text(value), Vec::new()),
            Verdict::Note(found, advice) => ("note", found.clone(), vec![advice.clone()]),
            Verdict::Bad(error) => ("bad", error.message().to_owned(), error.hints().to_vec()),
        };
        json!({ "what": finding.what, "verdict": verdict, "found": found, "advice": advice })
    };
    let findings: Vec<_> = diagnosis.findings.iter().map(object).collect();
    ui::data(|out| writeln!(out, "{}", json!(findings)))
}

fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Templates(place, used) => format!("{}, {}", place.display(), templates(*used)),
        Value::Logs(place, used) => format!("{}, {}", place.display(), logs(*used)),
    }
}
