//! A labelled field of a form with the error tied to it.

use super::problem::Problem;
use crate::Texts;

/// The fields forms have; the name is also the element's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldName {
    Username,
    Email,
    Password,
    RepeatPassword,
    Organization,
    UserCode,
    Code,
}

/// What a template needs to draw a field.
pub(super) struct Field<'a> {
    pub(super) name: &'static str,
    pub(super) label: &'a str,
    pub(super) value: &'a str,
    pub(super) secret: bool,
    pub(super) autocomplete: &'static str,
    pub(super) inputmode: &'static str,
    pub(super) autofocus: bool,
    /// The text under the field.
    pub(super) error: Option<String>,
    /// The field is wrong, be it said here or in the alert.
    pub(super) invalid: bool,
    /// Ids of the elements that explain the field.
    pub(super) described_by: String,
}

impl FieldName {
    fn id(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Email => "email",
            Self::Password => "password",
            Self::RepeatPassword => "password-repeat",
            Self::Organization => "organization",
            Self::UserCode => "user_code",
            Self::Code => "code",
        }
    }
}

impl<'a> Field<'a> {
    /// A field for text, such as a name or an address.
    pub(super) fn text(name: FieldName, label: &'a str, value: &'a str) -> Self {
        Self {
            name: name.id(),
            label,
            value,
            secret: false,
            autocomplete: if name == FieldName::Username { "username" } else { "email" },
            inputmode: if name == FieldName::Email { "email" } else { "text" },
            autofocus: false,
            error: None,
            invalid: false,
            described_by: String::new(),
        }
    }

    /// A field for a password: `current-password` or `new-password` for the browser's password store.
    pub(super) fn secret(name: FieldName, label: &'a str, autocomplete: &'static str) -> Self {
        Self { secret: true, autocomplete, ..Self::text(name, label, "") }
    }

    /// Overrides what the browser fills in and which keyboard it shows.
    pub(super) fn filled_with(self, autocomplete: &'static str, inputmode: &'static str) -> Self {
        Self { autocomplete, inputmode, ..self }
    }

    /// An element that explains the field, read out with it.
    pub(super) fn explained_by(mut self, id: &str) -> Self {
        if !self.described_by.is_empty() {
            self.described_by.push(' ');
        }
        self.described_by.push_str(id);
        self
    }

    /// Ties the problems about this field to it.
    pub(super) fn with_problems(mut self, problems: &[Problem], texts: &Texts) -> Self {
        let own =
            problems.iter().find(|problem| problem.field().is_some_and(|field| field.id() == self.name));
        if let Some(problem) = own {
            self.error = Some(problem.text(self.label, texts));
            self.invalid = true;
            let id = format!("{}-error", self.name);
            return self.explained_by(&id);
        }
        if problems.contains(&Problem::WrongCredentials) {
            self.invalid = true;
            return self.explained_by("alert");
        }
        self
    }
}

/// The cursor goes to the first wrong field, else to the first empty one.
pub(super) fn focus_first(fields: &mut [&mut Field<'_>]) {
    let wrong = fields.iter().position(|field| field.error.is_some());
    let empty = fields.iter().position(|field| field.value.is_empty());
    if let Some(field) = wrong.or(empty).and_then(|index| fields.get_mut(index)) {
        field.autofocus = true;
    }
}
