//! The API by which users see to their second factors: its access tokens, and what `/mfa/authenticators` and `/mfa/associate` do
//! with them.

use std::sync::Arc;

use chancery_core::Clock;
use chancery_core::second_factor::PERIOD;
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::second_factor::{MFA_OTP, enrol, lock, shown, turn_on};
use crate::support::{
    API, Answer, Ask, Browser, CALLBACK, CONNECTION, Call, ISSUER, JANE, Landing, Pairs, TestApp, decode,
    engines, segment,
};

const ALL: &str = "enroll read:authenticators remove:authenticators";
const TYPED: Pairs<'_> =
    &[("grant_type", "password"), ("username", "jane@example.com"), ("password", "Read-4-Jane")];
const CHALLENGE: &str = "/u/mfa-otp-challenge";
const LIST: &str = "/mfa/authenticators";

fn audience() -> String {
    format!("{ISSUER}mfa/")
}

fn ask(app: &TestApp, scope: &str) -> Ask {
    app.ask(scope).with("audience", &audience())
}

/// By the password grant.
async fn typed(app: &TestApp, scope: &str) -> Answer {
    let audience = audience();
    app.web_token(&[TYPED, &[("audience", audience.as_str()), ("scope", scope)]].concat()).await
}

async fn go_on(app: &TestApp, mfa_token: &str, otp: &str) -> Answer {
    app.web_token(&[("grant_type", MFA_OTP), ("mfa_token", mfa_token), ("otp", otp)]).await
}

async fn associate(app: &TestApp, token: &str, body: Value) -> Answer {
    app.send(Call::post("/mfa/associate").bearer(token).json(&body)).await
}

async fn otp(app: &TestApp, token: &str) -> Answer {
    associate(app, token, json!({"authenticator_types": ["otp"]})).await
}

async fn listed(app: &TestApp, token: &str) -> Value {
    app.send(Call::get(LIST).bearer(token)).await.expect(200).json()
}

async fn remove(app: &TestApp, token: &str, id: &str) -> Answer {
    let id = id.replace('|', "%7C");
    app.send(Call::new("DELETE", &format!("{LIST}/{id}")).bearer(token)).await
}

/// Jane has an authenticator application, and nobody asks for it by policy: its secret.
async fn enrolled(app: &TestApp) -> String {
    turn_on(app, true).await;
    let secret = enrol(app, &mut Browser::new(app), &app.ask("openid")).await.0;
    turn_on(app, false).await;
    app.clock.advance(PERIOD);
    secret
}

/// An access token of a sign-in that showed it.
async fn with_factor(app: &TestApp, secret: &str, scope: &str) -> String {
    let waiting = typed(app, scope).await.expect(403);
    let tokens = go_on(app, &waiting.text("mfa_token"), &shown(app, secret)).await.expect(200);
    app.clock.advance(PERIOD);
    tokens.text("access_token")
}

#[tokio::test]
async fn a_first_factor_by_an_access_token() {
    for app in engines().await {
        turn_on(&app, false).await;
        let tokens = typed(&app, ALL).await.expect(200);
        assert_eq!((tokens.json()["expires_in"].as_i64(), tokens.text("scope").as_str()), (Some(600), ALL));
        let token = tokens.text("access_token");
        let claims = decode(&token).1;
        assert_eq!((&claims["aud"], claims.get("amr")), (&json!(audience()), None));
        assert_eq!(listed(&app, &token).await, json!([]));
        let made = otp(&app, &token).await.expect(200).json();
        assert_eq!(made["recovery_codes"].as_array().unwrap().len(), 1);
        let begun = listed(&app, &token).await;
        assert_eq!((&begun[0]["type"], &begun[0]["active"]), (&json!("otp"), &json!(false)));
        go_on(&app, &token, "000000").await.is_error(403, "invalid_grant", "Invalid otp_code.");
        let secret = made["secret"].as_str().unwrap();
        let tokens = go_on(&app, &token, &shown(&app, secret)).await.expect(200);
        let claims = decode(&tokens.text("access_token")).1;
        assert_eq!((&claims["aud"], &claims["amr"]), (&json!(audience()), &json!(["mfa"])));
        assert_eq!(tokens.text("scope"), ALL);
        let all = listed(&app, &tokens.text("access_token")).await;
        let kinds: Vec<&Value> = all.as_array().unwrap().iter().map(|one| &one["type"]).collect();
        assert_eq!(kinds, ["otp", "recovery-code"]);
        // The token of the password alone does nothing any more, not even what it could a moment ago.
        for refused in [
            app.send(Call::get(LIST).bearer(&token)).await,
            otp(&app, &token).await,
            remove(&app, &token, all[0]["id"].as_str().unwrap()).await,
            go_on(&app, &token, "000000").await,
        ] {
            assert_eq!((refused.status.as_u16(), refused.text("error").as_str()), (403, "mfa_required"));
        }
    }
}

