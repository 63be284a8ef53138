//! The table of variables that the programs read. `--help` and `docs/reference/variables.md` print
//! it.

/// A documented variable.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// The variable's name.
    pub name: &'static str,
    /// Its default in the documentation.
    pub default: &'static str,
    /// Its meaning.
    pub meaning: &'static str,
}

const fn variable(name: &'static str, default: &'static str, meaning: &'static str) -> Variable {
    Variable { name, default, meaning }
}

/// All variables that the programs read.
pub const TABLE: [Variable; 49] = [
    variable(
        "LOCAL_DIR",
        "the directory of `database.toml`, in the current directory or above it",
        "The project's root directory.",
    ),
    variable(
        "DB_URL",
        "(unset)",
        "The project's database: URL or key=value conninfo, such as `postgresql://user@localhost/dbname?host=$PG_WORKING_DIR`.",
    ),
    variable(
        "PG_WORKING_DIR",
        "`$LOCAL_DIR/focus/postgresql`",
        "Directory of the cluster: its data, sockets and logs.",
    ),
    variable("DATABASE_DIR", "`$LOCAL_DIR/db`", "Directory of the project's database files."),
    variable("MIGRATION_DIR", "`$DATABASE_DIR/migration`", "Directory of the migrations."),
    variable(
        "DATABASE_SOURCE",
        "`$DATABASE_DIR/src`",
        "Directory of the sources that hydration runs.",
    ),
    variable(
        "HYDRATE_ENTRYPOINT",
        "`entrypoint.sql`",
        "The file in `DATABASE_SOURCE` with which hydration starts.",
    ),
    variable(
        "PATCH_SQL",
        "`test-data.sql` in `PROFILE_DIR`, else in `LOCAL_DIR`",
        "The patch file.",
    ),
    variable("PROFILE_DIR", "(unset)", "Directory of the default patch file."),
    variable(
        "PG_DATABASE",
        "the database of `DB_URL`, else `testdb`",
        "Database to create in the cluster.",
    ),
    variable(
        "PG_PORT",
        "the port of `DB_URL`, else `5432`",
        "Port of the server, which is also a part of its socket's name. `0`: a free one, which the working directory remembers.",
    ),
    variable(
        "PG_LISTEN",
        "(unset)",
        "Address on which the server accepts TCP connections, such as `127.0.0.1`. Clients then need the password that is in `PGPASSFILE`. Unset: sockets only. A file of the project may name a loopback address only; `--listen-public` allows others.",
    ),
    variable(
        "PG_TLS",
        "`0`",
        "`1`: TCP connections need TLS. db-tool makes a test authority and a certificate of the server in `$PG_WORKING_DIR/tls`. No effect without `PG_LISTEN`.",
    ),
    variable("PG_URL_VAR", "`PGURL`", "Name of the variable that gets the cluster's URL."),
    variable("PGURL", "(unset)", "The project's database if `DB_URL` is unset."),
    variable(
        "PG_LOG_PATH",
        "`$PG_WORKING_DIR/log`",
        "Directory for the server's logs, outside the data directory; also for `hydrate.log` and `patch.log` when set. When a server starts, it removes the oldest logs beyond 20 files or 100 MB.",
    ),
    variable(
        "PG_CONF_FILE",
        "(unset)",
        "A `postgresql.conf` that replaces the generated one in a fresh cluster. `port` and `unix_socket_directories` are still appended. `PG_DISABLE_LOGGING` and `PG_SHARED_PRELOAD_LIBRARIES` are then ignored.",
    ),
    variable(
        "PG_SHARED_PRELOAD_LIBRARIES",
        "`pg_cron`",
        "Comma-separated `shared_preload_libraries`. Empty: none. If the default is not installed, it is left out with a warning. Ignored with `PG_CONF_FILE`.",
    ),
    variable(
        "PG_DISABLE_LOGGING",
        "`0`",
        "`1` turns the logging collector off. Ignored with `PG_CONF_FILE`.",
    ),
    variable(
        "PG_REUSE",
        "(unset)",
        "Any value: `database deploy` works in the cluster that is there, and `PG_FRESH` has no effect.",
    ),
    variable(
        "PG_FRESH",
        "`0`",
        "`1` makes the cluster anew instead of keeping it, as `--fresh` does. Its data is lost.",
    ),
    variable(
        "PG_FORCE",
        "`0`",
        "`1` lets `--fresh` make the cluster anew, and a snapshot stop it, even while other sessions are connected.",
    ),
    variable(
        "PG_LEASE",
        "(unset)",
        "The process that the server must not outlive, as `--lease PID` has it; `off`: no lease, whatever `--lease` says.",
    ),
    variable(
        "PG_IDLE_STOP",
        "`off`",
        "The server stops when no client has had a session for this long, such as `30min`; its data stays. The next command of db-tool starts it again. A server with jobs of pg_cron goes on.",
    ),
    variable(
        "PG_TEMPLATE",
        "`on`",
        "`off` runs `initdb` each time instead of cloning a cached cluster.",
    ),
    variable(
        "PG_CACHE",
        "`on`; for `database check` with `CI` set, `off`",
        "`off`: commands neither use nor make cached states of a hydrated, patched or migrated database.",
    ),
    variable(
        "PG_CACHE_DETACH",
        "`on` at a terminal without `CI`, else `off`",
        "`on`: `database check` ends before its new states are in the cache; a process in the background saves them. `off`: it ends after that.",
    ),
    variable(
        "PG_SPARE",
        "`on` for clusters on a disk without `CI`, else `off`",
        "`off`: no copy of a template is made in advance for the next new cluster. `on`: also for clusters in memory.",
    ),
    variable(
        "PG_BINDIR",
        "(searched)",
        "Directory of the PostgreSQL programs. If it is set, no other directory is searched.",
    ),
    variable(
        "PG_OS_USER",
        "`postgres`, else `nobody`",
        "The operating-system user who runs the server if root calls and owns the working directory.",
    ),
    variable(
        "HECTIC_DOTENV_CONTENT",
        "(unset)",
        "The secrets to load at hydration, as the text of a dotenv.",
    ),
    variable(
        "HECTIC_DOTENV_FILE",
        "`$LOCAL_DIR/.env.$ENVIRONMENT`",
        "The dotenv with the secrets to load at hydration.",
    ),
    variable(
        "HECTIC_SECRET_KEY_FILE",
        "(unset)",
        "The project's key, which teammates share: opens sealed dotenvs, and seals the secrets of the database.",
    ),
    variable(
        "HECTIC_BUNDLE",
        "`full`",
        "The kind of the hectic bundle that databases get. `full`: everything. `history`: the history of migrations and the secrets, without rules for tables. `off`: nothing.",
    ),
    variable(
        "HECTIC_INHERITANCE_EXCLUDED_SCHEMAS",
        "(unset)",
        "Schemas in which tables need not inherit from `hectic.created_at`, in every cluster that db-tool makes: `legacy, etl`. Names as in SQL.",
    ),
    variable("ENVIRONMENT", "(unset)", "Names the default dotenv."),
    variable(
        "STAGING_SSH_HOST",
        "(for `pull_staging`)",
        "The host to which `ssh` connects; `-`: no ssh.",
    ),
    variable("STAGING_DB_URL", "(for `pull_staging`)", "The database, as seen from that host."),
    variable("STAGING_DUMP_TABLES", "(for `pull_staging`)", "Names or patterns of tables to pull."),
    variable("STAGING_DUMP_FLAGS", "(for `pull_staging`)", "Flags of `pg_dump`; may be empty."),
    variable("HYDRATE_LOG", "(stdout)", "File for the output of hydration."),
    variable("PATCH_LOG", "(stdout)", "File for the output of patching."),
    variable(
        "NO_TTY",
        "`0`",
        "`1` declares a session without a terminal: no progress, no pager. (The server never holds the caller's terminal, pipes or descriptors, with or without it.)",
    ),
    variable("NO_COLOR", "(unset)", "Any value: no colour."),
    variable(
        "XDG_CACHE_HOME",
        "`$HOME/.cache`",
        "Directory of the template cache `db-tool`: the last used templates, up to 512 MB.",
    ),
    variable(
        "TMPDIR",
        "`/tmp`",
        "Directory of temporary files, of private clusters for which memory has no room, and of those that `--keep` leaves.",
    ),
    variable(
        "PG_THROWAWAY_DIR",
        "`/dev/shm` if memory has room, else `TMPDIR`",
        "Directory of private clusters. Room in memory is 1 GB, or four times what the last private cluster of the project took, if that is more. Set it to `TMPDIR` to keep private clusters out of memory.",
    ),
    variable("PAGER", "`less`", "Shows logs and differences on a terminal."),
    variable("EDITOR", "`vi`", "Edits the patch file; `VISUAL` overrides it."),
];
