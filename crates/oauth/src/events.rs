//! Tenant log events of the Authentication API (fact sheet 12).

use chancery_core::model::{Client, User};
use chancery_core::records::LogEvent;
use chancery_core::{ids, iso};
use chancery_web::Ctx;

/// An event with what every one has.
pub(crate) fn event(ctx: &Ctx, kind: &'static str) -> LogEvent {
    LogEvent {
        log_id: ids::time_ordered(&*ctx.app.rng, ctx.now_ms),
        date: iso::format_ms(ctx.now_ms),
        kind: kind.to_owned(),
        ip: Some(ctx.ip.to_string()),
        user_agent: ctx.user_agent.clone(),
        hostname: Some(ctx.origin.authority.clone()),
        ..LogEvent::default()
    }
}

/// The same with the application.
pub(crate) fn of_client(ctx: &Ctx, kind: &'static str, client: &Client) -> LogEvent {
    LogEvent {
        client_id: Some(client.client_id.clone()),
        client_name: Some(client.name.clone()),
        ..event(ctx, kind)
    }
}

/// The same with the user.
pub(crate) fn with_user(event: LogEvent, user: &User) -> LogEvent {
    LogEvent {
        user_id: Some(user.user_id.clone()),
        user_name: user.email.clone().or_else(|| user.username.clone()),
        ..event
    }
}

/// Sends it on its way; never waits.
pub(crate) fn record(ctx: &Ctx, event: LogEvent) {
    ctx.log(event);
}
