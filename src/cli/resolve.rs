//! Makes values from the environment and the arguments, each once and only here.

mod cache;
mod choice;
mod development;
mod keepers;
mod network;
mod new;
mod places;
mod saver;
mod spares;

pub(in crate::cli) use network::Listen;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use super::env::Env;
use super::path::absolute;
use crate::backup::DEFAULT_PLACE;
use crate::bundle::{self, Kind};
use crate::cluster::{self, ClusterSettings, ClusterSpec, Existing, Layout, Lifetime, Preload};
use crate::environment::private;
use crate::postgres::connection::conninfo::{Conninfo, LibpqEnvironment};
use crate::postgres::connection::url::PgUrl;
use crate::postgres::toolchain::{Search, Toolchain};
use crate::project::workspace::{Patch, Workspace};
use crate::secret::{Dotenv, KeySource, Supply};
use crate::sys::error::{Error, Result};
use crate::sys::process::{Environment, OsUser};

/// The database when neither `PG_DATABASE` nor `DB_URL` names one.
const DEFAULT_DATABASE: &str = "testdb";
/// The port when neither `PG_PORT` nor `DB_URL` names one.
const DEFAULT_PORT: u16 = 5432;

/// The environment and the arguments that take precedence over it.
#[derive(Clone)]
pub struct Resolve {
    /// The environment.
    pub env: Env,
    /// `--url`.
    pub url: Option<String>,
    /// `--remote`.
    pub remote: bool,
    /// `--listen` and `--listen-public`.
    listen: Listen,
    /// The port that `PG_PORT=0` stands for, after its first use.
    chosen_port: OnceCell<u16>,
    /// The variables that can name the project's connection; the first that is set counts.
    url_variables: &'static [&'static str],
    /// The project's connection, after its first use.
    project: OnceCell<Option<(PgUrl, Conninfo)>>,
}

