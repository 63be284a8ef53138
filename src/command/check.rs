//! `database check`: the whole project in a private cluster that is gone afterwards.

use std::path::PathBuf;

use crate::bundle;
use crate::cluster::{Cluster, ClusterSpec, Running, Seed, Throwaway};
use crate::command::deploy::{self, Content};
use crate::environment::private::Kept;
use crate::postgres::connection::session::Session;
use crate::postgres::connection::url::PgUrl;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::Result;
use crate::sys::signal;
use crate::sys::steps::Steps;

/// The arguments of `check`.
#[derive(Debug)]
pub struct Check {
    /// The cluster; its layout is replaced by a private one.
    pub spec: ClusterSpec,
    /// The programs.
    pub toolchain: Toolchain,
    /// The directory in which the private one is made.
    pub parent: PathBuf,
    /// Where private clusters are registered, so that orphans are found.
    pub registry: PathBuf,
    /// The role that the project connects as.
    pub role: String,
    /// The start-up options of the project's sessions.
    pub options: Option<String>,
    /// The project's database.
    pub database: String,
    /// The sources, secrets and patch to apply. The template already holds the bundle.
    pub content: Content,
    /// Whether to leave the cluster running.
    pub keep: bool,
}

/// A check that went through.
#[derive(Debug)]
pub struct Checked {
    /// The steps.
    pub steps: Steps,
    /// The cluster, if it was kept.
    pub kept: Option<Kept>,
}

impl Check {
    /// Checks. The cluster is removed whatever happens, unless it is to be kept.
    pub fn run(mut self) -> Result<Checked> {
        let mut steps = Steps::default();
        let user = self.spec.server_user.clone();
        let place = Throwaway::claim(&self.parent, &self.registry, user.as_ref())?;
        self.spec.layout = place.layout().clone();
        if self.keep {
            // a kept one is an ordinary cluster in an unusual place: `cleanup` has to know it
            crate::cluster::prepare(place.layout(), user.as_ref())?;
        }
        let result = self.build_and_try(&mut steps);
        match result {
            Ok(url) if self.keep => {
                Ok(Checked { steps, kept: Some(Kept { directory: place.keep()?, url }) })
            }
            Ok(_) => {
                steps.run("stop", || place.remove())?;
                Ok(Checked { steps, kept: None })
            }
            Err(error) if self.keep && signal::caught().is_none() => {
                let directory = match place.keep() {
                    Ok(directory) => directory,
                    Err(also) => {
                        return Err(error.detail(format!("and the cluster is not kept: {also}")));
                    }
                };
                Err(Kept { directory, url: self.url() }.hinted(error))
            }
            Err(error) => Err(match place.remove() {
                Ok(()) => error,
                Err(also) => error.detail(format!("and the check's cluster stays: {also}")),
            }),
        }
    }

    /// The URL of the private cluster, whether or not it came to run.
    fn url(&self) -> String {
        let socket = self.spec.layout.sockets(self.spec.port).directories.swap_remove(0);
        PgUrl::for_socket(&socket, self.spec.port, &self.role, &self.database).to_url()
    }

    fn build_and_try(&self, steps: &mut Steps) -> Result<String> {
        let running = steps.run("start", || {
            Cluster::create_throwaway(
                &self.spec,
                &self.toolchain,
                &self.seed(&|running| self.plant(running)),
            )
        })?;
        self.fill(&running, steps).map_err(|error| running.with_log(error))
    }

    /// Role, database and bundle: what every check of this project begins with.
    fn seed<'a>(&self, plant: &'a dyn Fn(&Running) -> Result<()>) -> Seed<'a> {
        let bundle = if self.has_bundle() { bundle::digest() } else { String::new() };
        // another release may make role and database in another way
        let key = [env!("CARGO_PKG_VERSION"), &self.role, &self.database, &bundle].join("\0");
        Seed { key, plant }
    }

    fn plant(&self, running: &Running) -> Result<()> {
        running.ensure(&self.role, &[&self.database])?;
        if self.has_bundle() {
            // equal for all projects, whatever their options
            let conninfo = running.conninfo(&self.role, &self.database, None)?;
            bundle::apply(&mut Session::connect(&conninfo)?)?;
        }
        Ok(())
    }

    fn has_bundle(&self) -> bool {
        self.content.source.is_some()
    }

    fn fill(&self, running: &Running, steps: &mut Steps) -> Result<String> {
        let conninfo = running.conninfo(&self.role, &self.database, self.options.as_deref())?;
        deploy::apply(&self.toolchain, &conninfo, &self.content, steps)?;
        Ok(running.url(&self.role, &self.database).to_url())
    }
}
