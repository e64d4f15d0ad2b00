//! Requests of `/authorize` that the application signed (JAR, RFC 9101).

use chancery_core::Clock;
use chancery_jose::{Algorithm, SigningKey, Typ, base64url};
use serde_json::{Value, json};

use crate::support::{API, Answer, Ask, Browser, CALLBACK, Call, ISSUER, JANE, KID, TestApp, engines, pem};

/// An application that may sign its requests.
struct Signer {
    client_id: String,
    client_secret: String,
    key: SigningKey,
}

impl Signer {
    async fn new(app: &TestApp, required: bool) -> Self {
        let key = chancery_jose::generate_rsa(2048).unwrap();
        let key = SigningKey::from_pkcs8(Algorithm::RS256, KID, &key).unwrap();
        let wish = json!({
            "name": "Signer", "app_type": "regular_web", "callbacks": [CALLBACK], "oidc_conformant": true,
            "grant_types": ["authorization_code"], "token_endpoint_auth_method": "client_secret_post",
            "signed_request_object": { "required": required, "credentials": [
                { "name": "key", "credential_type": "public_key", "pem": pem(&key), "alg": "RS256", "kid": KID },
            ] },
        });
        let made = app.manage("POST", "/clients", wish).await;
        let [client_id, client_secret] =
            ["client_id", "client_secret"].map(|name| made[name].as_str().unwrap().to_owned());
        Self { client_id, client_secret, key }
    }

    fn claims(&self, app: &TestApp) -> Value {
        json!({
            "iss": self.client_id, "aud": ISSUER, "client_id": self.client_id, "response_type": "code",
            "redirect_uri": CALLBACK, "scope": "openid read:contacts", "audience": API, "state": "signed",
            "iat": app.clock.now(), "exp": app.clock.now() + 60,
        })
    }

    fn sign(&self, claims: &Value) -> String {
        self.key.sign(Typ::Jwt, claims.to_string().as_bytes()).unwrap()
    }

    fn ask(&self, request: &str) -> Ask {
        Ask::empty().with("client_id", &self.client_id).with("request", request)
    }

    async fn redeem(&self, app: &TestApp, code: &str) -> Answer {
        let form = [
            ("client_id", self.client_id.as_str()),
            ("client_secret", &self.client_secret),
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
        ];
        app.token(&form).await
    }
}

#[track_caller]
fn bad_object(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.location()), (400, None), "{answer:?}");
    assert!(answer.body.contains("invalid_request_object"), "{}", answer.body);
}

#[tokio::test]
async fn nothing_counts_that_stands_beside_it() {
    for app in engines().await {
        let signer = Signer::new(&app, true).await;
        let ask = signer.ask(&signer.sign(&signer.claims(&app)));
        let ask = ask
            .with("state", "forged")
            .with("scope", "openid delete:contacts offline_access")
            .with("redirect_uri", "https://evil.example/")
            .with("response_type", "token")
            .with("prompt", "none");
        let landing = Browser::new(&app).authorize(&ask, &JANE).await;
        assert_eq!(landing.get("state"), "signed");
        assert!(landing.url.starts_with(CALLBACK), "{}", landing.url);
        let tokens = signer.redeem(&app, &landing.get("code")).await.expect(200);
        assert_eq!(tokens.text("scope"), "openid read:contacts");
    }
}

#[tokio::test]
async fn who_signs_has_no_other_requests() {
    let app = TestApp::new().await;
    let signer = Signer::new(&app, true).await;
    let plain = Ask::code(&signer.client_id, "openid");
    let text = "The client must sign its authorization requests";
    Browser::new(&app).authorize(&plain, &JANE).await.is_error("invalid_request", text);
    let free = Signer::new(&app, false).await;
    Browser::new(&app).authorize(&Ask::code(&free.client_id, "openid"), &JANE).await.get("code");
    let ask = free.ask(&free.sign(&free.claims(&app)));
    Browser::new(&app).authorize(&ask, &JANE).await.get("code");
    // The request in a form is the same request.
    let posted = Call::post("/authorize").body("application/x-www-form-urlencoded", ask.encoded());
    assert!(app.send(posted).await.location().is_some_and(|to| to.starts_with("/u/login")));
    // Without keys a signed request is not read at all.
    let spa = Ask::code(&app.clients.spa.client_id, "openid").with("request", "x.y.z");
    let text = "Parameter not supported: request";
    Browser::new(&app).authorize(&spa, &JANE).await.is_error("request_not_supported", text);
}

