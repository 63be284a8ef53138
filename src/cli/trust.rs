//! The settings that a file of the project may make, and those that only the user's own environment
//! may make.
//!
//! A user who enters the shell of a cloned project has not read it yet. The project's files must
//! not run programs, read keys, or write outside the project just because of that. So db-tool
//! refuses a setting from a file if it names a program, a user, an address that other machines can
//! reach, or a path that leads outside `LOCAL_DIR`, or if a program would take its value as an
//! option. The user can still make the same
//! setting in the environment. SQL is another matter: the verbs that run a project's SQL run it as
//! a superuser, and their documentation says so.

use std::path::{Component, Path, PathBuf};

use crate::cluster::tcp::is_loopback;
use crate::postgres::connection::url::PgUrl;
use crate::sys::error::{Error, Result};

/// Settings that a file of the project must never make, with the reasons.
const NEVER: [(&str, &str); 7] = [
    ("PG_BINDIR", "it says which programs are run"),
    ("PAGER", "it is a program that is run"),
    ("EDITOR", "it is a program that is run"),
    ("VISUAL", "it is a program that is run"),
    ("PG_OS_USER", "it says which user runs the server"),
    ("PG_CONF_FILE", "settings of the server can run programs"),
    ("XDG_CACHE_HOME", "clusters are made from the templates in it"),
];

/// The connection parameter that may name the directory of a socket.
const HOST: &str = "host";

/// Connection parameters that name files or directories.
const FILES: [&str; 9] = [
    HOST,
    "passfile",
    "servicefile",
    "sslcert",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslkeylogfile",
    "sslrootcert",
];

/// Parts of the names of settings that make a server load a library. A session of a superuser can
/// change them.
const LOADED: [&str; 3] = ["preload_libraries", "dynamic_library_path", "jit_provider"];

/// Variables that a shell, the loader or a common program reads, by name or by the beginning of the
/// name.
const READ_BY_OTHERS: [&str; 53] = [
    "BASHOPTS",
    "BASH_*",
    "CDPATH",
    "CLASSPATH",
    "DIRENV_*",
    "DOCKER_*",
    "DYLD_*",
    "EDITOR",
    "ENV",
    "FPATH",
    "GCONV_PATH",
    "GIT_*",
    "GLIBC_*",
    "GOFLAGS",
    "HOME",
    "HOSTALIASES",
    "IFS",
    "JAVA_*",
    "JDK_*",
    "LANG",
    "LC_*",
    "LD_*",
    "LESS*",
    "LOCALDOMAIN",
    "LOCPATH",
    "LOGNAME",
    "MAIL*",
    "MALLOC_*",
    "MANPATH",
    "NIX_*",
    "NLSPATH",
    "NODE_*",
    "NPM_*",
    "OLDPWD",
    "PATH",
    "PERL*",
    "PIP_*",
    "PROMPT_COMMAND",
    "PS0",
    "PS1",
    "PS2",
    "PS4",
    "PWD",
    "PYTHON*",
    "RES_OPTIONS",
    "RUBY*",
    "RUST*",
    "SHELL*",
    "SSH_*",
    "TERM*",
    "USER",
    "XDG_*",
    "ZDOTDIR",
];

const OUTSIDE: &str = "its path leads outside the project";
const NETWORK: &str = "it opens the database to other machines";
const LIBRARY: &str = "its options make the server load a library";

/// Refuses `name=value` in `file`, whose project has the directory `root`. A connection may also
/// lead into `working`, the cluster's directory in the user's own environment.
///
/// # Errors
/// `Conflict` with the reason and a hint. The error never shows the value.
pub(super) fn check(
    file: &Path,
    (name, value): (&str, &str),
    root: &Path,
    working: Option<&Path>,
) -> Result<()> {
    let why = objection(name, value, root, working);
    why.map_or(Ok(()), |why| Err(refused(file, name, name, why)))
}

/// Whether a file of the project must never set this variable.
pub(super) fn is_never_trusted(variable: &str) -> bool {
    NEVER.iter().any(|(never, _)| *never == variable)
}

