//! Settings of the server: flags win over the environment, which wins over the file.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chancery_web::{Authorities, CertificateHeader, Network, Networks, Services};
use clap::{Args, ValueEnum};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

use crate::authorities;
use crate::master_key::{self, MasterKey};
use crate::rate_limits::RateLimits;

/// Every setting of `serve`, each under one name: `http` in the file, `--http` as a flag, `CHANCERY_HTTP` in the
/// environment.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Database: sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME
    #[arg(long, env = "CHANCERY_DATABASE", hide_env_values = true, value_name = "URL")]
    #[serde(deserialize_with = "secret")]
    pub database: Option<SecretString>,

    /// File with the master key, which seals private keys in the database
    #[arg(long, env = "CHANCERY_MASTER_KEY_FILE", value_name = "FILE")]
    pub master_key_file: Option<PathBuf>,

    /// No flag: every user of a machine sees the flags of its processes.
    #[arg(skip)]
    #[serde(deserialize_with = "secret")]
    pub master_key: Option<SecretString>,

    /// Addresses for plain HTTP, to be reached by a proxy that speaks TLS [default: 127.0.0.1:4000 unless --https is given]
    #[arg(long, env = "CHANCERY_HTTP", value_name = "ADDRESS", value_delimiter = ',')]
    pub http: Option<Vec<String>>,

    /// Addresses for HTTPS
    #[arg(long, env = "CHANCERY_HTTPS", value_name = "ADDRESS", value_delimiter = ',')]
    pub https: Option<Vec<String>>,

    /// Certificate chain of HTTPS, PEM; read again on SIGHUP
    #[arg(long, env = "CHANCERY_TLS_CERTIFICATE", value_name = "FILE")]
    pub tls_certificate: Option<PathBuf>,

    /// Private key of HTTPS, PEM
    #[arg(long, env = "CHANCERY_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Addresses for HTTPS that ask clients for certificates (RFC 8705)
    #[arg(long, env = "CHANCERY_MTLS", value_name = "ADDRESS", value_delimiter = ',')]
    pub mtls: Option<Vec<String>>,

    /// Where applications reach those: an origin in which {host} stands for the host of the tenant [default: https://mtls.{host}]
    #[arg(long, env = "CHANCERY_MTLS_ORIGIN", value_name = "ORIGIN")]
    pub mtls_origin: Option<String>,

    /// Authorities (PEM) whose client certificates prove the subject that they name
    #[arg(long, env = "CHANCERY_MTLS_CA_FILE", value_name = "FILE")]
    pub mtls_ca_file: Option<PathBuf>,

    /// Proxies that hand on client certificates, and take such headers away from everybody else: addresses or ranges
    #[arg(long, env = "CHANCERY_MTLS_PROXIES", value_name = "RANGE", value_delimiter = ',')]
    pub mtls_proxies: Option<Vec<String>>,

    /// The header in which they do, the only one that is looked at: client-certificate (PEM, percent-encoded) or client-cert (RFC 9440)
    /// [default: client-certificate]
    #[arg(long, env = "CHANCERY_MTLS_HEADER", value_name = "NAME")]
    pub mtls_header: Option<MtlsHeader>,

    /// Proxies whose X-Forwarded-* headers are believed: addresses or ranges such as 10.0.0.0/8
    #[arg(long, env = "CHANCERY_TRUSTED_PROXIES", value_name = "RANGE", value_delimiter = ',')]
    pub trusted_proxies: Option<Vec<String>>,

    /// Address for Prometheus: /metrics, /healthz, /readyz [default: none]
    #[arg(long, env = "CHANCERY_METRICS", value_name = "ADDRESS")]
    pub metrics: Option<String>,

    /// How log lines look; auto is text on a terminal and JSON elsewhere
    #[arg(long, env = "CHANCERY_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,

    /// What is logged: error, warn, info, debug, or a filter such as warn,chancery_oauth=debug
    #[arg(long, env = "CHANCERY_LOG", value_name = "FILTER")]
    pub log: Option<String>,

    /// SMTP server: smtps://USER:PASSWORD@HOST or smtp://HOST:587?tls=required
    #[arg(long, env = "CHANCERY_SMTP_URL", hide_env_values = true, value_name = "URL")]
    #[serde(deserialize_with = "secret")]
    pub smtp_url: Option<SecretString>,

    /// Sender of mail: "Name <address>"
    #[arg(long, env = "CHANCERY_MAIL_FROM", value_name = "SENDER")]
    pub mail_from: Option<String>,

    /// Networks in which mail servers of tenants may stand, beside the internet: addresses or ranges such as 10.0.0.0/8
    #[arg(long, env = "CHANCERY_MAIL_NETWORKS", value_name = "RANGE", value_delimiter = ',')]
    pub mail_networks: Option<Vec<String>>,

    /// Networks from which documents that tenants name are fetched (metadata of applications and identity providers), beside the internet
    #[arg(long, env = "CHANCERY_FETCH_NETWORKS", value_name = "RANGE", value_delimiter = ',')]
    pub fetch_networks: Option<Vec<String>>,

    /// Authorities (PEM) to trust instead of the system's when documents are fetched
    #[arg(long, env = "CHANCERY_FETCH_CA_FILE", value_name = "FILE")]
    pub fetch_ca_file: Option<PathBuf>,

    /// Passwords that the world knows: a sorted list of their SHA-1, for tenants that detect breached passwords [default: none]
    #[arg(long, env = "CHANCERY_BREACHED_PASSWORDS", value_name = "FILE")]
    pub breached_passwords: Option<PathBuf>,

    /// Where Twilio is, which carries text messages and calls of tenants [default: https://api.twilio.com]
    #[arg(long, env = "CHANCERY_TWILIO_URL", value_name = "URL")]
    pub twilio_url: Option<String>,

    /// Where Google gives tokens to read directories with [default: https://oauth2.googleapis.com/token]
    #[arg(long, env = "CHANCERY_GOOGLE_TOKEN_URL", value_name = "URL")]
    pub google_token_url: Option<String>,

    /// Where Google's Directory API is [default: https://admin.googleapis.com/admin/directory/v1]
    #[arg(long, env = "CHANCERY_GOOGLE_DIRECTORY_URL", value_name = "URL")]
    pub google_directory_url: Option<String>,

    /// PostgreSQL: connections to it at a time [default: 16]
    #[arg(long, env = "CHANCERY_DATABASE_CONNECTIONS", value_name = "N")]
    pub database_connections: Option<NonZeroUsize>,

    /// PostgreSQL: seconds that a request waits for a connection while all are in use [default: 2]
    #[arg(long, env = "CHANCERY_DATABASE_WAIT_SECONDS", value_name = "N")]
    pub database_wait_seconds: Option<NonZeroU32>,

    /// PostgreSQL: seconds that a new connection may take, and the answer to the question whether it is there [default: 3]
    #[arg(long, env = "CHANCERY_DATABASE_CONNECT_SECONDS", value_name = "N")]
    pub database_connect_seconds: Option<NonZeroU32>,

    /// PostgreSQL: seconds that one statement may run (`statement_timeout`) [default: 10]
    #[arg(long, env = "CHANCERY_DATABASE_STATEMENT_SECONDS", value_name = "N")]
    pub database_statement_seconds: Option<NonZeroU32>,

    /// PostgreSQL: seconds that a statement may wait for a lock (`lock_timeout`) [default: 5]
    #[arg(long, env = "CHANCERY_DATABASE_LOCK_SECONDS", value_name = "N")]
    pub database_lock_seconds: Option<NonZeroU32>,

    /// PostgreSQL: seconds that it keeps a transaction of a server that says nothing more
    /// (`idle_in_transaction_session_timeout`) [default: 10]
    #[arg(long, env = "CHANCERY_DATABASE_IDLE_TRANSACTION_SECONDS", value_name = "N")]
    pub database_idle_transaction_seconds: Option<NonZeroU32>,

    /// Seconds that machines get tokens by the configuration in memory while the database is away [default: 300]
    #[arg(long, env = "CHANCERY_OUTAGE_SECONDS", value_name = "N")]
    pub outage_seconds: Option<NonZeroU32>,

    /// Connections at a time
    #[arg(long, env = "CHANCERY_MAX_CONNECTIONS", value_name = "N")]
    pub max_connections: Option<usize>,

    /// Seconds that requests may take to finish at shutdown
    #[arg(long, env = "CHANCERY_SHUTDOWN_SECONDS", value_name = "N")]
    pub shutdown_seconds: Option<u64>,

    /// Days that tenant log events are kept
    #[arg(long, env = "CHANCERY_LOG_RETENTION_DAYS", value_name = "N")]
    pub log_retention_days: Option<u32>,

    /// Calls of the Management API that one application may make in a second [default: 50000]
    #[arg(long, env = "CHANCERY_MANAGEMENT_RATE", value_name = "N")]
    pub management_rate: Option<u32>,

    /// What a tenant, a user or an address may ask altogether: as a plan of the hosted service has it [default: none]
    #[arg(long, env = "CHANCERY_RATE_LIMITS", value_name = "PROFILE", value_parser = RateLimits::argument())]
    pub rate_limits: Option<RateLimits>,
}

