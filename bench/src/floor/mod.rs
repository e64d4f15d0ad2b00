//! The floor: the part of each request that no server can leave out, behind the smallest handler there is.
//!
//! The same hyper, tokio, allocator and build profile as the server; the same request bytes are read. What it
//! leaves out is everything that is ours: parsing, client authentication, scope decision, claims, logs.

use std::{
    io::Read as _,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    thread,
};

use anyhow::{Context as _, Result};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt as _,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tokio::net::TcpListener;

use crate::options;

pub(crate) mod durable;
pub(crate) mod hash;
pub(crate) mod sign;

/// A signing input as long as that of an access token with two audiences and a few scopes.
pub(crate) const SIGNING_INPUT: [u8; 600] = [b'a'; 600];

/// A static answer as long as those that clients fetch.
static GREETING: [u8; 1 << 14] = [b'h'; 1 << 14];

struct Floor {
    signer: sign::Signer,
    hasher: hash::Hasher,
    writes: durable::Writes,
}

/// Serves until standard input closes, so that it never outlives the harness.
///
/// # Errors
/// When the address or the database cannot be had.
pub(crate) fn run(options: &options::Floor) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let address = listener.local_addr()?;
        let floor = Arc::new(Floor {
            signer: sign::Signer::generate()?,
            hasher: hash::Hasher::start(thread::available_parallelism()?.get())?,
            writes: durable::Writes::open(&options.database, &options.data).await?,
        });
        let (closed, wait) = tokio::sync::oneshot::channel::<()>();
        thread::spawn(move || {
            // Its end is the signal, whatever comes before it.
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            drop(closed);
        });
        std::fs::write(&options.ready_file, address.to_string()).context("cannot write the ready file")?;
        let listener = listener.tap_io(|stream| {
            // Without it a measurement shows Nagle's algorithm; a refusal would be visible in the figures.
            let _ = stream.set_nodelay(true);
        });
        tokio::select! {
            served = axum::serve(listener, router(floor)) => served.map_err(Into::into),
            _ = wait => Ok(()),
        }
    })
}

fn router(floor: Arc<Floor>) -> Router {
    Router::new()
        .route("/hello", get(async || "hello"))
        .route(
            "/hello/{length}",
            get(async |Path(length): Path<usize>| &GREETING[..length.min(GREETING.len())]),
        )
        .route("/sign/rs256", post(rs256))
        .route("/sign/es256", post(es256))
        .route("/hash", post(hashed))
        .route("/hash/{algorithm}/{signatures}", post(hashed_and_signed))
        .route("/writes", post(written))
        .route("/writes/{algorithm}/{signatures}", post(written_and_signed))
        .with_state(floor)
}

async fn rs256(State(floor): State<Arc<Floor>>, _: Bytes) -> Response {
    json(floor.signer.rs256(&SIGNING_INPUT))
}

async fn es256(State(floor): State<Arc<Floor>>, _: Bytes) -> Response {
    json(floor.signer.es256(&SIGNING_INPUT))
}

async fn hashed(State(floor): State<Arc<Floor>>, body: Bytes) -> Response {
    json(floor.hasher.hash(body).await)
}

async fn written(State(floor): State<Arc<Floor>>, _: Bytes) -> Response {
    json(floor.writes.spend_and_insert().await.map(|()| Vec::new()))
}

async fn hashed_and_signed(
    State(floor): State<Arc<Floor>>,
    Path((algorithm, signatures)): Path<(String, usize)>,
    body: Bytes,
) -> Response {
    match floor.hasher.hash(body).await {
        Ok(_) => json(signed(&floor.signer, &algorithm, signatures)),
        Err(error) => json(Err(error)),
    }
}

async fn written_and_signed(
    State(floor): State<Arc<Floor>>,
    Path((algorithm, signatures)): Path<(String, usize)>,
    _: Bytes,
) -> Response {
    match floor.writes.spend_and_insert().await {
        Ok(()) => json(signed(&floor.signer, &algorithm, signatures)),
        Err(error) => json(Err(error)),
    }
}

/// That many signatures, one after the other; the last one.
fn signed(signer: &sign::Signer, algorithm: &str, signatures: usize) -> Result<Vec<u8>> {
    let mut last = Vec::new();
    for _ in 0..signatures {
        last = match algorithm {
            "es256" => signer.es256(&SIGNING_INPUT)?,
            _ => signer.rs256(&SIGNING_INPUT)?,
        };
    }
    Ok(last)
}

fn json(result: Result<Vec<u8>>) -> Response {
    match result {
        Ok(bytes) => {
            let body = format!("{{\"access_token\":\"{}\"}}", URL_SAFE_NO_PAD.encode(bytes));
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
    }
}
