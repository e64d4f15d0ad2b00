//! Sets of changes that want more than one may have.

use serde_json::{Value, json};

use crate::support::*;

fn connection(number: usize, options: &Value) -> Value {
    json!({"operation": "post_connections", "body": {
        "name": format!("c{number}"), "strategy": "auth0", "options": options}})
}

fn nested(levels: usize, inner: Value) -> Value {
    (0..levels).fold(inner, |inner, _| json!({"n": inner}))
}

#[tokio::test]
async fn what_is_taken_over_does_not_grow() {
    let app = TestApp::new().await;
    let revision = app.revision().await;
    let deeper = (1..40).map(|n| connection(n, &nested(50, json!({"$result": [n - 1, "options"]}))));
    let wider = (1..8).map(|n| {
        let tenfold = (0..10).map(|member| (format!("m{member}"), json!({"$result": [n - 1, "options"]})));
        connection(n, &Value::Object(tenfold.collect()))
    });
    let first = || std::iter::once(connection(0, &json!({"a": 1})));
    for operations in [first().chain(deeper).collect::<Vec<_>>(), first().chain(wider).collect()] {
        for which in ["plan", "apply"] {
            let answer = app.set(which, &json!({"revision": revision, "operations": operations})).await;
            answer.is_problem(
                400,
                Some("invalid_body"),
                "Payload validation error: '$result [0, \"options\"] is no text, number or boolean' on property body.",
            );
            assert_eq!(answer.json()["operation"], 1);
        }
    }
    assert_eq!(app.revision().await, revision, "nothing was done");

    // Nor by a path.
    let by_path = json!([connection(0, &json!({})), {"operation": "get_connections_by_id",
        "path": {"id": {"$result": [0, "options"]}}}]);
    app.set("plan", &json!({"operations": by_path})).await.expect(400);
}

#[tokio::test]
async fn what_was_applied_is_read_and_removed() {
    let app = TestApp::new().await;
    let revision = app.revision().await;
    let deep = |levels: usize| json!([connection(0, &nested(levels, json!(1)))]);
    for which in ["plan", "apply"] {
        let answer = app.set(which, &json!({"revision": revision, "operations": deep(64)})).await;
        answer.is_problem(
            400,
            Some("invalid_body"),
            "Payload validation error: 'Nested deeper than 64 levels' on property body.",
        );
    }
    // The deepest there may be.
    let applied = app.set("apply", &json!({"revision": revision, "operations": deep(63)})).await;
    let id = applied.expect(200).json()["operations"][0]["body"]["id"].as_str().unwrap().to_owned();
    let path = format!("/connections/{id}");
    assert_eq!(app.manage("GET", &path, Value::Null).await["options"]["n"], nested(62, json!(1)));
    assert!(app.names("/connections").await.contains(&"c0".to_owned()));
    let planned = app.plan(json!([{"operation": "delete_connections_by_id", "path": {"id": id}}])).await;
    assert_eq!(planned["effects"][0]["effect"], "connection_deleted");
    app.api("DELETE", &path, Value::Null).await.expect(202);
}
