//! Which running server a command speaks to.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use secrecy::SecretString;

/// Where the running server is, and who asks.
#[derive(Args, Debug, Clone)]
pub struct ServerArgs {
    /// Issuer of the tenant, such as https://login.acme.example
    #[arg(long, env = "CHANCERY_URL", value_name = "URL", global = true)]
    pub url: Option<String>,
    /// A management application
    #[arg(long, env = "CHANCERY_CLIENT_ID", value_name = "ID", global = true)]
    pub client_id: Option<String>,
    /// Its secret; better in the environment than in the list of processes
    #[arg(
        long,
        env = "CHANCERY_CLIENT_SECRET",
        hide_env_values = true,
        value_name = "SECRET",
        global = true,
        // One in 64 begins with a hyphen.
        allow_hyphen_values = true
    )]
    pub client_secret: Option<SecretString>,
    /// Ready file of `chancery dev`, instead of the three above
    #[arg(
        long,
        env = "CHANCERY_READY_FILE",
        value_name = "FILE",
        global = true,
        value_parser = path_or_empty()
    )]
    pub ready_file: Option<PathBuf>,
    /// PEM file of a certificate authority to trust
    #[arg(long, env = "CHANCERY_CA_FILE", value_name = "FILE", global = true, value_parser = path_or_empty())]
    pub ca_file: Option<PathBuf>,
}

/// A variable that is empty is as good as none: whoever reads the path takes an empty one for that.
fn path_or_empty() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}
