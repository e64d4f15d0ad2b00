//! `POST /oauth/introspect` (RFC 7662, RFC 9701).

use chancery_core::Clock;
use chancery_jose::{Algorithm, JwkSet, Unverified, VerifyingKey};
use serde_json::{Value, json};

use crate::support::{API, Answer, CALLBACK, Call, ISSUER, Pairs, Prover, TestApp, decode, engines, segment};

async fn ask_as(app: &TestApp, own: Pairs<'_>, token: &str) -> Answer {
    let body = [own, &[("token", token)]].concat();
    app.send(Call::post("/oauth/introspect").form(&body)).await
}

/// As Demo Web.
async fn ask(app: &TestApp, token: &str) -> Value {
    let secret = app.web_secret();
    let own = [("client_id", app.clients.web.client_id.as_str()), ("client_secret", &secret)];
    ask_as(app, &own, token).await.expect(200).json()
}

/// The application that stands for the demo API.
async fn the_api(app: &TestApp) -> [(String, String); 2] {
    let wish = json!({
        "name": "Contacts", "app_type": "resource_server", "resource_server_identifier": API,
        "token_endpoint_auth_method": "client_secret_post",
    });
    let made = app.manage("POST", "/clients", wish).await;
    ["client_id", "client_secret"].map(|name| (name.to_owned(), made[name].as_str().unwrap().to_owned()))
}

