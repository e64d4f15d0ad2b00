//! Groups, who is in them and what they give.

use chancery_store::{AccountName, Group, GroupFilter, GroupRole, Held, Store, Way};

use crate::fixture::{TENANT, engines, new_user, rows};

fn own(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn group(store: &Store, id: &str, members: &[&str]) {
    let group = Group {
        id: id.to_owned(),
        connection_id: "con_1".to_owned(),
        name: format!("name of {id}"),
        external_id: Some(format!("x-{id}")),
        ..Group::default()
    };
    let batch =
        store.insert_group(TENANT, &group).and(store.add_group_members(TENANT, id, ("db", &own(members)), 1));
    store.commit(batch).await.unwrap();
}

async fn roles_of(store: &Store, user: &str) -> Vec<GroupRole> {
    store.access_of(TENANT, user).await.unwrap().group_roles
}

#[tokio::test]
async fn what_a_group_gives_follows_its_accounts() {
    for f in engines().await {
        for user in ["u", "v"] {
            f.store.create_user(TENANT, &new_user(user, &format!("{user}@example.com"))).await.unwrap();
        }
        group(&f.store, "grp_1", &["v", "nobody"]).await;
        assert_eq!(f.store.group_members(TENANT, "grp_1", "", 9).await.unwrap().len(), 1, "{}", f.engine);
        f.store.commit(f.store.add_group_roles(TENANT, "grp_1", "", &own(&["rol_a"]))).await.unwrap();
        f.store.commit(f.store.add_group_roles(TENANT, "grp_1", "org_1", &own(&["rol_b"]))).await.unwrap();
        let nowhere = f.store.add_group_roles(TENANT, "grp_2", "", &own(&["rol_a"]));
        f.store.commit(nowhere).await.expect_err("there is no such group");
        let given = |role: &str| GroupRole {
            role_id: role.to_owned(),
            group_id: "grp_1".to_owned(),
            group_name: "name of grp_1".to_owned(),
        };
        assert_eq!(roles_of(&f.store, "v").await, [given("rol_a")]);
        assert_eq!(f.store.group_roles_in(TENANT, "org_1", "v").await.unwrap(), [given("rol_b")]);
        assert_eq!(roles_of(&f.store, "u").await, []);

        // The account becomes another user's, and one of its own again.
        let (user, other) = (
            f.store.user_to_edit(TENANT, "u").await.unwrap().unwrap(),
            f.store.user_to_edit(TENANT, "v").await.unwrap().unwrap(),
        );
        f.store.commit(f.store.link_batch(TENANT, &user, &user.user, &other).unwrap()).await.unwrap();
        assert_eq!(roles_of(&f.store, "u").await, [given("rol_a")], "{}", f.engine);
        assert_eq!(roles_of(&f.store, "v").await, []);
        let found = f.store.account(TENANT, "db", AccountName::Account("v")).await.unwrap();
        assert_eq!(found, Some(("v".to_owned(), "u".to_owned())));
        let user = f.store.user_to_edit(TENANT, "u").await.unwrap().unwrap();
        let apart = f.store.unlink_batch(TENANT, &user, &user.user, &other.user, "db").unwrap();
        f.store.commit(apart).await.unwrap();
        assert_eq!(roles_of(&f.store, "u").await, []);
        assert_eq!(roles_of(&f.store, "v").await, [given("rol_a")], "{}", f.engine);

        f.store.commit(f.store.remove_role_everywhere(TENANT, "rol_a")).await.unwrap();
        f.store.commit(f.store.remove_all_members(TENANT, "org_1")).await.unwrap();
        assert_eq!(rows(&f.store, "group_roles", TENANT).await, 0);
        f.store.commit(f.store.delete_groups_of_connection(TENANT, "con_1")).await.unwrap();
        assert_eq!(rows(&f.store, "group_members", TENANT).await, 0);
    }
}

#[tokio::test]
async fn groups_are_found_in_pages() {
    for f in engines().await {
        f.store.create_user(TENANT, &new_user("u", "u@example.com")).await.unwrap();
        for number in 0..5 {
            group(&f.store, &format!("grp_{number}"), if number == 3 { &["u"] } else { &[] }).await;
        }
        let ids = async |filter: GroupFilter<'_>, after: &str, page| {
            let found = f.store.groups(TENANT, &filter, after, page).await.unwrap();
            found.into_iter().map(|group| group.id).collect::<Vec<_>>()
        };
        let all = GroupFilter::default();
        assert_eq!(ids(all, "grp_1", (0, 2)).await, ["grp_2", "grp_3"], "{}", f.engine);
        assert_eq!(ids(all, "", (3, 9)).await, ["grp_3", "grp_4"]);
        assert_eq!(f.store.groups_count(TENANT, &all).await.unwrap(), 5);
        let named = GroupFilter { name: Some("name of grp_2"), ..all };
        assert_eq!(ids(named, "", (0, 9)).await, ["grp_2"]);
        assert_eq!(ids(GroupFilter { search: Some("OF GRP_4"), ..all }, "", (0, 9)).await, ["grp_4"]);
        assert_eq!(ids(GroupFilter { search: Some("%"), ..all }, "", (0, 9)).await, Vec::<String>::new());
        assert_eq!(ids(GroupFilter { user_id: Some("u"), ..all }, "", (0, 9)).await, ["grp_3"]);
        let elsewhere = f.store.groups_count("other tenant", &all).await.unwrap();
        assert_eq!(elsewhere, 0);
        let again = Group {
            id: "grp_9".to_owned(),
            connection_id: "con_1".to_owned(),
            name: "name of grp_2".to_owned(),
            ..Group::default()
        };
        f.store.commit(f.store.insert_group(TENANT, &again)).await.expect_err("its name is taken");
    }
}

