//! The parameter `claims` of `/authorize` (OpenID Connect Core 5.5): claims by name, and demands on `sub`, `acr` and
//! `auth_time`.

use serde_json::{Map, Value};

use crate::claims::{RequestedClaims, is_standard_claim};

/// Bytes of the parameter.
const MOST_BYTES: usize = 8 << 10;
/// Claims in one place, known or not.
const MOST_CLAIMS: usize = 100;
/// Values of one claim.
const MOST_VALUES: usize = 20;
/// Bytes of a value that means something.
const LONGEST_VALUE: usize = 255;

/// What it asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimsParameter {
    /// Standard claims by name; others are not known, and left out.
    pub claims: RequestedClaims,
    /// The user who has to be the one (`sub` with a value).
    pub subject: Option<String>,
    /// The ID token has to say when the user proved who they are.
    pub auth_time: bool,
    /// How the user has to have proven it; any of these.
    pub acr_values: Vec<String>,
    /// Without one of them there is no answer (OpenID Connect Core 5.5.1.1).
    pub acr_is_essential: bool,
}

/// One claim; `null` is a plain wish.
#[derive(Default)]
struct Wish<'a> {
    essential: bool,
    value: Option<&'a Value>,
    values: &'a [Value],
}

impl ClaimsParameter {
    /// Reads it.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > MOST_BYTES {
            return Err("claims has more than 8192 bytes");
        }
        let members: Map<String, Value> = serde_json::from_str(text).map_err(|_| NO_OBJECT)?;
        let mut read = Self::default();
        for (name, wish) in wishes(members.get("id_token"))? {
            match name {
                "sub" => read.demand_subject(&wish)?,
                "auth_time" => read.auth_time = true,
                "acr" => {
                    read.acr_values = texts(&wish);
                    read.acr_is_essential = wish.essential && !read.acr_values.is_empty();
                }
                claim if is_standard_claim(claim) => read.claims.id_token.push(claim.to_owned()),
                _ => {}
            }
        }
        for (name, wish) in wishes(members.get("userinfo"))? {
            match name {
                "sub" => read.demand_subject(&wish)?,
                claim if is_standard_claim(claim) => read.claims.userinfo.push(claim.to_owned()),
                _ => {}
            }
        }
        Ok(read)
    }

    /// Two users at once are nobody.
    fn demand_subject(&mut self, wish: &Wish<'_>) -> Result<(), &'static str> {
        let Some(value) = wish.value else { return Ok(()) };
        let subject = value.as_str().filter(|sub| !sub.is_empty() && sub.len() <= LONGEST_VALUE);
        let subject = subject.ok_or("sub in claims must be a text of at most 255 bytes")?;
        if self.subject.as_deref().is_some_and(|other| other != subject) {
            return Err("claims demands two users at once");
        }
        self.subject = Some(subject.to_owned());
        Ok(())
    }
}

const NO_OBJECT: &str = "claims must be a JSON object with the objects id_token and userinfo";
const NO_WISH: &str = "a claim in claims must be null or an object with essential, value or values";

fn wishes(members: Option<&Value>) -> Result<Vec<(&str, Wish<'_>)>, &'static str> {
    let members = match members {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(members) => members.as_object().ok_or(NO_OBJECT)?,
    };
    if members.len() > MOST_CLAIMS {
        return Err("claims asks for more than 100 claims");
    }
    members.iter().map(|(name, value)| Ok((name.as_str(), wish(value)?))).collect()
}

fn wish(value: &Value) -> Result<Wish<'_>, &'static str> {
    if value.is_null() {
        return Ok(Wish::default());
    }
    let members = value.as_object().ok_or(NO_WISH)?;
    let there = |name: &str| members.get(name).filter(|value| !value.is_null());
    let essential = there("essential").map_or(Some(false), Value::as_bool).ok_or(NO_WISH)?;
    let values = match there("values") {
        None => &[],
        Some(values) => values.as_array().ok_or(NO_WISH)?.as_slice(),
    };
    if values.len() > MOST_VALUES {
        return Err("a claim in claims has more than 20 values");
    }
    Ok(Wish { essential, value: there("value"), values })
}

/// The values of a wish that are texts.
fn texts(wish: &Wish<'_>) -> Vec<String> {
    let all = wish.value.into_iter().chain(wish.values);
    all.filter_map(Value::as_str).filter(|text| text.len() <= LONGEST_VALUE).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<ClaimsParameter, &'static str> {
        ClaimsParameter::parse(&value.to_string())
    }

    /// The example of OpenID Connect Core 5.5.
    #[test]
    fn the_example_of_the_specification() {
        let asked = read(&json!({
            "userinfo": {
                "given_name": {"essential": true}, "nickname": null, "email": {"essential": true},
                "email_verified": {"essential": true}, "picture": null, "http://example.info/claims/groups": null,
            },
            "id_token": {"auth_time": {"essential": true}, "acr": {"values": ["urn:mace:incommon:iap:silver"]}},
        }))
        .unwrap();
        assert_eq!(asked.claims.userinfo, ["given_name", "nickname", "email", "email_verified", "picture"]);
        assert_eq!(asked.claims.id_token, Vec::<String>::new());
        assert_eq!(asked.acr_values, ["urn:mace:incommon:iap:silver"]);
        assert!(asked.auth_time && !asked.acr_is_essential && asked.subject.is_none());
    }

    #[test]
    fn demands() {
        let asked =
            read(&json!({"id_token": {"sub": {"value": "a"}, "acr": {"essential": true, "value": "x"}}}));
        let asked = asked.unwrap();
        assert_eq!((asked.subject.as_deref(), asked.acr_is_essential), (Some("a"), true));
        let twice = json!({"id_token": {"sub": {"value": "a"}}, "userinfo": {"sub": {"value": "b"}}});
        assert!(read(&twice).is_err());
        assert!(!read(&json!({"id_token": {"acr": {"essential": true}}})).unwrap().acr_is_essential);
        assert_eq!(read(&json!({"id_token": {"sub": null}})).unwrap(), ClaimsParameter::default());
        assert_eq!(read(&json!({"id_token": null, "other": 1})).unwrap(), ClaimsParameter::default());
    }

    #[test]
    fn hostile() {
        let many: Map<String, Value> = (0..101).map(|n| (n.to_string(), Value::Null)).collect();
        for bad in [
            json!([]),
            json!("x"),
            json!({"id_token": []}),
            json!({"id_token": {"name": [true]}}),
            json!({"id_token": {"name": "x"}}),
            json!({"id_token": {"name": {"essential": 1}}}),
            json!({"id_token": {"sub": {"value": 1}}}),
            json!({"id_token": {"sub": {"value": "x".repeat(256)}}}),
            json!({"userinfo": many}),
            json!({"userinfo": {"name": {"values": vec![1; 21]}}}),
            json!({"userinfo": {"name": {"value": "x".repeat(8 << 10)}}}),
        ] {
            assert!(read(&bad).is_err(), "{bad}");
        }
        assert!(ClaimsParameter::parse("{").is_err());
        assert!(ClaimsParameter::parse(&"[".repeat(4000)).is_err());
    }
}