impl Resolve {
    /// Takes this process's environment, `--url`, and the variables that can name the project's
    /// connection.
    pub fn new(url: Option<String>, url_variables: &'static [&'static str]) -> Result<Self> {
        Ok(Self { url, url_variables, ..Self::of(Env::capture()?) })
    }

    /// Takes only this process's environment, for work that has nothing to do with a project.
    pub fn of_process() -> Self {
        Self::of(Env::of_process())
    }

    fn of(env: Env) -> Self {
        Self {
            env,
            url: None,
            remote: false,
            listen: Listen::default(),
            chosen_port: OnceCell::new(),
            url_variables: &[],
            project: OnceCell::new(),
        }
    }

    /// `LOCAL_DIR` and the paths below it; exit 3 without it.
    pub fn workspace(&self) -> Result<Workspace> {
        let root = self.root().ok_or_else(|| {
            Error::missing("LOCAL_DIR is not set")
                .hint("set it to the project's root directory: export LOCAL_DIR=\"$PWD\"")
                .hint("or put a file database.toml there; it may be empty")
        })?;
        if !root.is_dir() {
            return Err(Error::missing(format!("LOCAL_DIR {} is no directory", root.display()))
                .hint("set it to the project's root directory"));
        }
        let below = |name, default: PathBuf| self.env.path(name).unwrap_or(default);
        let database_directory = below("DATABASE_DIR", root.join("db"));
        let source = below("DATABASE_SOURCE", database_directory.join("src"));
        let entrypoint = self.env.os("HYDRATE_ENTRYPOINT").unwrap_or("entrypoint.sql".as_ref());
        let patch = self.env.path("PATCH_SQL");
        let default_patch = below("PROFILE_DIR", root.clone()).join("test-data.sql");
        Ok(Workspace {
            entrypoint: source.join(entrypoint),
            test: database_directory.join("test/test.sql"),
            patch: Patch { named: patch.is_some(), file: patch.unwrap_or(default_patch) },
            hydrate_log: self.log_file("HYDRATE_LOG", "hydrate.log"),
            patch_log: self.log_file("PATCH_LOG", "patch.log"),
            database_directory,
            root,
        })
    }

    fn root(&self) -> Option<PathBuf> {
        self.env.path("LOCAL_DIR")
    }

    /// The sources of secrets and their keys. The file that the command line names comes first.
    pub fn secrets(&self, named: Option<&Path>) -> Supply {
        let dotenv = match named {
            Some(file) => Dotenv { file: Some(absolute(file)), ..Dotenv::default() },
            None => self.dotenv(),
        };
        Supply { dotenv, keys: self.keys(), required: named.is_some(), ..Supply::default() }
    }

    /// The place of the keys of secrets.
    pub fn keys(&self) -> KeySource {
        KeySource { project: self.env.path("HECTIC_SECRET_KEY_FILE") }
    }

    fn dotenv(&self) -> Dotenv {
        use std::os::unix::ffi::OsStrExt;
        let named = |name: &std::ffi::OsStr| {
            let mut file = std::ffi::OsString::from(".env.");
            file.push(name);
            self.root().map(|root| root.join(file))
        };
        Dotenv {
            content: self.env.os("HECTIC_DOTENV_CONTENT").map(|text| text.as_bytes().to_vec()),
            file: self.env.path("HECTIC_DOTENV_FILE"),
            default: self.env.os("ENVIRONMENT").and_then(named),
        }
    }

    fn log_file(&self, variable: &str, name: &str) -> Option<PathBuf> {
        let in_logs = || self.env.path("PG_LOG_PATH").map(|directory| directory.join(name));
        self.env.path(variable).or_else(in_logs)
    }

    /// The programs of PostgreSQL; exit 127 if there are none.
    pub fn toolchain(&self) -> Result<Toolchain> {
        let path = self.env.os("PATH").unwrap_or_default().to_owned();
        let search = Search { bindir: self.env.path("PG_BINDIR"), path };
        Toolchain::locate(&search, &self.environment())
    }

    /// psql, on a machine that may lack the server's programs; exit 127 if psql is missing too.
    pub fn client(&self) -> Result<Toolchain> {
        let path = self.env.os("PATH").unwrap_or_default().to_owned();
        let search = Search { bindir: self.env.path("PG_BINDIR"), path };
        Toolchain::locate_client(&search, &self.environment())
    }

    /// The environment that children get.
    pub fn environment(&self) -> Environment {
        Environment::scrub(self.env.all())
    }

    /// The development cluster's paths; exit 3 if no variable names the place.
    pub fn layout(&self) -> Result<Layout> {
        let directory = self.working_directory()?;
        let mut precious: Vec<PathBuf> = self.root().into_iter().collect();
        precious.extend(self.env.path("HOME"));
        precious.push(OsUser::current().home);
        cluster::check_working_directory(&directory, &precious)?;
        let user = cluster::server_user(&directory, self.env.text("PG_OS_USER")?)?;
        let owner = user.map_or_else(|| OsUser::current().uid, |user| user.uid);
        // sockets and the server's own view need the real path
        let real = std::fs::canonicalize(&directory).unwrap_or(directory);
        Ok(Layout::new(real, self.env.path("PG_LOG_PATH"), owner))
    }

    fn working_directory(&self) -> Result<PathBuf> {
        let default = || self.root().map(|root| root.join("focus/postgresql"));
        self.env.path("PG_WORKING_DIR").or_else(default).ok_or_else(|| {
            Error::missing("neither PG_WORKING_DIR nor LOCAL_DIR is set")
                .hint("set PG_WORKING_DIR to the cluster's directory")
                .hint("or LOCAL_DIR to the project's root: the cluster then is in focus/postgresql")
        })
    }

    /// The requested development cluster.
    pub fn spec(&self, layout: Layout) -> Result<ClusterSpec> {
        let user = cluster::server_user(layout.working_directory(), self.env.text("PG_OS_USER")?)?;
        Ok(ClusterSpec { layout, settings: self.settings(user, Lifetime::Kept)? })
    }

    /// The settings of private clusters.
    pub fn private_settings(&self) -> Result<ClusterSettings> {
        self.settings(self.private_user()?, Lifetime::Throwaway)
    }

    /// The user who runs the servers of private clusters if root calls.
    pub(super) fn private_user(&self) -> Result<Option<OsUser>> {
        match OsUser::current().is_root() {
            // the owner of the temporary directory has nothing to do with the cluster
            true => cluster::server_user(Path::new("/"), self.env.text("PG_OS_USER")?),
            false => Ok(None),
        }
    }

    /// A private cluster with the project's role, database and this bundle.
    pub fn private(&self, bundle: Option<Kind>) -> Result<private::PrivateClusterSpec> {
        let settings = self.private_settings()?;
        let role = self.project_connection()?.map(|conninfo| conninfo.user().to_owned());
        Ok(private::PrivateClusterSpec {
            places: self.places(),
            registry: self.registry()?,
            role: role.unwrap_or_else(|| settings.superuser.clone()),
            options: self.options()?,
            bundle,
            keep: false,
            settings,
        })
    }

    fn settings(&self, server_user: Option<OsUser>, lifetime: Lifetime) -> Result<ClusterSettings> {
        let connection = self.project_connection()?;
        let named = connection.map(Conninfo::database);
        let database = self.env.text("PG_DATABASE")?.or(named).unwrap_or(DEFAULT_DATABASE);
        if cluster::is_template(database) {
            return Err(cluster::template_database(database));
        }
        let conf_file = self.env.path("PG_CONF_FILE");
        if let Some(file) = &conf_file {
            crate::project::workspace::require_file(
                file,
                "PG_CONF_FILE",
                "create it, or unset the variable",
            )?;
        }
        let template = self.env.text("PG_TEMPLATE")?;
        let (port, automatic_port) = self.port(connection)?;
        Ok(ClusterSettings {
            port,
            automatic_port,
            tcp: self.tcp(lifetime)?,
            database: database.to_owned(),
            superuser: superuser(),
            server_user,
            lifetime,
            conf_file,
            preload: match self.env.set("PG_SHARED_PRELOAD_LIBRARIES") {
                None => Preload::Default,
                Some(list) => Preload::Set(list.to_string_lossy().into_owned()),
            },
            logging_collector: !self.env.switch("PG_DISABLE_LOGGING"),
            template_cache: match template {
                Some("off") => None,
                _ => self.template_cache(),
            },
            spares: self.spares()?,
            parameters: self.parameters()?,
        })
    }

    /// The parameters of the server that the bundle reads.
    fn parameters(&self) -> Result<Vec<(&'static str, String)>> {
        let schemas = self.env.text("HECTIC_INHERITANCE_EXCLUDED_SCHEMAS")?;
        let set = |list: &str| (bundle::EXCLUDED_SCHEMAS, list.to_owned());
        Ok(schemas.map(set).into_iter().collect())
    }

    /// The choice between an existing cluster and a new one. Keeping is the default, so that nobody
    /// loses data by entering a shell. `--fresh` beats `PG_REUSE`, which beats `PG_FRESH`.
    pub fn existing(&self, fresh: bool) -> Existing {
        let keeps = self.env.os("PG_REUSE").is_some() && !fresh;
        if keeps || !(fresh || self.env.switch("PG_FRESH")) {
            Existing::Keep
        } else if self.env.switch("PG_FORCE") {
            Existing::Replace
        } else {
            Existing::ReplaceIfIdle
        }
    }

    /// The URL of the project's connection: `--url`, then the variables. Parsed once.
    pub fn project_url(&self) -> Result<Option<&(PgUrl, Conninfo)>> {
        if self.project.get().is_none() {
            let parsed = self.parse_url()?;
            return Ok(self.project.get_or_init(|| parsed).as_ref());
        }
        Ok(self.project.get().and_then(Option::as_ref))
    }

    /// The parameters of the project's connection, if the user has named one.
    pub fn project_connection(&self) -> Result<Option<&Conninfo>> {
        Ok(self.project_url()?.map(|(_, conninfo)| conninfo))
    }

    /// The start-up options of the project's sessions: those of its URL, else the caller's
    /// `PGOPTIONS`.
    pub fn options(&self) -> Result<Option<String>> {
        Ok(match self.project_connection()? {
            Some(conninfo) => conninfo.get("options").map(str::to_owned),
            None => self.env.text("PGOPTIONS")?.map(str::to_owned),
        })
    }

    /// The connection for verbs that need one: `--url`, then `DB_URL`, then `PGURL`; exit 3 without
    /// them.
    pub fn connection(&self) -> Result<Conninfo> {
        let (_, conninfo) = self.reached()?;
        for warning in conninfo.warnings() {
            tracing::warn!("{warning}");
        }
        self.wake(&conninfo)?;
        Ok(conninfo)
    }

    /// The same for a command that changes nothing: it does not start a server that was idle.
    pub fn connection_as_it_is(&self) -> Result<Conninfo> {
        self.reached().map(|(_, conninfo)| conninfo)
    }

    /// The URL of that connection.
    pub fn connection_url(&self) -> Result<PgUrl> {
        self.reached().map(|(url, _)| url)
    }

    /// The project's connection. If it names our cluster by a path that is too long for a socket,
    /// it gets the real place of the socket.
    fn reached(&self) -> Result<(PgUrl, Conninfo)> {
        let Some((url, conninfo)) = self.project_url()? else {
            return Err(Error::missing("no connection: --url, DB_URL and PGURL are all unset")
                .hint("export DB_URL='postgresql://USER@localhost/DATABASE?host=DIRECTORY'"));
        };
        let as_given = || (url.clone(), conninfo.clone());
        let (Ok(layout), Some(target)) = (self.layout(), conninfo.targets().first()) else {
            return Ok(as_given());
        };
        let sockets = layout.sockets(target.port);
        if !sockets.short || !cluster::is_meant_by(&layout, target.port, conninfo) {
            return Ok(as_given());
        }
        let url = url.clone().with("host", &sockets.directories[0].to_string_lossy());
        let conninfo = Conninfo::resolve(&url, &self.libpq())?;
        Ok((url, conninfo))
    }

    fn parse_url(&self) -> Result<Option<(PgUrl, Conninfo)>> {
        let mut found = self.url.as_deref().map(|url| ("-u", url));
        for name in self.url_variables {
            if found.is_none() {
                found = self.env.text(name)?.map(|url| (*name, url));
            }
        }
        let Some((name, text)) = found else { return Ok(None) };
        let parsed = PgUrl::parse(text)
            .and_then(|url| self.with_automatic_port(url))
            .and_then(|url| Conninfo::resolve(&url, &self.libpq()).map(|conninfo| (url, conninfo)));
        parsed.map(Some).map_err(|error| error.context(format!("cannot use {name}")))
    }

    /// The default place of a backup; exit 3 without `LOCAL_DIR`.
    pub fn backup_directory(&self) -> Result<PathBuf> {
        self.root().map(|root| root.join(DEFAULT_PLACE)).ok_or_else(|| {
            Error::missing("no backup is named and LOCAL_DIR is not set")
                .hint("name the backup's directory, or set LOCAL_DIR to the project's root")
        })
    }

    /// The environment variables that libpq reads.
    pub fn libpq(&self) -> LibpqEnvironment {
        let user = OsUser::current();
        LibpqEnvironment {
            variables: self.env.libpq(),
            home: Some(self.env.path("HOME").unwrap_or(user.home)),
            os_user: Some(user.name),
        }
    }
}

/// The bootstrap superuser. It has the name of the calling user, unless PostgreSQL reserves that
/// name.
fn superuser() -> String {
    let name = OsUser::current().name;
    if name.starts_with("pg_") { "postgres".to_owned() } else { name }
}
