//! `chancery`: see `chancery --help`.

use std::process::ExitCode;

use chancery::cli::Cli;
use chancery::commands::{self, Environment};
use chancery::output::Output;
use chancery::threads;
use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let environment = Environment {
        master_key: set("CHANCERY_MASTER_KEY").map(Into::into),
        keyword: Some(|name| std::env::var(name).ok()),
    };
    let mut output = Output::of_process(cli.json, set("NO_COLOR").is_some());
    let code = commands::run(cli.command, &environment, &mut output);
    threads::finish();
    code
}
