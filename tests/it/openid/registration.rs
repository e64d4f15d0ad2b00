//! `/oidc/register` (RFC 7591, RFC 7592, fact sheet 9.3).

use chancery_jose::{Algorithm, SigningKey, generate_rsa};
use chancery_store::{Change, Kind};
use serde_json::{Value, json};

use crate::support::{
    API, Ask, Browser, CALLBACK, Call, ISSUER, JANE, Registered, Service, TENANT, TestApp, decode, engines,
};

#[tokio::test]
async fn only_where_the_tenant_lets_them() {
    let app = TestApp::new().await;
    let answer = Registered::ask(&app, &json!({ "redirect_uris": [CALLBACK] })).await.expect(404);
    assert_eq!(answer.text("error"), "not_found");
    let app = Registered::app(true).await;
    let discovery = app.get("/.well-known/openid-configuration").await.json();
    assert_eq!(discovery["registration_endpoint"], format!("{ISSUER}oidc/register"));
    app.manage(
        "PATCH",
        "/tenants/settings",
        json!({ "flags": { "enable_dynamic_client_registration": false } }),
    )
    .await;
    assert_eq!(app.get("/.well-known/openid-configuration").await.json().get("registration_endpoint"), None);
}

/// The wire's answer, and what RFC 7592 adds; strict as new applications of strangers are.
#[tokio::test]
async fn a_strict_third_party() {
    let app = Registered::app(true).await;
    let made = Registered::new(&app, json!({ "grant_types": ["authorization_code", "refresh_token"] })).await;
    assert!(made.client_id.starts_with("tpc_") && made.client_id.len() == 26, "{}", made.client_id);
    assert_eq!(made.all["client_secret_expires_at"], 0);
    assert_eq!(made.all["token_endpoint_auth_method"], "client_secret_post");
    assert_eq!(made.text("registration_client_uri"), format!("{ISSUER}oidc/register/{}", made.client_id));
    let shown = app.manage("GET", &format!("/clients/{}", made.client_id), Value::Null).await;
    assert_eq!(
        (&shown["is_first_party"], &shown["third_party_security_mode"], &shown["redirection_policy"]),
        (&json!(false), &json!("strict"), &json!("open_redirect_protection"))
    );
    assert_eq!(shown.get("openid"), None, "a member that the contract does not know");
    // Strict ones have no OpenID Connect, and PKCE is theirs to use.
    let grant = json!({ "client_id": made.client_id, "audience": API, "scope": ["read:contacts"], "subject_type": "user" });
    app.manage("POST", "/client-grants", grant).await;
    let verifier = "v".repeat(43);
    let ask = made.code("openid read:contacts").with("audience", API);
    assert_eq!(Browser::new(&app).open(&ask).await.status, 400, "without PKCE, on a page");
    let code = Browser::new(&app).authorize(&ask.challenged(&verifier), &JANE).await.get("code");
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", &verifier),
    ];
    let tokens = made.token(&app, &grant).await.expect(200);
    assert_eq!((tokens.json().get("id_token"), tokens.text("scope").as_str()), (None, "read:contacts"));
}

#[tokio::test]
async fn openid_connect_with_consent() {
    for strictly in [false, true] {
        let app = Registered::app(false).await;
        if strictly {
            app.manage_own("PATCH", "/openid", json!({ "oidc_strict": true })).await;
        }
        let made = Registered::new(&app, json!({ "response_types": ["code", "id_token"] })).await;
        let mut browser = Browser::new(&app);
        let login = browser.open(&made.code("openid profile")).await;
        let consent = browser.log_in(&login, &JANE).await;
        assert_eq!(consent.form().action, "/u/consent", "nobody vouched for it: {consent:?}");
        let landing = crate::support::Landing::of(&browser.go_through(consent, &JANE).await);
        let tokens = made.redeem(&app, &landing.get("code")).await.expect(200);
        let claims = app.verified(&tokens.text("id_token")).await;
        assert_eq!(claims["aud"], made.client_id);
        let implicit = made.code("openid").with("response_type", "id_token").with("nonce", "n");
        assert_eq!(decode(&browser.authorize(&implicit, &JANE).await.get("id_token")).1["nonce"], "n");
        // What it did not register it does not get (security case 3).
        let hybrid = made.code("openid").with("response_type", "token");
        browser.authorize(&hybrid, &JANE).await.get("access_token");
        let machine = [("grant_type", "client_credentials"), ("audience", API)];
        made.token(&app, &machine).await.expect(if strictly { 400 } else { 403 });
    }
}