#[tokio::test]
async fn one_more_and_one_less() {
    for app in engines().await {
        let first = enrolled(&app).await;
        let token = with_factor(&app, &first, ALL).await;
        let made = otp(&app, &token).await.expect(200).json();
        assert_eq!(made.get("recovery_codes"), None, "they are there");
        let second = made["secret"].as_str().unwrap().to_owned();
        // The first one still asks, and the new one counts for nothing yet.
        let waiting = typed(&app, ALL).await.text("mfa_token");
        go_on(&app, &waiting, &shown(&app, &second)).await.expect(403);
        otp(&app, &waiting).await.is_error(403, "access_denied", "User is already enrolled.");
        go_on(&app, &token, &shown(&app, &second)).await.expect(200);
        app.clock.advance(PERIOD);
        let token = with_factor(&app, &second, ALL).await;
        let all = listed(&app, &token).await;
        let ids: Vec<&str> = all.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 3, "{all}");
        for wrong in ["totp|dev_other", "email|dev_x", "passkey|dev_x"] {
            let text = "The user has no such authenticator";
            remove(&app, &token, wrong).await.is_error(404, "not_found", text);
        }
        for (id, left) in [(ids[0], 2), (ids[1], 0)] {
            assert!(remove(&app, &token, id).await.expect(204).body.is_empty());
            assert_eq!(
                listed(&app, &token).await.as_array().unwrap().len(),
                left,
                "the last takes the code along"
            );
        }
        typed(&app, ALL).await.expect(200);
    }
}

#[tokio::test]
async fn the_password_alone_gets_no_token_where_there_is_a_factor() {
    let app = TestApp::new().await;
    let secret = enrolled(&app).await;
    let waiting = typed(&app, ALL).await;
    assert_eq!((waiting.status.as_u16(), waiting.text("error").as_str()), (403, "mfa_required"));
    app.web_token(TYPED).await.expect(200);
    // Nor does the `mfa_token` take anything away.
    let mfa_token = waiting.text("mfa_token");
    let id = listed(&app, &mfa_token).await[0]["id"].as_str().unwrap().to_owned();
    let text = "The access token lacks the scope remove:authenticators";
    remove(&app, &mfa_token, &id).await.is_error(403, "insufficient_scope", text);

    // On the pages: whoever has one shows it, though no policy says so.
    let mut browser = Browser::new(&app);
    let login = browser.open(&ask(&app, "openid enroll read:authenticators")).await;
    let page = browser.log_in(&login, &JANE).await;
    assert_eq!(page.form().action, CHALLENGE);
    let silent = browser.open(&ask(&app, "openid enroll").and("prompt", "none")).await;
    Landing::of(&silent).is_error("interaction_required", "Multifactor authentication required");
    let code = shown(&app, &secret);
    let answer = browser.submit(&page, &[("code", &code), ("action", "default")]).await;
    let next = browser.follow(answer).await;
    let landing = Landing::of(&browser.go_through(next, &JANE).await);
    let tokens = app.redeem(&landing.get("code")).await.expect(200);
    assert_eq!(tokens.text("scope"), "openid enroll read:authenticators");
    let token = tokens.text("access_token");
    assert_eq!(decode(&token).1["amr"], json!(["mfa"]));
    assert_eq!(listed(&app, &token).await.as_array().unwrap().len(), 2);
    let text = "The access token lacks the scope remove:authenticators";
    remove(&app, &token, &id).await.is_error(403, "insufficient_scope", text);
    // Of another API it is none, and of this one none says it of a second factor.
    let other = app.redeem(&app.code("read:contacts").await).await.expect(200).text("access_token");
    assert_eq!(decode(&other).1.get("amr"), None);
    assert_eq!(app.send(Call::get(LIST).bearer(&other)).await.expect(401).text("error"), "invalid_token");
}

