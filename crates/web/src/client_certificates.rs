//! The handshake of a listener that asks for client certificates (RFC 8705, section 7.3): whoever has the key is let in, and
//! whether an authority answers for the certificate is asked and kept, since applications may bring certificates of their
//! own making.

use std::sync::Arc;
use std::time::Duration;

use chancery_core::Clock;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConnection, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::certificate::ShownCertificate;
use crate::tls::TlsError;

/// Asks for certificates.
#[derive(Clone)]
pub struct ClientCertificates {
    /// `None` where no authority is trusted.
    authorities: Option<Arc<dyn ClientCertVerifier>>,
    clock: Arc<dyn Clock>,
}

impl ClientCertificates {
    /// Certificates of these authorities are trusted; others, and those of the application's own making, are shown all the
    /// same.
    ///
    /// # Errors
    /// Where no verifier can be made of the authorities.
    pub fn new(authorities: Option<RootCertStore>, clock: Arc<dyn Clock>) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = authorities.map(|roots| {
            let built = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            built.map_err(|error| TlsError::Authorities(error.to_string()))
        });
        Ok(Self { authorities: verifier.transpose()?, clock })
    }

    pub(crate) fn verifier(provider: &CryptoProvider) -> Arc<dyn ClientCertVerifier> {
        Arc::new(WhoeverHasTheKey(provider.signature_verification_algorithms))
    }

    /// What the client of a finished handshake showed.
    pub(crate) fn shown(&self, connection: &ServerConnection) -> Option<Arc<ShownCertificate>> {
        let (own, further) = connection.peer_certificates()?.split_first()?;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(
            u64::try_from(self.clock.now_ms().div_euclid(1000)).unwrap_or(0),
        ));
        let is_trusted = self
            .authorities
            .as_ref()
            .is_some_and(|verifier| verifier.verify_client_cert(own, further, now).is_ok());
        Some(Arc::new(ShownCertificate::new(own.to_vec(), is_trusted)))
    }
}

/// Takes any certificate, or none; the handshake proves that the client has its key.
#[derive(Debug)]
struct WhoeverHasTheKey(WebPkiSupportedAlgorithms);

impl ClientCertVerifier for WhoeverHasTheKey {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// None are named: clients choose by the server they call.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