#[tokio::test]
async fn what_is_refused() {
    let app = Registered::app(false).await;
    for (metadata, code) in [
        (json!({}), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["https://app.example/cb#f"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), "invalid_redirect_uri"),
        (
            json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "client_secret_jwt" }),
            "invalid_client_metadata",
        ),
        (json!([]), "invalid_client_metadata"),
        (json!("x"), "invalid_client_metadata"),
    ] {
        let answer = Registered::ask(&app, &metadata).await.expect(400);
        assert_eq!(answer.text("error"), code, "{metadata}");
        assert!(!answer.text("error_description").is_empty());
    }
    app.send(Call::post("/oidc/register").body("application/json", "{")).await.expect(400);
    app.send(Call::post("/oidc/register").form(&[("redirect_uris", CALLBACK)])).await.expect(415);
    let deep = format!("{{\"redirect_uris\":{}", "[".repeat(60_000));
    app.send(Call::post("/oidc/register").body("application/json", deep)).await.expect(400);
    let large = json!({ "redirect_uris": [CALLBACK], "x": "x".repeat(70_000) });
    assert_eq!(Registered::ask(&app, &large).await.status, 413);
}

#[tokio::test]
async fn as_often_as_people_would() {
    let app = Registered::app(false).await;
    let metadata = json!({ "redirect_uris": [CALLBACK] });
    for _ in 0..100 {
        Registered::ask(&app, &metadata).await.expect(201);
    }
    let answer = Registered::ask(&app, &metadata).await.expect(429);
    assert!(answer.header("retry-after").is_some());
    let other = Call::post("/oidc/register").json(&metadata).sent_from([198, 51, 100, 9]);
    app.send(other).await.expect(201);
}

/// RFC 7592.
#[tokio::test]
async fn read_changed_and_removed() {
    for app in engines().await {
        app.manage("PATCH", "/tenants/settings", json!({
            "flags": { "enable_dynamic_client_registration": true }, "dynamic_client_registration_security_mode": "permissive",
        })).await;
        let made = Registered::new(&app, json!({ "tos_uri": "https://app.example/tos" })).await;
        let other = Registered::new(&app, json!({})).await;
        let token = made.text("registration_access_token");
        let read = app.send(made.manage("GET", token)).await.expect(200).json();
        assert_eq!(read, made.all);
        assert!(!app.at_rest().await.contains(token), "the token rests as its digest");
        for (call, why) in [
            (made.manage("GET", other.text("registration_access_token")), "another's token"),
            (made.manage("GET", &token[1..]), "cut"),
            (Call::get(&format!("/oidc/register/{}", made.client_id)), "none"),
            (Call::get("/oidc/register/nobody").bearer(token), "of nobody"),
            (made.manage("DELETE", &made.client_id), "its id"),
        ] {
            let answer = app.send(call).await;
            assert_eq!(answer.status, 401, "{why}");
            assert!(
                answer.header("www-authenticate").is_some_and(|said| said.starts_with("Bearer")),
                "{why}"
            );
        }
        let change = |more: Value| {
            let mut all =
                json!({ "client_id": made.client_id, "redirect_uris": [CALLBACK], "client_name": "Renamed" });
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            made.manage("PUT", token).json(&all)
        };
        for bad in [
            json!({ "client_id": other.client_id }),
            json!({ "client_secret": "wrong" }),
            json!({ "registration_access_token": token }),
            json!({ "redirect_uris": ["http://app.example/"] }),
        ] {
            app.send(change(bad)).await.expect(400);
        }
        let secret = made.text("client_secret");
        let put = app.send(change(json!({ "client_secret": secret }))).await.expect(200).json();
        assert_eq!(
            (&put["client_name"], put.get("tos_uri")),
            (&json!("Renamed"), None),
            "everything is said anew"
        );
        assert_eq!(put["client_secret"], secret);
        // From a secret to none and back: the new one is another.
        let public =
            app.send(change(json!({ "token_endpoint_auth_method": "none" }))).await.expect(200).json();
        assert_eq!(public.get("client_secret"), None);
        let again = app.send(change(json!({}))).await.expect(200).json();
        assert!(again["client_secret"].is_string() && again["client_secret"] != secret);

        let code = Browser::new(&app).authorize(&made.code("openid"), &JANE).await.get("code");
        app.send(made.manage("DELETE", token)).await.expect(204);
        app.send(made.manage("GET", token)).await.expect(401);
        made.redeem(&app, &code).await.expect(401);
        let page = Browser::new(&app).open(&made.code("openid")).await;
        assert_eq!(page.status, 400, "unknown now");
        app.send(other.manage("GET", other.text("registration_access_token"))).await.expect(200);
    }
}