#[tokio::test]
async fn on_the_pages_nobody_is_made_to_have_one() {
    let app = TestApp::new().await;
    turn_on(&app, false).await;
    let code = app.code_for(&ask(&app, "enroll")).await;
    let tokens = app.redeem(&code).await.expect(200);
    let made = otp(&app, &tokens.text("access_token")).await.expect(200);
    assert!(!made.text("secret").is_empty());
}

#[tokio::test]
async fn a_new_password_ends_its_tokens() {
    for app in engines().await {
        turn_on(&app, false).await;
        let path = format!("/users/{}", segment(&app.jane().await));
        // The clock stands still: each token is of the second in which it ends.
        for password in ["Another-4-Jane", "A-third-4-Jane"] {
            let token = typed(&app, ALL).await.expect(200).text("access_token");
            let code = Browser::new(&app).authorize(&ask(&app, ALL), &JANE).await.get("code");
            let by_pages = app.redeem(&code).await.expect(200).text("access_token");
            for good in [&token, &by_pages] {
                listed(&app, good).await;
            }
            let secret = otp(&app, &token).await.expect(200).text("secret");
            app.manage("PATCH", &path, json!({"password": password, "connection": CONNECTION})).await;
            for ended in [&token, &by_pages] {
                app.send(Call::get(LIST).bearer(ended)).await.expect(401);
            }
            let refused = go_on(&app, &token, &shown(&app, &secret)).await;
            refused.is_error(403, "invalid_grant", "Malformed mfa_token");
            app.manage("PATCH", &path, json!({"password": JANE.password, "connection": CONNECTION})).await;
        }
    }
}

/// An `mfa_token` too, be it of the same second.
#[tokio::test]
async fn a_new_password_ends_sign_ins_that_wait() {
    for app in engines().await {
        turn_on(&app, true).await;
        let path = format!("/users/{}", segment(&app.jane().await));
        for password in ["Another-4-Jane", "A-third-4-Jane"] {
            let waiting = typed(&app, ALL).await.expect(403).text("mfa_token");
            listed(&app, &waiting).await;
            app.manage("PATCH", &path, json!({"password": password, "connection": CONNECTION})).await;
            app.send(Call::get(LIST).bearer(&waiting)).await.expect(403);
            app.manage("PATCH", &path, json!({"password": JANE.password, "connection": CONNECTION})).await;
        }
    }
}

#[tokio::test]
async fn no_machine_no_third_party_and_no_refresh_token() {
    let app = TestApp::new().await;
    turn_on(&app, false).await;
    let audience = audience();
    app.set_web(json!({"grant_types": ["authorization_code", "refresh_token", "password", "client_credentials", MFA_OTP]})).await;
    let machine = [("grant_type", "client_credentials"), ("audience", audience.as_str())];
    assert_ne!(app.web_token(&machine).await.status, 200);
    let tokens = typed(&app, "enroll offline_access openid").await.expect(200).json();
    assert_eq!((&tokens["scope"], tokens.get("refresh_token")), (&json!("enroll openid"), None));
    // It is in no list, and nobody makes another one.
    let apis = app.manage("GET", "/resource-servers", Value::Null).await;
    assert!(!apis.to_string().contains("/mfa/"), "{apis}");
    let management = app.management_token().await;
    let body = json!({"identifier": audience, "name": "mine"});
    app.send(Call::post("/api/v2/resource-servers").bearer(&management).json(&body)).await.expect(400);
    // Its description is public, as any other's.
    let described = app.get("/.well-known/oauth-protected-resource/mfa").await.expect(200).json();
    assert_eq!(
        described["scopes_supported"],
        json!(["enroll", "read:authenticators", "remove:authenticators"])
    );
}

#[tokio::test]
async fn what_cannot_be_associated() {
    let app = TestApp::new().await;
    turn_on(&app, false).await;
    let token = typed(&app, ALL).await.text("access_token");
    for (body, error, text) in [
        (json!({}), "invalid_request", "Missing required parameter: authenticator_types"),
        (
            json!({"authenticator_types": ["oob"]}),
            "invalid_request",
            "Missing required parameter: oob_channels",
        ),
    ] {
        associate(&app, &token, body).await.is_error(400, error, text);
    }
    for channel in ["sms", "voice", "auth0", "email"] {
        let body = json!({"authenticator_types": ["oob"], "oob_channels": [channel]});
        let refused = associate(&app, &token, body).await;
        assert_eq!(refused.text("error"), "unsupported_challenge_type", "{channel}");
    }
}

