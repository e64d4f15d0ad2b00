//! A connection: where users and their passwords live.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Client;

/// A source of identities. Only `auth0` (a database of this server) signs people in so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Connection {
    /// `con_` + 16.
    pub id: String,
    /// Strategy specific settings; the ones acted on are in [`Connection::settings`].
    #[serde(default)]
    pub options: Map<String, Value>,
    /// `auth0` for databases.
    pub strategy: String,
    /// Unique, immutable, the `realm` of password grants.
    pub name: String,
    /// Applications that may use it; [`Connection::enabled_for_all`] overrides.
    #[serde(default)]
    pub enabled_clients: Vec<String>,
    /// Usable by every application; an extension for the first database of a tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled_for_all: Option<bool>,
    /// Usable by third-party applications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_domain_connection: Option<bool>,
    /// Realms that lead here; the name unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realms: Option<Vec<String>>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Members that are kept and shown.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Connection {
    /// Whether users of the application with this id may sign in here.
    pub fn serves(&self, client_id: &str) -> bool {
        self.enabled_for_all.unwrap_or(false) || self.enabled_clients.iter().any(|c| c == client_id)
    }

    /// The same of the application itself: somebody else's may have come by itself, so that nobody could have listed it, and
    /// uses what the whole domain does (fact sheet 1.11).
    pub fn admits(&self, client: &Client) -> bool {
        self.serves(&client.client_id)
            || (!client.is_first_party && self.is_domain_connection.unwrap_or(false))
    }

    /// The settings acted on, defaults filled in.
    pub fn settings(&self) -> ConnectionOptions {
        serde_json::from_value(Value::Object(self.options.clone())).unwrap_or_default()
    }
}

/// The settings of a database connection that are acted on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ConnectionOptions {
    /// Sign-up is closed.
    pub disable_signup: bool,
    /// Users have a user name beside their address.
    pub requires_username: bool,
    /// How strong passwords must be, by level.
    #[serde(rename = "passwordPolicy")]
    pub password_policy: Option<PasswordPolicy>,
    /// How strong passwords must be, rule by rule.
    pub password_options: Option<PasswordOptions>,
    /// A shortest length beside the level.
    pub password_complexity_options: Option<PasswordComplexityOptions>,
    /// Earlier passwords are not to be used again. Where it and [`PasswordOptions::history`] are both given, the stricter
    /// counts; so it is with the others below.
    pub password_history: Option<OldPasswordHistory>,
    /// Passwords that many people use are not to be used.
    pub password_dictionary: Option<OldPasswordDictionary>,
    /// Nothing that everybody knows about the user is to be in a password.
    pub password_no_personal_info: Option<Switch>,
    /// What user names must be.
    pub validation: Option<Validation>,
    /// What users have.
    pub attributes: Option<Attributes>,
}

impl ConnectionOptions {
    /// What a password must be. Where level and rules are both given, both hold.
    pub fn strength(&self) -> Strength {
        let rules = self.password_options.as_ref().and_then(|options| options.complexity.as_ref());
        let level = match (self.password_policy, rules) {
            (None, Some(_)) => PasswordPolicy::None,
            (level, _) => level.unwrap_or_default(),
        };
        let mut strength = level.strength();
        let mut least = |length: Option<usize>| {
            strength.min_length = strength.min_length.max(length.unwrap_or_default());
        };
        least(self.password_complexity_options.as_ref().and_then(|options| options.min_length));
        if let Some(rules) = rules {
            least(rules.min_length);
            match rules.character_type_rule {
                CharacterTypeRule::ThreeOfFour => strength.three_of_four = true,
                CharacterTypeRule::All => {
                    for kind in &rules.character_types {
                        if !strength.needs.contains(kind) {
                            strength.needs.push(*kind);
                        }
                    }
                }
            }
            strength.no_runs |= rules.identical_characters == Allowance::Block;
            strength.no_sequences |= rules.sequential_characters == Allowance::Block;
        }
        strength
    }

    /// How many passwords, the present one among them, are not to be chosen again. 0: nobody remembers.
    pub fn remembered_passwords(&self) -> usize {
        let new = self.password_options.as_ref().and_then(|options| options.history.as_ref());
        let size = |is_on: bool, size: Option<usize>| {
            if is_on { size.unwrap_or(3).clamp(1, MOST_REMEMBERED) } else { 0 }
        };
        let new = new.map_or(0, |new| size(new.active, new.size));
        let old = self.password_history.as_ref().map_or(0, |old| size(old.enable, old.size));
        new.max(old)
    }