/// RFC 9101, section 10.5, and RFC 9126, section 6: kept until it says otherwise.
#[tokio::test]
async fn what_it_demands_of_its_own_requests() {
    let app = Registered::app(false).await;
    let key = SigningKey::from_pkcs8(Algorithm::RS256, "k", &generate_rsa(2048).unwrap()).unwrap();
    let jwk = serde_json::to_value(key.verifying_key().to_jwk().unwrap()).unwrap();
    for (member, more, error) in [
        ("require_signed_request_object", json!({ "jwks": { "keys": [jwk] } }), "invalid_request"),
        ("require_pushed_authorization_requests", json!({}), "invalid_request"),
    ] {
        let with = |value: Value| {
            let mut all = more.clone();
            all[member] = value;
            all
        };
        let made = Registered::new(&app, with(json!(true))).await;
        assert_eq!(made.all[member], true);
        let token = made.text("registration_access_token");
        assert_eq!(app.send(made.manage("GET", token)).await.expect(200).json()[member], true);
        let is_refused = async || {
            let answer = Browser::new(&app).open(&made.code("openid")).await;
            let location = answer.header("location").unwrap_or_default().to_owned();
            location.contains(&format!("error={error}"))
                || (answer.status == 400 && answer.body.contains(error))
        };
        assert!(is_refused().await, "{member}");
        let put = async |mut all: Value| {
            all["client_id"] = json!(made.client_id);
            all["redirect_uris"] = json!([CALLBACK]);
            app.send(made.manage("PUT", token).json(&all)).await.expect(200).json()
        };
        // Whoever sends a stranger's copy of the metadata does not take it away by leaving it out.
        assert_eq!(put(more.clone()).await[member], true, "{member}");
        assert!(is_refused().await, "{member}");
        assert_ne!(put(with(json!(false))).await[member], true, "{member}");
        assert!(!is_refused().await, "{member}");
        Browser::new(&app).authorize(&made.code("openid"), &JANE).await.get("code");
    }
}

/// Security case 4: what was registered is compared byte for byte.
#[tokio::test]
async fn case_04_callbacks_of_registrations() {
    let app = Registered::app(false).await;
    let made = Registered::new(&app, json!({ "redirect_uris": ["https://app.example/cb?a=b"] })).await;
    for uri in [
        "https://app.example/cb",
        "https://app.example/cb?a=b&c=d",
        "https://app.example/cb?a=c",
        "https://app.example/cb/?a=b",
    ] {
        let ask = made.code("openid").with("redirect_uri", uri);
        assert_eq!(Browser::new(&app).open(&ask).await.status, 403, "{uri}");
    }
    let ask = made.code("openid").with("redirect_uri", "https://app.example/cb?a=b");
    let landing = Browser::new(&app).authorize(&ask, &JANE).await;
    assert_eq!((landing.url.as_str(), landing.find("a")), ("https://app.example/cb", Some("b")));
}

