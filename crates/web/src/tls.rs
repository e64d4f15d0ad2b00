//! Certificates, and how to exchange them while the server runs.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

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
}

/// The certificate chain and key of a listener: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1 by ALPN.
pub struct Tls(ArcSwap<ServerConfig>);

impl Tls {
    /// Reads a certificate chain (the server's own first) and its key, both PEM.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Ok(Self(ArcSwap::new(config(certificates, key)?)))
    }

    /// Exchanges them for connections that begin from now on. On an error the old ones stay.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn replace(&self, certificates: &[u8], key: &[u8]) -> Result<(), TlsError> {
        self.0.store(config(certificates, key)?);
        Ok(())
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.0.load_full())
    }
}

/// Shows that it is one.
impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

fn config(certificates: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificates)
        .collect::<Result<_, _>>()
        .map_err(|e| TlsError::Certificate(e.to_string()))?;
    if chain.is_empty() {
        return Err(TlsError::Certificate("it is empty".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| TlsError::Key(e.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
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
}
