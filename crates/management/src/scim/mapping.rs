//! Attributes of SCIM resources, and what they become here: the `mapping` of a connection's SCIM configuration, both ways.

use serde_json::{Map, Value, json};

/// A member whatever the case of its name (RFC 7643, section 2.1).
pub(super) fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let exact = members.get(name);
    exact.or_else(|| members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, v)| v))
}

fn member_mut<'a>(members: &'a mut Map<String, Value>, name: &str) -> &'a mut Value {
    let known = members.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned();
    members.entry(known.unwrap_or_else(|| name.to_owned())).or_insert(Value::Null)
}

/// `userName`, `name.givenName`, `emails[type eq "work"].value`, or one of these in an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) first: String,
    /// Which item of a list: an attribute and its value.
    pub(super) item: Option<(String, Value)>,
    pub(super) rest: Option<String>,
}

impl Path {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let plain = |first: &str, rest: Option<&str>| {
            Some(Self { first: first.to_owned(), item: None, rest: rest.map(str::to_owned) })
        };
        if text.to_ascii_lowercase().starts_with("urn:") {
            // Names of schemas hold dots themselves (`2.0`), and end in the kind of the resource.
            let (schema, last) = text.rsplit_once(':')?;
            return match last.split_once('.') {
                Some((kind, name)) => plain(&format!("{schema}:{kind}"), Some(name)),
                None if last.eq_ignore_ascii_case("User") => plain(text, None),
                None if schema.ends_with("core:2.0:User") => Self::parse(last),
                None => plain(schema, Some(last)),
            };
        }
        let Some((first, after)) = text.split_once('[') else {
            return match text.split_once('.') {
                Some((first, rest)) => plain(first, Some(rest)),
                None => plain(text, None),
            };
        };
        let (condition, after) = after.rsplit_once(']')?;
        let mut words = condition.trim().splitn(3, ' ');
        let (name, operator, value) = (words.next()?, words.next()?, words.next()?);
        if !operator.eq_ignore_ascii_case("eq") {
            return None;
        }
        let value = match value.trim() {
            text if text.eq_ignore_ascii_case("true") => Value::Bool(true),
            text if text.eq_ignore_ascii_case("false") => Value::Bool(false),
            // A value to compare with is no list and no object (RFC 7644, section 3.4.2.2).
            text => serde_json::from_str(text)
                .ok()
                .filter(|value: &Value| !value.is_array() && !value.is_object())?,
        };
        let rest = after.strip_prefix('.').map(str::to_owned);
        Some(Self { first: first.to_owned(), item: Some((name.to_owned(), value)), rest })
    }

    pub(super) fn find<'a>(&self, resource: &'a Map<String, Value>) -> Option<&'a Value> {
        let mut value = member(resource, &self.first)?;
        if let Some((name, wanted)) = &self.item {
            let items = value.as_array()?;
            let is_it = |item: &&Value| item.as_object().and_then(|m| member(m, name)) == Some(wanted);
            // A directory that knows one address alone need not say that it is the primary one.
            let only = || items.first().filter(|_| name.eq_ignore_ascii_case("primary") && items.len() == 1);
            value = items.iter().find(is_it).or_else(only)?;
        }
        match &self.rest {
            Some(rest) => member(value.as_object()?, rest),
            None => Some(value),
        }
    }

    /// `None` takes it away.
    pub(super) fn put(&self, resource: &mut Map<String, Value>, new: Option<Value>) {
        let mut place = member_mut(resource, &self.first);
        if let Some((name, wanted)) = &self.item {
            if !place.is_array() {
                *place = json!([]);
            }
            let Some(items) = place.as_array_mut() else { return };
            let is_it = |item: &Value| item.as_object().and_then(|m| member(m, name)) == Some(wanted);
            if self.rest.is_none() && new.is_none() {
                items.retain(|item| !is_it(item));
                return;
            }
            let at = items.iter().position(is_it).unwrap_or_else(|| {
                items.push(json!({name.as_str(): wanted}));
                items.len() - 1
            });
            place = &mut items[at];
        }
        match &self.rest {
            Some(rest) => {
                if !place.is_object() {
                    *place = json!({});
                }
                if let Some(members) = place.as_object_mut() {
                    *member_mut(members, rest) = new.unwrap_or_default();
                }
            }
            None => *place = new.unwrap_or_default(),
        }
    }
}

