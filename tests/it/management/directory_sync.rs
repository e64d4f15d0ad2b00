//! `/connections/{id}/directory-provisioning/synchronizations`: a directory of Google Workspace is really read.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chancery_management::synchronize_due;
use chancery_web::{ServerConfig, Services};
use serde_json::{Value, json};

use crate::support::*;

const REFRESH: &str = "S3CRET-REFRESH";
const CLIENT_SECRET: &str = "S3CRET-CLIENT";
const HALF_AN_HOUR: i64 = 30 * 60;

/// What the directory holds.
#[derive(Clone, Default)]
struct Held {
    users: Vec<Value>,
    groups: Vec<Value>,
    /// By the id of the group.
    members: Vec<(String, Vec<Value>)>,
}

/// A stand-in for Google: a token endpoint, and lists in pages of two.
struct Google {
    service: Service,
    held: Arc<Mutex<Held>>,
}

impl Google {
    async fn start() -> Self {
        let held: Arc<Mutex<Held>> = Arc::default();
        let own = Arc::clone(&held);
        let service = Service::start(move |heard| answer(heard, &own.lock().unwrap())).await;
        Self { service, held }
    }

    fn config(&self) -> ServerConfig {
        let origin = &self.service.origin;
        let services = Services {
            google_token: format!("{origin}/token"),
            google_directory: format!("{origin}/directory"),
            ..Services::default()
        };
        ServerConfig { services, ..Service::config() }
    }

    fn hold(&self, change: impl Fn(&mut Held)) {
        change(&mut self.held.lock().unwrap());
    }
}

fn answer(heard: &Heard, held: &Held) -> (u16, Value) {
    if heard.path == "/token" {
        return match heard.field("refresh_token").as_deref() == Some(REFRESH)
            && heard.field("client_secret").as_deref() == Some(CLIENT_SECRET)
        {
            true => (200, json!({"access_token": "ya29", "expires_in": 3599, "token_type": "Bearer"})),
            false => (400, json!({"error": "invalid_grant", "error_description": "Bad Request"})),
        };
    }
    if heard.authorization != "Bearer ya29" {
        return (401, json!({"error": {"code": 401, "message": "Invalid Credentials"}}));
    }
    let (name, items) = match heard.path.strip_prefix("/directory").unwrap_or_default() {
        "/users" => ("users", held.users.clone()),
        "/groups" => ("groups", held.groups.clone()),
        path => {
            let id = path.strip_prefix("/groups/").and_then(|rest| rest.strip_suffix("/members")).unwrap();
            let found = held.members.iter().find(|(known, _)| known == id);
            ("members", found.map(|(_, members)| members.clone()).unwrap_or_default())
        }
    };
    let from: usize = heard.parameter("pageToken").map_or(0, |token| token.parse().unwrap());
    let page: Vec<Value> = items.iter().skip(from).take(2).cloned().collect();
    let mut body = json!({"kind": "admin#directory#list"});
    if !page.is_empty() {
        body[name] = page.into();
    }
    if items.len() > from + 2 {
        body["nextPageToken"] = (from + 2).to_string().into();
    }
    (200, body)
}

fn user(name: &str) -> Value {
    json!({
        "id": format!("1{name}"), "primaryEmail": format!("{name}@company.example"), "suspended": false,
        "name": {"fullName": format!("{name} Doe"), "givenName": name, "familyName": "Doe"},
    })
}

/// A connection whose directory is configured.
struct Company {
    id: String,
    path: String,
}

impl Company {
    async fn new(app: &TestApp, settings: Value) -> Self {
        let options = json!({
            "client_id": "c", "client_secret": CLIENT_SECRET, "domain": "company.example",
            "admin_refresh_token": REFRESH, "api_enable_users": true,
        });
        let made = json!({"name": "workspace", "strategy": "google-apps", "options": options});
        let made = app.manage("POST", "/connections", made).await;
        let id = made["id"].as_str().unwrap().to_owned();
        let path = format!("/connections/{id}/directory-provisioning");
        app.manage("POST", &path, settings).await;
        Self { id, path }
    }

    async fn state(&self, app: &TestApp) -> Value {
        app.manage("GET", &self.path, Value::Null).await
    }

    /// Begins a run and waits for its end; half an hour goes by first.
    async fn synchronize(&self, app: &TestApp) -> Value {
        app.clock.advance(HALF_AN_HOUR);
        let begun = app.api("POST", &format!("{}/synchronizations", self.path), Value::Null).await;
        let begun = begun.expect(201).json();
        assert_eq!(
            (begun["connection_id"].as_str(), &begun["status"]),
            (Some(&*self.id), &json!("in_progress"))
        );
        let goes_on = || async { self.state(app).await["last_synchronization_status"] != "in_progress" };
        until(Duration::from_secs(20), goes_on).await;
        self.state(app).await
    }
}

