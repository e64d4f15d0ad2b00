//! Two APIs and the application that stands for the first, which calls the second for its users (RFC 8693).

use serde_json::{Value, json};

use super::{API, Answer, Call, Pairs, TestApp};

pub(crate) const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub(crate) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// The second API, with `read:invoices` and `write:invoices`.
pub(crate) const INVOICES: &str = "https://invoices.example/api";

/// The application that stands for the demo API.
pub(crate) struct Middle {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
}

impl Middle {
    /// With a client grant for what the second API lets read.
    pub(crate) async fn new(app: &TestApp) -> Self {
        let scopes = json!([{ "value": "read:invoices" }, { "value": "write:invoices" }]);
        let api = json!({ "identifier": INVOICES, "name": "Invoices", "scopes": scopes });
        app.manage("POST", "/resource-servers", api).await;
        let middle = Self::of(app, API).await;
        middle.grant(app, json!(["read:invoices"])).await;
        middle
    }

    /// For any API, without a grant.
    pub(crate) async fn of(app: &TestApp, identifier: &str) -> Self {
        let wish = json!({
            "name": format!("Behind {identifier}"), "app_type": "resource_server", "resource_server_identifier": identifier,
            "token_endpoint_auth_method": "client_secret_post",
            "token_exchange": { "allow_any_profile_of_type": ["on_behalf_of_token_exchange"] },
        });
        let made = app.manage("POST", "/clients", wish).await;
        let [client_id, client_secret] =
            ["client_id", "client_secret"].map(|name| made[name].as_str().unwrap().to_owned());
        Self { client_id, client_secret }
    }

    pub(crate) async fn grant(&self, app: &TestApp, scope: Value) {
        let grant = json!({
            "client_id": self.client_id, "audience": INVOICES, "scope": scope, "subject_type": "user",
        });
        app.manage("POST", "/client-grants", grant).await;
    }

    /// What an exchange of the token is made of.
    pub(crate) fn form<'a>(&'a self, token: &'a str, more: Pairs<'a>) -> Vec<(&'a str, &'a str)> {
        let own = [
            ("grant_type", EXCHANGE),
            ("client_id", &self.client_id),
            ("client_secret", &self.client_secret),
            ("subject_token", token),
            ("subject_token_type", ACCESS_TOKEN),
        ];
        [&own[..], more].concat()
    }

    /// Exchanges a token for one of this API.
    pub(crate) async fn exchange(&self, app: &TestApp, token: &str, audience: &str, scope: &str) -> Answer {
        let asked = [("audience", audience), ("scope", scope)];
        let asked = if scope.is_empty() { &asked[..1] } else { &asked[..] };
        let form = self.form(token, asked);
        app.send(Call::post("/oauth/token").form(&form)).await
    }
}