/// What becomes of each attribute.
pub(super) struct Mapping(Vec<(Path, Target)>);

/// Where an attribute is kept in a user's document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A text of the profile.
    Profile(String),
    /// One of the further claims.
    Claim(String),
    /// A key of `app_metadata` or `user_metadata`.
    Metadata(&'static str, String),
    /// `active` the other way round.
    Blocked,
}

const PROFILE: [&str; 6] = ["email", "name", "given_name", "family_name", "nickname", "picture"];
const CLAIMS: [&str; 9] = [
    "preferred_username",
    "middle_name",
    "profile",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "department",
];

impl Target {
    /// Who somebody is, and when they were seen, is nothing that a directory writes.
    pub(crate) fn read(text: &str) -> Option<Self> {
        if let Some(key) = text.strip_prefix("app_metadata.") {
            return Some(Self::Metadata("app_metadata", key.to_owned()));
        }
        if let Some(key) = text.strip_prefix("user_metadata.") {
            return Some(Self::Metadata("user_metadata", key.to_owned()));
        }
        match text {
            "blocked" => Some(Self::Blocked),
            _ if PROFILE.contains(&text) => Some(Self::Profile(text.to_owned())),
            _ if CLAIMS.contains(&text) => Some(Self::Claim(text.to_owned())),
            _ => None,
        }
    }

    /// Writes a value there; none takes away what there is.
    pub(crate) fn put(&self, document: &mut Map<String, Value>, value: Option<&Value>) {
        match self {
            Self::Profile(name) => put(document, name, value),
            Self::Claim(name) => put_in(document, "claims", name, value),
            Self::Metadata(kind, key) => put_in(document, kind, key, value),
            Self::Blocked => put(document, "blocked", value),
        }
    }
}

impl Mapping {
    /// Lines that mean nothing here are left out.
    pub(super) fn read(mapping: &Value) -> Self {
        let line = |line: &Value| {
            let text = |name: &str| line.get(name).and_then(Value::as_str);
            Some((Path::parse(text("scim")?)?, Target::read(text("auth0")?)?))
        };
        Self(mapping.as_array().into_iter().flatten().filter_map(line).collect())
    }

    /// The resource that a user's document stands for.
    pub(super) fn resource(&self, document: &Value) -> Map<String, Value> {
        let mut resource = Map::new();
        for (path, target) in &self.0 {
            let value = match target {
                Target::Profile(name) => document.get(name),
                Target::Claim(name) => document.get("claims").and_then(|claims| claims.get(name)),
                Target::Metadata(kind, key) => document.get(*kind).and_then(|all| all.get(key)),
                Target::Blocked => {
                    let blocked = document.get("blocked").and_then(Value::as_bool).unwrap_or(false);
                    path.put(&mut resource, Some((!blocked).into()));
                    continue;
                }
            };
            if let Some(value) = value.filter(|value| !value.is_null()) {
                path.put(&mut resource, Some(value.clone()));
            }
        }
        resource
    }

