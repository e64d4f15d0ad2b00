//! Whom documents are fetched from, where a file says so instead of the system.

use std::sync::Arc;

use chancery_core::iso::format_ms;
use chancery_jose::{Certificate, is_of_authority};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// Certificates of authorities, or of servers that vouch for themselves.
#[derive(Clone, Debug)]
pub struct Authorities {
    /// Authorities alone: whatever stands here may sign for any name.
    roots: RootCertStore,
    known: Vec<Known>,
}

impl Authorities {
    /// All of them.
    ///
    /// # Errors
    /// Where one is no certificate.
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        let mut known = Vec::with_capacity(certificates.len());
        for der in certificates {
            let one = Known::new(der)?;
            if one.is_authority {
                roots.add(one.der.clone())?;
            }
            known.push(one);
        }
        Ok(Self { roots, known })
    }

    /// What looks at the certificates of servers.
    pub(crate) fn verifier(
        &self,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, String> {
        let algorithms = provider.signature_verification_algorithms;
        let chains = match self.roots.is_empty() {
            true => None,
            false => {
                let roots = Arc::new(self.roots.clone());
                let chains = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
                Some(chains.map_err(|error| error.to_string())?)
            }
        };
        Ok(Arc::new(Vouched { chains, known: self.known.clone(), algorithms }))
    }
}

/// A certificate that stands in the file.
#[derive(Clone, Debug)]
struct Known {
    der: CertificateDer<'static>,
    is_authority: bool,
    /// Begin and end of validity, as text that sorts.
    not_before: String,
    not_after: String,
}

impl Known {
    fn new(der: CertificateDer<'static>) -> Result<Self, Error> {
        let unreadable = || Error::InvalidCertificate(CertificateError::BadEncoding);
        let Certificate { not_before, not_after, .. } = Certificate::from_der(&der).ok_or_else(unreadable)?;
        let is_authority = is_of_authority(&der).ok_or_else(unreadable)?;
        Ok(Self { der, is_authority, not_before, not_after })
    }

    /// Whether the server that shows this very certificate is the one of that name. That of an authority is good for any: it could
    /// sign one for each.
    fn vouches(&self, name: &ServerName<'_>, now: UnixTime) -> Result<ServerCertVerified, Error> {
        let now = format_ms(i64::try_from(now.as_secs()).unwrap_or(i64::MAX).saturating_mul(1000));
        if now < self.not_before {
            return Err(CertificateError::NotValidYet.into());
        }
        if now > self.not_after {
            return Err(CertificateError::Expired.into());
        }
        if !self.is_authority {
            verify_server_name(&ParsedCertificate::try_from(&self.der)?, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }
}

/// A chain that leads to an authority, or the very certificate that stands in the file: `openssl req -x509` makes those, as
/// certificates of an authority and often without a name that counts, and no chain begins with one.
#[derive(Debug)]
struct Vouched {
    /// `None` where the file has no authority.
    chains: Option<Arc<WebPkiServerVerifier>>,
    known: Vec<Known>,
    algorithms: WebPkiSupportedAlgorithms,
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
        if let Some(known) = self.known.iter().find(|known| known.der.as_ref() == end_entity.as_ref()) {
            return known.vouches(server_name, now);
        }
        match &self.chains {
            Some(chains) => {
                chains.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            None => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

    use super::*;

    /// Seconds between 2020 and 2030.
    const NOW: u64 = 1_750_000_000;

    fn params(names: &[&str], is_ca: IsCa) -> CertificateParams {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.is_ca = is_ca;
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2030, 1, 1));
        params
    }

    fn made(names: &[&str], is_ca: IsCa) -> CertificateDer<'static> {
        params(names, is_ca).self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    /// Whether a server with this certificate is believed to be `name`, at `now`.
    fn is_good(file: &[CertificateDer<'static>], shown: &CertificateDer<'_>, name: &str, now: u64) -> bool {
        let authorities = Authorities::new(file.to_vec()).unwrap();
        let verifier = authorities.verifier(Arc::new(rustls::crypto::aws_lc_rs::default_provider())).unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
        verifier.verify_server_cert(shown, &[], &name, &[], now).is_ok()
    }

    const CA: IsCa = IsCa::Ca(BasicConstraints::Unconstrained);

    #[test]
    fn a_certificate_vouches_for_itself_and_for_no_other() {
        let (own, named, other) = (made(&[], CA), made(&["suite.example"], CA), made(&["suite.example"], CA));
        let file = [own.clone(), named.clone()];
        assert!(is_good(&file, &own, "suite.example", NOW) && is_good(&file, &named, "suite.example", NOW));
        assert!(!is_good(&file, &other, "suite.example", NOW));
        assert!(Authorities::new(vec![CertificateDer::from(vec![1, 2, 3])]).is_err());
    }

    /// A server's key is no authority's: whoever takes it is that server, and nobody else.
    #[test]
    fn a_server_is_no_authority() {
        for is_ca in [IsCa::NoCa, IsCa::ExplicitNoCa] {
            let key = KeyPair::generate().unwrap();
            let params = params(&["suite.example"], is_ca);
            let server = params.self_signed(&key).unwrap().der().clone();
            let issuer = Issuer::from_params(&params, key);
            let signed = |name: &str| {
                let params = self::params(&[name], IsCa::ExplicitNoCa);
                params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap().der().clone()
            };
            let file = [server.clone()];
            assert!(is_good(&file, &server, "suite.example", NOW));
            assert!(!is_good(&file, &server, "bank.example", NOW));
            assert!(!is_good(&file, &signed("bank.example"), "bank.example", NOW));
            assert!(!is_good(&file, &signed("suite.example"), "suite.example", NOW));
        }
        let key = KeyPair::generate().unwrap();
        let params = params(&[], CA);
        let authority = params.self_signed(&key).unwrap().der().clone();
        let issuer = Issuer::from_params(&params, key);
        let signed = self::params(&["bank.example"], IsCa::NoCa);
        let signed = signed.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap().der().clone();
        assert!(is_good(&[authority], &signed, "bank.example", NOW));
    }

    #[test]
    fn certificates_end() {
        for is_ca in [CA, IsCa::ExplicitNoCa] {
            let own = made(&["suite.example"], is_ca);
            let at = |now| is_good(std::slice::from_ref(&own), &own, "suite.example", now);
            assert!(at(NOW));
            assert!(!at(1_500_000_000) && !at(1_900_000_000));
        }
    }
}
