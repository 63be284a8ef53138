//! `database share`: completions and man pages of all four programs, in the form that packages
//! install.
//!
//! Both are generated from the definitions that parse the arguments, so no generated file is kept.
//! The directories are those of `/usr/share`, where bash, zsh, fish and man look.

use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use crate::cli::args::{cleanup, database, init, migrator};
use crate::sys::error::{IoContext, Result};
use crate::sys::process::ActingAs;

/// Each shell with its directory for completions inside a `share` directory.
const COMPLETIONS: [(Shell, &str); 3] = [
    (Shell::Bash, "bash-completion/completions"),
    (Shell::Zsh, "zsh/site-functions"),
    (Shell::Fish, "fish/vendor_completions.d"),
];

/// Writes all files into `share`. Replaces existing ones.
pub(in crate::cli) fn write(share: &Path) -> Result<()> {
    let _acting = ActingAs::controller_of(share)?;
    for (shell, place) in COMPLETIONS {
        let place = made(share.join(place))?;
        for mut program in programs() {
            let name = program.get_name().to_owned();
            clap_complete::generate_to(shell, &mut program, &name, &place)
                .on("write a completion into", &place)?;
        }
    }
    let manuals = made(share.join("man/man1"))?;
    for program in programs() {
        clap_mangen::generate_to(program, &manuals).on("write a man page into", &manuals)?;
    }
    Ok(())
}

/// The command-line definitions of all programs.
pub fn programs() -> [Command; 4] {
    [
        database::Arguments::command(),
        migrator::Arguments::command(),
        init::Arguments::command(),
        cleanup::Arguments::command(),
    ]
}

fn made(directory: PathBuf) -> Result<PathBuf> {
    std::fs::create_dir_all(&directory).on("create", &directory)?;
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_program_has_completions_and_a_page() {
        let share = tempfile::tempdir().expect("temporary directory");
        write(share.path()).expect("written");
        write(share.path()).expect("written again");
        for file in [
            "bash-completion/completions/database.bash",
            "zsh/site-functions/_postgres-init",
            "fish/vendor_completions.d/migrator.fish",
            "man/man1/postgres-cleanup.1",
            "man/man1/database-check.1",
            "man/man1/migrator-migrate-up.1",
        ] {
            assert!(share.path().join(file).is_file(), "{file}");
        }
        let fish = share.path().join("fish/vendor_completions.d/database.fish");
        let fish = std::fs::read_to_string(fish).expect("read");
        assert!(
            fish.contains("-l fail-on")
                && fish.contains("Stop the development cluster and remove it")
        );
    }
}