    /// Writes what a resource says into a user's document; what it does not say is no more, but for a block, which stands.
    ///
    /// # Errors
    /// The attribute that is not what it should be.
    pub(super) fn write(
        &self,
        resource: &Map<String, Value>,
        document: &mut Map<String, Value>,
    ) -> Result<(), String> {
        for (path, target) in &self.0 {
            let value = path.find(resource).filter(|value| !value.is_null());
            if value.is_some_and(|value| value.is_object() || value.is_array()) {
                return Err(path.first.clone());
            }
            match target {
                Target::Blocked => {
                    let active = match value {
                        // Nobody is let in again by what is not said.
                        None => continue,
                        Some(Value::Bool(active)) => *active,
                        // As some directories write it.
                        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => true,
                        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => false,
                        Some(_) => return Err(path.first.clone()),
                    };
                    document.insert("blocked".to_owned(), (!active).into());
                }
                Target::Profile(_) => {
                    if value.is_some_and(|value| !value.is_string()) {
                        return Err(path.first.clone());
                    }
                    target.put(document, value);
                }
                Target::Claim(_) | Target::Metadata(..) => target.put(document, value),
            }
        }
        Ok(())
    }
}

fn put(members: &mut Map<String, Value>, name: &str, value: Option<&Value>) {
    match value {
        Some(value) => {
            members.insert(name.to_owned(), value.clone());
        }
        None => {
            members.shift_remove(name);
        }
    }
}

fn put_in(document: &mut Map<String, Value>, kind: &str, key: &str, value: Option<&Value>) {
    if value.is_none() && document.get(kind).is_none() {
        return;
    }
    let members = document.entry(kind.to_owned()).or_insert_with(|| json!({}));
    if !members.is_object() {
        *members = json!({});
    }
    if let Some(members) = members.as_object_mut() {
        put(members, key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn there_and_back() {
        let mapping = Mapping::read(&json!([
            {"scim": "emails[primary eq true].value", "auth0": "email"},
            {"scim": "name.givenName", "auth0": "given_name"},
            {"scim": "active", "auth0": "blocked"},
            {"scim": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.department", "auth0": "app_metadata.department"},
            {"scim": "userName", "auth0": "preferred_username"},
            {"scim": "title", "auth0": "user_id"},
        ]));
        let resource = object(&json!({
            "username": "jo", "active": "False", "name": {"givenName": "Jo"}, "title": "auth0|admin",
            "emails": [{"value": "other@example.com"}, {"value": "jo@example.com", "primary": true}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Sales"},
        }));
        let mut document = object(&json!({"user_id": "samlp|c|1", "app_metadata": {"kept": 1}}));
        mapping.write(&resource, &mut document).unwrap();
        assert_eq!(
            Value::Object(document.clone()),
            json!({
                "user_id": "samlp|c|1", "app_metadata": {"kept": 1, "department": "Sales"}, "blocked": true,
                "email": "jo@example.com", "given_name": "Jo", "claims": {"preferred_username": "jo"},
            })
        );
        let again = mapping.resource(&Value::Object(document.clone()));
        assert_eq!(
            Value::Object(again),
            json!({
                "emails": [{"primary": true, "value": "jo@example.com"}], "name": {"givenName": "Jo"}, "active": false,
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Sales"}, "userName": "jo",
            })
        );
        mapping.write(&Map::new(), &mut document).unwrap();
        assert_eq!(document["blocked"], true);
        assert_eq!((document.get("email"), &document["app_metadata"]), (None, &json!({"kept": 1})));
        assert!(mapping.write(&object(&json!({"userName": {"a": 1}})), &mut document).is_err());
    }

    #[test]
    fn paths() {
        let parsed = |text: &str| Path::parse(text).map(|path| (path.first, path.item, path.rest));
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        assert_eq!(
            parsed(&format!("{urn}:department")),
            Some((urn.to_owned(), None, Some("department".to_owned())))
        );
        assert_eq!(parsed(urn), Some((urn.to_owned(), None, None)));
        assert_eq!(
            parsed("emails[type eq \"work\"].value"),
            Some(("emails".to_owned(), Some(("type".to_owned(), "work".into())), Some("value".to_owned())))
        );
        assert_eq!(parsed("emails[type sw \"work\"].value"), None);
        assert_eq!(parsed("emails[type"), None);
    }
}
