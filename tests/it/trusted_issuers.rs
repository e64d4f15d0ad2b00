//! Tokens of servers of others: exchanged by a profile (RFC 8693), or shown as assertions (RFC 7523, identity assertions).

use chancery_core::Clock;
use chancery_jose::{Algorithm, SigningKey, Typ, base64url, generate_es256};
use serde_json::{Value, json};

use crate::support::*;

pub(crate) const ISS: &str = "https://idp.example";
const KIND: &str = "urn:acme:legacy-session";
pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A server that is trusted, an application that may bring its tokens, and a profile.
pub(crate) struct Foreign {
    pub(crate) key: SigningKey,
    pub(crate) id: String,
    client_id: String,
    client_secret: String,
    jane: String,
}

impl Foreign {
    pub(crate) async fn new(app: &TestApp) -> Self {
        let key = SigningKey::from_pkcs8(Algorithm::ES256, "one", &generate_es256().unwrap()).unwrap();
        let keys = json!({ "jwks": { "keys": [key.public_jwk().unwrap()] } });
        Self::with_keys(app, key, keys).await
    }

    pub(crate) async fn with_keys(app: &TestApp, key: SigningKey, keys: Value) -> Self {
        let (client_id, client_secret) = bringer(app).await;
        let profile = json!({
            "name": "Legacy", "subject_token_type": KIND, "action_id": "none", "type": "custom_authentication",
        });
        let profile = app.manage("POST", "/token-exchange-profiles", profile).await;
        let mut body = json!({
            "name": "Company", "issuer": ISS, "audiences": ["legacy"], "clients": [client_id], "connection": CONNECTION,
            "user": { "claim": "sub", "is": "user_id" }, "token_exchange_profiles": [profile["id"]],
            "jwt_bearer": true, "identity_assertions": true,
        });
        for (name, value) in keys.as_object().unwrap() {
            body[name] = value.clone();
        }
        let id = app.ours("POST", "/trusted-issuers", body).await.expect(201).json()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let connections = app.manage("GET", &format!("/connections?name={CONNECTION}"), Value::Null).await;
        let connection = connections[0]["id"].as_str().unwrap();
        let enable = json!([{ "client_id": client_id, "status": true }]);
        app.manage("PATCH", &format!("/connections/{connection}/clients"), enable).await;
        Self { key, id, client_id, client_secret, jane: app.jane().await }
    }

    /// Claims that are good, with these changed; null takes one away.
    pub(crate) fn claims(&self, app: &TestApp, change: Value) -> Value {
        let now = app.clock.now();
        let mut claims = json!({
            "iss": ISS, "aud": ISSUER, "sub": self.jane, "iat": now, "exp": now + 300,
            "jti": chancery_core::ids::url_safe(&TestRng::seeded(now.unsigned_abs() + change.to_string().len() as u64), 12),
            "client_id": self.client_id, "resource": API, "scope": "read:contacts",
        });
        let Value::Object(change) = change else { panic!("an object: {change}") };
        for (name, value) in change {
            match value.is_null() {
                true => drop(claims.as_object_mut().unwrap().remove(&name)),
                false => claims[name] = value,
            }
        }
        claims
    }

    pub(crate) fn signed(&self, app: &TestApp, change: Value) -> String {
        self.key.sign(Typ::Jwt, self.claims(app, change).to_string().as_bytes()).unwrap()
    }

    /// An identity assertion: its type is none of ours, so that the header is written by hand.
    pub(crate) fn identity(&self, app: &TestApp, change: Value) -> String {
        let header = json!({ "alg": "ES256", "typ": "oauth-id-jag+jwt", "kid": "one" }).to_string();
        let claims = self.claims(app, change).to_string();
        let input = format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()));
        let signature = base64url(&self.key.sign_raw(input.as_bytes()).unwrap());
        format!("{input}.{signature}")
    }

    /// Another application that may do the same, and that no issuer names.
    pub(crate) async fn twin(&self, app: &TestApp) -> Self {
        let (client_id, client_secret) = bringer(app).await;
        let (id, jane) = (self.id.clone(), self.jane.clone());
        let key = SigningKey::from_pkcs8(Algorithm::ES256, "twin", &generate_es256().unwrap()).unwrap();
        Self { key, id, client_id, client_secret, jane }
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(crate) fn own(&self) -> [(&str, &str); 2] {
        [("client_id", &self.client_id), ("client_secret", &self.client_secret)]
    }

    pub(crate) async fn exchange(&self, app: &TestApp, token: &str, scope: &str) -> Answer {
        let form = [
            ("grant_type", EXCHANGE),
            ("subject_token", token),
            ("subject_token_type", KIND),
            ("audience", API),
            ("scope", scope),
        ];
        app.token(&[&self.own()[..], &form].concat()).await
    }

    pub(crate) async fn assert(&self, app: &TestApp, token: &str, more: Pairs<'_>) -> Answer {
        let form = [("grant_type", JWT_BEARER), ("assertion", token)];
        app.token(&[&self.own()[..], &form, more].concat()).await
    }
}

