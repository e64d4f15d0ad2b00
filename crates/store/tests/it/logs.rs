use chancery_core::{ids, records::LogEvent};
use chancery_store::LogWalk;

use crate::fixture::{NOW, RNG, TENANT, engines, lines, rows};

fn event(n: i64) -> LogEvent {
    LogEvent {
        log_id: ids::time_ordered(&RNG, NOW * 1000 + n),
        date: chancery_core::iso::format_ms(NOW * 1000 + n),
        kind: "s".to_owned(),
        user_id: Some(format!("u{}\0", n % 2)),
        user_name: Some("typed \0 something".to_owned()),
        description: Some(n.to_string()),
        ..LogEvent::default()
    }
}

#[tokio::test]
async fn events_are_read_from_either_end() {
    for f in engines().await {
        f.store.append_logs(TENANT, &lines(&[])).await.unwrap();
        let events: Vec<_> = (0..5).map(event).collect();
        f.store.append_logs(TENANT, &lines(&[events[2].clone(), events[0].clone()])).await.unwrap();
        f.store
            .append_logs(TENANT, &lines(&[events[1].clone(), events[4].clone(), events[3].clone()]))
            .await
            .unwrap();
        assert_eq!(f.store.logs_count(TENANT).await.unwrap(), 5);
        let names = |events: Vec<LogEvent>| {
            events.into_iter().filter_map(|e| e.description).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(f.store.logs_page(TENANT, 0, 9).await.unwrap()), "4 3 2 1 0", "{}", f.engine);
        assert_eq!(names(f.store.logs_page(TENANT, 1, 2).await.unwrap()), "3 2");
        assert_eq!(names(f.store.logs_after(TENANT, "", 2).await.unwrap()), "0 1");
        assert_eq!(names(f.store.logs_after(TENANT, &events[1].log_id, 9).await.unwrap()), "2 3 4");
        assert_eq!(names(f.store.logs_of_user(TENANT, "u1", 0, 9).await.unwrap()), "3 1");
        assert_eq!(f.store.log(TENANT, &events[3].log_id).await.unwrap().as_ref(), Some(&events[3]));
        assert_eq!(f.store.log(TENANT, "none\0").await.unwrap(), None);
    }
}

/// Thousands a second: in blocks, which readers do not see.
#[tokio::test]
async fn many_events_lie_in_blocks() {
    for f in engines().await {
        let machine = |n: i64| LogEvent { user_id: None, ..event(n) };
        // Every tenth names a user. The batches overlap, as those of two nodes do, and one spans more than a second.
        let of_someone = |n: i64| LogEvent { user_id: Some(format!("u{}\0", n / 10 % 2)), ..event(n) };
        let all: Vec<_> = (0..1500).map(|n| if n % 10 == 0 { of_someone(n) } else { machine(n) }).collect();
        let (even, odd): (Vec<_>, Vec<_>) = all.iter().cloned().enumerate().partition(|(n, _)| n % 2 == 0);
        for part in [even, odd] {
            let part: Vec<_> = part.into_iter().map(|(_, event)| event).collect();
            f.store.append_logs(TENANT, &lines(&part)).await.unwrap();
        }
        assert_eq!(f.store.logs_count(TENANT).await.unwrap(), 1500, "{}", f.engine);
        assert!(rows(&f.store, "log_blocks", TENANT).await < 20, "{}", f.engine);
        for (offset, limit) in [(0, 1), (0, 50), (37, 100), (1450, 100), (1500, 5), (0, 0)] {
            let page = f.store.logs_page(TENANT, offset, limit).await.unwrap();
            let expected = all.iter().rev().skip(offset as usize).take(limit as usize);
            assert!(page.iter().eq(expected), "{} {offset} {limit}", f.engine);
        }
        // A few as rows, of the same user, newer and older than the blocks.
        let few: Vec<_> = [-8, 1600].map(event).into();
        f.store.append_logs(TENANT, &lines(&few)).await.unwrap();
        for user in ["u0", "u1"] {
            let of_user = |event: &&LogEvent| event.user_id.as_deref() == Some(&format!("{user}\0"));
            let expected: Vec<_> =
                few[..1].iter().chain(&all).chain(&few[1..]).filter(of_user).cloned().rev().collect();
            for (offset, limit) in [(0, 50), (3, 20), (100, 100), (0, 1000)] {
                let page = f.store.logs_of_user(TENANT, user, offset, limit).await.unwrap();
                let expected = expected.iter().skip(offset as usize).take(limit as usize);
                assert!(page.iter().eq(expected), "{} {user} {offset} {limit}", f.engine);
            }
        }
        assert!(f.store.logs_of_user("other", "u0", 0, 9).await.unwrap().is_empty());
        f.store.sweep(NOW, NOW).await.unwrap();
        assert_eq!(f.store.logs_count(TENANT).await.unwrap(), 1501, "{}: -8 was before", f.engine);
        let all: Vec<_> = all.into_iter().chain(few.into_iter().skip(1)).collect();
        let mut from = String::new();
        let mut walked = Vec::new();
        loop {
            let page = f.store.logs_after(TENANT, &from, 77).await.unwrap();
            let Some(last) = page.last() else { break };
            from.clone_from(&last.log_id);
            walked.extend(page);
        }
        assert!(walked == all, "{}: every event once, in order", f.engine);
        for oldest_first in [true, false] {
            for user in [None, Some("u1")] {
                let (from_ms, to_ms) = (NOW * 1000 + 100, NOW * 1000 + 1400);
                let mut walk = LogWalk::new(oldest_first);
                (walk.from_ms, walk.to_ms, walk.user) = (from_ms, to_ms, user.map(str::to_owned));
                let mut walked = Vec::new();
                loop {
                    let part = f.store.logs_along(TENANT, &mut walk).await.unwrap();
                    if part.is_empty() {
                        break;
                    }
                    walked.extend(part);
                }
                // Oldest first it says who is looked for, and goes through all.
                let is_wanted = |event: &&LogEvent| {
                    user.is_none() || oldest_first || event.user_id.as_deref() == Some("u1\0")
                };
                let mut wanted: Vec<_> = all[100..=1400].iter().filter(is_wanted).cloned().collect();
                if !oldest_first {
                    wanted.reverse();
                }
                assert!(walked == wanted, "{}: {oldest_first} {user:?}", f.engine);
            }
        }
        for n in [0, 1, 2, 777, 1499] {
            assert_eq!(f.store.log(TENANT, &all[n].log_id).await.unwrap().as_ref(), Some(&all[n]));
        }
        assert_eq!(f.store.log(TENANT, &ids::time_ordered(&RNG, NOW * 1000 + 5)).await.unwrap(), None);
        assert_eq!(f.store.log("other", &all[1].log_id).await.unwrap(), None);
        f.store.sweep(NOW, NOW + 100).await.unwrap();
        while f.store.sweep(NOW, NOW + 100).await.unwrap() == chancery_store::Swept::Partly {}
        assert_eq!(f.store.logs_count(TENANT).await.unwrap(), 0);
        assert_eq!(rows(&f.store, "log_block_users", TENANT).await, 0);
    }
}

