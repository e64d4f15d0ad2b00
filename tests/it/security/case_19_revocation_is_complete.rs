//! After each way of ending a grant nothing of it works: not the refresh token, not the opaque access token, not the code
//! that was under way, and where the browser's session ends with it, not that either.

use serde_json::{Value, json};

use crate::support::{API, Ask, Browser, CALLBACK, CONNECTION, Call, JANE, TestApp, engines, segment};

const BAD_REFRESH: &str = "Unknown or invalid refresh token.";

/// What Jane's sign-in left behind, all of one browser session.
struct Held<'a> {
    app: &'a TestApp,
    browser: Browser<'a>,
    /// Of the sign-in without an API: an opaque access token goes with it.
    userinfo: Value,
    /// Of the sign-in for the demo API.
    api: Value,
    /// Codes not yet redeemed, for each of both.
    codes: [String; 2],
}

impl<'a> Held<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let mut browser = Browser::new(app);
        let scope = "openid profile offline_access read:contacts";
        let plain = Ask::code(&app.clients.web.client_id, scope);
        let mut codes = Vec::new();
        for ask in [&plain, &app.ask(scope), &plain, &app.ask(scope)] {
            codes.push(browser.authorize(ask, &JANE).await.get("code"));
        }
        let userinfo = app.redeem(&codes[0]).await.expect(200).json();
        let api = app.redeem(&codes[1]).await.expect(200).json();
        app.userinfo(userinfo["access_token"].as_str().unwrap()).await.expect(200);
        let held = Self { app, browser, userinfo, api, codes: [codes[2].clone(), codes[3].clone()] };
        held.refreshes(&held.userinfo).await;
        held.refreshes(&held.api).await;
        held
    }

    async fn refreshes(&self, of: &Value) {
        self.app.refresh(of["refresh_token"].as_str().unwrap(), &[]).await.expect(200);
    }

    async fn refresh_is_dead(&self, of: &Value) {
        let answer = self.app.refresh(of["refresh_token"].as_str().unwrap(), &[]).await;
        answer.is_error(403, "invalid_grant", BAD_REFRESH);
    }

    async fn opaque_is_dead(&self) {
        assert_eq!(self.app.userinfo(self.userinfo["access_token"].as_str().unwrap()).await.status, 401);
    }

    async fn code_is_dead(&self, code: &str) {
        self.app.redeem(code).await.is_error(403, "invalid_grant", "Invalid authorization code");
    }

    async fn everything_is_dead(&self) {
        self.refresh_is_dead(&self.userinfo).await;
        self.refresh_is_dead(&self.api).await;
        self.opaque_is_dead().await;
        for code in &self.codes {
            self.code_is_dead(code).await;
        }
    }

    async fn session_is_dead(&self) {
        let ask = Ask::code(&self.app.clients.web.client_id, "openid").with("prompt", "none");
        let landing = self.browser.clone().authorize(&ask, &JANE).await;
        landing.is_error("login_required", "Login required");
    }

    async fn revoke(&self, token: &Value) {
        let secret = self.app.web_secret();
        let body =
            json!({ "client_id": self.app.clients.web.client_id, "client_secret": secret, "token": token });
        let answer = self.app.send(Call::post("/oauth/revoke").json(&body)).await.expect(200);
        assert_eq!(answer.body, "");
    }

    async fn jane(&self) -> String {
        segment(&self.app.jane().await)
    }
}

#[tokio::test]
async fn case_19_revoking_a_refresh_token() {
    for app in engines().await {
        let held = Held::new(&app).await;
        held.revoke(&held.userinfo["refresh_token"]).await;
        held.refresh_is_dead(&held.userinfo).await;
        held.opaque_is_dead().await;
        // The other sign-in is another grant.
        held.refreshes(&held.api).await;
    }
}

#[tokio::test]
async fn case_19_revoking_a_refresh_token_with_its_grant() {
    for app in engines().await {
        app.manage("PATCH", "/tenants/settings", json!({ "flags": { "revoke_refresh_token_grant": true } }))
            .await;
        let held = Held::new(&app).await;
        held.revoke(&held.api["refresh_token"]).await;
        held.refresh_is_dead(&held.api).await;
        held.code_is_dead(&held.codes[1]).await;
        let ask = app.ask("openid profile offline_access read:contacts").with("prompt", "none");
        let landing = held.browser.clone().authorize(&ask, &JANE).await;
        landing.is_error("consent_required", "Consent required");
    }
}

