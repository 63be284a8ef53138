//! `database status`: prints the state of the development cluster.

use std::io::Write;
use std::time::Duration;

use crate::cli::output::text::{self, span};
use crate::cli::output::ui;
use crate::cli::resolve::Resolve;
use crate::command::status::{self, Facts, Status};
use crate::sys::error::Result;

pub(super) fn show(resolve: &Resolve, json: bool) -> Result<()> {
    let spec = resolve.spec(resolve.layout()?)?;
    let place = spec.layout.working_directory().display().to_string();
    let user = resolve.project_connection()?.map(|conninfo| conninfo.user().to_owned());
    let status = status::run(spec, resolve.toolchain()?, user)?;
    ui::data(|out| {
        if json {
            let text = serde_json::to_string(&status).map_err(std::io::Error::other)?;
            return writeln!(out, "{text}");
        }
        match &status {
            Status::Absent => writeln!(out, "no cluster in {place}"),
            Status::Stopped => writeln!(out, "stopped: {place}"),
            Status::Stale => writeln!(out, "stopped (the server was killed): {place}"),
            Status::Running(facts) => {
                writeln!(out, "running:  {place}")?;
                write_facts(out, facts)
            }
        }
    })
}

fn write_facts(out: &mut dyn Write, facts: &Facts) -> std::io::Result<()> {
    let up = span(Duration::from_secs(facts.up_seconds));
    writeln!(out, "since:    {up} ago, pid {}", facts.pid)?;
    writeln!(out, "version:  {}", facts.version)?;
    writeln!(out, "size:     {}", facts.size)?;
    writeln!(out, "sessions: {}", facts.sessions)?;
    if facts.clones > 0 {
        writeln!(out, "clones:   {}", facts.clones)?;
    }
    if !facts.leases.is_empty() {
        let leases = text::leases(&facts.leases, facts.ends_with_last_lease);
        writeln!(out, "leases:   {leases}")?;
    }
    writeln!(out, "url:      {}", facts.url)?;
    if let Some(address) = &facts.address {
        let tls = if facts.tls { " (TLS)" } else { "" };
        writeln!(out, "address:  {address}{tls}")?;
    }
    writeln!(out, "logs:     {}", text::logs(facts.logs))?;
    writeln!(out, "cache:    {}", text::templates(facts.templates))
}
