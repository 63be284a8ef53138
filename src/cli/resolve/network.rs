//! The port of the development cluster, and its address for TCP connections.

use super::{DEFAULT_PORT, Resolve};
use crate::cluster::tcp::{self, Tcp};
use crate::cluster::{Lifetime, is_meant_by};
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::url::PgUrl;
use crate::sys::error::{Error, Result};
use crate::sys::shown::beginning;

/// `--listen` and `--listen-public`.
#[derive(Debug, Clone, Default)]
pub struct Listen {
    /// The address, which overrides `PG_LISTEN`.
    pub address: Option<String>,
    /// Whether other machines may reach it.
    pub public: bool,
}

impl Resolve {
    /// The same with these flags.
    pub fn with_listen(mut self, flags: Listen) -> Self {
        self.listen = flags;
        self
    }

    /// The address for TCP connections: `--listen`, then `PG_LISTEN`. Private clusters have none.
    pub(super) fn tcp(&self, lifetime: Lifetime) -> Result<Option<Tcp>> {
        let address = match &self.listen.address {
            Some(address) => Some(address.as_str()),
            None => self.env.text("PG_LISTEN")?,
        };
        let address = address.filter(|text| !text.trim().is_empty());
        match lifetime {
            Lifetime::Throwaway => Ok(None),
            Lifetime::Kept => {
                let tcp = address.map(|text| Tcp::new(text, self.listen.public)).transpose()?;
                Ok(tcp.map(|tcp| tcp.with_tls(self.env.switch("PG_TLS"))))
            }
        }
    }

    /// The port, and whether db-tool has chosen it: `PG_PORT`, then the port of the project's
    /// connection.
    pub(super) fn port(&self, conninfo: Option<&Conninfo>) -> Result<(u16, bool)> {
        if let Some(port) = self.automatic_port()? {
            return Ok((port, true));
        }
        let Some(text) = self.env.text("PG_PORT")? else {
            let target = conninfo.and_then(|conninfo| conninfo.targets().first());
            return Ok((target.map_or(DEFAULT_PORT, |target| target.port), false));
        };
        let port = text.trim().parse().ok().filter(|port| *port != 0);
        port.map(|port| (port, false)).ok_or_else(|| {
            Error::conflict(format!(
                "PG_PORT is {}, which is not between 1 and 65535",
                beginning(text)
            ))
            .hint("choose another port; with 0, db-tool finds a free one and remembers it")
        })
    }

    /// The port that `PG_PORT=0` stands for: the one that the cluster has had before, else a free
    /// one.
    fn automatic_port(&self) -> Result<Option<u16>> {
        if self.env.text("PG_PORT")?.map(str::trim) != Some("0") {
            return Ok(None);
        }
        if let Some(port) = self.chosen_port.get() {
            return Ok(Some(*port));
        }
        let place = self.working_directory().ok();
        let remembered = place.as_deref().and_then(tcp::remembered_port);
        let port = remembered.map_or_else(tcp::free_port, Ok)?;
        Ok(Some(*self.chosen_port.get_or_init(|| port)))
    }

    /// With `PG_PORT=0` nobody can write the port into the URL of the cluster, so a URL without a
    /// port gets it.
    pub(super) fn with_automatic_port(&self, url: PgUrl) -> Result<PgUrl> {
        let is_open = url.get("port").is_none_or(str::is_empty);
        let Some(port) = self.automatic_port()?.filter(|_| is_open) else { return Ok(url) };
        let candidate = url.clone().with("port", &port.to_string());
        let conninfo = Conninfo::resolve(&candidate, &self.libpq())?;
        let is_ours = self.layout().is_ok_and(|layout| is_meant_by(&layout, port, &conninfo));
        Ok(if is_ours { candidate } else { url })
    }
}