#[tokio::test]
async fn case_19_revoking_an_opaque_access_token() {
    for app in engines().await {
        let held = Held::new(&app).await;
        held.revoke(&held.userinfo["access_token"]).await;
        held.opaque_is_dead().await;
        held.refresh_is_dead(&held.userinfo).await;
    }
}

/// It cannot be taken back; success would be a lie.
#[tokio::test]
async fn case_19_revoking_a_jwt_is_not_pretended() {
    let app = TestApp::new().await;
    let held = Held::new(&app).await;
    let secret = app.web_secret();
    let token = held.api["access_token"].as_str().unwrap();
    let pairs =
        [("client_id", app.clients.web.client_id.as_str()), ("client_secret", &secret), ("token", token)];
    let answer = app.send(Call::post("/oauth/revoke").form(&pairs)).await;
    answer.is_error(
        400,
        "unsupported_token_type",
        "JWT access tokens cannot be revoked; they end by themselves",
    );
}

#[tokio::test]
async fn case_19_logging_out() {
    for app in engines().await {
        for path in ["/v2/logout", "/oidc/logout"] {
            let mut held = Held::new(&app).await;
            let before = held.browser.clone();
            let query = match path {
                "/oidc/logout" => format!("?id_token_hint={}", held.api["id_token"].as_str().unwrap()),
                _ => String::new(),
            };
            let answer = held.browser.get(&format!("{path}{query}")).await;
            assert!(answer.status == 200 || answer.location().is_some(), "{answer:?}");
            assert_eq!(held.browser.session_cookie(), None, "{path}");
            // The cookie, kept by somebody, is worth nothing.
            held.browser = before;
            held.session_is_dead().await;
            held.everything_is_dead().await;
        }
    }
}

#[tokio::test]
async fn case_19_a_new_password() {
    for app in engines().await {
        let held = Held::new(&app).await;
        let elsewhere = Held::new(&app).await;
        let body = json!({ "email": JANE.email, "connection": CONNECTION });
        app.send(Call::post("/dbconnections/change_password").json(&body)).await.expect(200);
        let ticket = app.mailed_ticket(JANE.email);
        let form = [
            ("state", ticket.as_str()),
            ("password", "New-4-Somebody"),
            ("password-repeat", "New-4-Somebody"),
        ];
        app.send(Call::post("/u/reset-verify").form(&form)).await.expect(200);
        for held in [held, elsewhere] {
            held.everything_is_dead().await;
            held.session_is_dead().await;
        }
        let old = [("grant_type", "password"), ("username", JANE.email), ("password", JANE.password)];
        app.web_token(&old).await.is_error(403, "invalid_grant", "Wrong email or password.");
    }
}

#[tokio::test]
async fn case_19_a_new_password_by_an_administrator() {
    for app in engines().await {
        let held = Held::new(&app).await;
        let body = json!({ "password": "New-4-Somebody", "connection": CONNECTION });
        app.manage("PATCH", &format!("/users/{}", held.jane().await), body).await;
        held.everything_is_dead().await;
        held.session_is_dead().await;
    }
}

#[tokio::test]
async fn case_19_blocking_the_user() {
    for app in engines().await {
        let held = Held::new(&app).await;
        let path = format!("/users/{}", held.jane().await);
        app.manage("PATCH", &path, json!({ "blocked": true })).await;
        for token in [&held.userinfo, &held.api] {
            let answer = app.refresh(token["refresh_token"].as_str().unwrap(), &[]).await;
            assert!(matches!(answer.status.as_u16(), 401 | 403), "{answer:?}");
            // The JWT's signature is as good as before, the account is not.
            assert_eq!(app.userinfo(token["access_token"].as_str().unwrap()).await.status, 401);
        }
        for code in &held.codes {
            let answer = app.redeem(code).await;
            assert!(matches!(answer.status.as_u16(), 401 | 403), "{answer:?}");
        }
        let ask = Ask::code(&app.clients.web.client_id, "openid").with("prompt", "none");
        let landing = held.browser.clone().authorize(&ask, &JANE).await;
        assert!(landing.find("code").is_none(), "{landing:?}");
    }
}

#[tokio::test]
async fn case_19_deleting_the_user() {
    for app in engines().await {
        let held = Held::new(&app).await;
        app.manage("DELETE", &format!("/users/{}", held.jane().await), Value::Null).await;
        for token in [&held.userinfo, &held.api] {
            let answer = app.refresh(token["refresh_token"].as_str().unwrap(), &[]).await;
            assert_eq!((answer.status.as_u16(), answer.text("error").as_str()), (403, "invalid_grant"));
            assert_eq!(app.userinfo(token["access_token"].as_str().unwrap()).await.status, 401);
        }
        for code in &held.codes {
            assert_eq!(app.redeem(code).await.status, 403);
        }
        held.session_is_dead().await;
    }
}

