//! Proofs of possession (RFC 9449): tokens that are good together with a key alone.

use serde_json::{Value, json};

use crate::support::{
    API, Answer, Ask, Browser, CALLBACK, Call, JANE, Pairs, Prover, TestApp, decode, engines, segment,
};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const NONCE: &str = "Authorization server requires nonce in DPoP proof";

/// Demo SPA's request for the demo API, which gives codes.
fn spa_ask(app: &TestApp, scope: &str) -> Ask {
    Ask::code(&app.clients.spa.client_id, scope).with("audience", API)
}

async fn spa_code(app: &TestApp, ask: &Ask) -> String {
    app.code_for(ask).await
}

fn spa_redeem<'a>(app: &'a TestApp, code: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("client_id", app.clients.spa.client_id.as_str()),
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
    ]
}

fn spa_refresh<'a>(app: &'a TestApp, token: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("client_id", app.clients.spa.client_id.as_str()),
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
    ]
}

fn machine<'a>(app: &'a TestApp, secret: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "client_credentials"),
        ("client_id", app.clients.m2m.client_id.as_str()),
        ("client_secret", secret),
        ("audience", API),
    ]
}

#[track_caller]
fn bad_proof(answer: &Answer) {
    assert_eq!(
        (answer.status.as_u16(), answer.text("error").as_str()),
        (400, "invalid_dpop_proof"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_public_application_from_code_to_userinfo() {
    for app in engines().await {
        let own = Prover::new();
        let code = spa_code(&app, &spa_ask(&app, "openid offline_access read:contacts")).await;
        let form = spa_redeem(&app, &code);
        let first =
            app.send(Call::post("/oauth/token").form(&form).header("dpop", &own.proof(&app, None))).await;
        first.is_error(400, "use_dpop_nonce", NONCE);
        let nonce = first.header("dpop-nonce").unwrap().to_owned();
        // The code is still good: nothing was redeemed.
        let proof = own.proof(&app, Some(&nonce));
        let tokens =
            app.send(Call::post("/oauth/token").form(&form).header("dpop", &proof)).await.expect(200);
        assert_eq!(tokens.text("token_type"), "DPoP");
        assert!(tokens.header("dpop-nonce").is_some());
        let access = tokens.text("access_token");
        let claims = app.verified(&access).await;
        assert_eq!(claims["cnf"], json!({ "jkt": own.jkt() }));

        let profile = app.send(own.bound(&app, ("GET", "/userinfo"), &access)).await.expect(200);
        assert_eq!(profile.text("sub"), app.jane().await);
        app.send(own.bound(&app, ("POST", "/userinfo"), &access)).await.expect(200);
        let stolen = app.userinfo(&access).await.expect(401);
        assert_eq!(stolen.text("error"), "invalid_token");
        let by_thief = app.send(Prover::new().bound(&app, ("GET", "/userinfo"), &access)).await.expect(401);
        assert_eq!(by_thief.text("error"), "invalid_dpop_proof");
        assert!(
            by_thief
                .header("www-authenticate")
                .is_some_and(|c| c.starts_with("DPoP ") && c.contains("algs=\"ES256\""))
        );

        let refresh = tokens.text("refresh_token");
        let form = spa_refresh(&app, &refresh);
        bad_proof(&app.token(&form).await);
        bad_proof(&Prover::new().token(&app, &form).await);
        let again = own.token(&app, &form).await.expect(200);
        assert_eq!(again.text("token_type"), "DPoP");
        assert_eq!(decode(&again.text("access_token")).1["cnf"]["jkt"], json!(own.jkt()));
    }
}

/// Whoever stole a rotating token without its key revokes nothing with it (security case 9), and successors stay bound.
#[tokio::test]
async fn rotation_keeps_the_key() {
    for app in engines().await {
        let own = Prover::new();
        let rotating = json!({ "refresh_token": {
            "rotation_type": "rotating", "expiration_type": "expiring", "leeway": 0,
            "token_lifetime": 2_592_000, "idle_token_lifetime": 1_296_000,
            "infinite_token_lifetime": false, "infinite_idle_token_lifetime": false,
        } });
        app.set_client(&app.clients.spa.client_id, rotating).await;
        let code = spa_code(&app, &spa_ask(&app, "openid offline_access")).await;
        let first = own.token(&app, &spa_redeem(&app, &code)).await.expect(200).text("refresh_token");
        let second = own.token(&app, &spa_refresh(&app, &first)).await.expect(200).text("refresh_token");
        bad_proof(&Prover::new().token(&app, &spa_refresh(&app, &first)).await);
        bad_proof(&app.token(&spa_refresh(&app, &second)).await);
        let third = own.token(&app, &spa_refresh(&app, &second)).await.expect(200).text("refresh_token");
        // With the key it is a reuse.
        let reused = own.token(&app, &spa_refresh(&app, &first)).await;
        reused.is_error(403, "invalid_grant", "Unknown or invalid refresh token.");
        own.token(&app, &spa_refresh(&app, &third)).await.expect(403);
    }
}

/// Who authenticates is known by that: its refresh tokens go with any key, and need no nonce.
#[tokio::test]
async fn confidential_applications() {
    let app = TestApp::new().await;
    let (own, other) = (Prover::new(), Prover::new());
    let secret = app.web_secret();
    let web = [("client_id", app.clients.web.client_id.as_str()), ("client_secret", secret.as_str())];
    let code = app.code("openid offline_access read:contacts").await;
    let form =
        [&web[..], &[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)]]
            .concat();
    let proof = own.proof(&app, None);
    let tokens = app.send(Call::post("/oauth/token").form(&form).header("dpop", &proof)).await.expect(200);
    assert_eq!(tokens.text("token_type"), "DPoP");
    let refresh = tokens.text("refresh_token");
    let form = [&web[..], &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]].concat();
    let bound = other.token(&app, &form).await.expect(200);
    assert_eq!(decode(&bound.text("access_token")).1["cnf"]["jkt"], json!(other.jkt()));
    let unbound = app.token(&form).await.expect(200);
    assert_eq!(
        (unbound.text("token_type").as_str(), decode(&unbound.text("access_token")).1.get("cnf")),
        ("Bearer", None)
    );
    // A nonce that is sent must be one of ours, and a good one.
    let stale = own.proof(&app, Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    let answer = app.send(Call::post("/oauth/token").form(&form).header("dpop", &stale)).await;
    answer.is_error(400, "use_dpop_nonce", NONCE);
    let nonce = answer.header("dpop-nonce").unwrap().to_owned();
    app.clock.advance(299);
    let proof = own.proof(&app, Some(&nonce));
    app.send(Call::post("/oauth/token").form(&form).header("dpop", &proof)).await.expect(200);
    app.clock.advance(1);
    let proof = own.proof(&app, Some(&nonce));
    app.send(Call::post("/oauth/token").form(&form).header("dpop", &proof)).await.is_error(
        400,
        "use_dpop_nonce",
        NONCE,
    );
}

#[tokio::test]
async fn every_grant_binds() {
    let app = TestApp::new().await;
    let own = Prover::new();
    let secret = app.m2m_secret();
    let token = own.token(&app, &machine(&app, &secret)).await.expect(200);
    assert_eq!(token.text("token_type"), "DPoP");
    assert_eq!(decode(&token.text("access_token")).1["cnf"], json!({ "jkt": own.jkt() }));
    let secret = app.web_secret();
    let web = [("client_id", app.clients.web.client_id.as_str()), ("client_secret", secret.as_str())];
    let typed = [("username", JANE.email), ("password", JANE.password), ("scope", "openid")];
    let ropg = [&web[..], &typed, &[("grant_type", "password")]].concat();
    // An opaque token is bound as well.
    let opaque = own.token(&app, &ropg).await.expect(200);
    assert_eq!(opaque.text("token_type"), "DPoP");
    let access = opaque.text("access_token");
    assert!(!access.contains('.'));
    app.send(own.bound(&app, ("GET", "/userinfo"), &access)).await.expect(200);
    app.userinfo(&access).await.expect(401);
    app.send(Prover::new().bound(&app, ("GET", "/userinfo"), &access)).await.expect(401);

    app.set_web(json!({ "grant_types": [DEVICE_CODE, "refresh_token"] })).await;
    let asked = [&web[..], &[("audience", API), ("scope", "openid read:contacts")]].concat();
    let codes = app.send(Call::post("/oauth/device/code").form(&asked)).await.expect(200);
    Browser::new(&app).activate(&codes.text("user_code"), &JANE).await.expect(200);
    let device_code = codes.text("device_code");
    let poll = [&web[..], &[("grant_type", DEVICE_CODE), ("device_code", &device_code)]].concat();
    let tokens = own.token(&app, &poll).await.expect(200);
    assert_eq!(decode(&tokens.text("access_token")).1["cnf"], json!({ "jkt": own.jkt() }));
}

#[tokio::test]
async fn a_code_may_be_bound_before_it_is_made() {
    let app = TestApp::new().await;
    let own = Prover::new();
    let ask = spa_ask(&app, "openid read:contacts").with("dpop_jkt", &own.jkt());
    let code = spa_code(&app, &ask).await;
    bad_proof(&app.token(&spa_redeem(&app, &code)).await);
    bad_proof(&Prover::new().token(&app, &spa_redeem(&app, &code)).await);
    own.token(&app, &spa_redeem(&app, &code)).await.expect(200);
    let landing =
        Browser::new(&app).authorize(&spa_ask(&app, "openid").with("dpop_jkt", "short"), &JANE).await;
    landing.is_error("invalid_request", "dpop_jkt must be the SHA-256 thumbprint of a key, base64url");
}

#[tokio::test]
async fn a_pushed_request_binds_its_code() {
    let app = TestApp::new().await;
    app.manage("PATCH", "/tenants/settings", json!({ "pushed_authorization_requests_supported": true }))
        .await;
    let own = Prover::new();
    let push = async |ask: Ask, proof: Option<String>| {
        let ask = ask.with("client_secret", &app.web_secret());
        let call = Call::post("/oauth/par").body("application/x-www-form-urlencoded", ask.encoded());
        app.send(proof.into_iter().fold(call, |call, proof| call.header("dpop", &proof))).await
    };
    let proof = || own.sign(&own.claims(&app, "POST", "/oauth/par"));
    let pushed = push(app.ask("openid read:contacts"), Some(proof())).await.expect(201).text("request_uri");
    let ask = Ask::empty().with("client_id", &app.clients.web.client_id).with("request_uri", &pushed);
    let code = app.code_for(&ask).await;
    bad_proof(&app.redeem(&code).await);
    let secret = app.web_secret();
    let form = [
        ("client_id", app.clients.web.client_id.as_str()),
        ("client_secret", &secret),
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
    ];
    own.token(&app, &form).await.expect(200);

    let other = Prover::new().jkt();
    bad_proof(&push(app.ask("openid").with("dpop_jkt", &other), Some(proof())).await);
    push(app.ask("openid").with("dpop_jkt", &own.jkt()), Some(proof())).await.expect(201);
    // A proof for another place is none.
    bad_proof(&push(app.ask("openid"), Some(own.proof(&app, None))).await);
    push(app.ask("openid").with("dpop_jkt", "x"), None).await.expect(400);
}

#[tokio::test]
async fn the_management_api() {
    for app in engines().await {
        let own = Prover::new();
        let client = &app.clients.management;
        let secret = secrecy::ExposeSecret::expose_secret(client.client_secret.as_ref().unwrap());
        let audience = format!("{}api/v2/", crate::support::ISSUER);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client.client_id.as_str()),
            ("client_secret", secret),
            ("audience", &audience),
        ];
        let token = own.token(&app, &form).await.expect(200).text("access_token");
        let clients = ("GET", "/api/v2/clients?fields=client_id");
        app.send(own.bound(&app, clients, &token)).await.expect(200);
        let refused = app.send(Call::get("/api/v2/clients").bearer(&token)).await.expect(401);
        assert_eq!(refused.text("errorCode"), "invalid_token");
        let bad = [
            Prover::new().bound(&app, clients, &token),
            // For another path, by another method, without hash, without proof, and twice.
            Call::get("/api/v2/roles")
                .header("authorization", &format!("DPoP {token}"))
                .header("dpop", &own.sign(&own.claims(&app, "GET", "/api/v2/clients"))),
            Call::get("/api/v2/clients")
                .header("authorization", &format!("DPoP {token}"))
                .header("dpop", &own.sign(&own.claims(&app, "GET", "/api/v2/clients"))),
            Call::get("/api/v2/clients").header("authorization", &format!("DPoP {token}")),
            own.bound(&app, clients, &token).header("dpop", "x"),
        ];
        for call in bad {
            let refused = app.send(call).await.expect(401);
            assert_eq!(refused.text("errorCode"), "invalid_dpop_proof", "{refused:?}");
            assert!(refused.header("www-authenticate").is_some_and(|c| c.contains("invalid_dpop_proof")));
        }
        // Old without a nonce: the server says what time it is by giving one.
        let mut claims = own.claims(&app, "GET", "/api/v2/clients");
        claims["ath"] = chancery_jose::base64url(&chancery_jose::sha256(token.as_bytes())).into();
        claims["iat"] = json!(claims["iat"].as_i64().unwrap() - 120);
        let with = |claims: &Value| {
            Call::get("/api/v2/clients")
                .header("authorization", &format!("DPoP {token}"))
                .header("dpop", &own.sign(claims))
        };
        let refused = app.send(with(&claims)).await.expect(401);
        assert_eq!(refused.text("errorCode"), "use_dpop_nonce");
        claims["nonce"] = refused.header("dpop-nonce").unwrap().into();
        app.send(with(&claims)).await.expect(200);
        // A token that is bound to nothing is no token of this scheme.
        let plain = app.management_token().await;
        app.send(own.bound(&app, clients, &plain)).await.expect(401);
        // Sets of changes are admitted in the same way.
        let body = json!({ "operations": [] });
        let call = own.bound(&app, ("POST", "/api/chancery/v1/plan"), &token).json(&body);
        app.send(call).await.expect(200);
        let thief = Prover::new().bound(&app, ("POST", "/api/chancery/v1/plan"), &token).json(&body);
        let refused = app.send(thief).await.expect(401);
        assert!(refused.header("dpop-nonce").is_some());
    }
}