#[tokio::test]
async fn holders_come_through_groups_too() {
    for f in engines().await {
        for user in ["u", "v", "w"] {
            f.store.create_user(TENANT, &new_user(user, &format!("{user}@example.com"))).await.unwrap();
        }
        group(&f.store, "grp_1", &["u", "v"]).await;
        group(&f.store, "grp_2", &["u", "w"]).await;
        f.store.commit(f.store.add_group_roles(TENANT, "grp_1", "", &own(&["rol_a"]))).await.unwrap();
        f.store.commit(f.store.add_group_roles(TENANT, "grp_2", "org_1", &own(&["rol_a"]))).await.unwrap();
        f.store.commit(f.store.add_members(TENANT, "org_1", &own(&["w"]))).await.unwrap();
        let held =
            |in_organizations| Held { api: "api", scope: "read", role_ids: &["rol_a"], in_organizations };
        let way = |group: &str, organization: &str| Way::Group {
            role_id: "rol_a".to_owned(),
            organization_id: organization.to_owned(),
            group_id: group.to_owned(),
        };
        let found = f.store.holders(TENANT, &held(false), "", 9).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|holder| (holder.user_id, holder.ways)).collect();
        let through =
            |user: &str, group: &str, organization: &str| (user.to_owned(), vec![way(group, organization)]);
        assert_eq!(found, [through("u", "grp_1", ""), through("v", "grp_1", "")], "{}", f.engine);
        // Who is no member of the organization has nothing there.
        let found = f.store.holders(TENANT, &held(true), "u", 9).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|holder| (holder.user_id, holder.ways)).collect();
        assert_eq!(found, [through("v", "grp_1", ""), through("w", "grp_2", "org_1")], "{}", f.engine);
        let places = f.store.roles_in_organizations(TENANT, "w").await.unwrap();
        assert_eq!(places, [("org_1".to_owned(), "rol_a".to_owned())]);
        assert_eq!(f.store.roles_in_organizations(TENANT, "u").await.unwrap(), []);
        assert_eq!(f.store.users_with_role(TENANT, "rol_a").await.unwrap().count, 3);
        let permitted =
            f.store.users_permitted(TENANT, "api", Some("read"), &["rol_a", "rol_b"]).await.unwrap();
        assert_eq!((permitted.count, permitted.first), (3, own(&["u", "v", "w"])), "{}", f.engine);
        assert_eq!(f.store.users_permitted(TENANT, "api", None, &[]).await.unwrap().count, 0, "{}", f.engine);
    }
}

/// A directory puts accounts into a group at the moment in which they are unlinked or deleted: whoever has the account no more
/// is no member by it, and who is made again by the same id is none either.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_membership_is_left_by_an_account_that_moves() {
    for f in engines().await {
        group(&f.store, "grp_1", &[]).await;
        for round in 0..40 {
            let names = [format!("u{round}"), format!("v{round}"), format!("w{round}")];
            let [user, linked, deleted] = names.each_ref().map(String::as_str);
            for name in [user, linked, deleted] {
                let new = new_user(name, &format!("{name}@example.com"));
                f.store.create_user(TENANT, &new).await.unwrap();
            }
            let seen = async |id: &str| f.store.user_to_edit(TENANT, id).await.unwrap().unwrap();
            let (owner, other) = (seen(user).await, seen(linked).await);
            f.store.commit(f.store.link_batch(TENANT, &owner, &owner.user, &other).unwrap()).await.unwrap();
            let owner = seen(user).await;
            let apart = f.store.unlink_batch(TENANT, &owner, &owner.user, &other.user, "db").unwrap();
            // A write to the accounts is under way when the others begin, now the one and now the other.
            let accounts = own(&[linked, deleted]);
            let puts = (0..4).map(|_| f.store.add_group_members(TENANT, "grp_1", ("db", &accounts), 1));
            let mut puts: Vec<_> = puts.collect();
            puts.insert(round % 5, apart);
            puts.insert(round % 4, f.store.delete_user_batch(TENANT, deleted));
            let mut all = tokio::task::JoinSet::new();
            for batch in puts {
                let store = f.store.clone();
                all.spawn(async move { store.commit(batch).await });
            }
            for done in all.join_all().await {
                done.unwrap();
            }
            let count = async |id: &str| {
                let of = GroupFilter { user_id: Some(id), ..GroupFilter::default() };
                f.store.groups_count(TENANT, &of).await.unwrap()
            };
            assert_eq!(
                (count(user).await, count(deleted).await),
                (0, 0),
                "{}, round {round}: member by an account that is somebody else's or nobody's",
                f.engine
            );
        }
    }
}
