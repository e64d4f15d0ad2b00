//! Thousands of requests made at random from the shapes: no answer is a 5xx, and what was stored can be read again.

use chancery_management::shape::{Format, Range, Shape};
use chancery_management::{Operation, operations};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::support::*;

/// splitmix64: the same requests in every run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let at = self.below(from.len());
        &from[at]
    }

    /// A value that mostly has the shape.
    fn value(&mut self, shape: &Shape, ids: &[String]) -> Value {
        if self.one_in(40) {
            return self
                .pick(&[
                    json!(null),
                    json!(""),
                    json!([]),
                    json!({}),
                    json!(-1),
                    json!("\u{0}"),
                    json!(1e300),
                ])
                .clone();
        }
        match shape {
            Shape::Any => json!({"any": self.below(9)}),
            Shape::Bool => json!(self.one_in(2)),
            Shape::Literal(only) => json!(only),
            Shape::Int(range) | Shape::Number(range) => json!(self.within(range, 100)),
            Shape::Text(range, format) => json!(self.text(range, *format, ids)),
            Shape::Choice(words) => json!(self.pick(words)),
            Shape::List(item, range) => {
                let length = usize::try_from(self.within(range, 3)).unwrap().min(5);
                (0..length).map(|_| self.value(item, ids)).collect()
            }
            Shape::Object(object) => {
                let mut members = Map::new();
                for member in &object.members {
                    if member.needed || self.one_in(4) {
                        members.insert(member.name.clone(), self.value(&member.shape, ids));
                    }
                }
                Value::Object(members)
            }
            Shape::OneOf(shapes) => {
                let shape = self.pick(shapes).clone();
                self.value(&shape, ids)
            }
            Shape::Nullable(_) if self.one_in(5) => Value::Null,
            Shape::Nullable(inner) => self.value(inner, ids),
        }
    }

    fn within(&mut self, range: &Range, most: i64) -> i64 {
        let min = range.min.unwrap_or(0);
        let max = range.max.unwrap_or(min + most).max(min);
        let width = usize::try_from((max - min).min(1_000_000)).unwrap();
        min + i64::try_from(self.below(width + 1)).unwrap()
    }

    fn text(&mut self, range: &Range, format: Option<Format>, ids: &[String]) -> String {
        let number = self.below(50);
        match format {
            Some(Format::Email | Format::EmailOrEmpty) => format!("u{number}@example.com"),
            Some(
                Format::Uri | Format::Url | Format::UriOrEmpty | Format::HttpsOrEmpty | Format::CallbackUrl,
            ) => {
                format!("https://app{number}.example/")
            }
            Some(Format::ConnectionName) => format!("Connection-{number}"),
            Some(Format::Phone) => format!("+4915{number}"),
            Some(Format::DateTime) => "2030-01-01T00:00:00.000Z".to_owned(),
            Some(Format::Kid) => format!("kid-0123456789-{number}"),
            None | Some(_) if self.one_in(2) && !ids.is_empty() => self.pick(ids).clone(),
            None | Some(_) => {
                let length = usize::try_from(self.within(range, 12)).unwrap().min(40);
                let words =
                    ["read:contacts", API, "ä\u{1F600}", "%00", "' OR 1=1 --", "Correct-Horse-7", CONNECTION];
                let word = *self.pick(&words);
                word.chars().cycle().take(length.max(1)).collect()
            }
        }
    }
}

/// Ids of what there is, found anywhere in an answer.
fn collect(value: &Value, ids: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(id) if name.ends_with("id") && ids.len() < 400 => ids.push(id.clone()),
                    other => collect(other, ids),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, ids)),
        _ => {}
    }
}

fn path(operation: &Operation, dice: &mut Dice, ids: &[String]) -> String {
    let parts = operation.path.split('/').map(|part| match part.strip_prefix('{') {
        Some(_) if dice.one_in(20) => "%00".to_owned(),
        Some(_) => encode(&[("", dice.pick::<String>(ids).as_str())])[1..].replace('+', "%20"),
        None => part.to_owned(),
    });
    let path = parts.collect::<Vec<_>>().join("/");
    let Some(query) = operation.query().filter(|_| dice.one_in(2)) else { return path };
    let Value::Object(members) = dice.value(query, ids) else { return path };
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pairs: Vec<(String, String)> = members.into_iter().map(|(name, value)| (name, text(value))).collect();
    let pairs: Vec<(&str, &str)> =
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    format!("{path}?{}", encode(&pairs))
}

#[tokio::test]
async fn never_a_server_error() {
    for app in engines().await {
        run(&app, 3_000).await;
    }
}

async fn run(app: &TestApp, requests: usize) {
    let own = app.clients.management.client_id.clone();
    let built: Vec<Operation> = operations()
        .into_iter()
        // Making RSA keys is slow, and says nothing about requests.
        .filter(|operation| operation.is_built() && !operation.path.starts_with("/keys/signing/"))
        .collect();
    let token = app.management_token().await;
    let grants = app.manage("GET", &format!("/client-grants?client_id={own}"), Value::Null).await;
    let own_grant = grants[0]["id"].as_str().unwrap().to_owned();
    let mut dice = Dice(7);
    let mut ids = vec![API.to_owned(), CONNECTION.to_owned(), app.jane().await];
    let mut good = 0;
    for number in 0..requests {
        let operation = dice.pick(&built).clone();
        let path = path(&operation, &mut dice, &ids);
        let body = operation.body().map(|shape| dice.value(shape, &ids));
        // The caller stays.
        if (path.contains(&own) || path.contains(&own_grant)) && operation.method != "GET" {
            continue;
        }
        let mut call = Call::new(operation.method.as_str(), &format!("/api/v2{path}")).bearer(&token);
        if let Some(body) = &body {
            call = call.json(body);
        }
        let answer = app.send(call).await;
        let said = || format!("{} #{number} {operation:?} {path} {body:?}: {answer:?}", app.engine);
        assert!(answer.status < StatusCode::INTERNAL_SERVER_ERROR, "{}", said());
        assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{}", said());
        if answer.status.is_success() {
            good += 1;
            if let Ok(body) = serde_json::from_str(&answer.body) {
                collect(&body, &mut ids);
            }
        }
    }
    assert!(good > requests / 10, "{}: only {good} of {requests} succeeded", app.engine);
    // Whatever was stored, the tenant can still be read whole and tokens can still be had.
    for collection in [
        "/clients",
        "/resource-servers",
        "/client-grants",
        "/roles",
        "/connections",
        "/users",
        "/tenants/settings",
    ] {
        app.manage("GET", collection, Value::Null).await;
    }
}
