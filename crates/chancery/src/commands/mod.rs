//! What the commands do.

mod admin;
mod api;
mod apply;
mod backup;
mod client;
mod dev;
mod explain;
mod export;
mod init;
mod keys;
mod migrate;
mod operation;
mod password;
mod plan;
mod ready;
mod role;
mod scope;
mod serve;
mod storage;
mod tenant;
mod user;

use std::process::ExitCode;

use anyhow::Result;
use clap::CommandFactory;
use secrecy::SecretString;

use crate::cli::{Cli, Command};
use crate::output::Output;

/// What comes from the environment and must not be a flag.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `CHANCERY_MASTER_KEY`.
    pub master_key: Option<SecretString>,
    /// Looks up what a keyword in a file stands for.
    pub keyword: Option<fn(&str) -> Option<String>>,
}

/// Runs a command to its end. An error is one sentence on stderr, with `--json` an object, and status 1, or 78 where trying again is
/// in vain until somebody does something: `EX_CONFIG` of sysexits(3).
pub fn run(command: Command, environment: &Environment, out: &mut Output) -> ExitCode {
    match run_inner(command, environment, out) {
        Ok(code) => code,
        // Whoever reads stdout has seen enough (`chancery api list | head`).
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let (code, status) = match error.is::<InVain>() {
                true => ("configuration", ExitCode::from(78)),
                false => ("failed", ExitCode::FAILURE),
            };
            out.error(code, &format!("{error:#}"));
            status
        }
    }
}

/// Whoever starts the server again and again should leave it.
#[derive(Debug)]
struct InVain(&'static str);

impl std::fmt::Display for InVain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InVain {}

fn run_inner(command: Command, environment: &Environment, out: &mut Output) -> Result<ExitCode> {
    if let Command::Completions { shell } = command {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "chancery", &mut text);
        out.line(String::from_utf8_lossy(&text).trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("serve").build()?;
    let code = runtime.block_on(run_async(command, environment, out));
    // A blocking call that hangs must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    code
}

async fn run_async(command: Command, environment: &Environment, out: &mut Output) -> Result<ExitCode> {
    match command {
        Command::Serve(args) => serve::run(*args, environment, out).await,
        Command::Dev(args) => dev::run(args, environment, out).await,
        Command::Init(args) | Command::Tenant(crate::cli::TenantCommand::Create(args)) => {
            init::run(args, environment, out).await
        }
        Command::Migrate(args) => migrate::run(args, environment, out).await,
        Command::Backup(args) => backup::run(args, environment, out).await,
        Command::Keys(command) => keys::run(command, environment, out).await,
        Command::Admin(command) => admin::run(command, environment, out).await,
        Command::Tenant(crate::cli::TenantCommand::List(args)) => tenant::list(args, environment, out).await,
        Command::Api(command) => api::run(command, out).await,
        Command::Scope(command) => scope::run(command, out).await,
        Command::Client(command) => client::run(command, out).await,
        Command::User(command) => user::run(command, out).await,
        Command::Role(command) => role::run(command, out).await,
        Command::Explain(args) => explain::run(*args, out).await,
        Command::Plan(args) => plan::run(args, environment, out).await,
        Command::Apply(args) => apply::run(args, environment, out).await,
        Command::Export(args) => export::run(args, out).await,
        Command::Ready(args) => ready::run(&args, out),
        Command::Completions { .. } => Ok(ExitCode::SUCCESS),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
