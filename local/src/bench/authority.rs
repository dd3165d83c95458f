//! A certificate authority of this run, and a server's certificate by it: what is measured speaks TLS as it would to AWS.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// Makes both, for the name `localhost`. The file is the authority's certificate, for whoever shall trust it.
pub(super) fn authority(folder: &Path) -> Result<(TlsAcceptor, PathBuf)> {
    let root_key = KeyPair::generate()?;
    let mut root = CertificateParams::new(Vec::new())?;
    // Two of the same name would be taken for one that signs itself.
    root.distinguished_name
        .push(DnType::CommonName, "the authority of one run");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let file = folder.join("authority.pem");
    let root_certificate = root.self_signed(&root_key)?;
    fs::write(&file, root_certificate.pem())
        .with_context(|| format!("write {}", file.display()))?;

    let key = KeyPair::generate()?;
    let mut server = CertificateParams::new(vec!["localhost".to_owned()])?;
    server
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    let certificate = server.signed_by(&key, &Issuer::from_params(&root, &root_key))?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok((TlsAcceptor::from(Arc::new(config)), file))
}
