//! `/api/chancery/v1/explain`: why a token has a scope or not.

mod agrees;
mod both_ways;
mod measured;
mod past;
mod unused;
mod what_if;

use serde_json::{Value, json};

use crate::support::*;

impl TestApp {
    /// A call of an operation of our own; `path` begins behind `/api/chancery/v1`.
    pub(crate) async fn own_as(&self, token: &str, method: &str, path: &str, body: &Value) -> Answer {
        let call = Call::new(method, &format!("/api/chancery/v1{path}")).bearer(token);
        self.send(if body.is_null() { call } else { call.json(body) }).await
    }

    pub(crate) async fn own(&self, method: &str, path: &str, body: &Value) -> Answer {
        let token = self.management_token().await;
        self.own_as(&token, method, path, body).await
    }

    /// What a request of Demo Web for the demo API would come to.
    async fn what_if(&self, scope: &str, more: &Value) -> Value {
        let mut body = json!({"client_id": self.clients.web.client_id, "audience": API, "scope": scope});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.own("POST", "/explain", &body).await.expect(200).json()
    }
}

impl TestApp {
    /// What the demo API would give a user through Demo Web.
    pub(crate) async fn what_if_of(&self, user_id: &str, scope: &str) -> Value {
        self.what_if(scope, &json!({"user_id": user_id})).await
    }

    /// Who holds a scope of the demo API.
    pub(crate) async fn holders_of(&self, scope: &str) -> Value {
        let path = format!("/explain/users?audience={}&scope={}", encode_segment(API), encode_segment(scope));
        self.own("GET", &path, &Value::Null).await.expect(200).json()
    }
}

fn encode_segment(text: &str) -> String {
    text.replace(':', "%3A").replace('/', "%2F")
}

/// What is told of one scope.
#[track_caller]
fn scope<'a>(told: &'a Value, name: &str) -> &'a Value {
    let found = told["scopes"].as_array().unwrap().iter().find(|scope| scope["scope"] == name);
    found.unwrap_or_else(|| panic!("nothing is told of {name}: {told:#}"))
}

/// The codes of its chain, with a mark before those that stand against it.
#[track_caller]
fn chain(told: &Value, name: &str) -> Vec<String> {
    let links = scope(told, name)["reasons"].as_array().unwrap();
    let said = |link: &Value| {
        let mark = if link["passes"] == true { "" } else { "!" };
        format!("{mark}{}:{}", link["step"].as_str().unwrap(), link["code"].as_str().unwrap())
    };
    links.iter().map(said).collect()
}

/// What would have to change about it.
#[track_caller]
fn fixes(told: &Value, name: &str) -> Vec<Value> {
    let links = scope(told, name)["reasons"].as_array().unwrap();
    links.iter().filter(|link| link["passes"] == false).map(|link| link["fix"].clone()).collect()
}
