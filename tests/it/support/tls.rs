//! A server that speaks TLS, with its own certificate authorities.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::{Sandbox, is_root, project};

/// The `pg_hba.conf` with the roles that may connect over TCP, and their authentication methods.
const HBA: &str = "\
local     all  all                     trust
hostssl   all  certuser   127.0.0.1/32 cert
hostssl   all  tlsonly    127.0.0.1/32 trust
hostnossl all  plainonly  127.0.0.1/32 trust
host      all  scramuser  127.0.0.1/32 scram-sha-256
host      all  trusted    127.0.0.1/32 trust
";

/// Roles for the lines above; the password of `scramuser` needs every kind of quoting.
const ROLES: &str = "SET password_encryption = 'scram-sha-256'; \
    CREATE ROLE certuser LOGIN; CREATE ROLE tlsonly LOGIN; CREATE ROLE plainonly LOGIN; \
    CREATE ROLE trusted LOGIN SUPERUSER; CREATE ROLE scramuser LOGIN PASSWORD 's:cr\\et'";

/// A cluster that listens on the loopback address with a certificate for `localhost`.
pub struct TlsServer {
    pub sandbox: Sandbox,
    pub port: u16,
}

impl TlsServer {
    pub fn start() -> Self {
        let mut sandbox = project::with_source("");
        let port = super::server::free_port();
        certificates(&sandbox);
        let hba = sandbox.write("tls/pg_hba.conf", HBA);
        let file = |name: &str| sandbox.path("tls").join(name).display().to_string();
        let conf = format!(
            "listen_addresses = '127.0.0.1'\nhba_file = '{}'\nssl = on\nssl_cert_file = '{}'\n\
             ssl_key_file = '{}'\nssl_ca_file = '{}'\n",
            hba.display(),
            file("server.crt"),
            file("server.key"),
            file("ca.crt")
        );
        let conf = sandbox.write("tls/postgresql.conf", conf);
        sandbox.set("PG_CONF_FILE", conf);
        sandbox.set("PG_PORT", port.to_string());
        let directory = sandbox.path("pg").display().to_string();
        sandbox.set("DB_URL", format!("host={directory} port={port} user=dev dbname=app"));
        sandbox.init([]).success();
        sandbox.database(["psql", "-X", "-c", ROLES]).success();
        Self { sandbox, port }
    }

    /// A file with a certificate or key: `ca.crt`, `other.crt`, `client.crt`, `client.key`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.sandbox.path("tls").join(name)
    }

    /// A connection string for this server over TCP.
    pub fn url(&self, rest: &str) -> String {
        format!("host=localhost port={} dbname=app {rest}", self.port)
    }
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Writes a certificate for `name` and its key, readable by the owner only.
fn certificate(sandbox: &Sandbox, authority: &Authority, name: &str, file: &str) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.signed_by(&key, authority).unwrap();
    sandbox.write(&format!("tls/{file}.crt"), certificate.pem());
    let path = sandbox.write(&format!("tls/{file}.key"), key.serialize_pem());
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
}

fn certificates(sandbox: &Sandbox) {
    let ours = authority("our authority");
    sandbox.write("tls/ca.crt", ours.pem());
    sandbox.write("tls/other.crt", authority("another authority").pem());
    certificate(sandbox, &ours, "localhost", "server");
    certificate(sandbox, &ours, "certuser", "client");
    if is_root() {
        let key = sandbox.path("tls/server.key");
        assert!(Command::new("chown").arg("postgres").arg(key).status().unwrap().success());
    }
}
