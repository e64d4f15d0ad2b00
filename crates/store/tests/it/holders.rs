use std::time::Instant;

use chancery_core::model::Permission;
use chancery_store::{Batch, Held, Way};

use crate::fixture::{Fixture, TENANT, engines, new_user};

fn permission(api: &str, scope: &str) -> Permission {
    Permission { resource_server_identifier: api.to_owned(), permission_name: scope.to_owned() }
}

fn held<'a>(role_ids: &'a [&'a str], in_organizations: bool) -> Held<'a> {
    Held { api: "api", scope: "read", role_ids, in_organizations }
}

async fn page(f: &Fixture, held: &Held<'_>, after: &str, limit: i64) -> Vec<(String, Vec<Way>)> {
    let found = f.store.holders(TENANT, held, after, limit).await.unwrap();
    found.into_iter().map(|holder| (holder.user_id, holder.ways)).collect()
}

#[tokio::test]
async fn every_way_of_every_holder_page_by_page() {
    for f in engines().await {
        let own = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        for n in 0..9 {
            let user = format!("u{n}");
            f.store.create_user(TENANT, &new_user(&user, &format!("{user}@x.example"))).await.unwrap();
            if n % 2 == 0 {
                f.store.assign_roles(TENANT, &user, &own(&["rol_a"])).await.unwrap();
            }
            if n % 3 == 0 {
                f.store.add_permissions(TENANT, &user, &[permission("api", "read")]).await.unwrap();
            }
        }
        f.store.assign_roles(TENANT, "u4", &own(&["rol_b", "rol_other"])).await.unwrap();
        f.store
            .add_permissions(TENANT, "u5", &[permission("api", "write"), permission("api2", "read")])
            .await
            .unwrap();
        // A member of more organizations than a page has room for.
        for org in 0..5 {
            let org = format!("org_{org}");
            let batch = f.store.add_members(TENANT, &org, &own(&["u1", "u7"]));
            f.store
                .commit(batch.and(f.store.assign_member_roles(TENANT, &org, "u1", &own(&["rol_a"]))))
                .await
                .unwrap();
        }
        f.store.commit(f.store.assign_member_roles(TENANT, "org_4", "u7", &own(&["rol_b"]))).await.unwrap();

        let roles = ["rol_a", "rol_b"];
        let all = page(&f, &held(&roles, true), "", 100).await;
        let role = |id: &str| Way::Role(id.to_owned());
        let member = |role_id: &str, organization_id: &str, organizations| Way::Member {
            role_id: role_id.to_owned(),
            organization_id: organization_id.to_owned(),
            organizations,
        };
        let expected = [
            ("u0", vec![Way::Direct, role("rol_a")]),
            ("u1", vec![member("rol_a", "org_0", 5)]),
            ("u2", vec![role("rol_a")]),
            ("u3", vec![Way::Direct]),
            ("u4", vec![role("rol_a"), role("rol_b")]),
            ("u6", vec![Way::Direct, role("rol_a")]),
            ("u7", vec![member("rol_b", "org_4", 1)]),
            ("u8", vec![role("rol_a")]),
        ];
        let expected: Vec<_> = expected.into_iter().map(|(id, ways)| (id.to_owned(), ways)).collect();
        assert_eq!(all, expected, "{}", f.engine);
        for size in 1..5 {
            let (mut walked, mut after) = (Vec::new(), String::new());
            loop {
                let part = page(&f, &held(&roles, true), &after, size).await;
                let Some((last, _)) = part.last() else { break };
                after.clone_from(last);
                walked.extend(part);
            }
            assert_eq!(walked, expected, "{} by {size}", f.engine);
        }
        let without: Vec<_> =
            page(&f, &held(&roles, false), "", 100).await.into_iter().map(|(id, _)| id).collect();
        assert_eq!(without, ["u0", "u2", "u3", "u4", "u6", "u8"]);
        assert_eq!(page(&f, &held(&[], true), "", 100).await.len(), 3, "{}: direct ones alone", f.engine);
        let first = &f.store.holders(TENANT, &held(&roles, true), "", 1).await.unwrap()[0];
        assert_eq!(first.email.as_deref(), Some("u0@x.example"));
        assert!(f.store.holders("t2", &held(&roles, true), "", 10).await.unwrap().is_empty());
        assert!(f.store.holders(TENANT, &held(&roles, true), "u8\0", 10).await.unwrap().is_empty());
        let many: Vec<String> = (0..120).map(|n| format!("rol_{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).chain(["rol_a"]).collect();
        assert_eq!(page(&f, &held(&many, false), "", 100).await.len(), 6, "{}", f.engine);
        let inside = f.store.roles_in_organizations(TENANT, "u7").await.unwrap();
        assert_eq!(inside, [("org_4".to_owned(), "rol_b".to_owned())]);
    }
}

/// A hundred thousand users, of whom everybody holds the permission: through ten roles, in organizations and directly.
/// Prints what a page costs: `cargo test --workspace --test it -- --ignored --nocapture holders`.
#[tokio::test]
#[ignore = "measures"]
async fn a_hundred_thousand() {
    for f in engines().await {
        let numbers =
            "WITH RECURSIVE n (i) AS (SELECT 100000 UNION ALL SELECT i + 1 FROM n WHERE i < 199999)";
        let tables = [
            (
                "users (tenant, id, connection, email, created_ms, updated_ms, logins_count, doc)",
                "'t1', 'auth0|' || i, 'c', 'u' || i || '@x.example', i, i, 0, '{}'",
            ),
            ("user_roles (tenant, user_id, role_id)", "'t1', 'auth0|' || i, 'rol_' || (i % 10)"),
            ("user_permissions (tenant, user_id, api, scope)", "'t1', 'auth0|' || i, 'api', 'read'"),
            (
                "organization_member_roles (tenant, organization_id, user_id, role_id)",
                "'t1', 'org_' || (i % 100), 'auth0|' || i, 'rol_' || (i % 10)",
            ),
            (
                "organization_members (tenant, organization_id, user_id)",
                "'t1', 'org_' || (i % 100), 'auth0|' || i",
            ),
            (
                "group_members (tenant, group_id, account, user_id, created_at)",
                "'t1', 'grp_' || (i % 50), 'auth0|' || i, 'auth0|' || i, i",
            ),
        ];
        let groups = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 49)";
        let tables = tables.map(|(table, values)| (numbers, table, values)).into_iter().chain([
            (
                groups,
                "user_groups (tenant, id, connection_id, name, created_at, updated_at)",
                "'t1', 'grp_' || i, 'con', 'Group ' || i, i, i",
            ),
            (
                groups,
                "group_roles (tenant, group_id, organization_id, role_id)",
                "'t1', 'grp_' || i, CASE WHEN i % 2 = 0 THEN '' ELSE 'org_' || i END, 'rol_' || (i % 10)",
            ),
        ]);
        let batch = tables.fold(Batch::default(), |batch, (numbers, table, values)| {
            batch.run(format!("{numbers} INSERT INTO {table} SELECT {values} FROM n"), Vec::new())
        });
        f.store.commit(batch.run("ANALYZE", Vec::new())).await.unwrap();
        let roles: Vec<String> = (0..10).map(|n| format!("rol_{n}")).collect();
        let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
        for (name, after, limit) in
            [("first", "", 50), ("middle", "auth0|150000", 50), ("export", "auth0|120000", 1000)]
        {
            let mut worst = std::time::Duration::ZERO;
            for _ in 0..20 {
                let start = Instant::now();
                let found = f.store.holders(TENANT, &held(&roles, true), after, limit).await.unwrap();
                worst = worst.max(start.elapsed());
                assert_eq!(found.len(), usize::try_from(limit).unwrap());
            }
            println!("{}: {name} page of {limit}: {worst:?} at worst of 20", f.engine);
            assert!(worst.as_millis() < 100, "{}: {name}: {worst:?}", f.engine);
        }
    }
}
