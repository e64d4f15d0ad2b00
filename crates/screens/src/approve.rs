//! A user answers an application that asks for them from elsewhere (OpenID CIBA Core 1.0): the link of the mail, and how it
//! ended. In between lies the login of `/authorize`, in which only that user counts.

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::oauth::typed_code;
use chancery_core::params::Params;
use chancery_login::csp::PageKind;
use chancery_login::pages::{ApprovalDone, ErrorKind};
use chancery_web::{Ctx, Failure, Rate, hosted};
use http::{HeaderMap, StatusCode};

use crate::activate;

pub(crate) const PAGE: &str = "/u/approve";
/// Links that lead nowhere, for each address: 20 at once, one more every half minute.
const WRONG: Rate = Rate { name: "approve-wrong", burst: 20, every: 30 };

/// What the link of the mail leads to. It begins a login in this browser and changes nothing: mail scanners open links too.
pub(crate) async fn show(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let params = Params::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let code = params.get("code").filter(|_| params.repeated().is_none()).and_then(typed_code);
    let (rates, tenant, now) = (&ctx.app.rates, &ctx.tenant.tenant, ctx.now());
    if rates.look(WRONG, ctx.ip, tenant, now).is_err() {
        let said = hosted::Said { kind: ErrorKind::TooManyRequests, code: None, text: None };
        return Ok(hosted::error(&ctx, &headers, StatusCode::TOO_MANY_REQUESTS, said));
    }
    let found = match &code {
        Some(code) => ctx.app.store.waiting_device(tenant, code, now).await?,
        None => None,
    };
    let waits = found
        .filter(|(_, record)| record.backchannel.is_some() && ctx.tenant.client(&record.client_id).is_some());
    match waits {
        Some((id, record)) => activate::begin(&ctx, &headers, &id, &record).await,
        None => {
            let _ = rates.take(WRONG, ctx.ip, tenant, now);
            let said = hosted::Said { kind: ErrorKind::UsedLink, code: None, text: None };
            Ok(hosted::error(&ctx, &headers, StatusCode::BAD_REQUEST, said))
        }
    }
}

/// The end where the user said yes.
pub(crate) async fn success(ctx: Ctx, headers: HeaderMap) -> Response {
    done(&ctx, &headers, true)
}

/// The end where the user said no.
pub(crate) async fn denied(ctx: Ctx, headers: HeaderMap) -> Response {
    done(&ctx, &headers, false)
}

fn done(ctx: &Ctx, headers: &HeaderMap, is_approved: bool) -> Response {
    let texts = hosted::texts(ctx, headers, None);
    let body = ApprovalDone { frame: hosted::frame(ctx), is_approved }.render(&texts);
    hosted::localized(hosted::page(StatusCode::OK, body, PageKind::Plain, &[]), &texts)
}
