//! Every route of the server, in one place.

use std::sync::Arc;

use axum::Router;
use chancery_web::{App, Front};

use crate::dashboard;
use crate::dev::{self, Dev};
use crate::ops::health;

/// The routes of all features with everything around them; those of dev mode only where there is a [`Dev`].
pub fn routes(app: &Arc<App>, dev: Option<&Arc<Dev>>) -> Front {
    let routes = Router::new()
        .merge(chancery_oauth::routes())
        .merge(chancery_screens::routes())
        .merge(chancery_management::routes())
        .merge(dashboard::routes())
        .merge(health::routes());
    let routes = match dev {
        Some(dev) => routes.merge(dev::routes(dev)),
        None => routes,
    };
    Front::new(app, routes, chancery_oauth::frequent())
}
