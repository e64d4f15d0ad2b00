//! What a provider of OpenID Connect says of itself: the document at `discovery_url`, or of Okta at its domain, is kept with
//! the connection as `oidc_metadata`, and says what the connection does not say itself.

use chancery_core::model::Connection;
use chancery_core::problem::Problem;
use serde_json::{Map, Value};

use crate::call::Call;

/// Members of the settings that the document says where they are not set.
const SAID: [&str; 5] =
    ["issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"];

/// Reads the document of a connection that names one. Where there is none to be had, what was read before stands, and a
/// connection that says itself whose tokens it takes does without; another one would take nobody's.
///
/// # Errors
/// The document cannot be had, or is none, and nothing else says who the provider is.
pub(super) async fn complete(
    call: &Call,
    connection: &mut Connection,
    before: Option<&Connection>,
) -> Result<(), Problem> {
    let Some((member, url)) = address(connection) else { return Ok(()) };
    if let Some(part) = &call.staged {
        part.count_asked()?;
    }
    let options = &mut connection.options;
    let found = match call.ctx.app.fetcher.json(&url, LARGEST).await {
        Ok(found) => provider(found).ok_or_else(|| "it names no issuer".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    // A provider that is out of reach for a moment is still the same one.
    let known = || {
        let before = before.filter(|before| address(before).is_some_and(|(_, earlier)| earlier == url));
        let kept = options.get(METADATA).or_else(|| before?.options.get(METADATA));
        kept.cloned().and_then(provider)
    };
    let found = match found {
        Ok(document) => Ok(document),
        Err(why) => known().ok_or(why),
    };
    match found {
        Ok(document) => {
            for name in SAID {
                let said = options.get(name).is_some_and(|value| !value.is_null());
                if let Some(value) = document.get(name).filter(|value| value.is_string() && !said) {
                    options.insert(name.to_owned(), value.clone());
                }
            }
            options.insert(METADATA.to_owned(), Value::Object(document));
            Ok(())
        }
        Err(_) if options.get("issuer").is_some_and(|value| !value.is_null()) => Ok(()),
        Err(why) => Err(Problem::refused(format!(
            "The document of the provider, which options.{member} names, could not be read: {why}. Set options.issuer \
             to do without it."
        ))),
    }
}

const METADATA: &str = "oidc_metadata";
/// Bytes of the largest document that is read.
const LARGEST: usize = 64 << 10;

/// Which setting names the document, and where it is.
fn address(connection: &Connection) -> Option<(&'static str, String)> {
    let text = |name: &str| {
        connection.options.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
    };
    match connection.strategy.as_str() {
        "oidc" => text("discovery_url").map(|url| ("discovery_url", url.to_owned())),
        "okta" => {
            let domain = text("domain")?;
            // With a scheme as some tools write it.
            let base = if domain.contains("://") { domain.to_owned() } else { format!("https://{domain}") };
            Some(("domain", format!("{}/.well-known/openid-configuration", base.trim_end_matches('/'))))
        }
        _ => None,
    }
}

/// OpenID Connect Discovery 1.0, section 3: an object that names its issuer.
fn provider(found: Value) -> Option<Map<String, Value>> {
    match found {
        Value::Object(members) if members.get("issuer").is_some_and(Value::is_string) => Some(members),
        _ => None,
    }
}
