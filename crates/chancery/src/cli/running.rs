//! `chancery serve`, `dev` and `ready` as types.

use std::path::PathBuf;

use chancery_web::Network;
use clap::Args;

use crate::config::Settings;

/// `chancery serve`.
#[derive(Args, Debug)]
#[command(
    after_help = "Flags win over the environment, which wins over the file. Every key of the file is explained in
chancery.sample.toml.

  chancery serve --config /etc/chancery.toml
  CHANCERY_MASTER_KEY=... chancery serve --http 0.0.0.0:4000 \\
      --database postgres://chancery@db/chancery

SIGTERM and SIGINT let requests finish first. SIGHUP reads the certificate again, where there is one."
)]
pub struct ServeArgs {
    /// Configuration file
    #[arg(long, env = "CHANCERY_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The settings given as flags or in the environment.
    #[command(flatten)]
    pub settings: Settings,
}

/// `chancery dev`.
#[derive(Args, Debug, Clone)]
#[command(after_help = "  # Begins under ./.chancery
  chancery dev
  # For tests: free ports, and everything to know in ready.json
  chancery dev --http localhost:0 --https localhost:0 --ready-file ready.json
  # Two of these can share one database and one --data folder
  chancery dev --database postgres://localhost/chancery

It is for development: its passwords are known, and anybody who reaches it may reset it.")]
pub struct DevArgs {
    /// Folder for the database, the master key and the certificates
    #[arg(long, env = "CHANCERY_DATA", value_name = "DIR", default_value = "./.chancery")]
    pub data: PathBuf,
    /// Database: sqlite:PATH or postgres://... [default: chancery.db in the data folder]
    #[arg(long, env = "CHANCERY_DATABASE", hide_env_values = true, value_name = "URL")]
    pub database: Option<String>,
    /// Address for HTTP; port 0 takes a free one
    #[arg(long, env = "CHANCERY_HTTP", value_name = "ADDRESS", default_value = "localhost:4000")]
    pub http: String,
    /// Address for HTTPS; port 0 takes a free one
    #[arg(long, env = "CHANCERY_HTTPS", value_name = "ADDRESS", default_value = "localhost:4443")]
    pub https: String,
    /// Address for HTTPS that asks for client certificates; port 0 takes a free one [default: none]
    #[arg(long, env = "CHANCERY_MTLS", value_name = "ADDRESS")]
    pub mtls: Option<String>,
    /// Authorities (PEM) whose client certificates prove the subject that they name
    #[arg(long, env = "CHANCERY_MTLS_CA_FILE", value_name = "FILE")]
    pub mtls_ca_file: Option<PathBuf>,
    /// Name that the server is called by
    #[arg(long, env = "CHANCERY_HOST", value_name = "NAME", default_value = "localhost")]
    pub host: String,
    // Never from the environment: there CHANCERY_READY_FILE says which server is called, and a second `dev` would
    // overwrite what the clients of the first one read.
    /// File to write issuer, applications with their secrets, and people to, once it serves
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Address for Prometheus
    #[arg(long, env = "CHANCERY_METRICS", value_name = "ADDRESS")]
    pub metrics: Option<String>,
    /// Calls of the Management API that one application may make in a second
    #[arg(long, env = "CHANCERY_MANAGEMENT_RATE", value_name = "N", default_value_t = 50_000)]
    pub management_rate: u32,
    /// Networks from which documents that tenants name are fetched, beside the internet
    #[arg(long, env = "CHANCERY_FETCH_NETWORKS", value_name = "RANGE", value_delimiter = ',')]
    pub fetch_networks: Vec<Network>,
    /// Authorities (PEM) to trust instead of the system's when documents are fetched
    #[arg(long, env = "CHANCERY_FETCH_CA_FILE", value_name = "FILE")]
    pub fetch_ca_file: Option<PathBuf>,
    /// What is logged: error, warn, info, debug, or a filter
    #[arg(long, env = "CHANCERY_LOG", value_name = "FILTER", default_value = "warn")]
    pub log: String,
}

/// `chancery ready`.
#[derive(Args, Debug)]
#[command(after_help = "  chancery ready --metrics 127.0.0.1:9464

Status: 0 when it is, 1 when it is not.")]
pub struct ReadyArgs {
    /// Where the server has its metrics
    #[arg(long, env = "CHANCERY_METRICS", value_name = "ADDRESS", default_value = "127.0.0.1:9464")]
    pub metrics: String,
}
