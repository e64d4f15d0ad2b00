//! Certificates that applications show (RFC 8705): in the handshake of TLS, or to a proxy that is trusted to hand
//! them on. That is a trust of its own: a proxy that says whom it forwards for may let such a header of anybody through.

use std::net::IpAddr;
use std::sync::Arc;

use chancery_jose::{base64url, pem_decode, sha256};
use http::HeaderMap;
use percent_encoding::percent_decode_str;

use crate::App;
use crate::front::Caller;

/// A certificate whose key the sender of a request has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownCertificate {
    /// DER.
    pub der: Vec<u8>,
    /// SHA-256 of it, base64url: `x5t#S256`.
    pub thumbprint: String,
    /// Whether an authority that the server, or the proxy, trusts for this answers for it.
    pub is_trusted: bool,
}

impl ShownCertificate {
    /// Of DER.
    pub(crate) fn new(der: Vec<u8>, is_trusted: bool) -> Self {
        Self { thumbprint: base64url(&sha256(&der)), der, is_trusted }
    }

    /// What came with a request: from the listener, or else in the headers of a proxy that is believed.
    pub(crate) fn of(headers: &HeaderMap, app: &App, caller: &Caller) -> Option<Arc<Self>> {
        let shown = caller.certificate.clone();
        shown.or_else(|| Self::handed_on(headers, app, caller.peer.addr.ip()).map(Arc::new))
    }

    fn handed_on(headers: &HeaderMap, app: &App, peer: IpAddr) -> Option<Self> {
        let header = app.config.certificate_header;
        if !headers.contains_key(header.name()) {
            return None;
        }
        if !app.config.certificate_proxies.contains(peer) {
            tracing::debug!("a client certificate of an address that may hand on none is ignored");
            return None;
        }
        let der = single(headers, header.name()).and_then(|text| header.read(text));
        if der.is_none() {
            tracing::warn!("the client certificate that a proxy handed on cannot be read");
        }
        let is_trusted = header.verdict().is_some_and(|verdict| single(headers, verdict) == Some("SUCCESS"));
        der.map(|der| Self::new(der, is_trusted))
    }
}

/// The header in which proxies hand certificates on. One alone is looked at: a proxy that writes one of them, and takes it away
/// where a client sent it, may know nothing of the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CertificateHeader {
    /// `client-certificate`: PEM with percent signs, as the service that we are compatible with takes it, and many proxies write
    /// it.
    #[default]
    ClientCertificate,
    /// `Client-Cert`: DER in base64 between colons (RFC 9440, section 2.1).
    ClientCert,
}

impl CertificateHeader {
    /// In lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientCertificate => "client-certificate",
            Self::ClientCert => "client-cert",
        }
    }

    /// The header in which the proxy says whether an authority answers for the certificate. RFC 9440 has none: a proxy that writes
    /// its header lets this one through from anybody.
    const fn verdict(self) -> Option<&'static str> {
        match self {
            Self::ClientCertificate => Some("client-certificate-ca-verified"),
            Self::ClientCert => None,
        }
    }

    fn read(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::ClientCertificate => of_pem(text),
            Self::ClientCert => of_structured_field(text),
        }
    }
}

/// Characters of such a header.
const LONGEST: usize = 16 * 1024;

/// Sent twice it is nobody's.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut lines = headers.get_all(name).iter();
    let first = lines.next()?.to_str().ok()?;
    (lines.next().is_none() && first.len() <= LONGEST).then_some(first)
}

fn of_pem(text: &str) -> Option<Vec<u8>> {
    let pem = percent_decode_str(text).decode_utf8().ok()?;
    let (label, der) = pem_decode(&pem).ok()?;
    (label == "CERTIFICATE").then_some(der)
}

fn of_structured_field(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    let encoded = text.trim().strip_prefix(':')?.strip_suffix(':')?;
    base64::prelude::BASE64_STANDARD.decode(encoded).ok()
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

    use super::*;

    #[test]
    fn both_notations_are_read() {
        let made = rcgen::generate_simple_self_signed(vec!["client.example".to_owned()]).unwrap();
        let der = made.cert.der().to_vec();
        let escaped = utf8_percent_encode(&made.cert.pem(), NON_ALPHANUMERIC).to_string();
        assert_eq!(of_pem(&escaped), Some(der.clone()));
        assert_eq!(of_structured_field(&format!(":{}:", chancery_jose::base64(&der))), Some(der));
        for bad in ["", "x", "-----BEGIN PRIVATE KEY-----%0AAAAA%0A-----END PRIVATE KEY-----", "%ff"] {
            assert_eq!(of_pem(bad), None, "{bad}");
        }
        for bad in ["", ":", "::x", "AAAA", ":A*:"] {
            assert_eq!(of_structured_field(bad), None, "{bad}");
        }
    }

    #[test]
    fn two_certificates_are_none() {
        const NAME: &str = CertificateHeader::ClientCertificate.name();
        let mut headers = HeaderMap::new();
        headers.append(NAME, "a".parse().unwrap());
        assert_eq!(single(&headers, NAME), Some("a"));
        headers.append(NAME, "b".parse().unwrap());
        assert_eq!(single(&headers, NAME), None);
    }
}