/// Refuses a connection in a `file` of migrator settings if it reads files outside of that file's
/// directory or makes the server load a library. A socket may be anywhere.
///
/// # Errors
/// See [`check`].
pub(in crate::cli) fn check_connection(file: &Path, connection: &str) -> Result<()> {
    let file = super::path::absolute(file);
    let root = file.parent().unwrap_or(&file);
    // the code that uses an invalid connection string refuses it
    let Ok(url) = PgUrl::parse(connection) else { return Ok(()) };
    let why = if loads_a_library(&url) {
        LIBRARY
    } else if names_a_file_outside(&url, &FILES[1..], root, None) {
        OUTSIDE
    } else {
        return Ok(());
    };
    Err(refused(&file, "db_url", "DB_URL", why))
}

/// Refuses a `directory` of migrations in a `file` of migrator settings if it leads outside of the
/// project `root` and of that file's directory: the migrator runs the SQL there and writes there.
///
/// # Errors
/// See [`check`].
pub(in crate::cli) fn check_migrations(
    file: &Path,
    directory: &Path,
    root: Option<&Path>,
) -> Result<()> {
    let file = super::path::absolute(file);
    let beside = file.parent().unwrap_or(&file);
    let directory = beside.join(directory);
    match [root, Some(beside)].into_iter().flatten().any(|root| is_inside(&directory, root)) {
        true => Ok(()),
        false => Err(refused(&file, "migration_dir", "MIGRATION_DIR", OUTSIDE)),
    }
}

/// Checks the `schema_file` that `file` sets and that the user did not choose: it must lie below the
/// directory of that file, because the migrator writes there.
pub(in crate::cli) fn check_schema_file(file: &Path, schema: &Path) -> Result<()> {
    let file = super::path::absolute(file);
    let beside = file.parent().unwrap_or(&file);
    match is_inside(&beside.join(schema), beside) {
        true => Ok(()),
        false => Err(Error::conflict(format!("{} sets schema_file: {OUTSIDE}", file.display()))
            .hint("name a file of the project")),
    }
}

fn refused(file: &Path, setting: &str, variable: &str, why: &str) -> Error {
    Error::conflict(format!("{} sets {setting}: {why}", file.display()))
        .detail("A project's file is not trusted like your own environment.")
        .hint(format!("if you want this value, set it yourself: export {variable}=…"))
}

fn objection(name: &str, value: &str, root: &Path, working: Option<&Path>) -> Option<&'static str> {
    const OPTION: &str = "a program would take its value as an option";
    if let Some((_, why)) = NEVER.iter().find(|(never, _)| *never == name) {
        return Some(why);
    }
    match name {
        "PG_SHARED_PRELOAD_LIBRARIES" if value.contains('/') => {
            Some("it names a library by its path")
        }
        "ENVIRONMENT" if value.contains('/') => Some(OUTSIDE),
        "HYDRATE_ENTRYPOINT" if !stays_below(Path::new(value)) => Some(OUTSIDE),
        "PG_LISTEN" if !is_closed_to_others(value) => Some(NETWORK),
        "STAGING_SSH_HOST" if value.starts_with('-') && value != "-" => Some(OPTION),
        "PG_DATABASE" | "STAGING_DUMP_TABLES" if value.starts_with('-') => Some(OPTION),
        "DB_URL" | "PGURL" | "STAGING_DB_URL" => {
            let url = PgUrl::parse(value).ok()?;
            if loads_a_library(&url) {
                return Some(LIBRARY);
            }
            names_a_file_outside(&url, &FILES, root, working).then_some(OUTSIDE)
        }
        _ if is_path(name) && !value.is_empty() && !is_inside(&root.join(value), root) => {
            Some(OUTSIDE)
        }
        _ => None,
    }
}

/// Whether only this machine can reach an address.
fn is_closed_to_others(address: &str) -> bool {
    let address = address.trim();
    address.is_empty() || is_loopback(address.trim_matches(['[', ']']))
}

