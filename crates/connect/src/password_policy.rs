//! How strong a password must be, and the list of rules that sign-up forms show (fact sheet 9.4).
//!
//! The codes are those that Auth0's login widgets translate: `lengthAtLeast`, `containsAtLeast`, `shouldContain`,
//! `identicalChars`.

use chancery_core::model::{CharacterType, Strength};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{MAX_PASSWORD_BYTES, common_passwords};

/// One rule and whether the password keeps it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// With `%d` and `%s` where the members of `format` go.
    pub message: String,
    /// What fills the placeholders.
    pub format: Vec<Value>,
    /// Machine readable name.
    pub code: &'static str,
    /// Kept.
    #[serde(rename = "verified")]
    pub ok: bool,
    /// The parts of a rule about kinds of characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<Rule>>,
}

impl Rule {
    /// The message with its placeholders filled.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let mut values = self.format.iter();
        let mut rest = self.message.as_str();
        while let Some(at) = rest.find("%d").into_iter().chain(rest.find("%s")).min() {
            out.push_str(&rest[..at]);
            match values.next() {
                Some(Value::String(text)) => out.push_str(text),
                Some(value) => out.push_str(&value.to_string()),
                None => {}
            }
            rest = &rest[at + 2..];
        }
        out + rest
    }
}

/// Every rule, kept or not, in the order shown. All kept means the password is good.
pub fn check(password: &str, strength: &Strength) -> Vec<Rule> {
    let length = password.chars().count();
    let mut rules = vec![at_least(strength.min_length, length)];
    if !strength.needs.is_empty() {
        let items: Vec<Rule> = kinds(password)
            .into_iter()
            .filter(|(kind, _)| strength.needs.contains(kind))
            .map(|(_, rule)| rule)
            .collect();
        rules.push(Rule {
            message: "Should contain:".to_owned(),
            format: Vec::new(),
            code: "shouldContain",
            ok: items.iter().all(|k| k.ok),
            items: Some(items),
        });
    }
    if strength.three_of_four {
        rules.push(three_of_four(password));
    }
    if strength.no_runs {
        rules.push(no_runs(password));
    }
    if strength.no_sequences {
        rules.push(no_sequences(password));
    }
    // Only spoken of when broken: nobody types so much.
    if password.len() > MAX_PASSWORD_BYTES {
        rules.push(Rule {
            message: "At most %d bytes in length".to_owned(),
            format: vec![MAX_PASSWORD_BYTES.into()],
            code: "lengthAtMost",
            ok: false,
            items: None,
        });
    }
    rules
}

/// Whether every rule is kept.
pub fn is_strong(rules: &[Rule]) -> bool {
    rules.iter().all(|r| r.ok)
}

/// The rules as a list for people: one line each, with `*` before it.
pub fn describe(rules: &[Rule]) -> String {
    let mut lines = Vec::new();
    for rule in rules {
        lines.push(format!("* {}", rule.text()));
        lines.extend(rule.items.iter().flatten().map(|item| format!(" * {}", item.text())));
    }
    lines.join("\n")
}

/// The body of the 400 answer of `/dbconnections/signup` to a weak password.
pub fn strength_error(rules: &[Rule]) -> Value {
    json!({
        "name": "PasswordStrengthError",
        "message": "Password is too weak",
        "code": "invalid_password",
        "description": { "rules": rules, "verified": is_strong(rules) },
        "policy": describe(rules),
        "statusCode": 400,
    })
}

/// Whether the password contains something everybody knows about the user: the local part of the address, the name, the
/// user name. Parts of fewer than 3 characters are ignored.
pub fn contains_user_info<'a>(password: &str, known: impl IntoIterator<Item = &'a str>) -> bool {
    let password = password.to_lowercase();
    known.into_iter().any(|text| {
        let local = text.split_once('@').map_or(text, |(local, _)| local);
        [text, local]
            .into_iter()
            .chain(local.split([' ', '.', '-', '_', '+']))
            .filter(|part| part.chars().count() >= 3)
            .any(|part| password.contains(&part.to_lowercase()))
    })
}

/// Whether very many people use it, or it is one of the connection's own words, whatever its case.
pub fn is_common(password: &str, own: &[&str]) -> bool {
    let lower = password.to_lowercase();
    common_passwords::contains(password) || own.iter().any(|word| word.to_lowercase() == lower)
}

fn at_least(least: usize, length: usize) -> Rule {
    let (message, format) = match least {
        0 | 1 => ("Non-empty password required", Vec::new()),
        _ => ("At least %d characters in length", vec![least.into()]),
    };
    let code = if least <= 1 { "nonEmpty" } else { "lengthAtLeast" };
    Rule { message: message.to_owned(), format, code, ok: length >= least.max(1), items: None }
}

