//! TLS for sessions, with libpq's meaning of its parameters (manual §34.19).
//!
//! Some of libpq's rules are surprising, and db-tool keeps them. If the root file exists, it is
//! used in every mode, so that `require` then means `verify-ca`. `verify-ca` checks the chain but
//! not the name. The root file may hold the self-signed certificate of the server.
//!
//! db-tool is stricter in three ways: a file that the user named must exist; the host name must be
//! in `subjectAltName`, the common name does not count; and a private key must not be encrypted.

#[cfg(test)]
mod tests;

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::certificate::is_ca_used_as_server;
use super::conninfo::{Conninfo, bad_value};
use crate::sys::error::{Error, IoContext as _, Kind, Result};

/// libpq's `sslmode` (manual §34.19.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::postgres) enum Mode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl Mode {
    /// The mode of a connection. The default is `prefer`, or `verify-full` with the system's root
    /// certificates.
    ///
    /// # Errors
    /// `Conflict` for an unknown mode, and for a mode too weak for `sslrootcert=system`.
    pub(in crate::postgres) fn of(conninfo: &Conninfo) -> Result<Self> {
        let system = conninfo.get("sslrootcert") == Some("system");
        let mode = match conninfo.get("sslmode") {
            None if system => Self::VerifyFull,
            None | Some("prefer") => Self::Prefer,
            Some("disable") => Self::Disable,
            Some("allow") => Self::Allow,
            Some("require") => Self::Require,
            Some("verify-ca") => Self::VerifyCa,
            Some("verify-full") => Self::VerifyFull,
            Some(_) => {
                let modes = "disable, allow, prefer, require, verify-ca or verify-full";
                return Err(bad_value("sslmode", modes));
            }
        };
        if system && !matches!(mode, Self::VerifyFull | Self::Disable) {
            return Err(Error::conflict("sslrootcert=system allows no sslmode but verify-full"));
        }
        Ok(mode)
    }
}

/// The TLS configuration of a connection.
pub(in crate::postgres) struct Tls {
    /// Makes the handshake.
    pub(in crate::postgres) connector: MakeRustlsConnect,
    /// The name of the root certificates, for messages. `None` if the server's certificate is not
    /// checked.
    pub(in crate::postgres) checked_against: Option<String>,
}

impl Tls {
    /// Reads the certificate files that the connection names.
    ///
    /// # Errors
    /// `Missing` for a file that does not exist, `Failed` for an unusable one, `Conflict` for
    /// invalid parameters.
    pub(in crate::postgres) fn new(conninfo: &Conninfo, mode: Mode) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = Roots::find(conninfo, mode)?;
        let checked_against = roots.as_ref().map(|roots| roots.name.clone());
        let verifier = Verifier::new(roots, mode, conninfo, &provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions(conninfo)?)
            .map_err(|error| Error::failed(format!("cannot set up TLS: {error}")))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match client_files(conninfo)? {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = certificates(&certificate)?;
                builder.with_client_auth_cert(chain, private_key(&key)?).map_err(|error| {
                    let (certificate, key) = (certificate.display(), key.display());
                    Error::failed(format!(
                        "client certificate {certificate} and key {key} cannot be used: {error}"
                    ))
                })?
            }
        };
        config.enable_sni = conninfo.get("sslsni") != Some("0");
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Self { connector: MakeRustlsConnect::new(config), checked_against })
    }
}

/// `ssl_min_protocol_version` and `ssl_max_protocol_version`. rustls has no version below TLS 1.2.
fn versions(conninfo: &Conninfo) -> Result<Vec<&'static SupportedProtocolVersion>> {
    let bound = |key, default| {
        let text = conninfo.get(key).unwrap_or(default);
        match text.to_ascii_lowercase().as_str() {
            "tlsv1" => Ok(10),
            "tlsv1.1" => Ok(11),
            "tlsv1.2" => Ok(12),
            "tlsv1.3" => Ok(13),
            _ => Err(bad_value(key, "TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3")),
        }
    };
    let allowed = bound("ssl_min_protocol_version", "TLSv1.2")?
        ..=bound("ssl_max_protocol_version", "TLSv1.3")?;
    let known = [(12, &rustls::version::TLS12), (13, &rustls::version::TLS13)];
    let versions: Vec<_> =
        known.iter().filter(|(number, _)| allowed.contains(number)).map(|(_, v)| *v).collect();
    if versions.is_empty() {
        return Err(Error::conflict(
            "the TLS protocol versions allowed include neither 1.2 nor 1.3",
        ));
    }
    Ok(versions)
}

/// The trusted root certificates.
struct Roots {
    certificates: Vec<CertificateDer<'static>>,
    name: String,
}

impl Roots {
    /// `sslrootcert`, else `~/.postgresql/root.crt` if it exists.
    fn find(conninfo: &Conninfo, mode: Mode) -> Result<Option<Self>> {
        let usual = conninfo.in_dot_postgresql("root.crt");
        let file = match conninfo.get("sslrootcert") {
            Some("system") => return system_roots().map(Some),
            Some(file) => Some(PathBuf::from(file)),
            None => usual.clone().filter(|file| file.exists()),
        };
        match file {
            Some(file) => {
                let name = format!("root certificate file {}", file.display());
                Ok(Some(Self { certificates: certificates(&file)?, name }))
            }
            None if matches!(mode, Mode::VerifyCa | Mode::VerifyFull) => {
                let place =
                    usual.map_or("~/.postgresql/root.crt".into(), |f| f.display().to_string());
                Err(Error::missing(format!("root certificate file {place} does not exist")).hint(
                    "name the file in sslrootcert, or trust the system's roots with \
                           sslrootcert=system",
                ))
            }
            None => Ok(None),
        }
    }
}

