use chancery_db::Migration;
use chancery_store::{Batch, Catalog, Change, Error, Kind, NextKeys, Standing, Store};
use serde_json::{Value, json};

use crate::fixture::{Fixture, NOW, TENANT, empty_engines, engines, handle, material, rows, second};

#[tokio::test]
async fn forward_once_whoever_begins() {
    for f in empty_engines().await {
        let other = second(&f).await;
        let (one, two) = tokio::join!(f.store.migrate(), other.migrate());
        one.unwrap();
        two.unwrap();
        assert_eq!(f.store.schema_version().await.unwrap(), Store::known_schema_version(), "{}", f.engine);
        f.store.migrate().await.unwrap();
        f.store.ping().await.unwrap();
        other.close().await;
        assert!(other.ping().await.is_err());
        f.store.ping().await.expect("the first one is open still");
    }
}

#[tokio::test]
async fn a_newer_database_is_refused_in_one_sentence() {
    for f in empty_engines().await {
        f.store.migrate().await.unwrap();
        let later = "INSERT INTO schema_version (number, name) VALUES (999, 'later')";
        f.store.commit(Batch::default().run(later, Vec::new())).await.unwrap();
        assert!(f.store.check_newer().await.is_err(), "{}", f.engine);
        let error = f.store.migrate().await.unwrap_err().to_string();
        assert!(error.contains("999") && error.contains("newer"), "{}: {error}", f.engine);
        let addition = "INSERT INTO schema_additions (number) VALUES (999)";
        f.store.commit(Batch::default().run(addition, Vec::new())).await.unwrap();
        f.store.migrate().await.expect("whatever was added, nothing is missing");
        f.store.check_newer().await.expect("nor for a backup");
    }
}

#[tokio::test]
async fn a_backup_is_a_database() {
    let f = crate::fixture::engines().await.remove(0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.db");
    f.store.backup(&path).await.unwrap();
    let url = format!("sqlite:{}", path.display());
    let copy = Store::open(&url, chancery_store::Options::new([0; 32])).await.unwrap();
    assert_eq!(copy.tenants().await.unwrap().len(), 1);
    assert!(f.store.backup(&path).await.is_err(), "it does not overwrite");
}

/// Before schema 2 the secrets of HS256 APIs lay in their documents as they are.
#[tokio::test]
async fn plain_signing_secrets_are_sealed_and_forgotten() {
    const SECRET: &str = "kept-in-plain-text-by-the-first-release";
    for f in engines().await {
        let (one, two) = (material(), material());
        let next = NextKeys { common_name: "one.example", now: NOW, material: &two };
        f.store.create_initial_keys(TENANT, &one, next).await.unwrap();
        // Long enough that a part of it lies on a page of its own.
        let api = json!({
            "id": "h", "identifier": "https://h", "signing_alg": "HS256", "signing_secret": SECRET,
            "name": "x".repeat(20_000),
        });
        let other = json!({"id": "o", "identifier": "https://o", "name": "what \"signing_secret\" means"});
        let change = Change::new(TENANT).insert(Kind::Api, "h", Some("https://h"), api.to_string()).insert(
            Kind::Api,
            "o",
            Some("https://o"),
            other.to_string(),
        );
        f.store.apply(change).await.unwrap();
        assert!(bytes(&f).await.contains(SECRET), "{}: the test looks in the right place", f.engine);

        let wrong = Store::open(&f.url, chancery_store::Options::new([1; 32])).await.unwrap();
        assert!(matches!(wrong.seal_plain_secrets().await, Err(Error::Corrupt(_))), "{}", f.engine);
        wrong.close().await;
        assert_eq!(f.store.seal_plain_secrets().await.unwrap(), 1, "{}", f.engine);
        assert_eq!(f.store.seal_plain_secrets().await.unwrap(), 0, "{}", f.engine);
        assert!(!bytes(&f).await.contains(SECRET), "{}", f.engine);

        let stored = f.store.doc_by_uniq(TENANT, Kind::Api, "https://h").await.unwrap().unwrap();
        let stored: Value = serde_json::from_str(&stored.json).unwrap();
        let sealed = stored["sealed_signing_secret"].as_str().unwrap();
        assert_eq!(f.store.open_api_secret(TENANT, "h", sealed).unwrap().as_str(), SECRET);
        assert!(f.store.open_api_secret(TENANT, "o", sealed).is_err(), "a seal is good in its place alone");
        let untouched = f.store.doc(TENANT, Kind::Api, "o").await.unwrap().unwrap();
        assert_eq!((untouched.json, untouched.rev), (other.to_string(), 1));
        let snapshot = Catalog::new(f.store.clone()).snapshot(TENANT).await.unwrap();
        assert!(snapshot.api("https://h").is_some(), "{}: it issues tokens again", f.engine);
    }
}

/// Before schema 4 each exchange of a rotating token made a new row.
#[tokio::test]
async fn tokens_of_before_the_chains_go_on() {
    let step = |number, sql| Migration { number, name: "before", sql };
    let before = [
        step(1, include_str!("../../migrations/0001_initial.sql")),
        step(2, include_str!("../../migrations/0002_sealed_signing_secrets.sql")),
        step(3, include_str!("../../migrations/0003_log_blocks.sql")),
    ];
    for f in empty_engines().await {
        f.store.db().migrate(&before).await.unwrap();
        let (spent, live) = (handle(), handle());
        let batch = [(&spent, Some(NOW)), (&live, None)].into_iter().fold(
            Batch::default(),
            |batch, (held, rotated_at)| {
                let doc = json!({
                    "id": held.id, "rotating": true, "family_created_at": NOW - 50, "created_at": NOW,
                    "authorization": {"id": "a", "client_id": "app", "user_id": "u"},
                });
                batch.run(
                    "INSERT INTO refresh_tokens (tenant, id, digest, authorization_id, user_id, client_id, \
                     audience, rotating, created_at, ends_at, rotated_at, doc) \
                     VALUES ($1, $2, $3, 'a', 'u', 'app', '', $4, $5, $6, $7, $8)",
                    vec![
                        TENANT.into(),
                        held.id.as_str().into(),
                        held.digest().into(),
                        true.into(),
                        NOW.into(),
                        (NOW + 1).into(),
                        rotated_at.into(),
                        doc.to_string().into(),
                    ],
                )
            },
        );
        f.store.commit(batch).await.unwrap();
        f.store.migrate().await.unwrap();
        let found = f.store.refresh_token(TENANT, &live).await.unwrap().unwrap();
        assert_eq!((found.standing, found.record.created_at), (Standing::Current, NOW - 50), "{}", f.engine);
        assert!(found.record.rotating);
        assert!(f.store.refresh_token(TENANT, &spent).await.unwrap().is_none());
        f.store.commit(f.store.revoke_family(TENANT, "a")).await.unwrap();
        assert_eq!(rows(&f.store, "refresh_tokens", TENANT).await, 0);
    }
}

/// What a thief of the database has: the files of SQLite, the rows of PostgreSQL.
async fn bytes(f: &Fixture) -> String {
    let Some(path) = f.url.strip_prefix("sqlite:") else {
        let all = f.store.docs_all(TENANT, Kind::Api).await.unwrap();
        return all.into_iter().map(|doc| doc.json).collect();
    };
    let read = |end| std::fs::read(format!("{path}{end}")).unwrap_or_default();
    String::from_utf8_lossy(&[read(""), read("-wal")].concat()).into_owned()
}
