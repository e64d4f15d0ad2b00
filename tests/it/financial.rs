//! What the FAPI 2.0 and FAPI-CIBA profiles ask for, module by module of their conformance plans.

use std::sync::atomic::{AtomicU32, Ordering};

use chancery_core::Clock;
use chancery_jose::{Algorithm, SigningKey, base64url};
use serde_json::{Value, json};

use crate::mtls::{ALIAS, Shown, behind_a_proxy};
use crate::support::{
    API, Answer, Ask, Browser, CALLBACK, Call, ISSUER, JANE, KID, Pairs, Prover, TestApp, decode, pem,
};

const CIBA: &str = "urn:openid:params:grant-type:ciba";
const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more";

/// An application that signs what it sends with PS256, and may show a certificate.
struct Bank {
    client_id: String,
    key: SigningKey,
    shown: Shown,
    made: AtomicU32,
}

impl Bank {
    /// With a strict tenant, as the plans are run.
    async fn app() -> TestApp {
        let app = behind_a_proxy().await;
        let on = json!({ "pushed_authorization_requests_supported": true });
        app.manage("PATCH", "/tenants/settings", on).await;
        app.manage_own("PATCH", "/openid", json!({ "oidc_strict": true })).await;
        app
    }

    async fn new(app: &TestApp, level: &str) -> Self {
        let key = chancery_jose::generate_rsa(2048).unwrap();
        let key = SigningKey::from_pkcs8(Algorithm::PS256, KID, &key).unwrap();
        let credential = json!({
            "name": "key", "credential_type": "public_key", "pem": pem(&key), "alg": "PS256", "kid": KID,
        });
        let wish = json!({
            "name": "Bank", "app_type": "regular_web", "oidc_conformant": true, "callbacks": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token", CIBA], "compliance_level": level,
            "async_approval_notification_channels": ["email"],
            "client_authentication_methods": { "private_key_jwt": { "credentials": [credential] } },
            "signed_request_object": { "required": false, "credentials": [credential] },
        });
        let made = app.manage("POST", "/clients", wish).await;
        let client_id = made["client_id"].as_str().unwrap().to_owned();
        Self { client_id, key, shown: Shown::new("bank.example"), made: AtomicU32::default() }
    }

    /// From now on its certificate is what it authenticates with.
    async fn is_its_certificate(&self, app: &TestApp, level: &str) {
        let certificate = json!({ "credential_type": "x509_cert", "name": "own", "pem": self.shown.pem });
        let path = format!("/clients/{}/credentials", self.client_id);
        let made = app.manage("POST", &path, certificate).await;
        let by_certificate = json!({
            "compliance_level": level,
            "client_authentication_methods": { "self_signed_tls_client_auth": { "credentials": [{ "id": made["id"] }] } },
        });
        app.set_client(&self.client_id, by_certificate).await;
    }

    fn jti(&self) -> String {
        format!("{}-{}", self.client_id, self.made.fetch_add(1, Ordering::Relaxed))
    }

    /// Without `typ`, as both plans send the half of theirs.
    fn sign(&self, algorithm: Algorithm, claims: &Value) -> String {
        let key = self.key.with_algorithm(algorithm).unwrap();
        let part = |value: &Value| base64url(value.to_string().as_bytes());
        let header = json!({ "alg": algorithm.as_str(), "kid": KID });
        let input = format!("{}.{}", part(&header), part(claims));
        format!("{input}.{}", base64url(&key.sign_raw(input.as_bytes()).unwrap()))
    }

