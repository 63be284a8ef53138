//! The description of a cluster. Making one touches no files.

use std::path::PathBuf;
use std::sync::Once;

use super::conf::{Conf, directory_list};
use super::layout::Layout;
use super::run::lock::Lock;
use super::tcp::Tcp;
use super::template::recipe::Recipe;
use super::template::spare::Spares;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, IoContext, Kind, Result};
use crate::sys::process::{ActingAs, OsUser};

/// The library that db-tool loads by default, if it is installed.
const DEFAULT_PRELOAD: &str = "pg_cron";

/// How long a cluster lives. It decides whether the server syncs its data to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// A development cluster. It survives a crash of the machine.
    Kept,
    /// A private cluster. It is removed at the end of the command, so nothing is synced.
    Throwaway,
}

/// The setting `shared_preload_libraries`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preload {
    /// The user set no list: `pg_cron` if it is installed.
    Default,
    /// The user's list. Every library must be installed.
    Set(String),
}

/// The description of a cluster: its place and its settings.
#[derive(Debug, Clone)]
pub struct ClusterSpec {
    /// The paths.
    pub layout: Layout,
    /// Everything else.
    pub settings: ClusterSettings,
}

/// The settings of a cluster, wherever it is.
#[derive(Debug, Clone)]
pub struct ClusterSettings {
    /// The port. It is also a part of the names of the sockets.
    pub port: u16,
    /// Whether db-tool has chosen the port (`PG_PORT=0`), so that it may choose another one.
    pub automatic_port: bool,
    /// The address for TCP connections. With `None`, the server listens on sockets only.
    pub tcp: Option<Tcp>,
    /// The database in which `pg_cron` works.
    pub database: String,
    /// The name of the bootstrap superuser.
    pub superuser: String,
    /// The user who runs the server if root calls.
    pub server_user: Option<OsUser>,
    /// How long the cluster lives.
    pub lifetime: Lifetime,
    /// The user's `postgresql.conf` (`PG_CONF_FILE`).
    pub conf_file: Option<PathBuf>,
    /// The libraries that the server loads. Ignored with a `conf_file`.
    pub preload: Preload,
    /// Whether the logging collector runs. Ignored with a `conf_file`.
    pub logging_collector: bool,
    /// The directory of the templates. With `None`, every new cluster runs `initdb`.
    pub template_cache: Option<PathBuf>,
    /// Where new clusters begin with spares of the templates.
    pub spares: Spares,
    /// More parameters of the server, also with a `conf_file`.
    pub parameters: Vec<(&'static str, String)>,
}

impl ClusterSpec {
    /// The same cluster with another bootstrap superuser.
    pub fn with_superuser(mut self, superuser: String) -> Self {
        self.settings.superuser = superuser;
        self
    }

    /// Takes the rights of the server's user if root calls: others may write in the directories of
    /// the cluster.
    pub fn act(&self) -> Result<ActingAs> {
        ActingAs::enter(self.settings.server_user.as_ref())
    }

    /// Takes the cluster's lock. Works with the rights of the server's user, so that this user can
    /// take the lock, too.
    pub fn lock(&self) -> Result<Lock> {
        let _acting = self.act()?;
        Lock::wait(&self.layout.lock())
    }

    /// The text of the user's `postgresql.conf`, or an empty text. Root reads the file with the
    /// rights of the user who controls it, because that user can read the copy.
    pub fn own_settings(&self) -> Result<String> {
        let Some(file) = &self.settings.conf_file else { return Ok(String::new()) };
        let _acting = ActingAs::controller_of(file)?;
        crate::sys::process::read_text(file).on("read PG_CONF_FILE", file)
    }

    /// The arguments of `initdb` for this cluster.
    pub(super) fn recipe<'a>(&'a self, toolchain: &'a Toolchain) -> Recipe<'a> {
        self.settings.recipe(toolchain)
    }

    /// The settings of db-tool's block in `postgresql.conf`. With a file of the user they are only
    /// the port, the socket directories and the address for TCP connections.
    pub fn conf(&self, preload: &str) -> Conf {
        let sockets = self.layout.sockets(self.settings.port);
        let directories = directory_list(sockets.directories.iter().map(PathBuf::as_path));
        let place = Conf::default()
            .set("port", self.settings.port.to_string())
            .set("unix_socket_directories", directories);
        let place = match &self.settings.tcp {
            Some(tcp) => self.tls(place.set("listen_addresses", tcp.address())),
            None if self.settings.conf_file.is_none() => place.set("listen_addresses", ""),
            None => place,
        };
        let parameters = self.settings.parameters.iter();
        let place = parameters.fold(place, |conf, (name, value)| conf.set(name, value));
        if self.settings.conf_file.is_some() {
            return place;
        }
        let place = place
            .set("unix_socket_permissions", "0700")
            .set("wal_level", "replica")
            .set("max_wal_senders", "10")
            .set("fsync", "on")
            .set("timezone", "UTC")
            .set("log_timezone", "UTC")
            .set("default_text_search_config", "pg_catalog.english")
            .set("logging_collector", if self.settings.logging_collector { "on" } else { "off" })
            .set("log_directory", self.layout.logs().to_string_lossy())
            .set("log_filename", "postgresql-%Y-%m-%d_%H%M%S.log")
            .set("shared_preload_libraries", preload);
        if !libraries(preload).any(|library| library == DEFAULT_PRELOAD) {
            return place;
        }
        place
            .set("cron.database_name", &self.settings.database)
            .set("cron.host", sockets.directories[0].to_string_lossy())
    }

