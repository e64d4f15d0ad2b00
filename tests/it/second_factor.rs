//! Second factors: when one is due, time-based codes, recovery codes, and the API for applications without a browser.

use std::sync::Arc;

use chancery_core::Clock;
use chancery_core::second_factor::{MULTI_FACTOR, PERIOD, secret_bytes};
use chancery_jose::hotp;
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::support::{
    API, Answer, Ask, Browser, Call, ISSUER, JANE, Landing, Pairs, SAM, TestApp, decode, engines, segment,
};

const CHALLENGE: &str = "/u/mfa-otp-challenge";
const ENROLMENT: &str = "/u/mfa-otp-enrollment-qr";
const RECOVERY: &str = "/u/mfa-recovery-code-challenge";
const KEEP: &str = "/u/mfa-recovery-code-enrollment";
pub(crate) const MFA_OTP: &str = "http://auth0.com/oauth/grant-type/mfa-otp";
pub(crate) const MFA_RECOVERY: &str = "http://auth0.com/oauth/grant-type/mfa-recovery-code";
const REQUIRED: &str = "Multifactor authentication required";
const TYPED: Pairs<'_> =
    &[("grant_type", "password"), ("username", "jane@example.com"), ("password", "Read-4-Jane")];

pub(crate) async fn turn_on(app: &TestApp, always: bool) {
    for factor in ["otp", "recovery-code"] {
        app.manage("PUT", &format!("/guardian/factors/{factor}"), json!({"enabled": true})).await;
    }
    let policies = if always { json!(["all-applications"]) } else { json!([]) };
    app.manage("PUT", "/guardian/policies", policies).await;
    let grants = ["authorization_code", "refresh_token", "password", MFA_OTP, MFA_RECOVERY];
    app.set_web(json!({"grant_types": grants})).await;
}

/// What the user's telephone shows now.
pub(crate) fn shown(app: &TestApp, secret: &str) -> String {
    let period = app.clock.now() / PERIOD;
    format!("{:06}", hotp(&secret_bytes(secret).unwrap(), period.try_into().unwrap()))
}

/// Somebody guesses at the password, until nobody signs in under the name from anywhere.
pub(crate) async fn lock(app: &TestApp, email: &str) {
    let settings = json!({"mode": "count_per_identifier", "max_attempts": 3});
    app.manage("PATCH", "/attack-protection/brute-force-protection", settings).await;
    for _ in 0..3 {
        let pairs = [("grant_type", "password"), ("username", email), ("password", "wrong")];
        app.web_token(&pairs).await.expect(403);
    }
}

/// The text of the element with this id, without spaces.
fn text(page: &Answer, id: &str) -> String {
    let rest =
        page.body.split(&format!("id=\"{id}\">")).nth(1).unwrap_or_else(|| panic!("no {id}: {page:?}"));
    rest.split('<').next().unwrap().replace(' ', "")
}

#[track_caller]
fn is_page(answer: &Answer, status: u16, path: &str) {
    assert_eq!((answer.status.as_u16(), answer.form().action.as_str()), (status, path), "{answer:?}");
}

async fn enter(browser: &mut Browser<'_>, page: &Answer, code: &str) -> Answer {
    let answer = browser.submit(page, &[("code", code), ("action", "default")]).await;
    browser.follow(answer).await
}

/// Jane signs in for the first time since: her secret, her recovery code, and the page after that.
pub(crate) async fn enrol(app: &TestApp, browser: &mut Browser<'_>, ask: &Ask) -> (String, String, Answer) {
    let login = browser.open(ask).await;
    let page = browser.log_in(&login, &JANE).await;
    is_page(&page, 200, ENROLMENT);
    let secret = text(&page, "secret");
    let page = enter(browser, &page, &shown(app, &secret)).await;
    is_page(&page, 200, KEEP);
    let code = text(&page, "recovery-code");
    let answer = browser.submit(&page, &[("saved", "yes"), ("action", "default")]).await;
    let next = browser.follow(answer).await;
    (secret, code, next)
}

