//! `POST /dev/clock`: the server's clock moves, nobody sleeps. Only at hosts of ours (`Ctx`).

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use chancery_web::{App, Ctx, json};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{Dev, request::read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// Seconds; negative goes back.
    advance: i64,
}

pub(super) async fn advance(
    State(app): State<Arc<App>>,
    Extension(dev): Extension<Arc<Dev>>,
    _: Ctx,
    request: Request,
) -> Response {
    let Wish { advance } = match read(&app, request, "Send {\"advance\":SECONDS}.").await {
        Ok(wish) => wish,
        Err(answer) => return answer,
    };
    answer(&app, dev.clock.advance(advance))
}

/// What the clock shows.
pub(super) async fn show(State(app): State<Arc<App>>, Extension(dev): Extension<Arc<Dev>>) -> Response {
    answer(&app, dev.clock.advance(0))
}

fn answer(app: &App, offset: i64) -> Response {
    json(StatusCode::OK, &json!({ "now": app.clock.now(), "offset": offset }))
}
