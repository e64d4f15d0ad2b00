//! Applications that prove themselves with certificates, and tokens that are good together with one alone (RFC 8705).

use chancery_core::Clock;
use chancery_jose::{Algorithm, SigningKey, self_signed_certificate, sha256};
use chancery_web::{CertificateHeader, Networks, ServerConfig};
use serde_json::{Value, json};

use crate::support::{
    API, Answer, Ask, Browser, CALLBACK, Call, ISSUER, JANE, KID, KeyedClient, Landing, TestApp, decode, pem,
};

/// Whose word about certificates is believed.
const PROXY: [u8; 4] = [10, 0, 0, 7];
pub(crate) const ALIAS: &str = "mtls.auth.example";

/// A certificate, as a proxy hands it on.
pub(crate) struct Shown {
    pub(crate) pem: String,
    pub(crate) thumbprint: String,
}

impl Shown {
    pub(crate) fn new(common_name: &str) -> Self {
        Self::between(common_name, 1_700_000_000, 4_000_000_000)
    }

    /// Good from and until these seconds.
    fn between(common_name: &str, begin: i64, end: i64) -> Self {
        let key = chancery_jose::generate_rsa(2048).unwrap();
        let key = SigningKey::from_pkcs8(Algorithm::RS256, "key", &key).unwrap();
        let der = self_signed_certificate(&key, common_name, begin, end, &[7; 16]).unwrap();
        Self {
            pem: chancery_jose::pem("CERTIFICATE", &der),
            thumbprint: chancery_jose::base64url(&sha256(&der)),
        }
    }

    /// `verified` is what the proxy says of its authority.
    pub(crate) fn on(&self, call: Call, verified: &str) -> Call {
        let escaped: String = form_urlencoded::byte_serialize(self.pem.as_bytes()).collect();
        let call = call.host(ALIAS).sent_from(PROXY);
        call.header("client-certificate", &escaped.replace('+', "%20"))
            .header("client-certificate-ca-verified", verified)
    }
}

pub(crate) async fn behind_a_proxy() -> TestApp {
    let certificate_proxies = Networks(vec!["10.0.0.7".parse().unwrap()]);
    TestApp::configured(ServerConfig { certificate_proxies, ..ServerConfig::default() }).await
}

/// A machine that may read contacts, and proves itself so.
async fn machine(app: &TestApp, method: &str, credential: Value) -> String {
    let wish = json!({
        "name": "Bank", "app_type": "non_interactive", "grant_types": ["client_credentials"], "oidc_conformant": true,
        "client_authentication_methods": { method: { "credentials": [credential] } },
    });
    let made = app.manage("POST", "/clients", wish).await;
    let client_id = made["client_id"].as_str().unwrap().to_owned();
    let grant = json!({ "client_id": client_id, "audience": API, "scope": ["read:contacts"] });
    app.manage("POST", "/client-grants", grant).await;
    client_id
}

async fn self_signed(app: &TestApp, own: &Shown) -> String {
    let credential = json!({ "credential_type": "x509_cert", "name": "own", "pem": own.pem });
    machine(app, "self_signed_tls_client_auth", credential).await
}

fn asks(client_id: &str) -> Call {
    Call::post("/oauth/token").form(&[
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("audience", API),
    ])
}

