use chancery_jose::{Algorithm, Typ, Unverified};
use chancery_store::{
    Catalog, Error, Family, KeyState, NextKeys, Options, Published, RequestKeyMaterial, Store,
};
use serde_json::Value;

use crate::fixture::{MASTER_KEY, NOW, RNG, TENANT, engines, material, shown};

fn next(material: &chancery_store::KeyMaterial, now: i64) -> NextKeys<'_> {
    NextKeys { common_name: "one.example", now, material }
}

async fn states(store: &Store, family: Family) -> Vec<(KeyState, String)> {
    let keys = store.signing_keys(TENANT).await.unwrap();
    keys.into_iter().filter(|k| k.family == family).map(|k| (k.state, k.kid)).collect()
}

#[tokio::test]
async fn they_sign_rotate_and_are_revoked() {
    let sets = [material(), material(), material(), material(), material()];
    for f in engines().await {
        let store = &f.store;
        store.create_initial_keys(TENANT, &sets[0], next(&sets[1], NOW)).await.unwrap();
        let again = store.create_initial_keys(TENANT, &sets[2], next(&sets[3], NOW)).await;
        assert!(matches!(again, Err(Error::Conflict)), "{}: one current key each", f.engine);
        let catalog = Catalog::new(store.clone());
        let snapshot = catalog.snapshot(TENANT).await.unwrap();
        for algorithm in
            [Algorithm::RS256, Algorithm::RS512, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA]
        {
            let key = snapshot.keys.current(algorithm).unwrap();
            let token = key.sign(Typ::Jwt, b"{}").unwrap();
            let kid = key.kid().unwrap();
            // An RSA key has a name of its own for what its `alg` does not say.
            let is_further = matches!(algorithm, Algorithm::RS512 | Algorithm::PS256);
            assert_eq!(
                (kid.len(), kid.ends_with(algorithm.as_str())),
                (if is_further { 27 } else { 21 }, is_further)
            );
            let verifier = snapshot.keys.verifying(kid).unwrap();
            Unverified::parse(&token).unwrap().verify(verifier, &[algorithm]).unwrap();
        }
        assert!(snapshot.keys.current(Algorithm::HS256).is_none());

        let before = states(store, Family::Rsa).await;
        assert_eq!(before.iter().map(|k| k.0).collect::<Vec<_>>(), [KeyState::Current, KeyState::Next]);
        store.rotate_keys(TENANT, next(&sets[2], NOW + 1), None).await.unwrap();
        let after = states(store, Family::Rsa).await;
        assert_eq!(after[0], (KeyState::Current, before[1].1.clone()), "{}", f.engine);
        assert_eq!(after[1].0, KeyState::Next);
        assert_eq!(after[2], (KeyState::Previous, before[0].1.clone()));
        catalog.sync().await.unwrap();
        let snapshot = catalog.cached(TENANT).unwrap();
        assert_eq!(snapshot.keys.current(Algorithm::RS256).unwrap().kid(), Some(before[1].1.as_str()));
        assert!(snapshot.keys.verifying(&before[0].1).is_some(), "what it signed is still good");

        // Revoking the current key rotates first.
        store.revoke_key(TENANT, &after[0].1, next(&sets[3], NOW + 2)).await.unwrap();
        let last = states(store, Family::Rsa).await;
        assert_eq!(last[0], (KeyState::Current, after[1].1.clone()));
        assert_eq!(last[3], (KeyState::Revoked, after[0].1.clone()));
        store.revoke_key(TENANT, &last[1].1, next(&sets[4], NOW + 3)).await.unwrap();
        let renewed = states(store, Family::Rsa).await;
        assert_eq!(renewed[1].0, KeyState::Next);
        assert_ne!(renewed[1].1, last[1].1, "another one waits");
        assert_eq!(states(store, Family::Ec).await.len(), 3, "other families are left alone");
        for gone in [after[0].1.as_str(), "nonsense"] {
            let error = store.revoke_key(TENANT, gone, next(&sets[4], NOW)).await;
            assert!(matches!(error, Err(Error::Guard)));
        }
        catalog.sync().await.unwrap();
        let snapshot = catalog.cached(TENANT).unwrap();
        assert!(snapshot.keys.verifying(&after[0].1).is_none());
        assert!(!shown(&snapshot).contains(&after[0].1));
        let revoked = store.signing_keys(TENANT).await.unwrap();
        let revoked = revoked.iter().find(|k| k.kid == after[0].1).unwrap();
        assert_eq!((revoked.sealed.as_ref(), revoked.revoked_at), (None, Some(NOW + 2)));
    }
}

#[tokio::test]
async fn the_key_set_has_the_members_of_the_wire() {
    let (one, two) = (material(), material());
    for f in engines().await {
        f.store.create_initial_keys(TENANT, &one, next(&two, NOW)).await.unwrap();
        let snapshot = Catalog::new(f.store.clone()).snapshot(TENANT).await.unwrap();
        let set: Value = serde_json::from_slice(snapshot.jwks()).unwrap();
        let keys = set["keys"].as_array().unwrap();
        let names = |key: &Value| key.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(keys.len(), 2, "nobody uses the others");
        assert_eq!(names(&keys[0]), "kty use n e kid x5t x5c alg", "{}", f.engine);
        assert_eq!(keys[0]["alg"], "RS256");
        assert_eq!(keys[0]["kid"].as_str(), snapshot.keys.current(Algorithm::RS256).unwrap().kid());
        let plain = Published { alg: false, ps256: false, rs512: false, es256: false, eddsa: false };
        assert!(!snapshot.keys.jwks(plain, &[]).unwrap().contains("\"alg\""));
        for (further, kinds) in [
            (Published { es256: true, ..plain }, ["RSA", "RSA", "EC", "EC"]),
            (Published { eddsa: true, ..plain }, ["RSA", "RSA", "OKP", "OKP"]),
        ] {
            let set: Value = serde_json::from_str(&snapshot.keys.jwks(further, &[]).unwrap()).unwrap();
            assert!(set["keys"].as_array().unwrap().iter().map(|key| &key["kty"]).eq(kinds), "{set}");
        }
        assert_eq!(snapshot.keys.certificates().count(), 2);
        assert!(!shown(&snapshot).contains("\"d\""));
    }
}

