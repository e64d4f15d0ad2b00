//! Several hosts, one of which is the primary. The client library asks one after the other and waits for each; a machine that
//! says nothing, first in the list, would keep everybody from the primary for as long as it is silent.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
    time::Duration,
};

use deadpool_postgres::Connect;
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{
    Client, Config, Error, Socket,
    tls::{MakeTlsConnect, TlsConnect},
};

/// How long one host is waited for before the next is asked as well.
const HEAD_START: Duration = Duration::from_millis(200);
/// How long those that say nothing are waited for once all were asked and one refused, as replicas do: while a failover goes on the next
/// attempt should not be long in coming.
const PATIENCE: Duration = Duration::from_millis(800);

/// Connects to the host that was good last; where it does not answer at once, to the others too, and to whichever is first.
pub(super) struct Hosts<T> {
    /// One for each host.
    configs: Vec<Config>,
    tls: T,
    good: AtomicUsize,
}

type Connected = (Client, JoinHandle<()>);
type Promise<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl<T> Hosts<T> {
    pub(super) const fn new(configs: Vec<Config>, tls: T) -> Self {
        Self { configs, tls, good: AtomicUsize::new(0) }
    }
}

impl<T> Connect for Hosts<T>
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    fn connect(&self, whole: &Config) -> Promise<'_, Result<Connected, Error>> {
        let whole = whole.clone();
        Box::pin(async move {
            let count = self.configs.len();
            let good = self.good.load(Ordering::Relaxed);
            let last = (good + count.saturating_sub(1)) % count.max(1);
            let mut asked: Vec<Promise<'_, (usize, Result<Connected, Error>)>> = Vec::with_capacity(count);
            let mut failure = None;
            for number in (good..count).chain(0..good.min(count)) {
                let connected = connect(&self.configs[number], self.tls.clone());
                asked.push(Box::pin(async move { (number, connected.await) }));
                while !asked.is_empty() {
                    let wait = match (number == last, &failure) {
                        (false, _) => HEAD_START,
                        (true, Some(_)) => PATIENCE,
                        // Until the pool's own limit.
                        (true, None) => Duration::MAX,
                    };
                    match timeout(wait, first(&mut asked)).await {
                        Ok((number, Ok(connected))) => {
                            self.good.store(number, Ordering::Relaxed);
                            return Ok(connected);
                        }
                        Ok((_, Err(cause))) => failure = Some(cause),
                        Err(_) => break,
                    }
                }
            }
            match failure {
                Some(cause) => Err(cause),
                // No host at all: the library says so in its own words.
                None => connect(&whole, self.tls.clone()).await,
            }
        })
    }
}

async fn connect<T>(config: &Config, tls: T) -> Result<Connected, Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect(tls).await?;
    let task = tokio::spawn(async move {
        if let Err(cause) = connection.await {
            tracing::debug!(%cause, "a connection to PostgreSQL ended");
        }
    });
    Ok((client, task))
}

/// The first answer, whose future is taken out.
async fn first<T>(asked: &mut Vec<Promise<'_, T>>) -> T {
    poll_fn(|context| {
        for index in 0..asked.len() {
            if let Poll::Ready(answer) = asked[index].as_mut().poll(context) {
                drop(asked.swap_remove(index));
                return Poll::Ready(answer);
            }
        }
        Poll::Pending
    })
    .await
}
