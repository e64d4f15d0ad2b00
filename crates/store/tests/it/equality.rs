//! The same random writes leave the same tables on both engines.

use chancery_core::{Rng, ids::Handle, model::Permission, records::Consent};
use chancery_store::{Batch, Change, Kind, Rotation, Store};

use crate::fixture::{
    Counter, NOW, TENANT, authorization, chain, code, engines, new_user, opaque, refresh, session,
};

/// Every table with the columns that order it.
const TABLES: [(&str, &str); 14] = [
    ("docs", "kind || ' ' || id || ' ' || CAST(rev AS TEXT) || ' ' || doc"),
    ("changes", "CAST(seq AS TEXT) || ' ' || kind || ' ' || id"),
    ("users", "id || ' ' || COALESCE(email, '-') || ' ' || CAST(logins_count AS TEXT) || ' ' || doc"),
    ("credentials", "user_id || ' ' || COALESCE(email, '-') || ' ' || COALESCE(password_hash, '-')"),
    ("user_roles", "user_id || ' ' || role_id"),
    ("user_permissions", "user_id || ' ' || api || ' ' || scope"),
    ("sessions", "id || ' ' || clients || ' ' || CAST(ends_at AS TEXT)"),
    ("codes", "id || ' ' || CASE WHEN spent THEN 'spent' ELSE 'good' END || ' ' || doc"),
    (
        "refresh_tokens",
        "id || ' ' || CASE WHEN previous IS NULL THEN 'first' ELSE 'later' END || ' ' || CAST(ends_at AS TEXT) || ' ' || doc",
    ),
    ("opaque_tokens", "id || ' ' || doc"),
    ("revoked", "authorization_id || ' ' || CAST(noticed_at AS TEXT)"),
    ("consents", "id || ' ' || scope || ' ' || CASE WHEN implicit THEN 'implicit' ELSE 'explicit' END"),
    ("logs", "id || ' ' || doc"),
    ("tenants", "id || ' ' || CAST(config_rev AS TEXT)"),
];

async fn dump(store: &Store) -> Vec<String> {
    let mut all = Vec::new();
    for (table, columns) in TABLES {
        let sql = format!("SELECT {columns} AS line FROM {table} ORDER BY line");
        let lines: Vec<String> = store.db().query(sql, Vec::new()).await.unwrap();
        all.extend(lines.into_iter().map(|line| format!("{table}: {line}")));
    }
    all
}

/// A number below `limit`.
fn below(rng: &Counter, limit: u8) -> u8 {
    let mut byte = [0];
    rng.fill(&mut byte);
    byte[0] % limit
}

/// Whether the write took place: both engines must agree.
async fn random_write(store: &Store, rng: &Counter, held: &mut Vec<Handle>) -> String {
    let user = format!("u{}", below(rng, 5));
    let family = format!("a{}", below(rng, 100));
    let fresh = Handle::generate(rng, NOW * 1000);
    let old = held.get(usize::from(below(rng, 32))).cloned().unwrap_or_else(|| fresh.clone());
    let role = format!("r{}", below(rng, 4));
    let scope = format!("s{}", below(rng, 4));
    let given = || authorization(&family, &user);
    let consent = Consent {
        id: fresh.id.clone(),
        user_id: user.clone(),
        client_id: "app".to_owned(),
        scope: vec![scope.clone()],
        implicit: below(rng, 2) == 0,
        ..Consent::default()
    };
    let permission = Permission { resource_server_identifier: role.clone(), permission_name: scope.clone() };
    held.push(fresh.clone());
    if held.len() > 40 {
        held.remove(0);
    }
    let record = refresh(&fresh, given());
    let successor = chain().next(rng, &old.id);
    let rotation = Rotation {
        handle: &successor,
        now: NOW + 1,
        rotating: true,
        expires_at: Some(NOW + 90),
        idle_expires_at: None,
    };
    // Destruction is rarer than creation, or nothing would be left to compare.
    let rare = below(rng, 6) == 0;
    let outcome = match below(rng, 20) {
        0 => store.create_user(TENANT, &new_user(&user, &format!("{scope}@example.com"))).await,
        1 => store.update_user(TENANT, &new_user(&user, &format!("{role}@example.com")).user).await,
        2 => store.record_login(TENANT, &user, "192.0.2.1", NOW).await,
        3 => store.assign_roles(TENANT, &user, &[role]).await,
        4 => store.add_permissions(TENANT, &user, &[permission]).await,
        5 => store.commit(store.drop_permissions(TENANT, &role, &[scope])).await,
        6 => store.insert_session(TENANT, &session(&fresh, &user), &fresh.digest()).await,
        7 => store.touch_session(TENANT, &old.id, NOW, NOW + 50, Some(&role)).await,
        8 => store.insert_code(TENANT, &fresh, &code(given())).await,
        9 => store.commit(store.spend_code(TENANT, &old.id)).await,
        10 | 11 => store.commit(store.insert_refresh_token(TENANT, &fresh, &record).unwrap()).await,
        12 => match store.refresh_token(TENANT, &old).await.unwrap() {
            Some(token) => store.commit(store.rotate(TENANT, &token, &rotation)).await,
            None => Ok(()),
        },
        13 => store.commit(store.insert_opaque_token(TENANT, &fresh, &opaque(given())).unwrap()).await,
        14 => store.commit(store.revoke_family(TENANT, &family)).await,
        15 if rare => store.commit(store.revoke_by_session(TENANT, &user, "s1")).await,
        16 => store.commit(store.upsert_consent(TENANT, &consent)).await,
        17 if rare => store.delete_user(TENANT, &user).await,
        17 | 18 => {
            let change = Change::new(TENANT).insert(Kind::Role, &role, Some(&scope), "{}");
            store.apply(change.also(Batch::default())).await.map(drop)
        }
        _ => {
            let change = Change::new(TENANT).update(Kind::Role, &role, None, "{ }", 1);
            store.apply(change).await.map(drop)
        }
    };
    match outcome {
        Ok(()) => "done".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn both_engines_agree() {
    let mut seen = Vec::new();
    for f in engines().await {
        let rng = Counter::from(77);
        let mut held = Vec::new();
        let mut outcomes = Vec::new();
        for _ in 0..600 {
            outcomes.push(random_write(&f.store, &rng, &mut held).await);
        }
        f.store.sweep(NOW + 50, 0).await.unwrap();
        seen.push((outcomes, dump(&f.store).await));
    }
    let (postgres, sqlite) = (seen.pop().unwrap(), seen.pop().unwrap());
    assert_eq!(sqlite.0, postgres.0, "what was done and what was refused");
    assert_eq!(sqlite.1, postgres.1, "what is there");
    assert!(sqlite.0.iter().any(|o| o != "done"), "some writes must be refused");
    for (table, _) in TABLES.iter().filter(|(table, _)| *table != "logs") {
        assert!(sqlite.1.iter().any(|line| line.starts_with(&format!("{table}:"))), "{table} is empty");
    }
}
