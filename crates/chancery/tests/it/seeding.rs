//! What a tenant begins with, on both engines.

use chancery::seed::{ADMIN, API_IDENTIFIER, JANE, SAM, Seed};
use chancery::{DEMO_TENANT, assemble};
use chancery_store::{Kind, Store};

use crate::harness::{databases, setup};

async fn permissions(store: &Store, email: &str) -> Vec<String> {
    let user = store.users_by_email(DEMO_TENANT, email).await.unwrap().remove(0);
    let access = store.access_of(DEMO_TENANT, &user.user_id).await.unwrap();
    assert_eq!(access.role_ids.len(), 1, "{email}");
    let role = store.doc(DEMO_TENANT, Kind::Role, &access.role_ids[0]).await.unwrap().unwrap();
    let role: chancery_core::model::Role = serde_json::from_str(&role.json).unwrap();
    role.permissions.into_iter().map(|permission| permission.permission_name).collect()
}

#[tokio::test]
async fn the_demo_tenant_is_complete() {
    for (database, _folder) in databases().await {
        let server = assemble(setup(&database, true, Seed::Demo)).await.unwrap();
        let tenant = server.app.catalog.snapshot(DEMO_TENANT).await.unwrap();
        let api = tenant.api(API_IDENTIFIER).unwrap();
        assert_eq!(api.live_scopes().collect::<Vec<_>>(), ["read:contacts", "delete:contacts"]);
        assert!(api.enforces_policies() && !api.skip_consent_for_verifiable_first_party_clients);
        assert!(api.allow_offline_access);
        assert_eq!(tenant.clients().count(), 7);
        assert!(tenant.client(&server.clients.spa.client_id).unwrap().is_public());
        let callbacks = tenant.client(&server.clients.spa.client_id).unwrap().callbacks.clone().unwrap();
        assert_eq!(
            callbacks[..4],
            [
                "http://localhost:4000/dev/callback",
                "https://localhost:4443/dev/callback",
                "http://localhost:4000/dashboard/playground/callback",
                "https://localhost:4443/dashboard/playground/callback",
            ]
        );
        assert_eq!(tenant.connections().count(), 1);
        assert_eq!(permissions(&server.app.store, JANE.email).await, ["read:contacts"]);
        assert_eq!(permissions(&server.app.store, SAM.email).await, ["read:contacts", "delete:contacts"]);
        let dashboard = tenant.client(chancery_core::dashboard::CLIENT_ID).unwrap();
        assert!(dashboard.is_public() && dashboard.is_first_party);
        let pages = ["http://localhost:4000/dashboard/", "https://localhost:4443/dashboard/"];
        assert_eq!(dashboard.callbacks.as_deref().unwrap(), pages);
        let all = tenant.api(chancery::seed::MANAGEMENT_IDENTIFIER).unwrap().live_scopes().count();
        assert_eq!(permissions(&server.app.store, ADMIN.email).await.len(), all);
        let keys = server.app.store.signing_keys(DEMO_TENANT).await.unwrap();
        assert_eq!(keys.len(), 6, "current and next of three families");
    }
}

#[tokio::test]
async fn a_fresh_tenant_holds_nothing_of_the_demo() {
    for (database, _folder) in databases().await {
        let server = assemble(setup(&database, true, Seed::Fresh)).await.unwrap();
        let tenant = server.app.catalog.snapshot(DEMO_TENANT).await.unwrap();
        assert_eq!(
            tenant.clients().count(),
            3,
            "all applications, the management one, and one to begin with"
        );
        assert_eq!(tenant.clients().filter(|client| client.global == Some(true)).count(), 1);
        assert_eq!(tenant.apis().count(), 1);
        assert!(tenant.apis().all(|api| api.is_system()));
        assert_eq!(tenant.roles().count(), 0);
        assert_eq!(server.app.store.users_count(DEMO_TENANT).await.unwrap(), 0);
        assert_eq!(tenant.settings.session_seconds(), 168 * 3600);
    }
}

/// Two processes may share a database: the second finds what the first made, also when both begin at once.
#[tokio::test]
async fn an_existing_tenant_is_not_seeded_again() {
    for (database, _folder) in databases().await {
        let first = assemble(setup(&database, true, Seed::Demo)).await.unwrap();
        let user = first.app.store.users_by_email(DEMO_TENANT, JANE.email).await.unwrap().remove(0);
        first.app.store.delete_user(DEMO_TENANT, &user.user_id).await.unwrap();
        let second = assemble(setup(&database, true, Seed::Demo)).await.unwrap();
        assert!(second.app.store.users_by_email(DEMO_TENANT, JANE.email).await.unwrap().is_empty());
    }
    for (database, _folder) in databases().await {
        chancery::open(&database, &[7; 32].into()).await.unwrap().close().await;
        let begin = || async { assemble(setup(&database, true, Seed::Demo)).await };
        let (one, other) = tokio::join!(begin(), begin());
        for server in [one.unwrap(), other.unwrap()] {
            assert_eq!(server.app.catalog.snapshot(DEMO_TENANT).await.unwrap().clients().count(), 7);
        }
    }
}

