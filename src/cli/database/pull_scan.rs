//! `database pull_staging --scan`: prints a proposal for `staging.toml`.

use crate::cli::output::ui;
use crate::command::pull_staging::PullStaging;
use crate::sys::error::Result;

pub(in crate::cli) fn run(pull: &PullStaging) -> Result<()> {
    let proposals = pull.scan()?;
    ui::data(|out| out.write_all(proposals.toml.as_bytes()))?;
    let (open, decided) = (proposals.open, proposals.decided);
    let left_out = match decided {
        0 => String::new(),
        _ => format!("; {decided} have a decision in staging.toml already"),
    };
    ui::status(&format!("columns proposed: {open}{left_out}"));
    if !proposals.continued.is_empty() {
        let tables = proposals.continued.join(", ");
        ui::status(&format!(
            "merge the lines of these tables into their existing sections, because TOML allows a section only once: {tables}"
        ));
    }
    Ok(())
}
