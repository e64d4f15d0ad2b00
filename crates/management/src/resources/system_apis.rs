//! APIs that come with the product: made by naming their identifier, with everything else given.

use chancery_core::model::Api;
use serde_json::{Value, json};

/// The stored identifier of the Management API; its document is part of every tenant.
pub(crate) const MANAGEMENT: &str = "/api/v2/";

/// The API that an identifier (as stored, without the origin) stands for; `None` for everybody else's.
pub(super) fn predefined(identifier: &str) -> Option<Value> {
    match identifier {
        "/me/" => Some(json!({
            "name": "My Account API",
            "identifier": "/me/",
            "is_system": true,
            "allow_offline_access": true,
            "skip_consent_for_verifiable_first_party_clients": true,
            "subject_type_authorization": policies("deny_all", "require_client_grant"),
            "token_lifetime": 600,
            "token_lifetime_for_web": 600,
            "proof_of_possession": {"mechanism": "dpop", "required": false},
            "scopes": scopes(&[
                ("create read update delete", "me:authentication_methods"),
                ("create read delete", "me:connected_accounts"),
                ("read", "me:consents me:factors me:organizations"),
            ]),
        })),
        "/my-org/" => Some(json!({
            "name": "My Organization API",
            "identifier": "/my-org/",
            "is_system": true,
            "subject_type_authorization": policies("deny_all", "require_client_grant"),
            "scopes": scopes(&[
                ("read update", "my_org:details"),
                ("create read update delete", "my_org:domains my_org:identity_providers"),
                ("create read delete", "my_org:clients my_org:member_invitations my_org:member_roles"),
                ("read", "my_org:configuration my_org:members my_org:user_stores"),
                ("delete", "my_org:memberships"),
            ]),
        })),
        "urn:auth0:express-configure" => Some(json!({
            "name": "Okta OIN Express Configuration API",
            "identifier": identifier,
            "is_system": true,
            "enforce_policies": true,
            "subject_type_authorization": policies("deny_all", "allow_all"),
            "token_lifetime": 300,
            "scopes": [
                {"value": "express_configure:sso", "description": "Configure single sign-on"},
                {"value": "express_configure:scim", "description": "Configure provisioning"},
            ],
        })),
        _ => None,
    }
}

/// Whether the API is one that administrators may neither change nor delete.
pub(super) fn is_fixed(api: &Api) -> bool {
    api.is_system() && api.identifier == MANAGEMENT
}

fn policies(client: &str, user: &str) -> Value {
    json!({"client": {"policy": client}, "user": {"policy": user}})
}

fn scopes(groups: &[(&str, &str)]) -> Vec<Value> {
    let each = groups.iter().flat_map(|(actions, resources)| {
        resources.split(' ').flat_map(move |resource| {
            actions.split(' ').map(move |action| json!({"value": format!("{action}:{resource}")}))
        })
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_one_is_an_api() {
        for identifier in ["/me/", "/my-org/", "urn:auth0:express-configure"] {
            let mut document = predefined(identifier).unwrap();
            document["id"] = "x".into();
            let api: Api = serde_json::from_value(document).unwrap();
            assert_eq!(api.identifier, identifier);
            assert!(api.is_system() && !is_fixed(&api) && api.live_scopes().count() > 1);
        }
        assert!(predefined("https://api.example/me/").is_none());
    }
}