/// Security case 14: a lock that came since holds where a second factor ends a sign-in, be it shown or made.
#[tokio::test]
async fn case_14_locks_hold_where_a_factor_is_shown_or_made() {
    for app in engines().await {
        turn_on(&app, true).await;
        let ask = app.ask("openid");
        let (secret, recovery, _) = enrol(&app, &mut Browser::new(&app), &ask).await;
        app.clock.advance(PERIOD);
        let mut janes = Browser::new(&app);
        let login = janes.open(&ask).await;
        let challenge = janes.log_in(&login, &JANE).await;
        is_page(&challenge, 200, CHALLENGE);
        let mut sams = Browser::new(&app);
        let login = sams.open(&ask).await;
        let enrolment = sams.log_in(&login, &SAM).await;
        is_page(&enrolment, 200, ENROLMENT);
        let made = text(&enrolment, "secret");

        lock(&app, JANE.email).await;
        lock(&app, SAM.email).await;
        is_page(&enter(&mut janes, &challenge, &shown(&app, &secret)).await, 429, CHALLENGE);
        let state = challenge.form().value("state");
        let other = janes.get(&format!("{RECOVERY}?state={state}")).await;
        is_page(&enter(&mut janes, &other, &recovery).await, 429, RECOVERY);
        is_page(&enter(&mut sams, &enrolment, &shown(&app, &made)).await, 429, ENROLMENT);
        // A lock that is lifted leaves the sign-in as it was.
        for whom in [JANE, SAM] {
            let path = format!("/user-blocks?identifier={}", whom.email.replace('@', "%40"));
            app.manage("DELETE", &path, Value::Null).await;
        }
        let next = enter(&mut janes, &challenge, &shown(&app, &secret)).await;
        Landing::of(&janes.go_through(next, &JANE).await).get("code");
        is_page(&enter(&mut sams, &enrolment, &shown(&app, &made)).await, 200, KEEP);
    }
}

#[tokio::test]
async fn enrolled_at_the_first_sign_in_and_asked_at_the_next() {
    for app in engines().await {
        turn_on(&app, true).await;
        let ask = app.ask("openid read:contacts");
        let mut browser = Browser::new(&app);
        let (secret, _, next) = enrol(&app, &mut browser, &ask).await;
        let landing = Landing::of(&browser.go_through(next, &JANE).await);
        let tokens = app.redeem(&landing.get("code")).await.expect(200);
        let claims = app.verified(&tokens.text("id_token")).await;
        assert_eq!((&claims["amr"], &claims["acr"]), (&json!(["mfa"]), &json!(MULTI_FACTOR)));
        // Once for each session; silently too. The ID token says it of the sign-in alone.
        let silent = Landing::of(&browser.open(&ask.clone().and("prompt", "none")).await);
        let tokens = app.redeem(&silent.get("code")).await.expect(200);
        assert_eq!(app.verified(&tokens.text("id_token")).await.get("amr"), None);
        // Unless the application asks.
        let asked = Landing::of(&browser.open(&ask.clone().and("acr_values", MULTI_FACTOR)).await);
        let tokens = app.redeem(&asked.get("code")).await.expect(200);
        assert_eq!(app.verified(&tokens.text("id_token")).await["amr"], json!(["mfa"]));

        app.clock.advance(PERIOD);
        let mut other = Browser::new(&app);
        let login = other.open(&ask).await;
        let page = other.log_in(&login, &JANE).await;
        is_page(&page, 200, CHALLENGE);
        let next = enter(&mut other, &page, &shown(&app, &secret)).await;
        assert!(!Landing::of(&other.go_through(next, &JANE).await).get("code").is_empty());
    }
}

