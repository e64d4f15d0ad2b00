//! `/jobs`: users from a file, with hashes of other systems, and mails.

use serde_json::{Value, json};

use crate::support::*;

/// Imports a file as a form, the way the wire does, and waits for the end.
async fn imported(app: &TestApp, users: &Value, upsert: bool) -> (Value, Answer) {
    let all = app.manage("GET", &format!("/connections?name={CONNECTION}"), Value::Null).await;
    let connection = all[0]["id"].as_str().unwrap();
    let part = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let file = format!(
        "--b\r\nContent-Disposition: form-data; name=\"users\"; filename=\"users.json\"\r\nContent-Type: application/json\r\n\r\n{users}\r\n--b--\r\n"
    );
    let body = part("connection_id", connection)
        + &part("upsert", &upsert.to_string())
        + &part("external_id", "")
        + &file;
    let token = app.management_token().await;
    let call =
        Call::post("/api/v2/jobs/users-imports").bearer(&token).body("multipart/form-data; boundary=b", body);
    let job = app.send(call).await.expect(202).json();
    assert_eq!((&job["type"], &job["status"]), (&json!("users_import"), &json!("pending")));
    let path = format!("/jobs/{}", job["id"].as_str().unwrap());
    loop {
        let job = app.manage("GET", &path, Value::Null).await;
        if job["status"] != "pending" {
            return (job, app.api("GET", &format!("{path}/errors"), Value::Null).await);
        }
        tokio::task::yield_now().await;
    }
}

async fn can_sign_in(app: &TestApp, name: &str, password: &str) -> bool {
    let grant = [("grant_type", "password"), ("username", name), ("password", password), ("scope", "openid")];
    app.web_token(&grant).await.status == 200
}

#[tokio::test]
async fn users_bring_the_hashes_of_other_systems() {
    for app in engines().await {
        let users = json!([
            {"email": "one@example.com", "email_verified": true, "given_name": "One", "app_metadata": {"plan": "gold"},
             "custom_password_hash": {"algorithm": "sha256", "hash": {"value": "XohImNooBHFR0OVvjcYpJ3NgPQ1qq73WKhHvch0VQtg=", "encoding": "base64"}}},
            {"email": "two@example.com", "user_id": "legacy-2",
             "custom_password_hash": {"algorithm": "pbkdf2", "hash": {"value": "$pbkdf2-sha1$i=4096,l=20$c2FsdA$SwB5AbdlSJq+rUnZJvch0GWkKcE", "encoding": "utf8"}}},
            {"email": "three@example.com"},
            {"email": "jane@example.com"},
            {"email": "nobody"},
            {"email": "four@example.com", "password_hash": "$2b$31$short"},
            {"email": "five@example.com", "surprise": 1},
        ]);
        let (job, errors) = imported(&app, &users, false).await;
        assert_eq!(
            job["summary"],
            json!({"failed": 4, "updated": 0, "inserted": 3, "total": 7}),
            "{}",
            app.engine
        );
        let errors = errors.expect(200).json();
        assert_eq!(errors[0]["errors"][0]["code"], "DUPLICATED_USER");
        assert_eq!(errors[2]["user"], json!({"email": "four@example.com"}), "no hash is shown");
        assert!(errors[3]["errors"][0]["message"].as_str().unwrap().contains("surprise"));
        for name in ["one@example.com", "two@example.com"] {
            assert!(!can_sign_in(&app, name, "Password").await, "{name}");
            assert!(can_sign_in(&app, name, "password").await, "{name}");
            // The second time by a hash of our own.
            assert!(can_sign_in(&app, name, "password").await, "{name}");
        }
        assert!(!can_sign_in(&app, "three@example.com", "").await);
        let two = app.app.store.credential(TENANT, CONNECTION, "two@example.com").await.unwrap().unwrap();
        let hash = two.password_hash.unwrap();
        assert!(hash.starts_with("$argon2id$"), "a foreign hash goes with the first right password: {hash}");
        let two = app.manage("GET", "/users/auth0%7Clegacy-2", Value::Null).await;
        assert_eq!(two["email"], "two@example.com");
    }
}

#[tokio::test]
async fn an_upsert_changes_profiles_and_nothing_one_signs_in_with() {
    let app = TestApp::new().await;
    let file = json!([{"email": "jane@example.com", "given_name": "Janet", "blocked": true, "app_metadata": {"plan": "gold"},
        "custom_password_hash": {"algorithm": "md5", "hash": {"value": "5f4dcc3b5aa765d61d8327deb882cf99"}}}]);
    let (job, errors) = imported(&app, &file, true).await;
    assert_eq!(job["summary"], json!({"failed": 0, "updated": 1, "inserted": 0, "total": 1}));
    assert_eq!(errors.status, 204);
    let jane = app.manage("GET", &format!("/users/{}", segment(&app.jane().await)), Value::Null).await;
    assert_eq!(
        (&jane["given_name"], &jane["app_metadata"]["plan"], jane.get("blocked")),
        (&json!("Janet"), &json!("gold"), None)
    );
    assert!(!can_sign_in(&app, "jane@example.com", "password").await);
    app.sign_in("openid").await;
}

