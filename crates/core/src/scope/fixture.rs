//! The fixture of fact sheet 3.8: one API, one user, one application.

use serde_json::json;

use crate::model::{Api, Client, ClientGrant, Permission, Role};

pub(super) const API: &str = "https://api.x/";

pub(super) fn api() -> Api {
    serde_json::from_value(json!({
        "id": "6a0000000000000000000001", "identifier": API, "allow_offline_access": true, "signing_alg": "RS256",
        "scopes": [{"value": "read:a"}, {"value": "write:a"}, {"value": "del:a"}], "token_dialect": "access_token"
    }))
    .unwrap()
}

pub(super) fn client() -> Client {
    serde_json::from_value(json!({
        "name": "W", "client_id": "W", "is_first_party": true, "oidc_conformant": true,
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code", "implicit", "refresh_token", "client_credentials", "password"]
    }))
    .unwrap()
}

pub(super) fn third_party() -> Client {
    serde_json::from_value(json!({
        "name": "T", "client_id": "tpc_T", "is_first_party": false, "third_party_security_mode": "strict",
        "oidc_conformant": true, "grant_types": ["authorization_code", "refresh_token"]
    }))
    .unwrap()
}

pub(super) fn grant(subject_type: &str, scope: &[&str]) -> ClientGrant {
    serde_json::from_value(json!({
        "id": "cgr_1", "client_id": "W", "audience": API, "subject_type": subject_type, "scope": scope
    }))
    .unwrap()
}

pub(super) fn permission(scope: &str) -> Permission {
    Permission { resource_server_identifier: API.to_owned(), permission_name: scope.to_owned() }
}

pub(super) fn role(id: &str, scopes: &[&str]) -> Role {
    Role {
        id: id.to_owned(),
        name: format!("Role {id}"),
        description: None,
        kind: None,
        owner_id: None,
        permissions: scopes.iter().map(|s| permission(s)).collect(),
    }
}

pub(super) fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| (*s).to_owned()).collect()
}
