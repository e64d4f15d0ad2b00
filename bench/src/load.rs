//! The load: N connections in a closed loop, each sending its next request when the last answer is in.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use bytes::{Bytes, BytesMut};
use tokio::{sync::Notify, task::JoinSet, time};

use crate::{
    histogram::Histogram,
    http1::{Connection, Request},
    process::Process,
    tokens::string_member,
};

/// Where the requests come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// The same bytes again and again.
    Same(Bytes),
    /// Each request is sent once; the load ends when there are no more.
    Queue(RefCell<VecDeque<Bytes>>),
    /// One chain of rotating refresh tokens for each connection: an answer holds the next request's token.
    Chains(Rc<Chains>),
}

/// Refresh tokens in rotation.
#[derive(Debug)]
pub(crate) struct Chains {
    host: String,
    /// The body up to the token.
    fields: String,
    /// The current token of each chain.
    pub(crate) tokens: RefCell<Vec<String>>,
    /// A request but for the token in it, which is of the same length each time: what the generator would spend on making
    /// requests, the floor, which is asked the same bytes again and again, does not pay.
    frame: RefCell<Bytes>,
}

impl Chains {
    /// `fields` of the form beside the token, and the token that each chain begins with: of letters, digits, `.`, `-` and `_`.
    pub(crate) fn new(host: &str, fields: &[(&str, &str)], tokens: Vec<String>) -> Self {
        let mut body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        body.push_str("&refresh_token=");
        Self { host: host.to_owned(), fields: body, tokens: RefCell::new(tokens), frame: RefCell::default() }
    }

    /// The request that spends the current token of a chain.
    pub(crate) fn request(&self, chain: usize) -> Option<Request> {
        let tokens = self.tokens.borrow();
        let body = format!("{}{}", self.fields, tokens.get(chain)?);
        Some(Request::of_form(&self.host, "/oauth/token", body))
    }

    /// The same as bytes.
    fn bytes(&self, chain: usize) -> Option<Bytes> {
        let tokens = self.tokens.borrow();
        let token = tokens.get(chain)?.as_bytes();
        let mut frame = self.frame.borrow_mut();
        let known = frame.len().checked_sub(token.len()).filter(|at| frame[..*at].ends_with(b"="));
        if known.is_none() {
            *frame = self.request(chain)?.bytes();
        }
        let mut bytes = BytesMut::with_capacity(frame.len());
        bytes.extend_from_slice(&frame[..frame.len() - token.len()]);
        bytes.extend_from_slice(token);
        Some(bytes.freeze())
    }
}

impl Source {
    fn next(&self, connection: usize) -> Option<Bytes> {
        match self {
            Self::Same(bytes) => Some(bytes.clone()),
            Self::Queue(queue) => queue.borrow_mut().pop_front(),
            Self::Chains(chains) => chains.bytes(connection),
        }
    }

    fn answered(&self, connection: usize, body: &[u8]) -> Result<()> {
        if let Self::Chains(chains) = self {
            let next =
                string_member(body, "refresh_token").context("the answer has no next refresh token")?;
            chains.tokens.borrow_mut()[connection] = next.to_owned();
        }
        Ok(())
    }
}

/// How much load, for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Where to.
    pub(crate) address: SocketAddr,
    /// How many connections.
    pub(crate) connections: usize,
    /// Load before the window opens, not counted.
    pub(crate) warmup: Duration,
    /// The measured time.
    pub(crate) window: Duration,
}

/// What one window showed.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    /// Answers within the window.
    pub(crate) requests: u64,
    /// Its true length.
    pub(crate) elapsed: Duration,
    /// Latencies of the requests answered in it.
    pub(crate) latencies: Histogram,
    /// CPU nanoseconds of the process under load.
    pub(crate) cpu: u64,
    /// The same by the coarse account.
    pub(crate) cpu_by_ticks: u64,
}

impl Window {
    /// Answers per second.
    pub(crate) fn rate(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }

    /// Server CPU microseconds of one request.
    pub(crate) fn cpu_per_request(&self) -> f64 {
        self.cpu as f64 / self.requests.max(1) as f64 / 1e3
    }

