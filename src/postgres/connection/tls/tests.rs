//! Tests of `postgres::tls`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::client::danger::ServerCertVerifier as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tempfile::TempDir;

use super::{Mode, Roots, Tls, Verifier};
use crate::postgres::connection::conninfo::{Conninfo, LibpqEnvironment};
use crate::postgres::connection::url::PgUrl;
use crate::sys::error::{Kind, Result};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(names: &[&str]) -> Authority {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn server(authority: &Authority, name: &str) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.signed_by(&key, authority).unwrap().der().clone()
}

fn conninfo(parameters: &str, home: Option<&Path>) -> Conninfo {
    let url = PgUrl::parse(&format!("host=h user=u {parameters}")).unwrap();
    let home = home.map(Path::to_owned);
    Conninfo::resolve(&url, &LibpqEnvironment { home, ..Default::default() }).unwrap()
}

fn tls(parameters: &str, home: Option<&Path>) -> Result<Tls> {
    let conninfo = conninfo(parameters, home);
    Tls::new(&conninfo, Mode::of(&conninfo)?)
}

/// Whether the client trusts a server that shows `certificate` as `name`.
fn believes(parameters: &str, root: &str, certificate: &CertificateDer<'_>, name: &str) -> bool {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".postgresql")).unwrap();
    fs::write(home.path().join(".postgresql/root.crt"), root).unwrap();
    let conninfo = conninfo(parameters, Some(home.path()));
    let mode = Mode::of(&conninfo).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = Roots::find(&conninfo, mode).unwrap();
    let verifier = Verifier::new(roots, mode, &conninfo, &provider).unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    verifier.verify_server_cert(certificate, &[], &name, &[], UnixTime::now()).is_ok()
}

fn write(dir: &TempDir, name: &str, text: &str, mode: u32) -> String {
    let file = dir.path().join(name);
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    file.display().to_string()
}

fn fails(parameters: &str, kind: Kind, part: &str) {
    let error = tls(parameters, None).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(part), "{error}");
}

#[test]
fn checks_the_chain_and_the_name_as_the_mode_says() {
    let (ours, theirs) = (authority(&[]), authority(&[]));
    let certificate = server(&ours, "db.example");
    let believed = |mode, root: &Authority, name| {
        believes(&format!("sslmode={mode}"), &root.pem(), &certificate, name)
    };
    assert!(believed("verify-full", &ours, "db.example"));
    assert!(!believed("verify-full", &ours, "other.example"));
    assert!(!believed("verify-full", &theirs, "db.example"));
    assert!(believed("verify-ca", &ours, "other.example"));
    assert!(!believed("verify-ca", &theirs, "db.example"));
    // With a root file, require is verify-ca.
    assert!(believed("require", &ours, "other.example"));
    assert!(!believed("require", &theirs, "db.example"));
}

#[test]
fn believes_a_self_signed_certificate_that_is_its_own_root() {
    let (own, other) = (authority(&["db.example"]), authority(&["db.example"]));
    let believed = |mode, root: &Authority, name| {
        believes(&format!("sslmode={mode}"), &root.pem(), own.der(), name)
    };
    assert!(believed("verify-full", &own, "db.example"));
    assert!(!believed("verify-full", &own, "other.example"));
    assert!(believed("verify-ca", &own, "other.example"));
    assert!(!believed("verify-ca", &other, "db.example"));
}

#[test]
fn checks_nothing_without_roots() {
    for mode in ["allow", "prefer", "require"] {
        let tls = tls(&format!("sslmode={mode}"), None).unwrap();
        assert!(tls.checked_against.is_none());
    }
}

#[test]
fn needs_roots_to_verify() {
    fails("sslmode=verify-ca", Kind::Missing, ".postgresql/root.crt");
    fails("sslmode=verify-full", Kind::Missing, ".postgresql/root.crt");
    fails("sslmode=require sslrootcert=/nowhere/ca.pem", Kind::Missing, "/nowhere/ca.pem");
}

#[test]
fn allows_only_verify_full_with_the_systems_roots() {
    assert_eq!(Mode::of(&conninfo("sslrootcert=system", None)).unwrap(), Mode::VerifyFull);
    fails("sslrootcert=system sslmode=require", Kind::Conflict, "verify-full");
    fails("sslmode=always", Kind::Conflict, "sslmode has an invalid value");
}

#[test]
fn names_the_file_that_cannot_be_used() {
    let dir = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![]).unwrap().self_signed(&key).unwrap().pem();
    let (pem, other) = (key.serialize_pem(), KeyPair::generate().unwrap().serialize_pem());
    let empty = write(&dir, "empty", "nothing\n", 0o600);
    let good = write(&dir, "cert", &certificate, 0o600);
    let key = write(&dir, "key", &pem, 0o600);
    let open = write(&dir, "open", &pem, 0o644);
    let other = write(&dir, "other", &other, 0o600);
    let locked = pem.replace("BEGIN PRIVATE", "BEGIN ENCRYPTED PRIVATE");
    let locked = write(&dir, "locked", &locked, 0o600);
    assert!(tls(&format!("sslcert={good} sslkey={key}"), None).is_ok());
    fails(&format!("sslrootcert={empty}"), Kind::Failed, &empty);
    fails(&format!("sslcert={empty} sslkey={key}"), Kind::Failed, &empty);
    fails(&format!("sslcert={good} sslkey={empty}"), Kind::Failed, &empty);
    fails(&format!("sslcert={good} sslkey={open}"), Kind::Failed, "group or others");
    fails(&format!("sslcert={good} sslkey={other}"), Kind::Failed, &other);
    fails(&format!("sslcert={good} sslkey={locked}"), Kind::Failed, "encrypted");
    fails(&format!("sslcert={good} sslkey=/nowhere/k"), Kind::Missing, "/nowhere/k");
    fails(&format!("sslcert={good}"), Kind::Missing, &good);
    assert!(tls(&format!("sslcert={empty} sslcertmode=disable"), None).is_ok());
}

#[test]
fn bounds_the_protocol_version() {
    assert!(tls("ssl_min_protocol_version=TLSv1.3", None).is_ok());
    fails("ssl_max_protocol_version=TLSv1.1", Kind::Conflict, "neither");
    fails("ssl_min_protocol_version=2", Kind::Conflict, "ssl_min_protocol_version");
}