async fn person(app: &TestApp, name: &str) -> Value {
    let path = format!("/users/google-apps%7C{name}%40company.example");
    app.api("GET", &path, Value::Null).await.json()
}

/// A server on each engine that reaches the stand-in.
async fn servers(google: &Google) -> Vec<(TestApp, Option<TestApp>)> {
    let mut all = vec![(TestApp::configured(google.config()).await, None)];
    if let Some(first) = TestApp::postgres().await {
        let own = first.neighbour_by(1, first.database().to_owned(), google.config()).await;
        all.push((own, Some(first)));
    }
    all
}

#[tokio::test]
async fn users_come_change_and_go() {
    let google = Google::start().await;
    for (app, _first) in servers(&google).await {
        google.hold(|held| held.users = ["ann", "bob", "cid"].map(user).to_vec());
        let company = Company::new(&app, json!({})).await;
        let state = company.state(&app).await;
        assert_eq!(state.get("last_synchronization_status"), None, "none yet");

        let state = company.synchronize(&app).await;
        assert_eq!(state["last_synchronization_status"], "completed", "{}: {state}", app.engine);
        assert!(
            state["last_synchronization_at"].is_string() && state.get("last_synchronization_error").is_none()
        );
        let ann = person(&app, "ann").await;
        for (name, value) in [
            ("name", json!("ann Doe")),
            ("given_name", json!("ann")),
            ("email", json!("ann@company.example")),
            ("email_verified", json!(false)),
            ("app_metadata", json!({"external_id": "1ann"})),
        ] {
            assert_eq!(ann[name], value, "{}: {name}", app.engine);
        }
        let heard = google.service.heard();
        assert_eq!(heard[0].field("grant_type").as_deref(), Some("refresh_token"));
        let first = heard.iter().find(|heard| heard.path == "/directory/users").unwrap();
        assert_eq!(first.parameter("customer").as_deref(), Some("my_customer"));
        assert_eq!(first.parameter("maxResults").as_deref(), Some("500"));

        // Twice within half an hour is refused, and says so.
        let early = app.api("POST", &format!("{}/synchronizations", company.path), Value::Null).await;
        let early = early.expect(400).json();
        assert!(early["message"].as_str().unwrap().contains("last 30 minutes"), "{early}");

        // One is renamed, one suspended, one is gone; one that an administrator blocks stays blocked.
        google.hold(|held| {
            let mut ann = user("ann");
            ann["name"]["fullName"] = "Ann Smith".into();
            let mut bob = user("bob");
            bob["suspended"] = true.into();
            held.users = vec![ann, bob, user("dan")];
        });
        app.manage("PATCH", "/users/google-apps%7Cann%40company.example", json!({"blocked": true})).await;
        let state = company.synchronize(&app).await;
        assert_eq!(state["last_synchronization_status"], "completed", "{}: {state}", app.engine);
        let ann = person(&app, "ann").await;
        assert_eq!((&ann["name"], &ann["blocked"]), (&json!("Ann Smith"), &json!(true)), "{}", app.engine);
        assert_eq!(person(&app, "bob").await["blocked"], true, "suspended");
        assert_eq!(person(&app, "cid").await["blocked"], true, "gone");
        assert_ne!(person(&app, "dan").await["blocked"], true);

        // What the directory shut out it lets in again.
        google.hold(|held| held.users = ["ann", "bob", "cid", "dan"].map(user).to_vec());
        company.synchronize(&app).await;
        for (name, blocked) in [("ann", true), ("bob", false), ("cid", false), ("dan", false)] {
            assert_eq!(person(&app, name).await["blocked"] == true, blocked, "{}: {name}", app.engine);
        }
        app.app.logs.flush().await.unwrap();
        let logs = app.manage("GET", "/logs?q=type:directory_sync_completed", Value::Null).await;
        assert_eq!(logs.as_array().unwrap().len(), 3, "{logs}");
    }
}

