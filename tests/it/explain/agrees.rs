//! What is explained and what is issued never disagree: over tenants at random, each request is explained and then made.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::scim::{Directory, operations};
use crate::support::*;

const POOL: [&str; 5] = ["read:a", "write:a", "del:a", "x:1", "never:defined"];
const WORDS: [&str; 5] = ["openid", "profile", "email", "offline_access", "online_access"];

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

struct World<'a> {
    app: &'a TestApp,
    dice: TestRng,
    role: String,
    jane: String,
    stranger: String,
    company: Company,
    /// How much was compared: tokens, refusals, scopes granted, and scopes granted through the group.
    seen: [AtomicUsize; 4],
}

/// A directory that keeps an account of Jane's in a group, and an organization in which she may be a member.
struct Company {
    directory: Directory,
    account: String,
    group: String,
    /// What the group gives.
    role: String,
    organization: String,
}

impl Company {
    async fn new(app: &TestApp) -> Self {
        let directory = Directory::new(app, "company").await;
        let account = directory.user(app, "jane").await;
        let link = json!({"provider": "okta", "user_id": account});
        app.manage("POST", &format!("/users/{}/identities", segment(&app.jane().await)), link).await;
        let group = directory.group(app, "Staff", &[]).await;
        let role = app.manage("POST", "/roles", json!({"name": "Of the group"})).await;
        let connections = app.manage("GET", "/connections?strategy=auth0", Value::Null).await;
        let enabled = json!([{"connection_id": connections[0]["id"], "assign_membership_on_login": false}]);
        let acme = json!({"name": "acme", "enabled_connections": enabled});
        let acme = app.manage("POST", "/organizations", acme).await;
        app.set_web(json!({"organization_usage": "allow"})).await;
        let id = |made: &Value| made["id"].as_str().unwrap().to_owned();
        Self { directory, account, group, role: id(&role), organization: id(&acme) }
    }
}