/// The recovery code of what somebody else began in the same moment would count with the factor that is made.
#[tokio::test]
async fn of_many_who_begin_at_once_one_has_begun() {
    for app in engines().await {
        turn_on(&app, false).await;
        let token = typed(&app, ALL).await.expect(200).text("access_token");
        let (app, start, mut all) = (Arc::new(app), Arc::new(Barrier::new(8)), JoinSet::new());
        for _ in 0..8 {
            let (app, start, token) = (Arc::clone(&app), Arc::clone(&start), token.clone());
            all.spawn(async move {
                start.wait().await;
                otp(&app, &token).await.expect(200);
            });
        }
        all.join_all().await;
        let begun = listed(&app, &token).await;
        assert_eq!(begun.as_array().unwrap().len(), 1, "{}: {begun}", app.engine);
    }
}

#[tokio::test]
async fn beside_another_api() {
    for app in engines().await {
        let secret = enrolled(&app).await;
        let audience = audience();
        for resources in [[API, audience.as_str()], [audience.as_str(), API]] {
            let scope = "openid offline_access read:contacts enroll remove:authenticators";
            let ask = Ask::code(&app.clients.web.client_id, scope)
                .with("resource", resources[0])
                .and("resource", resources[1]);
            let mut browser = Browser::new(&app);
            let login = browser.open(&ask).await;
            let mut page = browser.log_in(&login, &JANE).await;
            if page.form().action == "/u/consent" {
                let next = browser.submit(&page, &[("action", "accept")]).await;
                page = browser.follow(next).await;
            }
            assert_eq!(page.form().action, CHALLENGE, "{}", app.engine);
            let answer =
                browser.submit(&page, &[("code", &shown(&app, &secret)), ("action", "default")]).await;
            app.clock.advance(PERIOD);
            let next = browser.follow(answer).await;
            let code = Landing::of(&browser.go_through(next, &JANE).await).get("code");
            let pairs = [
                ("grant_type", "authorization_code"),
                ("code", code.as_str()),
                ("redirect_uri", CALLBACK),
                ("resource", audience.as_str()),
            ];
            let tokens = app.web_token(&pairs).await.expect(200).json();
            let claims = decode(tokens["access_token"].as_str().unwrap()).1;
            assert_eq!(
                (&claims["aud"], &claims["amr"]),
                (&json!([audience, format!("{ISSUER}userinfo")]), &json!(["mfa"]))
            );
            assert_eq!(claims["scope"], json!("openid enroll remove:authenticators"));
            if let Some(refresh) = tokens["refresh_token"].as_str() {
                for name in ["resource", "audience"] {
                    let there = app.refresh(refresh, &[(name, &audience)]).await;
                    assert_ne!(there.status, 200, "{there:?}");
                }
                app.refresh(refresh, &[]).await.expect(200);
            }
        }
    }
}

#[tokio::test]
async fn nobody_administers_it() {
    let app = TestApp::new().await;
    let management = app.management_token().await;
    let audience = audience();
    for id in ["%2Fmfa%2F".to_owned(), audience.replace(':', "%3A").replace('/', "%2F")] {
        let path = format!("/api/v2/resource-servers/{id}");
        app.send(Call::get(&path).bearer(&management)).await.expect(404);
        let body = json!({"token_lifetime": 86_400});
        app.send(Call::new("PATCH", &path).bearer(&management).json(&body)).await.expect(404);
        // As of anything that is not there.
        app.send(Call::new("DELETE", &path).bearer(&management)).await.expect(204);
    }
    // No grant opens it to machines, and no policy to refresh tokens.
    let grant = json!({"client_id": app.clients.m2m.client_id, "audience": audience, "scope": ["enroll"]});
    app.manage("POST", "/client-grants", grant).await;
    let secret = app.m2m_secret();
    let machine = [
        ("grant_type", "client_credentials"),
        ("client_id", app.clients.m2m.client_id.as_str()),
        ("client_secret", &secret),
        ("audience", &audience),
    ];
    assert_eq!(app.token(&machine).await.expect(403).text("error"), "access_denied");
    for named in [&audience, "/mfa/"] {
        let policies = json!({"refresh_token": {
            "rotation_type": "non-rotating", "expiration_type": "non-expiring",
            "policies": [{"audience": named, "scope": ["enroll"]}],
        }});
        let path = format!("/api/v2/clients/{}", app.clients.web.client_id);
        app.send(Call::new("PATCH", &path).bearer(&management).json(&policies)).await.expect(400);
    }
    turn_on(&app, false).await;
    typed(&app, ALL).await.expect(200);
}