    /// The settings of TLS, if the server uses it.
    fn tls(&self, conf: Conf) -> Conf {
        if !self.settings.tcp.as_ref().is_some_and(Tcp::tls) {
            return conf;
        }
        let [certificate, key] = self.layout.server_certificate();
        conf.set("ssl", "on")
            .set("ssl_cert_file", certificate.to_string_lossy())
            .set("ssl_key_file", key.to_string_lossy())
    }

    /// Settings of the command line, which override the user's file, too. The server writes its log
    /// in English, because db-tool reads it. The others make the server of a throwaway cluster fast;
    /// the project's SQL cannot notice them.
    pub fn overrides(&self) -> Conf {
        let english = Conf::default().set("lc_messages", "C");
        match self.settings.lifetime {
            Lifetime::Kept => english,
            Lifetime::Throwaway => english
                .set("listen_addresses", "")
                .set("fsync", "off")
                .set("synchronous_commit", "off")
                .set("full_page_writes", "off")
                .set("logging_collector", "off"),
        }
    }
}

impl ClusterSettings {
    /// Whether the cache may hold states of such a cluster. The user's configuration may have effects
    /// that no key names.
    pub fn may_cache(&self) -> bool {
        self.template_cache.is_some() && self.conf_file.is_none()
    }

    /// The arguments of `initdb` for such a cluster.
    pub(super) fn recipe<'a>(&'a self, toolchain: &'a Toolchain) -> Recipe<'a> {
        Recipe { toolchain, superuser: &self.superuser, user: self.server_user.as_ref() }
    }

    /// The libraries that the server loads, after a check that they are installed. If the default
    /// library is not installed, db-tool warns and leaves it out.
    pub fn preload_libraries(&self, toolchain: &Toolchain) -> Result<String> {
        self.require_libraries(toolchain)?;
        match &self.preload {
            _ if self.conf_file.is_some() => Ok(String::new()),
            Preload::Set(list) => Ok(list.clone()),
            Preload::Default if toolchain.has_library(DEFAULT_PRELOAD) => {
                Ok(DEFAULT_PRELOAD.to_owned())
            }
            Preload::Default => {
                static ONCE: Once = Once::new();
                ONCE.call_once(|| {
                    tracing::warn!(
                        "{DEFAULT_PRELOAD} is not installed: starting without it \
                     (PG_SHARED_PRELOAD_LIBRARIES='' says that this is intended)"
                    )
                });
                Ok(String::new())
            }
        }
    }

    /// Fails (exit 127) if a library of the user's list is not installed.
    pub fn require_libraries(&self, toolchain: &Toolchain) -> Result<()> {
        let (Preload::Set(list), None) = (&self.preload, &self.conf_file) else { return Ok(()) };
        match libraries(list).find(|library| !toolchain.has_library(library)) {
            None => Ok(()),
            Some(absent) => Err(missing_library(absent, toolchain)),
        }
    }
}

/// The names in a value of `shared_preload_libraries`.
fn libraries(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(|name| name.trim().trim_matches('"')).filter(|name| !name.is_empty())
}

fn missing_library(library: &str, toolchain: &Toolchain) -> Error {
    Error::new(
        Kind::ProgramMissing,
        format!("the library {library} is not installed for {}", toolchain.bindir().display()),
    )
    .hint(format!(
        "install it (Debian: apt-get install postgresql-<major>-{}; Nix: override the postgresql \
         package), or take it out of PG_SHARED_PRELOAD_LIBRARIES",
        library.trim_start_matches("pg_")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> ClusterSpec {
        ClusterSpec {
            layout: Layout::new("/w".into(), None, 0),
            settings: ClusterSettings {
                port: 5433,
                automatic_port: false,
                tcp: None,
                database: "shop".into(),
                superuser: "me".into(),
                server_user: None,
                lifetime: Lifetime::Kept,
                conf_file: None,
                preload: Preload::Default,
                logging_collector: true,
                template_cache: None,
                spares: Spares::Off,
                parameters: Vec::new(),
            },
        }
    }

    #[test]
    fn pg_cron_is_told_where_to_work() {
        let with = spec().conf("pg_stat_statements, pg_cron").written_into("");
        assert!(with.contains("cron.database_name = 'shop'\ncron.host = '/w/sock'"), "{with}");
        assert!(!spec().conf("pg_stat_statements").written_into("").contains("cron."));
    }

    #[test]
    fn with_a_file_of_the_users_only_the_place_is_ours() {
        let mut own = spec();
        own.settings.conf_file = Some("/x.conf".into());
        let names: Vec<_> = own.conf("").arguments().collect();
        assert_eq!(names, ["-c", "port=5433", "-c", "unix_socket_directories=\"/w/sock\", \"/w\""]);
    }

    #[test]
    fn the_server_listens_only_if_somebody_asks_for_it() {
        let mut spec = spec();
        assert!(spec.conf("").written_into("").contains("listen_addresses = ''\n"));
        spec.settings.tcp = Some(Tcp::new("::1", false).expect("an address"));
        assert!(spec.conf("").written_into("").contains("listen_addresses = '::1'\n"));
        spec.settings.conf_file = Some("/x.conf".into());
        assert!(spec.conf("").written_into("").contains("listen_addresses = '::1'\n"));
    }

    #[test]
    fn a_kept_cluster_is_durable() {
        assert_eq!(spec().overrides(), Conf::default().set("lc_messages", "C"));
        assert!(spec().conf("").written_into("").contains("fsync = 'on'"));
    }
}
