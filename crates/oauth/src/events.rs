//! Tenant log events of the Authentication API (fact sheet 12).

use chancery_core::explanation::{DECISION, Record};
use chancery_core::model::{Client, Organization, User};
use chancery_core::records::LogEvent;
use chancery_web::Ctx;

/// An event of this kind; [`Ctx::log`] adds what every one has.
pub(crate) fn event(kind: &'static str) -> LogEvent {
    LogEvent { kind: kind.to_owned(), ..LogEvent::default() }
}

/// The same with the application.
pub(crate) fn of_client(kind: &'static str, client: &Client) -> LogEvent {
    LogEvent {
        client_id: Some(client.client_id.clone()),
        client_name: Some(client.name.clone()),
        ..event(kind)
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

/// The same with the organization.
pub(crate) fn in_organization(event: &mut LogEvent, organization: &Organization) {
    event.details.insert("organization_id".to_owned(), organization.id.as_str().into());
    event.details.insert("organization_name".to_owned(), organization.name.as_str().into());
}

/// The one event of a request that is about its token: it has the request's id.
pub(crate) fn about_token(ctx: &Ctx, event: &mut LogEvent) {
    ctx.request_id.as_str().clone_into(&mut event.log_id);
}

/// The same with what was decided and why, to be told later whatever changes in between.
pub(crate) fn decided(event: &mut LogEvent, record: &Record) {
    if let Ok(record) = serde_json::to_value(record) {
        event.details.insert(DECISION.to_owned(), record);
    }
}

/// Sends it on its way; never waits.
pub(crate) fn record(ctx: &Ctx, event: LogEvent) {
    ctx.log(event);
}
