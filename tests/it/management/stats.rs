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