#[tokio::test]
async fn the_password_alone_opens_nothing() {
    let app = TestApp::new().await;
    turn_on(&app, true).await;
    let ask = app.ask("openid read:contacts");
    enrol(&app, &mut Browser::new(&app), &ask).await;
    let mut thief = Browser::new(&app);
    let login = thief.open(&ask).await;
    let page = thief.log_in(&login, &JANE).await;
    is_page(&page, 200, CHALLENGE);
    // Neither silently, nor on another way, nor on the user's own page.
    let silent = Landing::of(&thief.open(&ask.clone().and("prompt", "none")).await);
    silent.is_error("interaction_required", REQUIRED);
    let state = page.form().value("state");
    let resumed = thief.get(&format!("/authorize/resume?state={state}")).await;
    is_page(&thief.follow(resumed).await, 200, CHALLENGE);
    for path in [ENROLMENT, KEEP, "/u/consent"] {
        let answer = thief.get(&format!("{path}?state={state}")).await;
        let answer = thief.follow(answer).await;
        is_page(&answer, 200, CHALLENGE);
    }
    thief.post("/u/consent", &[("state", &state), ("action", "accept")]).await.expect(400);
    let answer = thief.post(ENROLMENT, &[("state", &state), ("code", "000000")]).await;
    is_page(&thief.follow(answer).await, 200, CHALLENGE);
    let answer = thief.post(KEEP, &[("state", &state), ("saved", "yes")]).await;
    is_page(&thief.follow(answer).await, 200, CHALLENGE);
    let account = thief.get("/u/account/consents").await;
    is_page(&thief.follow(account).await, 200, CHALLENGE);
}

#[tokio::test]
async fn the_users_own_page_after_the_second_factor() {
    let app = TestApp::new().await;
    turn_on(&app, true).await;
    let mut browser = Browser::new(&app);
    let page = browser.get("/u/account/consents").await;
    let login = browser.follow(page).await;
    let page = browser.log_in(&login, &JANE).await;
    is_page(&page, 200, ENROLMENT);
    let page = enter(&mut browser, &page, &shown(&app, &text(&page, "secret"))).await;
    is_page(&page, 200, KEEP);
    // The code is shown until it was put away.
    let again = browser.submit(&page, &[("action", "default")]).await;
    is_page(&again, 400, KEEP);
    assert_eq!(text(&again, "recovery-code"), text(&page, "recovery-code"));
    let done = browser.submit(&again, &[("saved", "yes"), ("action", "default")]).await;
    let done = browser.follow(done).await;
    assert_eq!(done.location(), Some(format!("{ISSUER}u/account/consents").as_str()));
    let own = browser.get("/u/account/consents").await.expect(200);
    assert!(own.body.contains("No application has access to your account."), "{}", own.body);
}

#[tokio::test]
async fn without_a_policy_applications_ask() {
    let app = TestApp::new().await;
    turn_on(&app, false).await;
    let ask = app.ask("openid read:contacts");
    let mut browser = Browser::new(&app);
    let landing = browser.authorize(&ask, &JANE).await;
    let tokens = app.redeem(&landing.get("code")).await.expect(200);
    assert_eq!(app.verified(&tokens.text("id_token")).await.get("amr"), None);
    // Step-up: the session is there, the second factor is not.
    let stepped = ask.clone().and("acr_values", MULTI_FACTOR);
    Landing::of(&browser.open(&stepped.clone().and("prompt", "none")).await)
        .is_error("interaction_required", REQUIRED);
    let page = browser.open(&stepped).await;
    is_page(&page, 200, ENROLMENT);
    // Nobody is asked for what there is not.
    app.manage("PUT", "/guardian/factors/otp", json!({"enabled": false})).await;
    let landing = Landing::of(&browser.open(&stepped).await);
    let tokens = app.redeem(&landing.get("code")).await.expect(200);
    assert_eq!(app.verified(&tokens.text("id_token")).await.get("acr"), None, "nothing is claimed");
}

