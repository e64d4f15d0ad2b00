//! What a search finds is what looking at every user finds, whatever was done to them.

use chancery_core::model::User;
use chancery_core::search::{Dialect, Query, is_sortable, order_of, parse};
use chancery_store::{Error, SearchBounds, Store, UserOrder, UserSearch, UserSort};
use serde_json::{Value, json};

use crate::fixture::{NOW, TENANT, engines, new_user, rows};

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn up_to(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.up_to(all.len())]
    }
}

const NAMES: [&str; 7] = ["Jane", "jane", "Jane Smith", "John", "Ünal", "j\0n", "Σίσυφος"];
const FIELDS: [&str; 8] = [
    "name",
    "email",
    "nickname",
    "username",
    "email.domain",
    "app_metadata.plan",
    "identities.connection",
    "given_name",
];

fn changed(dice: &mut Dice, user: &mut User) {
    let name = dice.of(&NAMES).to_owned();
    match dice.up_to(7) {
        0 => user.name = Some(name),
        1 => user.nickname = (dice.up_to(2) == 0).then_some(name),
        2 => user.blocked = Some(dice.up_to(2) == 0),
        3 => user.email_verified = Some(dice.up_to(2) == 0),
        4 => {
            let members = json!({"plan": name, "n": dice.up_to(3), "tags": [name, {"of": "x"}]});
            user.app_metadata = members.as_object().cloned();
        }
        5 => user.user_metadata = json!({"color": name}).as_object().cloned(),
        // The index cuts after a hundred characters.
        _ => user.given_name = Some("x".repeat(98 + dice.up_to(5)) + dice.of(&["", "oth"])),
    }
}

/// A few hundred users, edited, signed in, deleted and linked.
async fn populate(store: &Store, dice: &mut Dice) {
    for n in 0..260 {
        let domain = dice.of(&["Example.com", "example.org", "mail.example"]).to_owned();
        let mut new =
            new_user(&format!("auth0|{n:03}"), &format!("{}{n}@{domain}", dice.of(&["A", "b", "c"])));
        new.user.created_at = format!("2024-10-{:02}T13:27:44.558Z", 1 + dice.up_to(9));
        new.user.username = (n % 3 == 0).then(|| format!("u{n}"));
        new.user.identities[0].connection = dice.of(&["db", "other"]).to_owned();
        for _ in 0..dice.up_to(5) {
            changed(dice, &mut new.user);
        }
        store.create_user(TENANT, &new).await.unwrap();
    }
    for _ in 0..200 {
        let id = format!("auth0|{:03}", dice.up_to(260));
        let Some(seen) = store.user_to_edit(TENANT, &id).await.unwrap() else { continue };
        match dice.up_to(7) {
            0 => store.delete_user(TENANT, &id).await.unwrap(),
            1 => store.record_login(TENANT, &id, "192.0.2.9", NOW + 60).await.unwrap(),
            2 => store.set_password(TENANT, &id, "db", "x", NOW + 90).await.unwrap(),
            3 => store.commit(store.add_members(TENANT, "org_a", &[id])).await.unwrap(),
            4 => {
                let other = format!("auth0|{:03}", dice.up_to(260));
                let Some(other) = store.user_to_edit(TENANT, &other).await.unwrap() else { continue };
                if other.user.user_id == id {
                    continue;
                }
                let mut after = seen.user.clone();
                after.identities.extend(other.user.identities.clone());
                store.commit(store.link_batch(TENANT, &seen, &after, &other).unwrap()).await.unwrap();
            }
            5 => {
                let mut after = store.user(TENANT, &id).await.unwrap().unwrap();
                changed(dice, &mut after);
                store.update_user(TENANT, &after).await.unwrap();
            }
            _ => {
                let mut after = seen.user.clone();
                changed(dice, &mut after);
                after.updated_at = "2027-01-01T00:00:00.000Z".to_owned();
                store.commit(store.edit_user_batch(TENANT, &seen, &after).unwrap()).await.unwrap();
            }
        }
    }
}

