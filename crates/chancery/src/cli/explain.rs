//! `chancery explain` as types.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ServerArgs;

/// `chancery explain`.
#[derive(Args, Debug, Clone)]
#[command(after_help = "  chancery explain --app DemoWeb... --audience https://contacts.example/api \\
      --scope 'read:contacts delete:contacts' --user 'auth0|...'
  chancery explain --app DemoM2m... --audience https://contacts.example/api
  # A token of earlier: by its jti, x-request-id or log_id
  chancery explain token -hM3xW...
  chancery explain who --audience https://contacts.example/api \\
      --scope delete:contacts
  chancery explain access --user 'auth0|...'
  chancery explain unused --days 90 --write less.yaml && chancery plan less.yaml

Nothing is issued: the server decides as it would for a token, and says why.

Status: 0 where everything asked for would be granted, 1 where not.")]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ExplainArgs {
    /// Something else than a request that nobody made.
    #[command(subcommand)]
    pub command: Option<ExplainCommand>,
    /// The request to explain.
    #[command(flatten)]
    pub request: ExplainRequest,
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `chancery explain ...`.
#[derive(Subcommand, Debug, Clone)]
pub enum ExplainCommand {
    /// A token of earlier, as it was decided then, and what would have to change now
    Token {
        /// Its jti, the x-request-id of the answer, or the log_id of the event
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
    /// Which users and applications can obtain a scope, and through what
    Who {
        /// Identifier of the API
        #[arg(long, value_name = "URL")]
        audience: String,
        /// The scope
        #[arg(long)]
        scope: String,
    },
    /// Scopes of client grants and roles that were not issued for some days
    Unused(UnusedArgs),
    /// Everything that a user or an application can obtain
    Access {
        /// A user: their id or address
        #[arg(long, value_name = "USER", required_unless_present = "app", conflicts_with = "app")]
        user: Option<String>,
        /// A client id
        #[arg(long, value_name = "CLIENT_ID")]
        app: Option<String>,
    },
}

/// `chancery explain unused`.
#[derive(Args, Debug, Clone)]
pub struct UnusedArgs {
    /// How many days
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
    /// Every scope on a line of its own, instead of a summary for each API
    #[arg(long)]
    pub all: bool,
    /// A new file (.yaml) for `chancery plan` and `chancery apply`, with the client grants and roles without them
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
}

/// A request for a token that nobody makes.
#[derive(Args, Debug, Clone)]
pub struct ExplainRequest {
    /// The application that would ask: its client id
    #[arg(long, value_name = "CLIENT_ID", required = true)]
    pub app: Option<String>,
    /// Identifier of the API
    #[arg(long, value_name = "URL")]
    pub audience: Option<String>,
    /// Scopes that would be asked for; repeat or separate by spaces
    #[arg(long, value_name = "SCOPE")]
    pub scope: Vec<String>,
    /// authorization_code (default; client_credentials of an application that signs nobody in), implicit, hybrid, device_code, password, password_realm, client_credentials or refresh_token
    #[arg(long)]
    pub flow: Option<String>,
    /// The user who would sign in: their id or address. Without one: any user who holds every permission
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// The organization they would sign in to: its id or name
    #[arg(long, value_name = "ID")]
    pub organization: Option<String>,
    /// Where the answer would go; the application's first callback unless given
    #[arg(long, value_name = "URL")]
    pub redirect_uri: Option<String>,
}
