//! The command line as types. What the commands do stands in [`crate::commands`].

mod people;

use std::path::PathBuf;

use chancery_web::Network;
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use secrecy::SecretString;

pub use self::people::{
    PasswordArgs, RoleCommand, RoleCreate, RoleNamed, RoleScopes, RoleUsers, UserCommand, UserCreate,
    UserList, UserNamed, UserPassword,
};
use crate::config::Settings;

/// An OAuth 2.0 and OpenID Connect authorization server that speaks Auth0's wire
#[derive(Parser, Debug)]
#[command(name = "chancery", version, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// Print data as JSON
    #[arg(long, global = true)]
    pub json: bool,
}

const AFTER_HELP: &str = "Try it on this machine:
  chancery dev        # a demo tenant on http://localhost:4000, ready to click

Run it for others:
  chancery keys generate-master > master.key && chmod 600 master.key
  chancery init --tenant acme --origin https://login.acme.example \\
      --database sqlite:chancery.db --master-key-file master.key
  chancery serve --database sqlite:chancery.db --master-key-file master.key

Define an API and its scopes on a running server:
  chancery api create https://contacts.example/api --name Contacts \\
      --scope 'read:contacts=Read your contacts' --scope delete:contacts
  chancery scope add https://contacts.example/api 'update:contacts=Change them'

Say who may do what:
  chancery user create lee@acme.example --mail
  chancery role create Reader --grant https://contacts.example/api=read:contacts
  chancery role give Reader lee@acme.example

Keep the configuration in files, in the layouts of auth0-deploy-cli:
  chancery export ./tenant && chancery plan ./tenant && chancery apply ./tenant

Data goes to stdout and everything else to stderr. NO_COLOR is respected.";

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Serve the tenants of a database
    Serve(Box<ServeArgs>),
    /// Serve a demo tenant on this machine, with everything set up
    Dev(DevArgs),
    /// Make a tenant with its keys and a management application, whose secret is printed once
    Init(InitArgs),
    /// Bring the database to this release
    Migrate(MigrateArgs),
    /// Copy a running SQLite database to a file
    Backup(BackupArgs),
    /// Signing keys of a tenant, and the master key
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Users who may administer a tenant through its dashboard
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Tenants of a database
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// APIs of a running server
    #[command(subcommand)]
    Api(ApiCommand),
    /// Scopes of an API of a running server
    #[command(subcommand)]
    Scope(ScopeCommand),
    /// Applications of a running server
    #[command(subcommand)]
    Client(ClientCommand),
    /// Users of a running server
    #[command(subcommand, after_help = people::USER_EXAMPLES)]
    User(UserCommand),
    /// Roles of a running server: what they give, and who holds them
    #[command(subcommand, after_help = people::ROLE_EXAMPLES)]
    Role(RoleCommand),
    /// Why a token has a scope or not, and what would have to change
    Explain(Box<ExplainArgs>),
    /// Show what files would change on a running server, and whom it touches
    Plan(PlanArgs),
    /// Make a running server as files say: in one go, or not at all
    Apply(ApplyArgs),
    /// Write the configuration of a running server into files
    Export(ExportArgs),
    /// Ask a server on this machine whether it is ready, for health checks
    Ready(ReadyArgs),
    /// Completions for a shell
    #[command(after_help = "  chancery completions bash > /etc/bash_completion.d/chancery
  chancery completions zsh > \"${fpath[1]}/_chancery\"
  chancery completions fish > ~/.config/fish/completions/chancery.fish")]
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// `chancery serve`.
#[derive(Args, Debug)]
#[command(
    after_help = "Flags win over the environment, which wins over the file. Every key of the file is explained in
chancery.sample.toml.

  chancery serve --config /etc/chancery.toml
  CHANCERY_MASTER_KEY=... chancery serve --http 0.0.0.0:4000 \\
      --database postgres://chancery@db/chancery