    /// A quantile of the latency in microseconds.
    pub(crate) fn latency(&self, quantile: f64) -> f64 {
        self.latencies.quantile(quantile) as f64 / 1e3
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Warming,
    Measuring,
    Stopping,
}

struct Shared {
    phase: Cell<Phase>,
    requests: Cell<u64>,
    latencies: RefCell<Histogram>,
    /// The first failure; one is enough to make a measurement worthless.
    failure: RefCell<Option<String>>,
    /// A failure, or no more requests.
    ended: Notify,
}

/// Loads `process` as planned and returns what the window showed.
///
/// # Errors
/// When any answer is not 2xx, or a connection breaks: such a measurement says nothing.
pub(crate) async fn run(plan: Plan, source: Source, process: &Process) -> Result<Window> {
    let shared = Rc::new(Shared {
        phase: Cell::new(Phase::Warming),
        requests: Cell::new(0),
        latencies: RefCell::default(),
        failure: RefCell::default(),
        ended: Notify::new(),
    });
    let source = Rc::new(source);
    let mut tasks = JoinSet::new();
    for index in 0..plan.connections {
        let mut connection = Connection::new(plan.address);
        connection.open().await?;
        tasks.spawn_local(drive(connection, index, Rc::clone(&source), Rc::clone(&shared)));
    }
    let early = time::timeout(plan.warmup, shared.ended.notified()).await.is_ok();
    let before = process.cpu()?;
    let begin = Instant::now();
    shared.phase.set(Phase::Measuring);
    if !early {
        // Whether time or requests ran out does not matter: the window's true length counts.
        let _ = time::timeout(plan.window, shared.ended.notified()).await;
    }
    let elapsed = begin.elapsed();
    let requests = shared.requests.get();
    let after = process.cpu()?;
    shared.phase.set(Phase::Stopping);
    while let Some(task) = tasks.join_next().await {
        task?;
    }
    if let Some(failure) = shared.failure.take() {
        bail!("{failure}");
    }
    let latencies = shared.latencies.take();
    Ok(Window {
        requests,
        elapsed,
        latencies,
        cpu: after.since(&before),
        cpu_by_ticks: after.ticks_since(&before),
    })
}

async fn drive(mut connection: Connection, index: usize, source: Rc<Source>, shared: Rc<Shared>) {
    while shared.phase.get() != Phase::Stopping {
        let Some(request) = source.next(index) else {
            shared.ended.notify_one();
            return;
        };
        if let Err(error) = once(&mut connection, index, &request, (&source, &shared)).await {
            shared.failure.borrow_mut().get_or_insert_with(|| format!("{error:#}"));
            shared.ended.notify_one();
            return;
        }
    }
}

async fn once(
    connection: &mut Connection,
    index: usize,
    request: &[u8],
    (source, shared): (&Source, &Shared),
) -> Result<()> {
    let begin = Instant::now();
    let answer = connection.exchange(request).await?;
    let taken = begin.elapsed();
    if !(200..300).contains(&answer.status) {
        bail!("answered {}: {}", answer.status, answer.text());
    }
    if shared.phase.get() == Phase::Measuring {
        shared.requests.set(shared.requests.get() + 1);
        shared.latencies.borrow_mut().record(taken.as_nanos() as u64);
    }
    source.answered(index, answer.body())
}

/// Sends each request once over at most `connections` connections and gives the answers to `take`.
///
/// # Errors
/// When a connection breaks or `take` refuses an answer.
pub(crate) async fn each<T: 'static>(
    address: SocketAddr,
    connections: usize,
    requests: impl IntoIterator<Item = Bytes>,
    take: impl Fn(&crate::http1::Answer<'_>) -> Result<T> + Clone + 'static,
) -> Result<Vec<T>> {
    let queue: Rc<RefCell<VecDeque<Bytes>>> = Rc::new(RefCell::new(requests.into_iter().collect()));
    let connections = connections.min(queue.borrow().len());
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (queue, take) = (Rc::clone(&queue), take.clone());
        tasks.spawn_local(async move {
            let mut connection = Connection::new(address);
            let mut taken = Vec::new();
            loop {
                let Some(request) = queue.borrow_mut().pop_front() else {
                    return Ok::<_, anyhow::Error>(taken);
                };
                taken.push(take(&connection.exchange(&request).await?)?);
            }
        });
    }
    let mut all = Vec::new();
    while let Some(task) = tasks.join_next().await {
        all.extend(task??);
    }
    Ok(all)
}
