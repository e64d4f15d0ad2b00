use chancery_core::model::Permission;

use crate::fixture::{TENANT, engines, new_user};

fn permission(api: &str, scope: &str) -> Permission {
    Permission { resource_server_identifier: api.to_owned(), permission_name: scope.to_owned() }
}

#[tokio::test]
async fn roles_and_permissions_come_and_go() {
    for f in engines().await {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        f.store.assign_roles(TENANT, "u", &ids(&["rol_b", "rol_a"])).await.unwrap();
        f.store.assign_roles(TENANT, "u", &ids(&["rol_a", "rol_c"])).await.unwrap();
        let held = [permission("api", "read"), permission("api", "write"), permission("other", "read")];
        f.store.add_permissions(TENANT, "u", &held).await.unwrap();
        f.store.add_permissions(TENANT, "u", &held[..1]).await.unwrap();
        let access = f.store.access_of(TENANT, "u").await.unwrap();
        assert_eq!(access.role_ids, ["rol_a", "rol_b", "rol_c"], "{}", f.engine);
        assert_eq!(access.permissions, held);

        f.store.remove_roles(TENANT, "u", &ids(&["rol_a", "rol_x"])).await.unwrap();
        f.store
            .remove_permissions(TENANT, "u", &[permission("api", "read"), permission("x", "y")])
            .await
            .unwrap();
        let access = f.store.access_of(TENANT, "u").await.unwrap();
        assert_eq!(access.role_ids, ["rol_b", "rol_c"]);
        assert_eq!(access.permissions, held[1..]);

        f.store.commit(f.store.drop_permissions(TENANT, "api", &["write", "gone"])).await.unwrap();
        assert_eq!(f.store.access_of(TENANT, "u").await.unwrap().permissions, held[2..]);
        f.store.commit(f.store.drop_all_permissions(TENANT, "other")).await.unwrap();
        f.store.commit(f.store.remove_role_everywhere(TENANT, "rol_b")).await.unwrap();
        let access = f.store.access_of(TENANT, "u").await.unwrap();
        assert_eq!((access.role_ids, access.permissions), (ids(&["rol_c"]), vec![]));
        assert_eq!(
            f.store.access_of(TENANT, "nobody\0").await.unwrap(),
            chancery_store::UserAccess::default()
        );
    }
}

#[tokio::test]
async fn members_are_users_that_exist() {
    for f in engines().await {
        for n in 1..=3 {
            let id = format!("auth0|{n}");
            f.store.create_user(TENANT, &new_user(&id, &format!("{n}@example.com"))).await.unwrap();
            f.store.assign_roles(TENANT, &id, &["rol_a".to_owned()]).await.unwrap();
        }
        let ids = |members: Vec<chancery_store::RoleMember>| {
            members.into_iter().map(|m| m.user_id).collect::<Vec<_>>()
        };
        assert_eq!(f.store.role_members_count(TENANT, "rol_a").await.unwrap(), 3);
        assert_eq!(ids(f.store.role_members(TENANT, "rol_a", 1, 5).await.unwrap()), ["auth0|2", "auth0|3"]);
        assert_eq!(ids(f.store.role_members_after(TENANT, "rol_a", "", 1).await.unwrap()), ["auth0|1"]);
        let rest = f.store.role_members_after(TENANT, "rol_a", "auth0|1", 5).await.unwrap();
        assert_eq!(rest[0].email.as_deref(), Some("2@example.com"), "{}", f.engine);
        assert_eq!(ids(rest), ["auth0|2", "auth0|3"]);
        assert!(f.store.role_members(TENANT, "rol_b", 0, 5).await.unwrap().is_empty());
    }
}