#[tokio::test]
async fn private_keys_rest_sealed() {
    let pkcs8 = chancery_jose::generate_ed25519().unwrap();
    let (one, two) = (material(), material());
    for f in engines().await {
        f.store.create_initial_keys(TENANT, &one, next(&two, NOW)).await.unwrap();
        let sealed = f.store.vault().seal("x", &pkcs8).unwrap();
        assert!(!sealed.contains(&chancery_jose::base64url(&pkcs8)[..40]));
        let docs: Vec<String> = f.store.db().query("SELECT doc FROM docs", Vec::new()).await.unwrap();
        assert_eq!(docs.len(), 6);
        for (doc, key) in docs.iter().zip(f.store.signing_keys(TENANT).await.unwrap()) {
            // The DER header of PKCS#8, in every way base64 can write it.
            for header in
                ["MIIEv", "MIIEu", "MIIEw", "MIGHAgEA", "MIGTAgEA", "MC4CAQ", "MFMCAQ", "PRIVATE KEY"]
            {
                assert!(!doc.contains(header), "{} {header}", f.engine);
            }
            let name = key.kid.clone();
            let sealed = key.sealed.unwrap();
            let plain = f.store.vault().open(&format!("{TENANT}/signing-key/{name}"), &sealed).unwrap();
            let text = chancery_jose::base64url(&plain);
            assert!(
                docs.iter()
                    .all(|doc| !doc.contains(&text[..]) && !doc.contains(&chancery_jose::base64(&plain)))
            );
            if f.engine == "SQLite" {
                f.store.ping().await.unwrap();
                let path = f.url.strip_prefix("sqlite:").unwrap();
                for file in [path.to_owned(), format!("{path}-wal")] {
                    let bytes = std::fs::read(&file).unwrap_or_default();
                    let tail = &plain[plain.len() - 24..];
                    assert!(!bytes.windows(tail.len()).any(|w| w == tail), "{file}");
                }
            }
        }
        assert!(f.store.vault().open("t2/signing-key/x", &sealed).is_err());
    }
}

#[tokio::test]
async fn another_master_key_opens_nothing_and_says_so() {
    let (one, two) = (material(), material());
    for f in engines().await {
        f.store.create_initial_keys(TENANT, &one, next(&two, NOW)).await.unwrap();
        let mut wrong = MASTER_KEY;
        wrong[0] ^= 1;
        let other = Store::open(&f.url, Options::new(wrong)).await.unwrap();
        let error = Catalog::new(other).snapshot(TENANT).await.unwrap_err();
        assert!(error.to_string().contains("another master key"), "{}: {error}", f.engine);
    }
}

/// Keys for encrypted requests rotate in the same write as those that sign: either all of them do, or none.
#[tokio::test]
async fn keys_for_requests_rotate_with_them() {
    let sets = [material(), material(), material()];
    let requests = [(); 3].map(|()| RequestKeyMaterial::generate(&RNG).unwrap());
    for f in engines().await {
        let store = &f.store;
        store.create_initial_keys(TENANT, &sets[0], next(&sets[1], NOW)).await.unwrap();
        store.apply(store.first_request_keys(TENANT, &requests[0], NOW).unwrap()).await.unwrap();
        let before = store.config_rev(TENANT).await.unwrap();
        let after = store.rotate_keys(TENANT, next(&sets[2], NOW + 1), Some(&requests[1])).await.unwrap();
        assert_eq!(after, before + 1, "{}: one write", f.engine);
        let keys = store.request_keys(TENANT, NOW + 1).await.unwrap();
        assert_eq!(
            keys.iter().map(|key| key.retired_at).collect::<Vec<_>>(),
            [None, None, Some(NOW + 1), Some(NOW + 1)]
        );
        // With the same names again the one half fails, and the other one with it.
        let current = states(store, Family::Rsa).await;
        assert!(store.rotate_keys(TENANT, next(&material(), NOW + 2), Some(&requests[1])).await.is_err());
        assert_eq!(states(store, Family::Rsa).await, current, "{}", f.engine);

        let (used, over) = (keys[0].kid.clone(), keys[2].kid.clone());
        for kid in [&over, &used] {
            store.revoke_request_key(TENANT, kid, &requests[2], NOW + 3).await.unwrap();
            let again = store.revoke_request_key(TENANT, kid, &requests[2], NOW + 3).await;
            assert!(matches!(again, Err(Error::Guard)), "{}", f.engine);
        }
        let left = store.request_keys(TENANT, NOW + 3).await.unwrap();
        assert!(left.iter().all(|key| key.kid != used && key.kid != over));
        assert_eq!(left.iter().filter(|key| key.retired_at.is_none()).count(), 2, "one of each type");
    }
}