    fn call(&self, app: &TestApp, (path, aud): (&str, &str), form: Pairs<'_>) -> Call {
        let now = app.clock.now();
        let assertion = self.sign(
            Algorithm::PS256,
            &json!({
                "iss": self.client_id, "sub": self.client_id, "aud": aud, "iat": now, "exp": now + 60,
                "jti": self.jti(),
            }),
        );
        let mut all = form.to_vec();
        all.push(("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
        all.push(("client_assertion", &assertion));
        Call::post(path).form(&all)
    }

    async fn push(&self, app: &TestApp, form: Pairs<'_>) -> Answer {
        app.send(self.call(app, ("/oauth/par", ISSUER), form)).await
    }

    /// A request of `/authorize` as claims, good for five minutes.
    fn object(&self, app: &TestApp) -> Value {
        let now = app.clock.now();
        json!({
            "iss": self.client_id, "aud": ISSUER, "client_id": self.client_id, "nbf": now, "exp": now + 300,
            "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid", "state": "s", "nonce": "n",
            "code_challenge": base64url(&chancery_jose::sha256(VERIFIER.as_bytes())),
            "code_challenge_method": "S256",
        })
    }

    async fn code(&self, app: &TestApp, form: Pairs<'_>) -> String {
        let pushed = self.push(app, form).await.expect(201).text("request_uri");
        let named = Ask::empty().with("client_id", &self.client_id).with("request_uri", &pushed);
        Browser::new(app).authorize(&named, &JANE).await.get("code")
    }
}

fn without(claims: &Value, name: &str) -> Value {
    let mut left = claims.clone();
    left.as_object_mut().unwrap().remove(name);
    left
}

fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut changed = claims.clone();
    changed[name] = value;
    changed
}

/// `fapi2-security-profile-final-ensure-request-object-*` of the message signing plan.
#[tokio::test]
async fn signed_requests_end_within_an_hour() {
    let app = Bank::app().await;
    let bank = Bank::new(&app, "fapi2_sp_pkj_mtls").await;
    let push = async |claims: &Value| {
        let object = bank.sign(Algorithm::PS256, claims);
        bank.push(&app, &[("client_id", &bank.client_id), ("request", &object)]).await
    };
    let (good, now) = (bank.object(&app), app.clock.now());
    push(&good).await.expect(201);
    push(&with(&good, "nbf", json!(now + 8))).await.expect(201);
    push(&with(&good, "aud", json!([ISSUER, "https://other.example/"]))).await.expect(201);
    for bad in [
        without(&good, "exp"),
        without(&good, "nbf"),
        with(&good, "exp", json!(now + 70 * 60)),
        with(&with(&good, "nbf", json!(now - 70 * 60)), "exp", json!(now + 60)),
        with(&good, "exp", json!(now - 300)),
        with(&good, "aud", json!("https://other.example/")),
    ] {
        let answer = push(&bad).await.expect(400);
        assert_eq!(answer.text("error"), "invalid_request_object", "{bad}");
    }
    let missing = push(&without(&good, "redirect_uri")).await;
    missing.is_error(400, "invalid_request", "Missing required parameter: redirect_uri");
    let old = bank.sign(Algorithm::RS256, &good);
    let answer = bank.push(&app, &[("client_id", &bank.client_id), ("request", &old)]).await.expect(400);
    assert_eq!(answer.text("error"), "invalid_request_object");
}

/// The `dpop` variant of the FAPI 2.0 plans: the key of a proof serves where neither the API nor the profile wants a certificate.
#[tokio::test]
async fn the_second_profile_takes_keys_and_certificates() {
    let app = Bank::app().await;
    let bank = Bank::new(&app, "fapi2_sp_pkj_mtls").await;
    let own = Prover::new();
    let challenge = base64url(&chancery_jose::sha256(VERIFIER.as_bytes()));
    let redeem = async |audience: Option<&str>, dpop: bool| {
        let mut ask = vec![
            ("client_id", bank.client_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        ask.extend(audience.map(|audience| ("audience", audience)));
        let code = bank.code(&app, &ask).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let call = bank.call(&app, ("/oauth/token", ISSUER), &form);
        app.send(if dpop { call.header("dpop", &own.proof(&app, None)) } else { call }).await
    };
    let tokens = redeem(Some(API), true).await.expect(200);
    assert_eq!(tokens.text("token_type"), "DPoP");
    assert_eq!(decode(&tokens.text("access_token")).1["cnf"], json!({ "jkt": own.jkt() }));
    // `ensure-holder-of-key-required`.
    let unbound = redeem(None, false).await.expect(400);
    assert_eq!(unbound.text("error"), "invalid_request");
    // The resource of the plans, with the header that both sides find a call again by.
    let tokens = redeem(None, true).await.expect(200).text("access_token");
    let sent = "c770aef3-6784-41f7-8e0e-ff5f97bddb3a";
    let call = own.bound(&app, ("GET", "/userinfo"), &tokens).header("x-fapi-interaction-id", sent);
    assert_eq!(app.send(call).await.expect(200).header("x-fapi-interaction-id"), Some(sent));
    for unfit in [None, Some("x"), Some("c770aef3-6784-41f7-8e0e-ff5f97bddb3<")] {
        let call = own.bound(&app, ("GET", "/userinfo"), &tokens);
        let call = unfit.map_or(call.clone(), |unfit| call.header("x-fapi-interaction-id", unfit));
        let answer = app.send(call).await.expect(200);
        let made = answer.header("x-fapi-interaction-id").unwrap();
        assert!(made.len() == 36 && Some(made) != unfit, "{made}");
    }
    // An API may want certificates, and FAPI 1.0 knows nothing else.
    app.set_api(json!({ "proof_of_possession": { "mechanism": "mtls", "required": true } })).await;
    let text = "Tokens of this kind are bound to a client certificate, not to the key of a DPoP proof";
    redeem(Some(API), true).await.is_error(400, "invalid_request", text);
    app.set_api(json!({ "proof_of_possession": { "mechanism": "mtls", "required": false } })).await;
    redeem(Some(API), true).await.is_error(400, "invalid_request", text);
    app.set_api(json!({ "proof_of_possession": { "mechanism": "dpop", "required": true } })).await;
    redeem(Some(API), true).await.expect(200);
    let machines = json!({ "grant_types": ["client_credentials"], "compliance_level": "fapi1_adv_pkj_par" });
    app.set_client(&bank.client_id, machines).await;
    let grant = json!({ "client_id": bank.client_id, "audience": API, "scope": ["read:contacts"] });
    app.manage("POST", "/client-grants", grant).await;
    app.set_api(json!({ "proof_of_possession": null })).await;
    let form = [("grant_type", "client_credentials"), ("audience", API)];
    let call = bank.call(&app, ("/oauth/token", ISSUER), &form);
    let answer = app.send(call.header("dpop", &own.proof(&app, None))).await;
    answer.is_error(400, "invalid_request", text);
}

/// A request of `/bc-authorize` as claims.
async fn asking(app: &TestApp, bank: &Bank) -> Value {
    let now = app.clock.now();
    let hint = json!({ "format": "iss_sub", "iss": ISSUER, "sub": app.jane().await }).to_string();
    json!({
        "iss": bank.client_id, "aud": ISSUER, "iat": now, "nbf": now, "exp": now + 300, "jti": bank.jti(),
        "scope": "openid", "login_hint": hint, "requested_expiry": 300,
    })
}

async fn ask(app: &TestApp, bank: &Bank, object: &str) -> Answer {
    let aud = format!("{ISSUER}bc-authorize");
    app.send(bank.call(app, ("/bc-authorize", &aud), &[("request", object)])).await
}

/// `fapi-ciba-id1`: a signed request, an answer, and tokens that are bound to a certificate. The assertions name each endpoint as
/// the plan does.
#[tokio::test]
async fn a_signed_question_to_a_user_elsewhere() {
    let app = Bank::app().await;
    let bank = Bank::new(&app, "fapi1_adv_pkj_par").await;
    let object = bank.sign(Algorithm::PS256, &asking(&app, &bank).await);
    let begun = ask(&app, &bank, &object).await.expect(200);
    assert_eq!(begun.json()["expires_in"], 300);
    let kept = app.app.outbox.kept();
    let mail = kept.iter().find(|mail| mail.to == JANE.email).unwrap();
    assert!(mail.text.contains("Bank asks you to confirm."), "{}", mail.text);
    // `fapi-ciba-id1-ensure-mtls-holder-of-key-required` polls at once, while nobody has answered.
    let id = begun.text("auth_req_id");
    let poll = |aud: &str| {
        let form = [("grant_type", CIBA), ("auth_req_id", id.as_str())];
        bank.call(&app, ("/oauth/token", aud), &form)
    };
    let bare = app.send(poll(&format!("{ISSUER}oauth/token"))).await.expect(400);
    assert_eq!(bare.text("error"), "invalid_request");
    let path =
        mail.text.split_whitespace().find_map(|word| word.strip_prefix("https://auth.example")).unwrap();
    let mut browser = Browser::new(&app);
    let page = browser.get(path).await;
    let page = browser.follow(page).await.expect(200);
    assert!(!page.body.contains("class=\"shown\""), "there is no message: {}", page.body);
    assert!(browser.finish(page, &JANE).await.body.contains("You confirmed"));
    let alias = format!("https://{ALIAS}/oauth/token");
    let tokens = app.send(bank.shown.on(poll(&alias), "NONE")).await.expect(200);
    assert_eq!(decode(&tokens.text("id_token")).0["alg"], "PS256");
    let used = app.send(bank.shown.on(poll(&alias), "NONE")).await.expect(400);
    assert_eq!(used.text("error"), "invalid_grant");
    for elsewhere in
        ["https://other.example/oauth/token", "https://auth.example/userinfo", "https://auth.example"]
    {
        let refused = app.send(bank.shown.on(poll(elsewhere), "NONE")).await.expect(401);
        assert_eq!(refused.text("error"), "invalid_client", "{elsewhere}");
    }
}

/// `fapi-ciba-id1-ensure-request-object-*` and its neighbours: 400 `invalid_request`, whatever is wrong.
#[tokio::test]
async fn questions_that_are_not_signed_well() {
    let app = Bank::app().await;
    let (bank, other) =
        (Bank::new(&app, "fapi1_adv_pkj_par").await, Bank::new(&app, "fapi1_adv_pkj_par").await);
    let good = asking(&app, &bank).await;
    let now = app.clock.now();
    let mut bad: Vec<String> = ["iss", "aud", "exp", "nbf", "iat", "jti", "scope", "login_hint"]
        .iter()
        .map(|name| bank.sign(Algorithm::PS256, &without(&good, name)))
        .collect();
    for (name, value) in [
        ("iss", json!(other.client_id)),
        ("aud", json!("https://other.example/")),
        ("exp", json!(now - 300)),
        ("exp", json!(now + 70 * 60)),
        ("nbf", json!(now + 600)),
        ("nbf", json!(now - 70 * 60)),
        ("id_token_hint", json!("x")),
        ("requested_expiry", json!(0)),
    ] {
        bad.push(bank.sign(Algorithm::PS256, &with(&good, name, value)));
    }
    bad.push(bank.sign(Algorithm::RS256, &good));
    bad.push(other.sign(Algorithm::PS256, &good));
    let part = |value: &Value| base64url(value.to_string().as_bytes());
    bad.push(format!("{}.{}.", part(&json!({ "alg": "none" })), part(&good)));
    for object in bad {
        let answer = ask(&app, &bank, &object).await.expect(400);
        assert_eq!(answer.text("error"), "invalid_request", "{answer:?}");
    }
    let aud = format!("{ISSUER}bc-authorize");
    let plain: Vec<(&str, &str)> =
        ["scope", "login_hint"].map(|name| (name, good[name].as_str().unwrap())).into();
    let unsigned = app.send(bank.call(&app, ("/bc-authorize", &aud), &plain)).await;
    unsigned.is_error(400, "invalid_request", "The client must sign its authentication requests");
    let object = bank.sign(Algorithm::PS256, &good);
    let beside = [("request", object.as_str()), ("scope", "openid email")];
    let beside = app.send(bank.call(&app, ("/bc-authorize", &aud), &beside)).await;
    beside.is_error(400, "invalid_request", "scope must not stand beside a signed request");
    let long = bank.sign(Algorithm::PS256, &with(&good, "binding_message", json!("x".repeat(65))));
    assert_eq!(ask(&app, &bank, &long).await.expect(400).text("error"), "invalid_binding_message");
    let stranger = Call::post("/bc-authorize").form(&[("client_id", &bank.client_id), ("request", &object)]);
    assert_eq!(app.send(stranger).await.expect(401).text("error"), "invalid_client");
    assert!(app.app.outbox.kept().is_empty(), "nobody was asked");
    ask(&app, &bank, &object).await.expect(200);
}

/// Applications without a profile may sign too, and by the wire's rules still send a message.
#[tokio::test]
async fn whoever_has_keys_may_sign_a_question() {
    let app = Bank::app().await;
    let bank = Bank::new(&app, "none").await;
    let good = with(&asking(&app, &bank).await, "binding_message", json!("Order 4711"));
    ask(&app, &bank, &bank.sign(Algorithm::PS256, &good)).await.expect(400);
    let header = json!({ "alg": "PS256", "kid": KID, "typ": "oauth-authz-req+jwt" });
    let part = |value: &Value| base64url(value.to_string().as_bytes());
    let typed = |claims: &Value| {
        let input = format!("{}.{}", part(&header), part(claims));
        format!("{input}.{}", base64url(&bank.key.sign_raw(input.as_bytes()).unwrap()))
    };
    ask(&app, &bank, &typed(&good)).await.expect(200);
    let endless = with(&good, "exp", json!(app.clock.now() + 70 * 60));
    ask(&app, &bank, &typed(&endless)).await.is_error(
        400,
        "invalid_request",
        "The request object must expire within an hour of its nbf",
    );
    let plain: Vec<(&str, &str)> =
        ["scope", "login_hint", "binding_message"].map(|name| (name, good[name].as_str().unwrap())).into();
    let aud = format!("{ISSUER}bc-authorize");
    app.send(bank.call(&app, ("/bc-authorize", &aud), &plain)).await.expect(200);
    app.manage_own("PATCH", "/openid", json!({ "oidc_strict": false })).await;
    let silent = typed(&without(&good, "binding_message"));
    ask(&app, &bank, &silent).await.is_error(
        400,
        "invalid_request",
        "Missing required parameter: binding_message",
    );
    // `signed_request_object.required` is about all of its requests.
    let signs = json!({ "signed_request_object": { "required": true } });
    app.set_client(&bank.client_id, signs).await;
    let refused = app.send(bank.call(&app, ("/bc-authorize", &aud), &plain)).await.expect(400);
    assert_eq!(refused.text("error"), "invalid_request");
}

/// The `mtls` variant of FAPI-CIBA: the certificate is who asks, at the alias that discovery names.
#[tokio::test]
async fn an_application_with_a_certificate_asks_too() {
    let app = Bank::app().await;
    let bank = Bank::new(&app, "none").await;
    bank.is_its_certificate(&app, "fapi1_adv_mtls_par").await;
    let object = bank.sign(Algorithm::PS256, &asking(&app, &bank).await);
    let form = [("client_id", bank.client_id.as_str()), ("request", object.as_str())];
    let call = Call::post("/bc-authorize").form(&form);
    assert_eq!(app.send(call.clone()).await.expect(401).text("error"), "invalid_client");
    let stranger = Shown::new("other.example");
    assert_eq!(app.send(stranger.on(call.clone(), "NONE")).await.expect(401).text("error"), "invalid_client");
    let begun = app.send(bank.shown.on(call, "NONE")).await.expect(200).text("auth_req_id");
    let poll =
        [("client_id", bank.client_id.as_str()), ("grant_type", CIBA), ("auth_req_id", begun.as_str())];
    let pending = app.send(bank.shown.on(Call::post("/oauth/token").form(&poll), "NONE")).await.expect(400);
    assert_eq!(pending.text("error"), "authorization_pending");
}

/// `client_auth_type` `mtls` with `sender_constrain` `dpop`, and the plan of machines: the plans name no API, so that the tenant's
/// `default_audience` is the one they mean, and says what tokens are bound to.
#[tokio::test]
async fn the_api_that_the_plans_mean_looks_for_keys() {
    let app = Bank::app().await;
    let bank = Bank::new(&app, "none").await;
    bank.is_its_certificate(&app, "fapi2_sp_mtls_mtls").await;
    app.set_api(json!({ "proof_of_possession": { "mechanism": "dpop", "required": true } })).await;
    app.manage("PATCH", "/tenants/settings", json!({ "default_audience": API })).await;
    let grants = json!({ "grant_types": ["authorization_code", "refresh_token", "client_credentials"] });
    app.set_client(&bank.client_id, grants).await;
    let grant = json!({ "client_id": bank.client_id, "audience": API, "scope": ["read:contacts"] });
    app.manage("POST", "/client-grants", grant).await;
    let own = Prover::new();
    let asked = async |form: Pairs<'_>, proof: Option<&str>| {
        let mut all = vec![("client_id", bank.client_id.as_str())];
        all.extend(form);
        let call = bank.shown.on(Call::post("/oauth/token").form(&all), "NONE");
        app.send(proof.map_or(call.clone(), |proof| call.header("dpop", proof))).await
    };
    let code = async || {
        let challenge = base64url(&chancery_jose::sha256(VERIFIER.as_bytes()));
        let ask = [
            ("client_id", bank.client_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let pushed = app.send(bank.shown.on(Call::post("/oauth/par").form(&ask), "NONE")).await.expect(201);
        let named =
            Ask::empty().with("client_id", &bank.client_id).with("request_uri", &pushed.text("request_uri"));
        Browser::new(&app).authorize(&named, &JANE).await.get("code")
    };
    let code_form = async || {
        [
            ("grant_type", "authorization_code".to_owned()),
            ("code", code().await),
            ("redirect_uri", CALLBACK.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ]
    };
    let machine = [("grant_type", "client_credentials".to_owned())];
    for form in [code_form().await.to_vec(), machine.to_vec()] {
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        // `ensure-holder-of-key-required`: the certificate that is shown is not what they are bound to.
        asked(&form, None).await.is_error(
            400,
            "invalid_request",
            "Tokens of this kind are given with a DPoP proof only",
        );
    }
    let form = code_form().await;
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    let tokens = asked(&form, Some(&own.proof(&app, None))).await.expect(200);
    let of_user = tokens.text("access_token");
    let of_machine = asked(&[("grant_type", "client_credentials")], Some(&own.proof(&app, None))).await;
    for token in [&of_user, &of_machine.expect(200).text("access_token")] {
        let claims = decode(token).1;
        assert_eq!(claims["cnf"], json!({ "jkt": own.jkt() }));
        let audiences = claims["aud"].as_array().cloned().unwrap_or_else(|| vec![claims["aud"].clone()]);
        assert!(audiences.contains(&json!(API)), "{claims}");
    }
    // The resource of the plans takes it as well.
    app.send(own.bound(&app, ("GET", "/userinfo"), &of_user)).await.expect(200);
}