/// Whether a relative path has no `..`.
fn stays_below(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// Whether the options of a connection set a parameter that loads a library. The server accepts
/// dashes instead of underscores, capitals, and backslashes before any character.
fn loads_a_library(url: &PgUrl) -> bool {
    let Some(options) = url.get("options") else { return false };
    let plain = options.replace('\\', "").replace('-', "_").to_lowercase();
    LOADED.iter().any(|name| plain.contains(name))
}

fn names_a_file_outside(url: &PgUrl, keys: &[&str], root: &Path, working: Option<&Path>) -> bool {
    let values = keys.iter().filter_map(|key| url.get(key)).flat_map(|value| value.split(','));
    let mut paths = values.filter(|value| value.contains('/'));
    paths.any(|path| {
        let path = root.join(path.trim());
        !is_inside(&path, root) && !working.is_some_and(|working| is_inside(&path, working))
    })
}

/// Whether `path` lies in `root`, after following symbolic links in both. The part that does not
/// exist yet must have no `..`, because a symbolic link might be created there later.
fn is_inside(path: &Path, root: &Path) -> bool {
    let Ok(root) = std::fs::canonicalize(root) else { return false };
    let existing = path.ancestors().find(|part| part.symlink_metadata().is_ok());
    let Some(existing) = existing else { return false };
    let rest = path.strip_prefix(existing).map_or(PathBuf::new(), Path::to_owned);
    stays_below(&rest) && std::fs::canonicalize(existing).is_ok_and(|real| real.starts_with(&root))
}

/// Whether other programs read a variable of this name. A URL in it would change what they do.
pub(super) fn is_read_by_others(name: &str) -> bool {
    READ_BY_OTHERS.iter().any(|known| match known.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => *known == name,
    })
}

