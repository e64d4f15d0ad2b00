//! `/stats`.

use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn days_on_which_somebody_signed_in() {
    for app in engines().await {
        assert_eq!(app.manage("GET", "/stats/daily", Value::Null).await, json!([]));
        app.sign_in("openid").await;
        app.clock.advance(86_400);
        app.sign_in("openid").await;
        app.sign_in("openid").await;
        let days = app.manage("GET", "/stats/daily", Value::Null).await;
        let logins: Vec<_> =
            days.as_array().unwrap().iter().map(|day| day["logins"].as_i64().unwrap()).collect();
        assert_eq!(logins, [1, 2], "{}: {days}", app.engine);
        let day = days[1]["date"].as_str().unwrap()[..10].replace('-', "");
        let one = app.manage("GET", &format!("/stats/daily?from={day}&to={day}"), Value::Null).await;
        assert_eq!(one, json!([days[1]]));
        for bad in ["from=2024-01-01", "from=20241301", "to=x", "from=20240102&to=20240101"] {
            app.api("GET", &format!("/stats/daily?{bad}"), Value::Null).await.expect(400);
        }
    }
}

/// A second count beside the log would be one more write for every token: days are counted from the log, and kept once they
/// are over.
#[tokio::test]
async fn tokens_of_each_day() {
    for app in engines().await {
        let counts = async |token: &str| -> Vec<i64> {
            let found = app.own_as(token, "GET", "/stats/tokens", &Value::Null).await.expect(200).json();
            let days = found["days"].as_array().unwrap();
            assert_eq!(days.len(), 14);
            days.iter().map(|day| day["tokens"].as_i64().unwrap()).collect()
        };
        let token = app.management_token().await;
        // The administrator's own token is one, too.
        assert_eq!(counts(&token).await[13], 1, "{}", app.engine);
        app.sign_in("openid").await;
        app.sign_in("openid").await;
        assert_eq!(counts(&token).await[12..], [0, 3]);
        app.clock.advance(2 * 86_400);
        let token = app.management_token().await;
        // The second time, two of the days are remembered.
        for _ in 0..2 {
            assert_eq!(counts(&token).await[10..], [0, 3, 0, 1]);
        }
        for bad in ["from=2024-01-01", "from=20240102&to=20240101", "from=20240101&to=20240201"] {
            app.own_as(&token, "GET", &format!("/stats/tokens?{bad}"), &Value::Null).await.expect(400);
        }
    }
}
