use std::sync::Arc;

use chancery_core::model::SubjectType;
use chancery_jose::{Algorithm, Typ, VerifyingKey};
use chancery_store::{Catalog, Change, Error, Kind, NextKeys, Origin, Snapshot, Store, Tenant};
use serde_json::{Value, json};

use crate::fixture::{Fixture, NOW, TENANT, engines, material, second, shown};

async fn with_keys() -> Vec<Fixture> {
    let (one, two) = (material(), material());
    let all = engines().await;
    for f in &all {
        let next = NextKeys { common_name: "one.example", now: NOW, material: &two };
        f.store.create_initial_keys(TENANT, &one, next).await.unwrap();
    }
    all
}

async fn put(store: &Store, kind: Kind, id: &str, doc: Value) {
    let change = match store.doc(TENANT, kind, id).await.unwrap() {
        Some(old) => Change::new(TENANT).update(kind, id, None, doc.to_string(), old.rev),
        None => Change::new(TENANT).insert(kind, id, None, doc.to_string()),
    };
    store.apply(change).await.unwrap();
}

async fn loaded(store: &Store) -> (Catalog, Arc<Snapshot>) {
    let catalog = Catalog::new(store.clone());
    let snapshot = catalog.snapshot(TENANT).await.unwrap();
    (catalog, snapshot)
}

#[tokio::test]
async fn a_host_leads_to_its_tenant() {
    for f in engines().await {
        let catalog = Catalog::new(f.store.clone());
        assert!(catalog.tenant_by_host("one.example").is_none(), "nothing is known before the first sync");
        catalog.sync().await.unwrap();
        let found = catalog.tenant_by_host("one.example").unwrap();
        assert_eq!((found.id.as_str(), found.origin.issuer.as_str()), (TENANT, "https://one.example/"));
        assert!(catalog.tenant_by_host("one.example:443").is_some());
        for other in ["two.example", "one.example:80", "evil.one.example", "one.example.evil", ""] {
            assert!(catalog.tenant_by_host(other).is_none(), "{other}");
        }

        // Another process adds a tenant and moves this one.
        let other = second(&f).await;
        let origins = vec!["http://two.example:4000".to_owned(), "https://two.example:4443".to_owned()];
        other.create_tenant(&Tenant { id: "t2".to_owned(), origins }).await.unwrap();
        other.set_origins(TENANT, &["https://moved.example".to_owned()]).await.unwrap();
        catalog.sync().await.unwrap();
        assert!(catalog.tenant_by_host("one.example").is_none(), "{}", f.engine);
        assert_eq!(catalog.tenant_by_host("moved.example").unwrap().id, TENANT);
        let plain = catalog.tenant_by_host("two.example:4000").unwrap();
        let secure = catalog.tenant_by_host("two.example:4443").unwrap();
        assert_eq!((plain.id.as_str(), plain.origin.secure), ("t2", false));
        assert_eq!((secure.id.as_str(), secure.origin.secure), ("t2", true));
        assert!(matches!(catalog.snapshot("none").await, Err(Error::Guard)));
    }
}

