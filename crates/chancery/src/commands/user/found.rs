//! Who is meant by an address, a user name or an id.

use anyhow::{Context, Result, bail};
use form_urlencoded::Serializer;
use serde_json::Value;

use super::text;
use crate::management::{Management, path};

/// The user. Ids have a `|`, addresses an `@`, and user names neither.
pub(in crate::commands) async fn found(management: &Management, named: &str) -> Result<Value> {
    if named.contains('|') {
        return management.get(&path("users", named)).await.with_context(|| format!("the user {named}"));
    }
    let is_address = named.contains('@');
    let query = match is_address {
        true => format!("/users-by-email?{}", pair("email", named)),
        false => {
            let quoted = named.replace(['\\', '"'], "");
            format!("/users?search_engine=v3&{}", pair("q", &format!("username:\"{quoted}\"")))
        }
    };
    let found = management.get(&query).await?;
    let mut found = match found {
        Value::Array(all) => all,
        _ => bail!("{} answered {query} with no list", management.base()),
    };
    if !is_address {
        // A phrase is found within longer names too.
        found.retain(|user| user["username"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(named)));
    }
    let what = if is_address { "address" } else { "user name" };
    match found.len() {
        1 => Ok(found.swap_remove(0)),
        0 => bail!("no user has the {what} {named}"),
        _ => {
            let ids: Vec<_> = found.iter().map(|user| text(user, "user_id")).collect();
            bail!("several users have the {what} {named}; say which: {}", ids.join(", "))
        }
    }
}

/// The id alone; one that is given is taken as it is.
pub(in crate::commands) async fn user_id(management: &Management, named: &str) -> Result<String> {
    match named.contains('|') {
        true => Ok(named.to_owned()),
        false => Ok(text(&found(management, named).await?, "user_id")),
    }
}

fn pair(name: &str, value: &str) -> String {
    Serializer::new(String::new()).append_pair(name, value).finish()
}