impl World<'_> {
    /// Jane in the group or not, what it gives in the tenant and in the organization, and what she is there herself.
    async fn turn_company(&self) {
        let Company { directory, account, group, role, organization } = &self.company;
        let app = self.app;
        let members = match self.one_in(5) {
            true => json!([{"op": "remove", "path": format!("members[value eq \"{account}\"]")}]),
            false => json!([{"op": "add", "path": "members", "value": [{"value": account}]}]),
        };
        let path = format!("/Groups/{group}");
        directory.ask(app, "PATCH", &path, &operations(&members)).await.expect(200);
        let either = |n: usize| if self.one_in(n) { "DELETE" } else { "POST" };
        let there = format!("/organizations/{organization}");
        for path in [format!("/groups/{group}/roles"), format!("{there}/groups/{group}/roles")] {
            app.manage(either(5), &path, json!({"roles": [role]})).await;
        }
        let method = either(5);
        app.manage(method, &format!("{there}/members"), json!({"members": [self.jane]})).await;
        if method == "POST" {
            let path = format!("{there}/members/{}/roles", segment(&self.jane));
            app.manage(either(2), &path, json!({"roles": [self.role]})).await;
        }
    }

    fn count(&self, what: usize, more: usize) {
        self.seen[what].fetch_add(more, Ordering::Relaxed);
    }

    fn one_in(&self, n: usize) -> bool {
        self.dice.below(n) == 0
    }

    fn some_of(&self, pool: &[&'static str]) -> Vec<&'static str> {
        pool.iter().filter(|_| self.one_in(2)).copied().collect()
    }

    /// Another configuration of the API and of what everybody may do there.
    async fn turn(&self) {
        let policy = ["allow_all", "allow_all", "require_client_grant", "deny_all"][self.dice.below(4)];
        let scopes: Vec<Value> =
            self.some_of(&POOL[..4]).into_iter().map(|scope| json!({"value": scope})).collect();
        let app = self.app;
        app.set_api(json!({
            "scopes": scopes,
            "enforce_policies": self.one_in(2),
            "token_dialect": if self.one_in(2) { "access_token_authz" } else { "access_token" },
            "allow_offline_access": self.one_in(2),
            "skip_consent_for_verifiable_first_party_clients": self.one_in(2),
            "subject_type_authorization": {"user": {"policy": policy}, "client": {"policy": "require_client_grant"}},
        }))
        .await;
        let defined: Vec<&str> = scopes.iter().map(|scope| scope["value"].as_str().unwrap()).collect();
        let permissions = |given: Vec<&str>| {
            let all: Vec<Value> = given
                .into_iter()
                .map(|scope| json!({"resource_server_identifier": API, "permission_name": scope}))
                .collect();
            json!({"permissions": all})
        };
        let user = format!("/users/{}", segment(&self.jane));
        let roles = [&self.role, &self.company.role].map(|role| format!("/roles/{role}/permissions"));
        for path in [&roles[..], &[format!("{user}/permissions")]].concat() {
            let held = app.manage("GET", &format!("{path}?per_page=100"), Value::Null).await;
            let held: Vec<&str> =
                held.as_array().unwrap().iter().map(|p| p["permission_name"].as_str().unwrap()).collect();
            // What is also held directly is not told as the group's.
            let is_of_group = path.contains(&self.company.role);
            let gives = || if is_of_group { !self.one_in(4) } else { self.one_in(4) };
            for (method, list) in
                [("DELETE", held), ("POST", defined.iter().filter(|_| gives()).copied().collect())]
            {
                if !list.is_empty() {
                    app.manage(method, &path, permissions(list)).await;
                }
            }
        }
        let method = if self.one_in(2) { "POST" } else { "DELETE" };
        app.manage(method, &format!("{user}/roles"), json!({"roles": [self.role]})).await;
        self.turn_company().await;
        let grants = app.manage("GET", "/client-grants?per_page=100", Value::Null).await;
        for grant in grants.as_array().unwrap().iter().filter(|grant| grant["audience"] == API) {
            app.manage("DELETE", &format!("/client-grants/{}", grant["id"].as_str().unwrap()), Value::Null)
                .await;
        }
        for client in [&app.clients.web.client_id, &self.stranger] {
            for subject in ["user", "client"] {
                if self.one_in(3) {
                    continue;
                }
                let scope: Vec<&str> = defined.iter().filter(|_| self.one_in(2)).copied().collect();
                let grant = match self.one_in(5) {
                    true => {
                        json!({"client_id": client, "audience": API, "subject_type": subject, "allow_all_scopes": true})
                    }
                    false => {
                        json!({"client_id": client, "audience": API, "subject_type": subject, "scope": scope})
                    }
                };
                // Machines must be the application's own business.
                if subject == "user" || *client == app.clients.web.client_id {
                    app.manage("POST", "/client-grants", grant).await;
                }
            }
        }
    }

    fn asked(&self) -> String {
        [self.some_of(&WORDS), self.some_of(&POOL)].concat().join(" ")
    }

    async fn told(&self, flow: &str, scope: &str, more: Value) -> Value {
        let mut body = json!({
            "client_id": self.app.clients.web.client_id, "audience": API, "scope": scope, "flow": flow,
            "user_id": self.jane, "redirect_uri": CALLBACK,
        });
        for (name, value) in more.as_object().unwrap().iter().filter(|(_, value)| !value.is_null()) {
            body[name] = value.clone();
        }
        self.app.own("POST", "/explain", &body).await.expect(200).json()
    }

    /// What the token endpoint answered is what was told.
    #[track_caller]
    fn same(&self, told: &Value, answer: &Answer) {
        let body = answer.json();
        let issued = answer.status == 200;
        assert_eq!(told["decision"], if issued { "issued" } else { "denied" }, "{told:#}\n{answer:?}");
        if !issued {
            self.count(1, 1);
            assert_eq!(told["denied"]["error"], body["error"], "{told:#}\n{answer:?}");
            return;
        }
        let token = body["access_token"].as_str().unwrap();
        self.same_scopes(told, body["scope"].as_str().unwrap_or_default(), token);
    }

    #[track_caller]
    fn same_scopes(&self, told: &Value, scope: &str, token: &str) {
        assert_eq!(told["scope"], scope, "{told:#}");
        let (_, claims) = decode(token);
        assert_eq!(told["permissions"], claims["permissions"], "{told:#}\n{claims}");
        let granted: Vec<&str> = told["scopes"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|scope| scope["granted"] == true)
            .map(|scope| scope["scope"].as_str().unwrap())
            .collect();
        let by_group = told["scopes"].as_array().unwrap().iter().filter(|scope| {
            scope["granted"] == true && scope["reasons"].to_string().contains("which the group Staff")
        });
        self.count(3, by_group.count());
        let mut carried: Vec<&str> = scope.split(' ').filter(|s| !s.is_empty()).collect();
        let mut sorted = granted.clone();
        sorted.sort_unstable();
        carried.sort_unstable();
        assert_eq!(sorted, carried, "{told:#}");
        self.count(0, 1);
        self.count(2, carried.len());
    }

    async fn machine(&self) {
        let scope = self.some_of(&POOL).join(" ");
        let told = self.told("client_credentials", &scope, json!({})).await;
        let answer = self
            .app
            .web_token(&[("grant_type", "client_credentials"), ("audience", API), ("scope", &scope)])
            .await;
        self.same(&told, &answer);
    }

    async fn password(&self) -> Option<(String, String)> {
        let scope = self.asked();
        let told = self.told("password", &scope, json!({})).await;
        let typed = [
            ("grant_type", "password"),
            ("username", JANE.email),
            ("password", JANE.password),
            ("audience", API),
            ("scope", &scope),
        ];
        let answer = self.app.web_token(&typed).await;
        self.same(&told, &answer);
        let body = answer.json();
        Some((body["refresh_token"].as_str()?.to_owned(), body["scope"].as_str()?.to_owned()))
    }

    /// After everything was changed again.
    async fn refreshed(&self, (token, granted): &(String, String), organization: Option<&str>) {
        let scope = if self.one_in(2) { self.asked() } else { String::new() };
        let more = json!({"granted_scope": granted, "organization": organization});
        let told = self.told("refresh_token", &scope, more).await;
        let answer = self.app.refresh(token, &[("scope", &scope)]).await;
        self.same(&told, &answer);
    }

    async fn implicit(&self) {
        let scope = self.asked();
        let told = self.told("implicit", &scope, json!({})).await;
        let ask = self.app.ask(&scope).with("response_type", "token");
        let landing = Browser::new(self.app).authorize(&ask, &JANE).await;
        match landing.find("access_token") {
            Some(token) => self.same_scopes(&told, landing.find("scope").unwrap_or_default(), token),
            None => self.same_error(&told, &landing),
        }
    }

    async fn code(&self, client: &str, organization: Option<&str>) -> Option<(String, String)> {
        let scope = self.asked();
        let more = json!({"client_id": client, "organization": organization});
        let told = self.told("authorization_code", &scope, more).await;
        let verifier = "a-verifier-of-more-than-forty-three-characters-long";
        let ask = Ask::code(client, &scope).with("audience", API).challenged(verifier);
        let ask = match organization {
            Some(organization) => ask.and("organization", organization),
            None => ask,
        };
        let mut browser = Browser::new(self.app);
        let answer = browser.open(&ask).await;
        let answer = browser.go_through(answer, &JANE).await;
        if answer.location().is_none() {
            // Strict third parties are told nothing: the user sees a page.
            assert_eq!(told["decision"], "denied", "{told:#}\n{answer:?}");
            return None;
        }
        let landing = Landing::of(&answer);
        let Some(code) = landing.find("code") else {
            self.same_error(&told, &landing);
            return None;
        };
        let grant = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", verifier),
        ];
        let answer = match client == self.stranger {
            true => self.app.token(&[&grant[..], &[("client_id", client)]].concat()).await,
            false => self.app.web_token(&grant).await,
        };
        self.same(&told, &answer);
        let body = answer.json();
        Some((body["refresh_token"].as_str()?.to_owned(), body["scope"].as_str()?.to_owned()))
    }

    async fn device(&self) {
        let (app, scope) = (self.app, self.asked());
        let told = self.told("device_code", &scope, json!({})).await;
        let (id, secret) = (app.clients.web.client_id.as_str(), app.web_secret());
        let asked = [("client_id", id), ("client_secret", &secret), ("audience", API), ("scope", &scope)];
        // One address begins five a second.
        app.clock.advance(1);
        let begun = app.send(Call::post("/oauth/device/code").form(&asked)).await;
        if begun.status != 200 {
            return self.same(&told, &begun);
        }
        Browser::new(app).activate(&begun.text("user_code"), &JANE).await.expect(200);
        let device_code = begun.text("device_code");
        let answer = app.web_token(&[("grant_type", DEVICE_CODE), ("device_code", &device_code)]).await;
        self.same(&told, &answer);
    }

    #[track_caller]
    fn same_error(&self, told: &Value, landing: &Landing) {
        self.count(1, 1);
        assert_eq!(told["decision"], "denied", "{told:#}\n{landing:?}");
        assert_eq!(told["denied"]["error"], landing.get("error"), "{told:#}\n{landing:?}");
    }
}

