//! The whole run: start both processes, read memory, measure every cell, report.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum as _;
use serde_json::Value;
use tokio::{task::LocalSet, time::sleep};

use crate::{
    cell::Bench,
    load::{self, Plan, Source},
    options::Measure,
    process::{Memory, Process},
    report::{Report, Start},
    setup::Setup,
    workload::Kind,
};

/// Connections that take the tokens before memory is read.
const TOKEN_CONNECTIONS: usize = 64;

/// Measures as the options say and prints the report.
///
/// # Errors
/// When a process does not start, any request fails, or, with `--strict`, a target is missed.
pub(crate) fn run(options: &Measure) -> Result<()> {
    // One thread: the load generator takes no more than one core from the server, and pays for no locks.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder = data_folder(options.data.as_deref())?.join(std::process::id().to_string());
    fs::create_dir_all(&folder)?;
    let done = LocalSet::new().block_on(&runtime, measure(options, &folder));
    if options.keep || (done.is_err() && folder.join("server.log").exists()) {
        note(&format!("the server's log and database are in {}", folder.display()));
    } else {
        fs::remove_dir_all(&folder)?;
    }
    let report = done?;
    report.print(options.json)?;
    if options.strict && report.misses() > 0 {
        bail!("{} ratios miss their target", report.misses());
    }
    Ok(())
}

/// The folder for databases: on the disk of the build, since a memory file system would make durable writes free.
pub(crate) fn data_folder(given: Option<&Path>) -> Result<PathBuf> {
    let folder = match given {
        Some(folder) => folder.to_owned(),
        None => {
            let binary = env::current_exe()?;
            let build =
                binary.parent().and_then(Path::parent).context("this executable is in no build folder")?;
            build.join("bench-data")
        }
    };
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

async fn measure(options: &Measure, folder: &Path) -> Result<Report> {
    let window = Duration::from_secs_f64(if options.quick { 0.5 } else { options.seconds });
    let mut start = None;
    let mut server = None;
    if !options.floor_only {
        let tokens = if options.quick { 5_000 } else { 100_000 };
        let (process, setup, started) = serve(options, folder, tokens).await?;
        start = Some(started);
        server = Some((process, setup));
    }
    let (floor, floor_address) = floor(options, folder)?;
    let bench = Bench { server, floor, floor_address, window, rounds: options.rounds.max(1) };
    let kinds = if options.only.is_empty() { Kind::value_variants() } else { &options.only };
    let mut cells = Vec::new();
    for kind in kinds {
        for connections in &options.connections {
            note(&format!("{} at {connections} connections", kind.name()));
            let cell = bench.measure(*kind, *connections).await;
            cells.push(cell.with_context(|| format!("{} at {connections} connections", kind.name()))?);
        }
    }
    Ok(Report { start, cells, window, database: options.database.clone() })
}

/// Starts the server, reads its memory before and after it issued `tokens` tokens, and prepares it.
async fn serve(options: &Measure, folder: &Path, tokens: usize) -> Result<(Process, Setup, Start)> {
    let binary = binary(options.binary.as_deref())?;
    let ready_file = folder.join("server.ready");
    let log = File::create(folder.join("server.log"))?;
    let database = match options.database.as_str() {
        "sqlite" => format!("sqlite:{}", folder.join("server.db").display()),
        url => url.to_owned(),
    };
    let mut command = Command::new(&binary);
    command.arg("dev").arg("--data").arg(folder.join("server")).args(["--database", &database]);
    command.args(["--management-rate", "4000000000"]);
    command.args(["--http", "127.0.0.1:0", "--https", "127.0.0.1:0"]).arg("--ready-file").arg(&ready_file);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let started = Process::start(command, &ready_file);
    let (process, ready, until_ready) = started.with_context(|| log_of(folder))?;
    // What it does once at the start should not be taken for what it needs.
    sleep(Duration::from_secs(1)).await;
    let after_start = process.memory()?;
    let ready: Value = serde_json::from_str(&ready).context("the ready file is not JSON")?;
    let items = if options.quick { 2_000 } else { options.items };
    let setup = Setup::prepare(&ready, items).await?;
    note(&format!("{tokens} tokens before memory is read"));
    let after_tokens = take_tokens(&process, &setup, tokens).await?;
    Ok((process, setup, Start { until_ready, after_start, tokens, after_tokens }))
}

/// The server's binary.
pub(crate) fn binary(given: Option<&Path>) -> Result<PathBuf> {
    match given {
        Some(binary) => Ok(binary.to_owned()),
        None => Ok(env::current_exe()?.with_file_name("chancery")),
    }
}

async fn take_tokens(process: &Process, setup: &Setup, tokens: usize) -> Result<Memory> {
    let request = setup.repeatable(Kind::ClientCredentialsRs256).await?.context("no such request")?;
    let queue = vec![request.bytes(); tokens].into();
    let plan = Plan {
        address: setup.address,
        connections: TOKEN_CONNECTIONS,
        warmup: Duration::ZERO,
        window: Duration::from_secs(3600),
    };
    load::run(plan, Source::Queue(std::cell::RefCell::new(queue)), process).await?;
    process.memory()
}

fn floor(options: &Measure, folder: &Path) -> Result<(Process, std::net::SocketAddr)> {
    let ready_file = folder.join("floor.ready");
    let data = folder.join("floor");
    fs::create_dir_all(&data)?;
    let mut command = Command::new(env::current_exe()?);
    command.arg("floor").arg("--ready-file").arg(&ready_file).arg("--data").arg(&data);
    // It ends when this pipe closes, also when the harness is killed.
    command.args(["--database", &options.database]).stdin(Stdio::piped());
    let (process, address, _) = Process::start(command, &ready_file)?;
    Ok((process, address.trim().parse().context("the floor's address")?))
}

fn log_of(folder: &Path) -> String {
    fs::read_to_string(folder.join("server.log")).unwrap_or_default()
}

/// Progress goes to the error stream, so that the report alone is on the output.
#[expect(clippy::print_stderr, reason = "a command line tool tells what it is doing")]
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}
