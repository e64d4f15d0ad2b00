//! A session belongs to the browser in which somebody proved who they are, and begins with that proof.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::security_keys::{SHOW, asked, enrol, is_page, send, turn_on};
use crate::support::{Answer, Ask, Authenticator, Browser, Call, JANE, SAM, TestApp, TestRng, segment};

#[tokio::test]
async fn case_12_every_sign_in_makes_a_new_session() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.cookies.insert("auth0".to_owned(), "planted".to_owned());
    let ask = Ask::code(&app.clients.web.client_id, "openid");
    let mut seen = BTreeSet::from(["planted".to_owned()]);
    let mut ids = BTreeSet::new();
    for person in [&JANE, &JANE, &SAM, &JANE] {
        let before = browser.clone();
        let code = browser.authorize(&ask.clone().with("prompt", "login"), person).await.get("code");
        let session = browser.session_cookie().unwrap().to_owned();
        assert!(seen.insert(session), "a session cookie came twice");
        let claims = app.verified(&app.redeem(&code).await.expect(200).text("id_token")).await;
        assert!(ids.insert(claims["sid"].as_str().unwrap().to_owned()), "a session id came twice");
        // What the browser held before is worth nothing any more.
        let mut before = before;
        let silent = before.authorize(&ask.clone().with("prompt", "none"), person).await;
        silent.is_error("login_required", "Login required");
    }
}

/// The cookie of a stranger's session, planted before the victim signs in, neither becomes the victim's session nor
/// gives the stranger a look.
#[tokio::test]
async fn case_12_a_planted_session_is_not_taken_over() {
    let app = TestApp::new().await;
    let ask = Ask::code(&app.clients.web.client_id, "openid");
    let mut stranger = Browser::new(&app);
    stranger.authorize(&ask, &SAM).await.get("code");
    let mut victim = Browser::new(&app);
    let planted = stranger.session_cookie().unwrap().to_owned();
    victim.cookies.insert("auth0".to_owned(), planted.clone());
    victim.authorize(&ask.clone().with("prompt", "login"), &JANE).await.get("code");
    assert_ne!(victim.session_cookie(), Some(planted.as_str()));
    let silent = stranger.authorize(&ask.clone().with("prompt", "none"), &SAM).await;
    match silent.find("code") {
        None => silent.is_error("login_required", "Login required"),
        Some(code) => {
            let claims = app.verified(&app.redeem(code).await.text("id_token")).await;
            assert_ne!(claims["sub"], json!(app.jane().await));
        }
    }
}

#[tokio::test]
async fn case_12_no_step_opens_in_a_second_browser() {
    let app = TestApp::new().await;
    confirm_loopback(&app).await;
    let mut owner = Browser::new(&app);
    let login = owner.open(&app.ask("openid read:contacts")).await.expect(200);
    fails_elsewhere(&app, &login.form().value("state")).await;
    let consent = owner.log_in(&login, &JANE).await.expect(200);
    assert_eq!(consent.form().action, "/u/consent");
    fails_elsewhere(&app, &consent.form().value("state")).await;
    let loopback = Ask::code(&app.clients.web.client_id, "openid")
        .with("redirect_uri", "http://localhost:3000/callback");
    let confirm = owner.open(&loopback).await.expect(200);
    assert_eq!(confirm.form().action, "/u/confirm");
    fails_elsewhere(&app, &confirm.form().value("state")).await;
    let logout = owner.get("/oidc/logout").await;
    let logout = owner.follow(logout).await.expect(200);
    assert_eq!(logout.form().action, "/u/logout");
    fails_elsewhere(&app, &logout.form().value("state")).await;
    // For the owner all of it still works.
    let done = owner.submit(&consent, &[("action", "accept")]).await;
    let done = owner.follow(done).await;
    assert!(done.location().unwrap().contains("code="), "{done:?}");
}