#[tokio::test]
async fn wrong_codes_are_few() {
    let app = TestApp::new().await;
    turn_on(&app, true).await;
    let ask = app.ask("openid");
    let (secret, ..) = enrol(&app, &mut Browser::new(&app), &ask).await;
    app.clock.advance(PERIOD);
    let mut browser = Browser::new(&app);
    let login = browser.open(&ask).await;
    let page = browser.log_in(&login, &JANE).await;
    is_page(&enter(&mut browser, &page, " ").await, 400, CHALLENGE);
    for n in 0..8 {
        let again = enter(&mut browser, &page, "no code").await;
        is_page(&again, 400, CHALLENGE);
        assert!(again.body.contains("This code is not right"), "{n}");
    }
    // The right one comes too late, wherever it comes from.
    let code = shown(&app, &secret);
    is_page(&enter(&mut browser, &page, &code).await, 429, CHALLENGE);
    app.clock.advance(600);
    is_page(&enter(&mut browser, &page, &code).await, 400, CHALLENGE);
    app.clock.advance(600);
    let next = enter(&mut browser, &page, &shown(&app, &secret)).await;
    assert!(!Landing::of(&browser.go_through(next, &JANE).await).get("code").is_empty());
    app.app.logs.flush().await.unwrap();
    let failed = app.manage("GET", "/logs?q=type:gd_auth_failed&per_page=100", Value::Null).await;
    assert_eq!(failed.as_array().unwrap().len(), 9);
}

/// Security case 8: of many who show one code at once, one gets in.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_lets_in_once() {
    for app in engines().await {
        turn_on(&app, true).await;
        let ask = app.ask("openid");
        let (secret, ..) = enrol(&app, &mut Browser::new(&app), &ask).await;
        app.clock.advance(PERIOD);
        let code = shown(&app, &secret);
        let mut waiting = Vec::new();
        for _ in 0..6 {
            waiting.push(token(&app).await);
        }
        let (start, mut all) = (Arc::new(Barrier::new(waiting.len())), JoinSet::new());
        let app = Arc::new(app);
        for mfa_token in waiting {
            let (app, start, code) = (Arc::clone(&app), Arc::clone(&start), code.clone());
            all.spawn(async move {
                start.wait().await;
                go_on(&app, MFA_OTP, &mfa_token, "otp", &code).await.status
            });
        }
        let statuses = all.join_all().await;
        assert_eq!(statuses.iter().filter(|status| status.as_u16() == 200).count(), 1, "{statuses:?}");
    }
}

#[tokio::test]
async fn a_recovery_code_lets_in_once_and_is_replaced() {
    for app in engines().await {
        turn_on(&app, true).await;
        let ask = app.ask("openid");
        let (_, code, _) = enrol(&app, &mut Browser::new(&app), &ask).await;
        assert!(!app.at_rest().await.contains(&code), "only its digest is kept");
        let mut used = code;
        for _ in 0..2 {
            let mut browser = Browser::new(&app);
            let login = browser.open(&ask).await;
            let page = browser.log_in(&login, &JANE).await;
            let state = page.form().value("state");
            let page = browser.get(&format!("{RECOVERY}?state={state}")).await;
            is_page(&page, 200, RECOVERY);
            let page = enter(&mut browser, &page, &used.to_lowercase()).await;
            is_page(&page, 200, KEEP);
            let next = text(&page, "recovery-code");
            assert_ne!(next, used);
            let mut other = Browser::new(&app);
            let login = other.open(&ask).await;
            let page = other.log_in(&login, &JANE).await;
            let page = other.get(&format!("{RECOVERY}?state={}", page.form().value("state"))).await;
            is_page(&enter(&mut other, &page, &used).await, 400, RECOVERY);
            used = next;
        }
    }
}

/// The `mfa_token` of a password grant.
async fn token(app: &TestApp) -> String {
    let answer = app.web_token(TYPED).await;
    is_required(&answer);
    answer.text("mfa_token")
}

