//! `GET /users?q=`, and `q` of `GET /logs`.

use chancery_core::model::{Identity, User};
use chancery_core::search::{Dialect, parse};
use chancery_store::{NewUser, UserOrder};
use serde_json::{Value, json};

use crate::support::*;

/// For a query string.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// People who are only in the store, instead of those who sign in.
async fn populate(app: &TestApp) {
    for user in app.app.store.users_page(TENANT, UserOrder::CreatedAscending, 0, 100).await.unwrap() {
        app.app.store.delete_user(TENANT, &user.user_id).await.unwrap();
    }
    let people = [
        ("ada", "Ada Lovelace", json!({"plan": "gold", "seats": 3}), true),
        ("alan", "Alan Turing", json!({"plan": "silver", "seats": 10}), true),
        ("grace", "Grace Hopper", json!({"plan": "gold", "tags": ["navy", "cobol"]}), false),
        ("jane", "Jane Smith", json!({"plan": "Gold"}), false),
        ("janet", "Janet Smith", Value::Null, true),
    ];
    for (n, (id, name, metadata, verified)) in people.into_iter().enumerate() {
        let user = User {
            user_id: format!("auth0|{id}"),
            email: Some(format!("{id}@{}.example", ["science", "navy"][n % 2])),
            email_verified: Some(verified),
            name: Some(name.to_owned()),
            nickname: Some(id.to_owned()),
            created_at: format!("2018-01-{:02}T08:00:00.000Z", n + 1),
            updated_at: format!("2018-02-{:02}T08:00:00.000Z", 9 - n),
            blocked: (n == 3).then_some(true),
            user_metadata: (n == 0).then(|| json!({"color": "blue"}).as_object().unwrap().clone()),
            app_metadata: metadata.as_object().cloned(),
            claims: json!({"locale": (["en", "de"][n % 2])}).as_object().unwrap().clone(),
            identities: vec![Identity {
                connection: ["Staff", "Partners"][n % 2].to_owned(),
                user_id: id.to_owned(),
                provider: "auth0".to_owned(),
                is_social: false,
                profile_data: None,
            }],
            ..User::default()
        };
        let new = NewUser { user, connection: "Staff".to_owned(), password_hash: None };
        app.app.store.create_user(TENANT, &new).await.unwrap();
    }
}

