//! `/scim/v2/connections/{id}`: a directory writes users and groups, and what its groups give reaches the tokens.

use serde_json::{Value, json};

use crate::support::*;

/// A company's directory, with its connection.
pub(crate) struct Directory {
    pub(crate) connection: String,
    token: String,
}

impl Directory {
    pub(crate) async fn new(app: &TestApp, name: &str) -> Self {
        let made = json!({"name": name, "strategy": "okta", "options": {"client_id": "c"}});
        let made = app.manage("POST", "/connections", made).await;
        let connection = made["id"].as_str().unwrap().to_owned();
        let settings = format!("/connections/{connection}/scim-configuration");
        app.manage("POST", &settings, json!({})).await;
        let scopes: Vec<String> = ["users", "groups"]
            .iter()
            .flat_map(|kind| ["get", "post", "put", "patch", "delete"].map(|verb| format!("{verb}:{kind}")))
            .collect();
        let token = app.manage("POST", &format!("{settings}/tokens"), json!({"scopes": scopes})).await;
        Self { connection, token: token["token"].as_str().unwrap().to_owned() }
    }

    pub(crate) async fn ask(&self, app: &TestApp, method: &str, path: &str, body: &Value) -> Answer {
        let call = Call::new(method, &format!("/scim/v2/connections/{}{path}", self.connection));
        let call = call.bearer(&self.token);
        let call = match body {
            Value::Null => call,
            body => call.body("application/scim+json", body.to_string()),
        };
        app.send(call).await
    }

    /// The id of a user that is made.
    pub(crate) async fn user(&self, app: &TestApp, name: &str) -> String {
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "externalId": format!("x-{name}"),
            "active": true, "name": {"givenName": "G", "familyName": "F"},
            "emails": [{"value": format!("{name}@company.example"), "primary": true}],
        });
        self.ask(app, "POST", "/Users", &user).await.expect(201).text("id")
    }

    pub(crate) async fn group(&self, app: &TestApp, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        let group = json!({"displayName": name, "externalId": format!("x-{name}"), "members": members});
        self.ask(app, "POST", "/Groups", &group).await.expect(201).text("id")
    }
}

pub(crate) fn operations(all: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": all})
}

