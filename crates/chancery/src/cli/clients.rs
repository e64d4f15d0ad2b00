//! `chancery client` as types.

use clap::{Args, Subcommand};

use super::ServerArgs;

/// `chancery client ...`.
#[derive(Subcommand, Debug, Clone)]
pub enum ClientCommand {
    /// List the applications
    List(ServerArgs),
    /// Make an application; its secret is part of what is printed
    Create(ClientCreate),
    /// Show one application with what it may ask for in its own name, without its secret
    Show(ClientNamed),
    /// Give an application a new secret, which is printed once; the one before counts no more
    RotateSecret(ClientSure),
    /// Delete an application with its client grants
    Delete(ClientSure),
}

/// One application.
#[derive(Args, Debug, Clone)]
pub struct ClientNamed {
    /// Client ID or name
    pub client: String,
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// One application, and whether to ask before it is changed for good.
#[derive(Args, Debug, Clone)]
pub struct ClientSure {
    /// Client ID or name
    pub client: String,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `chancery client create`.
#[derive(Args, Debug, Clone)]
#[command(after_help = "  chancery client create 'Contacts App' --type spa \\
      --callback https://app.example/callback
  chancery client create 'Nightly Job' --type m2m \\
      --grant https://contacts.example/api=read:contacts")]
pub struct ClientCreate {
    /// Name for people
    pub name: String,
    /// Kind of application
    #[arg(long = "type", value_name = "TYPE", value_enum)]
    pub kind: ClientKind,
    /// Allowed redirect URI; repeat for several
    #[arg(long, value_name = "URL")]
    pub callback: Vec<String>,
    /// Allowed URL after logout; repeat for several
    #[arg(long, value_name = "URL")]
    pub logout_url: Vec<String>,
    /// Origin that scripts of the application run at; repeat for several
    #[arg(long, value_name = "ORIGIN")]
    pub web_origin: Vec<String>,
    /// What it may ask for without a user, as AUDIENCE=SCOPE,SCOPE; repeat for several APIs
    #[arg(long, value_name = "GRANT")]
    pub grant: Vec<String>,
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Kinds of application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ClientKind {
    /// In the browser: public, code with PKCE
    Spa,
    /// On a phone or desktop: public, code with PKCE
    Native,
    /// On a server, with people who sign in
    Web,
    /// Machine to machine: no people
    M2m,
}
