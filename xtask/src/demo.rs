//! `cargo x demo`: the main job on the sample project, and the next commands to try.

use std::path::Path;

use crate::failure::Result;
use crate::place::{self, Scratch};
use crate::{postgres, program};

/// Builds the tool and checks the sample project with it.
pub(crate) fn run() -> Result<()> {
    let bindir = postgres::provide(None)?;
    // A development build is ready in half the time, and the tool waits for the server anyway.
    program::run(program::cargo().args(["build", "--bins"]))?;
    let database = place::target().join("debug/database");
    let project = place::root().join("nix/template");
    let scratch = Scratch::new("demo")?;
    program::run(
        program::outside_any_project(&database)
            .arg("check")
            .env("LOCAL_DIR", &project)
            .env("PG_WORKING_DIR", scratch.path())
            .env("DB_URL", url("shop", scratch.path()))
            .env("PG_BINDIR", &bindir)
            .env("PG_SHARED_PRELOAD_LIBRARIES", ""),
    )?;
    eprint!("{}", next_steps(&database, &project, &bindir));
    Ok(())
}

/// The URL of `database` in a cluster whose sockets are in `directory`.
pub(crate) fn url(database: &str, directory: &Path) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(byte);
    let host: String = directory
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .map(|b| if plain(b) { char::from(*b).to_string() } else { format!("%{b:02X}") })
        .collect();
    format!("postgresql://dev@localhost/{database}?host={host}")
}

/// Two commands that work when pasted: a cluster that stays, and the way into it.
fn next_steps(database: &Path, project: &Path, bindir: &Path) -> String {
    let word = |path: &Path| program::quoted(&path.to_string_lossy());
    let tool = word(database);
    format!(
        "\nThe sample project is sound. Next, a development cluster that stays, and a look into \
         it:\n\n  \
         export PG_BINDIR={} LOCAL_DIR={} PG_WORKING_DIR=/tmp/shop PG_SHARED_PRELOAD_LIBRARIES=\n  \
         export DB_URL={}\n  \
         {tool} deploy\n  {tool} psql -c '\\dt shop.*'\n\n\
         `{tool} cleanup` removes it again.\n",
        word(bindir),
        word(project),
        program::quoted(&url("shop", Path::new("/tmp/shop"))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_encoded_into_the_url() {
        assert_eq!(
            url("shop", Path::new("/tmp/a b&c")),
            "postgresql://dev@localhost/shop?host=/tmp/a%20b%26c"
        );
    }
}