/// Where proxies put client certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum MtlsHeader {
    /// PEM, percent-encoded.
    #[default]
    ClientCertificate,
    /// RFC 9440.
    ClientCert,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// For people.
    Text,
    /// For machines: one object a line.
    Json,
}

impl Settings {
    /// What is set here, and where nothing is, what is set in `lower`.
    #[must_use]
    pub fn over(self, lower: Self) -> Self {
        Self {
            database: self.database.or(lower.database),
            // A key given in one way replaces a key given in another: they are one setting.
            master_key_file: if self.master_key.is_some() {
                None
            } else {
                self.master_key_file.clone().or(lower.master_key_file)
            },
            master_key: match (self.master_key, self.master_key_file) {
                (Some(key), _) => Some(key),
                (None, Some(_)) => None,
                (None, None) => lower.master_key,
            },
            http: self.http.or(lower.http),
            https: self.https.or(lower.https),
            tls_certificate: self.tls_certificate.or(lower.tls_certificate),
            tls_key: self.tls_key.or(lower.tls_key),
            mtls: self.mtls.or(lower.mtls),
            mtls_origin: self.mtls_origin.or(lower.mtls_origin),
            mtls_ca_file: self.mtls_ca_file.or(lower.mtls_ca_file),
            mtls_proxies: self.mtls_proxies.or(lower.mtls_proxies),
            mtls_header: self.mtls_header.or(lower.mtls_header),
            trusted_proxies: self.trusted_proxies.or(lower.trusted_proxies),
            metrics: self.metrics.or(lower.metrics),
            log_format: self.log_format.or(lower.log_format),
            log: self.log.or(lower.log),
            smtp_url: self.smtp_url.or(lower.smtp_url),
            mail_from: self.mail_from.or(lower.mail_from),
            mail_networks: self.mail_networks.or(lower.mail_networks),
            fetch_networks: self.fetch_networks.or(lower.fetch_networks),
            fetch_ca_file: self.fetch_ca_file.or(lower.fetch_ca_file),
            breached_passwords: self.breached_passwords.or(lower.breached_passwords),
            twilio_url: self.twilio_url.or(lower.twilio_url),
            google_token_url: self.google_token_url.or(lower.google_token_url),
            google_directory_url: self.google_directory_url.or(lower.google_directory_url),
            database_connections: self.database_connections.or(lower.database_connections),
            database_wait_seconds: self.database_wait_seconds.or(lower.database_wait_seconds),
            database_connect_seconds: self.database_connect_seconds.or(lower.database_connect_seconds),
            database_statement_seconds: self.database_statement_seconds.or(lower.database_statement_seconds),
            database_lock_seconds: self.database_lock_seconds.or(lower.database_lock_seconds),
            database_idle_transaction_seconds: self
                .database_idle_transaction_seconds
                .or(lower.database_idle_transaction_seconds),
            outage_seconds: self.outage_seconds.or(lower.outage_seconds),
            max_connections: self.max_connections.or(lower.max_connections),
            shutdown_seconds: self.shutdown_seconds.or(lower.shutdown_seconds),
            log_retention_days: self.log_retention_days.or(lower.log_retention_days),
            management_rate: self.management_rate.or(lower.management_rate),
            rate_limits: self.rate_limits.or(lower.rate_limits),
        }
    }

