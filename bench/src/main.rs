//! The measuring harness: what Chancery costs, beside what the unavoidable part of the same work costs.
//!
//! See `bench/README.md` for how to run it and what each figure means.

use anyhow::Result;
use clap::Parser;

mod browser;
mod cell;
mod collection;
mod floor;
mod form;
mod histogram;
mod http1;
mod load;
mod micro;
mod options;
mod overload;
mod process;
#[cfg(test)]
mod rehearsal;
mod report;
mod run;
mod scale;
mod search;
mod setup;
mod soak;
mod tokens;
mod workload;

/// The server's own allocator, so that the floor pays the same for memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let options = options::Options::parse();
    match options.command {
        None => run::run(&options.measure),
        Some(options::Command::Micro(micro)) => micro::run(&micro),
        Some(options::Command::Search(search)) => search::run(&search),
        Some(options::Command::Scale(scale)) => scale::run(&scale),
        Some(options::Command::Soak(soak)) => soak::run(&soak),
        Some(options::Command::Overload(overload)) => overload::run(&overload),
        Some(options::Command::Floor(floor)) => floor::run(&floor),
    }
}