/// Whether a variable holds a path. A relative path in a `.env` starts at the project's directory.
pub(super) fn is_path(name: &str) -> bool {
    name.ends_with("_DIR")
        || name.ends_with("_LOG")
        || name.ends_with("_FILE")
        || matches!(name, "DATABASE_SOURCE" | "PATCH_SQL" | "PG_LOG_PATH" | "PG_BINDIR" | "TMPDIR")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, value: &str, root: &Path) -> bool {
        check(&root.join(".env"), (name, value), root, None).is_err()
    }

    #[test]
    fn paths_stay_in_the_project() {
        let top = tempfile::tempdir().expect("temporary directory");
        let root = top.path().join("project");
        std::fs::create_dir(&root).expect("made");
        std::os::unix::fs::symlink(top.path(), root.join("out")).expect("linked");
        std::os::unix::fs::symlink(root.join("sql"), root.join("nowhere")).expect("linked");
        for inside in ["sql", "./a/b", "focus/postgresql", "."] {
            assert!(!refused("PG_WORKING_DIR", inside, &root), "{inside}");
        }
        let absolute = root.join("sql").to_string_lossy().into_owned();
        assert!(!refused("DATABASE_DIR", &absolute, &root));
        for outside in ["..", "../other", "/etc", "out", "out/x", "sql/../../x", "nowhere/x", "/"] {
            assert!(refused("PG_WORKING_DIR", outside, &root), "{outside}");
            assert!(refused("HECTIC_SECRET_KEY_FILE", outside, &root), "{outside}");
        }
        assert!(refused("HYDRATE_ENTRYPOINT", "../x.sql", &root));
        assert!(!refused("HYDRATE_ENTRYPOINT", "part/x.sql", &root));
        assert!(refused("ENVIRONMENT", "../x", &root));
    }

    #[test]
    fn connections_read_no_files_outside_the_project() {
        let root = tempfile::tempdir().expect("temporary directory");
        let root = root.path();
        let own = format!("postgresql://u@localhost/d?host={}/pg", root.display());
        for kept in
            [&*own, "postgresql://u@localhost:5433/d", "host=db dbname=x", "sslrootcert=system"]
        {
            assert!(!refused("DB_URL", kept, root), "{kept}");
        }
        let file = root.join(".env");
        let system = ("DB_URL", "postgresql:///d?host=/run");
        assert!(check(&file, system, root, Some(Path::new("/run"))).is_ok(), "the person's own");
        for bad in [
            "postgresql:///d?host=/run/postgresql",
            "postgresql://u@h/d?sslkey=/etc/ssh/id_rsa&sslmode=require",
            "host=h passfile=../.pgpass",
            "host=a,/tmp dbname=d",
        ] {
            assert!(refused("DB_URL", bad, root) && refused("STAGING_DB_URL", bad, root), "{bad}");
        }
    }

    #[test]
    fn no_connection_makes_the_server_load_a_library() {
        let root = tempfile::tempdir().expect("temporary directory");
        let (root, file) = (root.path(), root.path().join("migrator.toml"));
        for bad in [
            "host=h options='-c session_preload_libraries=x'",
            "postgresql://u@h/d?options=-cSession_Preload_Libraries%3Dx",
            "host=h options='--session-preload-libraries=x'",
            "host=h options='-c ses\\\\sion_pre\\\\load_libraries=x'",
            "host=h options='-c local_preload_libraries=x'",
            "host=h options='-Pc dynamic_library_path=x'",
        ] {
            assert!(refused("DB_URL", bad, root) && refused("PGURL", bad, root), "{bad}");
            assert!(check_connection(&file, bad).is_err(), "{bad}");
        }
        let kept =
            "host=h options='-c hectic.inheritance_extra_excluded_schemas=legacy -c jit=off'";
        assert!(!refused("DB_URL", kept, root) && check_connection(&file, kept).is_ok());
        assert!(check_connection(&file, "host=/run/postgresql dbname=d").is_ok());
        assert!(check_connection(&file, "host=h sslkey=/etc/ssl/key sslmode=require").is_err());
        assert!(check_connection(&file, "host=h sslrootcert=ca.pem").is_ok());
    }

    #[test]
    fn programs_users_and_options_are_refused() {
        let root = tempfile::tempdir().expect("temporary directory");
        for (name, value) in [
            ("PG_BINDIR", "bin"),
            ("PAGER", "less"),
            ("EDITOR", "vi"),
            ("PG_OS_USER", "root"),
            ("PG_CONF_FILE", "postgresql.conf"),
            ("XDG_CACHE_HOME", "cache"),
            ("PG_SHARED_PRELOAD_LIBRARIES", "auto_explain,./evil.so"),
            ("STAGING_SSH_HOST", "-oProxyCommand=x"),
            ("PG_DATABASE", "-x"),
            ("PG_LISTEN", "0.0.0.0"),
            ("PG_LISTEN", "*"),
            ("PG_LISTEN", "[::]"),
            ("PG_LISTEN", "localhost.example"),
            ("PG_LISTEN", "127.0.0.1, 10.0.0.1"),
        ] {
            assert!(refused(name, value, root.path()), "{name}");
        }
        for (name, value) in [
            ("PG_SHARED_PRELOAD_LIBRARIES", "pg_cron"),
            ("PG_SHARED_PRELOAD_LIBRARIES", ""),
            ("STAGING_SSH_HOST", "-"),
            ("STAGING_SSH_HOST", "me@staging"),
            ("STAGING_DUMP_FLAGS", "--column-inserts"),
            ("PG_PORT", "5433"),
            ("PG_LISTEN", "127.0.0.1"),
            ("PG_LISTEN", "[::1]"),
            ("PG_LISTEN", "localhost"),
            ("PG_LISTEN", ""),
        ] {
            assert!(!refused(name, value, root.path()), "{name}={value}");
        }
    }

    #[test]
    fn variables_that_programs_read_are_known() {
        for name in ["LD_PRELOAD", "BASH_ENV", "PYTHONPATH", "GIT_SSH_COMMAND", "LESSOPEN", "PATH"]
        {
            assert!(is_read_by_others(name), "{name}");
        }
        for name in ["PGURL", "DATABASE_URL", "MY_DB", "PATHS", "LANGUAGE_URL"] {
            assert!(!is_read_by_others(name), "{name}");
        }
    }
}