/// The keys that wait may come later, once.
#[tokio::test]
async fn keys_can_follow() {
    use chancery::seed::{FirstKeys, Seeding, demo_clients, management_scopes};
    use chancery_store::{KeyState, NextKeys};
    for (database, _folder) in databases().await {
        let store = chancery::open(&database, &[7; 32].into()).await.unwrap();
        let rng = chancery::rng::SystemRng::default();
        let seeding = Seeding {
            store: &store,
            rng: &rng,
            now_ms: 1_800_000_000_000,
            tenant: DEMO_TENANT,
            origins: &["http://localhost:4000".to_owned()],
            clients: &demo_clients(&[7; 32].into()),
            scopes: &management_scopes(),
        };
        let keys = crate::harness::keys();
        seeding.first(Seed::Demo, FirstKeys { current: &keys.current, next: None }).await.unwrap();
        let next = NextKeys { common_name: "localhost", now: 1_800_000_000, material: &keys.next };
        for _ in 0..2 {
            store.add_next_keys(DEMO_TENANT, next).await.unwrap();
            let states: Vec<_> =
                store.signing_keys(DEMO_TENANT).await.unwrap().iter().map(|k| k.state).collect();
            assert_eq!(states, [[KeyState::Current; 3], [KeyState::Next; 3]].concat());
        }
    }
}

#[tokio::test]
async fn a_second_process_adds_its_origins_and_dead_ones_go() {
    use chancery::dev::adopt;
    let (server, _folder) = crate::harness::dev().await;
    let store = &server.app.store;
    let listen = || {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", socket.local_addr().unwrap());
        (socket, origin)
    };
    let ((_listening, alive), (closing, dead)) = (listen(), listen());
    adopt(store, &[alive.clone(), dead.clone()], &server.clients).await.unwrap();
    drop(closing);
    let second = vec!["http://localhost:4100".to_owned()];
    adopt(store, &second, &server.clients).await.unwrap();
    let origins = store.tenants().await.unwrap().remove(0).origins;
    assert_eq!(origins[0], second[0], "its own come first");
    assert!(origins.contains(&alive), "somebody listens there: {origins:?}");
    assert!(!origins.contains(&dead), "nobody listens there: {origins:?}");
    let stored = store.doc(DEMO_TENANT, Kind::Client, &server.clients.spa.client_id).await.unwrap().unwrap();
    let spa: chancery_core::model::Client = serde_json::from_str(&stored.json).unwrap();
    let callbacks = spa.callbacks.unwrap();
    assert!(callbacks.contains(&"http://localhost:4100/dev/callback".to_owned()), "{callbacks:?}");
    assert!(callbacks.contains(&"http://localhost:3000/callback".to_owned()), "{callbacks:?}");
    assert!(callbacks.contains(&format!("{alive}/dev/callback")), "{callbacks:?}");
    assert!(!callbacks.contains(&format!("{dead}/dev/callback")), "{callbacks:?}");
    let playground = "http://localhost:4100/dashboard/playground/callback".to_owned();
    assert!(callbacks.contains(&playground), "{callbacks:?}");
    assert!(spa.web_origins.unwrap().contains(&"http://localhost:4100".to_owned()));
    // Another process, which knew of neither, wrote last.
    store.set_origins(DEMO_TENANT, &["http://localhost:4200".to_owned()]).await.unwrap();
    server.app.catalog.sync().await.unwrap();
    let app = std::sync::Arc::clone(&server.app);
    let keeping = tokio::spawn(chancery::dev::keep_adopted(app, second.clone(), server.clients.clone()));
    let has_it = async || store.tenants().await.unwrap()[0].origins.contains(&second[0]);
    while !has_it().await {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    keeping.abort();
    let stored = store.doc(DEMO_TENANT, Kind::Client, &server.clients.spa.client_id).await.unwrap().unwrap();
    // Nothing is written where nothing changes.
    let rev = stored.rev;
    adopt(store, &second, &server.clients).await.unwrap();
    let again = store.doc(DEMO_TENANT, Kind::Client, &server.clients.spa.client_id).await.unwrap().unwrap();
    assert_eq!(again.rev, rev);
}
