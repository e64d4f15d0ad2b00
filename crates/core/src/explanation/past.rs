//! A decision that was made, told from the log event that kept it: as it was then, whatever was changed since.

use std::collections::HashSet;

use super::fix::named;
use super::{Record, Refused, Told, ToldReason, ToldScope};
use crate::records::LogEvent;
use crate::scope::{AskedScopes, Grounds, PermissionSource, Reason};

/// The member of a log event's details that holds the [`Record`].
pub const DECISION: &str = "decision";

/// Tells it; `None` for events about something other than a token.
pub fn tell_past(event: &LogEvent) -> Option<Told> {
    let (flow, is_issued) = kind(&event.kind)?;
    let record: Option<Record> =
        event.details.get(DECISION).and_then(|kept| serde_json::from_value(kept.clone()).ok());
    let text = |name: &str| event.details.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    let mut told = Told {
        client_id: event.client_id.clone().unwrap_or_default(),
        audience: event.audience.clone(),
        flow,
        user_id: event.user_id.clone(),
        organization_id: text("organization_id"),
        decision: if is_issued { "issued" } else { "denied" },
        denied: (!is_issued).then(|| Refused {
            code: "request_refused",
            error: "access_denied",
            text: event.description.clone().unwrap_or_default(),
            fix: None,
        }),
        scope: event.scope.clone().filter(|_| is_issued).unwrap_or_default(),
        permissions: None,
        consent: "not_in_flow",
        scopes: Vec::new(),
        available: Vec::new(),
    };
    match record {
        Some(record) => fill(&mut told, &record),
        // What was granted whole, by the grant alone, is kept in the scopes of the event.
        None => {
            let by = Reason::Granted { by: Grounds::ClientGrant { id: "" } };
            told.scopes = AskedScopes::parse(&told.scope).iter().map(|scope| one(scope, true, &by)).collect();
        }
    }
    Some(told)
}

fn fill(told: &mut Told, record: &Record) {
    told.flow = FLOWS.into_iter().find(|known| *known == record.flow).unwrap_or(told.flow);
    told.consent =
        CONSENTS.into_iter().find(|known| Some(*known) == record.consent.as_deref()).unwrap_or(told.consent);
    if let (Some(refused), Some(code)) = (&mut told.denied, &record.denied) {
        refused.code = DENIALS.into_iter().find(|known| known == code).unwrap_or(refused.code);
    }
    let asked: HashSet<&str> = record.asked.split(' ').collect();
    let is_issued = told.decision == "issued";
    for (grounds, scopes) in &record.granted {
        let (code, id) = grounds.split_once(':').unwrap_or((grounds, ""));
        let (id, group) = id.split_once(' ').unwrap_or((id, ""));
        let with_name = |id| (id, record.roles.get(id).map_or("", String::as_str));
        let by = grounds_of(code, with_name(id), with_name(group));
        let reason = if is_issued { Reason::Granted { by } } else { Reason::RequestRefused };
        let all = scopes.split(' ').filter(|scope| !scope.is_empty());
        told.scopes.extend(all.map(|scope| one(scope, asked.contains(scope), &reason)));
    }
    for (code, scopes) in &record.refused {
        let reason =
            REFUSALS.into_iter().find(|known| known.code() == code).unwrap_or(Reason::RequestRefused);
        let all = scopes.split(' ').filter(|scope| !scope.is_empty());
        told.scopes.extend(all.map(|scope| one(scope, asked.contains(scope), &reason)));
    }
    let order: Vec<&str> = record.asked.split(' ').chain(told.scope.split(' ')).collect();
    let place = |scope: &str| order.iter().position(|known| *known == scope).unwrap_or(usize::MAX);
    if told.scopes.len() < FEW {
        told.scopes.sort_by_cached_key(|told| place(&told.scope));
    }
}

