//! Certificates for a server of our own: a test authority, and the server's certificate that it
//! signs.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use time::OffsetDateTime;

use crate::sys::digest::sha256;
use crate::sys::error::{Error, Result};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Certificates begin to be valid before they are made, for clients whose clocks are slow.
const BEFORE: Duration = DAY;
/// The time for which an authority is valid.
const AUTHORITY_DAYS: u32 = 3650;
/// The time for which a server's certificate is valid.
const SERVER_DAYS: u32 = 365;
/// A certificate is renewed when it has less than this left.
const RENEWAL: Duration = Duration::from_secs(30 * 24 * 3600);

/// A certificate and its private key, both in PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// The key. Whoever has it can pretend to be the holder.
    pub key: String,
}

/// Makes an authority.
pub fn make_authority() -> Result<Pair> {
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = authority(&key)?.self_signed(&key).map_err(failed)?;
    Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
}

/// Makes a certificate for a server with these names and IP addresses, signed by the authority with
/// this key.
pub fn make_server(authority_key: &str, names: &[String]) -> Result<Pair> {
    let authority_key = KeyPair::from_pem(authority_key).map_err(failed)?;
    let issuer = Issuer::new(authority(&authority_key)?, authority_key);
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = CertificateParams::new(names).map_err(failed)?;
    params.distinguished_name.push(DnType::CommonName, "db-tool development server");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = valid_for(SERVER_DAYS);
    let certificate = params.signed_by(&key, &issuer).map_err(failed)?;
    Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
}

/// The description of the authority that has this key. Its name is derived from the key, so that
/// two authorities in one store have different names.
fn authority(key: &KeyPair) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new()).map_err(failed)?;
    let name = format!("db-tool test authority {}", &sha256(key.public_key_raw())[..12]);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = valid_for(AUTHORITY_DAYS);
    Ok(params)
}

fn valid_for(days: u32) -> (OffsetDateTime, OffsetDateTime) {
    let now = SystemTime::now();
    ((now - BEFORE).into(), (now + DAY * days).into())
}

/// The reason why clients that trust `authority` would not accept the server's certificate for one
/// of `names`, now or soon. `None` if they accept it.
pub fn fault(authority: &str, server: &Pair, names: &[String]) -> Option<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    fault_at(authority, server, names, now + RENEWAL)
}

fn fault_at(authority: &str, server: &Pair, names: &[String], at: Duration) -> Option<String> {
    check(authority, server, names, at).err()
}

fn check(authority: &str, server: &Pair, names: &[String], at: Duration) -> Result<(), String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = CertificateDer::from_pem_slice(server.certificate.as_bytes())
        .map_err(|_| "it is no certificate in PEM".to_owned())?;
    let key = PrivateKeyDer::from_pem_slice(server.key.as_bytes())
        .map_err(|_| "its key is no private key in PEM".to_owned())?;
    CertifiedKey::from_der(vec![certificate.clone()], key, &provider)
        .map_err(|error| format!("its key does not fit: {error}"))?;
    let root = CertificateDer::from_pem_slice(authority.as_bytes())
        .map_err(|_| "its authority is no certificate in PEM".to_owned())?;
    let mut store = RootCertStore::empty();
    store.add(root.clone()).map_err(|error| format!("its authority is unusable: {error}"))?;
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider)
        .build()
        .map_err(|error| error.to_string())?;
    let at = UnixTime::since_unix_epoch(at);
    let verify = |certificate: &CertificateDer<'_>, name: &ServerName<'_>| {
        verifier.verify_server_cert(certificate, &[], name, &[], at)
    };
    // the verifier trusts its roots however old they are; other clients do not
    let any = ServerName::try_from("localhost").map_err(|error| error.to_string())?;
    if let Err(error) = verify(&root, &any)
        && !is_ca_used_as_server(&error)
    {
        return Err(format!("its authority is unusable: {error}"));
    }
    for name in names {
        let name = ServerName::try_from(name.as_str()).map_err(|error| error.to_string())?;
        verify(&certificate, &name).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Whether the only fault of a certificate is that it belongs to an authority. The verifier checks
/// the time before that.
pub(super) fn is_ca_used_as_server(error: &rustls::Error) -> bool {
    let rustls::Error::InvalidCertificate(CertificateError::Other(why)) = error else {
        return false;
    };
    why.0.to_string() == "CaUsedAsEndEntity"
}

/// Whether an authority can sign certificates: its key is usable. Whether its certificate fits is
/// seen when a certificate that it has signed is checked.
pub fn can_sign(key: &str) -> bool {
    KeyPair::from_pem(key).is_ok()
}

/// Whether a certificate can hold for this text: a DNS name or an IP address.
pub fn is_name(text: &str) -> bool {
    ServerName::try_from(text).is_ok()
}

fn failed(error: rcgen::Error) -> Error {
    Error::failed(format!("cannot make a certificate: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_certificate_holds_for_its_names_and_time() {
        let authority = make_authority().unwrap();
        let own = names(&["localhost", "127.0.0.1", "::1", "db.example"]);
        let server = make_server(&authority.key, &own).unwrap();
        assert_eq!(fault(&authority.certificate, &server, &own), None);
        assert!(fault(&authority.certificate, &server, &names(&["127.0.0.2"])).is_some());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let later = |days| fault_at(&authority.certificate, &server, &own, now + DAY * days);
        assert_eq!(later(SERVER_DAYS - 1), None);
        assert!(later(SERVER_DAYS + 1).is_some());
        let late = now + DAY * (AUTHORITY_DAYS + 1);
        let expired = fault_at(&authority.certificate, &server, &own, late);
        assert!(expired.unwrap().contains("authority"));
        // the authority stays when the certificate is renewed
        let renewed = make_server(&authority.key, &own).unwrap();
        assert_eq!(fault(&authority.certificate, &renewed, &own), None);
    }

    #[test]
    fn what_does_not_fit_together_is_found() {
        let (one, other) = (make_authority().unwrap(), make_authority().unwrap());
        let own = names(&["localhost"]);
        let server = make_server(&one.key, &own).unwrap();
        let another = make_server(&one.key, &own).unwrap();
        let mixed = Pair { key: another.key, ..server.clone() };
        let torn = Pair { certificate: "garbage".into(), ..server.clone() };
        let empty = Pair { key: String::new(), ..server.clone() };
        for (authority, server) in [
            (&other.certificate, &server),
            (&one.certificate, &mixed),
            (&one.certificate, &torn),
            (&one.certificate, &empty),
            (&String::new(), &server),
        ] {
            assert!(fault(authority, server, &own).is_some());
        }
        assert!(can_sign(&one.key) && !can_sign("garbage"));
    }
}