/// Users of the domain, not those of one application's own connection.
#[tokio::test]
async fn domain_connections_serve_strangers() {
    let app = Registered::app(false).await;
    let connections = app.manage("GET", "/connections", Value::Null).await;
    let id = connections[0]["id"].as_str().unwrap().to_owned();
    let made = Registered::new(&app, json!({})).await;
    let web = app.clients.web.client_id.clone();
    app.manage("PATCH", &format!("/connections/{id}"), json!({ "enabled_clients": [web] })).await;
    let answer = Browser::new(&app).open(&made.code("openid")).await;
    crate::support::Landing::of(&answer).is_error("invalid_request", "no connections enabled for the client");
    app.manage("PATCH", &format!("/connections/{id}"), json!({ "is_domain_connection": true })).await;
    Browser::new(&app).authorize(&made.code("openid"), &JANE).await.get("code");
    // A first-party application has to be listed all the same.
    let spa = Ask::code(&app.clients.spa.client_id, "openid");
    assert!(crate::support::Landing::of(&Browser::new(&app).open(&spa).await).find("error").is_some());
}

/// What the tenant says today is for those that register today.
#[tokio::test]
async fn a_stranger_stays_as_strict_as_it_was() {
    let app = Registered::app(true).await;
    let made = Registered::new(&app, json!({})).await;
    let mode = json!({ "dynamic_client_registration_security_mode": "permissive" });
    app.manage("PATCH", "/tenants/settings", mode).await;
    let all = json!({
        "client_id": made.client_id, "redirect_uris": [CALLBACK], "response_types": ["code", "token"],
        "grant_types": ["authorization_code", "implicit", "urn:ietf:params:oauth:grant-type:device_code"],
    });
    let put = made.manage("PUT", made.text("registration_access_token")).json(&all);
    let said = app.send(put).await.expect(200).json();
    assert_eq!(
        (&said["grant_types"], &said["response_types"]),
        (&json!(["authorization_code"]), &json!(["code"]))
    );
}

/// Whoever registered it does not decide about what an administrator vouches for.
#[tokio::test]
async fn what_became_the_tenants_is_the_tenants() {
    let app = Registered::app(false).await;
    let made = Registered::new(&app, json!({})).await;
    let token = made.text("registration_access_token");
    app.set_client(&made.client_id, json!({ "is_first_party": true })).await;
    let all = json!({ "client_id": made.client_id, "redirect_uris": ["https://evil.example/cb"] });
    for call in
        [made.manage("GET", token), made.manage("PUT", token).json(&all), made.manage("DELETE", token)]
    {
        app.send(call).await.expect(401);
    }
    let shown = app.manage("GET", &format!("/clients/{}", made.client_id), Value::Null).await;
    assert_eq!(shown["callbacks"], json!([CALLBACK]));
}

/// Security case 5: what an application says of itself is text on every page, and nothing that runs.
#[tokio::test]
async fn case_05_what_registrations_say_is_text() {
    let app = Registered::app(false).await;
    for (name, value) in [
        ("logo_uri", "javascript:alert(1)"),
        ("policy_uri", "data:text/html,x"),
        ("tos_uri", "https://u@app.example/"),
        ("client_uri", "https:app.example"),
        ("initiate_login_uri", "javascript:alert(1)"),
        ("initiate_login_uri", "http://app.example/start"),
        ("post_logout_redirect_uris", "javascript:alert(1)"),
        ("client_name", "a\u{202e}b"),
        ("client_name", "<script>alert(1)</script>"),
    ] {
        let value = if name.ends_with("uris") { json!([value]) } else { json!(value) };
        let metadata = json!({ "redirect_uris": [CALLBACK], name: value });
        let answer = Registered::ask(&app, &metadata).await.expect(400);
        assert_eq!(answer.text("error"), "invalid_client_metadata", "{metadata}");
    }
    let hostile = json!({
        "client_name": "\" onerror=\"alert(1) &amp; 'x'", "logo_uri": "https://app.example/\"><img/onerror=x>",
        "policy_uri": "https://app.example/'\"><script>", "tos_uri": "https://app.example/?a=<b>",
    });
    let made = Registered::new(&app, hostile).await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&made.code("openid profile")).await;
    let consent = browser.log_in(&login, &JANE).await;
    for page in [&login, &consent] {
        for unfit in ["<script>", "<img/onerror", "\" onerror", "=<b>", "'\">"] {
            assert!(!page.body.contains(unfit), "{unfit}: {}", page.body);
        }
    }
}