#[tokio::test]
async fn another_process_write_is_seen_after_sync() {
    for f in with_keys().await {
        let (catalog, before) = loaded(&f.store).await;
        let other = second(&f).await;
        put(&other, Kind::Role, "rol_1", json!({"id": "rol_1", "name": "Reader"})).await;
        assert!(catalog.cached(TENANT).unwrap().role("rol_1").is_none());
        catalog.sync().await.unwrap();
        let after = catalog.cached(TENANT).unwrap();
        assert_eq!(after.role("rol_1").unwrap().name, "Reader", "{}", f.engine);
        assert_eq!(after.rev, other.config_rev(TENANT).await.unwrap());
        assert!(before.role("rol_1").is_none(), "who holds a snapshot sees nothing change");
        assert!(Arc::ptr_eq(&before.keys, &after.keys), "what did not change is shared");

        put(&other, Kind::Role, "rol_1", json!({"id": "rol_1", "name": "Admin"})).await;
        other
            .apply(Change::new(TENANT).insert(Kind::Role, "rol_2", None, r#"{"id":"rol_2","name":"x"}"#))
            .await
            .unwrap();
        other.apply(Change::new(TENANT).delete(Kind::Role, "rol_2")).await.unwrap();
        catalog.sync().await.unwrap();
        let last = catalog.cached(TENANT).unwrap();
        assert_eq!(last.role("rol_1").unwrap().name, "Admin");
        assert_eq!(last.roles().count(), 1);
        let same = catalog.cached(TENANT).unwrap();
        catalog.sync().await.unwrap();
        assert!(Arc::ptr_eq(&same, &catalog.cached(TENANT).unwrap()), "no news, no new snapshot");
    }
}

#[tokio::test]
async fn a_snapshot_that_follows_equals_one_read_at_once() {
    for f in with_keys().await {
        let (catalog, _) = loaded(&f.store).await;
        for n in 0..6 {
            let id = format!("rol_{n}");
            put(&f.store, Kind::Role, &id, json!({"id": id, "name": n.to_string()})).await;
            put(&f.store, Kind::Branding, "b", json!({"n": n})).await;
            put(&f.store, Kind::Settings, "settings", json!({"friendly_name": n.to_string()})).await;
            if n % 2 == 0 {
                f.store.apply(Change::new(TENANT).delete(Kind::Role, "rol_1")).await.unwrap();
            }
            catalog.sync().await.unwrap();
            let followed = catalog.cached(TENANT).unwrap();
            let (_, read) = loaded(&f.store).await;
            let names = |s: &Snapshot| {
                let mut all: Vec<_> = s.roles().map(|r| r.name.clone()).collect();
                all.sort();
                all
            };
            assert_eq!(names(&followed), names(&read), "{} {n}", f.engine);
            assert_eq!(followed.settings, read.settings);
            assert_eq!(followed.settings.friendly_name, Some(n.to_string()));
            assert_eq!(followed.document(Kind::Branding, "b"), read.document(Kind::Branding, "b"));
            assert_eq!(followed.jwks(), read.jwks());
            assert_eq!(followed.rev, read.rev);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_tenant_is_read_once_however_many_ask() {
    for f in with_keys().await {
        let catalog = Arc::new(Catalog::new(f.store.clone()));
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let catalog = Arc::clone(&catalog);
                tokio::spawn(async move { catalog.snapshot(TENANT).await.unwrap() })
            })
            .collect();
        let first = catalog.snapshot(TENANT).await.unwrap();
        for task in tasks {
            assert!(Arc::ptr_eq(&first, &task.await.unwrap()), "{}", f.engine);
        }
    }
}

#[tokio::test]
async fn apis_sign_with_their_algorithm_and_follow_the_keys() {
    for f in with_keys().await {
        let api = |id: &str, alg: &str| json!({"id": id, "identifier": format!("https://{id}"), "signing_alg": alg});
        for alg in ["RS256", "RS512", "PS256", "ES256", "EdDSA"] {
            put(&f.store, Kind::Api, alg, api(alg, alg)).await;
        }
        let mut secret = api("HS256", "HS256");
        let sealed = f.store.seal_api_secret(TENANT, "HS256", "a secret of sixteen").unwrap();
        secret["sealed_signing_secret"] = json!(sealed);
        put(&f.store, Kind::Api, "HS256", secret).await;
        put(&f.store, Kind::Api, "broken", api("broken", "HS256")).await;
        put(&f.store, Kind::Api, "unreadable", json!({"id": 7})).await;
        let (catalog, snapshot) = loaded(&f.store).await;
        assert_eq!(snapshot.apis().count(), 6, "{}: those without a key are left out", f.engine);
        for alg in ["RS256", "RS512", "PS256", "ES256", "EdDSA", "HS256"] {
            let found = snapshot.api(&format!("https://{alg}")).unwrap();
            assert_eq!(found.signer.algorithm().as_str(), alg);
            assert!(Arc::ptr_eq(found, snapshot.api_by_id(alg).unwrap()));
        }
        assert_eq!(snapshot.api("https://HS256").unwrap().signer.kid(), None);

        let three = material();
        let next = NextKeys { common_name: "one.example", now: NOW + 1, material: &three };
        f.store.rotate_keys(TENANT, next, None).await.unwrap();
        catalog.sync().await.unwrap();
        let after = catalog.cached(TENANT).unwrap();
        let kid = |s: &Snapshot| s.api("https://PS256").unwrap().signer.kid().map(str::to_owned);
        assert_ne!(kid(&snapshot), kid(&after));
        let plain = after.keys.current(Algorithm::RS256).unwrap().kid().unwrap();
        assert_eq!(kid(&after).unwrap(), format!("{plain}-PS256"));
        assert!(
            shown(&after).contains(&kid(&after).unwrap()),
            "{}: published, since an API needs it",
            f.engine
        );
    }
}

#[tokio::test]
async fn the_servers_own_apis_go_by_the_origin() {
    for f in with_keys().await {
        put(&f.store, Kind::Api, "m", json!({"id": "m", "identifier": "/api/v2/", "is_system": true})).await;
        put(&f.store, Kind::Api, "c", json!({"id": "c", "identifier": "https://contacts.example/api"})).await;
        put(&f.store, Kind::Api, "s", json!({"id": "s", "identifier": "https://one.example/mine"})).await;
        put(&f.store, Kind::Api, "p", json!({"id": "p", "identifier": "/path"})).await;
        let (_, snapshot) = loaded(&f.store).await;
        let origin = Origin::parse("https://one.example").unwrap();
        let found = |audience: &str| snapshot.resolve_api(&origin, audience).map(|api| api.id.clone());
        assert_eq!(found("https://one.example/api/v2/").as_deref(), Some("m"), "{}", f.engine);
        assert_eq!(found("https://contacts.example/api").as_deref(), Some("c"));
        assert_eq!(found("https://one.example/mine").as_deref(), Some("s"), "a user's API at our own origin");
        for none in [
            "/api/v2/",
            "https://one.example/api/v2",
            "https://two.example/api/v2/",
            "https://one.example/path",
            "/path",
            "",
        ] {
            assert_eq!(found(none), None, "{none}");
        }
        let absolute = origin.absolute(&snapshot.api("/api/v2/").unwrap().identifier).into_owned();
        assert_eq!(absolute, origin.management_audience);
    }
}

#[tokio::test]
async fn clients_are_made_ready() {
    for f in with_keys().await {
        let key = chancery_jose::generate_es256().unwrap();
        let key = chancery_jose::SigningKey::from_pkcs8(Algorithm::ES256, "k", &key).unwrap();
        let pem = chancery_jose::pem("PUBLIC KEY", &key.public_key_der().unwrap());
        let secret = f.store.seal_client_secret(TENANT, "app", "s3cret").unwrap();
        let credentials = json!({"private_key_jwt": {"credentials": [
            {"id": "cred_1", "pem": pem, "alg": "ES256", "kid": "k", "expires_at": "2027-01-15T08:00:00.000Z"},
            {"id": "cred_2", "pem": "nonsense", "alg": "ES256"},
            {"id": "cred_3", "pem": pem, "alg": "none"},
        ]}});
        put(
            &f.store,
            Kind::Client,
            "app",
            json!({
                "client_id": "app", "name": "App", "secret": secret,
                "token_endpoint_auth_method": "client_secret_post",
                "jwt_configuration": {"alg": "HS256"},
                "client_authentication_methods": credentials,
            }),
        )
        .await;
        put(&f.store, Kind::Client, "spa", json!({"client_id": "spa", "token_endpoint_auth_method": "none"}))
            .await;
        let stolen = json!({"client_id": "thief", "secret": secret, "token_endpoint_auth_method": "client_secret_post"});
        put(&f.store, Kind::Client, "thief", stolen).await;
        let (_, snapshot) = loaded(&f.store).await;
        let app = snapshot.client("app").unwrap();
        assert_eq!(app.name, "App", "{}", f.engine);
        assert_eq!(app.secret_digest, Some(chancery_jose::sha256(b"s3cret")));
        let keys: Vec<_> = app.assertion_keys.iter().map(|k| (k.id.as_str(), k.alg, k.expires_at)).collect();
        assert_eq!(keys, [("cred_1", Some(Algorithm::ES256), Some(NOW))], "unfit ones are left out");
        let token = app.id_token_signer.as_ref().unwrap().sign(Typ::Jwt, b"{}").unwrap();
        let verifier = VerifyingKey::from_secret(b"s3cret").unwrap();
        chancery_jose::Unverified::parse(&token).unwrap().verify(&verifier, &[Algorithm::HS256]).unwrap();
        let spa = snapshot.client("spa").unwrap();
        assert!(spa.id_token_signer.is_none() && spa.secret_digest.is_none());
        assert!(snapshot.client("thief").is_none(), "a seal copied to another application does not open");
        let plain = f.store.open_client_secret(TENANT, "app", &secret).unwrap();
        assert_eq!(plain.as_str(), "s3cret");
    }
}

#[tokio::test]
async fn grants_and_connections_are_found_by_what_requests_name() {
    for f in with_keys().await {
        let grant = |id: &str, client: &str, subject: &str| json!({"id": id, "client_id": client, "audience": "api", "scope": ["a"], "subject_type": subject});
        put(&f.store, Kind::ClientGrant, "g1", grant("g1", "app", "client")).await;
        put(&f.store, Kind::ClientGrant, "g2", grant("g2", "app", "user")).await;
        let general = json!({"id": "g3", "default_for": "third_party_clients", "audience": "api", "subject_type": "user"});
        put(&f.store, Kind::ClientGrant, "g3", general).await;
        let connection = json!({"id": "con_1", "name": "db", "strategy": "auth0", "realms": ["people"]});
        put(&f.store, Kind::Connection, "con_1", connection).await;
        let (catalog, s) = loaded(&f.store).await;
        let id =
            |client: &str, api: &str, subject| s.client_grant(client, api, subject).map(|g| g.id.clone());
        assert_eq!(id("app", "api", SubjectType::Client).as_deref(), Some("g1"), "{}", f.engine);
        assert_eq!(id("app", "api", SubjectType::User).as_deref(), Some("g2"));
        assert_eq!(id("app", "other", SubjectType::User), None);
        assert_eq!(id("other", "api", SubjectType::User), None);
        assert_eq!(s.default_client_grant("api", SubjectType::User).unwrap().id, "g3");
        assert!(s.default_client_grant("api", SubjectType::Client).is_none());
        assert_eq!(s.client_grants().count(), 3);
        assert_eq!(s.connection_by_name("db").unwrap().id, "con_1");
        assert_eq!(s.connection_by_name("people").unwrap().id, "con_1");
        assert!(s.connection_by_name("con_1").is_none());

        f.store.apply(Change::new(TENANT).delete(Kind::ClientGrant, "g1")).await.unwrap();
        catalog.sync().await.unwrap();
        let after = catalog.cached(TENANT).unwrap();
        assert!(after.client_grant("app", "api", SubjectType::Client).is_none());
    }
}

/// Names are kept beside the documents, change by change: none may stay behind, and none may go with another's document.
#[tokio::test]
async fn names_follow_their_documents() {
    for f in with_keys().await {
        let api = |id: &str, identifier: &str| json!({"id": id, "identifier": identifier});
        let realm =
            |id: &str, realms: &[&str]| json!({"id": id, "name": id, "strategy": "auth0", "realms": realms});
        let stands = |id: &str, api: &str| json!({"client_id": id, "resource_server_identifier": api});
        put(&f.store, Kind::Api, "a", api("a", "https://x")).await;
        put(&f.store, Kind::Connection, "con_1", realm("con_1", &["people", "staff"])).await;
        put(&f.store, Kind::Connection, "con_2", realm("con_2", &["people"])).await;
        put(&f.store, Kind::Client, "c2", stands("c2", "https://x")).await;
        put(&f.store, Kind::Client, "c1", stands("c1", "https://x")).await;
        let (catalog, s) = loaded(&f.store).await;
        assert_eq!(s.client_of_api("https://x").unwrap().client_id, "c1", "{}: the first by id", f.engine);
        assert_eq!(s.connection_by_name("people").unwrap().id, "con_1");

        // In one step: the name goes to another API, the first connection leaves a realm, an application stands for nothing.
        put(&f.store, Kind::Api, "a", api("a", "https://y")).await;
        put(&f.store, Kind::Api, "0", api("0", "https://x")).await;
        put(&f.store, Kind::Connection, "con_1", realm("con_1", &["staff"])).await;
        put(&f.store, Kind::Client, "c1", json!({"client_id": "c1"})).await;
        catalog.sync().await.unwrap();
        let s = catalog.cached(TENANT).unwrap();
        assert_eq!(s.api("https://x").unwrap().id, "0");
        assert_eq!(s.api("https://y").unwrap().id, "a");
        assert_eq!(s.connection_by_name("people").unwrap().id, "con_2");
        assert_eq!(s.connection_by_name("staff").unwrap().id, "con_1");
        assert_eq!(s.client_of_api("https://x").unwrap().client_id, "c2");

        f.store.apply(Change::new(TENANT).delete(Kind::Api, "0")).await.unwrap();
        f.store.apply(Change::new(TENANT).delete(Kind::Client, "c2")).await.unwrap();
        f.store.apply(Change::new(TENANT).delete(Kind::Connection, "con_1")).await.unwrap();
        catalog.sync().await.unwrap();
        let s = catalog.cached(TENANT).unwrap();
        assert!(s.api("https://x").is_none() && s.api_by_id("0").is_none() && s.api_document("0").is_none());
        assert!(s.client_of_api("https://x").is_none() && s.connection_by_name("staff").is_none());
        let after: Vec<_> = s.connections_after("con_1").map(|c| c.id.as_str()).collect();
        assert_eq!(after, ["con_2"]);
    }
}

/// As many as wait look once, and each sees what it wrote.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everybody_sees_what_they_wrote() {
    for f in with_keys().await {
        let catalog = Arc::new(Catalog::new(f.store.clone()));
        catalog.snapshot(TENANT).await.unwrap();
        let tasks: Vec<_> = (0..64)
            .map(|number| {
                let catalog = Arc::clone(&catalog);
                tokio::spawn(async move {
                    let id = format!("rol_{number}");
                    let json = json!({"id": id, "name": id}).to_string();
                    let change = Change::new(TENANT).insert(Kind::Role, &id, None, json);
                    let rev = catalog.apply(change).await.unwrap();
                    let seen = catalog.cached(TENANT).unwrap();
                    assert!(seen.role(&id).is_some() && seen.rev >= rev);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(catalog.cached(TENANT).unwrap().roles().count(), 64, "{}", f.engine);
    }
}

#[tokio::test]
async fn the_flag_takes_alg_out_of_the_key_set() {
    for f in with_keys().await {
        let (catalog, snapshot) = loaded(&f.store).await;
        assert!(shown(&snapshot).contains("\"alg\""));
        put(&f.store, Kind::Settings, "settings", json!({"flags": {"remove_alg_from_jwks": true}})).await;
        catalog.sync().await.unwrap();
        assert!(!shown(&catalog.cached(TENANT).unwrap()).contains("\"alg\""), "{}", f.engine);
    }
}