/// Logins and sign-ups, whether events are rows or lie in blocks; what names nobody is not looked at.
#[tokio::test]
async fn days_are_counted() {
    const DAY: i64 = 86_400_000;
    let at = |ms: i64, kind: &str, user: Option<&str>| LogEvent {
        log_id: ids::time_ordered(&RNG, ms),
        date: chancery_core::iso::format_ms(ms),
        kind: kind.to_owned(),
        user_id: user.map(str::to_owned),
        ..LogEvent::default()
    };
    for f in engines().await {
        let first = (NOW * 1000).div_euclid(DAY) * DAY;
        // A block that reaches from the day before into the first one.
        let block: Vec<_> = (0..600).map(|n| at(first - 300 + n, "s", Some("u"))).collect();
        f.store.append_logs(TENANT, &lines(&block)).await.unwrap();
        let machines: Vec<_> = (0..100).map(|n| at(first + 5000 + n, "seccft", None)).collect();
        f.store.append_logs(TENANT, &lines(&machines)).await.unwrap();
        let rows = [
            at(first + DAY, "ss", Some("v")),
            at(first + DAY + 7, "sepft", Some("v")),
            at(first + DAY + 9, "f", Some("v")),
            at(first + DAY + 9, "s", None),
            at(first + 2 * DAY, "s", Some("v")),
        ];
        f.store.append_logs(TENANT, &lines(&rows)).await.unwrap();
        let found = f.store.daily(TENANT, first, first + 2 * DAY).await.unwrap();
        let numbers: Vec<_> = found
            .iter()
            .map(|(day, n)| (day * DAY - first, n.logins, n.signups, n.first_ms, n.last_ms))
            .collect();
        let wanted = [(0, 300, 0, first, first + 299), (DAY, 1, 1, first + DAY, first + DAY + 7)];
        assert_eq!(numbers, wanted, "{}", f.engine);
        assert!(f.store.daily("other", first, first + DAY).await.unwrap().is_empty());

        // Tokens: those of machines too. What is counted of a day that is over is kept; today is counted anew.
        let day = first.div_euclid(DAY);
        let now = first + DAY + 3_600_000;
        let tokens = async |tenant| {
            let found = f.store.tokens_per_day(tenant, day - 1..=day + 1, now).await.unwrap();
            found.into_values().collect::<Vec<_>>()
        };
        assert_eq!(tokens(TENANT).await, [Some(0), Some(100), Some(1)], "{}", f.engine);
        let more = [
            at(first + 1, "seccft", None),
            at(first + DAY + 11, "sertft", Some("v")),
            at(first + DAY + 12, "sede", Some("v")),
        ];
        f.store.append_logs(TENANT, &lines(&more)).await.unwrap();
        assert_eq!(tokens(TENANT).await, [Some(0), Some(100), Some(3)], "{}", f.engine);
        assert_eq!(tokens("other").await, [Some(0); 3]);
    }
}