/// In a browser without cookies, in one with a device of its own, and in one where somebody else is signed in.
async fn fails_elsewhere(app: &TestApp, state: &str) {
    let mut signed_in = Browser::new(app);
    signed_in.authorize(&Ask::code(&app.clients.web.client_id, "openid"), &SAM).await;
    let mut other_device = Browser::new(app);
    other_device.open(&app.ask("openid")).await;
    for mut browser in [Browser::new(app), other_device, signed_in] {
        let before = browser.cookies.clone();
        let paths = [
            "/u/login",
            "/u/signup",
            "/u/organization",
            "/u/organization-picker",
            "/u/consent",
            "/u/confirm",
            "/u/device",
            "/u/reset-password",
            "/u/logout",
            "/authorize/resume",
        ];
        for path in paths {
            let shown = browser.get(&format!("{path}?state={state}")).await;
            assert_eq!((shown.status.as_u16(), shown.location()), (400, None), "{path}: {shown:?}");
        }
        for path in &paths[..7] {
            let typed = [
                ("state", state),
                ("username", JANE.email),
                ("email", JANE.email),
                ("password", JANE.password),
                ("action", "accept"),
            ];
            let posted = browser.post(path, &typed).await;
            assert_eq!((posted.status.as_u16(), posted.location()), (400, None), "{path}: {posted:?}");
        }
        assert_eq!(browser.cookies, before, "a foreign step sets no cookie");
    }
}

/// Forms of another site are refused, whatever else they hold.
#[tokio::test]
async fn case_12_forms_of_other_sites_are_refused() {
    let app = TestApp::new().await;
    for origin in [
        "https://evil.example",
        "null",
        "https://auth.example.evil.example",
        "http://auth.example",
        "https://evilauth.example",
    ] {
        let mut browser = Browser::new(&app);
        let login = browser.open(&app.ask("openid")).await;
        let mut elsewhere = browser.clone().with_header("origin", origin);
        let typed = [("username", JANE.email), ("password", JANE.password)];
        let answer = elsewhere.submit(&login, &typed).await;
        assert_eq!((answer.status.as_u16(), elsewhere.session_cookie()), (403, None), "{origin}: {answer:?}");
        let mut here = browser.clone().with_header("origin", "https://auth.example");
        assert_eq!(here.submit(&login, &typed).await.status, 303);
    }
}

/// The login as a state machine, walked at random in one browser with several requests under way: an answer with a code
/// comes only after the right password and the right consent, and names who typed the password.
#[tokio::test]
async fn case_12_random_walks_never_skip_a_step() {
    let app = TestApp::new().await;
    let jane = app.jane().await;
    let mut answered = 0;
    for seed in 0..60 {
        let grants = format!("/grants?user_id={}", segment(&jane));
        app.manage("DELETE", &grants, Value::Null).await;
        answered += Walk::new(&app, seed).run(&jane).await;
    }
    assert!(answered > 10, "only {answered} walks of 60 came to an end: they prove little");
}

struct Walk<'a> {
    app: &'a TestApp,
    browser: Browser<'a>,
    rng: TestRng,
    states: Vec<String>,
    /// What the consent page seen last asked for.
    asked: String,
    address: [u8; 4],
    /// What the model knows: the right password was typed; consent was given after that.
    signed_in: bool,
    consented: bool,
}

impl<'a> Walk<'a> {
    fn new(app: &'a TestApp, seed: u8) -> Self {
        let (browser, rng) = (Browser::new(app), TestRng::seeded(1200 + u64::from(seed)));
        let address = [198, 51, 100, seed];
        let (states, asked) = (Vec::new(), String::new());
        Self { app, browser, rng, states, asked, address, signed_in: false, consented: false }
    }

    /// Returns 1 when a code came out.
    async fn run(&mut self, jane: &str) -> usize {
        for _ in 0..40 {
            let answer = self.step().await;
            self.learn(&answer);
            let Some(location) =
                answer.location().filter(|l| l.starts_with("https://auth.example/dev/callback"))
            else {
                assert!(!answer.status.is_server_error(), "{answer:?}");
                continue;
            };
            if !location.contains("code=") {
                continue;
            }
            assert!(self.signed_in && self.consented, "a code without sign-in or consent");
            let code = crate::support::Landing::of(&answer).get("code");
            let tokens = self.app.redeem(&code).await.expect(200);
            assert_eq!(self.app.verified(&tokens.text("access_token")).await["sub"], json!(jane));
            return 1;
        }
        0
    }

