//! An access token for Jane from every grant there is: what is true of one of them must be true of all.

use chancery_core::oauth::Grant;
use serde_json::{Value, json};

use crate::mailed_factor::{self, OOB, mails};
use crate::native_passkeys;
use crate::passkeys::{make, turn_on_passkeys};
use crate::second_factor::{MFA_OTP, MFA_RECOVERY, shown};
use crate::support::{
    API, Ask, Authenticator, Browser, CONNECTION, Call, EXCHANGE, JANE, Middle, Pairs, TestApp, segment,
};
use crate::trusted_issuers::{Foreign, JWT_BEARER};
use crate::{ciba, passwordless, security_keys};

pub(super) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";
/// More than Jane may have, and what does not exist.
pub(super) const ASKED: &str = "openid read:contacts delete:contacts read:nothing offline_access";
const AT_API: Pairs<'_> = &[("audience", API), ("scope", ASKED)];
const TYPED: Pairs<'_> = &[("username", JANE.email), ("password", JANE.password)];

/// What users' tokens come from.
pub(super) const USER_GRANTS: [&str; 14] = [
    "authorization_code",
    "implicit",
    "refresh_token",
    "password",
    REALM,
    DEVICE_CODE,
    EXCHANGE,
    JWT_BEARER,
    ciba::GRANT,
    passwordless::OTP,
    native_passkeys::GRANT,
    MFA_OTP,
    MFA_RECOVERY,
    OOB,
];

/// Says whether the list above has it. A new grant does not compile here until it has a place in both lists.
pub(super) fn is_of_users(grant: &Grant) -> bool {
    match grant {
        Grant::ClientCredentials { .. } => false,
        Grant::AuthorizationCode { .. }
        | Grant::RefreshToken { .. }
        | Grant::Password { .. }
        | Grant::DeviceCode { .. }
        | Grant::TokenExchange { .. }
        | Grant::ProfileExchange { .. }
        | Grant::Assertion { .. }
        | Grant::Backchannel { .. }
        | Grant::MailedCode { .. }
        | Grant::Passkey { .. }
        | Grant::SecondFactor { .. } => USER_GRANTS.contains(&grant.name()),
    }
}

/// A token, and how it came about.
pub(super) struct Way {
    /// The `grant_type`; `implicit` for what comes from `/authorize` itself.
    pub(super) grant: &'static str,
    /// For people.
    pub(super) how: &'static str,
    pub(super) token: String,
}

/// All of them.
pub(super) async fn every_way(app: &TestApp) -> Vec<Way> {
    let mut ways = Ways { app, all: Vec::new() };
    let by_code = app.sign_in(ASKED).await;
    ways.add("authorization_code", "code", &by_code);
    ways.refreshed(by_code["refresh_token"].as_str().unwrap()).await;
    ways.on_behalf(by_code["access_token"].as_str().unwrap()).await;
    ways.at_the_front().await;
    ways.by_password().await;
    ways.by_device().await;
    ways.by_mail().await;
    ways.by_code_of_a_mail().await;
    ways.with_tokens_of_others().await;
    ways.with_second_factors().await;
    ways.by_passkey().await;
    ways.all
}

struct Ways<'a> {
    app: &'a TestApp,
    all: Vec<Way>,
}

