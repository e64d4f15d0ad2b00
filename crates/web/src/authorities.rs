//! Whom documents are fetched from, where a file says so instead of the system.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// Certificates of authorities, or of servers that vouch for themselves.
#[derive(Clone, Debug)]
pub struct Authorities {
    roots: RootCertStore,
    certificates: Vec<CertificateDer<'static>>,
}

impl Authorities {
    /// All of them.
    ///
    /// # Errors
    /// Where one is no certificate.
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots.add(certificate.clone())?;
        }
        Ok(Self { roots, certificates })
    }

    /// What looks at the certificates of servers.
    pub(crate) fn verifier(
        &self,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, String> {
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(self.roots.clone()), provider);
        let chains = chains.build().map_err(|error| error.to_string())?;
        Ok(Arc::new(Vouched { chains, certificates: self.certificates.clone() }))
    }
}

/// A chain that leads to an authority, or the very certificate of one: `openssl req -x509` makes those, as certificates of an
/// authority and often without a name that counts, and no chain begins with one. Whoever has its key could sign one for any name.
#[derive(Debug)]
struct Vouched {
    chains: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Vouched {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.certificates.iter().any(|known| known.as_ref() == end_entity.as_ref()) {
            return Ok(ServerCertVerified::assertion());
        }
        self.chains.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

    use super::*;

    fn made(names: &[&str]) -> CertificateDer<'static> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn a_certificate_vouches_for_itself_and_for_no_other() {
        let (own, named, other) = (made(&[]), made(&["suite.example"]), made(&["suite.example"]));
        let authorities = Authorities::new(vec![own.clone(), named.clone()]).unwrap();
        let verifier = authorities.verifier(Arc::new(rustls::crypto::aws_lc_rs::default_provider())).unwrap();
        let name = ServerName::try_from("suite.example").unwrap();
        let good = |shown| verifier.verify_server_cert(shown, &[], &name, &[], UnixTime::now()).is_ok();
        assert!(good(&own) && good(&named));
        assert!(!good(&other));
        assert!(Authorities::new(vec![CertificateDer::from(vec![1, 2, 3])]).is_err());
    }
}
