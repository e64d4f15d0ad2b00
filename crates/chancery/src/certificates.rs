//! The certificate authority and the certificate of dev mode, kept in the data folder so that a browser or a tool told to
//! trust the authority once need not be told again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd,
};

use crate::files;

/// Where the certificates lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The authority's certificate: what a client has to trust.
    pub ca: PathBuf,
    /// The server's certificate.
    pub certificate: PathBuf,
    /// The server's private key, mode 0600.
    pub key: PathBuf,
}

/// The certificates in `folder`, good for `localhost`, `127.0.0.1`, `::1` and `host`; made where they are missing, were
/// made for another name, or end within a month. `now` is in seconds.
///
/// # Errors
/// Where the folder cannot be written or `host` is no name that a certificate can hold.
pub fn ensure(folder: &Path, host: &str, now: i64) -> Result<CertificateFiles> {
    let files = CertificateFiles {
        ca: folder.join("ca.pem"),
        certificate: folder.join("server.pem"),
        key: folder.join("server.key"),
    };
    let names = names(host);
    // Its end and its names stand beside the certificate, so that it need not be parsed to see what it is good for.
    let note = folder.join("server.txt");
    let complete = [&files.ca, &files.certificate, &files.key].iter().all(|path| path.exists());
    if complete && is_good(&fs::read_to_string(&note).unwrap_or_default(), &names, now) {
        return Ok(files);
    }
    let ends = now + SERVER_DAYS * DAY;
    // Gone while the others change: whoever is killed in between leaves nothing that looks finished.
    drop(fs::remove_file(&note));
    let (ca_pem, ca) = authority(&files.ca, &folder.join("ca.key"))?;
    // FAPI 1.0 (section 8.5) knows cipher suites for RSA alone.
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
    let certificate = server_params(names.clone(), now, ends)?
        .signed_by(&key, &ca)
        .with_context(|| format!("a certificate for {host}"))?;
    write(&files.key, &key.serialize_pem(), 0o600)?;
    // The chain carries the authority too: some clients print a clearer error when they see it.
    write(&files.certificate, &format!("{}{ca_pem}", certificate.pem()), 0o644)?;
    write(&note, &format!("{ends}\n{}\n", names.join("\n")), 0o644)?;
    Ok(files)
}

/// Browsers refuse certificates that live longer than 825 days.
const SERVER_DAYS: i64 = 800;
const DAY: i64 = 86_400;

fn is_good(note: &str, names: &[String], now: i64) -> bool {
    let mut lines = note.lines();
    let ends: Option<i64> = lines.next().and_then(|line| line.parse().ok());
    ends.is_some_and(|ends| ends > now + 30 * DAY) && lines.eq(names.iter().map(String::as_str))
}

/// `localhost` first: the subject of the certificate.
fn names(host: &str) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !names.iter().any(|name| name == host) {
        names.push(host.to_owned());
    }
    names
}

/// The authority in the folder, or a new one.
fn authority(certificate: &Path, key: &Path) -> Result<(String, Issuer<'static, KeyPair>)> {
    if let (Ok(pem), Ok(key_pem)) = (fs::read_to_string(certificate), fs::read_to_string(key)) {
        let key = KeyPair::from_pem(&key_pem).with_context(|| format!("{} holds no key", key.display()))?;
        return Ok((pem, Issuer::new(authority_params(), key)));
    }
    let pair = KeyPair::generate()?;
    let params = authority_params();
    let pem = params.self_signed(&pair)?.pem();
    write(key, &pair.serialize_pem(), 0o600)?;
    write(certificate, &pem, 0o644)?;
    Ok((pem, Issuer::new(params, pair)))
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Chancery development authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // Fixed dates: whoever trusted it once need not do it again.
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2054, 1, 1);
    params
}

fn server_params(names: Vec<String>, now: i64, ends: i64) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let at = |seconds: i64| date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds.max(0).unsigned_abs());
    // A day early, for clients whose clocks lag.
    params.not_before = at(now - DAY);
    params.not_after = at(ends);
    Ok(params)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    files::replace(path, text, mode).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;

    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    #[test]
    fn certificates_are_kept_and_made_anew_for_another_host() {
        let folder = tempfile::tempdir().unwrap();
        let files = ensure(folder.path(), "localhost", NOW).unwrap();
        let (ca, first) = (fs::read(&files.ca).unwrap(), fs::read(&files.certificate).unwrap());
        assert_eq!(ensure(folder.path(), "localhost", NOW).unwrap(), files);
        assert_eq!(fs::read(&files.certificate).unwrap(), first);
        assert_eq!(fs::metadata(&files.key).unwrap().permissions().mode() & 0o777, 0o600);
        // `fapi-ciba-id1-ensure-mtls-holder-of-key-required` takes suites with ECDSA for unsafe ones.
        let key = KeyPair::from_pem(&fs::read_to_string(&files.key).unwrap()).unwrap();
        assert!(key.is_compatible(&PKCS_RSA_SHA256));

        ensure(folder.path(), "chancery.test", NOW).unwrap();
        assert_eq!(fs::read(&files.ca).unwrap(), ca, "the authority stays");
        let second = fs::read(&files.certificate).unwrap();
        assert_ne!(second, first);

        ensure(folder.path(), "chancery.test", NOW + 760 * DAY).unwrap();
        assert_eq!(fs::read(&files.certificate).unwrap(), second, "it is good for another month");
        ensure(folder.path(), "chancery.test", NOW + 780 * DAY).unwrap();
        assert_ne!(fs::read(&files.certificate).unwrap(), second);
    }

    #[test]
    fn a_client_that_trusts_the_authority_trusts_every_name() {
        let folder = tempfile::tempdir().unwrap();
        // Twice, so that the authority of the second certificate was read from its file.
        ensure(folder.path(), "localhost", NOW).unwrap();
        let files = ensure(folder.path(), "chancery.test", NOW).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&files.ca).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .unwrap();
        let chain: Vec<_> =
            CertificateDer::pem_file_iter(&files.certificate).unwrap().map(Result::unwrap).collect();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
        for name in ["localhost", "127.0.0.1", "::1", "chancery.test"] {
            use rustls::client::danger::ServerCertVerifier;
            let server = ServerName::try_from(name).unwrap();
            let good = verifier.verify_server_cert(&chain[0], &chain[1..], &server, &[], now);
            assert!(good.is_ok(), "{name}: {good:?}");
        }
    }
}