fn three_of_four(password: &str) -> Rule {
    let items = kinds(password).map(|(_, rule)| rule);
    Rule {
        message: "Contain at least %d of the following %d types of characters:".to_owned(),
        format: vec![3.into(), 4.into()],
        code: "containsAtLeast",
        ok: items.iter().filter(|k| k.ok).count() >= 3,
        items: Some(items.into()),
    }
}

/// Lower, upper, digit, other: by Unicode, so that ä is a letter.
fn kinds(password: &str) -> [(CharacterType, Rule); 4] {
    let kind = |message: &str, code, test: fn(char) -> bool| Rule {
        message: message.to_owned(),
        format: Vec::new(),
        code,
        ok: password.chars().any(test),
        items: None,
    };
    [
        (CharacterType::Lowercase, kind("lower case letters (a-z)", "lowerCase", char::is_lowercase)),
        (CharacterType::Uppercase, kind("upper case letters (A-Z)", "upperCase", char::is_uppercase)),
        (CharacterType::Number, kind("numbers (i.e. 0-9)", "numbers", char::is_numeric)),
        (
            CharacterType::Special,
            kind("special characters (e.g. !@#$%^&*)", "specialCharacters", |c| !c.is_alphanumeric()),
        ),
    ]
}

fn no_runs(password: &str) -> Rule {
    let mut longest = 0;
    let mut run = (None, 0);
    for c in password.chars() {
        run = if run.0 == Some(c) { (run.0, run.1 + 1) } else { (Some(c), 1) };
        longest = longest.max(run.1);
    }
    Rule {
        message: "No more than %d identical characters in a row (e.g., \"%s\" not allowed)".to_owned(),
        format: vec![2.into(), "aaa".into()],
        code: "identicalChars",
        ok: longest <= 2,
        items: None,
    }
}

fn no_sequences(password: &str) -> Rule {
    let chars: Vec<char> = password.chars().flat_map(char::to_lowercase).collect();
    let follows = |three: &[char]| {
        let [a, b, c] = [0, 1, 2].map(|at| three.get(at).map_or(0, |c| i64::from(u32::from(*c))));
        three.iter().all(|c| c.is_ascii_alphanumeric()) && (b - a).abs() == 1 && c - b == b - a
    };
    Rule {
        message: "No sequential characters (e.g., \"%s\" not allowed)".to_owned(),
        format: vec!["abc".into()],
        code: "sequentialChars",
        ok: !chars.windows(3).any(follows),
        items: None,
    }
}

#[cfg(test)]
mod tests {
    use chancery_core::model::PasswordPolicy;

    use super::*;

    #[test]
    fn levels() {
        use PasswordPolicy::{Excellent, Fair, Good, Low, None};
        let cases = [
            (None, "", false),
            (None, "x", true),
            (Low, "12345", false),
            (Low, "123456", true),
            (Fair, "abcdefgh", false),
            (Fair, "abcdEF12", true),
            (Fair, "abcd!F%&", false),
            (Good, "Abcdef1", false),
            (Good, "Abcdefg1", true),
            (Good, "abcdefg!1", true),
            (Good, "Abcdefgh", false),
            (Good, "Äbcdefg1", true),
            (Good, "ÄÖ1!", false),
            (Excellent, "Abcdefg123", true),
            (Excellent, "Abcdefg12", false),
            (Excellent, "Abcdefg111", false),
            (Excellent, "Abcdefg1122", true),
        ];
        for (policy, password, good) in cases {
            let strength = policy.strength();
            assert_eq!(is_strong(&check(password, &strength)), good, "{policy:?} {password}");
        }
        assert!(!is_strong(&check(&"x".repeat(1025), &None.strength())));
    }

    #[test]
    fn the_wire() {
        let rules = check("password", &PasswordPolicy::Good.strength());
        let body = strength_error(&rules);
        assert_eq!(
            body["description"]["rules"][0],
            json!({"message": "At least %d characters in length", "format": [8], "code": "lengthAtLeast", "verified": true})
        );
        assert_eq!(body["description"]["rules"][1]["code"], "containsAtLeast");
        assert_eq!(body["description"]["rules"][1]["items"][0]["verified"], true);
        assert_eq!(body["description"]["verified"], false);
        let policy = body["policy"].as_str().unwrap();
        assert!(
            policy.starts_with("* At least 8 characters in length\n* Contain at least 3 of the following 4")
        );
        let excellent = describe(&check("", &PasswordPolicy::Excellent.strength()));
        assert!(
            excellent.ends_with("* No more than 2 identical characters in a row (e.g., \"aaa\" not allowed)")
        );
    }

    #[test]
    fn what_everybody_knows() {
        let jane = ["jane.doe@example.com", "Jane D"];
        for password in ["xjanex1!", "DOE-12345", "jane.doe@example.com"] {
            assert!(contains_user_info(password, jane), "{password}");
        }
        assert!(!contains_user_info("correct horse", jane));
        assert!(!contains_user_info("anything", ["", "a", "xy@z"]));
    }
}