#[tokio::test]
async fn groups_follow_when_they_are_wanted() {
    let google = Google::start().await;
    for (app, _first) in servers(&google).await {
        google.hold(|held| {
            held.users = ["ann", "bob", "cid"].map(user).to_vec();
            held.groups = vec![
                json!({"id": "g1", "name": "Sales", "email": "sales@company.example"}),
                json!({"id": "g2", "name": "Sales", "email": "more@company.example"}),
                json!({"id": "g3", "name": "Other", "email": "other@company.example"}),
            ];
            let member = |name: &str| json!({"id": format!("1{name}"), "type": "USER"});
            let stranger = json!({"id": "9", "type": "USER"});
            let group = json!({"id": "g3", "type": "GROUP"});
            held.members = vec![
                ("g1".to_owned(), vec![member("ann"), member("bob"), stranger, group]),
                ("g3".to_owned(), vec![member("cid")]),
            ];
        });
        let company = Company::new(&app, json!({"synchronize_groups": "all"})).await;
        let state = company.synchronize(&app).await;
        assert_eq!(state["last_synchronization_status"], "completed", "{}: {state}", app.engine);
        let groups =
            app.manage("GET", &format!("/groups?take=50&connection_id={}", company.id), Value::Null).await;
        let mut names: Vec<&str> = groups["groups"]
            .as_array()
            .unwrap()
            .iter()
            .map(|group| group["name"].as_str().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["Other", "Sales (more@company.example)", "Sales (sales@company.example)"]);
        let members = async |name: &str| {
            let found = groups["groups"].as_array().unwrap();
            let group = found.iter().find(|group| group["name"] == name).unwrap();
            let path = format!("/groups/{}/members", group["id"].as_str().unwrap());
            let members = app.manage("GET", &path, Value::Null).await;
            members["members"].as_array().unwrap().len()
        };
        assert_eq!(members("Sales (sales@company.example)").await, 2, "{}", app.engine);
        assert_eq!(members("Other").await, 1);

        // Whoever is suspended is in no group; a group that is not chosen any more has nobody in it.
        google.hold(|held| held.users[1]["suspended"] = true.into());
        app.manage("PATCH", &company.path, json!({"synchronize_groups": "selected"})).await;
        let chosen = json!({"groups": [{"id": "g1"}]});
        app.api("PUT", &format!("{}/synchronized-groups", company.path), chosen).await.expect(204);
        let state = company.synchronize(&app).await;
        assert_eq!(state["last_synchronization_status"], "completed", "{}: {state}", app.engine);
        assert_eq!(members("Sales (sales@company.example)").await, 1, "{}", app.engine);
        assert_eq!(members("Other").await, 0);
    }
}

/// What goes wrong changes nothing and is told.
#[tokio::test]
async fn a_directory_that_cannot_be_read_changes_nothing() {
    let google = Google::start().await;
    let app = TestApp::configured(google.config()).await;
    google.hold(|held| held.users = ["ann", "bob", "cid"].map(user).to_vec());
    let company = Company::new(&app, json!({})).await;
    company.synchronize(&app).await;

    let failed = async || {
        let state = company.synchronize(&app).await;
        assert_eq!(state["last_synchronization_status"], "failed", "{state}");
        for name in ["ann", "bob", "cid"] {
            let found = person(&app, name).await;
            assert_eq!((&found["given_name"], found["blocked"] == true), (&json!(name), false));
        }
        state["last_synchronization_error"].as_str().unwrap().to_owned()
    };
    // The second page is refused, after a first one that names fewer and others.
    let held = Arc::clone(&google.held);
    google.service.answers(move |heard| match heard.parameter("pageToken") {
        Some(_) => (403, json!({"error": {"code": 403, "message": "Quota exceeded"}})),
        None => answer(heard, &held.lock().unwrap()),
    });
    google.hold(|held| {
        held.users[0]["name"]["givenName"] = "Changed".into();
        held.users.truncate(3);
    });
    assert_eq!(failed().await, "Google refused the list of users with status 403: Quota exceeded");
    let held = Arc::clone(&google.held);
    google.service.answers(move |heard| answer(heard, &held.lock().unwrap()));
    google.hold(|held| held.users.clear());
    assert_eq!(failed().await, "Google's directory names no users.");
    google.service.answers(|_| (200, json!({"access_token": "ya29", "users": [], "nextPageToken": "1"})));
    assert_eq!(failed().await, "Google's list of users does not end.");
    google.service.answers(|_| (400, json!({"error": "invalid_grant"})));
    let said = failed().await;
    assert_eq!(said, "Google refused the refresh token with status 400: invalid_grant");
    google.service.answers(|_| (302, json!({})));
    let said = failed().await;
    assert!(said.contains("a redirect"), "{said}");
    app.app.logs.flush().await.unwrap();
    let logs = app.manage("GET", "/logs", Value::Null).await.to_string();
    assert!(!logs.contains("S3CRET"), "nothing secret in the log");
}