#[track_caller]
fn is_required(answer: &Answer) {
    let said = (answer.status.as_u16(), answer.text("error"), answer.text("error_description"));
    assert_eq!(said, (403, "mfa_required".to_owned(), REQUIRED.to_owned()));
}

async fn go_on(app: &TestApp, grant: &str, mfa_token: &str, name: &str, code: &str) -> Answer {
    app.web_token(&[("grant_type", grant), ("mfa_token", mfa_token), (name, code)]).await
}

#[tokio::test]
async fn applications_with_their_own_login() {
    for app in engines().await {
        app.web_token(TYPED).await.expect(200);
        turn_on(&app, true).await;
        let pairs = [TYPED, &[("audience", API), ("scope", "openid offline_access read:contacts")]].concat();
        let answer = app.web_token(&pairs).await;
        is_required(&answer);
        assert_eq!(answer.json()["mfa_requirements"], json!({"enroll": [{"type": "otp"}]}));
        let mfa_token = answer.text("mfa_token");
        let with_token = |call: Call| call.bearer(&mfa_token);
        let listed = app.send(with_token(Call::get("/mfa/authenticators"))).await.expect(200);
        assert_eq!(listed.json(), json!([]));
        challenge(&app, &mfa_token).await.is_error(
            403,
            "association_required",
            "User is not enrolled with a second factor. Use /mfa/associate first.",
        );
        let sms = json!({"authenticator_types": ["oob"], "oob_channels": ["sms"], "phone_number": "+1"});
        let refused = app.send(with_token(Call::post("/mfa/associate")).json(&sms)).await;
        assert_eq!(
            (refused.status.as_u16(), refused.text("error").as_str()),
            (400, "unsupported_challenge_type")
        );
        let otp = json!({"authenticator_types": ["otp"]});
        let made = app.send(with_token(Call::post("/mfa/associate")).json(&otp)).await.expect(200).json();
        let secret = made["secret"].as_str().unwrap().to_owned();
        let uri = made["barcode_uri"].as_str().unwrap();
        assert!(uri.starts_with("otpauth://totp/") && uri.contains(&secret), "{uri}");
        let recovery = made["recovery_codes"][0].as_str().unwrap().to_owned();
        // Until its first code it counts for nothing, and neither does the recovery code.
        let text = "Invalid recovery code.";
        go_on(&app, MFA_RECOVERY, &mfa_token, "recovery_code", &recovery).await.is_error(
            403,
            "invalid_grant",
            text,
        );
        let text = "Invalid otp_code.";
        go_on(&app, MFA_OTP, &mfa_token, "otp", "12345").await.is_error(403, "invalid_grant", text);
        let tokens = go_on(&app, MFA_OTP, &mfa_token, "otp", &shown(&app, &secret)).await.expect(200);
        assert_eq!(tokens.text("scope"), "openid offline_access read:contacts");
        let claims = decode(&tokens.text("access_token")).1;
        assert_eq!((&claims["gty"], &claims["sub"]), (&json!("password"), &json!(app.jane().await)));
        app.refresh(&tokens.text("refresh_token"), &[]).await.expect(200);
        // The token is used up.
        go_on(&app, MFA_OTP, &mfa_token, "otp", &shown(&app, &secret)).await.is_error(
            403,
            "invalid_grant",
            "Malformed mfa_token",
        );

        app.clock.advance(PERIOD);
        let answer = app.web_token(TYPED).await;
        assert_eq!(answer.json()["mfa_requirements"], json!({"challenge": [{"type": "otp"}]}));
        let mfa_token = answer.text("mfa_token");
        assert_eq!(challenge(&app, &mfa_token).await.expect(200).json(), json!({"challenge_type": "otp"}));
        let listed = app.send(Call::get("/mfa/authenticators").bearer(&mfa_token)).await.expect(200).json();
        let kinds: Vec<&Value> =
            listed.as_array().unwrap().iter().map(|one| &one["authenticator_type"]).collect();
        assert_eq!(kinds, ["otp", "recovery-code"]);
        app.send(Call::post("/mfa/associate").bearer(&mfa_token).json(&otp)).await.is_error(
            403,
            "access_denied",
            "User is already enrolled.",
        );
        let tokens = go_on(&app, MFA_RECOVERY, &mfa_token, "recovery_code", &recovery).await.expect(200);
        assert_ne!(tokens.text("recovery_code"), recovery);
        assert_eq!(tokens.text("recovery_code").len(), 24);
    }
}

