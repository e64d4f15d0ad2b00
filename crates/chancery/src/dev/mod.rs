//! What dev mode has beside the server itself: pages to try it with, a reset, a clock that can be moved, a small API
//! behind the tokens. Outside dev mode none of these routes exist.

mod adopt;
mod assets;
mod clock;
mod contacts;
mod mail;
mod pages;
mod ready;
mod request;
mod reset;
mod welcome;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::routing::{delete, get, post};
use axum::{Extension, Router};
use chancery_core::model::ScopeDefinition;
use chancery_web::App;

pub use adopt::{adopt, keep_adopted};
pub use ready::ReadyFile;
pub use welcome::{Whereabouts, welcome};

use crate::clock::OffsetClock;
use crate::seed::DemoClients;

/// What the routes of dev mode share.
#[derive(Debug)]
pub struct Dev {
    clock: Arc<OffsetClock>,
    clients: DemoClients,
    /// Contacts that were deleted through the demo API.
    deleted: Mutex<BTreeSet<u32>>,
    /// Of the Management API, from the first reset on.
    scopes: OnceLock<Vec<ScopeDefinition>>,
}

impl Dev {
    pub(crate) fn new(clock: Arc<OffsetClock>, clients: DemoClients) -> Self {
        Self { clock, clients, deleted: Mutex::default(), scopes: OnceLock::new() }
    }

    fn deleted(&self) -> std::sync::MutexGuard<'_, BTreeSet<u32>> {
        self.deleted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The routes of dev mode.
pub fn routes(dev: &Arc<Dev>) -> Router<Arc<App>> {
    Router::new()
        .route("/", get(pages::root))
        .route("/dev", get(pages::index))
        .route("/dev/callback", get(pages::callback).post(pages::callback_by_form))
        .route("/dev/mail", get(mail::mail))
        .route("/dev/static/{name}", get(assets::asset))
        .route("/dev/reset", post(reset::reset))
        .route("/dev/clock", get(clock::show).post(clock::advance))
        .route("/dev/api/contacts", get(contacts::list))
        .route("/dev/api/contacts/{id}", delete(contacts::delete))
        .layer(Extension(Arc::clone(dev)))
}
