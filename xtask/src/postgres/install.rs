//! Installing the distribution's PostgreSQL on Debian and Ubuntu, without its `main` cluster.
//!
//! The package makes and starts a cluster of its own unless `create_main_cluster` says no. If the
//! machine's owner has set it, that setting stays. Otherwise this program sets it while apt
//! installs the package, and removes the setting afterwards.

use std::fs;
use std::process::Command;

use super::OLDEST;
use crate::failure::Result;
use crate::{place, program};

/// The advice for all other systems.
pub(super) const ADVICE: &str = "\
PostgreSQL 15 or later with its client programs is needed. Install it, then try again:
  macOS            brew install postgresql@17
  Fedora, RHEL     dnf install postgresql-server postgresql-contrib
  Arch             pacman -S postgresql
  Alpine           apk add postgresql17 postgresql17-client postgresql17-contrib
  Nix              nix-shell -p postgresql_17
  Debian, Ubuntu   apt-get install postgresql
or set PG_BINDIR to the directory that holds initdb, postgres and psql.";

/// The directory whose files `pg_createcluster(1)` reads besides its main configuration.
const SETTINGS: &str = "/etc/postgresql-common/createcluster.d";
/// Our file in that directory.
const OURS: &str = "/etc/postgresql-common/createcluster.d/db-tool.conf";
/// The main configuration.
const MAIN: &str = "/etc/postgresql-common/createcluster.conf";

/// Whether apt is here, and root's rights are available without a password.
pub(super) fn possible() -> bool {
    let apt = program::succeeds(program::new("apt-get").arg("--version"));
    apt && (place::is_root() || program::succeeds(program::new("sudo").args(["-n", "true"])))
        && offers_a_supported_version()
}

/// Installs the package `postgresql`, which brings the server, the client programs and contrib.
pub(super) fn distribution_package() -> Result<()> {
    eprintln!(
        "Installing the distribution's package `postgresql`, without its `main` cluster \
         (create_main_cluster = false)."
    );
    let ours = !somebody_decided();
    if ours {
        program::run_aside(&mut shell(&format!(
            "mkdir -p {SETTINGS} && echo 'create_main_cluster = false' > {OURS}"
        )))?;
    }
    let installed = program::run_aside(&mut shell(
        "DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends postgresql",
    ));
    if ours {
        program::run_aside(&mut shell(&format!("rm -f {OURS}")))?;
    }
    installed
}

/// Whether apt would install a supported version. It renews apt's lists first: a fresh container
/// has none, and old lists name files that the mirror has deleted meanwhile.
fn offers_a_supported_version() -> bool {
    let renewed = program::run_aside(&mut shell("apt-get update --quiet --quiet"));
    let policy = program::output(program::new("apt-cache").args(["policy", "postgresql"]));
    let candidate = policy.ok().and_then(|said| candidate_major(&said));
    renewed.is_ok() && candidate.is_some_and(|major| major >= OLDEST)
}

/// The major version that `apt-cache policy` names as the candidate.
fn candidate_major(policy: &str) -> Option<u32> {
    let line = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "))?;
    line.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Whether the machine's owner has set `create_main_cluster`.
fn somebody_decided() -> bool {
    let parts = fs::read_dir(SETTINGS).into_iter().flatten().flatten().map(|e| e.path());
    let files = parts.chain([MAIN.into()]);
    files.filter_map(|file| fs::read_to_string(file).ok()).any(|text| decides(&text))
}

/// Whether a configuration sets `create_main_cluster`; a comment does not.
fn decides(text: &str) -> bool {
    text.lines().any(|line| line.trim_start().starts_with("create_main_cluster"))
}

/// A shell script run as root.
fn shell(script: &str) -> Command {
    let mut command = program::new(if place::is_root() { "sh" } else { "sudo" });
    if !place::is_root() {
        command.args(["-n", "sh"]);
    }
    command.args(["-c", script]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_candidate_and_not_the_installed_version_counts() {
        let policy = "postgresql:\n  Installed: (none)\n  Candidate: 15+248+deb12u1\n";
        assert_eq!(candidate_major(policy), Some(15));
        assert_eq!(candidate_major("postgresql:\n  Candidate: (none)\n"), None);
        assert_eq!(candidate_major(""), None);
    }

    #[test]
    fn a_commented_setting_decides_nothing() {
        assert!(!decides("#create_main_cluster = true\nssl = on\n"));
        assert!(decides("ssl = on\n create_main_cluster = true\n"));
    }

    #[test]
    fn the_advice_names_a_command_for_every_family() {
        for command in ["brew install", "dnf install", "nix-shell", "apt-get install", "PG_BINDIR"]
        {
            assert!(ADVICE.contains(command), "{command}");
        }
    }
}
