//! The port that `PG_PORT=0` stands for: a free one, which the working directory remembers.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::Path;

use crate::cluster::files::{read_small, replace_file};
use crate::cluster::layout::port_file_in;
use crate::cluster::run::postmaster::PidFile;
use crate::cluster::{ClusterSpec, Lifetime};
use crate::sys::error::{Error, Result};

/// The port of the cluster: that of its server, else the one that db-tool has chosen before.
pub fn remembered_port(working_directory: &Path) -> Option<u16> {
    let server = PidFile::read(&working_directory.join("data"));
    server.and_then(|file| file.port).or_else(|| chosen_port(working_directory))
}

fn chosen_port(working_directory: &Path) -> Option<u16> {
    let text = read_small(&port_file_in(working_directory)).ok()?;
    std::str::from_utf8(&text).ok()?.trim().parse().ok().filter(|port| *port != 0)
}

/// A port on which nobody listens.
pub fn free_port() -> Result<u16> {
    free_port_of(Ipv4Addr::LOCALHOST.into())
}

pub(super) fn free_port_of(address: IpAddr) -> Result<u16> {
    let free = TcpListener::bind((address, 0)).and_then(|listening| listening.local_addr());
    free.map(|address| address.port()).map_err(|error| {
        Error::failed(format!("the system has no free port of {address}: {error}"))
            .hint("choose one with PG_PORT")
    })
}

impl ClusterSpec {
    /// Remembers a port that was chosen.
    pub(in crate::cluster) fn remember_port(&self) -> Result<()> {
        let settings = &self.settings;
        let place = self.layout.working_directory();
        if !settings.automatic_port
            || settings.lifetime == Lifetime::Throwaway
            || chosen_port(place) == Some(settings.port)
        {
            return Ok(());
        }
        replace_file(&port_file_in(place), &format!("{}\n", settings.port))
    }
}