/// An application that may bring tokens of others, and its secret.
async fn bringer(app: &TestApp) -> (String, String) {
    let wish = json!({
        "name": "Bringer", "app_type": "regular_web", "oidc_conformant": true,
        "token_endpoint_auth_method": "client_secret_post", "grant_types": ["refresh_token", JWT_BEARER],
        "token_exchange": { "allow_any_profile_of_type": ["custom_authentication"] },
    });
    let made = app.manage("POST", "/clients", wish).await;
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("client_id"), text("client_secret"))
}

impl TestApp {
    /// A call of our own operations.
    pub(crate) async fn ours(&self, method: &str, path: &str, body: Value) -> Answer {
        let token = self.management_token().await;
        let call = Call::new(method, &format!("/api/chancery/v1{path}")).bearer(&token);
        self.send(if body.is_null() { call } else { call.json(&body) }).await
    }
}

#[tokio::test]
async fn a_profile_acts_where_an_issuer_is_trusted_for_it() {
    for app in engines().await {
        let foreign = Foreign::new(&app).await;
        let token = foreign.signed(&app, json!({ "aud": "legacy" }));
        let answer =
            foreign.exchange(&app, &token, "openid offline_access read:contacts delete:contacts").await;
        let answer = answer.expect(200).json();
        assert_eq!(answer["issued_token_type"], ACCESS_TOKEN);
        let claims = app.verified(answer["access_token"].as_str().unwrap()).await;
        assert_eq!((&claims["sub"], &claims["azp"]), (&json!(foreign.jane), &json!(foreign.client_id)));
        assert!(answer["id_token"].is_string());
        // The same token again: it is as good as it was.
        foreign.exchange(&app, &token, "read:contacts").await.expect(200);
        let refresh = answer["refresh_token"].as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        app.token(&[&foreign.own()[..], &form].concat()).await.expect(200);
        app.app.logs.flush().await.unwrap();
        let logs = app.manage("GET", "/logs?q=type:secte", Value::Null).await;
        assert_eq!(logs[0]["user_id"], json!(foreign.jane));
        // Without the issuer nothing is believed.
        app.ours("DELETE", &format!("/trusted-issuers/{}", foreign.id), Value::Null).await.expect(204);
        let answer = foreign.exchange(&app, &token, "read:contacts").await;
        answer.is_error(400, "invalid_request", "The subject_token is not valid for this client");
    }
}

#[tokio::test]
async fn assertions() {
    for app in engines().await {
        let foreign = Foreign::new(&app).await;
        let token = foreign.signed(&app, json!({ "jti": "a", "scope": null, "resource": null }));
        let more = [("audience", API), ("scope", "openid offline_access read:contacts")];
        let answer = foreign.assert(&app, &token, &more).await.expect(200).json();
        assert_eq!(answer["scope"], "read:contacts");
        for absent in ["refresh_token", "id_token", "issued_token_type"] {
            assert_eq!(answer.get(absent), None, "{absent}");
        }
        // Once.
        let again = foreign.assert(&app, &token, &more).await;
        again.is_error(400, "invalid_grant", "Assertion is invalid or has expired");
        // What an identity assertion says counts before what the request says.
        let token = foreign.identity(&app, json!({ "jti": "b" }));
        let more = [("audience", "https://nothing.example"), ("scope", "read:contacts delete:contacts")];
        let answer = foreign.assert(&app, &token, &more).await.expect(200).json();
        assert_eq!(answer["scope"], "read:contacts");
        let token = foreign.identity(&app, json!({ "jti": "c" }));
        assert_eq!(foreign.assert(&app, &token, &[]).await.expect(200).json()["scope"], "read:contacts");
    }
}

