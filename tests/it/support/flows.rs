//! The words of OAuth, said to a server: token requests and the Management API.

use chancery::seed;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{Answer, Ask, Browser, CALLBACK, Call, ISSUER, Pairs, TestApp};

pub(crate) use chancery::seed::{CONNECTION, JANE, SAM};

/// The demo API.
pub(crate) const API: &str = seed::API_IDENTIFIER;

impl TestApp {
    /// `POST /oauth/token` with a form.
    pub(crate) async fn token(&self, pairs: Pairs<'_>) -> Answer {
        self.send(Call::post("/oauth/token").form(pairs)).await
    }

    /// The same as Demo Web, with its secret in the body.
    pub(crate) async fn web_token(&self, pairs: Pairs<'_>) -> Answer {
        let secret = self.web_secret();
        let own = [("client_id", self.clients.web.client_id.as_str()), ("client_secret", &secret)];
        self.token(&[&own, pairs].concat()).await
    }

    /// The same as Demo SPA, which has no secret.
    pub(crate) async fn spa_token(&self, pairs: Pairs<'_>) -> Answer {
        let own = [("client_id", self.clients.spa.client_id.as_str())];
        self.token(&[&own, pairs].concat()).await
    }

    /// Demo Web redeems a code.
    pub(crate) async fn redeem(&self, code: &str) -> Answer {
        let grant = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        self.web_token(&grant).await
    }

    /// Demo Web exchanges a refresh token.
    pub(crate) async fn refresh(&self, token: &str, more: Pairs<'_>) -> Answer {
        let grant = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.web_token(&[&grant, more].concat()).await
    }

    pub(crate) async fn userinfo(&self, token: &str) -> Answer {
        self.send(Call::get("/userinfo").bearer(token)).await
    }

    /// Demo Web's request for the demo API.
    pub(crate) fn ask(&self, scope: &str) -> Ask {
        Ask::code(&self.clients.web.client_id, scope).with("audience", API)
    }

    /// A code for Demo Web: Jane signs in with a new browser and agrees.
    pub(crate) async fn code(&self, scope: &str) -> String {
        self.code_for(&self.ask(scope)).await
    }

    pub(crate) async fn code_for(&self, ask: &Ask) -> String {
        Browser::new(self).authorize(ask, &JANE).await.get("code")
    }

    /// What Demo Web gets when Jane signs in and agrees.
    pub(crate) async fn sign_in(&self, scope: &str) -> Value {
        let code = self.code(scope).await;
        self.redeem(&code).await.expect(200).json()
    }

    /// A token of the management application.
    pub(crate) async fn management_token(&self) -> String {
        let own = &self.clients.management;
        let secret = own.client_secret.as_ref().unwrap().expose_secret();
        let audience = format!("{ISSUER}api/v2/");
        let grant = [
            ("grant_type", "client_credentials"),
            ("client_id", own.client_id.as_str()),
            ("client_secret", secret),
            ("audience", &audience),
        ];
        self.token(&grant).await.expect(200).text("access_token")
    }

    /// A call of the Management API that must succeed; `path` begins behind `/api/v2`.
    pub(crate) async fn manage(&self, method: &str, path: &str, body: Value) -> Value {
        let token = self.management_token().await;
        let call = Call::new(method, &format!("/api/v2{path}")).bearer(&token);
        let answer = self.send(if body.is_null() { call } else { call.json(&body) }).await;
        assert!(answer.status.is_success(), "{method} {path}: {answer:?}");
        serde_json::from_str(&answer.body).unwrap_or(Value::Null)
    }

    /// The same of operations that are ours alone; `path` begins behind `/api/chancery/v1`.
    pub(crate) async fn manage_own(&self, method: &str, path: &str, body: Value) -> Value {
        let token = self.management_token().await;
        let call = Call::new(method, &format!("/api/chancery/v1{path}")).bearer(&token);
        let answer = self.send(if body.is_null() { call } else { call.json(&body) }).await;
        assert!(answer.status.is_success(), "{method} {path}: {answer:?}");
        answer.json()
    }

    /// Changes the demo API.
    pub(crate) async fn set_api(&self, changes: Value) {
        let path = format!("/resource-servers/{}", API.replace(':', "%3A").replace('/', "%2F"));
        self.manage("PATCH", &path, changes).await;
    }

    /// Changes an application.
    pub(crate) async fn set_client(&self, client_id: &str, changes: Value) {
        self.manage("PATCH", &format!("/clients/{client_id}"), changes).await;
    }

    /// Changes Demo Web.
    pub(crate) async fn set_web(&self, changes: Value) {
        self.set_client(&self.clients.web.client_id, changes).await;
    }

    /// Makes Demo Web's refresh tokens rotate.
    pub(crate) async fn rotate_refresh_tokens(&self, leeway: i64) {
        self.set_web(json!({ "refresh_token": {
            "rotation_type": "rotating", "expiration_type": "expiring", "leeway": leeway,
            "token_lifetime": 2_592_000, "idle_token_lifetime": 1_296_000,
            "infinite_token_lifetime": false, "infinite_idle_token_lifetime": false,
        } }))
        .await;
    }

    /// Jane's id.
    pub(crate) async fn jane(&self) -> String {
        let found = self.manage("GET", "/users-by-email?email=jane%40example.com", Value::Null).await;
        found[0]["user_id"].as_str().unwrap().to_owned()
    }
}

/// A path segment: user ids have a bar.
pub(crate) fn segment(id: &str) -> String {
    id.replace('|', "%7C")
}

impl TestApp {
    /// The ticket in the newest mail to this address.
    #[track_caller]
    pub(crate) fn mailed_ticket(&self, to: &str) -> String {
        let kept = self.app.outbox.kept();
        let mail = kept.iter().find(|mail| mail.to == to).unwrap_or_else(|| panic!("no mail to {to}"));
        let (_, after) = mail.text.split_once("ticket=").unwrap_or_else(|| panic!("no link: {}", mail.text));
        after.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect()
    }
}
