//! `POST /dev/reset`: the tenant as on the first day. Signing keys and the management application stay.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use chancery_web::{App, Ctx, Failure, no_content};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{Dev, request::read};
use crate::assemble::DEMO_TENANT;
use crate::seed::{Seed, Seeding, management_scopes};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    #[serde(default)]
    seed: Seed,
}

pub(super) async fn reset(
    State(app): State<Arc<App>>,
    Extension(dev): Extension<Arc<Dev>>,
    ctx: Ctx,
    request: Request,
) -> Response {
    let Wish { seed } = match read(&app, request, "Send {\"seed\":\"demo\"} or {\"seed\":\"fresh\"}.").await {
        Ok(wish) => wish,
        Err(answer) => return answer,
    };
    // A development server pointed at a real database must not empty a real tenant.
    if ctx.tenant.tenant != DEMO_TENANT {
        let body =
            json!({ "error": "access_denied", "error_description": "Only the demo tenant can be reset." });
        return chancery_web::json(StatusCode::FORBIDDEN, &body);
    }
    match again(&app, &dev, &ctx, seed).await {
        Ok(()) => no_content(),
        Err(error) => Failure::from(error).into_response(),
    }
}

async fn again(app: &App, dev: &Dev, ctx: &Ctx, seed: Seed) -> chancery_store::Result<()> {
    let tenants = app.store.tenants().await?;
    let tenant = tenants.iter().find(|tenant| tenant.id == ctx.tenant.tenant);
    let seeding = Seeding {
        store: &app.store,
        rng: &*app.rng,
        now_ms: app.clock.now_ms(),
        tenant: &ctx.tenant.tenant,
        origins: tenant.map_or(&[][..], |tenant| &tenant.origins),
        clients: &dev.clients,
        scopes: dev.scopes.get_or_init(management_scopes),
    };
    seeding.again(seed).await?;
    dev.deleted().clear();
    app.mails.clear_all();
    app.rates.clear_all();
    app.key_sets.clear_all();
    app.outbox.forget();
    app.catalog.sync().await
}
