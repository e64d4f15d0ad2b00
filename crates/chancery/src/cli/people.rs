//! `chancery user` and `chancery role` as types.

use clap::{Args, Subcommand};

use super::ServerArgs;

/// What `chancery user --help` ends with.
pub(super) const USER_EXAMPLES: &str = "  # They choose their password by a link that is mailed
  chancery user create lee@acme.example --mail
  # By how a name or address begins, or by any query of the Management API
  chancery user list lee
  chancery user list blocked:true
  # Signed out everywhere, at once
  chancery user block lee@acme.example
  chancery role give Clerk lee@acme.example

A user is named by address, user name or id. A password is never an argument: those stand in the list of processes and in \
the shell's history.";

/// What `chancery role --help` ends with.
pub(super) const ROLE_EXAMPLES: &str = "  chancery role create Clerk --description 'Pays orders' \\
      --grant https://orders.example/api=read:orders,pay:orders
  chancery role add-scope Clerk https://orders.example/api refund:orders
  chancery role give Clerk lee@acme.example ada@acme.example
  chancery role give Clerk lee@acme.example --organization acme
  chancery role users Clerk
  # All that somebody can obtain, and through what
  chancery explain access --user lee@acme.example

A role is named by name or id. What roles give counts for APIs with RBAC.";

/// `chancery user ...`.
#[derive(Subcommand, Debug, Clone)]
pub enum UserCommand {
    /// List the users, or find some
    List(UserList),
    /// Show one user, with their roles and blocks
    Show(UserNamed),
    /// Make a user with a password, or with a link to choose one
    Create(UserCreate),
    /// Set a password, or have the user choose one
    Password(UserPassword),
    /// List the roles that a user holds
    Roles(UserNamed),
    /// Sign a user out everywhere, and let them in no more
    Block(UserNamed),
    /// Let a user in again, also after too many wrong passwords
    Unblock(UserNamed),
    /// Delete a user for good
    Delete {
        /// Address, user name or id
        user: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        /// Where.
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// One user.
#[derive(Args, Debug, Clone)]
pub struct UserNamed {
    /// Address, user name or id
    pub user: String,
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `chancery user list`.
#[derive(Args, Debug, Clone)]
#[command(after_help = "  chancery user list
  # Names and addresses that begin with ada
  chancery user list ada
  chancery user list 'email:*@acme.example AND blocked:true'
  chancery --json user list --limit 1000 | jq -r '.[].email'")]
pub struct UserList {
    /// How a name or address begins, or a query in Lucene's language: FIELD:VALUE
    pub query: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Where a password comes from.
#[derive(Args, Debug, Clone, Copy)]
#[group(multiple = false)]
pub struct PasswordArgs {
    /// Read the password from the first line of stdin
    #[arg(long)]
    pub password_stdin: bool,
    /// Mail a link with which they choose one
    #[arg(long)]
    pub mail: bool,
    /// Print a link with which they choose one, for you to hand on
    #[arg(long)]
    pub link: bool,
}

/// `chancery user create`.
#[derive(Args, Debug, Clone)]
#[command(after_help = "  chancery user create lee@acme.example --name 'Lee Miller' --mail --role Clerk
  pass show lee | \\
      chancery user create lee@acme.example --verified --password-stdin

The password is asked for; where there is no terminal, or nothing is typed, one is made up and printed once.")]
pub struct UserCreate {
    /// Their address
    pub email: String,
    /// Name for people
    #[arg(long)]
    pub name: Option<String>,
    /// User name, where the database has them
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// The address is known to be theirs: no message asks them to confirm it
    #[arg(long)]
    pub verified: bool,
    /// A role to give, by name or id; repeat for several
    #[arg(long, value_name = "ROLE")]
    pub role: Vec<String>,
    /// Database of users; not needed where there is one only
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Where the password comes from.
    #[command(flatten)]
    pub password: PasswordArgs,
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `chancery user password`.
#[derive(Args, Debug, Clone)]
#[command(after_help = "  chancery user password lee@acme.example --mail
  pass show lee | chancery user password lee@acme.example --password-stdin

The password is asked for; where there is no terminal, or nothing is typed, one is made up and printed once. \
A new one signs the user out everywhere. With --mail and --link the old one counts until they chose.")]
pub struct UserPassword {
    /// Address, user name or id
    pub user: String,
    /// Where the password comes from.
    #[command(flatten)]
    pub password: PasswordArgs,
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `chancery role ...`.
#[derive(Subcommand, Debug, Clone)]
pub enum RoleCommand {
    /// List the roles
    List(ServerArgs),
    /// Show one role with the scopes that it gives
    Show(RoleNamed),
    /// Make a role
    Create(RoleCreate),
    /// Delete a role: whoever holds it loses what it gives
    Delete {
        /// Name or id
        role: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        /// Where.
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Let a role give scopes of an API
    AddScope(RoleScopes),
    /// Let a role give scopes of an API no more
    RemoveScope(RoleScopes),
    /// Give a role to users
    Give(RoleUsers),
    /// Take a role from users
    Take(RoleUsers),
    /// List the users who hold a role
    Users(RoleNamed),
}

/// One role.
#[derive(Args, Debug, Clone)]
pub struct RoleNamed {
    /// Name or id
    pub role: String,
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `chancery role create`.
#[derive(Args, Debug, Clone)]
#[command(after_help = "  chancery role create Clerk --description 'Pays orders' \\
      --grant https://orders.example/api=read:orders,pay:orders")]
pub struct RoleCreate {
    /// Name for people
    pub name: String,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// What it gives, as AUDIENCE=SCOPE,SCOPE; repeat for several APIs
    #[arg(long, value_name = "GRANT")]
    pub grant: Vec<String>,
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `chancery role add-scope` and `remove-scope`.
#[derive(Args, Debug, Clone)]
pub struct RoleScopes {
    /// Name or id of the role
    pub role: String,
    /// Identifier (audience) or id of the API
    pub api: String,
    /// Values
    #[arg(required = true, value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `chancery role give` and `take`.
#[derive(Args, Debug, Clone)]
pub struct RoleUsers {
    /// Name or id of the role
    pub role: String,
    /// Addresses, user names or ids
    #[arg(required = true, value_name = "USER")]
    pub users: Vec<String>,
    /// Within this organization alone, by name or id
    #[arg(long, value_name = "ORGANIZATION")]
    pub organization: Option<String>,
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
}