SIGTERM and SIGINT let requests finish first. SIGHUP reads the certificate again."
)]
pub struct ServeArgs {
    /// Configuration file
    #[arg(long, env = "CHANCERY_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The settings given as flags or in the environment.
    #[command(flatten)]
    pub settings: Settings,
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

/// Where the database is.
#[derive(Args, Debug, Clone)]
pub struct StorageArgs {
    /// Configuration file of the server
    #[arg(long, env = "CHANCERY_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Database: sqlite:PATH or postgres://...
    #[arg(long, env = "CHANCERY_DATABASE", hide_env_values = true, value_name = "URL")]
    pub database: Option<SecretString>,
    /// File with the master key
    #[arg(long, env = "CHANCERY_MASTER_KEY_FILE", value_name = "FILE")]
    pub master_key_file: Option<PathBuf>,
}

/// `chancery init`.
#[derive(Args, Debug, Clone)]
#[command(after_help = "  chancery init --tenant acme --origin https://login.acme.example \\
      --config /etc/chancery.toml")]
pub struct InitArgs {
    /// Id of the tenant: letters, digits, - and _
    #[arg(long, value_name = "ID", value_parser = tenant_id)]
    pub tenant: String,
    /// Where the tenant is reached: https://HOST[:PORT]; repeat for several, the first is the main one
    #[arg(long, value_name = "URL", required = true)]
    pub origin: Vec<String>,
    /// Where the database is.
    #[command(flatten)]
    pub storage: StorageArgs,
}

/// `chancery migrate`.
#[derive(Args, Debug, Clone)]
#[command(
    after_help = "`serve` and `init` migrate by themselves; this is for doing it at a time of one's own choice."
)]
pub struct MigrateArgs {
    /// Change nothing; end with status 1 if there is something to do
    #[arg(long)]
    pub check: bool,
    /// Where the database is.
    #[command(flatten)]
    pub storage: StorageArgs,
}

/// `chancery backup`.
#[derive(Args, Debug, Clone)]
#[command(
    after_help = "The server goes on serving. What is secret stays sealed: keep the master key too, but elsewhere.
For PostgreSQL use pg_dump."
)]
pub struct BackupArgs {
    /// The file to make
    pub file: PathBuf,
    /// Where the database is.
    #[command(flatten)]
    pub storage: StorageArgs,
}

/// `chancery keys ...`.
#[derive(Subcommand, Debug, Clone)]
pub enum KeysCommand {
    /// Print a new master key
    GenerateMaster,
    /// List the keys of a tenant: those that sign, and those that requests are encrypted for
    List(TenantStorage),
    /// The waiting keys begin to sign; new ones wait
    Rotate(TenantStorage),
    /// Trust a key no more: tokens signed with it become invalid, requests encrypted for it are not opened
    Revoke {
        /// The key's id
        // One in sixty-four begins with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: String,
        /// Which tenant.
        #[command(flatten)]
        tenant: TenantStorage,
    },
}

/// `chancery admin ...`.
#[derive(Subcommand, Debug, Clone)]
pub enum AdminCommand {
    /// Make an administrator, and what the dashboard needs where it is missing
    Create(AdminCreate),
    /// List who holds permissions on the Management API, outside organizations
    List(TenantStorage),
}

/// `chancery admin create`.
#[derive(Args, Debug, Clone)]
#[command(after_help = "  chancery admin create --email you@acme.example --config /etc/chancery.toml
  pass show acme | \\
      chancery admin create --email you@acme.example --password-stdin
  # Somebody who signs in already
  chancery admin create --email ada@acme.example --grant

The password is asked for; where there is no terminal, or nothing is typed, one is made up and printed once.

The application, its client grant and the role are made where they are missing, and left alone where they are there.")]
pub struct AdminCreate {
    /// Address of the administrator
    #[arg(long, value_name = "EMAIL")]
    pub email: String,
    /// Give the role to a user who is there already
    #[arg(long, conflicts_with = "password_stdin")]
    pub grant: bool,
    /// Read the password from the first line of stdin
    #[arg(long)]
    pub password_stdin: bool,
    /// Database of users; not needed where there is one only
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Which tenant.
    #[command(flatten)]
    pub tenant: TenantStorage,
}

/// A tenant of a database.
#[derive(Args, Debug, Clone)]
pub struct TenantStorage {
    /// Id of the tenant; not needed where there is one only
    #[arg(long, env = "CHANCERY_TENANT", value_name = "ID")]
    pub tenant: Option<String>,
    /// Where the database is.
    #[command(flatten)]
    pub storage: StorageArgs,
}