#[track_caller]
fn is_no_client(answer: &Answer) {
    assert_eq!(
        (answer.status.as_u16(), answer.text("error").as_str()),
        (401, "invalid_client"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_certificate_of_its_own_making() {
    let app = behind_a_proxy().await;
    let (own, other) = (Shown::new("bank.example"), Shown::new("bank.example"));
    let client_id = self_signed(&app, &own).await;
    let token = app.send(own.on(asks(&client_id), "FAILED:self signed certificate")).await.expect(200);
    assert_eq!(token.text("token_type"), "Bearer");
    let claims = app.verified(&token.text("access_token")).await;
    assert_eq!(claims["iss"], ISSUER, "the alias is a way, not an issuer");
    assert_eq!(claims.get("cnf"), None, "the API asks for nothing");

    is_no_client(&app.send(other.on(asks(&client_id), "SUCCESS")).await);
    is_no_client(&app.send(asks(&client_id)).await);
    let with_secret = asks(&client_id).form(&[
        ("grant_type", "client_credentials"),
        ("client_id", &client_id),
        ("client_secret", "x"),
        ("audience", API),
    ]);
    is_no_client(&app.send(own.on(with_secret, "SUCCESS")).await);
}

#[tokio::test]
async fn a_certificate_of_an_authority() {
    let app = behind_a_proxy().await;
    let (own, other) = (Shown::new("bank.example"), Shown::new("bank.example.evil"));
    let credential =
        json!({ "credential_type": "cert_subject_dn", "name": "dn", "subject_dn": "CN=bank.example" });
    let client_id = machine(&app, "tls_client_auth", credential).await;
    app.send(own.on(asks(&client_id), "SUCCESS")).await.expect(200);
    // Anybody makes a certificate that names the bank.
    is_no_client(&app.send(own.on(asks(&client_id), "FAILED:self signed certificate")).await);
    is_no_client(&app.send(other.on(asks(&client_id), "SUCCESS")).await);
}

/// Whoever vouched for a certificate did so when the connection began, and an administrator may have given the credential another
/// end: the certificate has its own.
#[tokio::test]
async fn certificates_of_another_time() {
    let app = behind_a_proxy().await;
    let now = app.clock.now();
    let own = Shown::between("bank.example", now + 60, now + 120);
    let of_authority =
        json!({ "credential_type": "cert_subject_dn", "name": "dn", "subject_dn": "CN=bank.example" });
    let machines = [self_signed(&app, &own).await, machine(&app, "tls_client_auth", of_authority).await];
    let list = format!("/clients/{}/credentials", machines[0]);
    let credential = app.manage("GET", &list, Value::Null).await[0]["id"].as_str().unwrap().to_owned();
    app.manage("PATCH", &format!("{list}/{credential}"), json!({ "expires_at": null })).await;
    for (seconds, is_good) in [(59, false), (1, true), (60, true), (1, false)] {
        app.clock.advance(seconds);
        for client_id in &machines {
            let answer = app.send(own.on(asks(client_id), "SUCCESS")).await;
            match is_good {
                true => drop(answer.expect(200)),
                false => is_no_client(&answer),
            }
        }
    }
}

/// A certificate that is registered is known by the subject that it has, whatever its letters look like, and a subject that cannot be
/// read is nobody's.
#[tokio::test]
async fn case_17_a_subject_is_taken_from_a_certificate_as_it_is() {
    let app = behind_a_proxy().await;
    let own = Shown::new("x, O=Bank");
    let credential = json!({ "credential_type": "cert_subject_dn", "name": "dn", "pem": own.pem });
    let client_id = machine(&app, "tls_client_auth", credential).await;
    app.send(own.on(asks(&client_id), "SUCCESS")).await.expect(200);

    let rubbish = json!({ "credential_type": "cert_subject_dn", "name": "dn", "subject_dn": "CN" });
    let path = format!("/api/v2/clients/{client_id}/credentials");
    let call = Call::post(&path).bearer(&app.management_token().await).json(&rubbish);
    let text =
        "Payload validation error: 'A certificate or a subject_dn with a subject is needed' on property pem.";
    app.send(call).await.is_problem(400, Some("invalid_body"), text);
}

/// What anybody writes into a header is nobody's certificate, not even where another proxy lets it through.
#[tokio::test]
async fn only_proxies_hand_certificates_on() {
    let app = behind_a_proxy().await;
    let own = Shown::new("bank.example");
    let client_id = self_signed(&app, &own).await;
    is_no_client(&app.send(own.on(asks(&client_id), "SUCCESS").sent_from([203, 0, 113, 9])).await);
    let trusted_proxies = Networks(vec!["10.0.0.7".parse().unwrap()]);
    let other = TestApp::configured(ServerConfig { trusted_proxies, ..ServerConfig::default() }).await;
    let there = self_signed(&other, &own).await;
    is_no_client(&other.send(own.on(asks(&there), "SUCCESS")).await);
    let twice = own.on(own.on(asks(&client_id), "SUCCESS"), "SUCCESS");
    is_no_client(&app.send(twice).await);
    let rubbish = asks(&client_id).sent_from(PROXY).header("client-certificate", "rubbish");
    is_no_client(&app.send(rubbish).await);
}

/// A certificate is no key to other applications.
#[tokio::test]
async fn a_certificate_is_no_secret() {
    let app = behind_a_proxy().await;
    let own = Shown::new("bank.example");
    self_signed(&app, &own).await;
    let m2m = asks(&app.clients.m2m.client_id);
    let refused = app.send(own.on(m2m, "SUCCESS")).await;
    refused.is_error(401, "access_denied", "Unauthorized");
}

#[tokio::test]
async fn tokens_of_an_api_that_wants_certificates() {
    let app = behind_a_proxy().await;
    let own = Shown::new("bank.example");
    let client_id = self_signed(&app, &own).await;
    app.set_api(json!({ "proof_of_possession": { "mechanism": "mtls", "required": true } })).await;
    let token = app.send(own.on(asks(&client_id), "NONE")).await.expect(200);
    assert_eq!(token.text("token_type"), "Bearer");
    let claims = app.verified(&token.text("access_token")).await;
    assert_eq!(claims["cnf"], json!({ "x5t#S256": own.thumbprint }));

    let secret = app.m2m_secret();
    let without = Call::post("/oauth/token").form(&[
        ("grant_type", "client_credentials"),
        ("client_id", &app.clients.m2m.client_id),
        ("client_secret", &secret),
        ("audience", API),
    ]);
    let refused = app.send(without.clone()).await;
    assert_eq!((refused.status.as_u16(), refused.text("error").as_str()), (400, "invalid_request"));
    assert!(refused.text("error_description").ends_with("none was shown"), "{refused:?}");
    // Whoever authenticates by a secret may have tokens that are bound to a certificate.
    let bound = app.send(own.on(without, "NONE")).await.expect(200);
    assert_eq!(decode(&bound.text("access_token")).1["cnf"], json!({ "x5t#S256": own.thumbprint }));

    let said = Call::post("/oauth/introspect")
        .form(&[("client_id", &client_id), ("token", &token.text("access_token"))]);
    let said = app.send(own.on(said, "NONE")).await.expect(200).json();
    assert_eq!(said["cnf"], json!({ "x5t#S256": own.thumbprint }));
}

/// A public application: what it gets is bound to what it showed.
#[tokio::test]
async fn a_public_application_with_a_certificate() {
    let app = behind_a_proxy().await;
    let (own, other) = (Shown::new("phone"), Shown::new("phone"));
    let client_id = app.clients.spa.client_id.clone();
    app.set_client(&client_id, json!({ "require_proof_of_possession": true })).await;
    let code = app.code_for(&Ask::code(&client_id, "openid offline_access")).await;
    let redeem = Call::post("/oauth/token").form(&[
        ("client_id", &client_id),
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
    ]);
    let refused = app.send(redeem.clone()).await;
    assert_eq!((refused.status.as_u16(), refused.text("error").as_str()), (400, "invalid_request"));
    let tokens = app.send(own.on(redeem, "NONE")).await.expect(200);
    let access = tokens.text("access_token");

    let ask = || Call::get("/userinfo").bearer(&access);
    app.send(own.on(ask(), "NONE")).await.expect(200);
    for stolen in [ask(), other.on(ask(), "SUCCESS")] {
        let refused = app.send(stolen).await.expect(401);
        assert_eq!(refused.text("error"), "invalid_token");
    }

    let refresh = tokens.text("refresh_token");
    let refresh = Call::post("/oauth/token").form(&[
        ("client_id", &client_id),
        ("grant_type", "refresh_token"),
        ("refresh_token", &refresh),
    ]);
    is_no_client(&app.send(refresh.clone()).await);
    is_no_client(&app.send(other.on(refresh.clone(), "SUCCESS")).await);
    app.send(own.on(refresh, "NONE")).await.expect(200);
}

/// FAPI 2.0 Security Profile, with a certificate: the way that is allowed, and the ways that are not.
#[tokio::test]
async fn a_financial_application() {
    let app = behind_a_proxy().await;
    app.manage("PATCH", "/tenants/settings", json!({ "pushed_authorization_requests_supported": true }))
        .await;
    let own = Shown::new("bank.example");
    let credential = json!({ "credential_type": "x509_cert", "name": "own", "pem": own.pem });
    let made = app
        .manage(
            "POST",
            "/clients",
            json!({
                "name": "Bank", "app_type": "regular_web", "oidc_conformant": true, "callbacks": [CALLBACK],
                "grant_types": ["authorization_code", "implicit", "refresh_token", "password"],
                "compliance_level": "fapi2_sp_mtls_mtls",
                "client_authentication_methods": { "self_signed_tls_client_auth": { "credentials": [credential] } },
            }),
        )
        .await;
    let client_id = made["client_id"].as_str().unwrap().to_owned();
    assert_eq!(made["compliance_level"], "fapi2_sp_mtls_mtls");

    let verifier = "v".repeat(43);
    let ask = Ask::code(&client_id, "openid offline_access read:contacts").with("audience", API);
    let sound = ask.clone().challenged(&verifier);
    let push = |ask: &Ask| {
        let call = Call::post("/oauth/par").body("application/x-www-form-urlencoded", ask.encoded());
        own.on(call, "NONE")
    };
    let straight = Browser::new(&app).open(&sound).await;
    assert_eq!(Landing::of(&straight).get("error"), "invalid_request", "not pushed");
    for (unsound, why) in [
        (ask.clone(), "PKCE with code_challenge_method S256"),
        (sound.clone().with("response_type", "code id_token").with("nonce", "n"), "response_type code"),
    ] {
        let refused = app.send(push(&unsound)).await;
        let text = format!("The compliance level of the client demands {why}");
        refused.is_error(400, "invalid_request", &text);
    }
    let pushed = app.send(push(&sound)).await.expect(201).text("request_uri");
    let named = Ask::empty().with("client_id", &client_id).with("request_uri", &pushed);
    let landing = Browser::new(&app).authorize(&named, &JANE).await;
    assert_eq!(landing.get("iss"), ISSUER);
    let redeem = Call::post("/oauth/token").form(&[
        ("client_id", &client_id),
        ("grant_type", "authorization_code"),
        ("code", &landing.get("code")),
        ("redirect_uri", CALLBACK),
        ("code_verifier", &verifier),
    ]);
    is_no_client(&app.send(redeem.clone()).await);
    let tokens = app.send(own.on(redeem, "NONE")).await.expect(200);
    assert_eq!(decode(&tokens.text("access_token")).1["cnf"], json!({ "x5t#S256": own.thumbprint }));
    assert_eq!(decode(&tokens.text("id_token")).0["alg"], "PS256");
    let access = tokens.text("access_token");
    app.send(own.on(Call::get("/userinfo").bearer(&access), "NONE")).await.expect(200);
    let in_query = Call::get(&format!("/userinfo?access_token={access}"));
    let refused = app.send(own.on(in_query, "NONE")).await;
    let text = "The compliance level of the client takes no access token in the query";
    refused.is_error(400, "invalid_request", text);

    let password = Call::post("/oauth/token").form(&[
        ("client_id", &client_id),
        ("grant_type", "password"),
        ("username", JANE.email),
        ("password", JANE.password),
    ]);
    let refused = app.send(own.on(password, "NONE")).await;
    refused.is_error(403, "unauthorized_client", "Grant type 'password' not allowed for the client.");

    // By the other way of its profile's sibling it is no longer itself.
    app.set_client(&client_id, json!({ "compliance_level": "fapi2_sp_pkj_mtls" })).await;
    is_no_client(&app.send(push(&sound)).await);
}

/// The same with a signed assertion: RS256 is not good enough, and tokens are bound to a certificate all the same.
#[tokio::test]
async fn a_financial_application_that_signs() {
    let app = behind_a_proxy().await;
    let own = Shown::new("anything");
    let mut keyed = KeyedClient::new(&app).await;
    let level = "fapi2_sp_pkj_mtls";
    app.set_client(&keyed.client_id, json!({ "compliance_level": level })).await;
    let call = |assertion: &str| {
        Call::post("/oauth/token").form(&[
            ("grant_type", "client_credentials"),
            ("audience", API),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion),
        ])
    };
    is_no_client(&app.send(own.on(call(&keyed.assertion(&app, "with-rs256")), "NONE")).await);
    keyed.key = keyed.key.with_algorithm(Algorithm::PS256).unwrap();
    let credential = json!({
        "credential_type": "public_key", "name": "better", "pem": pem(&keyed.key), "alg": "PS256", "kid": KID,
    });
    let made = app.manage("POST", &format!("/clients/{}/credentials", keyed.client_id), credential).await;
    let methods = json!({ "private_key_jwt": { "credentials": [{ "id": made["id"] }] } });
    app.set_client(&keyed.client_id, json!({ "client_authentication_methods": methods })).await;
    let unbound = app.send(call(&keyed.assertion(&app, "without-certificate"))).await;
    let text = "Tokens of this kind are bound to a client certificate: none was shown";
    unbound.is_error(400, "invalid_request", text);
    let bound = app.send(own.on(call(&keyed.assertion(&app, "with-ps256")), "NONE")).await.expect(200);
    assert_eq!(decode(&bound.text("access_token")).1["cnf"], json!({ "x5t#S256": own.thumbprint }));
}

/// Where the API looks for keys, a token bound to a certificate would be anybody's.
#[tokio::test]
async fn case_10_no_token_bound_to_a_certificate_for_an_api_that_looks_for_keys() {
    let app = behind_a_proxy().await;
    let own = Shown::new("bank.example");
    let client_id = self_signed(&app, &own).await;
    for (level, text) in [
        ("fapi2_sp_mtls_mtls", "Tokens of this kind are given with a DPoP proof only"),
        (
            "fapi1_adv_mtls_par",
            "The compliance level of the client has tokens bound to a certificate, and the API looks for keys",
        ),
    ] {
        app.set_client(&client_id, json!({ "compliance_level": level })).await;
        for required in [false, true] {
            let wish = json!({ "proof_of_possession": { "mechanism": "dpop", "required": required } });
            app.set_api(wish).await;
            let refused = app.send(own.on(asks(&client_id), "NONE")).await;
            refused.is_error(400, "invalid_request", text);
        }
        app.set_api(json!({ "proof_of_possession": null })).await;
        let bound = app.send(own.on(asks(&client_id), "NONE")).await.expect(200);
        assert_eq!(decode(&bound.text("access_token")).1["cnf"], json!({ "x5t#S256": own.thumbprint }));
    }
}

#[tokio::test]
async fn discovery_names_the_way() {
    let app = TestApp::new().await;
    let document = async || app.get("/.well-known/openid-configuration").await.expect(200).json();
    assert_eq!(document().await.get("mtls_endpoint_aliases"), None);
    app.manage("PATCH", "/tenants/settings", json!({ "mtls": { "enable_endpoint_aliases": true } })).await;
    let said = document().await;
    assert_eq!(said["mtls_endpoint_aliases"]["token_endpoint"], format!("https://{ALIAS}/oauth/token"));
    let backchannel = &said["mtls_endpoint_aliases"]["backchannel_authentication_endpoint"];
    assert_eq!(*backchannel, format!("https://{ALIAS}/bc-authorize"));
    assert_eq!(said["mtls_endpoint_aliases"].get("pushed_authorization_request_endpoint"), None);
    assert_eq!(said["tls_client_certificate_bound_access_tokens"], true);
    let methods = said["token_endpoint_auth_methods_supported"].as_array().unwrap();
    assert!(
        methods.contains(&json!("tls_client_auth"))
            && methods.contains(&json!("self_signed_tls_client_auth"))
    );
    app.manage("PATCH", "/tenants/settings", json!({ "pushed_authorization_requests_supported": true }))
        .await;
    let said = document().await;
    let pushed = &said["mtls_endpoint_aliases"]["pushed_authorization_request_endpoint"];
    assert_eq!(*pushed, format!("https://{ALIAS}/oauth/par"));
    // The alias has the tenant's issuer.
    let there = app.send(Call::get("/.well-known/openid-configuration").host(ALIAS)).await.expect(200);
    assert_eq!(there.json()["issuer"], ISSUER);
}

/// A proxy that writes one header, and takes that one away from whoever sends it, knows nothing of the other.
#[tokio::test]
async fn one_header_alone_is_looked_at() {
    let own = Shown::new("bank.example");
    let der = chancery_jose::pem_decode(&own.pem).unwrap().1;
    let by_rfc = |call: Call| {
        let value = format!(":{}:", chancery_jose::base64(&der));
        call.host(ALIAS).sent_from(PROXY).header("client-cert", &value)
    };
    let app = behind_a_proxy().await;
    let client_id = self_signed(&app, &own).await;
    is_no_client(&app.send(by_rfc(asks(&client_id))).await);
    let certificate_proxies = Networks(vec!["10.0.0.7".parse().unwrap()]);
    let certificate_header = CertificateHeader::ClientCert;
    let config = ServerConfig { certificate_proxies, certificate_header, ..ServerConfig::default() };
    let app = TestApp::configured(config).await;
    let client_id = self_signed(&app, &own).await;
    app.send(by_rfc(asks(&client_id))).await.expect(200);
    is_no_client(&app.send(own.on(asks(&client_id), "SUCCESS")).await);
}

/// The word about an authority belongs to the other header: a proxy that hands certificates on as RFC 9440 has it lets that word
/// through from anybody, and a certificate with any subject is made in a moment.
#[tokio::test]
async fn a_word_about_authorities_comes_with_its_own_header_alone() {
    let certificate_proxies = Networks(vec!["10.0.0.7".parse().unwrap()]);
    let certificate_header = CertificateHeader::ClientCert;
    let config = ServerConfig { certificate_proxies, certificate_header, ..ServerConfig::default() };
    let app = TestApp::configured(config).await;
    let credential =
        json!({ "credential_type": "cert_subject_dn", "name": "dn", "subject_dn": "CN=bank.example" });
    let client_id = machine(&app, "tls_client_auth", credential).await;
    let forged = Shown::new("bank.example");
    let der = chancery_jose::pem_decode(&forged.pem).unwrap().1;
    let value = format!(":{}:", chancery_jose::base64(&der));
    let call = asks(&client_id).host(ALIAS).sent_from(PROXY).header("client-cert", &value);
    is_no_client(&app.send(call.header("client-certificate-ca-verified", "SUCCESS")).await);
}

/// FAPI 2.0, section 5.3.2.1: what is signed for the token endpoint, or for others too, is not signed for this server alone.
#[tokio::test]
async fn a_financial_application_signs_for_the_issuer_alone() {
    let app = behind_a_proxy().await;
    let own = Shown::new("anything");
    let mut keyed = KeyedClient::new(&app).await;
    keyed.key = keyed.key.with_algorithm(Algorithm::PS256).unwrap();
    let credential = json!({
        "credential_type": "public_key", "name": "better", "pem": pem(&keyed.key), "alg": "PS256", "kid": KID,
    });
    let made = app.manage("POST", &format!("/clients/{}/credentials", keyed.client_id), credential).await;
    let methods = json!({ "private_key_jwt": { "credentials": [{ "id": made["id"] }] } });
    app.set_client(&keyed.client_id, json!({ "client_authentication_methods": methods })).await;
    let now = chancery_core::Clock::now(&*app.clock);
    let ask = async |aud: Value, jti: &str| {
        let assertion = keyed.sign(&json!({
            "iss": keyed.client_id, "sub": keyed.client_id, "aud": aud, "iat": now, "exp": now + 60, "jti": jti,
        }));
        let call = Call::post("/oauth/token").form(&[
            ("grant_type", "client_credentials"),
            ("audience", API),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
        ]);
        app.send(own.on(call, "NONE")).await
    };
    let elsewhere =
        [json!(format!("{ISSUER}oauth/token")), json!([ISSUER]), json!([ISSUER, "https://other.example/"])];
    for (level, is_good) in [("fapi1_adv_pkj_par", true), ("fapi2_sp_pkj_mtls", false)] {
        app.set_client(&keyed.client_id, json!({ "compliance_level": level })).await;
        for (n, aud) in elsewhere.iter().enumerate() {
            let answer = ask(aud.clone(), &format!("{level}{n}")).await;
            assert_eq!(answer.status.as_u16(), if is_good { 200 } else { 401 }, "{level} {aud}: {answer:?}");
        }
        ask(json!(ISSUER), level).await.expect(200);
    }
}

/// A mailed code that users type into the application is as a password there; and a hybrid answer proves its `state` (FAPI 1.0 Part
/// 2, section 5.2.2.1).
#[tokio::test]
async fn what_else_financial_profiles_ask_for() {
    let app = behind_a_proxy().await;
    app.manage("PATCH", "/tenants/settings", json!({ "pushed_authorization_requests_supported": true }))
        .await;
    let own = Shown::new("bank.example");
    let credential = json!({ "credential_type": "x509_cert", "name": "own", "pem": own.pem });
    let mailed = "http://auth0.com/oauth/grant-type/passwordless/otp";
    let wish = json!({
        "name": "Bank", "app_type": "regular_web", "oidc_conformant": true, "callbacks": [CALLBACK],
        "grant_types": ["authorization_code", "implicit", mailed], "compliance_level": "fapi1_adv_mtls_par",
        "client_authentication_methods": { "self_signed_tls_client_auth": { "credentials": [credential] } },
    });
    let client_id = app.manage("POST", "/clients", wish).await["client_id"].as_str().unwrap().to_owned();
    let typed = Call::post("/oauth/token").form(&[
        ("client_id", &client_id),
        ("grant_type", mailed),
        ("realm", "email"),
        ("username", JANE.email),
        ("otp", "123456"),
    ]);
    let refused = app.send(own.on(typed, "NONE")).await;
    refused.is_error(
        403,
        "unauthorized_client",
        &format!("Grant type '{mailed}' not allowed for the client."),
    );
    let ask = Ask::code(&client_id, "openid").with("response_type", "code id_token").with("nonce", "n");
    let ask = ask.challenged(&"v".repeat(43));
    let push = Call::post("/oauth/par").body("application/x-www-form-urlencoded", ask.encoded());
    let pushed = app.send(own.on(push, "NONE")).await.expect(201).text("request_uri");
    let named = Ask::empty().with("client_id", &client_id).with("request_uri", &pushed);
    let landing = Browser::new(&app).authorize(&named, &JANE).await;
    let hash = chancery_jose::base64url(&sha256(landing.get("state").as_bytes())[..16]);
    assert_eq!(decode(&landing.get("id_token")).1["s_hash"], json!(hash));
}
