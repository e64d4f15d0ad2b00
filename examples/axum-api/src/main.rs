//! An API that accepts calls by the scopes of the access token.
//!
//! ```text
//! GET    /contacts       needs read:contacts
//! DELETE /contacts/{id}  needs delete:contacts
//! ```

mod token;

use std::collections::BTreeMap;
use std::env;
use std::sync::Arc;

use axum::extract::{FromRef, Path, State};
use axum::routing::{delete, get};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use token::{AccessToken, Refusal, Verifier};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let setting = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let issuer = setting("ISSUER", "http://localhost:4000/");
    let audience = setting("AUDIENCE", "https://contacts.example/api");
    let port: u16 = setting("PORT", "3002").parse()?;

    let names = [("1", "Ada Lovelace"), ("2", "Grace Hopper")];
    let contacts = names.map(|(id, name)| (id.to_owned(), name.to_owned())).into();
    let api = Api {
        verifier: Arc::new(Verifier::discover(&issuer, &audience).await?),
        contacts: Arc::new(Mutex::new(contacts)),
    };
    let routes =
        Router::new().route("/contacts", get(list)).route("/contacts/{id}", delete(remove)).with_state(api);

    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, routes).await?)
}

/// A handler that takes an [`AccessToken`] runs only where the request carries a good one.
async fn list(token: AccessToken, State(contacts): State<Contacts>) -> Result<Json<Value>, Refusal> {
    token.require("read:contacts")?;
    let contacts = contacts.lock().await;
    Ok(Json(contacts.iter().map(|(id, name)| json!({"id": id, "name": name})).collect()))
}

async fn remove(
    token: AccessToken,
    State(contacts): State<Contacts>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    token.require("delete:contacts")?;
    let deleted = contacts.lock().await.remove(&id).is_some();
    Ok(Json(json!({"deleted": deleted})))
}

type Contacts = Arc<Mutex<BTreeMap<String, String>>>;

#[derive(Clone, FromRef)]
struct Api {
    verifier: Arc<Verifier>,
    contacts: Contacts,
}
