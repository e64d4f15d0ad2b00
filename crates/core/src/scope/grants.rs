//! Finding the client grant and the organization that a request stands on (fact sheet 1.5, 3.1, 3.5).

use crate::model::{Client, ClientGrant, GrantOrganizationUsage, SubjectType};

/// The grant of this application for this API and kind of subject. Its own wins; a third-party application without one
/// falls back on the grant made for all of them. `candidates` may be every grant of the tenant or any part of them that
/// holds the right ones.
pub fn client_grant<'a>(
    candidates: impl IntoIterator<Item = &'a ClientGrant>,
    client: &Client,
    audience: &str,
    subject_type: SubjectType,
) -> Option<&'a ClientGrant> {
    let mut fallback = None;
    for grant in candidates {
        if grant.audience != audience || grant.subject_type != subject_type {
            continue;
        }
        if grant.client_id.as_deref() == Some(client.client_id.as_str()) {
            return Some(grant);
        }
        if is_for(grant, client) {
            fallback = fallback.or(Some(grant));
        }
    }
    fallback
}

/// The organization of a machine request: the one sent, else the application's default where the grant demands one and
/// the default covers `client_credentials`.
pub fn machine_organization<'a>(
    client: &'a Client,
    grant: Option<&ClientGrant>,
    sent: Option<&'a str>,
) -> Option<&'a str> {
    if sent.is_some() {
        return sent;
    }
    grant.filter(|g| g.organization_usage == Some(GrantOrganizationUsage::Require))?;
    let default = client.rest.get("default_organization")?;
    let flows = default.get("flows")?.as_array()?;
    flows.iter().any(|f| f == "client_credentials").then_some(())?;
    default.get("organization_id")?.as_str()
}

/// Whether the grant is this application's own or made for all of its kind.
pub(super) fn is_for(grant: &ClientGrant, client: &Client) -> bool {
    match grant.client_id.as_deref() {
        Some(id) => id == client.client_id,
        None => !client.is_first_party && grant.default_for.as_deref() == Some("third_party_clients"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn grant(value: serde_json::Value) -> ClientGrant {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn own_grant_wins_over_the_default_one() {
        let all = [
            grant(
                json!({"id": "1", "default_for": "third_party_clients", "audience": "a", "subject_type": "user"}),
            ),
            grant(json!({"id": "2", "client_id": "c", "audience": "a", "subject_type": "user"})),
            grant(json!({"id": "3", "client_id": "c", "audience": "a"})),
        ];
        let id = |client: &Client, subject| client_grant(&all, client, "a", subject).map(|g| g.id.as_str());
        let third = Client { client_id: "c".into(), is_first_party: false, ..Client::default() };
        assert_eq!(id(&third, SubjectType::User), Some("2"));
        assert_eq!(id(&third, SubjectType::Client), Some("3"));
        let other = Client { client_id: "d".into(), is_first_party: false, ..Client::default() };
        assert_eq!(id(&other, SubjectType::User), Some("1"));
        assert_eq!(id(&other, SubjectType::Client), None);
        let first = Client { client_id: "d".into(), is_first_party: true, ..Client::default() };
        assert_eq!(id(&first, SubjectType::User), None);
    }

    #[test]
    fn default_organization_steps_in_only_where_one_is_required() {
        let client: Client = serde_json::from_value(json!({
            "client_id": "c", "default_organization": {"organization_id": "org_1", "flows": ["client_credentials"]}
        }))
        .unwrap();
        let of = |usage: &str| {
            grant(json!({"id": "1", "client_id": "c", "audience": "a", "organization_usage": usage}))
        };
        assert_eq!(machine_organization(&client, Some(&of("require")), None), Some("org_1"));
        assert_eq!(machine_organization(&client, Some(&of("require")), Some("org_2")), Some("org_2"));
        assert_eq!(machine_organization(&client, Some(&of("allow")), None), None);
        assert_eq!(machine_organization(&client, None, None), None);
    }
}
