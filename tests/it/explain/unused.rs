//! `GET /explain/unused`.

use serde_json::{Value, json};

use crate::support::*;

impl TestApp {
    async fn unused(&self, days: u32) -> Value {
        self.own("GET", &format!("/explain/unused?days={days}"), &Value::Null).await.expect(200).json()
    }
}

fn scopes(of: &Value) -> Vec<&str> {
    of["unused"].as_array().unwrap().iter().map(|unused| unused["scope"].as_str().unwrap()).collect()
}

fn named<'a>(list: &'a Value, member: &str, name: &str) -> Option<&'a Value> {
    list.as_array().unwrap().iter().find(|item| item[member] == name)
}

#[tokio::test]
async fn what_was_never_issued_and_what_not_for_long() {
    for app in engines().await {
        let m2m = app.clients.m2m.client_id.clone();
        let secret = app.m2m_secret();
        let ask = async |scope: &str| {
            let own = [("client_id", m2m.as_str()), ("client_secret", secret.as_str())];
            let grant = [("grant_type", "client_credentials"), ("audience", API), ("scope", scope)];
            app.token(&[&own[..], &grant].concat()).await.expect(200)
        };
        let grants = app.manage("GET", &format!("/client-grants?client_id={m2m}"), Value::Null).await;
        let path = format!("/client-grants/{}", grants[0]["id"].as_str().unwrap());
        app.manage("PATCH", &path, json!({"scope": ["read:contacts", "delete:contacts"]})).await;
        ask("read:contacts").await;
        app.sign_in("openid read:contacts").await;
        let told = app.unused(30).await;
        assert_eq!(told["is_complete"], false, "it is noted since today");
        // Nobody can have needed yet what was given just now.
        assert!(named(&told["client_grants"], "client_id", &m2m).is_none(), "{told:#}");
        assert_eq!(told["recently_given"], 1);
        assert!(named(&told["roles"], "name", "Contacts Reader").is_none(), "{}: {told:#}", app.engine);
        assert_eq!(
            scopes(named(&told["roles"], "name", "Contacts Admin").unwrap()),
            ["read:contacts", "delete:contacts"]
        );
        // The management application has used what it has.
        let own = &app.clients.management.client_id;
        assert!(
            named(&told["client_grants"], "client_id", own).is_none_or(|grant| grant["unused"].is_array())
        );

        app.clock.advance(31 * 86_400);
        let told = app.unused(30).await;
        let grant = named(&told["client_grants"], "client_id", &m2m).unwrap();
        assert_eq!(
            (scopes(grant), &told["recently_given"]),
            (vec!["read:contacts", "delete:contacts"], &json!(0))
        );
        assert_eq!(grant["unused"][1]["last_used"], Value::Null);
        ask("delete:contacts").await;
        let told = app.unused(30).await;
        assert_eq!(told["is_complete"], true);
        let grant = named(&told["client_grants"], "client_id", &m2m).unwrap();
        assert_eq!(scopes(grant), ["read:contacts"]);
        assert_eq!(grant["unused"][0]["last_used"], "2026-08-01");
        let patch = named(&told["patch"]["clientGrants"], "client_id", "Demo M2M").unwrap();
        assert_eq!((&patch["scope"], &patch["audience"]), (&json!(["delete:contacts"]), &json!(API)));
        assert!(named(&told["roles"], "name", "Contacts Reader").is_some(), "for long now");
        assert!(
            app.unused(32).await["client_grants"]
                .as_array()
                .unwrap()
                .iter()
                .all(|g| g["client_id"] != m2m.as_str())
        );

        // What is gone is forgotten.
        app.manage("DELETE", &format!("/clients/{m2m}"), Value::Null).await;
        let noted = app.app.store.scope_uses(TENANT).await.unwrap();
        let mut all = noted.uses.iter().chain(&noted.given);
        assert!(all.all(|used| !used.holder.ends_with(&m2m)), "{noted:?}");
    }
}

/// A scope is as young as the last time that it was given; what was there already does not become young by it.
#[tokio::test]
async fn what_was_given_lately_is_left_out() {
    for app in engines().await {
        let roles = app.manage("GET", "/roles?name_filter=Contacts%20Reader", Value::Null).await;
        let role = roles[0]["id"].as_str().unwrap();
        let permissions = format!("/roles/{role}/permissions");
        let of = |scope: &str| json!({"permissions": [{"resource_server_identifier": API, "permission_name": scope}]});
        let told = async || {
            let told = app.unused(30).await;
            let found = named(&told["roles"], "name", "Contacts Reader");
            let found = found.map(|role| scopes(role).into_iter().map(str::to_owned).collect::<Vec<_>>());
            (found.unwrap_or_default(), told["recently_given"].clone())
        };
        app.manage("POST", &permissions, of("delete:contacts")).await;
        app.manage("POST", &permissions, of("read:contacts")).await;
        assert_eq!(told().await, (vec!["read:contacts".to_owned()], json!(1)), "{}", app.engine);
        app.clock.advance(31 * 86_400);
        assert_eq!(told().await.0.len(), 2);
        app.manage("DELETE", &permissions, of("delete:contacts")).await;
        app.manage("POST", &permissions, of("delete:contacts")).await;
        assert_eq!(told().await, (vec!["read:contacts".to_owned()], json!(1)));
        // The patch leaves it where it is.
        let patch = app.unused(30).await["patch"]["roles"].clone();
        let kept = &named(&patch, "name", "Contacts Reader").unwrap()["permissions"];
        assert_eq!(kept[0]["permission_name"], "delete:contacts");
        app.manage("DELETE", &format!("/roles/{role}"), Value::Null).await;
        let given = app.app.store.scope_uses(TENANT).await.unwrap().given;
        assert!(given.iter().all(|given| !given.holder.ends_with(role)), "{given:?}");
    }
}

#[tokio::test]
async fn one_write_a_day() {
    let app = TestApp::new().await;
    for _ in 0..3 {
        app.sign_in("openid read:contacts").await;
    }
    app.app.logs.flush().await.unwrap();
    let noted = app.app.store.scope_uses(TENANT).await.unwrap();
    let (uses, since) = (noted.uses, noted.since);
    let web = format!("user:{}", app.clients.web.client_id);
    let of_web: Vec<&str> =
        uses.iter().filter(|used| used.holder == web).map(|used| used.scope.as_str()).collect();
    assert_eq!(of_web, ["openid", "read:contacts"]);
    assert!(uses.iter().any(|used| used.holder.starts_with("role:") && used.scope == "read:contacts"));
    assert_eq!(since, Some(20_666));
}

#[tokio::test]
async fn hostile_days() {
    let app = TestApp::new().await;
    for days in ["0", "-1", "x", "99999999999999999999", "3651"] {
        app.own("GET", &format!("/explain/unused?days={days}"), &Value::Null).await.expect(400);
    }
}