/// One user who cannot be written leaves the others, and a block is not lost with a profile.
#[tokio::test]
async fn one_who_cannot_be_written_is_named() {
    let google = Google::start().await;
    let app = TestApp::configured(google.config()).await;
    google.hold(|held| held.users = ["ann", "bob"].map(user).to_vec());
    let company = Company::new(&app, json!({})).await;
    company.synchronize(&app).await;
    google.hold(|held| {
        held.users[0]["name"]["givenName"] = json!({"not": "a text"});
        held.users[0]["suspended"] = true.into();
        held.users[1]["name"]["givenName"] = "Robert".into();
    });
    let state = company.synchronize(&app).await;
    assert_eq!(state["last_synchronization_status"], "completed");
    let said = state["last_synchronization_error"].as_str().unwrap();
    assert!(said.contains("1 could not be written whole") && said.contains("ann@company.example"), "{said}");
    let ann = person(&app, "ann").await;
    assert_eq!((&ann["given_name"], &ann["blocked"]), (&json!("ann"), &json!(true)));
    assert_eq!(person(&app, "bob").await["given_name"], "Robert");
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let google = Google::start().await;
    let app = TestApp::configured(google.config()).await;
    let company = Company::new(&app, json!({"synchronize_groups": "all"})).await;
    let attempt = format!("{}/synchronizations", company.path);
    let one = format!("/connections/{}", company.id);
    for (options, missing) in [
        (json!({"client_id": "c"}), "options.admin_refresh_token"),
        (json!({"client_id": "c", "admin_refresh_token": REFRESH}), "options.client_secret"),
        (
            json!({"client_id": "c", "admin_access_token": "ya29", "admin_access_token_expiresin": "2001-01-01T00:00:00.000Z"}),
            "options.admin_refresh_token",
        ),
        (
            json!({"client_id": "c", "admin_access_token": "ya29", "api_enable_groups": false}),
            "Groups API is not enabled",
        ),
    ] {
        app.manage("PATCH", &one, json!({"options": options})).await;
        let refused = app.api("POST", &attempt, Value::Null).await.expect(400).json();
        assert!(refused["message"].as_str().unwrap().contains(missing), "{missing}: {refused}");
    }
    assert!(google.service.heard().is_empty(), "nobody was asked");
    app.api("DELETE", &company.path, Value::Null).await.expect(204);
    app.api("POST", &attempt, Value::Null).await.expect(404);
}

/// One run at a time, on whatever node; one whose node is gone is followed by another.
#[tokio::test]
async fn one_run_at_a_time() {
    let google = Google::start().await;
    let app = TestApp::configured(google.config()).await;
    google.hold(|held| held.users = vec![user("ann")]);
    let company = Company::new(&app, json!({})).await;
    let attempt = format!("{}/synchronizations", company.path);
    // Another node has begun.
    let run = chancery_store::RunKey { tenant: TENANT, connection_id: &company.id, id: "dsync_other" };
    let now_ms = chancery_core::Clock::now_ms(&*app.clock);
    let when = chancery_store::Beginning { now_ms, gone_ms: 0, rested_ms: i64::MAX };
    assert!(app.app.store.begin_directory_run(run, when).await.unwrap());
    app.api("POST", &attempt, Value::Null).await.expect(409);
    assert_eq!(company.state(&app).await["last_synchronization_status"], "in_progress");
    // It says nothing for more than a minute.
    app.clock.advance(61);
    let state = company.state(&app).await;
    assert_eq!(state["last_synchronization_status"], "failed");
    assert!(state["last_synchronization_error"].as_str().unwrap().contains("ended before"), "{state}");
    assert_eq!(company.synchronize(&app).await["last_synchronization_status"], "completed");
    let late = app.app.store.commit(app.app.store.go_on_with_directory(run, now_ms)).await;
    assert!(matches!(late, Err(chancery_store::Error::Guard)), "{late:?}");
}

#[tokio::test]
async fn some_are_read_by_themselves() {
    let google = Google::start().await;
    let app = TestApp::configured(google.config()).await;
    google.hold(|held| held.users = vec![user("ann")]);
    let company = Company::new(&app, json!({})).await;
    assert_eq!(synchronize_due(&app.app).await.unwrap(), 0, "not asked for");
    app.manage("PATCH", &company.path, json!({"synchronize_automatically": true})).await;
    let other = app.neighbour_by(1, app.database().to_owned(), google.config()).await;
    let counts = (synchronize_due(&app.app).await.unwrap(), synchronize_due(&other.app).await.unwrap());
    assert_eq!(counts, (1, 0), "once, whichever node");
    assert_eq!(company.state(&app).await["last_synchronization_status"], "completed");
    assert_eq!(person(&app, "ann").await["given_name"], "ann");
    app.clock.advance(HALF_AN_HOUR - 1);
    assert_eq!(synchronize_due(&app.app).await.unwrap(), 0);
    app.clock.advance(2);
    assert_eq!(synchronize_due(&app.app).await.unwrap(), 1);
}

/// Google's addresses are the operator's, and what is within is not called (security case 7).
#[tokio::test]
async fn the_way_to_a_directory_is_guarded() {
    let google = Google::start().await;
    let config = ServerConfig { fetch_networks: chancery_web::Networks::default(), ..google.config() };
    let app = TestApp::configured(config).await;
    let company = Company::new(&app, json!({})).await;
    let state = company.synchronize(&app).await;
    assert!(
        state["last_synchronization_error"].as_str().unwrap().contains("not one of the internet"),
        "{state}"
    );
    assert!(google.service.heard().is_empty());
}