impl Ways<'_> {
    fn add(&mut self, grant: &'static str, how: &'static str, answer: &Value) {
        let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("{how}: {answer}")).to_owned();
        self.all.push(Way { grant, how, token });
    }

    /// Demo Web's, with what it asks for.
    async fn ask(&mut self, grant: &'static str, how: &'static str, more: Pairs<'_>) {
        let pairs = [&[("grant_type", grant)], AT_API, more].concat();
        let answer = self.app.web_token(&pairs).await.json();
        self.add(grant, how, &answer);
    }

    /// Demo Web may use these, and refresh.
    async fn let_web(&self, grants: &[&str]) {
        let grants = [&["authorization_code", "refresh_token"], grants].concat();
        self.app.set_web(json!({ "grant_types": grants })).await;
    }

    async fn refreshed(&mut self, token: &str) {
        for asked in [ASKED, "openid read:contacts delete:contacts"] {
            let answer = self.app.refresh(token, &[("scope", asked)]).await.json();
            self.add("refresh_token", "refresh", &answer);
        }
    }

    /// For the API itself no grant is needed where the API needs none; where it does, that of the API's own application.
    async fn on_behalf(&mut self, token: &str) {
        let middle = Middle::of(self.app, API).await;
        self.grant(&middle.client_id).await;
        for asked in [ASKED, "openid read:contacts delete:contacts", ""] {
            let answer = middle.exchange(self.app, token, API, asked).await.json();
            self.add(EXCHANGE, "on behalf", &answer);
        }
    }

    async fn grant(&self, client_id: &str) {
        let grant = json!({
            "client_id": client_id, "audience": API, "scope": ["read:contacts"], "subject_type": "user",
        });
        self.app.manage("POST", "/client-grants", grant).await;
    }

    async fn at_the_front(&mut self) {
        for kind in ["token", "id_token token", "code token", "code id_token token"] {
            let ask = Ask::code(&self.app.clients.spa.client_id, ASKED).with("audience", API);
            let ask = ask.with("response_type", kind).with("nonce", "n");
            let landing = Browser::new(self.app).authorize(&ask, &JANE).await;
            self.add("implicit", kind, &json!({ "access_token": landing.get("access_token") }));
        }
    }

    async fn by_password(&mut self) {
        self.ask("password", "password", TYPED).await;
        self.ask(REALM, "password-realm", &[TYPED, &[("realm", CONNECTION)]].concat()).await;
    }

    async fn by_device(&mut self) {
        self.let_web(&[DEVICE_CODE]).await;
        let secret = self.app.web_secret();
        let own = [("client_id", self.app.clients.web.client_id.as_str()), ("client_secret", &secret)];
        let begun = Call::post("/oauth/device/code").form(&[&own[..], AT_API].concat());
        let codes = self.app.send(begun).await.expect(200);
        Browser::new(self.app).activate(&codes.text("user_code"), &JANE).await.expect(200);
        self.ask(DEVICE_CODE, "device", &[("device_code", &codes.text("device_code"))]).await;
    }

    /// Approved by the link of a mail.
    async fn by_mail(&mut self) {
        ciba::turn_on(self.app).await;
        let id = ciba::ask(self.app, &[("scope", ASKED)]).await.expect(200).text("auth_req_id");
        let mut browser = Browser::new(self.app);
        let page = browser.get(&ciba::link(self.app)).await;
        let page = browser.follow(page).await;
        browser.finish(page, &JANE).await.expect(200);
        self.app.clock.advance(5);
        self.ask(ciba::GRANT, "backchannel", &[("auth_req_id", &id)]).await;
    }

    /// Whoever signs in by a mailed code is an account of its own, which gets Jane's role.
    async fn by_code_of_a_mail(&mut self) {
        passwordless::turn_on(self.app, json!({})).await;
        for how in ["mailed code: a new account", "mailed code"] {
            let begun = passwordless::start(self.app, json!({ "email": JANE.email })).await;
            begun.expect(200);
            let code = passwordless::mailed(self.app, JANE.email);
            let typed = [("realm", "email"), ("username", JANE.email), ("otp", code.as_str())];
            let pairs = [&[("grant_type", passwordless::OTP)], AT_API, &typed].concat();
            let answer = self.app.web_token(&pairs).await.json();
            if how == "mailed code" {
                self.add(passwordless::OTP, how, &answer);
            } else {
                let claims = crate::support::decode(answer["access_token"].as_str().unwrap()).1;
                self.give_role(claims["sub"].as_str().unwrap()).await;
            }
        }
    }

    async fn give_role(&self, user_id: &str) {
        let path = format!("/users/{}/roles", segment(&self.app.jane().await));
        let roles = self.app.manage("GET", &path, Value::Null).await;
        let ids: Vec<&Value> = roles.as_array().unwrap().iter().map(|role| &role["id"]).collect();
        self.app.manage("POST", &format!("/users/{}/roles", segment(user_id)), json!({ "roles": ids })).await;
    }

    /// A token of another server, exchanged by a profile and shown as an assertion of two kinds.
    async fn with_tokens_of_others(&mut self) {
        let foreign = Foreign::new(self.app).await;
        self.grant(foreign.client_id()).await;
        let token = foreign.signed(self.app, json!({ "aud": "legacy" }));
        let answer = foreign.exchange(self.app, &token, ASKED).await.json();
        self.add(EXCHANGE, "exchange by a profile", &answer);
        let plain = foreign.signed(self.app, json!({ "jti": "plain" }));
        let answer = foreign.assert(self.app, &plain, AT_API).await.json();
        self.add(JWT_BEARER, "assertion", &answer);
        let identity = foreign.identity(self.app, json!({ "jti": "identity", "scope": ASKED }));
        let answer = foreign.assert(self.app, &identity, &[("scope", ASKED)]).await.json();
        self.add(JWT_BEARER, "identity assertion", &answer);
    }

    /// The password grant, which goes on with each of the second factors.
    async fn with_second_factors(&mut self) {
        security_keys::turn_on(self.app, &["otp", "recovery-code"], true).await;
        self.let_web(&["password", MFA_OTP, MFA_RECOVERY, OOB]).await;
        let token = self.waiting().await;
        let otp = json!({ "authenticator_types": ["otp"] });
        let made = self.app.send(Call::post("/mfa/associate").bearer(&token).json(&otp)).await.expect(200);
        let made = made.json();
        let code = shown(self.app, made["secret"].as_str().unwrap());
        self.ask(MFA_OTP, "one-time password", &[("mfa_token", &token), ("otp", &code)]).await;
        let token = self.waiting().await;
        let kept = made["recovery_codes"][0].as_str().unwrap();
        self.ask(MFA_RECOVERY, "recovery code", &[("mfa_token", &token), ("recovery_code", kept)]).await;
        // A verified address is a factor once mailed codes are: before, there would have been nothing to enrol.
        security_keys::turn_on(self.app, &["email"], true).await;
        let token = self.waiting().await;
        let begun = mailed_factor::challenge(self.app, &token, json!({ "challenge_type": "oob" })).await;
        let oob = begun.expect(200).text("oob_code");
        let code = mails(self.app)[0].clone();
        let shown = [("mfa_token", token.as_str()), ("oob_code", &oob), ("binding_code", &code)];
        self.ask(OOB, "mailed second factor", &shown).await;
    }

    async fn by_passkey(&mut self) {
        // Whoever has a second factor is offered none.
        let path = format!("/users/{}/authenticators", segment(&self.app.jane().await));
        self.app.manage("DELETE", &path, Value::Null).await;
        self.app.manage("PUT", "/guardian/factors/email", json!({ "enabled": false })).await;
        security_keys::turn_on(self.app, &[], false).await;
        turn_on_passkeys(self.app).await;
        let mut key = Authenticator::new();
        make(self.app, &mut key).await;
        self.let_web(&[native_passkeys::GRANT]).await;
        let begun = native_passkeys::challenge(self.app).await;
        let signed = key.get_as(native_passkeys::options(&begun));
        let session = begun["auth_session"].as_str().unwrap();
        self.ask(
            native_passkeys::GRANT,
            "passkey",
            &[("auth_session", session), ("authn_response", &signed)],
        )
        .await;
    }

    async fn waiting(&self) -> String {
        let pairs = [&[("grant_type", "password")], AT_API, TYPED].concat();
        self.app.web_token(&pairs).await.expect(403).text("mfa_token")
    }
}