fn one(scope: &str, asked: bool, reason: &Reason<'_>) -> ToldScope {
    // An event that was granted whole does not say by which of the application's grants.
    let is_unnamed = reason.client_grant_id() == Some("");
    let text = match is_unnamed {
        true => "The client grant of the application contained it.".to_owned(),
        false => reason.text(),
    };
    let reasons = vec![ToldReason {
        step: reason.step().code(),
        passes: reason.is_granted(),
        code: reason.precise_code(),
        text,
        client_grant_id: reason.client_grant_id().filter(|_| !is_unnamed).map(str::to_owned),
        role: reason.role().map(named),
        group: reason.group().map(named),
        fix: None,
    }];
    ToldScope { scope: scope.to_owned(), asked, granted: reason.is_granted(), code: reason.code(), reasons }
}

/// The flow of an event that says nothing else, and whether a token was issued.
fn kind(event: &str) -> Option<(&'static str, bool)> {
    Some(match event {
        "s" | "ssa" => ("authorization_code", true),
        "f" | "fsa" => ("authorization_code", false),
        "seacft" => ("code_exchange", true),
        "feacft" => ("code_exchange", false),
        "seccft" => ("client_credentials", true),
        "feccft" => ("client_credentials", false),
        "sertft" => ("refresh_token", true),
        "fertft" | "ferrt" => ("refresh_token", false),
        "sede" => ("device_code", true),
        "fede" | "fdeaz" | "fdecc" => ("device_code", false),
        "success_on_behalf_of_token_exchange" => ("on_behalf_of", true),
        "secte" => ("token_exchange", true),
        "fecte" => ("token_exchange", false),
        "idjag_exchange_success" => ("jwt_bearer", true),
        "idjag_exchange_failure" => ("jwt_bearer", false),
        "failed_on_behalf_of_token_exchange" => ("on_behalf_of", false),
        "sepft" => ("password", true),
        "fepft" => ("password", false),
        _ => return None,
    })
}

/// `group` is id and name too, of the group that gives the role.
fn grounds_of<'a>(code: &str, (id, name): (&'a str, &'a str), group: (&'a str, &'a str)) -> Grounds<'a> {
    match code {
        "client_grant" => Grounds::ClientGrant { id },
        "role" => Grounds::Permission(PermissionSource::Role { id, name }),
        "group_role" => {
            let (group_id, group_name) = group;
            Grounds::Permission(PermissionSource::Group { id, name, group_id, group_name })
        }
        "direct_permission" => Grounds::Permission(PermissionSource::Direct),
        "open_api" => Grounds::OpenApi,
        "refresh_allowed" => Grounds::RefreshAllowed,
        "own_account" => Grounds::OwnAccount,
        _ => Grounds::Standard,
    }
}

const FLOWS: [&str; 13] = [
    "authorization_code",
    "implicit",
    "hybrid",
    "code_exchange",
    "device_code",
    "password",
    "password_realm",
    "client_credentials",
    "refresh_token",
    "on_behalf_of",
    "passwordless",
    "passkey",
    "ciba",
];

const CONSENTS: [&str; 9] = [
    "forced",
    "first",
    "more_wanted",
    "not_in_flow",
    "first_party_sign_in",
    "skipped_by_api",
    "dashboard",
    "nothing_of_api",
    "recorded",
];

const DENIALS: [&str; 11] = [
    "no_client_grant",
    "api_closed",
    "system_api_for_third_party",
    "public_client",
    "no_api_chosen",
    "scopes_not_granted",
    "online_and_offline",
    "organization_required",
    "organization_not_allowed",
    "organization_not_granted",
    "audience_not_in_policies",
];

const REFUSALS: [Reason<'static>; 14] = [
    Reason::NotAsked,
    Reason::NotOnApi,
    Reason::NoApiChosen,
    Reason::OutsideClientGrant,
    Reason::NotPermittedToUser,
    Reason::NotConsented,
    Reason::NotInOriginalGrant,
    Reason::ReservedForMachines,
    Reason::OidcNotForThirdParty,
    Reason::NoUserInFlow,
    Reason::OfflineNotAllowedByApi,
    Reason::OnlineNotAllowedByApi,
    Reason::ClientLacksRefreshGrant,
    Reason::FlowGivesNoRefreshToken,
];

/// Sorting asks for each where it stood; beyond this the order of the record will do.
const FEW: usize = 200;
