//! Files of certificates of authorities to trust.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use chancery_web::Authorities;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The authorities of a PEM file.
pub(crate) fn from_file(path: &Path) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in read(path)? {
        roots.add(certificate)?;
    }
    Ok(roots)
}

/// Those that documents are fetched from.
pub(crate) fn of_servers(path: &Path) -> Result<Authorities> {
    Ok(Authorities::new(read(path)?)?)
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let shown = path.display();
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found: Vec<_> = found.with_context(|| format!("the CA file {shown}"))?;
    if found.is_empty() {
        bail!("the CA file {shown} holds no certificate");
    }
    Ok(found)
}
