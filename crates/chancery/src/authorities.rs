//! Files of certificates of authorities to trust.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The authorities of a PEM file.
pub(crate) fn from_file(path: &Path) -> Result<RootCertStore> {
    let shown = path.display();
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).with_context(|| format!("the CA file {shown}"))? {
        roots.add(certificate.with_context(|| format!("the CA file {shown}"))?)?;
    }
    if roots.is_empty() {
        bail!("the CA file {shown} holds no certificate");
    }
    Ok(roots)
}
