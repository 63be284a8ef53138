//! What decides the content of a template: `initdb` with its arguments, and a stage after it.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::postgres::toolchain::{Toolchain, remedied};
use crate::sys::digest::hex;
use crate::sys::error::Result;
use crate::sys::process::OsUser;

/// The arguments of `initdb`. All of them are part of the template's key.
#[derive(Debug, Clone)]
pub struct Recipe<'a> {
    /// The toolchain with the `initdb` to run.
    pub toolchain: &'a Toolchain,
    /// The name of the bootstrap superuser.
    pub superuser: &'a str,
    /// The user who runs `initdb` if root calls.
    pub user: Option<&'a OsUser>,
}

/// How far a cluster has got after `initdb`. It names the template that holds such a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage<'a> {
    /// A word for people, such as `prepared`. The name of the template ends with it.
    pub word: &'a str,
    /// The key. Two clusters with equal keys are equal.
    pub key: &'a str,
}

impl Recipe<'_> {
    /// Makes the data directory `data`, which must not exist, where the server's user can write.
    /// Does not sync it; a caller that keeps the data directory does that.
    pub fn initialise(&self, data: &Path) -> Result<()> {
        // report a server that is too old before `initdb` fails in a less clear way
        self.toolchain.version()?;
        self.toolchain
            .server_command("initdb", self.user)?
            .args(self.options())
            .arg("--no-sync")
            .arg("--pgdata")
            .arg(data)
            .capture()
            .map(drop)
            .map_err(remedied)
    }

    fn options(&self) -> Vec<String> {
        let fixed = ["--encoding=UTF8", "--locale=C", "--auth=trust", "--no-instructions"];
        let superuser = format!("--username={}", self.superuser);
        fixed.map(str::to_owned).into_iter().chain([superuser]).collect()
    }

    /// The name of the template. Without a `stage`, it holds the result of `initdb`.
    pub(super) fn name(&self, stage: Option<Stage<'_>>) -> Result<String> {
        let mut digest = Sha256::new();
        digest.update(self.toolchain.identity()?);
        let key = stage.map(|stage| stage.key);
        for option in self.options().iter().map(String::as_str).chain(key) {
            digest.update([0]);
            digest.update(option);
        }
        // a user who made a template may have put anything into it, so no other user may get it
        if let Some(user) = self.user {
            digest.update(format!("\0user {}", user.uid));
        }
        let end = stage.map_or_else(String::new, |stage| format!("-{}", stage.word));
        Ok(hex(&digest.finalize()).split_off(32) + &end)
    }
}
