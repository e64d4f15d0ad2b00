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
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misread(&error),
    };
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

/// Arguments that cannot be read, or a wish for help. Whoever asked for JSON gets it, though the flag itself was not read.
fn misread(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
        let text = error.to_string();
        let message = text.split("\n\n").next().unwrap_or_default();
        let mut output = Output::of_process(true, true);
        output.error("usage", message.strip_prefix("error: ").unwrap_or(message));
    } else {
        // Whoever closed the stream has no more wishes.
        drop(error.print());
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}
