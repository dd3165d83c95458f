//! Who is trusted: roots that are part of the program, so that no file is read before the first call and an image needs
//! none; or those of the file that `SSL_CERT_FILE` names, for an address whose certificate is of somebody else.
//!
//! For AWS these are Amazon's five roots and no others. That is stricter than what an operating system trusts: somebody
//! else's authority cannot speak for AWS. The price is that a new root of Amazon's needs a new release of this program, or
//! `SSL_CERT_FILE`; these are valid until 2037, and Amazon announces such changes years before.
//! Source: <https://www.amazontrust.com/repository/>
//!
//! For all others they are Mozilla's, as they were when the crate `webpki-roots` was released: an authority that Mozilla
//! stops trusting is trusted until the next release of this program.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// As the SDK's own default is.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3100);

/// Names a file of PEM certificates that are trusted instead of the roots within.
const FILE: &str = "SSL_CERT_FILE";

const AMAZON: &str = include_str!("amazon.pem");

const END: &str = "-----END CERTIFICATE-----";

/// What speaks to AWS, for all clients together: the SDK would make one for each, and read the roots for each.
pub(crate) fn connector(get: impl Fn(&str) -> Option<String>) -> Result<SharedHttpConnector> {
    let mut store = TrustStore::empty();
    match get(FILE) {
        Some(file) => {
            for certificate in certificates(&file)? {
                store.add_pem_certificate(certificate);
            }
        }
        None => {
            store.add_pem_certificate(AMAZON);
        }
    }
    let context = TlsContext::builder().with_trust_store(store).build()?;
    let limits = HttpConnectorSettings::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .build();
    let connector = Connector::builder()
        .connector_settings(limits)
        .sleep_impl(TokioSleep::new())
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build();
    Ok(SharedHttpConnector::new(connector))
}

/// TLS for everybody but AWS.
pub(crate) fn tls(get: impl Fn(&str) -> Option<String>) -> Result<ClientConfig> {
    let mut store = RootCertStore::empty();
    match get(FILE) {
        Some(file) => {
            for certificate in certificates(&file)? {
                store.add(CertificateDer::from_pem_slice(certificate.as_bytes())?)?;
            }
        }
        None => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("cannot set up TLS")?
        .with_root_certificates(store)
        .with_no_client_auth())
}

/// The certificates in a file that can be read as roots, each by itself. A system's file may have others as well, and the
/// SDK would panic at the first.
fn certificates(file: &str) -> Result<Vec<String>> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {FILE} {file}"))?;
    let is_root = |pem: &&str| {
        CertificateDer::from_pem_slice(pem.as_bytes())
            .is_ok_and(|certificate| RootCertStore::empty().add(certificate).is_ok())
    };
    let found = text.split_inclusive(END).filter(is_root);
    let found: Vec<String> = found.map(str::to_owned).collect();
    ensure!(
        !found.is_empty(),
        "{FILE} {file} has no certificate of an authority"
    );
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn amazon_s_roots_are_among_mozilla_s() {
        let mut store = RootCertStore::empty();
        for pem in AMAZON.split_inclusive(END).filter(|pem| pem.contains(END)) {
            let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM");
            store.add(certificate).expect("a root");
        }
        assert_eq!(store.len(), 5);
        for root in &store.roots {
            let mut known = webpki_roots::TLS_SERVER_ROOTS.iter();
            let same = known.find(|known| known.subject == root.subject);
            let key = &same.expect("known to Mozilla").subject_public_key_info;
            assert_eq!(*key, root.subject_public_key_info);
        }
    }

    #[test]
    fn a_file_is_trusted_as_far_as_it_can_be_read() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        let path = file.path().to_str().expect("a path").to_owned();
        let get = |name: &str| (name == FILE).then(|| path.clone());
        let error = tls(get).expect_err("an empty file").to_string();
        assert!(
            error.ends_with("has no certificate of an authority"),
            "{error}"
        );

        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        write!(file, "a comment\n{broken}{AMAZON}").expect("written");
        assert_eq!(certificates(&path).expect("certificates").len(), 5);
        assert!(tls(get).is_ok() && connector(get).is_ok());

        let error = tls(|_| Some("/nowhere".to_owned())).expect_err("no file");
        assert_eq!(error.to_string(), "cannot read SSL_CERT_FILE /nowhere");
    }
}
