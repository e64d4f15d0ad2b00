//! What the load needs: an application made for it, APIs, and the words to speak with them.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{
    person::{Person, Step},
    server::Server,
    wire::{Answer, Call, Lost, Wire},
};

/// Not on loopback: there the application could not be verified, and consent would be asked for after all.
pub(super) const CALLBACK: &str = "https://app.crash.example/callback";
pub(super) const REALM: &str = "Username-Password-Authentication";
const REALM_GRANT: &str = "http://auth0.com/oauth/grant-type/password-realm";

/// A server made ready. Stays good over restarts: issuer, secrets and keys stay.
#[derive(Clone)]
pub(super) struct Tenant {
    address: SocketAddr,
    host: String,
    client_id: String,
    client_secret: String,
    /// For the Management API. Used after restarts too: it needs the signing keys of before.
    pub(super) bearer: String,
    /// The demo API, which asks for consent.
    pub(super) demo_api: String,
    /// Email and password.
    pub(super) jane: (String, String),
}

impl Tenant {
    pub(super) async fn prepare(server: &Server) -> Self {
        let ready = &server.ready;
        let host = host(server);
        let mut wire = Wire::new(server.address, &host, true);
        let management = &ready.clients.management;
        let request = Call::form(
            "/oauth/token",
            &[
                ("grant_type", "client_credentials"),
                ("client_id", &management.client_id),
                ("client_secret", management.client_secret.as_ref().unwrap()),
                ("audience", &format!("{}api/v2/", ready.issuer)),
            ],
        );
        let bearer = wire.send(&request).await.unwrap().expect(200).text("access_token");
        let create = Call::json("POST", "/api/v2/clients", &client()).bearer(&bearer);
        let client = wire.send(&create).await.unwrap().expect(201);
        Self {
            address: server.address,
            client_id: client.text("client_id"),
            client_secret: client.text("client_secret"),
            bearer,
            demo_api: ready.api.identifier.clone(),
            jane: (ready.user.email.clone(), ready.user.password.clone()),
            host,
        }
    }

    /// To a server of which nothing is known yet.
    pub(super) fn wire_of(server: &Server) -> Wire {
        Wire::new(server.address, &host(server), true)
    }

    pub(super) fn wire(&self, keeps: bool) -> Wire {
        Wire::new(self.address, &self.host, keeps)
    }

    /// Jane, signed in, with the consents that the load takes for granted.
    pub(super) async fn signed_in(&self) -> Person {
        let mut person = Person::new(self.wire(true), &self.host);
        let mut step = person.open(&self.authorize(Ask::Opaque)).await.unwrap();
        loop {
            step = match step {
                Step::Login(state) => person.log_in(&state, &self.jane).await.unwrap(),
                Step::Consent(state) => person.consent(&state).await.unwrap(),
                Step::Resume(target) => person.open(&target).await.unwrap(),
                Step::Landed(answer) => {
                    assert!(answer.code.is_some(), "{answer:?}");
                    return person;
                }
            };
        }
    }

    /// `/authorize` for the application of the load.
    pub(super) fn authorize(&self, ask: Ask<'_>) -> String {
        self.authorize_for(&self.client_id, ask)
    }

    pub(super) fn authorize_for(&self, client_id: &str, ask: Ask<'_>) -> String {
        let mut query = form_urlencoded::Serializer::new("/authorize?".to_owned());
        query.append_pair("response_type", "code").append_pair("client_id", client_id);
        query.append_pair("redirect_uri", CALLBACK).append_pair("state", "s");
        match ask {
            Ask::Opaque => query.append_pair("scope", "openid profile"),
            Ask::Offline(api) => {
                query.append_pair("audience", api).append_pair("scope", "openid offline_access read:crash")
            }
            Ask::Demo => {
                query.append_pair("audience", &self.demo_api).append_pair("scope", "openid read:contacts")
            }
            Ask::DemoSilently => query
                .append_pair("audience", &self.demo_api)
                .append_pair("scope", "openid read:contacts")
                .append_pair("prompt", "none"),
            Ask::Silently => query.append_pair("scope", "openid profile").append_pair("prompt", "none"),
        };
        query.finish().replacen("?&", "?", 1)
    }

    pub(super) async fn exchange(&self, wire: &mut Wire, code: &str) -> Result<Answer, Lost> {
        let grant = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        self.ask(wire, "/oauth/token", &grant).await
    }

    pub(super) async fn refresh(&self, wire: &mut Wire, token: &str) -> Result<Answer, Lost> {
        self.ask(wire, "/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    pub(super) async fn revoke(&self, wire: &mut Wire, token: &str) -> Result<Answer, Lost> {
        self.ask(wire, "/oauth/revoke", &[("token", token)]).await
    }

    pub(super) async fn password(
        &self,
        wire: &mut Wire,
        email: &str,
        password: &str,
    ) -> Result<Answer, Lost> {
        let grant =
            [("grant_type", REALM_GRANT), ("username", email), ("password", password), ("realm", REALM)];
        self.ask(wire, "/oauth/token", &grant).await
    }

    async fn ask(&self, wire: &mut Wire, path: &str, fields: &[(&str, &str)]) -> Result<Answer, Lost> {
        let own = [("client_id", self.client_id.as_str()), ("client_secret", &self.client_secret)];
        wire.send(&Call::form(path, &[&own, fields].concat())).await
    }

    /// A browser with somebody's cookies.
    pub(super) fn person(&self, like: &Person) -> Person {
        Person::new(self.wire(true), &self.host).with_cookies(like)
    }

    /// A browser without.
    pub(super) fn stranger(&self, keeps: bool) -> Person {
        Person::new(self.wire(keeps), &self.host)
    }
}

/// What is asked of `/authorize`.
#[derive(Clone, Copy)]
pub(super) enum Ask<'a> {
    /// No API, so that the access token is opaque and rests in the database.
    Opaque,
    /// With a refresh token, for an API of the load.
    Offline(&'a str),
    /// For the demo API, which asks for consent.
    Demo,
    /// The same without a page.
    DemoSilently,
    /// As opaque, without a page.
    Silently,
}

fn host(server: &Server) -> String {
    server.ready.issuer.trim_start_matches("http://").trim_end_matches('/').to_owned()
}

/// Its consent is skipped, so that signed-in users get codes at once.
pub(super) fn api(identifier: &str) -> Value {
    json!({
        "name": identifier, "identifier": identifier, "signing_alg": "RS256",
        "scopes": [{ "value": "read:crash", "description": "Read" }],
        "allow_offline_access": true, "skip_consent_for_verifiable_first_party_clients": true,
    })
}

/// Refresh tokens rotate, without leeway: what was exchanged is over at once.
fn client() -> Value {
    json!({
        "name": "Crash", "app_type": "regular_web", "callbacks": [CALLBACK], "oidc_conformant": true,
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code", "refresh_token", REALM_GRANT],
        "jwt_configuration": { "alg": "RS256" },
        "refresh_token": {
            "rotation_type": "rotating", "expiration_type": "expiring", "leeway": 0,
            "token_lifetime": 2_592_000, "idle_token_lifetime": 1_296_000,
            "infinite_token_lifetime": false, "infinite_idle_token_lifetime": false,
        },
    })
}