/// What Jane's token holds when she asks for one scope by her password.
async fn granted(app: &TestApp, scope: &str, organization: Option<&str>) -> String {
    match organization {
        None => {
            let pairs = [
                ("grant_type", "password"),
                ("username", JANE.email),
                ("password", JANE.password),
                ("audience", API),
                ("scope", scope),
            ];
            let answer = app.web_token(&pairs).await.expect(200).json();
            decode(answer["access_token"].as_str().unwrap()).1["scope"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        }
        Some(organization) => {
            let ask = app.ask(&format!("openid {scope}")).and("organization", organization);
            let code = app.code_for(&ask).await;
            let answer = app.redeem(&code).await.expect(200).json();
            decode(answer["access_token"].as_str().unwrap()).1["scope"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        }
    }
}

/// A role that gives `delete:contacts`, which Jane has not.
async fn deleting_role(app: &TestApp) -> String {
    app.set_api(json!({"enforce_policies": true})).await;
    let role = app.manage("POST", "/roles", json!({"name": "Deleters"})).await;
    let id = role["id"].as_str().unwrap().to_owned();
    let one =
        json!({"permissions": [{"resource_server_identifier": API, "permission_name": "delete:contacts"}]});
    app.manage("POST", &format!("/roles/{id}/permissions"), one).await;
    id
}

#[tokio::test]
async fn what_a_group_gives_is_in_the_token() {
    for app in engines().await {
        let directory = Directory::new(&app, "company").await;
        let role = deleting_role(&app).await;
        let account = directory.user(&app, "jane").await;
        assert_eq!(account, "okta|company|x-jane", "{}", app.engine);
        let group = directory.group(&app, "Staff", &[&account]).await;
        // Jane signs in with a password of her own; the company's account is hers too.
        let jane = app.jane().await;
        let path = format!("/users/{}", segment(&jane));
        let link = json!({"provider": "okta", "user_id": account});
        app.manage("POST", &format!("{path}/identities"), link).await;
        assert!(!granted(&app, "delete:contacts", None).await.contains("delete:contacts"));

        app.api("POST", &format!("/groups/{group}/roles"), json!({"roles": [role]})).await.expect(204);
        assert!(granted(&app, "delete:contacts", None).await.contains("delete:contacts"));
        let roles = app.manage("GET", &format!("{path}/effective-roles"), Value::Null).await;
        let found = roles["roles"].as_array().unwrap().iter().find(|found| found["id"] == role).unwrap();
        assert_eq!(found["sources"], json!(["groups"]));
        let sources = format!("{path}/effective-roles/sources/groups?role_id={role}");
        let sources = app.manage("GET", &sources, Value::Null).await;
        assert_eq!(
            (&sources["groups"][0]["id"], &sources["groups"][0]["name"]),
            (&group.clone().into(), &"Staff".into())
        );
        let held = app.manage("GET", &format!("{path}/roles"), Value::Null).await;
        assert!(!held.to_string().contains(&role), "held by nobody directly: {held}");
        let groups = app.manage("GET", &format!("{path}/groups"), Value::Null).await;
        assert_eq!(groups[0]["id"], group);
        let members = app.manage("GET", &format!("/groups/{group}/members"), Value::Null).await;
        assert_eq!(members["members"][0]["id"], jane);

        // The explanation names the group.
        let told = app.what_if_of(&jane, "delete:contacts").await;
        let text = told.to_string();
        assert!(text.contains("which the group Staff") && text.contains(&group), "{text}");
        let holders = app.holders_of("delete:contacts").await;
        let found = holders["users"].as_array().unwrap().iter().find(|user| user["user_id"] == jane).unwrap();
        assert_eq!(found["through"][0]["group"], json!({"id": group, "name": "Staff"}));

        // Whoever is shut out by the directory has nothing of its groups any more.
        let shut = operations(&json!([{"op": "Replace", "path": "active", "value": "False"}]));
        let user = format!("/Users/{}", account.replace('|', "%7C"));
        directory.ask(&app, "PATCH", &user, &shut).await.expect(200);
        assert!(!granted(&app, "delete:contacts", None).await.contains("delete:contacts"));
        assert_eq!(
            app.manage("GET", &path, Value::Null).await.get("blocked"),
            None,
            "Jane herself may sign in"
        );
        directory.ask(&app, "DELETE", &user, &Value::Null).await.expect(204);
        let left = app.manage("GET", &path, Value::Null).await;
        assert_eq!(left["identities"].as_array().unwrap().len(), 1);
        directory.ask(&app, "GET", &user, &Value::Null).await.expect(404);
    }
}

#[tokio::test]
async fn in_an_organization_count_roles_given_there() {
    for app in engines().await {
        let directory = Directory::new(&app, "company").await;
        let role = deleting_role(&app).await;
        let account = directory.user(&app, "jane").await;
        let group = directory.group(&app, "Staff", &[&account]).await;
        let jane = app.jane().await;
        let link = json!({"provider": "okta", "user_id": account});
        app.manage("POST", &format!("/users/{}/identities", segment(&jane)), link).await;
        let connections = app.manage("GET", "/connections?strategy=auth0", Value::Null).await;
        let enabled = json!([{"connection_id": connections[0]["id"], "assign_membership_on_login": false}]);
        let made = app
            .manage("POST", "/organizations", json!({"name": "acme", "enabled_connections": enabled}))
            .await;
        let acme = made["id"].as_str().unwrap();
        app.set_web(json!({"organization_usage": "allow"})).await;
        let at = format!("/organizations/{acme}");
        app.manage("POST", &format!("{at}/members"), json!({"members": [jane]})).await;
        app.api("POST", &format!("/groups/{group}/roles"), json!({"roles": [role]})).await.expect(204);
        assert!(
            !granted(&app, "delete:contacts", Some(acme)).await.contains("delete:contacts"),
            "{}",
            app.engine
        );
        let roles = format!("{at}/groups/{group}/roles");
        app.api("POST", &roles, json!({"roles": [role]})).await.expect(204);
        assert!(granted(&app, "delete:contacts", Some(acme)).await.contains("delete:contacts"));
        assert_eq!(app.manage("GET", &roles, Value::Null).await["roles"][0]["type"], "tenant");
        for path in [format!("{at}/groups"), format!("{at}/roles/{role}/groups")] {
            assert_eq!(app.manage("GET", &path, Value::Null).await["groups"][0]["id"], group, "{path}");
        }
        let member = format!("{at}/members/{}/effective-roles", segment(&jane));
        let found = app.manage("GET", &member, Value::Null).await;
        assert_eq!(found["roles"][0]["sources"], json!(["groups"]));
        let found = app.manage("GET", &format!("{member}/sources/groups?role_id={role}"), Value::Null).await;
        assert_eq!(found["groups"][0]["id"], group);
        // The organization goes, and what its groups gave with it.
        app.api("DELETE", &roles, json!({"roles": [role]})).await.expect(204);
        assert_eq!(app.manage("GET", &format!("{at}/groups"), Value::Null).await, json!({"groups": []}));
    }
}

#[tokio::test]
async fn users_are_written_and_found() {
    for app in engines().await {
        let directory = Directory::new(&app, "company").await;
        let id = directory.user(&app, "Sam").await;
        let one = format!("/Users/{}", id.replace('|', "%7C"));
        let again = json!({"userName": "sam", "externalId": "another"});
        let taken = directory.ask(&app, "POST", "/Users", &again).await.expect(409).json();
        assert_eq!(taken["scimType"], "uniqueness", "{}", app.engine);
        let shown = directory.ask(&app, "GET", &one, &Value::Null).await.expect(200).json();
        assert_eq!(
            (&shown["userName"], &shown["externalId"], &shown["active"], &shown["emails"][0]["value"]),
            (&"Sam".into(), &"x-Sam".into(), &true.into(), &"sam@company.example".into())
        );
        for filter in
            ["userName eq \"SAM\"", "externalId eq \"x-Sam\"", "emails.value eq \"sam@company.example\""]
        {
            let path = format!("/Users?filter={}", filter.replace(' ', "%20").replace('"', "%22"));
            let found = directory.ask(&app, "GET", &path, &Value::Null).await.expect(200).json();
            assert_eq!(
                (&found["totalResults"], &found["Resources"][0]["id"]),
                (&1.into(), &id.clone().into()),
                "{filter}"
            );
        }
        directory.ask(&app, "GET", "/Users?filter=title%20pr", &Value::Null).await.expect(400);
        let all =
            directory.ask(&app, "GET", "/Users?startIndex=1&count=1", &Value::Null).await.expect(200).json();
        assert_eq!((&all["totalResults"], &all["itemsPerPage"]), (&1.into(), &1.into()));
        let patch = operations(&json!([
            {"op": "replace", "value": {"name.givenName": "Samuel", "active": false}},
            {"op": "add", "path": "title", "value": "Engineer"},
        ]));
        let after = directory.ask(&app, "PATCH", &one, &patch).await.expect(200).json();
        assert_eq!(
            (&after["name"]["givenName"], &after["name"]["familyName"]),
            (&"Samuel".into(), &"F".into())
        );
        let user = app.manage("GET", &format!("/users/{}", segment(&id)), Value::Null).await;
        assert_eq!((&user["blocked"], &user["app_metadata"]["title"]), (&true.into(), &"Engineer".into()));
        assert_eq!(user["identities"][0]["provider"], "okta");
        let other_id = json!({"userName": "sam", "externalId": "x-other"});
        let refused = directory.ask(&app, "PUT", &one, &other_id).await.expect(400).json();
        assert_eq!(refused["scimType"], "mutability");
        let whole = json!({"userName": "sam", "externalId": "x-Sam"});
        let after = directory.ask(&app, "PUT", &one, &whole).await.expect(200).json();
        assert_eq!((after.get("title"), &after["active"]), (None, &false.into()), "still shut out");
        let open = json!({"userName": "sam", "externalId": "x-Sam", "active": true});
        let after = directory.ask(&app, "PUT", &one, &open).await.expect(200).json();
        assert_eq!(after["active"], true);
        directory.ask(&app, "DELETE", &one, &Value::Null).await.expect(204);
        app.api("GET", &format!("/users/{}", segment(&id)), Value::Null).await.expect(404);
        for bad in [
            json!({}),
            json!({"userName": "a"}),
            json!({"userName": 1, "externalId": "x"}),
            json!({"userName": "a\u{0}", "externalId": "x"}),
        ] {
            directory.ask(&app, "POST", "/Users", &bad).await.expect(400);
        }
    }
}

#[tokio::test]
async fn groups_are_written_and_found() {
    for app in engines().await {
        let directory = Directory::new(&app, "company").await;
        let (one, two) = (directory.user(&app, "one").await, directory.user(&app, "two").await);
        let group = directory.group(&app, "Staff", &[&one]).await;
        assert!((18..=26).contains(&group.len()), "{}", app.engine);
        let path = format!("/Groups/{group}");
        let again = json!({"displayName": "Staff"});
        directory.ask(&app, "POST", "/Groups", &again).await.expect(409);
        let found = directory.ask(
            &app,
            "GET",
            "/Groups?filter=displayName%20eq%20%22Staff%22&excludedAttributes=members",
            &Value::Null,
        );
        let found = found.await.expect(200).json();
        assert_eq!(
            (&found["Resources"][0]["id"], found["Resources"][0].get("members")),
            (&group.clone().into(), None)
        );
        let patch = operations(&json!([
            {"op": "Add", "path": "members", "value": [{"value": two}]},
            {"op": "Remove", "path": format!("members[value eq \"{one}\"]")},
            {"op": "Replace", "value": {"id": group, "displayName": "Everybody"}},
        ]));
        let after = directory.ask(&app, "PATCH", &path, &patch).await.expect(200).json();
        assert_eq!(
            (&after["displayName"], &after["members"]),
            (&"Everybody".into(), &json!([{"value": two, "type": "User"}]))
        );
        let listed = app.manage("GET", "/groups?search=EVERY&include_totals=true", Value::Null).await;
        assert_eq!((&listed["total"], &listed["groups"][0]["external_id"]), (&1.into(), &"x-Staff".into()));
        let whole = json!({"displayName": "Staff", "members": [{"value": one}, {"value": two}]});
        let after = directory.ask(&app, "PUT", &path, &whole).await.expect(200).json();
        assert_eq!((after["members"].as_array().unwrap().len(), after.get("externalId")), (2, None));
        let stranger =
            operations(&json!([{"op": "add", "path": "members", "value": [{"value": app.jane().await}]}]));
        directory.ask(&app, "PATCH", &path, &stranger).await.expect(400);
        // A user goes, and is in no group.
        app.api("DELETE", &format!("/users/{}", segment(&one)), Value::Null).await.expect(204);
        let members = app.manage("GET", &format!("/groups/{group}/members?take=1"), Value::Null).await;
        assert_eq!(members["members"].as_array().unwrap().len(), 1);
        app.api("DELETE", &format!("/groups/{group}"), Value::Null).await.expect(204);
        directory.ask(&app, "GET", &path, &Value::Null).await.expect(404);
        // The connection goes with all of its groups.
        directory.group(&app, "Staff", &[&two]).await;
        app.api("DELETE", &format!("/connections/{}", directory.connection), Value::Null).await.expect(202);
        assert_eq!(app.manage("GET", "/groups", Value::Null).await, json!([]));
        directory.ask(&app, "GET", "/Groups", &Value::Null).await.expect(401);
    }
}

/// Whatever a directory sends, it is told what is wrong with it.
#[tokio::test]
async fn nothing_that_is_sent_is_an_error_of_ours() {
    let app = TestApp::new().await;
    let directory = Directory::new(&app, "company").await;
    let user = directory.user(&app, "sam").await;
    let group = directory.group(&app, "Staff", &[&user]).await;
    let (user, group) = (format!("/Users/{}", user.replace('|', "%7C")), format!("/Groups/{group}"));
    let deep = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    let values = [
        json!(null),
        json!(""),
        json!([]),
        json!({}),
        json!([[1]]),
        json!({"value": 1}),
        json!("a\u{7}"),
        deep(100),
    ];
    let paths = [
        "members",
        "displayName",
        "active",
        "emails[type eq \"work\"].value",
        "emails",
        "name",
        "userName",
        "urn:",
        "a[b",
        "meta.x",
    ];
    for (at, verb) in [
        (&user, "add"),
        (&user, "replace"),
        (&user, "remove"),
        (&group, "add"),
        (&group, "replace"),
        (&group, "remove"),
    ] {
        for value in &values {
            for path in paths {
                let patch = operations(&json!([{"op": verb, "path": path, "value": value}]));
                let answer = directory.ask(&app, "PATCH", at, &patch).await;
                assert!(!answer.status.is_server_error(), "{at} {patch}: {}", answer.body);
            }
            let bare = operations(&json!([{"op": verb, "value": value}]));
            let answer = directory.ask(&app, "PATCH", at, &bare).await;
            assert!(!answer.status.is_server_error(), "{at} {bare}: {}", answer.body);
            let answer = directory
                .ask(&app, "PUT", at, &json!({"displayName": value, "userName": value, "members": value}))
                .await;
            assert!(!answer.status.is_server_error(), "{at}: {}", answer.body);
        }
    }
    let settings = format!("/connections/{}/scim-configuration", directory.connection);
    app.manage(
        "PATCH",
        &settings,
        json!({"user_id_attribute": "emails[", "mapping": [{"scim": "x[", "auth0": "email"}]}),
    )
    .await;
    directory.ask(&app, "POST", "/Users", &json!({"userName": "a", "externalId": "a"})).await.expect(400);
    for text in ["{", "[]", "\"a\""] {
        let call = Call::new("POST", &format!("/scim/v2/connections/{}/Users", directory.connection));
        let call = call.bearer(&directory.token).body("application/scim+json", text);
        app.send(call).await.expect(400);
    }
}

/// A token reaches its own connection, with the scopes it has, until it ends.
#[tokio::test]
async fn a_token_reaches_its_own_connection_alone() {
    let app = TestApp::new().await;
    let (one, other) = (Directory::new(&app, "one").await, Directory::new(&app, "other").await);
    let user = one.user(&app, "sam").await;
    let group = one.group(&app, "Staff", &[&user]).await;
    for path in [format!("/Users/{}", user.replace('|', "%7C")), format!("/Groups/{group}")] {
        one.ask(&app, "GET", &path, &Value::Null).await.expect(200);
        other.ask(&app, "GET", &path, &Value::Null).await.expect(404);
        other.ask(&app, "DELETE", &path, &Value::Null).await.expect(404);
    }
    let member = json!({"displayName": "Mine", "members": [{"value": user}]});
    other.ask(&app, "POST", "/Groups", &member).await.expect(400);
    let crossed = Directory { connection: one.connection.clone(), token: other.token.clone() };
    let foreign = crossed.ask(&app, "GET", "/Users", &Value::Null).await.expect(401);
    let nowhere = Directory { connection: "con_none".to_owned(), token: other.token.clone() };
    assert_eq!(nowhere.ask(&app, "GET", "/Users", &Value::Null).await.body, foreign.body);
    let manager = Directory { connection: one.connection.clone(), token: app.management_token().await };
    manager.ask(&app, "GET", "/Users", &Value::Null).await.expect(401);

    let tokens = format!("/connections/{}/scim-configuration/tokens", one.connection);
    let short = json!({"scopes": ["get:users"], "token_lifetime": 900});
    let short = app.manage("POST", &tokens, short).await["token"].as_str().unwrap().to_owned();
    let short = Directory { connection: one.connection.clone(), token: short };
    short.ask(&app, "GET", "/Users", &Value::Null).await.expect(200);
    let refused =
        short.ask(&app, "POST", "/Users", &json!({"userName": "a", "externalId": "a"})).await.expect(403);
    assert!(refused.body.contains("post:users"));
    short.ask(&app, "GET", "/Groups", &Value::Null).await.expect(403);
    app.clock.advance(901);
    short.ask(&app, "GET", "/Users", &Value::Null).await.expect(401);
    for (method, path) in [("GET", "/Nothing"), ("PUT", "/Users"), ("POST", "/Users/x/y"), ("GET", "/")] {
        let answer = one.ask(&app, method, path, &json!({"userName": "a"})).await;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
    }
}

/// Whoever is shut out of another user's account comes back by no group.
#[tokio::test]
async fn whoever_is_shut_out_is_put_into_no_group() {
    for app in engines().await {
        let directory = Directory::new(&app, "company").await;
        let (account, other) = (directory.user(&app, "jane").await, directory.user(&app, "other").await);
        let group = directory.group(&app, "Staff", &[&account, &other]).await;
        let jane = app.jane().await;
        let link = json!({"provider": "okta", "user_id": account});
        app.manage("POST", &format!("/users/{}/identities", segment(&jane)), link).await;
        let user = format!("/Users/{}", account.replace('|', "%7C"));
        let active =
            |active: bool| operations(&json!([{"op": "replace", "path": "active", "value": active}]));
        directory.ask(&app, "PATCH", &user, &active(false)).await.expect(200);
        let whole = json!({"displayName": "Staff", "members": [{"value": account}, {"value": other}, {"value": other}]});
        let path = format!("/Groups/{group}");
        let after = directory.ask(&app, "PUT", &path, &whole).await.expect(200).json();
        assert_eq!(after["members"], json!([{"value": other, "type": "User"}]), "{}", app.engine);
        directory.ask(&app, "PATCH", &user, &active(true)).await.expect(200);
        let after = directory.ask(&app, "PUT", &path, &whole).await.expect(200).json();
        assert_eq!(after["members"].as_array().unwrap().len(), 2);
    }
}

/// Attributes are looked for one by one: a request that holds very many of them would take minutes.
#[tokio::test]
async fn a_request_holds_so_many_values_and_no_more() {
    let app = TestApp::new().await;
    let directory = Directory::new(&app, "company").await;
    let user = format!("/Users/{}", directory.user(&app, "sam").await.replace('|', "%7C"));
    let names = |count: usize| -> Value {
        let names = (0..count).map(|n| (format!("name{n}"), json!(n)));
        Value::Object(names.collect())
    };
    for (value, status) in [
        (json!({"op": "add", "value": names(500)}), 200),
        (json!({"op": "add", "value": names(40_000)}), 400),
        (json!({"op": "add", "path": "name", "value": names(40_000)}), 400),
        (json!({"op": "add", "value": {"name": names(40_000)}}), 400),
        (json!({"op": "add", "path": "emails", "value": vec![json!({}); 40_000]}), 400),
    ] {
        let answer = directory.ask(&app, "PATCH", &user, &operations(&json!([value]))).await;
        let answer = answer.expect(status).json();
        assert_eq!(answer["scimType"] == "tooMany", status == 400, "{answer}");
    }
    let connection = format!("/connections/{}/scim-configuration", directory.connection);
    let lines = |count: usize| vec![json!({"scim": "title", "auth0": "app_metadata.title"}); count];
    let settings = |count: usize| json!({"user_id_attribute": "externalId", "mapping": lines(count)});
    app.api("PATCH", &connection, settings(201)).await.expect(400);
    app.api("PATCH", &connection, settings(200)).await.expect(200);
}

/// A list of groups with everybody in them has an end; the next page begins behind it.
#[tokio::test]
async fn a_page_of_groups_ends_with_the_members_it_holds() {
    let app = TestApp::new().await;
    let directory = Directory::new(&app, "company").await;
    let mut all = Vec::new();
    for n in 0..2600 {
        all.push(directory.user(&app, &format!("u{n}")).await);
    }
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    for name in ["a", "b", "c"] {
        directory.group(&app, name, &all).await;
    }
    let pages = async |query: &str| {
        let (mut start, mut found) = (1, Vec::new());
        loop {
            let path = format!("/Groups?startIndex={start}{query}");
            let page = directory.ask(&app, "GET", &path, &Value::Null).await.expect(200).json();
            assert_eq!(page["totalResults"], 3);
            let here = page["Resources"].as_array().unwrap().len();
            if here == 0 {
                return found;
            }
            start += here;
            found.push(here);
        }
    };
    assert_eq!(pages("").await, [2, 1]);
    assert_eq!(pages("&excludedAttributes=members").await, [3]);
}

/// A lifetime that is no number of seconds anybody means is refused: it makes neither a token for ever nor one that never was.
#[tokio::test]
async fn a_token_lives_as_long_as_is_said() {
    let app = TestApp::new().await;
    let directory = Directory::new(&app, "company").await;
    let tokens = format!("/connections/{}/scim-configuration/tokens", directory.connection);
    for lifetime in [json!(899), json!(-1), json!(1e30), json!(u64::MAX), json!(i64::MAX), json!(1_i64 << 53)]
    {
        app.api("POST", &tokens, json!({"token_lifetime": lifetime})).await.expect(400);
    }
    let token = app.manage("POST", &tokens, json!({"token_lifetime": 900})).await;
    let directory = Directory { token: token["token"].as_str().unwrap().to_owned(), ..directory };
    directory.ask(&app, "GET", "/Users", &Value::Null).await.expect(200);
    app.clock.advance(901);
    directory.ask(&app, "GET", "/Users", &Value::Null).await.expect(401);
}

/// Whoever has no token writes nothing into the tenant's log.
#[tokio::test]
async fn strangers_leave_no_events() {
    let app = TestApp::new().await;
    let mut directory = Directory::new(&app, "company").await;
    directory.user(&app, "sam").await;
    directory.ask(&app, "POST", "/Users", &json!({})).await.expect(400);
    directory.token = "stranger".to_owned();
    for method in ["POST", "DELETE", "PUT"] {
        directory.ask(&app, method, "/Users", &json!({})).await.expect(401);
    }
    for method in ["HEAD", "OPTIONS", "ANYTHING"] {
        let answer = directory.ask(&app, method, "/Users", &Value::Null).await;
        assert!([204, 404].contains(&answer.status.as_u16()), "{answer:?}");
    }
    app.app.logs.flush().await.unwrap();
    let mut kinds = Vec::new();
    for kind in ["sscim", "fscim"] {
        let events = app.manage("GET", &format!("/logs?q=type:{kind}&per_page=100"), Value::Null).await;
        kinds.push(events.as_array().unwrap().len());
    }
    assert_eq!(kinds, [1, 1]);
}

/// Giving again what a group gives changes nothing, at its bound too.
#[tokio::test]
async fn a_group_gives_so_many_roles_and_again() {
    let app = TestApp::new().await;
    let group = Directory::new(&app, "company").await.group(&app, "Staff", &[]).await;
    let mut roles = Vec::new();
    for n in 0..51 {
        let role = app.manage("POST", "/roles", json!({"name": format!("role {n}")})).await;
        roles.push(role["id"].as_str().unwrap().to_owned());
    }
    let path = format!("/groups/{group}/roles");
    let of_role = |role: &str| format!("/roles/{role}/groups");
    for (given, status) in [(&roles[..], 409), (&roles[..30], 204), (&roles[..50], 204), (&roles[..50], 204)]
    {
        app.api("POST", &path, json!({"roles": given})).await.expect(status);
    }
    app.api("POST", &path, json!({"roles": [roles[50]]})).await.expect(409);
    let twice = json!({"groups": [group, group]});
    app.api("POST", &of_role(&roles[50]), twice.clone()).await.expect(409);
    app.api("POST", &of_role(&roles[0]), twice.clone()).await.expect(204);
    app.api("DELETE", &of_role(&roles[0]), twice).await.expect(204);
    app.api("POST", &of_role(&roles[50]), json!({"groups": [group]})).await.expect(204);
}