async fn challenge(app: &TestApp, mfa_token: &str) -> Answer {
    let secret = app.web_secret();
    let body = json!({
        "client_id": app.clients.web.client_id, "client_secret": secret, "challenge_type": "otp", "mfa_token": mfa_token,
    });
    app.send(Call::post("/mfa/challenge").json(&body)).await
}

/// Security case 1: what one application was given is nothing to another one.
#[tokio::test]
async fn an_mfa_token_is_its_applications() {
    let app = TestApp::new().await;
    turn_on(&app, true).await;
    let mfa_token = token(&app).await;
    assert!(!app.at_rest().await.contains(&mfa_token[22..]), "only its digest is kept");
    let spa = app.clients.spa.client_id.clone();
    app.set_client(&spa, json!({"grant_types": ["authorization_code", MFA_OTP]})).await;
    let text = "mfa_token not issued to this client";
    app.token(&[("grant_type", MFA_OTP), ("client_id", &spa), ("mfa_token", &mfa_token), ("otp", "1")])
        .await
        .is_error(400, "invalid_request", text);
    for made_up in ["", "x", &"A".repeat(65), &format!("{}{}", &mfa_token[..22], "A".repeat(43))] {
        let answer = go_on(&app, MFA_OTP, made_up, "otp", "123456").await;
        assert!([400, 403].contains(&answer.status.as_u16()), "{answer:?}");
        let answer = app.send(Call::get("/mfa/authenticators").bearer(made_up)).await;
        assert!([401, 403].contains(&answer.status.as_u16()), "{answer:?}");
    }
    let login = Browser::new(&app).open(&app.ask("openid")).await.form().value("state");
    go_on(&app, MFA_OTP, &login, "otp", "123456").await.is_error(403, "invalid_grant", "Malformed mfa_token");
    app.clock.advance(600);
    go_on(&app, MFA_OTP, &mfa_token, "otp", "1").await.is_error(401, "expired_token", "mfa_token is expired");
    app.send(Call::get("/mfa/authenticators")).await.expect(401);
}

/// What a management client makes is asked for, and what it takes away is not.
#[tokio::test]
async fn administrators_make_and_remove_enrolments() {
    let app = TestApp::new().await;
    turn_on(&app, true).await;
    let jane = segment(&app.jane().await);
    let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    let methods = format!("/users/{jane}/authentication-methods");
    let made = app.manage("POST", &methods, json!({"type": "totp", "totp_secret": secret})).await;
    let ask = app.ask("openid");
    let mut browser = Browser::new(&app);
    let login = browser.open(&ask).await;
    let page = browser.log_in(&login, &JANE).await;
    is_page(&page, 200, CHALLENGE);
    assert!(!page.body.contains(RECOVERY), "there is no recovery code");
    let next = enter(&mut browser, &page, &shown(&app, secret)).await;
    assert!(!Landing::of(&browser.go_through(next, &JANE).await).get("code").is_empty());
    let listed = app.manage("GET", &format!("/users/{jane}/enrollments"), Value::Null).await;
    assert_eq!((&listed[0]["id"], &listed[0]["status"]), (&made["id"], &json!("confirmed")));
    let path = format!("/guardian/enrollments/{}", segment(made["id"].as_str().unwrap()));
    assert_eq!(app.manage("GET", &path, Value::Null).await["status"], "confirmed");
    let shown = app.manage("GET", &methods, Value::Null).await;
    assert!(!shown.to_string().contains("period") && !shown.to_string().contains("sealed"), "{shown}");
    app.api("DELETE", &path, Value::Null).await.expect(204);
    app.api("GET", &path, Value::Null).await.expect(404);
    let mut browser = Browser::new(&app);
    let login = browser.open(&ask).await;
    is_page(&browser.log_in(&login, &JANE).await, 200, ENROLMENT);
}

