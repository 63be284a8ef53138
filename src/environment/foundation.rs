//! What a new cluster is like before the project's content goes into it.

use std::path::PathBuf;

use crate::bundle::{self, Kind};
use crate::cluster::{self, ClusterSettings};
use crate::postgres::toolchain::Toolchain;
use crate::sys::digest::sha256;
use crate::sys::error::{Error, Result};

/// A new cluster before it gets content. The key of a cached state begins with it.
#[derive(Debug)]
pub struct Foundation<'a> {
    /// The programs.
    pub toolchain: &'a Toolchain,
    /// The settings of the cluster.
    pub settings: &'a ClusterSettings,
    /// The role that the project connects as.
    pub role: &'a str,
    /// The databases.
    pub databases: &'a [String],
    /// The bundle that is applied before the content, or with it.
    pub bundle: Option<Kind>,
    /// The start-up options of the project's sessions.
    pub options: Option<&'a str>,
    /// The key file of the cluster, if it may have one already.
    pub key_file: Option<PathBuf>,
}

impl Foundation<'_> {
    /// A digest of everything that decides what the cluster is like.
    pub fn key(&self) -> Result<String> {
        let settings = self.settings;
        let parameters = settings.parameters.iter().map(|(name, value)| format!("{name}={value}"));
        let parts = [
            env!("CARGO_PKG_VERSION").to_owned(),
            self.toolchain.installed()?,
            settings.preload_libraries(self.toolchain)?,
            settings.database.clone(),
            self.role.to_owned(),
            self.databases.join("\0"),
            self.bundle.map(bundle::digest).unwrap_or_default(),
            self.options.unwrap_or_default().to_owned(),
            parameters.collect::<Vec<_>>().join("\0"),
        ];
        Ok(sha256(parts.map(sha256).concat()))
    }

    /// A digest of everything that decides what a database of an existing cluster is like. Starts no
    /// program, unlike [`Self::key`].
    pub fn key_in_cluster(&self) -> Result<String> {
        let settings = self.settings;
        let parameters = settings.parameters.iter().map(|(name, value)| format!("{name}={value}"));
        let parts = [
            env!("CARGO_PKG_VERSION").to_owned(),
            self.toolchain.identity()?.to_owned(),
            self.toolchain.installed_nearby()?,
            settings.database.clone(),
            self.role.to_owned(),
            self.bundle.map(bundle::digest).unwrap_or_default(),
            self.options.unwrap_or_default().to_owned(),
            parameters.collect::<Vec<_>>().join("\0"),
        ];
        Ok(sha256(parts.map(sha256).concat()))
    }

    /// The file with the key of digests of secrets, in the cache. Makes the directory for it.
    pub fn digest_key(&self) -> Result<PathBuf> {
        let cache = self.settings.template_cache.as_deref().ok_or_else(|| {
            Error::missing("there is no cache for the key of digests of secrets (PG_TEMPLATE)")
        })?;
        cluster::private_directory(cache)?;
        Ok(cache.join("digest.key"))
    }
}