    async fn step(&mut self) -> Answer {
        let state = match self.states.len() {
            0 => "none".to_owned(),
            // More often than not the newest one, or few walks would come to an end.
            n if self.rng.below(3) > 0 => self.states[n - 1].clone(),
            n => self.states[self.rng.below(n)].clone(),
        };
        let pick = |rng: &TestRng, from: &[&'static str]| from[rng.below(from.len())];
        match self.rng.below(11) {
            0 | 1 => {
                let prompt =
                    pick(&self.rng, &["login", "consent", "none", "select_account", "login consent"]);
                let ask = self.app.ask("openid read:contacts");
                let ask = if self.rng.below(2) == 0 { ask } else { ask.with("prompt", prompt) };
                self.browser.get(&ask.path()).await
            }
            2 => {
                let pages =
                    ["/u/login", "/u/consent", "/u/confirm", "/u/signup", "/u/reset-password", "/u/logout"];
                let page = pick(&self.rng, &pages);
                self.browser.get(&format!("{page}?state={state}")).await
            }
            3 | 4 => {
                let password = pick(&self.rng, &[JANE.password, JANE.password, "wrong", ""]);
                let typed = [("state", state.as_str()), ("username", JANE.email), ("password", password)];
                // Guessing is slowed down by address and name; each walk has an address of its own.
                let call = Call::post("/u/login").form(&typed).sent_from(self.address);
                let answer = self.browser.send(call).await;
                self.signed_in |= password == JANE.password && answer.status == 303;
                answer
            }
            5 | 6 => {
                let action = pick(&self.rng, &["accept", "accept", "decline", "default", ""]);
                // Mostly after a look at the page; an answer to a page that was never seen is none.
                if self.rng.below(4) > 0 {
                    let page = self.browser.get(&format!("/u/consent?state={state}")).await;
                    self.learn(&page);
                }
                let may_count = self.signed_in && action == "accept" && !self.asked.is_empty();
                let answer = [("state", state.as_str()), ("asked", &self.asked), ("action", action)];
                let answer = self.browser.post("/u/consent", &answer).await;
                self.consented |= may_count && answer.status == 303;
                answer
            }
            7 => self.browser.post("/u/confirm", &[("state", &state), ("action", "accept")]).await,
            8 => {
                self.browser.cookies.remove(pick(&self.rng, &["auth0_compat", "did_compat", "none"]));
                self.browser.get(&format!("/authorize/resume?state={state}")).await
            }
            _ => self.browser.get(&format!("/authorize/resume?state={state}")).await,
        }
    }

    fn learn(&mut self, answer: &Answer) {
        let found =
            answer.location().and_then(|l| l.split_once("?state=")).map(|(_, state)| state.to_owned());
        let state = found.filter(|s| !s.contains('&') && !self.states.contains(s));
        self.states.extend(state);
        if answer.status == 200 && answer.body.contains("name=\"asked\"") {
            self.asked = answer.form().value("asked");
        }
    }
}

/// Absolute and idle ends of a session.
#[tokio::test]
async fn case_12_sessions_end() {
    for (idle_hours, absolute_hours, alive) in [(20, 48, true), (20, 24, false), (10, 48, false)] {
        let app = TestApp::new().await;
        let settings = json!({ "idle_session_lifetime": idle_hours, "session_lifetime": absolute_hours });
        app.manage("PATCH", "/tenants/settings", settings).await;
        let ask = Ask::code(&app.clients.web.client_id, "openid");
        let mut browser = Browser::new(&app);
        browser.authorize(&ask, &JANE).await.get("code");
        let silent = ask.with("prompt", "none");
        app.clock.advance(13 * 3600);
        browser.authorize(&silent, &JANE).await;
        app.clock.advance(13 * 3600);
        let last = browser.authorize(&silent, &JANE).await;
        assert_eq!(last.find("code").is_some(), alive, "idle {idle_hours} h, absolute {absolute_hours} h");
    }
}

async fn confirm_loopback(app: &TestApp) {
    let settings = json!({ "skip_non_verifiable_callback_uri_confirmation_prompt": false });
    app.manage("PATCH", "/tenants/settings", settings).await;
}

/// A challenge of a security key is that of one browser and one login.
#[tokio::test]
async fn case_12_a_key_answers_one_browser() {
    let app = TestApp::new().await;
    turn_on(&app, &["webauthn-roaming"], true).await;
    let mut key = Authenticator::new();
    enrol(&app, &mut key).await;
    let (_, hers) = asked(&app).await;
    let (mut thief, his) = asked(&app).await;
    // What Jane signs for her own login gets nobody else in.
    let signed = key.get(&hers);
    is_page(&send(&mut thief, &his, &signed).await, 400, SHOW);
    let state = hers.form().value("state");
    thief.post(SHOW, &[("state", &state), ("response", &signed)]).await.expect(400);
}