#[tokio::test]
async fn what_is_no_import_is_refused() {
    let app = TestApp::new().await;
    let all = app.manage("GET", &format!("/connections?name={CONNECTION}"), Value::Null).await;
    let good = json!({"connection_id": all[0]["id"], "users": "[]"});
    app.api("POST", "/jobs/users-imports", good.clone()).await.expect(202);
    for (name, value) in [
        ("users", json!("{}")),
        ("users", json!("no JSON")),
        ("connection_id", json!("con_none")),
        ("more", json!(1)),
    ] {
        let mut body = good.clone();
        body[name] = value;
        app.api("POST", "/jobs/users-imports", body).await.expect(400);
    }
    let token = app.management_token().await;
    let torn = Call::post("/api/v2/jobs/users-imports")
        .bearer(&token)
        .body("multipart/form-data; boundary=b", "--b\r\n");
    app.send(torn).await.expect(400);
    app.api("GET", "/jobs/job_none", Value::Null).await.expect(404);
    app.api("GET", "/jobs/job_none/errors", Value::Null).await.expect(404);
}

#[tokio::test]
async fn a_mail_that_proves_an_address_is_sent_again() {
    let app = TestApp::new().await;
    let jane = app.jane().await;
    let job = app.manage("POST", "/jobs/verification-email", json!({"user_id": jane})).await;
    assert_eq!(app.app.outbox.kept()[0].to, "jane@example.com");
    let path = format!("/jobs/{}", job["id"].as_str().unwrap());
    assert_eq!(app.manage("GET", &path, Value::Null).await["status"], "completed");
    app.api("POST", "/jobs/verification-email", json!({"user_id": "auth0|nobody"})).await.expect(404);
}

/// A mailbox gets no more of these than of the mails that anybody asks for: ten, whoever asks.
#[tokio::test]
async fn a_mailbox_gets_no_end_of_mails_from_nobody() {
    let app = TestApp::new().await;
    let jane = app.jane().await;
    let user = format!("/users/{}", segment(&jane));
    let before = app.manage("PATCH", &user, json!({"email_verified": false})).await;
    for _ in 0..5 {
        app.manage("POST", "/jobs/verification-email", json!({"user_id": jane})).await;
        app.manage("PATCH", &user, json!({"verify_email": true})).await;
    }
    let text = "Too many mails went to this address. Try again in a quarter of an hour.";
    let refused = |answer: Answer| answer.is_problem(429, Some("too_many_requests"), text);
    refused(app.api("POST", "/jobs/verification-email", json!({"user_id": jane})).await);
    refused(app.api("PATCH", &user, json!({"verify_email": true, "nickname": "changed"})).await);
    let after = app.manage("GET", &user, Value::Null).await;
    assert_eq!(after["nickname"], before["nickname"], "nothing is done by half");
    app.manage("PATCH", &user, json!({"nickname": "changed"})).await;
    assert_eq!(app.app.outbox.kept().len(), 10);
    // Those of others, and of later, are their own.
    let moved = json!({"email": "moved@example.com", "verify_email": true});
    app.manage("PATCH", &user, moved).await;
    app.manage("PATCH", &user, json!({"email": JANE.email})).await;
    app.clock.advance(15 * 60);
    app.manage("POST", "/jobs/verification-email", json!({"user_id": jane})).await;
    assert_eq!(app.app.outbox.kept().len(), 12);
}

#[tokio::test]
async fn users_leave_as_a_file() {
    for app in engines().await {
        let fields = json!([{"name": "email"}, {"name": "identities[0].connection", "export_as": "from"}]);
        let job =
            app.manage("POST", "/jobs/users-exports", json!({"format": "json", "fields": fields})).await;
        assert_eq!(
            (&job["type"], &job["status"], job.get("location")),
            (&json!("users_export"), &json!("pending"), None)
        );
        let done = app.manage("GET", &format!("/jobs/{}", job["id"].as_str().unwrap()), Value::Null).await;
        assert_eq!(done["status"], "completed");
        let path =
            done["location"].as_str().unwrap().strip_prefix(ISSUER.trim_end_matches('/')).unwrap().to_owned();
        assert!(done.get("sealed").is_none());
        let file = app.get(&path).await.expect(200);
        let lines: Vec<Value> = file.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(lines.contains(&json!({"email": "jane@example.com", "from": CONNECTION})), "{lines:?}");
        app.get(&path.replace("ticket=", "ticket=x")).await.expect(404);
        app.get(path.split('?').next().unwrap()).await.expect(404);
        let ticket = path.split('=').next_back().unwrap();
        assert!(!app.at_rest().await.contains(ticket), "the secret of the address lies sealed");

        let csv = app.manage("POST", "/jobs/users-exports", json!({"format": "csv", "limit": 1})).await;
        let csv = app.manage("GET", &format!("/jobs/{}", csv["id"].as_str().unwrap()), Value::Null).await;
        let path =
            csv["location"].as_str().unwrap().strip_prefix(ISSUER.trim_end_matches('/')).unwrap().to_owned();
        let file = app.get(&path).await.expect(200);
        assert!(file.body.starts_with("user_id,email,") && file.body.lines().count() == 2, "{}", file.body);
        app.api("POST", "/jobs/users-exports", json!({"connection_id": "con_none"})).await.expect(400);
    }
}