#[tokio::test]
async fn an_api_may_demand_it() {
    let app = TestApp::new().await;
    let own = Prover::new();
    let demand = async |proof: Value| app.set_api(json!({ "proof_of_possession": proof })).await;
    let secret = app.m2m_secret();
    let text = "Tokens of this kind are given with a DPoP proof only";

    demand(json!({ "mechanism": "dpop", "required": true })).await;
    app.token(&machine(&app, &secret)).await.is_error(400, "invalid_request", text);
    own.token(&app, &machine(&app, &secret)).await.expect(200);
    // The code is not used up by a request without a proof.
    let code = app.code("openid read:contacts").await;
    app.redeem(&code).await.is_error(400, "invalid_request", text);
    let web_secret = app.web_secret();
    let form = [
        ("client_id", app.clients.web.client_id.as_str()),
        ("client_secret", &web_secret),
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
    ];
    own.token(&app, &form).await.expect(200);
    // What comes by way of the browser cannot be bound.
    let implicit = spa_ask(&app, "read:contacts").with("response_type", "token");
    Browser::new(&app).authorize(&implicit, &JANE).await.is_error("invalid_request", text);

    demand(json!({ "mechanism": "dpop", "required": true, "required_for": "public_clients" })).await;
    app.token(&machine(&app, &secret)).await.expect(200);
    let code = spa_code(&app, &spa_ask(&app, "openid read:contacts")).await;
    app.token(&spa_redeem(&app, &code)).await.is_error(400, "invalid_request", text);
    own.token(&app, &spa_redeem(&app, &code)).await.expect(200);

    demand(json!({ "mechanism": "dpop", "required": false })).await;
    app.token(&machine(&app, &secret)).await.expect(200);

    demand(json!({ "mechanism": "mtls", "required": true })).await;
    let text = "Tokens of this kind are bound to a client certificate: none was shown";
    app.token(&machine(&app, &secret)).await.is_error(400, "invalid_request", text);
    let text = "Tokens of this kind are bound to a client certificate, not to the key of a DPoP proof";
    own.token(&app, &machine(&app, &secret)).await.is_error(400, "invalid_request", text);
    demand(Value::Null).await;
    app.token(&machine(&app, &secret)).await.expect(200);
}