    /// Reads a configuration file.
    ///
    /// # Errors
    /// Names the file; for an unknown or ill-typed key also the key and its line.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("the configuration file {} cannot be read", path.display()))?;
        Self::parse(&text).with_context(|| format!("the configuration file {}", path.display()))
    }

    /// Reads the text of a configuration file.
    ///
    /// # Errors
    /// Names an unknown or ill-typed key and its line.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(toml::from_str(text)?)
    }

    /// The address of the database.
    ///
    /// # Errors
    /// Says how to give one.
    pub fn database(&self) -> Result<&str> {
        match &self.database {
            Some(url) => Ok(url.expose_secret()),
            None => bail!(
                "no database is set: give --database sqlite:PATH or postgres://..., or set CHANCERY_DATABASE"
            ),
        }
    }

    /// How to open the database.
    #[must_use]
    pub fn database_options(&self) -> chancery_store::DbOptions {
        let defaults = chancery_store::DbOptions::default();
        let seconds = |set: Option<NonZeroU32>, default| set.map_or(default, seconds);
        chancery_store::DbOptions {
            pool_size: self.database_connections.unwrap_or(defaults.pool_size),
            pool_wait: seconds(self.database_wait_seconds, defaults.pool_wait),
            connect_timeout: seconds(self.database_connect_seconds, defaults.connect_timeout),
            statement_timeout: seconds(self.database_statement_seconds, defaults.statement_timeout),
            lock_timeout: seconds(self.database_lock_seconds, defaults.lock_timeout),
            idle_transaction_timeout: seconds(
                self.database_idle_transaction_seconds,
                defaults.idle_transaction_timeout,
            ),
            ..defaults
        }
    }

    /// The master key.
    ///
    /// # Errors
    /// Says in one sentence how to make one, or what is wrong with the one given.
    pub fn master_key(&self) -> Result<MasterKey> {
        match (&self.master_key, &self.master_key_file) {
            (Some(key), _) => master_key::parse(key.expose_secret()).context("the setting master_key"),
            (None, Some(path)) => master_key::read_file(path),
            (None, None) => bail!(NO_MASTER_KEY),
        }
    }

    /// The proxies that are believed.
    ///
    /// # Errors
    /// Names what is no address range.
    pub fn networks(&self) -> Result<Networks> {
        networks(self.trusted_proxies.as_deref(), "the setting trusted_proxies")
    }

    /// Who hands client certificates on.
    ///
    /// # Errors
    /// As [`Settings::networks`].
    pub fn mtls_proxies(&self) -> Result<Networks> {
        networks(self.mtls_proxies.as_deref(), "the setting mtls_proxies")
    }

    /// In which header.
    pub fn mtls_header(&self) -> CertificateHeader {
        match self.mtls_header.unwrap_or_default() {
            MtlsHeader::ClientCertificate => CertificateHeader::ClientCertificate,
            MtlsHeader::ClientCert => CertificateHeader::ClientCert,
        }
    }

    /// Where applications with client certificates call.
    ///
    /// # Errors
    /// Where it is no https origin.
    pub fn mtls_origin(&self) -> Result<String> {
        let default = chancery_store::Origin::WITH_CERTIFICATES;
        let form = self.mtls_origin.as_deref().unwrap_or(default).trim_end_matches('/');
        let example = chancery_store::Origin::parse(&form.replace("{host}", "tenant.example"));
        if !example.is_some_and(|origin| origin.secure) {
            bail!("the setting mtls_origin is an https origin, as in {default}: {form}");
        }
        Ok(form.to_ascii_lowercase())
    }

    /// Whose client certificates prove the subject that they name; `None` is nobody's.
    ///
    /// # Errors
    /// Names the file when it cannot be read or holds no certificate.
    pub fn mtls_authorities(&self) -> Result<Option<rustls::RootCertStore>> {
        self.mtls_ca_file.as_deref().map(authorities::from_file).transpose()
    }

    /// Where mail servers of tenants may stand beside the internet.
    ///
    /// # Errors
    /// As [`Settings::networks`].
    pub fn mail_networks(&self) -> Result<Networks> {
        networks(self.mail_networks.as_deref(), "the setting mail_networks")
    }

    /// Where documents are fetched from beside the internet.
    ///
    /// # Errors
    /// As [`Settings::networks`].
    pub fn fetch_networks(&self) -> Result<Networks> {
        networks(self.fetch_networks.as_deref(), "the setting fetch_networks")
    }

    /// Who is trusted when documents are fetched; `None` is whom the system trusts.
    ///
    /// # Errors
    /// Names the file when it cannot be read or holds no certificate.
    pub fn fetch_authorities(&self) -> Result<Option<Authorities>> {
        self.fetch_ca_file.as_deref().map(authorities::of_servers).transpose()
    }

    /// The list of passwords that the world knows.
    ///
    /// # Errors
    /// Names the file when it cannot be read or is no such list.
    pub fn breached_passwords(&self) -> Result<Option<PathBuf>> {
        if let Some(path) = &self.breached_passwords {
            chancery_connect::check_list(path)
                .with_context(|| format!("the list of breached passwords {}", path.display()))?;
        }
        Ok(self.breached_passwords.clone())
    }

    /// Where services are that tenants have accounts at.
    #[must_use]
    pub fn services(&self) -> Services {
        let defaults = Services::default();
        let base = |set: &Option<String>, default: String| {
            set.as_ref().map_or(default, |url| url.trim_end_matches('/').to_owned())
        };
        Services {
            twilio: base(&self.twilio_url, defaults.twilio),
            google_token: base(&self.google_token_url, defaults.google_token),
            google_directory: base(&self.google_directory_url, defaults.google_directory),
        }
    }
}

