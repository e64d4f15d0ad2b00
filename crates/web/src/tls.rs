//! Certificates, and how to exchange them while the server runs.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{CipherSuite, ServerConfig, ServerConnection};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::certificate::ShownCertificate;
use crate::client_certificates::ClientCertificates;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Not PEM, or without a certificate.
    #[error("the certificate file holds no PEM certificate: {0}")]
    Certificate(String),
    /// Not PEM, or without an unencrypted key.
    #[error("the key file holds no unencrypted PEM private key: {0}")]
    Key(String),
    /// The two do not belong together, or are of a kind that is not supported.
    #[error("the certificate and the key cannot be used: {0}")]
    Unfit(#[from] rustls::Error),
    /// No authority for client certificates.
    #[error("the authorities of client certificates cannot be used: {0}")]
    Authorities(String),
}

/// The certificate chain and key of a listener: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1 by ALPN.
pub struct Tls {
    config: ArcSwap<ServerConfig>,
    /// Where clients are asked for certificates of theirs.
    asks: Option<ClientCertificates>,
}

impl Tls {
    /// Reads a certificate chain (the server's own first) and its key, both PEM.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Ok(Self { config: ArcSwap::new(config(certificates, key, false)?), asks: None })
    }

    /// The same for a listener that asks clients for certificates.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn that_asks(certificates: &[u8], key: &[u8], asks: ClientCertificates) -> Result<Self, TlsError> {
        Ok(Self { config: ArcSwap::new(config(certificates, key, true)?), asks: Some(asks) })
    }

    /// Exchanges them for connections that begin from now on. On an error the old ones stay.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn replace(&self, certificates: &[u8], key: &[u8]) -> Result<(), TlsError> {
        self.config.store(config(certificates, key, self.asks.is_some())?);
        Ok(())
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }

    /// The certificate that the client of a finished handshake showed.
    pub(crate) fn shown(&self, connection: &ServerConnection) -> Option<Arc<ShownCertificate>> {
        self.asks.as_ref()?.shown(connection)
    }
}

/// Shows that it is one.
impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

fn config(certificates: &[u8], key: &[u8], asks: bool) -> Result<Arc<ServerConfig>, TlsError> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificates)
        .collect::<Result<_, _>>()
        .map_err(|e| TlsError::Certificate(e.to_string()))?;
    if chain.is_empty() {
        return Err(TlsError::Certificate("it is empty".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| TlsError::Key(e.to_string()))?;
    let provider = Arc::new(recommended());
    let verifier = asks.then(|| ClientCertificates::verifier(&provider));
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key)?;
    // A session that goes on shows no certificate again; without tickets there is none.
    if asks {
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// What is served: with TLS 1.2 the cipher suites that RFC 9325, section 4.2, recommends and no others, as FAPI 2.0 (section
/// 5.2.2) demands. ChaCha20 remains to TLS 1.3.
fn recommended() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|suite| {
        suite.tls13().is_some()
            || !matches!(
                suite.suite(),
                CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
                    | CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
            )
    });
    provider
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let make = || {
            let made = rcgen::generate_simple_self_signed(vec!["acme.example".to_owned()]).unwrap();
            (made.cert.pem(), made.signing_key.serialize_pem())
        };
        let ((certificate, key), (_, other)) = (make(), make());
        let tls = Tls::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        assert!(matches!(Tls::from_pem(b"", key.as_bytes()), Err(TlsError::Certificate(_))));
        assert!(matches!(Tls::from_pem(certificate.as_bytes(), b""), Err(TlsError::Key(_))));
        assert!(matches!(tls.replace(certificate.as_bytes(), other.as_bytes()), Err(TlsError::Unfit(_))));
    }

    #[test]
    fn old_suites_are_those_that_are_recommended() {
        let left = recommended().cipher_suites;
        let old: Vec<_> = left.iter().filter(|suite| suite.tls13().is_none()).map(|s| s.suite()).collect();
        assert_eq!(old.len(), 4, "{old:?}");
        for suite in old {
            let name = format!("{suite:?}");
            assert!(name.contains("_ECDHE_") && name.contains("_GCM_"), "{name}");
        }
        assert_eq!(left.iter().filter(|suite| suite.tls13().is_some()).count(), 3);
    }
}