#[tokio::test]
async fn an_application_may_demand_it_of_itself() {
    let app = TestApp::new().await;
    app.set_client(&app.clients.m2m.client_id, json!({ "require_proof_of_possession": true })).await;
    let secret = app.m2m_secret();
    let text = "Tokens of this kind are given with a DPoP proof only";
    app.token(&machine(&app, &secret)).await.is_error(400, "invalid_request", text);
    Prover::new().token(&app, &machine(&app, &secret)).await.expect(200);
    let shown = app.manage("GET", &format!("/clients/{}", app.clients.m2m.client_id), Value::Null).await;
    assert_eq!(shown["require_proof_of_possession"], json!(true));
}

/// Revocation reaches what is bound as it reaches the rest (security case 19).
#[tokio::test]
async fn revocation_and_deleted_users() {
    let app = TestApp::new().await;
    let own = Prover::new();
    let code = spa_code(&app, &spa_ask(&app, "openid offline_access")).await;
    let tokens = own.token(&app, &spa_redeem(&app, &code)).await.expect(200);
    let refresh = tokens.text("refresh_token");
    let own_id: Pairs<'_> = &[("client_id", &app.clients.spa.client_id), ("token", &refresh)];
    app.send(Call::post("/oauth/revoke").form(own_id)).await.expect(200);
    own.token(&app, &spa_refresh(&app, &refresh)).await.expect(403);
    app.manage("DELETE", &format!("/users/{}", segment(&app.jane().await)), Value::Null).await;
    app.send(own.bound(&app, ("GET", "/userinfo"), &tokens.text("access_token"))).await.expect(401);
}