#[tokio::test]
async fn what_is_refused() {
    let app = TestApp::new().await;
    let (signer, other) = (Signer::new(&app, true).await, Signer::new(&app, true).await);
    let claims = signer.claims(&app);
    let good = signer.sign(&claims);
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        signer.sign(&claims)
    };
    let public = signer.key.public_key_der().unwrap();
    let header =
        |alg: &str| base64url(json!({ "alg": alg, "typ": "JWT", "kid": KID }).to_string().as_bytes());
    let payload = base64url(claims.to_string().as_bytes());
    let hs256 = format!("{}.{payload}", header("HS256"));
    let hs256 = format!("{hs256}.{}", base64url(&chancery_jose::hmac_sha256(&public, hs256.as_bytes())));
    let ps256 = signer.key.with_algorithm(Algorithm::PS256).unwrap();
    let stranger = with("client_id", json!(other.client_id));
    for (how, object) in [
        ("none", format!("{}.{payload}.", header("none"))),
        ("HS256 with the public key", hs256),
        (
            "an algorithm that the key is not for",
            ps256.sign(Typ::Jwt, claims.to_string().as_bytes()).unwrap(),
        ),
        ("another application's key", other.sign(&claims)),
        ("another kind of token", signer.key.sign(Typ::AtJwt, claims.to_string().as_bytes()).unwrap()),
        ("cut", good[..good.len() - 2].to_owned()),
        ("nothing", "x".to_owned()),
        ("for another application", stranger),
        ("by another application", with("iss", json!(other.client_id))),
        ("for another server", with("aud", json!("https://second.example/"))),
        ("over", with("exp", json!(app.clock.now() - 10))),
        ("not yet", with("nbf", json!(app.clock.now() + 60))),
        ("one in another", with("request", json!(good))),
        ("a reference", with("request_uri", json!("https://evil.example/"))),
        ("no response type", with("response_type", Value::Null)),
    ] {
        let answer = app.get(&signer.ask(&object).path()).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (400, None), "{how}");
        bad_object(&answer);
    }
    // Whoever names another application with it has another application's request.
    bad_object(&app.get(&signer.ask(&good).with("client_id", &other.client_id).path()).await);
    let evil = app.get(&signer.ask(&with("redirect_uri", json!("https://evil.example/"))).path()).await;
    assert_eq!((evil.status.as_u16(), evil.location()), (403, None), "the checks of requests come after it");
    Browser::new(&app).authorize(&signer.ask(&good), &JANE).await.get("code");
    // A key that was taken away signs nothing any more.
    app.set_client(
        &signer.client_id,
        json!({ "signed_request_object": { "required": true, "credentials": [] } }),
    )
    .await;
    let ask = signer.ask(&good).with("response_type", "code").with("state", "xyz");
    let landing = Browser::new(&app).authorize(&ask, &JANE).await;
    landing.is_error("request_not_supported", "Parameter not supported: request");
}

#[tokio::test]
async fn pushed_ahead_and_signed() {
    let app = TestApp::new().await;
    app.manage("PATCH", "/tenants/settings", json!({ "pushed_authorization_requests_supported": true }))
        .await;
    let signer = Signer::new(&app, true).await;
    let push = async |more: &[(&str, &str)]| {
        let own = [("client_id", signer.client_id.as_str()), ("client_secret", &signer.client_secret)];
        app.send(Call::post("/oauth/par").form(&[&own[..], more].concat())).await
    };
    let object = signer.sign(&signer.claims(&app));
    let pushed = push(&[("request", &object), ("scope", "openid delete:contacts")]).await.expect(201);
    let ask =
        Ask::empty().with("client_id", &signer.client_id).with("request_uri", &pushed.text("request_uri"));
    let landing = Browser::new(&app).authorize(&ask, &JANE).await;
    assert_eq!(landing.get("state"), "signed");
    let tokens = signer.redeem(&app, &landing.get("code")).await.expect(200);
    assert_eq!(tokens.text("scope"), "openid read:contacts");

    let text = "The client must sign its authorization requests";
    let unsigned = [("response_type", "code"), ("redirect_uri", CALLBACK), ("scope", "openid")];
    push(&unsigned).await.is_error(400, "invalid_request", text);
    let text = "The request object is not a JWT that a key of the client signed";
    push(&[("request", &object[1..])]).await.is_error(400, "invalid_request_object", text);
}

#[tokio::test]
async fn it_is_announced() {
    let app = TestApp::new().await;
    let document = app.get("/.well-known/openid-configuration").await.expect(200).json();
    assert_eq!(document["request_parameter_supported"], true);
    assert_eq!(document["request_object_signing_alg_values_supported"], json!(["RS256", "RS384", "PS256"]));
    assert_eq!(document["request_uri_parameter_supported"], false);
}
