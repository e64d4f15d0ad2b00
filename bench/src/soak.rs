//! An open loop: requests of many kinds arrive by the clock, whether or not earlier ones were answered, and each one's time
//! counts from when it was due. So a server that falls behind is seen to, which a closed loop hides ("coordinated omission").

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fs::{self, File},
    io::stdout,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use rusqlite::{Connection as Database, OpenFlags};
use serde_json::Value;
use tokio::{
    task::LocalSet,
    time::{sleep, sleep_until},
};

use crate::{
    histogram::Histogram,
    http1::Connection,
    options,
    process::Process,
    run::{binary, data_folder, note},
    setup::Setup,
    tokens::string_member,
    workload::Kind,
};

/// What arrives, and how often of a hundred.
pub(crate) const MIX: [(Kind, f64); 7] = [
    (Kind::ClientCredentialsEs256, 35.0),
    (Kind::ClientCredentialsRs256, 10.0),
    (Kind::Userinfo, 24.0),
    (Kind::RefreshEs256, 15.0),
    (Kind::Code, 10.0),
    (Kind::MgmtCreate, 4.0),
    (Kind::Login, 2.0),
];
/// Requests under way; what arrives beyond is counted as lost, and not sent.
const MOST: usize = 4096;
/// Refresh tokens in turn.
const CHAINS: usize = 128;