/// A second factor belongs to whoever showed it: whoever signs in next in the same browser shows their own.
#[tokio::test]
async fn another_user_shows_their_own() {
    let app = TestApp::new().await;
    turn_on(&app, true).await;
    let ask = app.ask("openid");
    let mut browser = Browser::new(&app);
    let login = browser.open(&ask).await;
    let page = browser.log_in(&login, &JANE).await;
    is_page(&page, 200, ENROLMENT);
    let secret = text(&page, "secret");
    let state = page.form().value("state");
    let login = browser.get(&format!("/u/login?state={state}")).await;
    let page = browser.log_in(&login, &SAM).await;
    is_page(&page, 200, ENROLMENT);
    assert_ne!(text(&page, "secret"), secret);
    assert!(page.body.contains(SAM.email), "{}", page.body);
    let discovery = app.get("/.well-known/openid-configuration").await.json();
    assert_eq!(discovery["mfa_challenge_endpoint"], format!("{ISSUER}mfa/challenge"));
}

/// Whoever knows the password of a user without a factor plants nothing that outlives the user's own enrolment.
#[tokio::test]
async fn what_was_begun_is_gone_once_the_user_enrols() {
    for app in engines().await {
        turn_on(&app, true).await;
        let mfa_token = token(&app).await;
        let otp = json!({"authenticator_types": ["otp"]});
        let made =
            app.send(Call::post("/mfa/associate").bearer(&mfa_token).json(&otp)).await.expect(200).json();
        let planted = made["recovery_codes"][0].as_str().unwrap().to_owned();
        let ask = app.ask("openid");
        let mut thief = Browser::new(&app);
        let login = thief.open(&ask).await;
        let page = thief.log_in(&login, &JANE).await;
        is_page(&page, 200, ENROLMENT);
        let tried = [("state", page.form().value("state")), ("code", planted.clone())];
        let tried: Vec<(&str, &str)> = tried.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = thief.post(RECOVERY, &tried).await;
        is_page(&thief.follow(answer).await, 200, ENROLMENT);

        let (secret, own, _) = enrol(&app, &mut Browser::new(&app), &ask).await;
        assert_ne!(own, planted);
        app.clock.advance(PERIOD);
        let again = token(&app).await;
        for (grant, name, code) in [
            (MFA_RECOVERY, "recovery_code", planted.clone()),
            (MFA_OTP, "otp", shown(&app, made["secret"].as_str().unwrap())),
        ] {
            assert_eq!(
                go_on(&app, grant, &again, name, &code).await.text("error"),
                "invalid_grant",
                "{grant}"
            );
        }
        go_on(&app, MFA_OTP, &again, "otp", &shown(&app, &secret)).await.expect(200);
    }
}

#[tokio::test]
async fn a_new_password_ends_what_the_old_one_began() {
    let app = TestApp::new().await;
    turn_on(&app, true).await;
    let mfa_token = token(&app).await;
    app.clock.advance(1);
    let jane = format!("/users/{}", segment(&app.jane().await));
    app.manage("PATCH", &jane, json!({"password": "Another-5-Password"})).await;
    let otp = json!({"authenticator_types": ["otp"]});
    let refused = app.send(Call::post("/mfa/associate").bearer(&mfa_token).json(&otp)).await;
    refused.is_error(403, "invalid_grant", "Malformed mfa_token");
    go_on(&app, MFA_OTP, &mfa_token, "otp", "1").await.is_error(403, "invalid_grant", "Malformed mfa_token");
}