fn system_roots() -> Result<Roots> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let reason = found.errors.first().map_or("none found".to_owned(), ToString::to_string);
        return Err(Error::missing(format!(
            "cannot read the system's root certificates: {reason}"
        )));
    }
    Ok(Roots { certificates: found.certs, name: "the system's root certificates".to_owned() })
}

/// The files of the client's certificate and key, if there is a certificate (§34.19.2).
fn client_files(conninfo: &Conninfo) -> Result<Option<(PathBuf, PathBuf)>> {
    if conninfo.get("sslcertmode") == Some("disable") {
        return Ok(None);
    }
    let usual = |name| conninfo.in_dot_postgresql(name);
    let named = |key: &str| conninfo.get(key).map(PathBuf::from);
    let certificate =
        named("sslcert").or_else(|| usual("postgresql.crt").filter(|file| file.exists()));
    let Some(certificate) = certificate else { return Ok(None) };
    match named("sslkey").or_else(|| usual("postgresql.key")) {
        Some(key) => Ok(Some((certificate, key))),
        None => Err(Error::missing(format!(
            "client certificate {} has no private key",
            certificate.display()
        ))
        .hint("name the key's file in sslkey")),
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let text = read("certificate file", file)?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable("certificate file", file, &error))?;
    if certificates.is_empty() {
        return Err(unusable("certificate file", file, &"it holds no PEM certificate"));
    }
    Ok(certificates)
}

/// Reads a private key. Others must not be able to read it: mode 0600, or 0640 if it belongs to
/// root (§34.19.2).
fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>> {
    let what = "private key file";
    let text = read(what, file)?;
    let metadata = std::fs::metadata(file).on("read private key file", file)?;
    let forbidden = if metadata.uid() == 0 { 0o027 } else { 0o077 };
    if metadata.mode() & forbidden != 0 {
        return Err(unusable(what, file, &"group or others can use it")
            .hint(format!("chmod 0600 {}", file.display())));
    }
    let holds = |words: &[u8]| text.windows(words.len()).any(|window| window == words);
    if holds(b"BEGIN ENCRYPTED") || holds(b"Proc-Type: 4,ENCRYPTED") {
        return Err(unusable(what, file, &"it is encrypted")
            .hint("give a key without a pass phrase (openssl pkey -in FILE -out NEW)"));
    }
    PrivateKeyDer::from_pem_slice(&text)
        .map_err(|_| unusable(what, file, &"it holds no PEM private key"))
}

/// The list of revoked certificates: `sslcrl`, else `~/.postgresql/root.crl`.
fn revocations(conninfo: &Conninfo) -> Result<Vec<CertificateRevocationListDer<'static>>> {
    let usual = || conninfo.in_dot_postgresql("root.crl").filter(|file| file.exists());
    let Some(file) = conninfo.get("sslcrl").map(PathBuf::from).or_else(usual) else {
        return Ok(Vec::new());
    };
    let text = read("revocation list", &file)?;
    CertificateRevocationListDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable("revocation list", &file, &error))
}

fn read(what: &str, file: &Path) -> Result<Vec<u8>> {
    crate::sys::process::read_regular(file).map_err(|error| {
        let failure = Error::io(&format!("read {what}"), file, &error);
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        if missing { failure.with_kind(Kind::Missing) } else { failure }
    })
}

fn unusable(what: &str, file: &Path, why: &dyn fmt::Display) -> Error {
    Error::failed(format!("cannot use {what} {}: {why}", file.display()))
}

/// Checks the server's certificate as OpenSSL does for libpq. The signature of the handshake is
/// checked in every mode.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    chain: Option<Arc<WebPkiServerVerifier>>,
    roots: Vec<CertificateDer<'static>>,
    name_matters: bool,
}

impl Verifier {
    fn new(
        roots: Option<Roots>,
        mode: Mode,
        conninfo: &Conninfo,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self> {
        let name_matters = mode == Mode::VerifyFull;
        let Some(Roots { certificates, name }) = roots else {
            let provider = Arc::clone(provider);
            return Ok(Self { provider, chain: None, roots: Vec::new(), name_matters });
        };
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(certificates.iter().cloned());
        let chain =
            WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
                .with_crls(revocations(conninfo)?)
                .build()
                .map_err(|error| Error::failed(format!("cannot use {name}: {error}")))?;
        let provider = Arc::clone(provider);
        Ok(Self { provider, chain: Some(chain), roots: certificates, name_matters })
    }

    /// Whether a self-signed server certificate is among the roots: then it is its own authority.
    /// Its validity has been checked before.
    fn is_its_own_root(&self, error: &rustls::Error, certificate: &CertificateDer<'_>) -> bool {
        is_ca_used_as_server(error) && self.roots.contains(certificate)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // the name is checked last, so the chain is valid
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.name_matters => Ok(ServerCertVerified::assertion()),
            Err(error) if self.is_its_own_root(&error, certificate) => {
                if self.name_matters {
                    let parsed = ParsedCertificate::try_from(certificate)?;
                    rustls::client::verify_server_name(&parsed, name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
