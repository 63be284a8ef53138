//! Users of the operating system. A server refuses to run as root, so root runs it as another user.

use std::path::PathBuf;

use nix::unistd::{Gid, Uid, User};

use crate::sys::error::{Error, Result};

/// A user of the operating system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OsUser {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Home directory.
    pub home: PathBuf,
}

impl OsUser {
    /// The user with this name, if there is one.
    pub fn named(name: &str) -> Result<Option<Self>> {
        let user = User::from_name(name)
            .map_err(|e| Error::failed(format!("cannot look up the user \"{name}\": {e}")))?;
        Ok(user.map(Self::from))
    }

    /// The user with this id. A user without an account gets the number as its name.
    pub fn with_id(uid: u32) -> Self {
        match User::from_uid(Uid::from_raw(uid)) {
            Ok(Some(user)) => Self::from(user),
            _ => Self { name: uid.to_string(), uid, gid: uid, home: "/".into() },
        }
    }

    /// The user that this process runs as.
    pub fn current() -> Self {
        let mut user = Self::with_id(Uid::effective().as_raw());
        user.gid = Gid::effective().as_raw();
        user
    }

    /// Whether this is root.
    pub fn is_root(&self) -> bool {
        self.uid == 0
    }
}

impl From<User> for OsUser {
    fn from(user: User) -> Self {
        Self { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw(), home: user.dir }
    }
}