fn term(dice: &mut Dice) -> String {
    let field = dice.of(&FIELDS);
    let name = dice.of(&[
        "Jane",
        "jane",
        "john",
        "a1",
        "b2",
        "example.com",
        "db",
        "other",
        "u9",
        "j\0n",
        "σίσυφος",
        "Ünal",
    ]);
    match dice.up_to(14) {
        0 | 1 => format!("{field}:\"{name}\""),
        2 => format!("{field}:{name}*"),
        3 => format!("{field}:*{}*", dice.of(&["ane", "example", "oth"])),
        4 => format!("{field}:[\"{name}\" TO *]"),
        5 => format!("_exists_:{field}"),
        6 => dice
            .of(&["blocked:true", "blocked:false", "email_verified:false", "email_verified:true"])
            .to_owned(),
        7 => dice
            .of(&["logins_count:[1 TO 3]", "logins_count:>1", "last_login:[2024 TO *]", "last_ip:192.0.2.9"])
            .to_owned(),
        8 => dice
            .of(&["created_at:[2024-10-03 TO 2024-10-05}", "updated_at:[2026 TO *]", "updated_at:2024-10"])
            .to_owned(),
        9 => dice
            .of(&["user_id:auth0|00*", "user_id:\"auth0|017\"", "user_id:{auth0|100 TO auth0|120]"])
            .to_owned(),
        10 => "organization_id:org_a".to_owned(),
        11 => format!("given_name:\"{}\"", "x".repeat(98 + dice.up_to(5))),
        12 => dice
            .of(&["user_metadata.color:Jane", "app_metadata.n:[1 TO 2]", "app_metadata.tags.of:x"])
            .to_owned(),
        _ => name.replace('\0', ""),
    }
}

fn query(dice: &mut Dice) -> String {
    let sign = dice.of(&[" AND ", " OR ", " ", " AND NOT ", " -"]);
    let terms: Vec<String> = (0..=dice.up_to(3)).map(|_| term(dice)).collect();
    let all = terms.join(sign);
    if dice.up_to(4) == 0 { format!("NOT ({all})") } else { all }
}

/// Every user with the document that is shown.
async fn everybody(store: &Store) -> Vec<(User, Value)> {
    let members: Vec<String> = store
        .db()
        .query("SELECT user_id FROM organization_members WHERE tenant = $1", vec![TENANT.into()])
        .await
        .unwrap();
    let users = store.users_page(TENANT, UserOrder::CreatedAscending, 0, 1000).await.unwrap();
    users
        .into_iter()
        .map(|user| {
            let mut shown = serde_json::to_value(&user).unwrap();
            if members.contains(&user.user_id) {
                shown["organization_id"] = json!("org_a");
            }
            (user, shown)
        })
        .collect()
}

fn looked_for<'a>(all: &'a [(User, Value)], query: &Query, sort: UserSort<'_>) -> Vec<&'a str> {
    let mut fitting: Vec<_> = all.iter().filter(|(_, shown)| query.fits(shown)).collect();
    let key = |(user, _): &&(User, Value)| (user.created_at.clone(), user.user_id.clone());
    let value = |(_, shown): &&(User, Value)| match sort.field {
        "created_at" => Some(String::new()),
        field => order_of(shown, field),
    };
    fitting.sort_by(|a, b| match (value(a), value(b)) {
        (Some(x), Some(y)) if sort.field == "user_id" => {
            let order = a.0.user_id.cmp(&b.0.user_id).then(x.cmp(&y));
            if sort.descending { order.reverse() } else { order }
        }
        (Some(x), Some(y)) if sort.descending => (y, key(b)).cmp(&(x, key(a))),
        (Some(x), Some(y)) => (x, key(a)).cmp(&(y, key(b))),
        (None, None) => key(a).cmp(&key(b)),
        (x, y) => y.is_some().cmp(&x.is_some()),
    });
    fitting.into_iter().map(|(user, _)| user.user_id.as_str()).collect()
}

