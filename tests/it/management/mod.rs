//! `/api/v2`: the Management API.

mod attack_protection;
mod authentication_methods;
mod branding;
mod changes;
mod changes_bounds;
mod client_documents;
mod clients;
mod configuration;
mod connections;
mod conventions;
mod device_credentials;
mod directory_sync;
mod emails;
mod every_operation;
mod grants;
mod groups;
mod identities;
mod jobs;
mod kept;
mod organizations;
mod pages;
mod password_rules;
mod phone;
mod places;
mod random;
mod resource_servers;
mod roles;
mod saml;
mod search;
mod sessions;
mod stats;
mod tenancy;
mod tenants;
mod tickets;
mod users;
mod users_search;

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::*;

impl TestApp {
    /// A call of the Management API with a token of the management application.
    pub(crate) async fn api(&self, method: &str, path: &str, body: Value) -> Answer {
        let token = self.management_token().await;
        self.api_as(&token, method, path, body).await
    }

    pub(crate) async fn api_as(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        let call = Call::new(method, &format!("/api/v2{path}")).bearer(token);
        self.send(if body.is_null() { call } else { call.json(&body) }).await
    }

    /// A token for the Management API with exactly these scopes, of an application made for it.
    pub(crate) async fn token_with(&self, scopes: &[&str]) -> String {
        let client = self.manage("POST", "/clients", json!({"name": "Machine"})).await;
        let grant = json!({
            "client_id": client["client_id"],
            "audience": format!("{ISSUER}api/v2/"),
            "scope": scopes,
        });
        self.manage("POST", "/client-grants", grant).await;
        self.token_of(&client).await
    }

    /// A machine's token for the Management API.
    async fn token_of(&self, client: &Value) -> String {
        let audience = format!("{ISSUER}api/v2/");
        let grant = [
            ("grant_type", "client_credentials"),
            ("client_id", client["client_id"].as_str().unwrap()),
            ("client_secret", client["client_secret"].as_str().unwrap()),
            ("audience", &audience),
        ];
        self.token(&grant).await.expect(200).text("access_token")
    }

    fn management_client(&self) -> Value {
        let own = &self.clients.management;
        let secret = own.client_secret.as_ref().unwrap().expose_secret();
        json!({"client_id": own.client_id, "client_secret": secret})
    }
}

impl Answer {
    /// Asserts an error of the Management API, whole.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, code: Option<&str>, message: &str) {
        let body = self.json();
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(body["statusCode"], status);
        assert_eq!(body["message"], message);
        assert_eq!(body.get("errorCode").and_then(Value::as_str), code);
        assert!(body["error"].is_string());
    }
}

/// The demo API as a path segment.
fn api_path() -> String {
    format!("/resource-servers/{}", escaped(API))
}

pub(crate) fn escaped(text: &str) -> String {
    text.replace(':', "%3A").replace('/', "%2F")
}
