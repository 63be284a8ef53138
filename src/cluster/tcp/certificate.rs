//! The files of TLS, in `tls/` of the working directory.
//!
//! ```text
//! tls/
//! ├── ca.crt          the certificate of the test authority (PGSSLROOTCERT)
//! ├── ca.key          its key, which signs the server's next certificates
//! ├── server.crt      the server's certificate
//! └── server.key      its key
//! ```
//!
//! Before each use, db-tool checks the files as a client would, and makes those anew that are
//! missing, damaged, about to expire, or made for another address. It keeps the authority as long
//! as it can, because clients may have copied its certificate. A key that others could read is
//! replaced, because they may pretend to be the server.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::Tcp;
use crate::cluster::files::{read_small, remove_file, replace_file};
use crate::cluster::run::access::make_closed;
use crate::cluster::{ClusterSpec, Layout};
use crate::postgres::connection::certificate::{self, Pair};
use crate::sys::error::{Error, IoContext, Result};

impl ClusterSpec {
    /// Makes the files that the server needs for TLS, as far as they are not usable. Returns whether
    /// it made any. The caller has the rights of the server's user.
    pub(in crate::cluster) fn prepare_certificates(&self) -> Result<bool> {
        let Some(tcp) = self.settings.tcp.as_ref().filter(|tcp| tcp.tls()) else {
            return Ok(false);
        };
        let directory = self.layout.tls();
        check_place(&self.layout)?;
        make_closed(&directory).on("create", &directory)?;
        let names = names(tcp);
        let [authority_files, server_files] =
            [self.layout.authority(), self.layout.server_certificate()];
        let [authority, server] =
            [&authority_files, &server_files].map(|files| Found::read(files, self.layout.owner()));
        let trusted = authority.certificate.as_deref().unwrap_or_default();
        if let (true, Some(server)) = (authority.is_private, server.whole())
            && certificate::fault(trusted, &server, &names).is_none()
        {
            return Ok(false);
        }
        if let Some(authority) = authority.whole().filter(|pair| certificate::can_sign(&pair.key)) {
            let server = certificate::make_server(&authority.key, &names)?;
            if certificate::fault(&authority.certificate, &server, &names).is_none() {
                tracing::info!("made another certificate of the server for {}", names.join(", "));
                return write_pair(&server_files, &server).map(|()| true);
            }
        }
        if authority.certificate.is_some() {
            tracing::warn!(
                "made another test authority, because the files of the old one cannot be used any \
                 more: clients that have a copy of {} need the new one",
                authority_files[0].display(),
            );
        }
        let authority = certificate::make_authority()?;
        let server = certificate::make_server(&authority.key, &names)?;
        write_pair(&authority_files, &authority)?;
        write_pair(&server_files, &server).map(|()| true)
    }
}

/// Refuses a place of the files that is not a directory. Changes nothing.
pub(in crate::cluster) fn check_place(layout: &Layout) -> Result<()> {
    let directory = layout.tls();
    match directory.symlink_metadata() {
        Ok(facts) if !facts.is_dir() => {
            Err(Error::conflict(format!("{} is not a directory", directory.display()))
                .hint("remove it: db-tool makes the files of TLS there"))
        }
        _ => Ok(()),
    }
}

/// The names for which the server's certificate holds.
fn names(tcp: &Tcp) -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    let own = match tcp.address() {
        // other machines use the name of this one
        "*" | "0.0.0.0" | "::" => crate::sys::process::host_name(),
        address => address.to_owned(),
    };
    if !names.contains(&own) && certificate::is_name(&own) {
        names.push(own);
    }
    names
}

/// The files of a certificate and its key, as far as they can be used.
struct Found {
    certificate: Option<String>,
    key: Option<String>,
    /// Whether nobody else can read the key, or there is none.
    is_private: bool,
}

impl Found {
    fn read([certificate, key]: &[PathBuf; 2], owner: u32) -> Self {
        let text = |path: &Path| String::from_utf8(read_small(path).ok()?).ok();
        let facts = key.symlink_metadata().ok();
        let is_private =
            facts.is_none_or(|facts| facts.uid() == owner && facts.mode() & 0o077 == 0);
        if !is_private {
            tracing::warn!("others can read {}: it is replaced", key.display());
        }
        Self { certificate: text(certificate), key: text(key), is_private }
    }

    fn whole(&self) -> Option<Pair> {
        let key = self.key.clone().filter(|_| self.is_private)?;
        Some(Pair { certificate: self.certificate.clone()?, key })
    }
}

/// Writes the key first: after an interruption the two do not fit together, and the next command
/// replaces them.
fn write_pair([certificate, key]: &[PathBuf; 2], pair: &Pair) -> Result<()> {
    replace_file(key, &pair.key)?;
    replace_file(certificate, &pair.certificate)?;
    std::fs::set_permissions(certificate, PermissionsExt::from_mode(0o644)).on("open", certificate)
}

/// Removes the files of TLS.
pub(in crate::cluster) fn remove(layout: &Layout) -> Result<()> {
    let directory = layout.tls();
    if !directory.symlink_metadata().is_ok_and(|facts| facts.is_dir()) {
        return Ok(());
    }
    for path in layout.authority().iter().chain(&layout.server_certificate()) {
        remove_file(path)?;
    }
    let _ = std::fs::remove_dir(&directory);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_holds_for_the_address_and_the_loopback_interface() {
        let of = |text: &str| names(&Tcp::new(text, true).expect(text));
        assert_eq!(of("127.0.0.1"), ["localhost", "127.0.0.1", "::1"]);
        assert_eq!(of("10.0.0.1").last().map(String::as_str), Some("10.0.0.1"));
        assert!(of("0.0.0.0").len() >= 3);
    }
}