#[tokio::test]
async fn finds_what_looking_at_everybody_finds() {
    let tight = SearchBounds {
        few: 10,
        many: 60,
        read: 20,
        scanned: 300,
        totalled: 0,
        counted: 5,
        ..Default::default()
    };
    for f in engines().await {
        let mut dice = Dice(7);
        populate(&f.store, &mut dice).await;
        let all = everybody(&f.store).await;
        assert!(all.len() > 150);
        let mut found_some = 0;
        for n in 0..600 {
            let q = query(&mut dice);
            let parsed = parse(&q, Dialect::Users).unwrap_or_else(|refused| panic!("{q}: {refused}"));
            let field = dice.of(&[
                "created_at",
                "created_at",
                "user_id",
                "email",
                "name",
                "last_login",
                "logins_count",
                "nickname",
            ]);
            assert!(is_sortable(field));
            let sort = UserSort { field, descending: dice.up_to(2) == 0 };
            let (start, limit) = (dice.up_to(4) * 7, 1 + dice.up_to(40));
            let bounds = if n % 2 == 0 { SearchBounds::default() } else { tight };
            let search = UserSearch { query: &parsed, sort, start, limit, totals: true, now_ms: 0, bounds };
            let found = match f.store.search_users(TENANT, &search).await {
                Err(Error::TooBroad) if n % 2 == 1 => continue,
                found => found.unwrap(),
            };
            let ids: Vec<&str> = found.users.iter().map(|user| user.user_id.as_str()).collect();
            let wanted = looked_for(&all, &parsed, sort);
            let page: Vec<&str> = wanted.iter().copied().skip(start).take(limit).collect();
            assert_eq!(ids, page, "{}: {q} {sort:?} {start} {limit} {bounds:?}", f.engine);
            if n % 2 == 0 {
                assert_eq!(found.total, i64::try_from(wanted.len()).unwrap(), "{}: {q}", f.engine);
            } else {
                assert!(usize::try_from(found.total).unwrap() >= ids.len());
            }
            found_some += usize::from(!ids.is_empty());
        }
        assert!(found_some > 100, "the queries are about these users: {found_some}");
        for user in &all {
            f.store.delete_user(TENANT, &user.0.user_id).await.unwrap();
        }
        assert_eq!(rows(&f.store, "user_terms", TENANT).await, 0, "{}: nothing is left", f.engine);
    }
}

#[tokio::test]
async fn what_is_too_broad_says_so() {
    for f in engines().await {
        for n in 0..30 {
            f.store
                .create_user(TENANT, &new_user(&format!("auth0|{n}"), &format!("{n}@example.com")))
                .await
                .unwrap();
        }
        let bounds = SearchBounds { looked: 40, ..Default::default() };
        let query = parse("locale:en", Dialect::Users).unwrap();
        let search = UserSearch {
            query: &query,
            sort: UserSort::CREATED,
            start: 0,
            limit: 5,
            totals: false,
            now_ms: 0,
            bounds,
        };
        // All fit on one step of the walk: the end is seen.
        assert!(f.store.search_users(TENANT, &search).await.unwrap().users.is_empty());
        for n in 30..200 {
            f.store
                .create_user(TENANT, &new_user(&format!("auth0|{n}"), &format!("{n}@example.com")))
                .await
                .unwrap();
        }
        assert!(matches!(f.store.search_users(TENANT, &search).await, Err(Error::TooBroad)), "{}", f.engine);
    }
}

/// Users of a release that had no index.
#[tokio::test]
async fn older_users_are_put_into_the_index() {
    for f in engines().await {
        for n in 0..3 {
            f.store
                .create_user(TENANT, &new_user(&format!("auth0|{n}"), &format!("{n}@example.com")))
                .await
                .unwrap();
        }
        f.store.record_login(TENANT, "auth0|1", "192.0.2.1", NOW).await.unwrap();
        let dump = "SELECT user_id, field, value, at FROM user_terms WHERE tenant = $1 ORDER BY user_id, field, value";
        let dumped = async || -> Vec<(String, String, String, i64)> {
            f.store.db().query(dump, vec![TENANT.into()]).await.unwrap()
        };
        let before = dumped().await;
        assert!(before.len() > 15);
        f.store
            .db()
            .script("DELETE FROM user_terms; INSERT INTO unindexed_users SELECT tenant, id FROM users")
            .await
            .unwrap();
        assert_eq!(f.store.index_users().await.unwrap(), 3);
        assert_eq!(f.store.index_users().await.unwrap(), 0);
        assert_eq!(dumped().await, before, "{}", f.engine);
    }
}
