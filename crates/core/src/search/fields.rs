//! Which fields there are to search, and how each is compared.

use std::borrow::Cow;

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Users.
    Users,
    /// Users, by whoever sees no more of them than lists of members show.
    Members,
    /// Log events.
    Logs,
    /// Documents of configuration, such as applications.
    Documents,
}

/// How texts of a field are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folding {
    /// As they are.
    Exact,
    /// In lower case.
    Lower,
}

impl Folding {
    /// The text that is compared. Each character by itself, so that a part of a text folds as it does in the whole.
    pub fn of(self, text: &str) -> Cow<'_, str> {
        let is_folded = text.is_ascii() && !text.bytes().any(|c| c.is_ascii_uppercase());
        match self {
            Self::Lower if !is_folded => text.chars().flat_map(char::to_lowercase).collect::<String>().into(),
            _ => text.into(),
        }
    }
}

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Time,
    /// Anything; compared as it is written.
    Any,
    /// As `Any`, and only whole values are found.
    Whole,
}

impl Dialect {
    pub(super) fn kind(self, field: &str) -> Kind {
        match (self, field) {
            (Self::Users | Self::Members, "logins_count") => Kind::Number,
            (
                Self::Users | Self::Members,
                "created_at" | "updated_at" | "last_login" | "last_password_reset",
            )
            | (Self::Logs, "date") => Kind::Time,
            (Self::Users | Self::Members, field) if is_in(field, "user_metadata") => Kind::Whole,
            (Self::Users | Self::Members, field) if is_in(field, "app_metadata") => Kind::Any,
            (Self::Logs, field) if is_in(field, "details") => Kind::Any,
            _ => Kind::Text,
        }
    }

    pub(super) fn folding(self, field: &str) -> Folding {
        match (self, field) {
            (Self::Documents, _) => Folding::Lower,
            (
                Self::Users | Self::Members,
                "email" | "email.domain" | "name" | "given_name" | "family_name" | "nickname",
            ) => Folding::Lower,
            _ => Folding::Exact,
        }
    }

    /// Where a word without a field is looked for.
    pub(super) const fn bare(self) -> &'static [&'static str] {
        match self {
            Self::Users => &[
                "email",
                "name",
                "given_name",
                "family_name",
                "nickname",
                "username",
                "phone_number",
                "user_id",
            ],
            Self::Members => &SHOWN_OF_MEMBERS,
            Self::Logs => &["user_name", "connection", "client_name", "type", "ip", "log_id", "description"],
            Self::Documents => &["name", "display_name", "identifier", "client_id", "audience", "id"],
        }
    }

    /// Whether a word without a field is found within a value, too: names of documents have several words.
    pub(super) const fn finds_parts(self) -> bool {
        matches!(self, Self::Documents)
    }

    /// Characters that a word with an asterisk must have, unless the asterisk is at its end. Documents are few.
    pub(super) const fn least_literal(self) -> usize {
        match self {
            Self::Users | Self::Members | Self::Logs => 3,
            Self::Documents => 0,
        }
    }
}

/// What lists of members show.
const SHOWN_OF_MEMBERS: [&str; 3] = ["email", "name", "user_id"];

/// Whether whoever sees no more than lists of members may ask about a field: a search that says yes or no tells its value.
pub fn is_shown_of_members(field: &str) -> bool {
    SHOWN_OF_MEMBERS.contains(&field) || field == "email.domain"
}

fn is_in(field: &str, object: &str) -> bool {
    field.strip_prefix(object).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
