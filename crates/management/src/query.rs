//! Query parameters: read once, checked against their shape, asked for by name.

use chancery_core::problem::Problem;
use serde_json::{Map, Value};

use crate::shape::{Shape, check};

/// The parameters of a request, in order. Parameters the operation does not know are let through and not looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the text behind `?`.
    pub(crate) fn parse(text: Option<&str>) -> Self {
        let pairs = text.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decoded(name), decoded(value))
                })
                .collect(),
        )
    }

    /// Whether the parameters have their shapes.
    ///
    /// # Errors
    /// [`Problem::Query`].
    pub(crate) fn check(&self, shape: &Shape) -> Result<(), Problem> {
        for member in shape.members() {
            let values: Vec<&str> = self.all(&member.name).collect();
            if values.is_empty() {
                if member.needed {
                    return Err(Problem::query(&format!("Missing required property: {}", member.name), ""));
                }
                continue;
            }
            let mut one = Map::new();
            one.insert(member.name.clone(), typed(&member.shape, &values));
            let probe = Shape::Object(
                crate::shape::Object { members: vec![member.clone()], ..crate::shape::Object::default() }
                    .into(),
            );
            check(&probe, &Value::Object(one)).map_err(|fault| Problem::query(&fault.reason, &fault.path))?;
        }
        Ok(())
    }

    /// The first value of a parameter.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a parameter.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A number that passed its shape.
    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// A switch.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.text(name).map(|text| text == "true")
    }

    /// Whether a name or a value holds the character.
    pub(crate) fn holds(&self, character: char) -> bool {
        self.0.iter().any(|(name, value)| name.contains(character) || value.contains(character))
    }

    /// Whether any of these is there.
    pub(crate) fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.text(name).is_some())
    }
}

/// Values as the shape wants them, where they can be read so: text becomes number or truth.
fn typed(shape: &Shape, values: &[&str]) -> Value {
    let first = values.first().copied().unwrap_or_default();
    match shape {
        Shape::Int(_) | Shape::Number(_) => match first.parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) => first.into(),
        },
        Shape::Bool | Shape::Literal(_) => match first {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            other => other.into(),
        },
        Shape::List(item, _) => Value::Array(values.iter().map(|value| typed(item, &[value])).collect()),
        Shape::Nullable(inner) => typed(inner, values),
        _ => first.into(),
    }
}

/// `+` is a space, `%41` is `A`; bytes that are no text become U+FFFD.
fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::parse;

    #[test]
    fn reads_and_checks() {
        let shapes = parse(
            "GET /x ? {page: int(0..), per_page: int(1..100), totals: bool, ids: [string(1..)], q!: string}",
        )
        .unwrap();
        let said = |text: &str| Query::parse(Some(text)).check(&shapes[0].1).err();
        assert_eq!(said("q=a+b%21&page=0&totals=true&ids=1&ids=2&unknown=1"), None);
        for (text, wanted) in [
            ("", "Missing required property: q"),
            ("q=&page=x", "Expected type integer but found type string"),
            ("q=&page=-1", "Value -1 is less than minimum 0"),
            ("q=&per_page=101", "Value 101 is greater than maximum 100"),
            ("q=&totals=1", "Expected type boolean but found type string"),
            ("q=&ids=", "String is too short (0 chars), minimum 1"),
        ] {
            assert!(said(text).unwrap().body().message.contains(wanted), "{text}");
        }
        let query = Query::parse(Some("q=a+b%21&ids=1&ids=2&totals=false"));
        assert_eq!(query.text("q"), Some("a b!"));
        assert_eq!(query.all("ids").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(query.flag("totals"), Some(false));
    }
}