/// `chancery tenant ...`.
#[derive(Subcommand, Debug, Clone)]
pub enum TenantCommand {
    /// List the tenants with their origins
    List(StorageArgs),
    /// The same as `chancery init`
    Create(InitArgs),
}

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
#[command(after_help = "  chancery api create https://contacts.example/api --name Contacts \\
      --scope 'read:contacts=Read your contacts' --scope delete:contacts \\
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

/// Which files, and how they are read.
#[derive(Args, Debug, Clone)]
pub struct FilesArgs {
    /// A YAML file (tenant.yaml) or a folder of JSON files, as auth0-deploy-cli writes them
    pub path: PathBuf,
    /// What ##NAME## and @@NAME@@ in files stand for, as NAME=VALUE; the environment is asked too
    #[arg(long, value_name = "NAME=VALUE")]
    pub var: Vec<String>,
    /// JSON file of auth0-deploy-cli, read for AUTH0_KEYWORD_REPLACE_MAPPINGS
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Only these parts of the files, such as resourceServers,clients
    #[arg(long, value_name = "PARTS", value_delimiter = ',', conflicts_with = "exclude")]
    pub only: Vec<String>,
    /// Not these parts of the files
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    pub exclude: Vec<String>,
    /// Remove what the server has and the files do not name, in the parts that the files have
    #[arg(long)]
    pub delete: bool,
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `chancery plan`.
#[derive(Args, Debug, Clone)]
#[command(after_help = "  chancery plan tenant.yaml
  chancery plan ./tenant --delete --var HOST=app.example
  # For pipelines: status 2 where something would change
  chancery plan ./tenant --exit-code
  chancery plan ./tenant --json | jq .effects

What the files do not speak about is left alone: parts, things (without --delete), members.

Nothing is changed: the server tries everything and throws it away, so what it would refuse is refused here.

Status: 0, or with --exit-code 2 where there are changes; 1 where something is wrong.")]
pub struct PlanArgs {
    /// Which files.
    #[command(flatten)]
    pub files: FilesArgs,
    /// End with status 2 where something would change
    #[arg(long)]
    pub exit_code: bool,
}

/// `chancery apply`.
#[derive(Args, Debug, Clone)]
#[command(after_help = "  chancery apply tenant.yaml
  chancery apply ./tenant --delete --yes

Shows the plan and asks. Everything is committed in one step; where one thing is refused, or somebody changed the \
configuration after the plan was made, nothing is changed.

AUTH0_ALLOW_DELETE is not read: removing takes --delete.")]
pub struct ApplyArgs {
    /// Which files.
    #[command(flatten)]
    pub files: FilesArgs,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// `chancery export`.
#[derive(Args, Debug, Clone)]
#[command(after_help = "  chancery export ./tenant                      a folder of JSON files
  chancery export tenant.yaml                   one file, with pages beside it
  chancery export ./tenant --only clients,roles

Secrets are left out, or are markers such as ##CONNECTIONS_OIDC_SECRET## that --var gives a value.

The same configuration is written the same each time.")]
pub struct ExportArgs {
    /// A folder, or a file that ends in .yaml
    pub path: PathBuf,
    /// Only these parts, such as resourceServers,clients
    #[arg(long, value_name = "PARTS", value_delimiter = ',', conflicts_with = "exclude")]
    pub only: Vec<String>,
    /// Not these parts
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    pub exclude: Vec<String>,
    /// Write into a folder that has files already; those of things that are gone stay
    #[arg(long)]
    pub force: bool,
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

/// A variable that is empty is as good as none: whoever reads the path takes an empty one for that.
fn path_or_empty() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

fn tenant_id(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if (1..=63).contains(&text.len()) && text.bytes().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("a tenant id has 1 to 63 lower-case letters, digits, - and _".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    /// Whoever asks for help gets an example.
    #[test]
    fn help_teaches() {
        let mut cli = Cli::command();
        let help = cli.render_long_help().to_string();
        assert!(help.contains("chancery dev") && help.contains("chancery api create"), "{help}");
        for name in ["serve", "dev", "init", "user", "role", "explain", "plan", "apply", "export"] {
            let command = cli.find_subcommand_mut(name).unwrap();
            let help = command.render_long_help().to_string();
            assert!(help.contains(&format!("  chancery {name}")), "{help}");
        }
    }

    /// Examples are read as they are typed, also in a small terminal: prose may be wrapped, they may not.
    #[test]
    fn examples_fit_into_eighty_columns() {
        fn look(command: &clap::Command) {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            for line in after.lines().filter(|line| line.starts_with("  ")) {
                assert!(line.chars().count() <= 80, "{}: {line}", command.get_name());
            }
            command.get_subcommands().for_each(look);
        }
        look(&Cli::command());
    }

    #[test]
    fn the_first_help() {
        let help = Cli::command().term_width(100).render_help().to_string();
        insta::assert_snapshot!(help, @r#"
        An OAuth 2.0 and OpenID Connect authorization server that speaks Auth0's wire

        Usage: chancery [OPTIONS] <COMMAND>

        Commands:
          serve        Serve the tenants of a database
          dev          Serve a demo tenant on this machine, with everything set up
          init         Make a tenant with its keys and a management application, whose secret is printed
                       once
          migrate      Bring the database to this release
          backup       Copy a running SQLite database to a file
          keys         Signing keys of a tenant, and the master key
          admin        Users who may administer a tenant through its dashboard
          tenant       Tenants of a database
          api          APIs of a running server
          scope        Scopes of an API of a running server
          client       Applications of a running server
          user         Users of a running server
          role         Roles of a running server: what they give, and who holds them
          explain      Why a token has a scope or not, and what would have to change
          plan         Show what files would change on a running server, and whom it touches
          apply        Make a running server as files say: in one go, or not at all
          export       Write the configuration of a running server into files
          ready        Ask a server on this machine whether it is ready, for health checks
          completions  Completions for a shell
          help         Print this message or the help of the given subcommand(s)

        Options:
              --json     Print data as JSON
          -h, --help     Print help
          -V, --version  Print version

        Try it on this machine:
          chancery dev        # a demo tenant on http://localhost:4000, ready to click

        Run it for others:
          chancery keys generate-master > master.key && chmod 600 master.key
          chancery init --tenant acme --origin https://login.acme.example \
              --database sqlite:chancery.db --master-key-file master.key
          chancery serve --database sqlite:chancery.db --master-key-file master.key

        Define an API and its scopes on a running server:
          chancery api create https://contacts.example/api --name Contacts \
              --scope 'read:contacts=Read your contacts' --scope delete:contacts
          chancery scope add https://contacts.example/api 'update:contacts=Change them'

        Say who may do what:
          chancery user create lee@acme.example --mail
          chancery role create Reader --grant https://contacts.example/api=read:contacts
          chancery role give Reader lee@acme.example

        Keep the configuration in files, in the layouts of auth0-deploy-cli:
          chancery export ./tenant && chancery plan ./tenant && chancery apply ./tenant

        Data goes to stdout and everything else to stderr. NO_COLOR is respected.
        "#);
    }

    #[test]
    fn commands_are_read() {
        let cli = Cli::try_parse_from(["chancery", "scope", "add", "https://a/", "read:x=Read x", "--json"])
            .unwrap();
        assert!(cli.json);
        assert!(matches!(cli.command, Command::Scope(ScopeCommand::Add { scopes, .. }) if scopes.len() == 1));
        // A key's id may begin with a hyphen.
        let revoke = ["chancery", "keys", "revoke", "-yX", "--tenant", "acme"];
        let revoke = Cli::try_parse_from(revoke).unwrap();
        assert!(
            matches!(&revoke.command, Command::Keys(KeysCommand::Revoke { kid, tenant })
                if kid == "-yX" && tenant.tenant.as_deref() == Some("acme")),
            "{revoke:?}"
        );
        let init = ["chancery", "init", "--tenant", "Bad Id", "--origin", "https://a"];
        assert!(Cli::try_parse_from(init).unwrap_err().to_string().contains("lower-case letters"));
        let serve = Cli::try_parse_from(["chancery", "serve", "--http", "127.0.0.1:1,[::1]:1"]).unwrap();
        let Command::Serve(serve) = serve.command else { panic!("serve") };
        assert_eq!(
            serve.settings.http.as_deref(),
            Some(&["127.0.0.1:1".to_owned(), "[::1]:1".to_owned()][..])
        );
    }
}
