//! Claims of a tenant's making, and the names they may not use (fact sheet 5.4; security case 15).

use serde_json::{Map, Value};

use super::profile;

/// Where a custom claim would stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// An ID token, or `/userinfo`.
    IdToken,
    /// An access token.
    AccessToken {
        /// Of one of the server's own APIs, which admit namespaced names only.
        of_system_api: bool,
    },
}

/// The claims that may stand there, in their order. The others are dropped without a word: names with a meaning of
/// their own, foreign namespaces, and standard claims whose scope was not granted.
pub fn admitted<'a>(
    custom: &'a Map<String, Value>,
    place: Place,
    granted: &[&str],
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    custom.iter().map(|(name, value)| (name.as_str(), value)).filter(move |(name, _)| {
        !is_restricted(name)
            && profile::scope_of(name).is_none_or(|scope| granted.contains(&scope))
            && (place != Place::AccessToken { of_system_api: true } || is_namespaced(name))
    })
}

/// Whether the name is never a tenant's to set.
pub fn is_restricted(name: &str) -> bool {
    name.is_empty()
        || RESTRICTED.binary_search(&name).is_ok()
        || name.starts_with("sip_")
        || (is_namespaced(name) && is_foreign_namespace(name))
}

/// Sorted. `scope` and `s_hash`-like names of the protocol included: a token must not carry a member twice.
const RESTRICTED: [&str; 56] = [
    "acr",
    "act",
    "active",
    "amr",
    "at_hash",
    "ath",
    "attest",
    "aud",
    "auth_time",
    "authorization_details",
    "azp",
    "c_hash",
    "client_id",
    "cnf",
    "cty",
    "dest",
    "entitlements",
    "events",
    "exp",
    "groups",
    "gty",
    "htm",
    "htu",
    "iat",
    "internalService",
    "iss",
    "jcard",
    "jku",
    "jti",
    "jwe",
    "jwk",
    "kid",
    "may_act",
    "mky",
    "nbf",
    "nonce",
    "object_id",
    "org_id",
    "org_name",
    "orig",
    "origid",
    "permissions",
    "roles",
    "rph",
    "s_hash",
    "scope",
    "sid",
    "sub",
    "sub_jwk",
    "toe",
    "txn",
    "typ",
    "uuid",
    "vot",
    "vtm",
    "x5t#S256",
];

fn is_namespaced(name: &str) -> bool {
    ["https://", "http://", "urn:"].iter().any(|prefix| starts_with_ignoring_case(name, prefix))
}

/// Namespaces that belong to the service whose wire this is.
fn is_foreign_namespace(name: &str) -> bool {
    if starts_with_ignoring_case(name, "urn:") {
        let rest = &name["urn:".len()..];
        return rest.split(':').next().is_some_and(|namespace| namespace.eq_ignore_ascii_case("auth0"));
    }
    let host = url::Url::parse(name).ok().and_then(|url| url.host_str().map(str::to_owned));
    let Some(host) = host else { return true };
    let host = host.trim_end_matches('.');
    FOREIGN_HOSTS
        .iter()
        .any(|foreign| host == *foreign || host.strip_suffix(foreign).is_some_and(|rest| rest.ends_with('.')))
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

const FOREIGN_HOSTS: [&str; 3] = ["auth0.com", "webtask.io", "webtask.run"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(RESTRICTED.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn restricted_names() {
        for name in
            RESTRICTED.into_iter().chain(["sip_from_tag", "", "https://auth0.com/x", "https://a.AUTH0.com/x"])
        {
            assert!(is_restricted(name), "{name}");
        }
        for name in ["http://webtask.run", "urn:auth0:x", "URN:Auth0", "https://", "https://x.webtask.io./y"]
        {
            assert!(is_restricted(name), "{name}");
        }
        for name in
            ["role", "https://notauth0.com/x", "https://auth0.com.example/x", "urn:example:x", "Sub", "email"]
        {
            assert!(!is_restricted(name), "{name}");
        }
    }

    #[test]
    fn standard_claims_need_their_scope_and_system_apis_a_namespace() {
        let custom = json!({"email": "e", "name": "n", "role": "r", "https://x.example/y": 1, "iss": "evil"});
        let names = |place, granted: &[&str]| -> Vec<String> {
            admitted(custom.as_object().unwrap(), place, granted).map(|(n, _)| n.to_owned()).collect()
        };
        assert_eq!(names(Place::IdToken, &["email"]), ["email", "role", "https://x.example/y"]);
        assert_eq!(names(Place::AccessToken { of_system_api: false }, &[]), ["role", "https://x.example/y"]);
        assert_eq!(names(Place::AccessToken { of_system_api: true }, &["email"]), ["https://x.example/y"]);
    }
}
