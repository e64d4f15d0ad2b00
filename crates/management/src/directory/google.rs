//! Google Workspace: the Directory API of its Admin SDK, read page by page with the tokens of the connection.

use std::collections::HashMap;

use chancery_core::iso::parse_ms;
use chancery_core::model::Connection;
use chancery_web::{App, Ask, Post, Reply};
use form_urlencoded::Serializer;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

/// How Google lets us in.
pub(super) enum Way {
    /// A token that lasts, and whose it is.
    Refresh { client_id: String, client_secret: SecretString, token: SecretString },
    /// A token for an hour.
    Access(SecretString),
}

impl Way {
    /// The tokens of a connection; the error names the settings that are missing.
    pub(super) fn of(connection: &Connection, now_ms: i64) -> Result<Self, Vec<&'static str>> {
        let options = &connection.options;
        let text = |name: &str| {
            options.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let (id, secret) = (text("client_id"), text("client_secret"));
        if let Some(token) = text("admin_refresh_token") {
            let mut missing = Vec::new();
            for (name, value) in [("client_id", &id), ("client_secret", &secret)] {
                if value.is_none() {
                    missing.push(name);
                }
            }
            let (Some(client_id), Some(secret)) = (id, secret) else { return Err(missing) };
            return Ok(Self::Refresh { client_id, client_secret: secret.into(), token: token.into() });
        }
        let ends = text("admin_access_token_expiresin").and_then(|at| parse_ms(&at));
        match text("admin_access_token") {
            Some(token) if ends.is_none_or(|end| end > now_ms) => Ok(Self::Access(token.into())),
            _ => Err(vec!["admin_refresh_token"]),
        }
    }
}

/// The directory, open for reading.
pub(super) struct Google<'a> {
    app: &'a App,
    token: SecretString,
}

/// A list of the directory.
pub(super) struct List<'a> {
    /// Behind the address of the directory.
    pub(super) path: &'a str,
    /// The member of the answer.
    pub(super) member: &'static str,
    /// What else is asked for.
    pub(super) query: &'a [(&'a str, &'a str)],
}

/// Bytes of the longest page: 500 users with all that Google says of them.
const LARGEST: usize = 16 << 20;
const JSON: &str = "application/json";

impl<'a> Google<'a> {
    pub(super) async fn open(app: &'a App, way: Way) -> Result<Self, String> {
        let (client_id, client_secret, refresh) = match way {
            Way::Access(token) => return Ok(Self { app, token }),
            Way::Refresh { client_id, client_secret, token } => (client_id, client_secret, token),
        };
        let form = Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("client_id", &client_id)
            .append_pair("client_secret", client_secret.expose_secret())
            .append_pair("refresh_token", refresh.expose_secret())
            .finish();
        let url = app.config.services.google_token.as_str();
        let ask = Ask { post: Some(Post::Form(form.into())), ..Ask::json(url, 64 << 10) };
        let reply = app.fetcher.ask(ask).await;
        let reply = reply.map_err(|error| format!("Google's token endpoint could not be asked: {error}"))?;
        let said = json(&reply);
        match said.get("access_token").and_then(Value::as_str) {
            Some(token) if reply.status == 200 => Ok(Self { app, token: token.into() }),
            _ => Err(format!(
                "Google refused the refresh token with status {}{}",
                reply.status,
                quoted(said.get("error"))
            )),
        }
    }

    /// One page of a list, and the token of the next one.
    pub(super) async fn page(
        &self,
        list: &List<'_>,
        token: Option<&str>,
    ) -> Result<(Vec<Value>, Option<String>), String> {
        let more = token.map(|token| ("pageToken", token));
        let query =
            Serializer::new(String::new()).extend_pairs(list.query.iter().copied().chain(more)).finish();
        let base = &self.app.config.services.google_directory;
        let ask = Ask {
            url: &format!("{base}{}?{query}", list.path),
            authorization: Some(SecretString::from(format!("Bearer {}", self.token.expose_secret()))),
            post: None,
            accept: JSON,
            most: LARGEST,
        };
        let what = list.member;
        let reply = self.app.fetcher.ask(ask).await;
        let reply = reply.map_err(|error| format!("Google's list of {what} could not be read: {error}"))?;
        let mut said = json(&reply);
        if reply.status != 200 {
            let why = quoted(said.pointer("/error/message"));
            return Err(format!("Google refused the list of {what} with status {}{why}", reply.status));
        }
        let next = said.get("nextPageToken").and_then(Value::as_str).filter(|next| !next.is_empty());
        let next = next.map(str::to_owned);
        match said.get_mut(what).map(Value::take) {
            Some(Value::Array(items)) => Ok((items, next)),
            // An empty list is not said.
            None if said.get("kind").is_some() => Ok((Vec::new(), next)),
            _ => Err(format!("Google's list of {what} is none")),
        }
    }
}

fn json(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or_default()
}

/// Google's words, as far as they fit.
fn quoted(words: Option<&Value>) -> String {
    let words: String = words
        .and_then(Value::as_str)
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect();
    if words.is_empty() { words } else { format!(": {words}") }
}

/// A text member.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What an attribute of a user is: `name.givenName` is a member within a member.
pub(super) fn attribute<'a>(user: &'a Value, path: &str) -> Option<&'a Value> {
    let found = path.split('.').try_fold(user, |value, name| value.get(name))?;
    if found.is_null() { None } else { Some(found) }
}

/// Groups by the names that they get here: those that have one name tell themselves apart by their address.
pub(super) fn names(groups: &[Value]) -> HashMap<String, String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for group in groups {
        *counts.entry(text(group, "name")).or_default() += 1;
    }
    let name = |group: &Value| {
        let (name, email) = (text(group, "name"), text(group, "email"));
        let is_alone = counts.get(name) == Some(&1) && !name.is_empty();
        let full = if is_alone { name.to_owned() } else { format!("{name} ({email})") };
        full.chars().filter(|c| !c.is_control()).take(128).collect::<String>()
    };
    groups.iter().map(|group| (text(group, "id").to_owned(), name(group))).collect()
}