#[tokio::test]
async fn with_what_is_issued() {
    let app = TestApp::new().await;
    let web = app.manage("GET", &format!("/clients/{}", app.clients.web.client_id), Value::Null).await;
    let mut grants = web["grant_types"].as_array().unwrap().clone();
    grants.push(DEVICE_CODE.into());
    app.set_web(json!({ "grant_types": grants })).await;
    let role = app.manage("POST", "/roles", json!({"name": "Changing"})).await;
    let stranger = json!({
        "name": "Stranger", "is_first_party": false, "callbacks": [CALLBACK], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let stranger = app.manage("POST", "/clients", stranger).await;
    let connections = app.manage("GET", &format!("/connections?name={CONNECTION}"), Value::Null).await;
    let mut enabled = connections[0]["enabled_clients"].as_array().unwrap().clone();
    enabled.push(stranger["client_id"].clone());
    let path = format!("/connections/{}", connections[0]["id"].as_str().unwrap());
    app.manage("PATCH", &path, json!({"enabled_clients": enabled})).await;
    let world = World {
        dice: TestRng::seeded(77),
        role: role["id"].as_str().unwrap().to_owned(),
        jane: app.jane().await,
        stranger: stranger["client_id"].as_str().unwrap().to_owned(),
        company: Company::new(&app).await,
        app: &app,
        seen: Default::default(),
    };
    let acme = Some(world.company.organization.as_str());
    // Tokens of one turn ago: a scope that goes and comes back is lost to those that stood for it.
    let (mut kept, mut kept_there) = (None, None);
    for _ in 0..60 {
        world.turn().await;
        if let Some(token) = &kept {
            world.refreshed(token, None).await;
        }
        if let Some(token) = &kept_there {
            world.refreshed(token, acme).await;
        }
        world.machine().await;
        kept = world.password().await;
        world.implicit().await;
        world.device().await;
        world.code(&app.clients.web.client_id, None).await;
        kept_there = world.code(&app.clients.web.client_id, acme).await;
        world.code(&world.stranger, None).await;
    }
    let [tokens, refusals, scopes, by_group] = world.seen.map(AtomicUsize::into_inner);
    assert!(
        tokens > 80 && refusals > 50 && scopes > 150 && by_group > 10,
        "{tokens} tokens, {refusals} refusals, {scopes} scopes, {by_group} through the group"
    );
}