/// Ten thousand of them lie in memory.
#[tokio::test]
async fn what_is_kept_is_bounded() {
    let app = Registered::app(false).await;
    let uris = |count: usize| -> Vec<String> {
        (0..count).map(|n| format!("https://app.example/{n}/{}", "x".repeat(1000))).collect()
    };
    let answer = Registered::ask(&app, &json!({ "redirect_uris": uris(17) })).await.expect(400);
    assert_eq!(answer.text("error"), "invalid_client_metadata");
    let made = Registered::new(&app, json!({ "redirect_uris": uris(10) })).await;
    let all = json!({ "client_id": made.client_id, "redirect_uris": uris(17) });
    let put = made.manage("PUT", made.text("registration_access_token")).json(&all);
    app.send(put).await.expect(400);
}

/// An application that registered itself hears of logouts (Back-Channel Logout 1.0).
#[tokio::test]
async fn it_hears_of_the_end_of_sessions() {
    let app = Registered::app(false).await;
    let service = Service::start(|_| (200, json!({}))).await;
    let wish = json!({
        "backchannel_logout_uri": format!("{}/out", service.origin), "backchannel_logout_session_required": true,
        "frontchannel_logout_uri": "https://app.example/front", "frontchannel_logout_session_required": true,
    });
    let mut metadata = wish.clone();
    metadata["redirect_uris"] = json!([CALLBACK, "https://app.example/cb"]);
    let made = Registered::new(&app, metadata).await;
    for (name, value) in wish.as_object().unwrap() {
        assert_eq!(made.all[name], *value, "{name}");
    }
    let token = made.text("registration_access_token").to_owned();
    let shown = app.send(made.manage("GET", &token)).await.expect(200).json();
    assert_eq!(shown["frontchannel_logout_uri"], wish["frontchannel_logout_uri"]);
    let mut browser = Browser::new(&app);
    let code = browser.authorize(&made.code("openid"), &JANE).await.get("code");
    let id_token = made.redeem(&app, &code).await.expect(200).text("id_token");
    let frames = browser.get(&format!("/oidc/logout?id_token_hint={id_token}")).await;
    assert!(frames.body.contains("https://app.example/front"), "{frames:?}");
    chancery_oauth::tell_due(&app.app).await.unwrap();
    assert_eq!(service.heard().len(), 1);
}

/// Ten thousand are as many as there may be. Those that nobody used make room for others, and the others stay.
#[tokio::test]
async fn the_door_stays_open() {
    const MOST: usize = 10_000;
    let app = Registered::app(false).await;
    let used = Registered::new(&app, json!({ "token_endpoint_auth_method": "none" })).await;
    let ask = used.code("openid email").challenged(&"v".repeat(43));
    Browser::new(&app).authorize(&ask, &JANE).await.get("code");
    let granted = Registered::new(&app, json!({})).await;
    let grant = json!({ "client_id": granted.client_id, "audience": API, "scope": ["read:contacts"] });
    app.manage("POST", "/client-grants", grant).await;
    let model = app.app.store.doc(TENANT, Kind::Client, &used.client_id).await.unwrap().unwrap().json;
    let ids: Vec<String> = (2..MOST).map(|n| format!("flood-{n}")).collect();
    for some in ids.chunks(1000) {
        let change = some.iter().fold(Change::new(TENANT), |change, id| {
            change.insert(Kind::Client, id, None, model.replace(&used.client_id, id))
        });
        app.app.catalog.apply(change).await.unwrap();
    }
    let ask = async || Registered::ask(&app, &json!({ "redirect_uris": [CALLBACK] })).await;
    ask().await.is_error(
        403,
        "access_denied",
        "The tenant has as many registered applications as it may have",
    );
    app.clock.advance(600);
    for _ in 0..3 {
        ask().await.expect(201);
    }
    let tenant = app.app.catalog.snapshot(TENANT).await.unwrap();
    assert_eq!(tenant.clients().filter(|client| client.registered_itself()).count(), MOST);
    for kept in [&used, &granted] {
        assert!(tenant.client(&kept.client_id).is_some());
    }
}
