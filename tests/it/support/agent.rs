//! A program that nobody registered: it describes itself at a URL.

use serde_json::{Value, json};

use super::{API, Answer, Ask, Browser, CONNECTION, Call, JANE, Pairs, Publisher, TestApp};

/// The path of its description.
const PATH: &str = "/agents/one.json";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-for-tests";

pub(crate) struct Agent {
    pub(crate) publisher: Publisher,
}

impl Agent {
    /// What it wants to be answered at, on the port that it happens to have today.
    pub(crate) const CALLBACK: &str = "http://127.0.0.1:49152/callback";

    /// It, and a server that lets such ones read contacts.
    pub(crate) async fn and_server() -> (Self, TestApp) {
        let publisher = Publisher::start().await;
        let app = TestApp::configured(publisher.config.clone()).await;
        let agent = Self { publisher };
        agent.publish(json!({}));
        app.let_agents_in(json!({})).await;
        (agent, app)
    }

    /// Publishes its description with these members changed.
    pub(crate) fn publish(&self, changes: Value) {
        let mut document = json!({
            "client_id": self.id(),
            "client_name": "Agent",
            "redirect_uris": ["http://127.0.0.1/callback", "https://agent.example/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let Value::Object(changes) = changes else { panic!("an object: {changes}") };
        for (name, value) in changes {
            document[name] = value;
        }
        self.publisher.publish(PATH, document);
    }

    pub(crate) fn id(&self) -> String {
        self.publisher.url(PATH)
    }

    pub(crate) fn ask(&self, scope: &str) -> Ask {
        let ask = Ask::code(&self.id(), scope).with("redirect_uri", Self::CALLBACK).with("resource", API);
        ask.challenged(VERIFIER)
    }

    /// Jane signs in and agrees.
    pub(crate) async fn code(&self, app: &TestApp, scope: &str) -> String {
        Browser::new(app).authorize(&self.ask(scope), &JANE).await.get("code")
    }

    pub(crate) async fn redeem(&self, app: &TestApp, code: &str, more: Pairs<'_>) -> Answer {
        let id = self.id();
        let grant = [
            ("grant_type", "authorization_code"),
            ("client_id", id.as_str()),
            ("code", code),
            ("redirect_uri", Self::CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        app.token(&[&grant[..], more].concat()).await
    }
}

impl TestApp {
    /// Turns on applications that describe themselves: they may read contacts of the demo API, unless the changes say otherwise.
    pub(crate) async fn let_agents_in(&self, changes: Value) {
        let mut template = json!({
            "enabled": true,
            "apis": [{ "identifier": API, "scope": ["read:contacts"] }],
            "connections": [CONNECTION],
        });
        for (name, value) in changes.as_object().unwrap() {
            template[name] = value.clone();
        }
        self.set_agents(json!({ "client_id_metadata_documents": template })).await.expect(200);
    }

    pub(crate) async fn set_agents(&self, settings: Value) -> Answer {
        let token = self.management_token().await;
        self.send(Call::new("PUT", "/api/chancery/v1/agent-access").bearer(&token).json(&settings)).await
    }
}