/// Never none: that would mean no limit to PostgreSQL, and no time at all to others.
pub(crate) fn seconds(count: NonZeroU32) -> Duration {
    Duration::from_secs(count.get().into())
}

fn networks(ranges: Option<&[String]>, what: &'static str) -> Result<Networks> {
    let ranges = ranges.unwrap_or_default().iter();
    let parsed: Result<Vec<Network>> = ranges.map(|range| range.parse().context(what)).collect();
    Ok(Networks(parsed?))
}

/// What `serve` says without a master key.
pub const NO_MASTER_KEY: &str = "no master key is set, without which private keys cannot be sealed: make one with \
    `chancery keys generate-master > master.key && chmod 600 master.key` and give it with --master-key-file, \
    CHANCERY_MASTER_KEY_FILE or CHANCERY_MASTER_KEY";

fn secret<'de, D: Deserializer<'de>>(input: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Some(String::deserialize(input)?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../../chancery.sample.toml");

    /// Every key is in the sample, either in force or behind a `#`.
    #[test]
    fn the_sample_shows_every_key() {
        Settings::parse(SAMPLE).unwrap();
        // The database stands there more than once, in each of its forms.
        let hidden =
            SAMPLE.lines().filter_map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")));
        let hidden: Vec<_> = hidden.filter(|line| !line.starts_with("database =")).collect();
        let settings = Settings::parse(&format!("{SAMPLE}\n{}", hidden.join("\n"))).unwrap();
        let shown = format!("{settings:?}");
        assert!(!shown.contains("None"), "a key is missing in the sample: {shown}");
    }

    #[test]
    fn unknown_keys_are_named_with_their_line() {
        let error = format!(
            "{:#}",
            Settings::parse("database = \"sqlite:x\"\nhtpp = [\"localhost:1\"]\n").unwrap_err()
        );
        assert!(error.contains("htpp") && error.contains("line 2"), "{error}");
        let error = format!("{:#}", Settings::parse("max_connections = \"many\"").unwrap_err());
        assert!(error.contains("line 1"), "{error}");
    }

    #[test]
    fn secrets_are_not_shown() {
        let settings = Settings::parse(
            "master_key = \"s3cret-1\"\nsmtp_url = \"smtps://u:s3cret-2@h\"\ndatabase = \"postgres://u:s3cret-3@h/d\"",
        );
        let settings = settings.unwrap();
        assert!(!format!("{settings:?}").contains("s3cret"));
        assert!(!format!("{:#}", settings.master_key().unwrap_err()).contains("s3cret"));
    }

    #[test]
    fn a_key_given_higher_up_replaces_one_below_in_whatever_form() {
        let file = |text: &str| Settings::parse(text).unwrap();
        let key = "ab".repeat(32);
        let below = file(&format!("master_key = \"{key}\""));
        let above = Settings { master_key_file: Some("/nowhere/master.key".into()), ..Settings::default() };
        let merged = above.over(below);
        assert!(merged.master_key.is_none());
        assert!(format!("{:#}", merged.master_key().unwrap_err()).contains("/nowhere/master.key"));

        let below = file("master_key_file = \"/nowhere/master.key\"");
        let above = file(&format!("master_key = \"{key}\""));
        assert!(above.over(below).master_key().is_ok());

        let said = Settings::default().master_key().unwrap_err().to_string();
        assert!(said.contains("chancery keys generate-master"));
    }

    #[test]
    fn times_are_never_none() {
        let set = "database_statement_seconds = 7\ndatabase_connections = 3\ndatabase_wait_seconds = 1";
        let options = Settings::parse(set).unwrap().database_options();
        let found = (options.statement_timeout, options.pool_size.get(), options.pool_wait);
        assert_eq!(found, (Duration::from_secs(7), 3, Duration::from_secs(1)));
        assert!(Settings::parse("database_lock_seconds = 0").is_err());
        assert!(Settings::parse("outage_seconds = 0").is_err());
    }

    #[test]
    fn origins_of_certificates() {
        let of = |set: &str| Settings::parse(set).unwrap().mtls_origin();
        assert_eq!(of("").unwrap(), "https://mtls.{host}");
        assert_eq!(of("mtls_origin = \"https://{host}:8443/\"").unwrap(), "https://{host}:8443");
        for bad in ["http://mtls.{host}", "mtls.{host}", "https://{host}/x"] {
            assert!(of(&format!("mtls_origin = \"{bad}\"")).is_err(), "{bad}");
        }
    }

    #[test]
    fn proxies() {
        let settings = Settings::parse("trusted_proxies = [\"10.0.0.0/8\", \"::1\"]").unwrap();
        assert_eq!(settings.networks().unwrap().0.len(), 2);
        let error =
            format!("{:#}", Settings::parse("trusted_proxies = [\"x\"]").unwrap().networks().unwrap_err());
        assert!(error.contains("trusted_proxies") && error.contains('x'), "{error}");
    }
}
