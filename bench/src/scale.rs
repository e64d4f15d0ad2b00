//! A small tenant beside one of the size of a large company, both served at once: start, memory and the time of a token.

use std::{
    fs::{self, File},
    io::{Write as _, stdout},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use chancery_store::{Change, Kind as Document, Options, Store, Tenant};
use serde_json::{Value, json};
use tokio::task::LocalSet;

use crate::{
    load::{self, Plan, Source, Window},
    options,
    process::{Memory, Process},
    run::{binary, data_folder, note},
    search,
    setup::Setup,
    workload::Kind,
};

/// Documents written at once.
const BATCH: usize = 500;
const KINDS: [Kind; 4] =
    [Kind::ClientCredentialsEs256, Kind::ClientCredentialsRs256, Kind::RefreshEs256, Kind::MgmtGet];

/// Fills, starts and measures.
///
/// # Errors
/// When a process does not start, the database refuses, or a request fails.
pub(crate) fn run(options: &options::Scale) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let folder = data_folder(options.data.as_deref())?.join(format!("scale-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let done = LocalSet::new().block_on(&runtime, measured(options, &folder));
    fs::remove_dir_all(&folder)?;
    done
}

async fn measured(options: &options::Scale, folder: &Path) -> Result<()> {
    let large = Place::new(options, folder, "large")?;
    let filled = large.start(Duration::from_secs(20)).await?;
    drop(filled);
    fill(options, &large.database).await?;
    note("starting on what was filled");
    let large = large.start(Duration::from_secs(600)).await?;
    let small = Place::new(options, folder, "small")?.start(Duration::from_secs(20)).await?;
    let mut out = stdout().lock();
    for (name, served) in [("small", &small), ("large", &large)] {
        writeln!(
            out,
            "{name}: ready after {} ms, first token after {} ms, {:.1} MB then (heap {:.1} MB)",
            served.until_ready.as_millis(),
            served.until_token.as_millis(),
            megabytes(served.memory.resident),
            megabytes(served.memory.anonymous),
        )?;
    }
    writeln!(
        out,
        "{:<28} {:>12} {:>12} {:>12} {:>10}",
        "", "small p50 us", "large p50 us", "ratio", "CPU ratio"
    )?;
    for kind in KINDS {
        let mut pairs = Vec::new();
        for _ in 0..options.rounds.max(1) {
            pairs.push((small.window(kind, options).await?, large.window(kind, options).await?));
        }
        let of = |value: fn(&Window) -> f64, pick: fn(&(Window, Window)) -> &Window| {
            median(pairs.iter().map(|pair| value(pick(pair))).collect())
        };
        let ratio =
            |value: fn(&Window) -> f64| median(pairs.iter().map(|(s, l)| value(l) / value(s)).collect());
        writeln!(
            out,
            "{:<28} {:>12.0} {:>12.0} {:>12.2} {:>10.2}",
            kind.name(),
            of(p50, |pair| &pair.0),
            of(p50, |pair| &pair.1),
            ratio(p50),
            ratio(Window::cpu_per_request),
        )?;
    }
    writeln!(out, "large, at the end: {:.1} MB", megabytes(large.process.memory()?.resident))?;
    Ok(())
}

fn p50(window: &Window) -> f64 {
    window.latency(0.5)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Where a server keeps its things.
struct Place {
    binary: std::path::PathBuf,
    folder: std::path::PathBuf,
    database: String,
}

/// A server that runs.
struct Served {
    process: Process,
    setup: Setup,
    until_ready: Duration,
    until_token: Duration,
    memory: Memory,
}

impl Place {
    fn new(options: &options::Scale, folder: &Path, name: &str) -> Result<Self> {
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        let database = match (&options.database, name) {
            (Some(url), "large") => url.clone(),
            _ => format!("sqlite:{}", folder.join("server.db").display()),
        };
        Ok(Self { binary: binary(options.binary.as_deref())?, folder, database })
    }

    async fn start(&self, patience: Duration) -> Result<Served> {
        let ready_file = self.folder.join("ready");
        // What an earlier start left behind says nothing of this one.
        let _ = fs::remove_file(&ready_file);
        let log = File::create(self.folder.join("server.log"))?;
        let mut command = Command::new(&self.binary);
        command.arg("dev").arg("--data").arg(self.folder.join("server")).args(["--database", &self.database]);
        command.args(["--management-rate", "4000000000", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"]);
        command.arg("--ready-file").arg(&ready_file);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let begun = Instant::now();
        let (process, ready, until_ready) = Process::start_within(command, &ready_file, patience)
            .with_context(|| fs::read_to_string(self.folder.join("server.log")).unwrap_or_default())?;
        let ready: Value = serde_json::from_str(&ready).context("the ready file is not JSON")?;
        Setup::first_token(&ready).await?;
        let until_token = begun.elapsed();
        let memory = process.memory()?;
        let setup = Setup::prepare(&ready, 0).await?;
        Ok(Served { process, setup, until_ready, until_token, memory })
    }
}

impl Served {
    async fn window(&self, kind: Kind, options: &options::Scale) -> Result<Window> {
        let source = match self.setup.repeatable(kind).await? {
            Some(request) => Source::Same(request.bytes()),
            None => Source::Chains(self.setup.chains(kind, options.connections).await?),
        };
        let window = Duration::from_secs_f64(options.seconds);
        let plan = Plan {
            address: self.setup.address,
            connections: options.connections,
            warmup: window / 10,
            window,
        };
        load::run(plan, source, &self.process).await
    }
}

/// Puts everything into the tenant that the server made, and other tenants beside it.
async fn fill(options: &options::Scale, database: &str) -> Result<()> {
    let store = Store::open(database, Options::new([7; 32])).await?;
    let tenants = store.tenants().await?;
    let tenant = tenants.first().context("the server made no tenant")?.id.clone();
    for n in 0..options.tenants.saturating_sub(tenants.len()) {
        let origins = vec![format!("https://tenant{n}.example")];
        store.create_tenant(&Tenant { id: format!("tenant{n}"), origins }).await?;
    }
    let clients = store.docs_page(&tenant, Document::Client, 0, 1).await?.pop().context("no application")?;
    let client: Value = serde_json::from_str(&clients.json)?;
    documents(&store, &tenant, options.applications, |change, n| {
        let id = format!("scale{n:027}");
        let mut one = client.clone();
        one["client_id"] = id.clone().into();
        one["name"] = format!("Application {n}").into();
        one["callbacks"] = json!([format!("https://app{n}.example/callback")]);
        change.insert(Document::Client, &id, None, one.to_string())
    })
    .await?;
    note(&format!("{} applications", options.applications));
    let apis = store.docs_page(&tenant, Document::Api, 0, 10).await?;
    let own = |api: &Value| api["is_system"] != true;
    let parsed = apis.iter().filter_map(|api| serde_json::from_str::<Value>(&api.json).ok());
    let api = parsed.into_iter().find(own).context("no API")?;
    documents(&store, &tenant, options.apis, |change, n| {
        let (id, identifier) = (format!("scale{n:019}"), format!("https://api{n}.example/"));
        let scopes = (0..options.scopes).map(
            |s| json!({"value": format!("read:thing{s}"), "description": format!("Read things of kind {s}")}),
        );
        let mut one = api.clone();
        one["id"] = id.clone().into();
        one["identifier"] = identifier.clone().into();
        one["name"] = format!("API {n}").into();
        one["scopes"] = Value::Array(scopes.collect());
        change.insert(Document::Api, &id, Some(&identifier), one.to_string())
    })
    .await?;
    note(&format!("{} APIs with {} scopes each", options.apis, options.scopes));
    search::fill(&store, &tenant, options.users).await?;
    store.close().await;
    Ok(())
}

async fn documents(
    store: &Store,
    tenant: &str,
    count: usize,
    add: impl Fn(Change, usize) -> Change,
) -> Result<()> {
    for first in (0..count).step_by(BATCH) {
        let change = (first..count.min(first + BATCH)).fold(Change::new(tenant), &add);
        store.apply(change).await?;
    }
    Ok(())
}