fn pairs(own: &[(String, String)]) -> Vec<(&str, &str)> {
    own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

const INACTIVE: &str = r#"{"active":false}"#;

#[tokio::test]
async fn every_kind_of_token() {
    for app in engines().await {
        let own_api = the_api(&app).await;
        let tokens = app.sign_in("openid offline_access read:contacts").await;
        let (jane, web, now) = (app.jane().await, &app.clients.web.client_id, app.clock.now());
        let access = tokens["access_token"].as_str().unwrap();
        let expected = json!({
            "active": true, "iss": ISSUER, "sub": jane, "client_id": web, "token_type": "Bearer",
            "aud": [API, format!("{ISSUER}userinfo")], "scope": "offline_access openid read:contacts",
            "iat": now, "exp": now + 86_400,
        });
        assert_eq!(ask(&app, access).await, expected);
        let by_api = ask_as(&app, &pairs(&own_api), access).await.expect(200);
        assert_eq!(by_api.json(), expected, "an API asks about what it was sent");
        assert_eq!(by_api.header("cache-control"), Some("no-store"));

        let refresh = tokens["refresh_token"].as_str().unwrap();
        let said = ask(&app, refresh).await;
        let expected = json!({
            "active": true, "iss": ISSUER, "sub": jane, "client_id": web, "iat": now,
            "scope": "openid offline_access read:contacts",
        });
        assert_eq!(said, expected);
        let by_api = ask_as(&app, &pairs(&own_api), refresh).await.expect(200);
        assert_eq!(by_api.body, INACTIVE, "an API has no business with refresh tokens");

        let ask_opaque = crate::support::Ask::code(web, "openid");
        let opaque = app.redeem(&app.code_for(&ask_opaque).await).await.expect(200).text("access_token");
        let said = ask(&app, &opaque).await;
        let expected = json!({
            "active": true, "iss": ISSUER, "sub": jane, "client_id": web, "token_type": "Bearer",
            "aud": format!("{ISSUER}userinfo"), "scope": "openid", "exp": now + 86_400,
        });
        assert_eq!(said, expected);
        assert_eq!(ask_as(&app, &pairs(&own_api), &opaque).await.body, INACTIVE);

        // It was only asked: everything still works.
        app.refresh(refresh, &[]).await.expect(200);
        app.userinfo(&opaque).await.expect(200);
    }
}

#[tokio::test]
async fn who_may_ask() {
    let app = TestApp::new().await;
    let token = app.sign_in("openid read:contacts").await["access_token"].as_str().unwrap().to_owned();
    let own = [("client_id", app.clients.web.client_id.as_str())];
    ask_as(&app, &own, &token).await.is_error(401, "access_denied", "Unauthorized");
    let spa = [("client_id", app.clients.spa.client_id.as_str())];
    let text = "Only applications that authenticate may introspect tokens";
    ask_as(&app, &spa, &token).await.is_error(403, "unauthorized_client", text);
    let secret = app.m2m_secret();
    let stranger = [("client_id", app.clients.m2m.client_id.as_str()), ("client_secret", &secret)];
    assert_eq!(ask_as(&app, &stranger, &token).await.expect(200).body, INACTIVE);
    let nothing = app.send(Call::post("/oauth/introspect").form(&stranger)).await;
    nothing.is_error(400, "invalid_request", "Missing required parameter: token");
    let twice = [&stranger[..], &[("token", "a")]].concat();
    ask_as(&app, &twice, "b").await.is_error(400, "invalid_request", "Parameter sent more than once: token");
    app.send(Call::get("/oauth/introspect")).await.expect(405);
    // To stand for one API is not to stand for another.
    let other = json!({ "identifier": "https://other.example", "name": "Other" });
    app.manage("POST", "/resource-servers", other).await;
    let wish = json!({
        "name": "Other", "app_type": "resource_server", "resource_server_identifier": "https://other.example",
        "token_endpoint_auth_method": "client_secret_post",
    });
    let made = app.manage("POST", "/clients", wish).await;
    let other = [
        ("client_id", made["client_id"].as_str().unwrap()),
        ("client_secret", made["client_secret"].as_str().unwrap()),
    ];
    assert_eq!(ask_as(&app, &other, &token).await.expect(200).body, INACTIVE);
    // Credentials in the header do as well.
    let said = app
        .send(Call::post("/oauth/introspect").basic(stranger[0].1, stranger[1].1).form(&[("token", &token)]));
    assert_eq!(said.await.expect(200).body, INACTIVE);
}

/// Whatever ends a token ends it here too (security case 19).
#[tokio::test]
async fn what_is_over_is_not_active() {
    for app in engines().await {
        let tokens = app.sign_in("openid offline_access read:contacts").await;
        let access = tokens["access_token"].as_str().unwrap();
        let refresh = tokens["refresh_token"].as_str().unwrap();
        for nonsense in
            ["", "x", "a.b.c", "v1.Mx", tokens["id_token"].as_str().unwrap(), &access[..access.len() - 4]]
        {
            if !nonsense.is_empty() {
                assert_eq!(ask(&app, nonsense).await, json!({ "active": false }), "{nonsense}");
            }
        }
        let secret = app.web_secret();
        let revoke = [
            ("client_id", app.clients.web.client_id.as_str()),
            ("client_secret", &secret),
            ("token", refresh),
        ];
        app.send(Call::post("/oauth/revoke").form(&revoke)).await.expect(200);
        assert_eq!(ask(&app, refresh).await, json!({ "active": false }));

        app.rotate_refresh_tokens(0).await;
        let tokens = app.sign_in("openid offline_access").await;
        let first = tokens["refresh_token"].as_str().unwrap();
        let second = app.refresh(first, &[]).await.expect(200).text("refresh_token");
        assert_eq!(ask(&app, first).await, json!({ "active": false }), "spent");
        // And the family lives: to ask about a spent token is no reuse.
        assert_eq!(ask(&app, &second).await["active"], true);
        app.refresh(&second, &[]).await.expect(200);

        let tokens = app.sign_in("openid offline_access read:contacts").await;
        let (access, refresh) =
            (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
        let path = format!("/users/{}", segment(&app.jane().await));
        app.manage("PATCH", &path, json!({ "blocked": true })).await;
        assert_eq!(ask(&app, access).await, json!({ "active": false }), "blocked");
        assert_eq!(ask(&app, refresh).await, json!({ "active": false }), "blocked");
        app.manage("PATCH", &path, json!({ "blocked": false })).await;
        assert_eq!(ask(&app, access).await["active"], true);
        app.clock.advance(86_400);
        assert_eq!(ask(&app, access).await, json!({ "active": false }), "expired");
    }
}

#[tokio::test]
async fn machines_and_keys() {
    let app = TestApp::new().await;
    let own = Prover::new();
    let secret = app.m2m_secret();
    let m2m = [("client_id", app.clients.m2m.client_id.as_str()), ("client_secret", secret.as_str())];
    let grant = [&m2m[..], &[("grant_type", "client_credentials"), ("audience", API)]].concat();
    let token = own.token(&app, &grant).await.expect(200).text("access_token");
    let said = ask_as(&app, &m2m, &token).await.expect(200).json();
    assert_eq!(said["sub"], format!("{}@clients", app.clients.m2m.client_id));
    assert_eq!((&said["token_type"], &said["cnf"]), (&json!("DPoP"), &json!({ "jkt": own.jkt() })));
    let api = pairs(&the_api(&app).await)
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect::<Vec<_>>();
    assert_eq!(ask_as(&app, &pairs(&api), &token).await.json()["active"], true);
    app.manage("DELETE", &format!("/clients/{}", app.clients.m2m.client_id), Value::Null).await;
    assert_eq!(ask_as(&app, &pairs(&api), &token).await.expect(200).body, INACTIVE);
}

/// A token that its API could have made itself proves nothing to anybody.
#[tokio::test]
async fn tokens_with_a_shared_secret() {
    let app = TestApp::new().await;
    app.set_api(json!({ "signing_alg": "HS256", "signing_secret": "0123456789abcdef0123456789abcdef" }))
        .await;
    let token = app.sign_in("openid read:contacts").await["access_token"].as_str().unwrap().to_owned();
    assert_eq!(decode(&token).0["alg"], "HS256");
    assert_eq!(ask(&app, &token).await, json!({ "active": false }));
}

#[tokio::test]
async fn signed() {
    let app = TestApp::new().await;
    let token = app.sign_in("openid read:contacts").await["access_token"].as_str().unwrap().to_owned();
    let secret = app.web_secret();
    let body =
        [("client_id", app.clients.web.client_id.as_str()), ("client_secret", &secret), ("token", &token)];
    let signed = async |body: Pairs<'_>| {
        let call = Call::post("/oauth/introspect").form(body);
        app.send(call.header("accept", "application/token-introspection+jwt, application/json;q=0.1")).await
    };
    let answer = signed(&body).await.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/token-introspection+jwt"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let (header, claims) = decode(&answer.body);
    assert_eq!((&header["typ"], &header["alg"]), (&json!("token-introspection+jwt"), &json!("RS256")));
    let published: JwkSet = serde_json::from_str(&app.get("/.well-known/jwks.json").await.body).unwrap();
    let unverified = Unverified::parse(&answer.body).unwrap();
    let key = VerifyingKey::from_jwk(published.find(header["kid"].as_str().unwrap()).unwrap()).unwrap();
    unverified.verify(&key, &[Algorithm::RS256]).unwrap();
    let expected = json!({
        "iss": ISSUER, "aud": app.clients.web.client_id, "iat": app.clock.now(),
        "token_introspection": ask(&app, &token).await,
    });
    assert_eq!(claims, expected);
    // It is a token of no other kind.
    app.userinfo(&answer.body).await.expect(401);
    assert_eq!(ask(&app, &answer.body).await, json!({ "active": false }));
    let unknown = [body[0], body[1], ("token", "x")];
    assert_eq!(decode(&signed(&unknown).await.body).1["token_introspection"], json!({ "active": false }));
    signed(&body[..1]).await.expect(401);
}

/// To ask is no way to redeem a code.
#[tokio::test]
async fn codes_are_no_tokens() {
    let app = TestApp::new().await;
    let code = app.code("openid read:contacts").await;
    assert_eq!(ask(&app, &code).await, json!({ "active": false }));
    let grant = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
    app.web_token(&grant).await.expect(200);
}
