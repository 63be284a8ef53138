//! The settings that `database.toml` can make. `docs/reference/settings.md` prints this table.

/// The type of a setting's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A string.
    Text,
    /// A string: a path, which starts at the project's root.
    Path,
    /// An integer.
    Integer,
    /// `true` or `false`.
    Switch,
    /// `true` or `false`; the variable says the contrary.
    Inverted,
    /// `true` or `false`; the variable is `on` or `off`.
    OnOff,
    /// An array of strings.
    List,
    /// An array of strings: names of objects, exactly as they are.
    Names,
    /// A string: one of these words.
    Word(&'static [&'static str; 3]),
}

/// A setting, and the variable that it stands for.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name, with its section.
    pub name: &'static str,
    /// The variable, whose meaning and default it has.
    pub variable: &'static str,
    /// The type of its value.
    pub of: Type,
}

const fn key(name: &'static str, variable: &'static str, of: Type) -> Key {
    Key { name, variable, of }
}

/// The values of `bundle`.
pub(in crate::cli) const BUNDLE: [&str; 3] = ["full", "history", "off"];

/// All settings.
pub const KEYS: [Key; 38] = [
    key("url", "DB_URL", Type::Text),
    key("database", "PG_DATABASE", Type::Text),
    key("port", "PG_PORT", Type::Integer),
    key("listen", "PG_LISTEN", Type::Text),
    key("tls", "PG_TLS", Type::Switch),
    key("working_dir", "PG_WORKING_DIR", Type::Path),
    key("log_dir", "PG_LOG_PATH", Type::Path),
    key("preload_libraries", "PG_SHARED_PRELOAD_LIBRARIES", Type::List),
    key("logging", "PG_DISABLE_LOGGING", Type::Inverted),
    key("template", "PG_TEMPLATE", Type::OnOff),
    key("cache", "PG_CACHE", Type::OnOff),
    key("fresh", "PG_FRESH", Type::Switch),
    key("idle_stop", "PG_IDLE_STOP", Type::Text),
    key("url_variable", "PG_URL_VAR", Type::Text),
    key("database_dir", "DATABASE_DIR", Type::Path),
    key("source_dir", "DATABASE_SOURCE", Type::Path),
    key("entrypoint", "HYDRATE_ENTRYPOINT", Type::Text),
    key("profile_dir", "PROFILE_DIR", Type::Path),
    key("patch", "PATCH_SQL", Type::Path),
    key("hydrate_log", "HYDRATE_LOG", Type::Path),
    key("patch_log", "PATCH_LOG", Type::Path),
    key("dotenv_file", "HECTIC_DOTENV_FILE", Type::Path),
    key("key_file", "HECTIC_SECRET_KEY_FILE", Type::Path),
    key("tmp_dir", "TMPDIR", Type::Path),
    key("throwaway_dir", "PG_THROWAWAY_DIR", Type::Path),
    key("bundle", "HECTIC_BUNDLE", Type::Word(&BUNDLE)),
    key("inheritance_excluded_schemas", "HECTIC_INHERITANCE_EXCLUDED_SCHEMAS", Type::Names),
    key("pull.ssh_host", "STAGING_SSH_HOST", Type::Text),
    key("pull.url", "STAGING_DB_URL", Type::Text),
    key("pull.tables", "STAGING_DUMP_TABLES", Type::Text),
    key("pull.flags", "STAGING_DUMP_FLAGS", Type::Text),
    // refused, with the reason: programs, users and directories of the user's own
    key("bindir", "PG_BINDIR", Type::Path),
    key("os_user", "PG_OS_USER", Type::Text),
    key("conf_file", "PG_CONF_FILE", Type::Path),
    key("pager", "PAGER", Type::Text),
    key("editor", "EDITOR", Type::Text),
    key("cache_dir", "XDG_CACHE_HOME", Type::Path),
    key("visual", "VISUAL", Type::Text),
];

/// Sections that other parts of the program read.
pub(super) const SECTIONS: [&str; 3] = ["migrator", "pull.mask", "diff"];

impl Key {
    /// Whether the file may make the setting at all.
    pub fn is_allowed(&self) -> bool {
        !crate::cli::trust::is_never_trusted(self.variable)
    }
}