    /// Words that are no passwords beside those that many people use; `None` where there is no dictionary.
    pub fn dictionary(&self) -> Option<Vec<&str>> {
        let new = self.password_options.as_ref().and_then(|options| options.dictionary.as_ref());
        let new = new.filter(|new| new.active).map(|new| &new.custom);
        let old = self.password_dictionary.as_ref().filter(|old| old.enable).map(|old| &old.dictionary);
        let words = || new.into_iter().chain(old).flatten().map(String::as_str).collect();
        (new.is_some() || old.is_some()).then(words)
    }

    /// Whether a password must not hold what is known about the user, where somebody said so either way.
    pub fn refuses_personal_data(&self) -> Option<bool> {
        let new = self.password_options.as_ref().and_then(|options| options.profile_data.as_ref());
        let old = self.password_no_personal_info.as_ref().map(|old| old.enable);
        // `true` is more than `false`, and either is more than nothing.
        new.map(|new| new.active).max(old)
    }

    /// The shortest and the longest user name there may be, in characters.
    pub fn username_length(&self) -> (usize, usize) {
        let old = self.validation.as_ref().and_then(|v| v.username.as_ref()).map(|u| (u.min, u.max));
        let new = self.attributes.as_ref().and_then(|a| a.username.as_ref()?.validation.as_ref());
        let (min, max) = old.or(new.map(|v| (v.min_length, v.max_length))).unwrap_or_default();
        (min.unwrap_or(1), max.unwrap_or(LONGEST_USERNAME).min(LONGEST_USERNAME))
    }
}

/// The contract's bound.
const MOST_REMEMBERED: usize = 24;
const LONGEST_USERNAME: usize = 128;

/// Something that is on or off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Switch {
    /// On.
    pub enable: bool,
}

/// [`ConnectionOptions::password_history`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OldPasswordHistory {
    /// On.
    pub enable: bool,
    /// How many.
    pub size: Option<usize>,
}

/// [`ConnectionOptions::password_dictionary`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OldPasswordDictionary {
    /// On.
    pub enable: bool,
    /// Words beside those that many people use.
    pub dictionary: Vec<String>,
}

/// [`ConnectionOptions::validation`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Validation {
    /// Of user names.
    pub username: Option<UsernameLength>,
}

/// How long user names are, in characters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct UsernameLength {
    /// At least.
    pub min: Option<usize>,
    /// At most.
    pub max: Option<usize>,
}

/// [`ConnectionOptions::attributes`], as far as they are acted on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Attributes {
    /// User names.
    pub username: Option<UsernameAttribute>,
}

/// User names as attributes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct UsernameAttribute {
    /// What they must be.
    pub validation: Option<UsernameValidation>,
}

/// How long user names are, in characters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct UsernameValidation {
    /// At least.
    pub min_length: Option<usize>,
    /// At most.
    pub max_length: Option<usize>,
}

/// The rules of [`ConnectionOptions::password_options`] that are acted on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PasswordOptions {
    /// What it is made of.
    pub complexity: Option<PasswordComplexity>,
    /// Passwords that many people use.
    pub dictionary: Option<PasswordDictionary>,
    /// Earlier passwords.
    pub history: Option<PasswordHistory>,
    /// What everybody knows about the user.
    pub profile_data: Option<Active>,
}

/// Something that is on or off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Active {
    /// On.
    pub active: bool,
}

/// Passwords that are not to be used because many people do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PasswordDictionary {
    /// On.
    pub active: bool,
    /// Words beside them.
    pub custom: Vec<String>,
}

/// Passwords that are not to be used because the user did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PasswordHistory {
    /// On.
    pub active: bool,
    /// How many, the present one among them.
    pub size: Option<usize>,
}

/// What a password is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PasswordComplexity {
    /// At least so many characters.
    pub min_length: Option<usize>,
    /// Kinds of characters, of which [`PasswordComplexity::character_type_rule`] says how many must be there.
    pub character_types: Vec<CharacterType>,
    /// How many.
    pub character_type_rule: CharacterTypeRule,
    /// Whether more than two alike in a row are allowed.
    pub identical_characters: Allowance,
    /// Whether three in a row that follow one another, such as `abc` or `321`, are allowed.
    pub sequential_characters: Allowance,
}

