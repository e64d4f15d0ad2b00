//! The configuration in files: `chancery plan`, `apply` and `export` as types.

use std::path::PathBuf;

use clap::Args;

use super::ServerArgs;

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
