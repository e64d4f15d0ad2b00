//! Letting a device in that has no browser (RFC 8628 sections 3.3 and 5): the code that it shows, the question whose device
//! it is, and how it ended. In between lies the login of `/authorize`.

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::interaction::{Progress, Transaction};
use chancery_core::oauth::{RedirectUri, typed_code};
use chancery_core::params::Params;
use chancery_core::records::{DeviceRecord, LogEvent};
use chancery_db::Batch;
use chancery_login::csp::PageKind;
use chancery_login::pages::{
    ConfirmApproval, ConfirmDevice, DeviceDenied, DeviceDone, EnterDeviceCode, Problem,
};
use chancery_web::{Binding, Ctx, Failure, Rate, hosted, see_other};
use http::{HeaderMap, StatusCode};

use crate::consent::{account, logo_of};
use crate::form::Posted;
use crate::screen::{Screen, is_same_origin, path_link, pressed, refused};

/// Where people go with their code.
pub(crate) const PAGE: &str = "/activate";
/// Per address: 30 codes at once, one a second (fact sheet 13.2 lets through six).
const TYPED: Rate = Rate { name: "activate", burst: 30, every: 1 };
/// Of these, codes that no device waits with: 20 at once, one more every half minute.
const WRONG: Rate = Rate { name: "activate-wrong", burst: 20, every: 30 };
/// Characters of a code that are read; the longest one there is has 20.
const LONGEST: usize = 64;

/// The page, or what it leads to where the address brings the code along (RFC 8628, section 3.3.1).
pub(crate) async fn show(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let params = Params::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    match params.get("user_code").filter(|_| params.repeated().is_none()) {
        Some(typed) if !typed.is_empty() => look_up(&ctx, &headers, typed).await,
        _ => Ok(page(&ctx, &headers, StatusCode::OK, "", None)),
    }
}

/// The code that was typed.
pub(crate) async fn submit(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    if !is_same_origin(&ctx, &headers) {
        return Ok(refused(&ctx, &headers));
    }
    let typed = params.get("user_code").filter(|_| params.repeated().is_none());
    look_up(&ctx, &headers, typed.unwrap_or_default()).await
}

/// A device that waits begins a login in this browser. Codes that are unknown, used or over are all alike.
async fn look_up(ctx: &Ctx, headers: &HeaderMap, typed: &str) -> Result<Response, Failure> {
    let typed: String = typed.chars().take(LONGEST).collect();
    let again = |status, problem| Ok(page(ctx, headers, status, &typed, Some(problem)));
    let Some(code) = typed_code(&typed) else {
        return again(StatusCode::BAD_REQUEST, Problem::UserCodeMissing);
    };
    let (rates, tenant, now) = (&ctx.app.rates, &ctx.tenant.tenant, ctx.now());
    let is_spent = rates.take(TYPED, ctx.ip, tenant, now).is_err();
    if is_spent || rates.look(WRONG, ctx.ip, tenant, now).is_err() {
        return again(StatusCode::TOO_MANY_REQUESTS, Problem::TooManyAttempts);
    }
    let found = ctx.app.store.waiting_device(tenant, &code, now).await?;
    let is_device = |record: &DeviceRecord| {
        record.backchannel.is_none() && ctx.tenant.client(&record.client_id).is_some()
    };
    let Some((id, record)) = found.filter(|(_, record)| is_device(record)) else {
        // Where another request took the last one meanwhile, this one is answered as it would have been before.
        let _ = rates.take(WRONG, ctx.ip, tenant, now);
        log_unknown(ctx);
        return again(StatusCode::BAD_REQUEST, Problem::UserCodeUnknown);
    };
    begin(ctx, headers, &id, &record).await
}

/// Begins the login in which a device, or an application that asks from elsewhere, is let in.
pub(crate) async fn begin(
    ctx: &Ctx,
    headers: &HeaderMap,
    id: &str,
    record: &DeviceRecord,
) -> Result<Response, Failure> {
    let address = format!("{}{PAGE}", ctx.origin.base);
    let address = RedirectUri::allowed(&address, [address.as_str()]);
    let address = address.ok_or_else(|| Failure::server("an address of ours is none"))?;
    let mut transaction = Transaction::for_device(id, record, address, ctx.now());
    if let Some(asked) = &record.backchannel {
        // Whoever has the link of the mail has the mailbox: the name of the account is no news to them.
        let user = ctx.app.store.user(&ctx.tenant.tenant, &asked.user_id).await?;
        transaction.request.login_hint = user.and_then(|user| user.email.or(user.username));
    }
    let doc = serde_json::to_string(&transaction).map_err(Failure::server)?;
    let binding = Binding::of(ctx, headers);
    let state = match binding.begin(ctx, doc).await {
        Ok(state) => state,
        Err(Failure { rate: Some(_), .. }) => {
            let problem = Some(Problem::TooManyAttempts);
            return Ok(page(ctx, headers, StatusCode::TOO_MANY_REQUESTS, &record.user_code, problem));
        }
        Err(failure) => return Err(failure),
    };
    Ok(binding.bind(ctx, see_other(&format!("/authorize/resume?state={state}"))))
}

