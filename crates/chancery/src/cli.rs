//! The command line as types. What the commands do stands in [`crate::commands`].

mod apis;
mod clients;
mod database;
mod explain;
mod files;
mod people;
mod running;
mod server;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

pub use self::apis::{ApiCall, ApiCommand, ApiCreate, ScopeCommand};
pub use self::clients::{ClientCommand, ClientCreate, ClientKind, ClientNamed, ClientSure};
pub use self::database::{
    AdminCommand, AdminCreate, BackupArgs, InitArgs, KeysCommand, MigrateArgs, StorageArgs, TenantCommand,
    TenantStorage,
};
pub use self::explain::{ExplainArgs, ExplainCommand, ExplainRequest, UnusedArgs};
pub use self::files::{ApplyArgs, ExportArgs, FilesArgs, PlanArgs};
pub use self::people::{
    PasswordArgs, RoleCommand, RoleCreate, RoleNamed, RoleScopes, RoleUsers, UserCommand, UserCreate,
    UserList, UserNamed, UserPassword,
};
pub use self::running::{DevArgs, ReadyArgs, ServeArgs};
pub use self::server::ServerArgs;

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

Define an API and its scopes on a running server (CHANCERY_URL, CHANCERY_CLIENT_ID and
CHANCERY_CLIENT_SECRET, or CHANCERY_READY_FILE of a `chancery dev`, say which):
  chancery api create https://invoices.example/api --name Invoices \\
      --scope 'read:invoices=Read your invoices' --scope delete:invoices
  chancery scope add https://invoices.example/api 'update:invoices=Change them'

Say who may do what:
  chancery user create lee@acme.example --mail
  chancery role create Reader --grant https://invoices.example/api=read:invoices
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

        Define an API and its scopes on a running server (CHANCERY_URL, CHANCERY_CLIENT_ID and
        CHANCERY_CLIENT_SECRET, or CHANCERY_READY_FILE of a `chancery dev`, say which):
          chancery api create https://invoices.example/api --name Invoices \
              --scope 'read:invoices=Read your invoices' --scope delete:invoices
          chancery scope add https://invoices.example/api 'update:invoices=Change them'

        Say who may do what:
          chancery user create lee@acme.example --mail
          chancery role create Reader --grant https://invoices.example/api=read:invoices
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
            matches!(&revoke.command, Command::Keys(KeysCommand::Revoke { kid, tenant, yes: false })
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
