//! The program that saves cached states in the background.

use std::ffi::OsString;

use clap::ValueEnum;

use super::Resolve;
use crate::cli::args::database::CheckArguments;
use crate::environment::saver::SaverProgram;
use crate::sys::error::Result;
use crate::sys::process::Environment;

impl Resolve {
    /// The saver of a check. `None` if the command itself saves the states before it ends.
    pub fn saver(&self, flags: &CheckArguments) -> Result<Option<SaverProgram>> {
        if !self.detaches()? {
            return Ok(None);
        }
        let mut environment = Environment::unscrubbed(self.env.all());
        if let Some(url) = &self.url {
            environment.set("DB_URL", url.clone()); // an argument would show its password to everybody
        }
        let arguments = arguments(flags);
        Ok(Some(SaverProgram { program: self.own_program()?, arguments, environment }))
    }
}

/// The arguments that lead to the same states.
fn arguments(flags: &CheckArguments) -> Vec<OsString> {
    let parts = &flags.parts;
    let switches = [
        (parts.no_patch, "--no-patch"),
        (parts.no_hydrate, "--no-hydrate"),
        (parts.mock, "--mock"),
        (parts.bundle.no_hook, "--no-hook"),
    ];
    let given = switches.iter().filter(|(given, _)| *given).map(|(_, name)| *name);
    let mut arguments: Vec<OsString> =
        std::iter::once("check").chain(given).map(OsString::from).collect();
    if let Some(value) = parts.bundle.bundle.and_then(|kind| kind.to_possible_value()) {
        arguments.extend(["--bundle", value.get_name()].map(OsString::from));
    }
    if let Some(file) = &parts.dotenv_file {
        arguments.extend(["--dotenv-file".into(), file.clone().into_os_string()]);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::database::{Arguments, Verb};

    #[test]
    fn the_arguments_come_back() {
        let typed = "database check -P -m --bundle history -f x.env";
        let parse =
            |words: Vec<OsString>| match Arguments::try_parse_from(words).expect("valid").verb {
                Verb::Check(flags) => flags,
                other => panic!("{other:?}"),
            };
        let flags = parse(typed.split(' ').map(OsString::from).collect());
        let again = parse([vec!["database".into()], arguments(&flags)].concat());
        assert_eq!(format!("{flags:?}"), format!("{again:?}"));
    }
}
