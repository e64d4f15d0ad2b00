//! A decision as a log event keeps it: compact, and enough to tell it again when everything it rested on has changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::scope::{Grounds, PermissionSource, Reason, Reasoned, Request};

/// What is kept of a decision. Scopes stand together under what was decided about them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// How the token was asked for.
    pub flow: String,
    /// The scopes named in the request.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub asked: String,
    /// Granted scopes by their grounds: `role:rol_1`, `client_grant:cgr_1`, `standard`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub granted: BTreeMap<String, String>,
    /// Scopes asked for and not granted, by the reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, String>,
    /// The names that the roles and groups had.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, String>,
    /// What was known of consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<String>,
    /// Why the request was refused as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denied: Option<String>,
    /// How many scopes were too many to be kept.
    #[serde(skip_serializing_if = "is_zero")]
    pub left_out: usize,
}

impl Record {
    /// Of a decision.
    pub fn of(request: &Request<'_>, reasoned: &Reasoned<'_>, flow: &str) -> Self {
        let mut record = Self { flow: flow.to_owned(), ..Self::default() };
        let mut room = MOST;
        if let Err(denied) = &reasoned.decision {
            record.denied = Some(denied.reason().to_owned());
        }
        for scope in request.asked.iter() {
            record.left_out += usize::from(!add(&mut record.asked, scope, &mut room));
        }
        let mut room = MOST;
        for (place, (scope, reason)) in reasoned.reasons.iter().enumerate() {
            let kept = match reason {
                Reason::Granted { by } => {
                    for (id, name) in [reason.role(), reason.group()].into_iter().flatten() {
                        record.roles.entry(id.to_owned()).or_insert_with(|| name.to_owned());
                    }
                    add(record.granted.entry(grounds(by)).or_default(), scope, &mut room)
                }
                refusal => {
                    let scopes = record.refused.entry(refusal.code().to_owned()).or_default();
                    add(scopes, scope, &mut room)
                }
            };
            // What was asked for is counted already.
            record.left_out += usize::from(!kept && place >= request.asked.len());
        }
        record
    }
}

fn grounds(by: &Grounds<'_>) -> String {
    match by {
        Grounds::ClientGrant { id } => format!("client_grant:{id}"),
        Grounds::Permission(PermissionSource::Role { id, .. }) => format!("role:{id}"),
        Grounds::Permission(PermissionSource::Group { id, group_id, .. }) => {
            format!("group_role:{id} {group_id}")
        }
        other => other.code().to_owned(),
    }
}

/// What was asked for is anybody's text: an event does not grow with it.
fn add(list: &mut String, scope: &str, room: &mut usize) -> bool {
    let Some(left) = room.checked_sub(scope.len() + 1) else { return false };
    *room = left;
    if !list.is_empty() {
        list.push(' ');
    }
    list.push_str(scope);
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Bytes of scopes in each part: more than the thousand scopes of an API with names of ordinary length need.
const MOST: usize = 16 * 1024;
