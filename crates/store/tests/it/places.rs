//! Searching among members of an organization and users of a role: what is found is what looking at each of them finds.

use std::time::{Duration, Instant};

use chancery_core::search::{Dialect, Query, parse};
use chancery_db::Batch;
use chancery_store::{Error, Place, SearchBounds};

use crate::fixture::{Fixture, TENANT, engines, new_user};

fn query(text: &str) -> Query {
    parse(text, Dialect::Users).unwrap()
}

async fn page(
    f: &Fixture,
    place: Place<'_>,
    q: &str,
    part: (&str, usize),
    bounds: SearchBounds,
) -> (Vec<String>, bool) {
    let found = f.store.search_place(TENANT, place, &query(q), part, bounds).await.unwrap();
    (found.users.into_iter().map(|user| user.user_id).collect(), found.is_more)
}

#[tokio::test]
async fn whoever_fits_page_by_page() {
    for f in engines().await {
        let own = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let mut members = Vec::new();
        for n in 0..40 {
            let id = format!("auth0|{n:02}");
            let mut user =
                new_user(&id, &format!("{}{n}@x.example", if n % 2 == 0 { "even" } else { "odd" }));
            user.user.name = (n % 5 != 0).then(|| format!("Person {n}"));
            f.store.create_user(TENANT, &user).await.unwrap();
            if n % 4 < 2 {
                members.push(id.clone());
                f.store.assign_roles(TENANT, &id, &own(&["rol_a"])).await.unwrap();
            }
        }
        f.store.commit(f.store.add_members(TENANT, "org_a", &members)).await.unwrap();
        f.store.commit(f.store.add_members(TENANT, "org_b", &own(&["auth0|02"]))).await.unwrap();
        // The whole place at once, by the index, and by a walk.
        let small = SearchBounds::default();
        let by_index = SearchBounds { few: 3, ..SearchBounds::default() };
        let walking = SearchBounds { few: 0, many: 0, ..SearchBounds::default() };
        for bounds in [small, by_index, walking] {
            for q in [
                "",
                "even*",
                "email:odd*",
                "name:\"person 4\"",
                "NOT _exists_:name",
                "*erson*",
                "email:even2@x.example",
                "nobody",
            ] {
                let mut expected = Vec::new();
                for id in &members {
                    let user = f.store.user(TENANT, id).await.unwrap().unwrap();
                    if query(q).fits(&serde_json::to_value(&user).unwrap()) {
                        expected.push(id.clone());
                    }
                }
                for place in [Place::Organization("org_a"), Place::Role("rol_a")] {
                    let (mut walked, mut after) = (Vec::new(), String::new());
                    loop {
                        let (part, is_more) = page(&f, place, q, (&after, 3), bounds).await;
                        assert!(part.len() == 3 || !is_more, "{}: {q}: a page is full", f.engine);
                        if let Some(last) = part.last() {
                            after.clone_from(last);
                        }
                        walked.extend(part);
                        if !is_more {
                            break;
                        }
                    }
                    assert_eq!(walked, expected, "{}: {q} in {place:?} within {bounds:?}", f.engine);
                }
            }
        }
        let nobody: (Vec<String>, bool) = (Vec::new(), false);
        for place in [Place::Organization("org_none"), Place::Role("rol_none"), Place::Role("org_a")] {
            assert_eq!(page(&f, place, "", ("", 5), small).await, nobody);
        }
        assert_eq!(page(&f, Place::Organization("org_a"), "", ("auth0|\0", 1), small).await.0, ["auth0|00"]);
        let elsewhere =
            f.store.search_place("t2", Place::Organization("org_a"), &query(""), ("", 5), small).await;
        assert!(elsewhere.unwrap().users.is_empty());
        // What no index helps ends at a bound.
        let bounds = SearchBounds { looked: 5, ..walking };
        let refused = f
            .store
            .search_place(TENANT, Place::Role("rol_a"), &query("NOT _exists_:email"), ("", 5), bounds)
            .await;
        assert!(matches!(refused, Err(Error::TooBroad)), "{}: {refused:?}", f.engine);
    }
}

/// A hundred thousand users who are all in one organization and all have one role. Prints what a page costs:
/// `cargo test --workspace --test it -- --ignored --nocapture places`.
#[tokio::test]
#[ignore = "measures"]
async fn a_hundred_thousand_in_one_place() {
    for f in engines().await {
        let numbers =
            "WITH RECURSIVE n (i) AS (SELECT 100000 UNION ALL SELECT i + 1 FROM n WHERE i < 199999)";
        let document = "'{\"user_id\":\"auth0|' || i || '\",\"email\":\"u' || i || '@x.example\",\"name\":\"Person ' || i || '\",\"identities\":[]}'";
        let term = |field: &str, value: &str| {
            (
                "user_terms (tenant, field, value, at, user_id)".to_owned(),
                format!("'t1', '{field}', {value}, i, 'auth0|' || i"),
            )
        };
        let tables = [
            (
                "users (tenant, id, connection, email, created_ms, updated_ms, logins_count, doc)".to_owned(),
                format!("'t1', 'auth0|' || i, 'c', 'u' || i || '@x.example', i, i, 0, {document}"),
            ),
            term("email", "'u' || i || '@x.example'"),
            term("name", "'person ' || i"),
            ("user_roles (tenant, user_id, role_id)".to_owned(), "'t1', 'auth0|' || i, 'rol_a'".to_owned()),
            (
                "organization_members (tenant, organization_id, user_id)".to_owned(),
                "'t1', 'org_a', 'auth0|' || i".to_owned(),
            ),
        ];
        let batch = tables.iter().fold(Batch::default(), |batch, (table, values)| {
            batch.run(format!("{numbers} INSERT INTO {table} SELECT {values} FROM n"), Vec::new())
        });
        f.store.commit(batch.run("ANALYZE", Vec::new())).await.unwrap();
        for (name, q, after) in [
            ("no search, first page", "", ""),
            ("no search, in the middle", "", "auth0|150000"),
            ("an address", "email:u150000@x.example", ""),
            ("beginning of an address, ten fit", "email:u15000*", ""),
            ("beginning of a name, a hundred fit", "name:person\\ 1500*", ""),
            ("beginning of a name, all fit", "person*", ""),
            ("a word, nobody fits", "nobody*", ""),
            ("in the middle of an address, ten fit", "email:*15000*", ""),
        ] {
            for place in [Place::Organization("org_a"), Place::Role("rol_a")] {
                let mut times = Vec::new();
                for _ in 0..9 {
                    let start = Instant::now();
                    let found = f
                        .store
                        .search_place(TENANT, place, &query(q), (after, 50), SearchBounds::default())
                        .await
                        .unwrap();
                    times.push(start.elapsed());
                    assert_eq!(found.users.is_empty(), q == "nobody*", "{q}");
                }
                times.sort_unstable();
                println!("{}: {name}, {place:?}: {:?} at least, {:?} median", f.engine, times[0], times[4]);
                assert!(times[0] < Duration::from_millis(300), "{}: {name}: {times:?}", f.engine);
            }
        }
    }
}