/// "Is this your device?"
pub(crate) async fn show_question(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    Ok(match Screen::show(ctx, &headers, query).await? {
        Ok(screen) => question(&screen, &headers, StatusCode::OK).await?.unwrap_or_else(|| screen.back()),
        Err(page) => *page,
    })
}

/// The answer.
pub(crate) async fn answer(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let screen = match Screen::open(ctx, &headers, &params).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    if screen.transaction.request.device.is_none() {
        return Ok(screen.back());
    }
    let progress = screen.transaction.progress.clone();
    match pressed(&params) {
        Some("accept") => {
            let progress = Progress { device_confirmed: true, shown: true, ..progress };
            screen.done(progress, Batch::default()).await
        }
        Some("decline") => screen.done(Progress { declined: true, ..progress }, Batch::default()).await,
        _ => {
            let again = question(&screen, &headers, StatusCode::BAD_REQUEST).await?;
            Ok(again.unwrap_or_else(|| screen.back()))
        }
    }
}

/// `None` where no device is concerned.
async fn question(
    screen: &Screen,
    headers: &HeaderMap,
    status: StatusCode,
) -> Result<Option<Response>, Failure> {
    let Some(device) = &screen.transaction.request.device else { return Ok(None) };
    let user = screen.session(headers).await?.map(|(_, user)| user);
    if device.is_backchannel {
        let view = ConfirmApproval {
            frame: screen.frame(),
            form: screen.form("/u/device"),
            client_name: screen.client.name.clone(),
            client_logo: logo_of(&screen.ctx, &screen.client),
            message: device.user_code.clone(),
            not_you: user.is_some().then(|| screen.link("/u/login")),
            account: user.as_ref().map(account),
        };
        return Ok(Some(screen.page(status, view.render(&screen.texts), PageKind::Plain)));
    }
    let view = ConfirmDevice {
        frame: screen.frame(),
        form: screen.form("/u/device"),
        client_name: screen.client.name.clone(),
        client_logo: logo_of(&screen.ctx, &screen.client),
        user_code: device.user_code.clone(),
        not_you: user.is_some().then(|| screen.link("/u/login")),
        account: user.as_ref().map(account),
    };
    Ok(Some(screen.page(status, view.render(&screen.texts), PageKind::Plain)))
}

/// The end where the user said yes.
pub(crate) async fn success(ctx: Ctx, headers: HeaderMap) -> Response {
    let texts = hosted::texts(&ctx, &headers, None);
    let body = DeviceDone { frame: hosted::frame(&ctx) }.render(&texts);
    hosted::localized(hosted::page(StatusCode::OK, body, PageKind::Plain, &[]), &texts)
}

/// The end where the user said no.
pub(crate) async fn denied(ctx: Ctx, headers: HeaderMap) -> Response {
    let texts = hosted::texts(&ctx, &headers, None);
    let body = DeviceDenied { frame: hosted::frame(&ctx) }.render(&texts);
    hosted::localized(hosted::page(StatusCode::OK, body, PageKind::Plain, &[]), &texts)
}

fn page(
    ctx: &Ctx,
    headers: &HeaderMap,
    status: StatusCode,
    typed: &str,
    problem: Option<Problem>,
) -> Response {
    let texts = hosted::texts(ctx, headers, None);
    let view = EnterDeviceCode {
        frame: hosted::frame(ctx),
        action: path_link(PAGE),
        user_code: typed.to_owned(),
        problems: problem.into_iter().collect(),
    };
    hosted::localized(hosted::page(status, view.render(&texts), PageKind::Plain, &[]), &texts)
}

fn log_unknown(ctx: &Ctx) {
    ctx.log(LogEvent {
        kind: "fdeac".to_owned(),
        description: Some("No device waits with the code that was entered".to_owned()),
        ..LogEvent::default()
    });
}