/// A kind of character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CharacterType {
    /// Lower case letters.
    Lowercase,
    /// Upper case letters.
    Uppercase,
    /// Digits.
    Number,
    /// Everything else.
    Special,
}

/// How many kinds of characters must be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CharacterTypeRule {
    /// All that are named.
    #[default]
    All,
    /// Any three of the four there are.
    ThreeOfFour,
}

/// Whether something may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Allowance {
    /// It may.
    #[default]
    Allow,
    /// It may not.
    Block,
}

/// A shortest length, of connections that have levels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PasswordComplexityOptions {
    /// At least so many characters.
    pub min_length: Option<usize>,
}

/// What a password must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strength {
    /// At least so many characters.
    pub min_length: usize,
    /// One of each of these kinds.
    pub needs: Vec<CharacterType>,
    /// Three of the four kinds.
    pub three_of_four: bool,
    /// No more than two alike in a row.
    pub no_runs: bool,
    /// No three letters or digits that follow one another.
    pub no_sequences: bool,
}

/// Password strength levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PasswordPolicy {
    /// At least one character.
    None,
    /// At least 6 characters.
    Low,
    /// At least 8 characters of lower case, upper case and digits.
    Fair,
    /// At least 8 characters of 3 of the 4 classes.
    #[default]
    Good,
    /// At least 10 characters, 3 of the 4 classes, no more than 2 alike in a row.
    Excellent,
}

impl PasswordPolicy {
    /// What a password of this level must be.
    pub fn strength(self) -> Strength {
        let any = |min_length| Strength {
            min_length,
            needs: Vec::new(),
            three_of_four: false,
            no_runs: false,
            no_sequences: false,
        };
        match self {
            Self::None => any(1),
            Self::Low => any(6),
            Self::Fair => Strength {
                needs: vec![CharacterType::Lowercase, CharacterType::Uppercase, CharacterType::Number],
                ..any(8)
            },
            Self::Good => Strength { three_of_four: true, ..any(8) },
            Self::Excellent => Strength { three_of_four: true, no_runs: true, ..any(10) },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn strength(options: Value) -> Strength {
        serde_json::from_value::<ConnectionOptions>(options).unwrap().strength()
    }

    #[test]
    fn level_and_rules_both_hold() {
        assert_eq!(strength(json!({})), PasswordPolicy::Good.strength());
        let rules = json!({"complexity": {"min_length": 15, "character_types": ["number"]}});
        let alone = strength(json!({"password_options": rules}));
        assert_eq!((alone.min_length, alone.three_of_four), (15, false), "rules alone are all there is");
        assert_eq!(alone.needs, [CharacterType::Number]);
        let both = strength(json!({"passwordPolicy": "excellent", "password_options": rules}));
        assert_eq!((both.min_length, both.three_of_four, both.no_runs), (15, true, true));
        let short = json!({"complexity": {"min_length": 1}});
        let both = strength(json!({"passwordPolicy": "good", "password_options": short}));
        assert_eq!((both.min_length, both.three_of_four), (8, true), "the stricter one counts");
        let longer =
            strength(json!({"passwordPolicy": "low", "password_complexity_options": {"min_length": 12}}));
        assert_eq!(longer.min_length, 12);
        let blocked =
            json!({"complexity": {"identical_characters": "block", "character_type_rule": "three_of_four"}});
        let blocked = strength(json!({"password_options": blocked}));
        assert_eq!((blocked.min_length, blocked.three_of_four, blocked.no_runs), (1, true, true));
    }

    #[test]
    fn of_two_forms_the_stricter_counts() {
        let of = |options: serde_json::Value| serde_json::from_value::<ConnectionOptions>(options).unwrap();
        let off = json!({"history": {"active": false}, "dictionary": {"active": false}, "profile_data": {"active": false}});
        let none = of(json!({"password_options": off}));
        assert_eq!((none.remembered_passwords(), none.dictionary()), (0, None));
        assert_eq!(none.refuses_personal_data(), Some(false));
        let old = of(json!({
            "password_options": off,
            "password_history": {"enable": true, "size": 30},
            "password_dictionary": {"enable": true, "dictionary": ["acme"]},
            "password_no_personal_info": {"enable": true},
        }));
        assert_eq!((old.remembered_passwords(), old.dictionary()), (24, Some(vec!["acme"])));
        assert_eq!(old.refuses_personal_data(), Some(true));
        assert_eq!(of(json!({})).refuses_personal_data(), None);
    }
}
