//! What a database asks of passwords and user names beside their strength: for sign-up, reset and administrators alike.

use serde_json::{Value, json};

use crate::support::*;

const STRONG: [&str; 4] = ["Walnut-Harbour-1", "Walnut-Harbour-2", "Walnut-Harbour-3", "Walnut-Harbour-4"];

async fn database(app: &TestApp, options: Value) -> String {
    let found = app.manage("GET", &format!("/connections?name={CONNECTION}"), Value::Null).await;
    let id = found[0]["id"].as_str().unwrap().to_owned();
    app.api("PATCH", &format!("/connections/{id}"), json!({"options": options})).await.expect(200);
    id
}

async fn user(app: &TestApp, name: &str, password: &str) -> Answer {
    let body =
        json!({"connection": CONNECTION, "email": format!("{name}@example.com"), "password": password});
    app.api("POST", "/users", body).await
}

async fn change(app: &TestApp, user: &str, password: &str) -> Answer {
    let body = json!({"password": password, "connection": CONNECTION});
    app.api("PATCH", &format!("/users/{user}"), body).await
}

#[tokio::test]
async fn earlier_passwords_are_not_chosen_again() {
    for app in engines().await {
        for options in [
            json!({"password_history": {"enable": true, "size": 2}}),
            json!({"password_options": {"history": {"active": true, "size": 2}}}),
        ] {
            database(&app, options.clone()).await;
            let name = if options.get("password_history").is_some() { "old" } else { "new" };
            let made = user(&app, name, STRONG[0]).await.expect(201).json();
            let id = segment(made["user_id"].as_str().unwrap());
            let used = |answer: Answer| {
                answer.is_problem(
                    400,
                    Some("password_history_error"),
                    "PasswordHistoryError: Password has previously been used",
                );
            };
            used(change(&app, &id, STRONG[0]).await);
            change(&app, &id, STRONG[1]).await.expect(200);
            used(change(&app, &id, STRONG[0]).await);
            used(change(&app, &id, STRONG[1]).await);
            app.clock.advance(1);
            change(&app, &id, STRONG[2]).await.expect(200);
            change(&app, &id, STRONG[0]).await.expect(200);
            // Nobody remembers what nobody asks for.
            database(&app, json!({})).await;
            change(&app, &id, STRONG[0]).await.expect(200);
            app.api("DELETE", &format!("/users/{id}"), Value::Null).await.expect(204);
        }
    }
}

#[tokio::test]
async fn passwords_of_many_people() {
    let app = TestApp::new().await;
    let common = |answer: Answer| {
        answer.is_problem(
            400,
            Some("password_dictionary_error"),
            "PasswordDictionaryError: Password is too common",
        );
    };
    database(&app, json!({"passwordPolicy": "low", "password_dictionary": {"enable": true, "dictionary": ["Chancery-1"]}})).await;
    common(user(&app, "a", "PassWord").await);
    common(user(&app, "a", "chancery-1").await);
    user(&app, "a", STRONG[0]).await.expect(201);
    database(&app, json!({"passwordPolicy": "low", "password_options": {"dictionary": {"active": true}}}))
        .await;
    common(user(&app, "b", "iloveyou").await);
    database(&app, json!({"passwordPolicy": "low"})).await;
    user(&app, "b", "iloveyou").await.expect(201);
}

/// The same rules for whoever signs up, in the words that Auth0's widgets read.
#[tokio::test]
async fn at_sign_up() {
    let app = TestApp::new().await;
    database(
        &app,
        json!({
            "passwordPolicy": "low",
            "password_options": {
                "complexity": {"sequential_characters": "block"},
                "dictionary": {"active": true},
                "profile_data": {"active": true},
            },
            "requires_username": true,
            "validation": {"username": {"min": 3, "max": 8}},
        }),
    )
    .await;
    let sign_up = async |username: &str, password: &str| {
        let body = json!({"client_id": app.clients.spa.client_id, "connection": CONNECTION,
            "email": "robin@example.com", "username": username, "password": password});
        app.send(Call::post("/dbconnections/signup").json(&body)).await
    };
    for (username, password, name) in [
        ("robin", "iloveyou", "PasswordDictionaryError"),
        ("robin", "xrobinx9!", "PasswordNoUserInfoError"),
        ("robin", "walnut123!", "PasswordStrengthError"),
        ("ro", STRONG[0], "BadRequestError"),
        ("robinredbreast", STRONG[0], "BadRequestError"),
    ] {
        let refused = sign_up(username, password).await.expect(400).json();
        assert_eq!(refused["name"], name, "{username} {password}: {refused}");
    }
    sign_up("robin", "Walnut-Harbour!").await.expect(200);
}

#[tokio::test]
async fn user_names_have_a_length() {
    let app = TestApp::new().await;
    database(&app, json!({"requires_username": true, "validation": {"username": {"min": 3, "max": 8}}}))
        .await;
    let make = async |username: &str| {
        let body = json!({"connection": CONNECTION, "email": "r@example.com", "username": username, "password": STRONG[0]});
        app.api("POST", "/users", body).await
    };
    make("ro").await.expect(400);
    make("robinredbreast").await.expect(400);
    let id = make("robin").await.expect(201).text("user_id");
    let id = segment(&id);
    app.api("PATCH", &format!("/users/{id}"), json!({"username": "ro", "connection": CONNECTION}))
        .await
        .expect(400);
    app.api("PATCH", &format!("/users/{id}"), json!({"username": "robina", "connection": CONNECTION}))
        .await
        .expect(200);
}

/// Tools read a connection, change one thing and write all of it: the rules that were only shown are no rules of the
/// connection, and the level goes on to say what they are.
#[tokio::test]
async fn what_is_written_back_as_it_was_shown_stays_unwritten() {
    let app = TestApp::new().await;
    let made = app.manage("POST", "/connections", json!({"name": "Staff", "strategy": "auth0"})).await;
    let path = format!("/connections/{}", made["id"].as_str().unwrap());
    let kept = async || {
        let snapshot = app.app.catalog.snapshot(TENANT).await.unwrap();
        let connection = snapshot.connection(made["id"].as_str().unwrap()).unwrap();
        connection.options.get("password_options").cloned()
    };
    let mut options = made["options"].clone();
    assert_eq!(options["password_options"]["profile_data"]["active"], true);
    options["disable_signup"] = true.into();
    let answer = app.manage("PATCH", &path, json!({"options": options})).await;
    assert_eq!(answer["options"], options);
    assert_eq!(kept().await, None);

    // One rule is changed: that one is written, and no other.
    options["password_options"]["history"] = json!({"active": true, "size": 5});
    let answer = app.manage("PATCH", &path, json!({"options": options})).await;
    assert_eq!(answer["options"], options);
    assert_eq!(kept().await, Some(json!({"history": {"active": true, "size": 5}})));

    // What was written once is the connection's own, whatever it comes to.
    options["password_options"]["history"] = json!({"active": false, "size": 3});
    app.manage("PATCH", &path, json!({"options": options})).await;
    assert_eq!(kept().await, Some(json!({"history": {"active": false, "size": 3}})));

    // A weaker level beside the rules as they were: they differ from what it says now, so they hold.
    options["passwordPolicy"] = "none".into();
    let answer = app.manage("PATCH", &path, json!({"options": options})).await;
    assert_eq!(answer["options"]["password_options"]["complexity"]["min_length"], 8);
}