async fn names(app: &TestApp, query: &str) -> Vec<String> {
    let found = app.manage("GET", &format!("/users?{query}"), Value::Null).await;
    let list = found.as_array().unwrap().iter();
    list.map(|user| user["nickname"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_documented_queries() {
    for app in engines().await {
        populate(&app).await;
        for (q, found) in [
            ("name:\"jane smith\"", &["jane"][..]),
            ("name:jan*", &["jane", "janet"]),
            ("name:*smith*", &["jane", "janet"]),
            ("name:jane*smith", &["jane", "janet"]),
            ("email:(\"ada@science.example\" OR \"alan@navy.example\")", &["ada", "alan"]),
            ("email.domain:\"navy.example\"", &["alan", "jane"]),
            ("email_verified:false AND NOT blocked:true", &["grace"]),
            ("identities.connection:\"Partners\"", &["alan", "jane"]),
            ("user_metadata.color:\"blue\"", &["ada"]),
            ("app_metadata.plan:\"gold\"", &["ada", "grace"]),
            ("app_metadata.tags:\"cobol\"", &["grace"]),
            ("app_metadata.seats:[1 TO 5]", &["ada"]),
            ("_exists_:app_metadata.seats", &["ada", "alan"]),
            ("created_at:[2018-01-02 TO 2018-01-04}", &["alan", "grace"]),
            ("updated_at:{2018-02-08 TO *]", &["ada"]),
            ("user_id:auth0|jan*", &["jane", "janet"]),
            ("janet", &["janet"]),
            ("+name:jan* -blocked:true", &["janet"]),
            ("locale:de", &["alan", "jane"]),
            ("name:nobody", &[]),
        ] {
            assert_eq!(names(&app, &format!("search_engine=v3&q={}", encoded(q))).await, found, "{q}");
        }
    }
}

#[tokio::test]
async fn orders_and_pages() {
    for app in engines().await {
        populate(&app).await;
        let q = encoded("email.domain:*.example");
        let ascending = names(&app, &format!("q={q}&sort=name:1")).await;
        assert_eq!(ascending, ["ada", "alan", "grace", "jane", "janet"]);
        let descending = names(&app, &format!("q={q}&sort=updated_at:-1&per_page=2&page=1")).await;
        assert_eq!(descending, ["grace", "jane"]);
        assert_eq!(names(&app, &format!("q={q}&sort=created_at:-1&per_page=1")).await, ["janet"]);
        assert_eq!(names(&app, &format!("q={q}&connection=Staff")).await, ["ada", "grace", "janet"]);
        let page = app
            .manage("GET", &format!("/users?q={q}&include_totals=true&per_page=2&page=2"), Value::Null)
            .await;
        assert_eq!((&page["start"], &page["limit"], &page["length"]), (&json!(4), &json!(2), &json!(1)));
        assert_eq!(page["total"], 5);
        let fields = app.manage("GET", "/users?q=nickname:ada&fields=name,email", Value::Null).await;
        assert_eq!(fields, json!([{"name": "Ada Lovelace", "email": "ada@science.example"}]));
    }
}

#[tokio::test]
async fn what_is_refused() {
    let app = TestApp::new().await;
    let many = "a:b ".repeat(300);
    for (query, said) in [
        (format!("q={}", encoded("name:(jane")), "not closed"),
        (format!("q={}", encoded("name:*sa")), "three characters"),
        (format!("q={}", encoded("user_metadata.age:[1 TO 2]")), "no wildcards"),
        (format!("q={}", encoded(&many)), "too many terms"),
        (format!("q={}", encoded(&"(".repeat(40))), "too deep"),
        ("q=x&search_engine=v1".to_owned(), "You are not allowed to use search_engine=v1."),
        (
            "q=x&search_engine=v2".to_owned(),
            "You are not allowed to use search_engine=v2. Use search_engine=v3 instead.",
        ),
        ("sort=name".to_owned(), "field:1"),
        ("sort=app_metadata.plan:1".to_owned(), "Sorting by app_metadata.plan is not supported"),
        ("q=x&page=10&per_page=100".to_owned(), "first 1000 records"),
    ] {
        let answer = app.api("GET", &format!("/users?{query}"), Value::Null).await.expect(400).json();
        assert_eq!((&answer["statusCode"], &answer["error"]), (&json!(400), &json!("Bad Request")));
        assert!(answer["message"].as_str().unwrap().contains(said), "{answer}");
    }
}

/// An edit, a sign-in and a deletion are found at once.
#[tokio::test]
async fn what_changes_is_found_as_it_is() {
    let app = TestApp::new().await;
    let jane = app.jane().await;
    let path = format!("/users/{}", segment(&jane));
    let found = async |q: &str| names(&app, &format!("q={}", encoded(q))).await.len();
    let before = found("logins_count:[1 TO *]").await;
    app.set_api(json!({"allow_offline_access": true})).await;
    app.sign_in("openid").await;
    assert_eq!(found("logins_count:[1 TO *]").await, before + 1);
    assert_eq!(found("_exists_:last_ip AND user_id:auth0*").await, before + 1);
    app.manage("PATCH", &path, json!({"name": "Zoe Q", "app_metadata": {"tier": 7}})).await;
    assert_eq!((found("name:zoe*").await, found("app_metadata.tier:7").await), (1, 1));
    app.manage("PATCH", &path, json!({"name": null, "app_metadata": {}})).await;
    assert_eq!((found("name:zoe*").await, found("app_metadata.tier:7").await), (0, 0));
    app.manage("DELETE", &path, Value::Null).await;
    assert_eq!(found(&format!("user_id:\"{jane}\"")).await, 0);
}

/// What the wire shows is what is searched.
#[tokio::test]
async fn finds_what_the_shown_documents_fit() {
    for app in engines().await {
        populate(&app).await;
        let all = app.manage("GET", "/users?per_page=100", Value::Null).await;
        let all = all.as_array().unwrap();
        let fields = [
            "name",
            "email",
            "nickname",
            "app_metadata.plan",
            "locale",
            "email.domain",
            "identities.user_id",
        ];
        let values = ["jan*", "ada", "gold", "*smi*", "[a TO c]", "{f TO *]", "en", "\"navy.example\"", "*"];
        for (n, field) in fields.iter().enumerate() {
            for (m, value) in values.iter().enumerate() {
                let sign = [" AND ", " OR ", " AND NOT "][(n + m) % 3];
                let q =
                    format!("{field}:{value}{sign}{}:{}", fields[(n * 3 + m) % 7], values[(m * 5 + n) % 9]);
                let query = parse(&q, Dialect::Users).unwrap();
                let wanted: Vec<&Value> = all.iter().filter(|user| query.fits(user)).collect();
                let found = app.manage("GET", &format!("/users?q={}", encoded(&q)), Value::Null).await;
                assert_eq!(
                    found.as_array().unwrap().iter().collect::<Vec<_>>(),
                    wanted,
                    "{}: {q}",
                    app.engine
                );
            }
        }
    }
}

#[tokio::test]
async fn log_events() {
    for app in engines().await {
        app.manage("POST", "/roles", json!({"name": "Clerk"})).await;
        app.clock.advance(100);
        let role = app.manage("POST", "/roles", json!({"name": "Boss"})).await;
        app.clock.advance(100);
        app.manage("DELETE", &format!("/roles/{}", role["id"].as_str().unwrap()), Value::Null).await;
        let found = async |query: &str| -> Vec<String> {
            let found = app.manage("GET", &format!("/logs?{query}"), Value::Null).await;
            let list = found.as_array().unwrap().iter();
            list.map(|event| {
                event["description"].as_str().unwrap().split('/').next().unwrap().trim().to_owned()
            })
            .collect()
        };
        assert_eq!(found("q=type:sapi").await, ["DELETE", "POST", "POST"]);
        assert_eq!(found("q=type:sapi&sort=date:1").await, ["POST", "POST", "DELETE"]);
        assert_eq!(found("search=type:sapi&per_page=1&page=1").await, ["POST"]);
        assert_eq!(found(&format!("q={}", encoded("type:\"sapi\" AND description:DEL*"))).await, ["DELETE"]);
        assert_eq!(
            found(&format!("q={}", encoded("type:(sapi OR s) -description:*roles"))).await,
            ["DELETE"]
        );
        let all = app.manage("GET", "/logs?q=type:sapi", Value::Null).await;
        let (last, first) = (all[0]["date"].as_str().unwrap(), all[2]["date"].as_str().unwrap());
        let between = format!("type:sapi AND date:{{{first} TO {last}}}");
        assert_eq!(found(&format!("q={}", encoded(&between))).await, ["POST"]);
        let client = app.clients.management.client_id.as_str();
        assert_eq!(
            found(&format!("q={}", encoded(&format!("type:sapi AND client_id:\"{client}\"")))).await.len(),
            3
        );
        assert!(found("q=user_id:nobody").await.is_empty());
        for bad in ["q=type:(", "q=x&sort=ip:1", "q=x&sort=date", "q=x&page=20&per_page=100"] {
            app.api("GET", &format!("/logs?{bad}"), Value::Null).await.expect(400);
        }
    }
}
