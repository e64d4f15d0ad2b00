//! One cell of the table: a workload at a number of connections, floor and server in turn.

use std::{
    cell::RefCell,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use crate::{
    http1::Request,
    load::{self, Chains, Plan, Source, Window},
    process::{Memory, Process},
    setup::{self, Setup},
    workload::{Baseline, Kind},
};

/// Codes live 60 s; those of a round must be spent well before.
const PREPARATION: Duration = Duration::from_secs(20);

/// The two processes and how long to look at them.
#[derive(Debug)]
pub(crate) struct Bench {
    /// The server and what was prepared on it; absent when only the floor is measured.
    pub(crate) server: Option<(Process, Setup)>,
    /// The floor.
    pub(crate) floor: Process,
    /// Where the floor listens.
    pub(crate) floor_address: SocketAddr,
    /// Length of a window.
    pub(crate) window: Duration,
    /// How often floor and server take their turn.
    pub(crate) rounds: usize,
}

/// All windows of one cell.
#[derive(Debug)]
pub(crate) struct Cell {
    /// The workload.
    pub(crate) kind: Kind,
    /// Connections kept busy.
    pub(crate) connections: usize,
    /// The server's windows, one for each round; none when only the floor is measured.
    pub(crate) server: Vec<Window>,
    /// The server's memory after the last round.
    pub(crate) memory: Option<Memory>,
    /// Each floor with its windows.
    pub(crate) floors: Vec<(Baseline, Vec<Window>)>,
}

/// The server's side of a cell: what is sent, and what the answers carry.
#[derive(Debug)]
pub(crate) enum Load {
    /// The same request again and again.
    Same(Request),
    /// Codes, each spent once, and how many a second the last window spent.
    Codes { example: Request, rate: f64 },
    /// Rotating refresh tokens.
    Chains { example: Request, chains: Rc<Chains> },
}

impl Bench {
    /// Measures one cell.
    ///
    /// # Errors
    /// When the server or the floor refuses any request.
    pub(crate) async fn measure(&self, kind: Kind, connections: usize) -> Result<Cell> {
        let connections = connections.min(kind.most_connections());
        let mut load = None;
        let mut signatures = 2;
        if self.server.is_some() {
            let (prepared, counted) = self.prepare(kind, connections).await?;
            load = Some(prepared);
            signatures = counted;
        }
        let example = load.as_ref().map_or_else(|| stand_in(kind), |load| load.example().clone());
        let baselines = kind.baselines(signatures);
        let mut floors: Vec<(Baseline, Vec<Window>)> =
            baselines.into_iter().map(|baseline| (baseline, Vec::new())).collect();
        let mut server = Vec::new();
        for _ in 0..self.rounds {
            for (baseline, windows) in &mut floors {
                let source = Source::Same(example.retargeted(&baseline.path).bytes());
                let plan = self.plan(self.floor_address, connections);
                let window = load::run(plan, source, &self.floor).await;
                windows.push(window.with_context(|| format!("the floor {}", baseline.name))?);
            }
            if let Some(load) = &mut load {
                let window = self.server_window(load, connections).await?;
                load.learn(window.rate());
                server.push(window);
            }
        }
        let memory = self.server.as_ref().map(|(process, _)| process.memory()).transpose()?;
        Ok(Cell { kind, connections, server, memory, floors })
    }

    /// One window on the server.
    ///
    /// # Errors
    /// When it refuses any request.
    pub(crate) async fn server_window(&self, load: &Load, connections: usize) -> Result<Window> {
        let (process, setup) = self.server.as_ref().context("only the floor is measured")?;
        let source = load.source(setup, self.window, connections).await?;
        load::run(self.plan(setup.address, connections), source, process).await
    }

    /// Sends one request and looks at its answer, so that nothing is measured that is not what it claims to be.
    /// Returns the load and how many signatures an answer carries.
    ///
    /// # Errors
    /// When the answer is not what the kind promises.
    pub(crate) async fn prepare(&self, kind: Kind, connections: usize) -> Result<(Load, usize)> {
        let (process, setup) = self.server.as_ref().context("only the floor is measured")?;
        if let Some(request) = setup.repeatable(kind).await? {
            let signatures = setup::check(kind, &setup.ask(&request).await?)?;
            return Ok((Load::Same(request), signatures));
        }
        if kind == Kind::Code {
            let example = setup.exchanges(1).await?.pop().context("no code")?;
            let signatures = setup::check(kind, &setup.ask(&example).await?)?;
            // A few hundred at full load tell how many codes a window will need.
            let codes = setup.exchanges(100 + 8 * connections).await?;
            let plan = Plan { warmup: Duration::ZERO, ..self.plan(setup.address, connections) };
            let rate = load::run(plan, queue(&codes), process).await?.rate();
            return Ok((Load::Codes { example, rate }, signatures));
        }
        let probe = setup.chains(kind, 1).await?;
        let request = probe.request(0).context("no chain")?;
        let signatures = setup::check(kind, &setup.ask(&request).await?)?;
        let chains = setup.chains(kind, connections).await?;
        let example = chains.request(0).context("no chain")?;
        Ok((Load::Chains { example, chains }, signatures))
    }

    fn plan(&self, address: SocketAddr, connections: usize) -> Plan {
        let warmup = warmup(self.window);
        Plan { address, connections, warmup, window: self.window }
    }
}

impl Load {
    fn example(&self) -> &Request {
        match self {
            Self::Same(example) | Self::Codes { example, .. } | Self::Chains { example, .. } => example,
        }
    }

    /// What the next round sends. Codes are made just before it, as many as the last round suggests and a third more.
    async fn source(&self, setup: &Setup, window: Duration, connections: usize) -> Result<Source> {
        match self {
            Self::Same(request) => Ok(Source::Same(request.bytes())),
            Self::Chains { chains, .. } => Ok(Source::Chains(Rc::clone(chains))),
            Self::Codes { rate, .. } => {
                let wanted =
                    (rate * (window + warmup(window)).as_secs_f64() * 1.33) as usize + 8 * connections;
                let begin = Instant::now();
                let mut codes = Vec::new();
                while codes.len() < wanted && begin.elapsed() < PREPARATION {
                    codes.extend(setup.exchanges((wanted - codes.len()).min(1000)).await?);
                }
                Ok(queue(&codes))
            }
        }
    }

    fn learn(&mut self, measured: f64) {
        if let Self::Codes { rate, .. } = self {
            // A window that ran out of codes early says little.
            *rate = measured.max(*rate / 2.0);
        }
    }
}

fn warmup(window: Duration) -> Duration {
    (window / 10).min(Duration::from_millis(300))
}

fn queue(requests: &[Request]) -> Source {
    Source::Queue(RefCell::new(requests.iter().map(Request::bytes).collect()))
}

/// What the floor is sent when there is no server to take an example from: about as many bytes.
fn stand_in(kind: Kind) -> Request {
    if kind.is_get() {
        return Request::bare("GET", "floor", "/");
    }
    Request::form("floor", "/", &[("grant_type", "client_credentials"), ("client_secret", &"x".repeat(200))])
}
