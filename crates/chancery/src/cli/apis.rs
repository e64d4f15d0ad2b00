//! `chancery api` and `chancery scope` as types.

use clap::{Args, Subcommand};

use super::ServerArgs;

/// `chancery api ...`.
#[derive(Subcommand, Debug, Clone)]
pub enum ApiCommand {
    /// List the APIs
    List(ServerArgs),
    /// Show one API
    Show {
        /// Its identifier (audience) or id
        api: String,
        /// Where.
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Define an API
    Create(ApiCreate),
    /// Delete an API with its scopes
    Delete {
        /// Its identifier (audience) or id
        api: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        /// Where.
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Call any operation of the Management API
    Call(ApiCall),
    /// List the operations of the Management API with the scopes they need
    Operations {
        /// Only those whose id, method, path or scopes hold this
        word: Option<String>,
    },
}

/// `chancery api call`.
#[derive(Args, Debug, Clone)]
#[command(after_help = "  chancery api call GET /resource-servers
  chancery api call get_clients --query per_page=5 --query include_totals=true
  chancery api call patch_clients_by_id --path id=... \\
      --body '{\"name\": \"New name\"}'
  chancery api call POST /roles --body @role.json
  jq .role all.json | chancery api call POST /roles --body -
  # Which operations there are, and the scopes they need
  chancery api operations clients")]
pub struct ApiCall {
    /// METHOD and PATH below /api/v2, or the whole path (/api/chancery/v1/...), or the id of an operation
    #[arg(required = true, num_args = 1..=2, value_name = "OPERATION")]
    pub operation: Vec<String>,
    /// A parameter of the path, as NAME=VALUE, for the id of an operation
    #[arg(long, value_name = "NAME=VALUE")]
    pub path: Vec<String>,
    /// A query parameter, as NAME=VALUE; repeat for several
    #[arg(long, value_name = "NAME=VALUE")]
    pub query: Vec<String>,
    /// The body: JSON, @FILE, or - for stdin
    #[arg(long, value_name = "JSON")]
    pub body: Option<String>,
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `chancery api create`.
#[derive(Args, Debug, Clone)]
#[command(after_help = "  chancery api create https://invoices.example/api --name Invoices \\
      --scope 'read:invoices=Read your invoices' --scope delete:invoices \\
      --rbac --offline")]
pub struct ApiCreate {
    /// The audience that applications ask for: a URL or any other name, never changed afterwards
    pub identifier: String,
    /// Name for people
    #[arg(long)]
    pub name: Option<String>,
    /// A scope as VALUE or VALUE=DESCRIPTION; repeat for several
    #[arg(long, value_name = "SCOPE")]
    pub scope: Vec<String>,
    /// Users are given only what their roles hold; without it, every scope that is asked for
    #[arg(long)]
    pub rbac: bool,
    /// Tokens carry the user's permissions too; implies --rbac
    #[arg(long)]
    pub permissions_in_token: bool,
    /// Refresh tokens may be issued
    #[arg(long)]
    pub offline: bool,
    /// Algorithm of access tokens: RS256, RS512, PS256, ES256, EdDSA or HS256
    #[arg(long, value_name = "ALG")]
    pub signing_alg: Option<String>,
    /// Seconds an access token lives
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub token_lifetime: Option<u32>,
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `chancery scope ...`.
#[derive(Subcommand, Debug, Clone)]
pub enum ScopeCommand {
    /// List the scopes of an API
    List {
        /// Identifier (audience) or id of the API
        api: String,
        /// Where.
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Add scopes to an API, or change their descriptions
    Add {
        /// Identifier (audience) or id of the API
        api: String,
        /// VALUE or VALUE=DESCRIPTION
        #[arg(required = true, value_name = "SCOPE")]
        scopes: Vec<String>,
        /// Where.
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Take scopes from an API, and from every client grant, role and user that holds them
    Remove {
        /// Identifier (audience) or id of the API
        api: String,
        /// Values
        #[arg(required = true, value_name = "SCOPE")]
        scopes: Vec<String>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        /// Where.
        #[command(flatten)]
        server: ServerArgs,
    },
}
