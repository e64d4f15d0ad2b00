//! `/users/{id}/identities`: two accounts become one person, and two again.

use serde_json::{Value, json};

use crate::support::*;

/// Sam's id.
async fn sam(app: &TestApp) -> String {
    let found = app.manage("GET", "/users-by-email?email=sam%40example.com", Value::Null).await;
    found[0]["user_id"].as_str().unwrap().to_owned()
}

async fn subject(app: &TestApp, person: &chancery::seed::Person) -> String {
    let code = Browser::new(app).authorize(&app.ask("openid read:contacts"), person).await.get("code");
    let answer = app.redeem(&code).await.expect(200).json();
    decode(answer["id_token"].as_str().unwrap()).1["sub"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_account_of_another_user_becomes_ones_own() {
    for app in engines().await {
        let (jane, sam) = (app.jane().await, sam(&app).await);
        let before = app.sign_in("openid offline_access read:contacts").await;
        let path = format!("/users/{}/identities", segment(&sam));
        let body = json!({"provider": "auth0", "user_id": jane});
        let linked = app.api("POST", &path, body.clone()).await.expect(201).json();
        assert_eq!(linked.as_array().unwrap().len(), 2, "{}", app.engine);
        assert_eq!(linked[1]["profileData"]["email"], "jane@example.com");
        // Who Jane was is no more; with her password one is Sam.
        app.api("GET", &format!("/users/{}", segment(&jane)), Value::Null).await.expect(404);
        assert_eq!(app.refresh(before["refresh_token"].as_str().unwrap(), &[]).await.status, 403);
        assert_eq!(subject(&app, &JANE).await, sam);
        assert_eq!(subject(&app, &SAM).await, sam);
        app.api("POST", &path, body).await.expect(404);
        let shown = app.manage("GET", &format!("/users/{}", segment(&sam)), Value::Null).await;
        assert_eq!(shown["identities"][0].get("profileData"), None);
        assert_eq!(shown["email"], "sam@example.com");

        let (_, jane_id) = jane.split_once('|').unwrap();
        let (_, sam_id) = sam.split_once('|').unwrap();
        app.api("DELETE", &format!("{path}/auth0/{sam_id}"), Value::Null).await.expect(400);
        app.api("DELETE", &format!("{path}/auth0/nobody"), Value::Null).await.expect(400);
        let left =
            app.api("DELETE", &format!("{path}/auth0/{jane_id}"), Value::Null).await.expect(200).json();
        assert_eq!(left.as_array().unwrap().len(), 1);
        assert_eq!(subject_or_error(&app).await, jane);
        let again = app.manage("GET", &format!("/users/{}", segment(&jane)), Value::Null).await;
        assert_eq!(
            (&again["email"], &again["identities"][0].get("profileData")),
            (&json!("jane@example.com"), &None)
        );
    }
}

/// Jane by her password; her role went with who she was.
async fn subject_or_error(app: &TestApp) -> String {
    let code = Browser::new(app).authorize(&app.ask("openid"), &JANE).await.get("code");
    let answer = app.redeem(&code).await.expect(200).json();
    decode(answer["id_token"].as_str().unwrap()).1["sub"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_password_is_changed_where_it_belongs() {
    let app = TestApp::new().await;
    let (jane, sam) = (app.jane().await, sam(&app).await);
    let path = format!("/users/{}", segment(&sam));
    app.manage("POST", &format!("{path}/identities"), json!({"provider": "auth0", "user_id": jane})).await;
    app.manage("PATCH", &path, json!({"password": "Another-4-Sam", "connection": CONNECTION})).await;
    assert_eq!(subject(&app, &JANE).await, sam, "the other account has its own password still");
}

#[tokio::test]
async fn a_blocked_user_is_not_let_in_by_linking() {
    let app = TestApp::new().await;
    let (jane, sam) = (app.jane().await, sam(&app).await);
    app.manage("PATCH", &format!("/users/{}", segment(&jane)), json!({"blocked": true})).await;
    let path = format!("/users/{}/identities", segment(&sam));
    app.api("POST", &path, json!({"provider": "auth0", "user_id": jane})).await.expect(400);
    app.api("POST", &path, json!({"provider": "auth0", "user_id": sam})).await.expect(400);
}

#[tokio::test]
async fn users_link_for_themselves_what_they_prove() {
    let app = TestApp::new().await;
    let (jane, sam) = (app.jane().await, sam(&app).await);
    let web = &app.clients.web.client_id;
    let audience = format!("{ISSUER}api/v2/");
    let ask = Ask::code(web, "openid update:current_user_identities").with("audience", &audience);
    let code = Browser::new(&app).authorize(&ask, &JANE).await.get("code");
    let own = app.redeem(&code).await.expect(200).json();
    let own = own["access_token"].as_str().unwrap();
    let code = Browser::new(&app).authorize(&app.ask("openid"), &SAM).await.get("code");
    let proof = app.redeem(&code).await.expect(200).json()["id_token"].as_str().unwrap().to_owned();
    let path = format!("/users/{}/identities", segment(&jane));
    let by_id = json!({"provider": "auth0", "user_id": sam});
    app.api_as(own, "POST", &path, by_id).await.expect(400);
    app.api_as(own, "POST", &path, json!({"link_with": "not a token"})).await.expect(400);
    let others = format!("/users/{}/identities", segment(&sam));
    app.api_as(own, "POST", &others, json!({"link_with": proof})).await.expect(403);
    app.api_as(own, "POST", &path, json!({"link_with": proof})).await.expect(201);
    assert_eq!(subject(&app, &SAM).await, jane);
}

/// What names no account, or one's own, makes no account one's own.
#[tokio::test]
async fn case_17_ids_that_name_nobody_link_nothing() {
    for app in engines().await {
        let (jane, sam) = (app.jane().await, sam(&app).await);
        let path = format!("/users/{}/identities", segment(&sam));
        for id in [json!(null), json!(""), json!([]), json!({}), json!(true), json!([jane]), json!(sam)] {
            app.api("POST", &path, json!({"provider": "auth0", "user_id": id})).await.expect(400);
        }
        app.api("POST", &path, json!({"provider": "auth0"})).await.expect(400);
        app.api("POST", &path, json!({"provider": null, "user_id": jane})).await.expect(400);
        for id in ["auth0|", "|", "auth0|nobody", " ", "auth0|%00"] {
            let answer = app.api("POST", &path, json!({"provider": "auth0", "user_id": id})).await;
            assert!([400, 404].contains(&answer.status.as_u16()), "{id}: {answer:?}");
        }
        let left = app.manage("GET", &format!("/users/{}", segment(&sam)), Value::Null).await;
        assert_eq!(left["identities"].as_array().unwrap().len(), 1, "{}", app.engine);
        assert_eq!(subject(&app, &JANE).await, jane);
    }
}

/// What users prove, they prove of late: with an ID token that is still good, and is no other token.
#[tokio::test]
async fn case_17_an_old_proof_links_nothing() {
    let app = TestApp::new().await;
    let (jane, sam) = (app.jane().await, sam(&app).await);
    let sign_in = async |ask: &Ask, person| {
        let code = Browser::new(&app).authorize(ask, person).await.get("code");
        app.redeem(&code).await.expect(200).json()
    };
    let sams = sign_in(&app.ask("openid"), &SAM).await;
    app.clock.advance(36_001);
    let audience = format!("{ISSUER}api/v2/");
    let ask = Ask::code(&app.clients.web.client_id, "openid update:current_user_identities")
        .with("audience", &audience);
    let own = sign_in(&ask, &JANE).await;
    let own = own["access_token"].as_str().unwrap();
    let path = format!("/users/{}/identities", segment(&jane));
    for proof in ["id_token", "access_token"] {
        app.api_as(own, "POST", &path, json!({"link_with": sams[proof]})).await.expect(400);
    }
    assert_eq!(subject(&app, &SAM).await, sam);
}