/// Runs as long as the options say and prints a line for each part.
///
/// # Errors
/// When the server does not start, or answers with anything but success or "not now" (429, 503).
pub(crate) fn run(options: &options::Soak) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder = data_folder(options.data.as_deref())?.join(format!("soak-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let done = LocalSet::new().block_on(&runtime, measured(options, &folder));
    fs::remove_dir_all(&folder)?;
    done
}

async fn measured(options: &options::Soak, folder: &Path) -> Result<()> {
    let (process, setup) = start(Command::new(binary(options.binary.as_deref())?), folder).await?;
    let asked = if options.only.is_empty() {
        MIX.to_vec()
    } else {
        options.only.iter().map(|kind| (*kind, 100.0 / options.only.len() as f64)).collect()
    };
    let setup = Rc::new(setup);
    let mut kinds = Vec::new();
    for (kind, part) in asked {
        let rate = options.rate * part / 100.0;
        kinds.push(Rc::new(Arrivals::new(kind, rate, &setup).await?));
    }
    note(&format!("{} requests a second for {} s", options.rate, options.seconds));
    let end = Instant::now() + Duration::from_secs_f64(options.seconds);
    let mut clocks = Vec::new();
    for kind in &kinds {
        clocks.push(tokio::task::spawn_local(arrive(Rc::clone(kind), end)));
    }
    let database = folder.join("server.db");
    let mut parts = Vec::new();
    let begun = Instant::now();
    let mut out = stdout().lock();
    while Instant::now() < end {
        sleep(Duration::from_secs_f64(options.every).min(end - Instant::now())).await;
        let part = Part {
            at: begun.elapsed(),
            resident: process.memory()?.resident,
            anonymous: process.memory()?.anonymous,
            rows: rows(&database)?,
            kinds: kinds.iter().map(|kind| kind.take()).collect(),
        };
        part.print(&mut out, &kinds)?;
        parts.push(part);
    }
    for clock in clocks {
        clock.await?;
    }
    summary(&mut out, &kinds, &parts)?;
    if let Some(failure) = kinds.iter().find_map(|kind| kind.failure.take()) {
        anyhow::bail!("{failure}");
    }
    Ok(())
}

/// Starts the server that `command` names with an empty database in `folder`.
pub(crate) async fn start(mut command: Command, folder: &Path) -> Result<(Process, Setup)> {
    let ready_file = folder.join("server.ready");
    let log = File::create(folder.join("server.log"))?;
    command.arg("dev").arg("--data").arg(folder.join("server"));
    command.arg("--database").arg(format!("sqlite:{}", folder.join("server.db").display()));
    command.args(["--management-rate", "4000000000", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"]);
    command.arg("--ready-file").arg(&ready_file);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let (process, ready, _) = Process::start(command, &ready_file)?;
    let ready: Value = serde_json::from_str(&ready).context("the ready file is not JSON")?;
    let setup = Setup::prepare(&ready, 0).await?;
    Ok((process, setup))
}

/// One kind of request and what became of those that arrived since the last part.
pub(crate) struct Arrivals {
    pub(crate) kind: Kind,
    /// A second.
    rate: f64,
    address: SocketAddr,
    setup: Rc<Setup>,
    /// What is sent each time, where it is always the same.
    same: Option<Bytes>,
    chains: RefCell<Vec<String>>,
    /// Each with when it was used last.
    idle: RefCell<Vec<(Connection, Instant)>>,
    under_way: Cell<usize>,
    seen: RefCell<Seen>,
    /// The first answer that is no success and no "not now".
    pub(crate) failure: Cell<Option<String>>,
}

/// What became of requests.
#[derive(Default)]
pub(crate) struct Seen {
    /// How long those took that succeeded.
    pub(crate) times: Histogram,
    /// 429 and 503, with how long they took.
    pub(crate) refused: Histogram,
    /// Never sent.
    pub(crate) lost: u64,
}

impl Arrivals {
    pub(crate) async fn new(kind: Kind, rate: f64, setup: &Rc<Setup>) -> Result<Self> {
        let same = setup.repeatable(kind).await?.map(|request| request.bytes());
        let chains = match kind {
            Kind::Refresh | Kind::RefreshEs256 => setup.chains(kind, CHAINS).await?.tokens.take(),
            _ => Vec::new(),
        };
        Ok(Self {
            kind,
            rate,
            address: setup.address,
            setup: Rc::clone(setup),
            same,
            chains: RefCell::new(chains),
            idle: RefCell::default(),
            under_way: Cell::new(0),
            seen: RefCell::default(),
            failure: Cell::new(None),
        })
    }

    /// What was seen since the last time.
    pub(crate) fn take(&self) -> Seen {
        self.seen.take()
    }

    /// One request, or the two that belong together.
    pub(crate) async fn ask(&self, connection: &mut Connection) -> Result<Outcome> {
        match (&self.same, self.kind) {
            (Some(bytes), Kind::MgmtCreate) => {
                let made = connection.exchange(bytes).await?;
                if made.status != 201 {
                    return Ok(Outcome::of(made.status, &made.text()));
                }
                let id = string_member(made.body(), "client_id").context("no client_id")?.to_owned();
                let path = format!("/api/v2/clients/{id}");
                let gone = connection.exchange(&self.setup.managing("DELETE", &path).bytes()).await?;
                Ok(Outcome::of(gone.status, &gone.text()))
            }
            (Some(bytes), _) => {
                let answer = connection.exchange(bytes).await?;
                Ok(Outcome::of(answer.status, &answer.text()))
            }
            (None, Kind::Code) => {
                let back = connection.exchange(&self.setup.authorization().bytes()).await?;
                let place = back.headers("location").next().unwrap_or_default();
                let Some(code) = Setup::code_of(place) else { return Ok(Outcome::of(back.status, place)) };
                let answer = connection.exchange(&self.setup.exchange(&code).bytes()).await?;
                Ok(Outcome::of(answer.status, &answer.text()))
            }
            (None, _) => {
                let Some(token) = self.chains.borrow_mut().pop() else { return Ok(Outcome::Lost) };
                let answer = connection.exchange(&self.setup.refresh(&token).bytes()).await?;
                let next = string_member(answer.body(), "refresh_token").map(str::to_owned);
                let outcome = Outcome::of(answer.status, &answer.text());
                self.chains.borrow_mut().insert(0, next.unwrap_or(token));
                Ok(outcome)
            }
        }
    }
}

/// How a request ended.
pub(crate) enum Outcome {
    Done,
    NotNow,
    /// There was nothing to send: every chain is under way.
    Lost,
    Failed(String),
}

impl Outcome {
    fn of(status: u16, text: &str) -> Self {
        match status {
            200..=299 => Self::Done,
            429 | 503 => Self::NotNow,
            _ => Self::Failed(format!("answered {status}: {text}")),
        }
    }
}

/// Lets requests arrive at their times until the end.
pub(crate) async fn arrive(kind: Rc<Arrivals>, end: Instant) {
    let begun = Instant::now();
    for n in 0_u64.. {
        let due = begun + Duration::from_secs_f64(n as f64 / kind.rate.max(1e-9));
        if due >= end {
            break;
        }
        sleep_until(due.into()).await;
        if kind.under_way.get() >= MOST {
            kind.seen.borrow_mut().lost += 1;
            continue;
        }
        kind.under_way.set(kind.under_way.get() + 1);
        let kind = Rc::clone(&kind);
        tokio::task::spawn_local(async move {
            one(&kind, due).await;
            kind.under_way.set(kind.under_way.get() - 1);
        });
    }
    while kind.under_way.get() > 0 && Instant::now() < end + PATIENCE {
        sleep(Duration::from_millis(5)).await;
    }
}

/// How long those that are under way at the end are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

async fn one(kind: &Arrivals, due: Instant) {
    // The server closes what rests for long, and so does a client that knows.
    let idle = kind.idle.borrow_mut().pop().filter(|(_, used)| used.elapsed() < RESTING);
    let mut connection = idle.map_or_else(|| Connection::new(kind.address), |(connection, _)| connection);
    let outcome = kind.ask(&mut connection).await;
    let taken = u64::try_from(due.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let mut seen = kind.seen.borrow_mut();
    match outcome {
        Ok(Outcome::Done) => seen.times.record(taken),
        Ok(Outcome::NotNow) => seen.refused.record(taken),
        Ok(Outcome::Lost) => seen.lost += 1,
        Ok(Outcome::Failed(text)) => kind.failure.set(Some(format!("{}: {text}", kind.kind.name()))),
        Err(error) => {
            kind.failure.set(Some(format!("{}: {error:#}", kind.kind.name())));
            return;
        }
    }
    drop(seen);
    kind.idle.borrow_mut().push((connection, Instant::now()));
}

/// How long a connection may rest and be used again.
const RESTING: Duration = Duration::from_secs(20);

/// A part of the run.
struct Part {
    at: Duration,
    resident: u64,
    anonymous: u64,
    /// Of each table that has any.
    rows: BTreeMap<String, i64>,
    kinds: Vec<Seen>,
}

impl Part {
    fn print(&self, out: &mut impl std::io::Write, kinds: &[Rc<Arrivals>]) -> Result<()> {
        write!(
            out,
            "{:>6.0} s  {:>6.1} MB (heap {:.1})",
            self.at.as_secs_f64(),
            self.resident as f64 / 1e6,
            self.anonymous as f64 / 1e6
        )?;
        for (kind, seen) in kinds.iter().zip(&self.kinds) {
            let ms = |quantile| seen.times.quantile(quantile) as f64 / 1e6;
            write!(out, "  {} {} {:.1}/{:.1}", kind.kind.name(), seen.times.total(), ms(0.5), ms(0.99))?;
            if seen.refused.total() + seen.lost > 0 {
                let slow = seen.refused.quantile(0.99) as f64 / 1e6;
                write!(out, " ({} not now within {slow:.1}, {} lost)", seen.refused.total(), seen.lost)?;
            }
        }
        Ok(writeln!(out)?)
    }
}

/// The first and the last quarter beside each other.
fn summary(out: &mut impl std::io::Write, kinds: &[Rc<Arrivals>], parts: &[Part]) -> Result<()> {
    ensure!(!parts.is_empty(), "nothing was measured");
    let quarter = parts.len().div_ceil(4);
    let (first, last) = (&parts[..quarter], &parts[parts.len() - quarter..]);
    let median = |parts: &[Part], of: &dyn Fn(&Part) -> f64| {
        let mut values: Vec<f64> = parts.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    writeln!(out, "first and last quarter, medians of the parts:")?;
    let heap = |part: &Part| part.anonymous as f64 / 1e6;
    writeln!(out, "  heap MB {:.1} {:.1}", median(first, &heap), median(last, &heap))?;
    for (n, kind) in kinds.iter().enumerate() {
        let at = |quantile: f64| move |part: &Part| part.kinds[n].times.quantile(quantile) as f64 / 1e6;
        writeln!(
            out,
            "  {:<28} p50 ms {:.2} {:.2}  p99 ms {:.1} {:.1}",
            kind.kind.name(),
            median(first, &at(0.5)),
            median(last, &at(0.5)),
            median(first, &at(0.99)),
            median(last, &at(0.99)),
        )?;
    }
    let (first, last) = (&first[first.len() - 1].rows, &last[last.len() - 1].rows);
    for (table, rows) in last {
        writeln!(out, "  rows of {table:<28} {:>9} {rows:>9}", first.get(table).unwrap_or(&0))?;
    }
    Ok(())
}

fn rows(file: &Path) -> Result<BTreeMap<String, i64>> {
    let database = Database::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'")?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut rows = BTreeMap::new();
    for name in names {
        let count: i64 =
            database.query_row(&format!("SELECT count(*) FROM \"{name}\""), [], |row| row.get(0))?;
        if count > 0 {
            rows.insert(name, count);
        }
    }
    Ok(rows)
}
