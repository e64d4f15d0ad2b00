//! An application that registered itself.

use serde_json::{Value, json};

use super::{Answer, Ask, CALLBACK, Call, Pairs, Service, TestApp};

/// What registration answered.
pub(crate) struct Registered {
    pub(crate) client_id: String,
    pub(crate) all: Value,
}

impl Registered {
    /// A server where applications register themselves and do OpenID Connect; documents may lie on loopback.
    pub(crate) async fn app(strict: bool) -> TestApp {
        let app = TestApp::configured(Service::config()).await;
        let mode = if strict { "strict" } else { "permissive" };
        let settings = json!({
            "flags": { "enable_dynamic_client_registration": true }, "dynamic_client_registration_security_mode": mode,
        });
        app.manage("PATCH", "/tenants/settings", settings).await;
        app
    }

    pub(crate) async fn ask(app: &TestApp, metadata: &Value) -> Answer {
        app.send(Call::post("/oidc/register").json(metadata)).await
    }

    /// With the usual callback, and these members.
    pub(crate) async fn new(app: &TestApp, more: Value) -> Self {
        let mut metadata = json!({ "client_name": "Visitor", "redirect_uris": [CALLBACK] });
        metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let all = Self::ask(app, &metadata).await.expect(201).json();
        Self { client_id: all["client_id"].as_str().unwrap().to_owned(), all }
    }

    pub(crate) fn code(&self, scope: &str) -> Ask {
        Ask::code(&self.client_id, scope)
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.all[name].as_str().unwrap_or_else(|| panic!("no {name}: {}", self.all))
    }

    /// Redeems, or asks for anything else, with its secret.
    pub(crate) async fn token(&self, app: &TestApp, pairs: Pairs<'_>) -> Answer {
        let own = [("client_id", self.client_id.as_str()), ("client_secret", self.text("client_secret"))];
        app.token(&[&own, pairs].concat()).await
    }

    pub(crate) async fn redeem(&self, app: &TestApp, code: &str) -> Answer {
        let grant = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        self.token(app, &grant).await
    }

    /// `METHOD /oidc/register/ID` with this token.
    pub(crate) fn manage(&self, method: &str, token: &str) -> Call {
        Call::new(method, &format!("/oidc/register/{}", self.client_id)).bearer(token)
    }
}
