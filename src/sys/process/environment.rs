//! The environment variables of child processes.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// connection, and a server would expose the variables of secrets in `/proc`.
const SCRUBBED: [&str; 4] = ["PG", "HECTIC_SECRET", "HECTIC_DOTENV", "STAGING_DB_URL"];

/// Environment variables. `cli` captures and scrubs them once.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// The variables of `all` that children may see.
    ///
    /// The language of messages becomes English, because db-tool parses messages. The other parts
    /// of the caller's locale stay. `LC_ALL` overrides `LC_MESSAGES`, so its value moves to `LANG`.
    pub fn scrub(all: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut variables: BTreeMap<_, _> =
            all.into_iter().filter(|(name, _)| !is_scrubbed(name)).collect();
        variables.remove(OsStr::new("LANGUAGE"));
        if let Some(locale) = variables.remove(OsStr::new("LC_ALL")) {
            variables.insert("LANG".into(), locale);
        }
        variables.insert("LC_MESSAGES".into(), "C".into());
        Self { variables }
    }

    /// All variables, for a program that acts for the user, such as an editor.
    pub fn unscrubbed(all: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self { variables: all.into_iter().collect() }
    }

    /// The variables that a server needs: the paths of programs and libraries. The locale is C,
    /// whatever the caller's locale is.
    #[must_use]
    pub fn for_server(&self) -> Self {
        let mut server = Self::default();
        for name in ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "NIX_PGLIBDIR"] {
            if let Some(value) = self.variables.get(OsStr::new(name)) {
                server.set(name, value);
            }
        }
        server.set("LC_ALL", "C");
        // without TZ, initdb compares every known time zone with the system's
        server.set("TZ", "UTC");
        server
    }

    /// Sets one variable.
    pub fn set(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.variables.insert(name.into(), value.as_ref().to_owned());
    }

    /// The value of one variable.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// All variables.
    pub fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

fn is_scrubbed(name: &OsStr) -> bool {
    SCRUBBED.iter().any(|prefix| name.to_string_lossy().starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(environment: &Environment) -> Vec<String> {
        environment.variables().map(|(n, _)| n.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn libpq_and_secret_variables_do_not_pass() {
        let url = ("STAGING_DB_URL", "postgresql://u:hush@h/d");
        let all = [("PGHOST", "x"), ("HECTIC_DOTENV_CONTENT", "A=1"), ("EDITOR", "vi"), url];
        let environment = Environment::scrub(all.map(|(n, v)| (n.into(), v.into())));
        assert_eq!(names(&environment), ["EDITOR", "LC_MESSAGES"]);
    }

    #[test]
    fn lc_all_becomes_lang() {
        let all = [("LC_ALL", "de_DE.UTF-8"), ("LANGUAGE", "de")];
        let environment = Environment::scrub(all.map(|(n, v)| (n.into(), v.into())));
        assert_eq!(names(&environment), ["LANG", "LC_MESSAGES"]);
    }

    #[test]
    fn a_server_sees_almost_nothing() {
        let all = [("PATH", "/bin"), ("AWS_SECRET_ACCESS_KEY", "x"), ("LANG", "de_DE")];
        let environment = Environment::scrub(all.map(|(n, v)| (n.into(), v.into()))).for_server();
        assert_eq!(names(&environment), ["LC_ALL", "PATH", "TZ"]);
    }
}
