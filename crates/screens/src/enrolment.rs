//! Making a factor by a ticket of an administrator's. The link opens the pages and uses nothing up: scanners of mail open links
//! too. The ticket is spent with the factor that is made.

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::ids::Handle;
use chancery_core::interaction::{Enrolment, EnrolmentTicket, Transaction};
use chancery_core::oauth::RedirectUri;
use chancery_core::params::Params;
use chancery_login::csp::PageKind;
use chancery_login::pages::{Enrolled, ErrorKind};
use chancery_web::{Binding, Ctx, Failure, SecondFactorsOf, first_factor, found, hosted, making_page};
use http::{HeaderMap, StatusCode};

/// What is shown when it is made.
pub(crate) const DONE: &str = "/u/mfa-enrollment-done";

/// What the link leads to.
pub(crate) async fn begin(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let params = Params::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let handle = params.get("ticket").filter(|_| params.repeated().is_none()).and_then(Handle::parse);
    let Some(handle) = handle else { return Ok(bad_link(&ctx, &headers)) };
    let Some(ticket) = ctx.enrolment_ticket(&handle).await? else { return Ok(bad_link(&ctx, &headers)) };
    let user = ctx.app.store.user(&ctx.tenant.tenant, &ticket.user_id).await?;
    let Some(user) = user.filter(|user| !user.is_blocked()) else { return Ok(bad_link(&ctx, &headers)) };
    let there = ctx.tenant.second_factors;
    let factor = ticket.factor.unwrap_or_else(|| first_factor(there));
    let is_enrolled = SecondFactorsOf::load(&ctx, &user).await?.are_enrolled();
    if !there.has(factor) || (is_enrolled && !ticket.makes_another) {
        return Ok(bad_link(&ctx, &headers));
    }
    let address = format!("{}{DONE}", ctx.origin.base);
    let address = RedirectUri::allowed(&address, [address.as_str()]);
    let address = address.ok_or_else(|| Failure::server("an address of ours is none"))?;
    let mut transaction = Transaction::for_own_page(address, ctx.now());
    transaction.progress.enrolment = Some(Enrolment {
        factor: ticket.factor,
        ticket: Some(EnrolmentTicket {
            id: handle.id.clone(),
            user_id: user.user_id,
            makes_another: ticket.makes_another,
        }),
        done: false,
    });
    let doc = serde_json::to_string(&transaction).map_err(Failure::server)?;
    let binding = Binding::of(&ctx, &headers);
    let id = binding.begin(&ctx, doc).await?;
    Ok(binding.bind(&ctx, found(&format!("{}?state={id}", making_page(factor)))))
}

/// The factor is made.
pub(crate) async fn done(ctx: Ctx, headers: HeaderMap) -> Response {
    let texts = hosted::texts(&ctx, &headers, None);
    let view = Enrolled { frame: hosted::frame(&ctx) };
    hosted::localized(hosted::page(StatusCode::OK, view.render(&texts), PageKind::Plain, &[]), &texts)
}

fn bad_link(ctx: &Ctx, headers: &HeaderMap) -> Response {
    let said = hosted::Said { kind: ErrorKind::UsedLink, code: None, text: None };
    hosted::error(ctx, headers, StatusCode::BAD_REQUEST, said)
}
