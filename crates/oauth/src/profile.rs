//! What somebody who signs up by API may say of themselves (fact sheet 9.4).

use chancery_core::params::Params;
use chancery_login::pages::Link;
use chancery_web::Profile;
use serde_json::{Map, Value};

/// Properties of `user_metadata`.
const MOST_PROPERTIES: usize = 10;
/// Characters of the name of a property.
const LONGEST_KEY: usize = 100;
/// Characters of its value.
const LONGEST_VALUE: usize = 500;
/// Characters of a name.
const LONGEST_NAME: usize = 300;
/// Characters of a picture's address.
const LONGEST_URL: usize = 2048;

/// Reads it; the error says what is wrong with which member.
pub(crate) fn read(params: &Params) -> Result<Profile, String> {
    Ok(Profile {
        name: text(params, "name", LONGEST_NAME)?,
        nickname: text(params, "nickname", LONGEST_NAME)?,
        given_name: text(params, "given_name", LONGEST_NAME)?,
        family_name: text(params, "family_name", LONGEST_NAME)?,
        picture: picture(params)?,
        user_metadata: metadata(params)?,
    })
}

fn text(params: &Params, name: &str, longest: usize) -> Result<Option<String>, String> {
    match params.get(name) {
        Some(text) if text.chars().count() > longest => {
            Err(format!("{name} must not be longer than {longest} characters"))
        }
        Some(text) if text.chars().any(char::is_control) => Err(format!("{name} has control characters")),
        text => Ok(text.map(str::to_owned)),
    }
}

/// Applications show it: nothing but an address of the web.
fn picture(params: &Params) -> Result<Option<String>, String> {
    let Some(address) = text(params, "picture", LONGEST_URL)? else { return Ok(None) };
    match Link::new(&address) {
        Some(_) if !address.starts_with('/') => Ok(Some(address)),
        _ => Err("picture must be an http or https URL".to_owned()),
    }
}

/// An object in JSON; `user_metadata[name]=value` in a form.
fn metadata(params: &Params) -> Result<Map<String, Value>, String> {
    let mut metadata = match params.get("user_metadata").map(serde_json::from_str) {
        None => Map::new(),
        Some(Ok(Value::Object(members))) => members,
        Some(_) => return Err("user_metadata must be an object".to_owned()),
    };
    for (name, value) in params.pairs() {
        if let Some(key) = name.strip_prefix("user_metadata[").and_then(|rest| rest.strip_suffix(']')) {
            metadata.insert(key.to_owned(), value.into());
        }
    }
    if metadata.len() > MOST_PROPERTIES {
        return Err(format!("user_metadata must not have more than {MOST_PROPERTIES} properties"));
    }
    for (key, value) in &metadata {
        if key.chars().count() > LONGEST_KEY {
            return Err(format!(
                "The names of user_metadata must not be longer than {LONGEST_KEY} characters"
            ));
        }
        match value {
            Value::String(text) if text.chars().count() <= LONGEST_VALUE => {}
            _ => {
                return Err(format!(
                    "user_metadata.{key} must be a string of at most {LONGEST_VALUE} characters"
                ));
            }
        }
    }
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(body: &Value) -> Result<Profile, String> {
        read(&Params::from_json(body.to_string().as_bytes()).unwrap())
    }

    #[test]
    fn json_and_forms_say_the_same() {
        let by_json =
            of(&json!({ "name": "Jane", "user_metadata": { "plan": "gold", "a": "b c" } })).unwrap();
        let form = b"name=Jane&user_metadata%5Bplan%5D=gold&user_metadata%5Ba%5D=b+c";
        let by_form = read(&Params::from_form(form).unwrap()).unwrap();
        assert_eq!((&by_json, by_json.user_metadata.len()), (&by_form, 2));
        assert_eq!(by_json.user_metadata["plan"], "gold");
        assert_eq!(of(&json!({})).unwrap(), Profile::default());
    }

    #[test]
    fn what_is_too_much_is_named() {
        let many: Map<String, Value> = (0..11).map(|n| (n.to_string(), json!("x"))).collect();
        for (body, said) in [
            (json!({ "name": "x".repeat(301) }), "name must not be longer"),
            (json!({ "nickname": "a\nb" }), "nickname has control characters"),
            (json!({ "picture": "javascript:alert(1)" }), "picture must be"),
            (json!({ "picture": "nothing" }), "picture must be"),
            (json!({ "picture": "/logout" }), "picture must be"),
            (json!({ "user_metadata": "x" }), "user_metadata must be an object"),
            (json!({ "user_metadata": many }), "more than 10"),
            (json!({ "user_metadata": { "a": 1 } }), "user_metadata.a must be a string"),
            (json!({ "user_metadata": { "a": "x".repeat(501) } }), "user_metadata.a must be a string"),
            (json!({ "user_metadata": { "a".repeat(101): "x" } }), "names of user_metadata"),
        ] {
            let error = of(&body).unwrap_err();
            assert!(error.contains(said), "{body}: {error}");
        }
    }
}