#[tokio::test]
async fn the_password_alone_shows_no_organizations() {
    let app = TestApp::new().await;
    turn_on(&app, true).await;
    let connections = app.manage("GET", "/connections?strategy=auth0", Value::Null).await;
    let mut ids = Vec::new();
    for (name, title) in [("acme", "Acme Secret"), ("globex", "Globex Secret")] {
        let made = app.manage("POST", "/organizations", json!({"name": name, "display_name": title})).await;
        let id = made["id"].as_str().unwrap().to_owned();
        let members = json!({"members": [app.jane().await]});
        app.api("POST", &format!("/organizations/{id}/members"), members).await.expect(204);
        let enabled = json!({"connection_id": connections[0]["id"]});
        app.manage("POST", &format!("/organizations/{id}/enabled_connections"), enabled).await;
        ids.push(id);
    }
    app.set_web(
        json!({"organization_usage": "require", "organization_require_behavior": "post_login_prompt"}),
    )
    .await;
    let ask = app.ask("openid");
    let mut browser = Browser::new(&app);
    let login = browser.open(&ask).await;
    let page = browser.log_in(&login, &JANE).await;
    is_page(&page, 200, ENROLMENT);
    let state = page.form().value("state");
    let picker = browser.get(&format!("/u/organization-picker?state={state}")).await;
    assert!(!picker.body.contains("Secret"));
    is_page(&browser.follow(picker).await, 200, ENROLMENT);
    let picked =
        browser.post("/u/organization-picker", &[("state", &state), ("organization", &ids[0])]).await;
    let page = browser.follow(picked).await;
    is_page(&page, 200, ENROLMENT);
    // Afterwards it is asked.
    let page = enter(&mut browser, &page, &shown(&app, &text(&page, "secret"))).await;
    let kept = browser.submit(&page, &[("saved", "yes"), ("action", "default")]).await;
    let page = browser.follow(kept).await;
    is_page(&page, 200, "/u/organization-picker");
    assert!(page.body.contains("Acme Secret"));
}

/// What one user began is not shown to another one who signs in in another tab of the same browser.
#[tokio::test]
async fn tabs_of_two_users() {
    let app = TestApp::new().await;
    turn_on(&app, false).await;
    let ask = app.ask("openid");
    let stepped = ask.clone().and("acr_values", MULTI_FACTOR);
    let mut browser = Browser::new(&app);
    browser.authorize(&ask, &JANE).await;
    let page = browser.open(&stepped).await;
    is_page(&page, 200, ENROLMENT);
    let (secret, state) = (text(&page, "secret"), page.form().value("state"));
    let login = browser.open(&ask.clone().and("prompt", "login")).await;
    browser.log_in(&login, &SAM).await;
    let page = browser.get(&format!("{ENROLMENT}?state={state}")).await;
    let page = browser.follow(page).await;
    is_page(&page, 200, ENROLMENT);
    assert!(page.body.contains(SAM.email) && text(&page, "secret") != secret);
}

/// Tools that write configuration send all factors at once.
#[tokio::test(flavor = "multi_thread")]
async fn factors_are_switched_all_at_once() {
    for app in engines().await {
        let (app, mut all) = (Arc::new(app), JoinSet::new());
        app.management_token().await;
        for (name, enabled) in [
            ("sms", false),
            ("push-notification", false),
            ("otp", true),
            ("email", false),
            ("duo", false),
            ("webauthn-roaming", false),
            ("webauthn-platform", false),
            ("recovery-code", true),
        ] {
            let app = Arc::clone(&app);
            all.spawn(async move {
                let path = format!("/guardian/factors/{name}");
                app.api("PUT", &path, json!({"enabled": enabled})).await.expect(200);
            });
        }
        all.join_all().await;
        let factors = app.manage("GET", "/guardian/factors", Value::Null).await;
        let on: Vec<&Value> = factors
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["enabled"] == true)
            .map(|one| &one["name"])
            .collect();
        assert_eq!(on, ["otp", "recovery-code"]);
    }
}