/// Whoever takes such a token from its user may make a factor with it, and keeps nothing by that once it is over.
#[tokio::test]
async fn what_a_new_factor_gives_ends_with_the_token_that_made_it() {
    for app in engines().await {
        turn_on(&app, false).await;
        let mut token = typed(&app, ALL).await.expect(200).text("access_token");
        let end = decode(&token).1["exp"].as_i64().unwrap();
        for _ in 0..3 {
            app.clock.advance(PERIOD);
            let made = otp(&app, &token).await.expect(200);
            let tokens = go_on(&app, &token, &shown(&app, &made.text("secret"))).await.expect(200);
            token = tokens.text("access_token");
            assert_eq!(decode(&token).1["exp"].as_i64(), Some(end), "{}", app.engine);
            assert_eq!(tokens.json()["expires_in"].as_i64(), Some(end - app.clock.now()));
        }
        app.clock.advance(end - app.clock.now());
        otp(&app, &token).await.expect(401);
        go_on(&app, &token, "000000").await.is_error(403, "invalid_grant", "Malformed mfa_token");
    }
}

/// A factor counts once its code was typed, in the exchange in which it is made too. Beside one that counts already it takes that one.
#[tokio::test]
async fn what_an_id_token_says_of_a_new_factor() {
    const SCOPE: &str = "openid enroll read:authenticators";
    for app in engines().await {
        turn_on(&app, false).await;
        let password_alone = typed(&app, SCOPE).await.expect(200);
        let claims = app.verified(&password_alone.text("id_token")).await;
        assert_eq!(claims.get("amr"), None, "{}", app.engine);
        let password_alone = password_alone.text("access_token");
        // Somebody who has the password begins a factor of their own, and the user makes one meanwhile.
        let planted = otp(&app, &password_alone).await.expect(200).text("secret");
        turn_on(&app, true).await;
        let own = enrol(&app, &mut Browser::new(&app), &app.ask("openid")).await.0;
        turn_on(&app, false).await;
        app.clock.advance(PERIOD);
        let refused = go_on(&app, &password_alone, &shown(&app, &planted)).await.expect(403);
        assert_eq!(refused.text("error"), "mfa_required");
        let waiting = typed(&app, SCOPE).await.expect(403).text("mfa_token");
        go_on(&app, &waiting, &shown(&app, &planted)).await.is_error(
            403,
            "invalid_grant",
            "Invalid otp_code.",
        );
        // Who has shown it makes another one.
        let tokens = go_on(&app, &waiting, &shown(&app, &own)).await.expect(200);
        assert_eq!(app.verified(&tokens.text("id_token")).await["amr"], json!(["mfa"]));
        let with_factor = tokens.text("access_token");
        let another = otp(&app, &with_factor).await.expect(200).text("secret");
        let refused = go_on(&app, &password_alone, &shown(&app, &another)).await.expect(403);
        assert_eq!(refused.text("error"), "mfa_required");
        let tokens = go_on(&app, &with_factor, &shown(&app, &another)).await.expect(200);
        assert_eq!(app.verified(&tokens.text("id_token")).await["amr"], json!(["mfa"]));
        // Where there was none, the first one counts with its first code.
        let path = format!("/users/{}/authenticators", segment(&app.jane().await));
        app.manage("DELETE", &path, Value::Null).await;
        let first = typed(&app, SCOPE).await.expect(200).text("access_token");
        let secret = otp(&app, &first).await.expect(200).text("secret");
        let tokens = go_on(&app, &first, &shown(&app, &secret)).await.expect(200);
        assert_eq!(app.verified(&tokens.text("id_token")).await["amr"], json!(["mfa"]));
    }
}

/// Security case 14: a lock that came since holds where a new factor ends a sign-in.
#[tokio::test]
async fn case_14_a_new_factor_gives_a_locked_account_nothing() {
    let app = TestApp::new().await;
    turn_on(&app, false).await;
    let token = typed(&app, ALL).await.expect(200).text("access_token");
    let secret = otp(&app, &token).await.expect(200).text("secret");
    lock(&app, JANE.email).await;
    let refused = go_on(&app, &token, &shown(&app, &secret)).await.expect(429);
    assert_eq!(refused.text("error"), "too_many_attempts");
    app.manage("DELETE", &format!("/user-blocks/{}", segment(&app.jane().await)), Value::Null).await;
    go_on(&app, &token, &shown(&app, &secret)).await.expect(200);
}
