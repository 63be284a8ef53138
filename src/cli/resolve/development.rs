//! The development cluster that the settings describe, and how a verb wakes it.

use super::Resolve;
use crate::cli::args::init::LeaseArguments;
use crate::cluster::{Existing, Liveness, is_meant_by};
use crate::environment::development::Development;
use crate::environment::idle;
use crate::postgres::connection::conninfo::Conninfo;
use crate::sys::error::{Context, Result};

impl Resolve {
    /// Builds the description of the development cluster.
    pub fn development(
        &self,
        existing: Existing,
        url_must_match: bool,
        lease: &LeaseArguments,
    ) -> Result<Development> {
        let url = self.project_url()?.cloned();
        url.iter().try_for_each(|(_, conninfo)| self.refuse_staging(conninfo))?;
        let layout = self.layout()?;
        let toolchain = self.toolchain()?;
        let (spec, options) = (self.spec(layout)?, self.options()?);
        let keepers = self.keepers(lease)?;
        let (registry, project) = (self.clusters(), self.root());
        Ok(Development {
            spec,
            toolchain,
            existing,
            url,
            url_must_match,
            options,
            keepers,
            registry,
            project,
            states: Vec::new(),
        })
    }

    /// Watches over the server of a verb that has started it anew, if `idle_stop` is set.
    pub fn watch_again(&self) -> Result<()> {
        let arguments = LeaseArguments::default();
        if self.keepers(&arguments)?.idle_stop.is_none() {
            return Ok(());
        }
        let runs = matches!(Liveness::of(&self.layout()?.data())?, Liveness::Running(_));
        if !runs {
            return Ok(());
        }
        self.development(Existing::Keep, false, &arguments)?.provide().map(drop)
    }

    /// Starts the development cluster again if `idle_stop` has stopped it and `conninfo` leads to it.
    pub(super) fn wake(&self, conninfo: &Conninfo) -> Result<()> {
        let (Ok(layout), Some(target)) = (self.layout(), conninfo.targets().first()) else {
            return Ok(());
        };
        if !idle::is_asleep(&layout) || !is_meant_by(&layout, target.port, conninfo) {
            return Ok(());
        }
        let development = self.development(Existing::Keep, false, &LeaseArguments::default())?;
        let provided = development.provide().context("cannot start the server that was idle");
        provided.map(drop)
    }
}