#[tokio::test]
async fn keys_are_fetched_and_fetched_again_when_they_change() {
    let publisher = Publisher::start().await;
    let app = TestApp::configured(publisher.config.clone()).await;
    let make = |kid: &str| SigningKey::from_pkcs8(Algorithm::ES256, kid, &generate_es256().unwrap()).unwrap();
    let (first, second) = (make("first"), make("second"));
    let publish =
        |key: &SigningKey| publisher.publish("/keys", json!({ "keys": [key.public_jwk().unwrap()] }));
    publish(&first);
    let mut foreign = Foreign::with_keys(&app, first, json!({ "jwks_uri": publisher.url("/keys") })).await;
    for _ in 0..3 {
        let token = foreign.signed(&app, json!({}));
        foreign.exchange(&app, &token, "read:contacts").await.expect(200);
    }
    assert_eq!(publisher.asked(), 1);
    publish(&second);
    foreign.key = second;
    // Not all the time for keys that are not there.
    let token = foreign.signed(&app, json!({}));
    assert_eq!(foreign.exchange(&app, &token, "read:contacts").await.status, 400);
    assert_eq!(publisher.asked(), 1);
    app.clock.advance(31);
    let token = foreign.signed(&app, json!({}));
    foreign.exchange(&app, &token, "read:contacts").await.expect(200);
    assert_eq!(publisher.asked(), 2);
}

#[tokio::test]
async fn who_it_names() {
    let app = TestApp::new().await;
    let foreign = Foreign::new(&app).await;
    let path = format!("/trusted-issuers/{}", foreign.id);
    let by = async |claim: &str, is: &str| {
        let user = json!({ "user": { "claim": claim, "is": is } });
        app.ours("PATCH", &path, user).await.expect(200);
    };
    let ask = async |change: Value| {
        let token = foreign.signed(&app, change);
        foreign.exchange(&app, &token, "read:contacts").await.status.as_u16()
    };
    let own = foreign.jane.split_once('|').unwrap().1.to_owned();
    by("employee", "identity").await;
    assert_eq!(ask(json!({ "employee": own })).await, 200);
    assert_eq!(ask(json!({ "employee": foreign.jane })).await, 400);
    by("email", "email").await;
    app.manage("PATCH", &format!("/users/{}", segment(&foreign.jane)), json!({ "email_verified": true }))
        .await;
    let mail = |verified: bool| json!({ "email": "Jane@example.com", "email_verified": verified });
    assert_eq!(ask(mail(true)).await, 200);
    assert_eq!(ask(mail(false)).await, 400);
    app.manage("PATCH", &format!("/users/{}", segment(&foreign.jane)), json!({ "email_verified": false }))
        .await;
    assert_eq!(ask(mail(true)).await, 400, "nobody has proven it here");
    by("sub", "user_id").await;
    assert_eq!(ask(json!({ "sub": "auth0|nobody" })).await, 400);
    assert_eq!(ask(json!({})).await, 200);
    app.manage("PATCH", &format!("/users/{}", segment(&foreign.jane)), json!({ "blocked": true })).await;
    assert_eq!(ask(json!({})).await, 400);
}