#[tokio::test]
async fn case_19_withdrawing_consent() {
    for app in engines().await {
        let held = Held::new(&app).await;
        let grants = app.manage("GET", &format!("/grants?user_id={}", held.jane().await), Value::Null).await;
        let grants = grants.as_array().unwrap();
        let api = grants.iter().find(|grant| grant["audience"] == API).unwrap();
        app.manage("DELETE", &format!("/grants/{}", api["id"].as_str().unwrap()), Value::Null).await;
        held.refresh_is_dead(&held.api).await;
        held.code_is_dead(&held.codes[1]).await;
        held.refreshes(&held.userinfo).await;
        let ask = app.ask("openid profile offline_access read:contacts").with("prompt", "none");
        held.browser.clone().authorize(&ask, &JANE).await.is_error("consent_required", "Consent required");
        // All of a user's grants at once, those that nobody was asked for too.
        app.manage("DELETE", &format!("/grants?user_id={}", held.jane().await), Value::Null).await;
        held.everything_is_dead().await;
    }
}

#[tokio::test]
async fn case_19_deleting_the_application() {
    for app in engines().await {
        let held = Held::new(&app).await;
        app.manage("DELETE", &format!("/clients/{}", app.clients.web.client_id), Value::Null).await;
        held.opaque_is_dead().await;
        for token in [&held.userinfo, &held.api] {
            app.refresh(token["refresh_token"].as_str().unwrap(), &[]).await.is_error(
                401,
                "access_denied",
                "Unauthorized",
            );
        }
        app.redeem(&held.codes[0]).await.is_error(401, "access_denied", "Unauthorized");
        let page = held.browser.clone().open(&Ask::code(&app.clients.web.client_id, "openid")).await;
        assert_eq!(page.status, 400);
        let grants = app.manage("GET", &format!("/grants?user_id={}", held.jane().await), Value::Null).await;
        assert_eq!(grants, json!([]));
    }
}

#[tokio::test]
async fn case_19_deleting_a_session_and_refresh_tokens_by_the_management_api() {
    for app in engines().await {
        let held = Held::new(&app).await;
        let sid =
            app.verified(held.api["id_token"].as_str().unwrap()).await["sid"].as_str().unwrap().to_owned();
        app.manage("DELETE", &format!("/sessions/{sid}"), Value::Null).await;
        held.session_is_dead().await;
        let held = Held::new(&app).await;
        app.manage("DELETE", &format!("/users/{}/refresh-tokens", held.jane().await), Value::Null).await;
        held.refresh_is_dead(&held.api).await;
        held.refresh_is_dead(&held.userinfo).await;
    }
}

/// A rotated line ends as a whole, whichever of its tokens is revoked.
#[tokio::test]
async fn case_19_a_family_ends_as_one() {
    for app in engines().await {
        app.rotate_refresh_tokens(0).await;
        let first = app.sign_in("openid offline_access read:contacts").await["refresh_token"].clone();
        let second = app.refresh(first.as_str().unwrap(), &[]).await.expect(200).text("refresh_token");
        let secret = app.web_secret();
        let pairs = [
            ("client_id", app.clients.web.client_id.as_str()),
            ("client_secret", &secret),
            ("token", first.as_str().unwrap()),
        ];
        app.send(Call::post("/oauth/revoke").form(&pairs)).await.expect(200);
        app.refresh(&second, &[]).await.is_error(403, "invalid_grant", BAD_REFRESH);
    }
}

/// A code used twice takes everything with it that came from its first use.
#[tokio::test]
async fn case_19_a_replayed_code() {
    for app in engines().await {
        let ask = Ask::code(&app.clients.web.client_id, "openid offline_access");
        let code = app.code_for(&ask).await;
        let tokens = app.redeem(&code).await.expect(200);
        let grant =
            [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
        app.web_token(&grant).await.is_error(403, "invalid_grant", "Invalid authorization code");
        assert_eq!(app.userinfo(&tokens.text("access_token")).await.status, 401);
        app.refresh(&tokens.text("refresh_token"), &[]).await.is_error(403, "invalid_grant", BAD_REFRESH);
    }
}
