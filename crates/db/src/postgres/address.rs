//! The address of a PostgreSQL server, and TLS to it.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_postgres::{Config, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{Error, Options, Result};

pub(super) struct Address {
    /// One for each host, in their order.
    pub(super) configs: Vec<Config>,
    pub(super) tls: Option<MakeRustlsConnect>,
}

/// The client library knows neither the checking `sslmode`s nor `sslrootcert`, so both are taken out first.
pub(super) fn parse(url: &str, options: &Options) -> Result<Address> {
    // A raw `?` may stand in a password; the library, too, first looks for the `@`.
    let credentials = url.find('@').unwrap_or(0);
    let (base, query) = match url[credentials..].find('?') {
        Some(question) => (&url[..credentials + question], &url[credentials + question + 1..]),
        None => (url, ""),
    };
    let mut mode = "disable";
    let mut roots = None;
    let mut rest = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", value)) => mode = value,
            Some(("sslrootcert", value)) => roots = Some(value),
            _ => rest.push(pair),
        }
    }
    let tls = match mode {
        "disable" => None,
        "require" | "verify-ca" | "verify-full" => Some(tls(roots)?),
        _ => return Err(Error::engine("sslmode is one of disable, require, verify-ca and verify-full")),
    };
    let query = rest.join("&");
    let configs = each_host(base)
        .map(|base| Ok(configured(parsed(&format!("{base}?{query}"))?, tls.is_some(), options)))
        .collect::<Result<_>>()?;
    Ok(Address { configs, tls })
}

/// The address once for each of its hosts, which stand behind the credentials, with commas between them.
fn each_host(base: &str) -> impl Iterator<Item = String> {
    let before = match (base.find('@'), base.find("://")) {
        (Some(at), _) => at + 1,
        (None, Some(scheme)) => scheme + 3,
        (None, None) => 0,
    };
    let (before, rest) = base.split_at(before);
    let (hosts, after) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    hosts.split(',').map(move |host| format!("{before}{host}{after}"))
}

/// The library's message may quote a piece of the password.
fn parsed(url: &str) -> Result<Config> {
    url.parse().map_err(|_| {
        Error::engine(
            "the PostgreSQL address cannot be read: check its options and percent-encode its password",
        )
    })
}

fn configured(mut config: Config, is_encrypted: bool, options: &Options) -> Config {
    config.ssl_mode(if is_encrypted { SslMode::Require } else { SslMode::Disable });
    config.connect_timeout(options.connect_timeout);
    // A peer that vanished without a word is noticed, instead of being waited for.
    config.keepalives_idle(std::time::Duration::from_secs(30));
    config.tcp_user_timeout(options.statement_timeout);
    let asked = config.get_options().unwrap_or_default();
    let limits = format!(
        "-c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout={} {asked}",
        options.statement_timeout.as_millis(),
        options.lock_timeout.as_millis(),
        options.idle_transaction_timeout.as_millis(),
    );
    config.options(limits.trim());
    if config.get_application_name().is_none() {
        config.application_name("chancery");
    }
    config
}

/// Always checks the certificate and the host's name: encryption to a stranger is worth little.
fn tls(roots: Option<&str>) -> Result<MakeRustlsConnect> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Error::engine)?;
    let config = match roots.filter(|path| *path != "system") {
        None => builder.with_platform_verifier().map_err(Error::engine)?,
        Some(path) => builder.with_root_certificates(read_roots(path)?),
    };
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}

fn read_roots(path: &str) -> Result<RootCertStore> {
    let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let unusable = |cause: String| Error::Engine(format!("cannot use the certificates in {path}: {cause}"));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&*path).map_err(|cause| unusable(cause.to_string()))? {
        let certificate = certificate.map_err(|cause| unusable(cause.to_string()))?;
        roots.add(certificate).map_err(|cause| unusable(cause.to_string()))?;
    }
    if roots.is_empty() { Err(unusable("there are none".to_owned())) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::TargetSessionAttrs;

    use super::*;

    fn outcome(url: &str) -> Result<Address, String> {
        parse(url, &Options::default()).map_err(|cause| cause.to_string())
    }

    #[test]
    fn tls_is_used_when_asked_for() {
        for (url, encrypted) in [
            ("postgres://u:p@db.example/chancery", false),
            ("postgres://u:p@db.example/chancery?sslmode=disable", false),
            ("postgresql://u@db.example/chancery?application_name=x&sslmode=verify-full", true),
            ("postgresql://u@db.example/chancery?sslmode=require", true),
            ("postgresql://u:what?sslmode=disable@db.example/chancery?sslmode=require", true),
            ("postgresql://u:what?sslmode=require@db.example/chancery", false),
        ] {
            let address = outcome(url).unwrap();
            assert_eq!(address.tls.is_some(), encrypted, "{url}");
            let mode = if encrypted { SslMode::Require } else { SslMode::Disable };
            assert_eq!(address.configs[0].get_ssl_mode(), mode, "{url}");
        }
    }

    #[test]
    fn the_users_own_options_win() {
        let address = outcome("postgres://u@h/d?options=-c%20statement_timeout%3D7").unwrap();
        let options = "-c statement_timeout=10000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=10000 \
                       -c statement_timeout=7";
        assert_eq!(address.configs[0].get_options(), Some(options));
    }

    #[test]
    fn each_host_is_an_address() {
        let address = outcome(
            "postgres://u:p,q@db1:1,db2,[::1]:3,%2Frun/d?sslmode=require&target_session_attrs=read-write",
        );
        let configs = address.unwrap().configs;
        assert_eq!(configs.len(), 4);
        for (config, port) in configs.iter().zip([1, 5432, 3, 5432]) {
            assert_eq!((config.get_hosts().len(), config.get_ports()), (1, &[port][..]), "{config:?}");
            assert_eq!(config.get_password(), Some(&b"p,q"[..]));
            assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
            assert_eq!(config.get_ssl_mode(), SslMode::Require);
        }
        assert_eq!(outcome("postgres:///d").unwrap().configs.len(), 1);
    }

    #[test]
    fn refusals_are_one_sentence_without_the_password() {
        for url in [
            "postgres://u@h/d?hunter2=x",
            "postgres://u:a@b?hunter2@h/d",
            "postgres://u:hunter2@h/d?sslmode=prefer",
        ] {
            let message = outcome(url).err().unwrap();
            assert!(!message.contains("hunter2"), "{message}");
        }
        let missing = outcome("postgres://u@h/d?sslmode=require&sslrootcert=%2Fnowhere.pem").err().unwrap();
        assert!(missing.contains("/nowhere.pem"), "{missing}");
    }
}