#[tokio::test]
async fn the_settings_are_judged() {
    let app = TestApp::new().await;
    let foreign = Foreign::new(&app).await;
    let path = format!("/trusted-issuers/{}", foreign.id);
    let shown = app.ours("GET", &path, Value::Null).await.expect(200).json();
    assert_eq!((&shown["issuer"], &shown["jwt_bearer"]), (&json!(ISS), &json!(true)));
    assert_eq!(
        app.ours("GET", "/trusted-issuers", Value::Null).await.expect(200).json()[0]["id"],
        json!(foreign.id)
    );
    for (change, place) in [
        (json!({ "issuer": ISSUER }), "issuer"),
        (json!({ "jwks_uri": "http://idp.example/keys", "jwks": null }), "jwks_uri"),
        (json!({ "jwks_uri": "https://idp.example/keys" }), "jwks_uri"),
        (json!({ "jwks": { "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] } }), "jwks"),
        (json!({ "connection": "nothing" }), "connection"),
        (json!({ "clients": ["nothing"] }), "clients[0]"),
        (json!({ "clients": [app.clients.spa.client_id] }), "clients[0]"),
        (json!({ "token_exchange_profiles": ["tep_nothing"] }), "token_exchange_profiles[0]"),
        (json!({ "user": { "claim": "sub", "is": "anybody" } }), "user"),
    ] {
        let answer = app.ours("PATCH", &path, change.clone()).await.expect(400).json();
        assert!(answer["message"].as_str().unwrap().contains(place), "{change}: {answer}");
    }
    let again = json!({
        "name": "Again", "issuer": ISS, "clients": [foreign.client_id], "connection": CONNECTION,
        "jwks": { "keys": [foreign.key.public_jwk().unwrap()] },
    });
    app.ours("POST", "/trusted-issuers", again).await.expect(409);
}

#[tokio::test]
async fn a_policy_of_second_factors_is_not_gone_around() {
    let app = TestApp::new().await;
    let foreign = Foreign::new(&app).await;
    app.manage("PUT", "/guardian/factors/otp", json!({ "enabled": true })).await;
    app.manage("PUT", "/guardian/policies", json!(["all-applications"])).await;
    let ask =
        async |change: Value| foreign.exchange(&app, &foreign.signed(&app, change), "read:contacts").await;
    let refused = ask(json!({ "amr": ["pwd"] })).await;
    assert_eq!((refused.status.as_u16(), refused.text("error").as_str()), (403, "mfa_required"));
    ask(json!({ "amr": ["pwd", "mfa"] })).await.expect(200);
}

/// What its server says that an assertion is for is not gone around by saying it in another form.
#[tokio::test]
async fn case_02_an_identity_assertion_is_for_the_api_that_it_names() {
    let app = TestApp::new().await;
    let foreign = Foreign::new(&app).await;
    for (n, resource) in [
        json!(["https://other.example", "https://another.example"]),
        json!(["https://other.example", API]),
        json!([]),
        json!({ "a": API }),
        json!(1),
    ]
    .into_iter()
    .enumerate()
    {
        let token = foreign.identity(&app, json!({ "jti": format!("bad{n}"), "resource": resource }));
        let answer = foreign.assert(&app, &token, &[("audience", API), ("scope", "read:contacts")]).await;
        answer.is_error(400, "invalid_grant", "Assertion is invalid or has expired");
    }
    let token = foreign.identity(&app, json!({ "jti": "one", "resource": [API] }));
    let answer = foreign.assert(&app, &token, &[("audience", "https://nothing.example")]).await.expect(200);
    assert_eq!(decode(&answer.text("access_token")).1["aud"], json!(API));
    // Without any the request says it, and scopes that the assertion does not name are not to be had.
    let token = foreign.identity(&app, json!({ "jti": "none", "resource": null, "scope": null }));
    let answer = foreign.assert(&app, &token, &[("audience", API), ("scope", "read:contacts")]).await;
    assert_eq!(answer.expect(200).json().get("scope"), None);
}

/// Security cases 8 and 11.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_11_an_assertion_of_others_is_good_once() {
    for app in engines().await {
        let foreign = Foreign::new(&app).await;
        let node = app.neighbour(1).await;
        let token = foreign.signed(&app, json!({ "jti": "once" }));
        let more = [("audience", API), ("scope", "read:contacts")];
        let (a, b, c, d) = tokio::join!(
            foreign.assert(&app, &token, &more),
            foreign.assert(&node, &token, &more),
            foreign.assert(&app, &token, &more),
            foreign.assert(&node, &token, &more),
        );
        let statuses = [a, b, c, d].map(|answer| answer.status.as_u16());
        assert_eq!(
            statuses.iter().filter(|status| **status == 200).count(),
            1,
            "{}: {statuses:?}",
            app.engine
        );
        assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 3, "{statuses:?}");
    }
}

/// A request that can have no token leaves the assertion as it was.
#[tokio::test]
async fn an_assertion_is_not_used_up_in_vain() {
    let app = TestApp::new().await;
    let foreign = Foreign::new(&app).await;
    let token = foreign.signed(&app, json!({ "jti": "kept" }));
    let more = [("audience", API), ("scope", "read:contacts")];
    app.set_api(json!({ "proof_of_possession": { "mechanism": "dpop", "required": true } })).await;
    assert_eq!(foreign.assert(&app, &token, &more).await.expect(400).text("error"), "invalid_request");
    app.set_api(json!({ "proof_of_possession": null })).await;
    foreign.assert(&app, &token, &more).await.expect(200);
}
