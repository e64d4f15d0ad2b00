use chancery_core::{ids, records::LogEvent};

use crate::fixture::{NOW, RNG, TENANT, engines};

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
        f.store.append_logs(TENANT, &[]).await.unwrap();
        let events: Vec<_> = (0..5).map(event).collect();
        f.store.append_logs(TENANT, &[events[2].clone(), events[0].clone()]).await.unwrap();
        f.store
            .append_logs(TENANT, &[events[1].clone(), events[4].clone(), events[3].clone()])
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
