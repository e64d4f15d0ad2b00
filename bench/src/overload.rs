//! More than the server can do: what still succeeds, how soon the rest is told so, and how long machines wait for their tokens
//! while everybody signs in.

use std::{
    cell::{Cell, RefCell},
    fs,
    io::{Write as _, stdout},
    path::Path,
    process::Command,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use tokio::task::{JoinSet, LocalSet};

use crate::{
    http1::Connection,
    options,
    run::{binary, data_folder, note},
    setup::Setup,
    soak::{Arrivals, MIX, Outcome, Seen, arrive, start},
    workload::Kind,
};

/// An answer that takes longer is no success: who asked has given up, or asked again.
const PATIENCE: Duration = Duration::from_secs(1);
/// Machines' tokens asked for in a second, beside sign-ins.
const MACHINES: f64 = 100.0;
/// Load before a window opens.
const WARMUP: Duration = Duration::from_millis(500);

/// Measures both in turn and prints a line for each round, then medians with their spread.
///
/// # Errors
/// When the server does not start, or answers with anything but success or "not now" (429, 503).
pub(crate) fn run(options: &options::Overload) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder = data_folder(options.data.as_deref())?.join(format!("overload-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let done = LocalSet::new().block_on(&runtime, measured(options, &folder));
    fs::remove_dir_all(&folder)?;
    done
}

async fn measured(options: &options::Overload, folder: &Path) -> Result<()> {
    let server = binary(options.binary.as_deref())?;
    let command = match &options.server_cpus {
        Some(cpus) => {
            let mut command = Command::new("taskset");
            command.args(["-c", cpus]).arg(server);
            command
        }
        None => Command::new(server),
    };
    let (_process, setup) = start(command, folder).await?;
    let setup = Rc::new(setup);
    let window = Duration::from_secs_f64(options.seconds);
    let mut out = stdout().lock();
    let (mut goodput, mut waits) = (Vec::new(), Vec::new());
    for round in 1..=options.rounds.max(1) {
        note(&format!("round {round}"));
        let capacity = capacity(&setup, &mix(&options.only), options.connections, window).await?;
        let beyond = beyond(&setup, &mix(&options.only), capacity * options.times, window).await?;
        writeln!(out, "capacity {capacity:.0}/s, {}", beyond.line(window))?;
        goodput.push(beyond.rate(window) / capacity);
        let quiet = machines(&setup, window, 0).await?;
        let beside = machines(&setup, window, Kind::Login.most_connections()).await?;
        writeln!(out, "machine tokens p99 {:.2} ms, beside sign-ins {:.2} ms", quiet / 1e6, beside / 1e6)?;
        waits.push(beside / quiet);
    }
    writeln!(
        out,
        "goodput of capacity at {:.1} times: {}; p99 beside sign-ins: {}",
        options.times,
        spread(goodput),
        spread(waits)
    )?;
    Ok(())
}

fn mix(only: &[Kind]) -> Vec<(Kind, f64)> {
    match only {
        [] => MIX.to_vec(),
        only => only.iter().map(|kind| (*kind, 100.0 / only.len() as f64)).collect(),
    }
}

/// Successes a second of a closed loop.
async fn capacity(
    setup: &Rc<Setup>,
    mix: &[(Kind, f64)],
    connections: usize,
    window: Duration,
) -> Result<f64> {
    let mut kinds = Vec::new();
    for (kind, part) in mix {
        kinds.push((Rc::new(Arrivals::new(*kind, 0.0, setup).await?), *part, Cell::new(0.0)));
    }
    let shared =
        Rc::new(Closed { kinds, done: Cell::new(0), ends: Cell::new(false), failure: RefCell::default() });
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        tasks.spawn_local(drive(Rc::clone(&shared), Connection::new(setup.address)));
    }
    tokio::time::sleep(WARMUP).await;
    let (begun, before) = (Instant::now(), shared.done.get());
    tokio::time::sleep(window).await;
    let rate = (shared.done.get() - before) as f64 / begun.elapsed().as_secs_f64();
    shared.ends.set(true);
    while let Some(task) = tasks.join_next().await {
        task?;
    }
    match shared.failure.take() {
        Some(failure) => bail!("{failure}"),
        None => Ok(rate),
    }
}

/// A closed loop of several kinds.
struct Closed {
    /// Each with its part of a hundred, and how much of that it waits for.
    kinds: Vec<(Rc<Arrivals>, f64, Cell<f64>)>,
    done: Cell<u64>,
    ends: Cell<bool>,
    failure: RefCell<Option<String>>,
}

impl Closed {
    /// The kinds in turn, each as often as its part says.
    fn next(&self) -> Option<&Rc<Arrivals>> {
        for (_, part, due) in &self.kinds {
            due.set(due.get() + part);
        }
        let (kind, _, due) = self.kinds.iter().max_by(|a, b| a.2.get().total_cmp(&b.2.get()))?;
        due.set(due.get() - 100.0);
        Some(kind)
    }
}

async fn drive(shared: Rc<Closed>, mut connection: Connection) {
    while !shared.ends.get() {
        let Some(kind) = shared.next() else { return };
        match kind.ask(&mut connection).await {
            Ok(Outcome::Done) => shared.done.set(shared.done.get() + 1),
            // A sign-in more than may wait, or every chain under way: the next kind.
            Ok(Outcome::NotNow | Outcome::Lost) => {}
            Ok(Outcome::Failed(text)) => return shared.fail(kind.kind, &text),
            Err(error) => return shared.fail(kind.kind, &format!("{error:#}")),
        }
    }
}

impl Closed {
    fn fail(&self, kind: Kind, text: &str) {
        self.failure.borrow_mut().get_or_insert(format!("{}: {text}", kind.name()));
        self.ends.set(true);
    }
}

/// What an open loop saw, by kind.
struct Beyond(Vec<(Kind, Seen)>);

/// Lets so many arrive in a second, whatever the server does.
async fn beyond(setup: &Rc<Setup>, mix: &[(Kind, f64)], rate: f64, window: Duration) -> Result<Beyond> {
    let mut kinds = Vec::new();
    for (kind, part) in mix {
        kinds.push(Rc::new(Arrivals::new(*kind, rate * part / 100.0, setup).await?));
    }
    let end = Instant::now() + WARMUP + window;
    let clocks: Vec<_> =
        kinds.iter().map(|kind| tokio::task::spawn_local(arrive(Rc::clone(kind), end))).collect();
    tokio::time::sleep(WARMUP).await;
    for kind in &kinds {
        drop(kind.take());
    }
    tokio::time::sleep_until(end.into()).await;
    // What is answered after the end counts for nothing.
    let seen = kinds.iter().map(|kind| (kind.kind, kind.take())).collect();
    for clock in clocks {
        clock.await?;
    }
    match kinds.iter().find_map(|kind| kind.failure.take()) {
        Some(failure) => bail!("{failure}"),
        None => Ok(Beyond(seen)),
    }
}

impl Beyond {
    fn rate(&self, window: Duration) -> f64 {
        let patience = u64::try_from(PATIENCE.as_nanos()).unwrap_or(u64::MAX);
        let good: u64 = self.0.iter().map(|(_, seen)| seen.times.within(patience)).sum();
        good as f64 / window.as_secs_f64()
    }

    fn line(&self, window: Duration) -> String {
        let mut text = format!("{:.0}/s succeed:", self.rate(window));
        for (kind, seen) in &self.0 {
            let ms = |nanoseconds: u64| nanoseconds as f64 / 1e6;
            text.push_str(&format!(
                "  {} {} within {:.0} ms, {} told so within {:.0}, {} not sent",
                kind.name(),
                seen.times.total(),
                ms(seen.times.quantile(0.99)),
                seen.refused.total(),
                ms(seen.refused.quantile(0.99)),
                seen.lost
            ));
        }
        text
    }
}

/// The 99th percentile, in nanoseconds, of machines' tokens that arrive by the clock beside so many connections that sign in
/// without a pause.
async fn machines(setup: &Rc<Setup>, window: Duration, signing_in: usize) -> Result<f64> {
    let login = Rc::new(Arrivals::new(Kind::Login, 0.0, setup).await?);
    let shared = Rc::new(Closed {
        kinds: vec![(login, 100.0, Cell::new(0.0))],
        done: Cell::new(0),
        ends: Cell::new(false),
        failure: RefCell::default(),
    });
    let mut tasks = JoinSet::new();
    for _ in 0..signing_in {
        tasks.spawn_local(drive(Rc::clone(&shared), Connection::new(setup.address)));
    }
    let seen = beyond(setup, &[(Kind::ClientCredentialsEs256, 100.0)], MACHINES, window).await?;
    shared.ends.set(true);
    while let Some(task) = tasks.join_next().await {
        task?;
    }
    if let Some(failure) = shared.failure.take() {
        bail!("{failure}");
    }
    let (_, seen) = seen.0.into_iter().next().context("nothing was asked")?;
    Ok(seen.times.quantile(0.99) as f64)
}

/// Median (least..most).
fn spread(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    match values.as_slice() {
        [] => String::new(),
        [least, ..] => {
            let most = values.last().unwrap_or(least);
            format!("{:.2} ({least:.2}..{most:.2})", values[values.len() / 2])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(spread(vec![3.0, 1.0, 2.0]), "2.00 (1.00..3.00)");
    }
}
