//! What runs beside the requests has its effect once, however many nodes there are. (Redemptions of one code and of one refresh
//! token by a hundred hands over three nodes are security case 8.)

use chancery_db::{Batch, params};
use chancery_store::Swept;
use serde_json::{Value, json};

use super::three;
use crate::support::{CONNECTION, Call, TENANT, TestApp, engines, until};

const ENDED: i64 = 5_000;

/// Nodes that sweep at the same moment neither stop one another nor take what is still good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sweeps_at_the_same_moment() {
    for app in engines().await {
        let nodes = three(app).await;
        let now = chancery_core::Clock::now(&*nodes[0].clock);
        let rows = (0..ENDED).map(|n| (format!("ended {n}"), now - 1)).chain([("good".to_owned(), now + 60)]);
        let batch = rows.fold(Batch::default(), |batch, (digest, ends_at)| {
            let sql = "INSERT INTO assertions (tenant, digest, ends_at) VALUES ($1, $2, $3)";
            batch.run(sql, params![TENANT, digest.into_bytes(), ends_at])
        });
        nodes[0].app.store.commit(batch).await.unwrap();
        let sweep = async |node: &TestApp| {
            let mut rounds = 0;
            while node.app.store.sweep(now, 0).await.unwrap() == Swept::Partly {
                rounds += 1;
                assert!(rounds < 1000, "no end of sweeping");
            }
        };
        tokio::join!(sweep(&nodes[0]), sweep(&nodes[1]), sweep(&nodes[2]));
        let left = nodes[1].app.store.db().query::<i64>("SELECT COUNT(*) FROM assertions", params![]);
        assert_eq!(left.await.unwrap(), [1]);
    }
}

/// Begun at one node, looked at from the second, fetched from the third.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imports_and_exports() {
    for app in engines().await {
        let [a, b, c] = three(app).await;
        let connection = a.manage("GET", &format!("/connections?name={CONNECTION}"), Value::Null).await;
        let connection = connection[0]["id"].as_str().unwrap().to_owned();
        let users: Vec<Value> =
            (0..20).map(|n| json!({"email": format!("imported-{n}@example.com")})).collect();
        let body = json!({"connection_id": connection, "users": Value::Array(users).to_string()});
        let begun = a.manage("POST", "/jobs/users-imports", body).await;
        assert!(begun.get("alive_ms").is_none());
        let job = format!("/jobs/{}", begun["id"].as_str().unwrap());
        let is_done = || async { b.manage("GET", &job, Value::Null).await["status"] == "completed" };
        until(std::time::Duration::from_secs(60), is_done).await;
        let job = c.manage("GET", &job, Value::Null).await;
        assert_eq!(job["summary"], json!({"failed": 0, "updated": 0, "inserted": 20, "total": 20}));

        let begun = b.manage("POST", "/jobs/users-exports", json!({"format": "json"})).await;
        let job = c.manage("GET", &format!("/jobs/{}", begun["id"].as_str().unwrap()), Value::Null).await;
        let location =
            job["location"].as_str().unwrap().trim_start_matches("https://auth.example").to_owned();
        let file = a.get(&location).await.expect(200).body;
        assert_eq!(file.matches("\"email\":\"imported-7@example.com\"").count(), 1, "{file}");
    }
}

/// A node that died in the middle of an import says nothing more about it: the others do.
#[tokio::test]
async fn an_import_ends_with_its_node() {
    let app = TestApp::new().await;
    let now = chancery_core::Clock::now_ms(&*app.clock);
    let at = |beat: i64| {
        json!({"type": "users_import", "status": "pending", "id": "job_x", "created_at": "2026-08-01T12:00:00.000Z",
            "connection_id": "con_x", "connection": "x", "alive_ms": beat})
    };
    app.app.store.insert_job(TENANT, "job_x", &at(now - 1000).to_string(), now).await.unwrap();
    assert_eq!(app.manage("GET", "/jobs/job_x", Value::Null).await["status"], "pending");
    app.clock.advance(90);
    let ended = app.manage("GET", "/jobs/job_x", Value::Null).await;
    assert_eq!(ended["status"], "failed");
    assert!(ended.get("alive_ms").is_none());
}

/// Two administrators at two nodes: one rotation, and the other one is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_rotate_once() {
    for app in engines().await {
        let [a, b, _] = three(app).await;
        let tokens = [a.management_token().await, b.management_token().await];
        let rotate = async |node: &TestApp, token: &str| {
            node.send(Call::post("/api/v2/keys/signing/rotate").bearer(token)).await.status.as_u16()
        };
        let mut answers = <[u16; 2]>::from(tokio::join!(rotate(&a, &tokens[0]), rotate(&b, &tokens[1])));
        answers.sort_unstable();
        // One after the other is right as well.
        assert!(matches!(answers, [201, 409] | [201, 201]), "{answers:?}");
        let states: Vec<_> = a
            .app
            .store
            .signing_keys(TENANT)
            .await
            .unwrap()
            .into_iter()
            .map(|key| (key.family, key.state))
            .collect();
        for family in chancery_store::Family::ALL {
            for state in [chancery_store::KeyState::Current, chancery_store::KeyState::Next] {
                assert_eq!(states.iter().filter(|seen| **seen == (family, state)).count(), 1, "{states:?}");
            }
        }
    }
}
