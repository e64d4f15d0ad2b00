//! What an application asks for, in words.
//!
//! `read:messages` and `write:messages` become "Messages: read and write your messages"; the scopes of OpenID Connect get
//! sentences of their own; a tenant may have the descriptions of its scopes shown instead (fact sheet 4.2).

use crate::Texts;

/// A scope somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedScope {
    /// As it is written in tokens.
    pub value: String,
    /// What the API says about it.
    pub description: Option<String>,
}

/// A line of the consent page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The resource, where scopes were grouped.
    pub title: Option<String>,
    /// What may be done.
    pub text: String,
}

/// The lines of the consent page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsentLines {
    /// What concerns the account itself: the scopes of OpenID Connect.
    pub account: Vec<Line>,
    /// What concerns the API.
    pub api: Vec<Line>,
}

/// The scopes of OpenID Connect Core 5.4 and 11 with their texts, in the order they are shown.
const ACCOUNT_SCOPES: [(&str, &str); 5] = [
    ("profile", "consent.profile"),
    ("email", "consent.email"),
    ("address", "consent.address"),
    ("phone", "consent.phone"),
    ("offline_access", "consent.offline_access"),
];

/// Actions there are words for; others are shown as the scope spells them.
const ACTIONS: [(&str, &str); 10] = [
    ("add", "action.add"),
    ("create", "action.create"),
    ("delete", "action.delete"),
    ("list", "action.list"),
    ("manage", "action.manage"),
    ("read", "action.read"),
    ("remove", "action.remove"),
    ("send", "action.send"),
    ("update", "action.update"),
    ("write", "action.write"),
];

/// Puts scopes into words. `use_descriptions` is the tenant's `use_scope_descriptions_for_consent`; a scope without a
/// description is then shown as it is written.
pub fn consent_lines(asked: &[AskedScope], use_descriptions: bool, texts: &Texts) -> ConsentLines {
    let mut account: Vec<Line> = ACCOUNT_SCOPES
        .iter()
        .filter(|(scope, _)| asked.iter().any(|one| one.value == *scope))
        .map(|(_, key)| plain(texts.say(key)))
        .collect();
    let of_api: Vec<&AskedScope> = asked.iter().filter(|one| !is_account_scope(&one.value)).collect();
    let api = if use_descriptions { described(&of_api) } else { grouped(&of_api, texts) };
    if account.is_empty() && asked.iter().any(|one| one.value == "openid") {
        account.push(plain(texts.say("consent.openid")));
    }
    ConsentLines { account, api }
}

fn is_account_scope(scope: &str) -> bool {
    scope == "openid" || ACCOUNT_SCOPES.iter().any(|(known, _)| *known == scope)
}

fn described(asked: &[&AskedScope]) -> Vec<Line> {
    let mut lines = Vec::new();
    for scope in asked {
        let description = scope.description.as_deref().map(str::trim).filter(|text| !text.is_empty());
        push_new(&mut lines, plain(description.unwrap_or(&scope.value)));
    }
    lines
}

/// One line per resource, in the order resources are first named; what is no `action:resource` stands for itself.
fn grouped(asked: &[&AskedScope], texts: &Texts) -> Vec<Line> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for scope in asked {
        let (resource, action) = match action_and_resource(&scope.value) {
            Some((action, resource)) => (resource, Some(action)),
            None => (scope.value.as_str(), None),
        };
        let is_bare = action.is_none();
        match groups.iter_mut().find(|(name, actions)| *name == resource && actions.is_empty() == is_bare) {
            Some((_, actions)) => actions.extend(action.filter(|action| !actions.contains(action))),
            None => groups.push((resource, action.into_iter().collect())),
        }
    }
    groups
        .iter()
        .map(|(name, actions)| if actions.is_empty() { plain(name) } else { group(name, actions, texts) })
        .collect()
}

fn group(resource: &str, actions: &[&str], texts: &Texts) -> Line {
    let resource = resource.replace(['_', '-'], " ");
    let actions: Vec<&str> = actions.iter().map(|action| action_word(action, texts)).collect();
    let text = texts.fill("consent.group", &[("actions", &joined(&actions, texts)), ("resource", &resource)]);
    Line { title: Some(capitalised(&resource)), text }
}

/// Exactly one colon with a plain name on both sides; URLs and longer paths are no such thing.
fn action_and_resource(scope: &str) -> Option<(&str, &str)> {
    let (action, resource) = scope.split_once(':')?;
    let is_name = |part: &str| {
        part.contains(char::is_alphanumeric)
            && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    (is_name(action) && is_name(resource)).then_some((action, resource))
}

fn action_word<'a>(action: &'a str, texts: &'a Texts) -> &'a str {
    ACTIONS.iter().find(|(known, _)| *known == action).map_or(action, |(_, key)| texts.say(key))
}

/// "read", "read and write", "read, write and delete", as the language joins them.
fn joined(words: &[&str], texts: &Texts) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => {
            let first = first.join(texts.say("consent.comma"));
            texts.fill("consent.and", &[("first", &first), ("last", last)])
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn plain(text: &str) -> Line {
    Line { title: None, text: text.to_owned() }
}

fn push_new(lines: &mut Vec<Line>, line: Line) {
    if !lines.contains(&line) {
        lines.push(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Language, TextCatalog};

    fn lines(
        language: Language,
        scopes: &[(&str, &str)],
        use_descriptions: bool,
    ) -> (Vec<String>, Vec<String>) {
        let texts = TextCatalog::built_in().expect("the text files are well formed").of(language);
        let asked: Vec<AskedScope> = scopes
            .iter()
            .map(|(value, description)| AskedScope {
                value: (*value).to_owned(),
                description: Some((*description).to_owned()).filter(|text| !text.is_empty()),
            })
            .collect();
        let lines = consent_lines(&asked, use_descriptions, &texts);
        let written = |lines: Vec<Line>| {
            let write = |line: Line| match line.title {
                Some(title) => format!("{title}: {}", line.text),
                None => line.text,
            };
            lines.into_iter().map(write).collect()
        };
        (written(lines.account), written(lines.api))
    }

    fn api(language: Language, scopes: &[&str]) -> Vec<String> {
        let scopes: Vec<(&str, &str)> = scopes.iter().map(|scope| (*scope, "")).collect();
        lines(language, &scopes, false).1
    }

    #[test]
    fn scopes_of_a_resource_share_a_line() {
        let cases: [(&[&str], &[&str]); 9] = [
            (&["read:messages", "write:messages"], &["Messages: read and write your messages"]),
            (
                &["read:posts", "read:messages", "delete:posts", "write:posts"],
                &["Posts: read, delete and write your posts", "Messages: read your messages"],
            ),
            (&["read:contacts", "read:contacts"], &["Contacts: read your contacts"]),
            (&["read:address_books"], &["Address books: read your address books"]),
            (&["approve:invoices"], &["Invoices: approve your invoices"]),
            (&["timesheets", "timesheets"], &["timesheets"]),
            (&["messages", "read:messages"], &["messages", "Messages: read your messages"]),
            (
                &["https://api.example/mail", "read:", ":mail", "a:b:c", "read:äpfel"],
                &["https://api.example/mail", "read:", ":mail", "a:b:c", "Äpfel: read your äpfel"],
            ),
            (&[], &[]),
        ];
        for (scopes, expected) in cases {
            assert_eq!(api(Language::English, scopes), expected, "{scopes:?}");
        }
    }

    #[test]
    fn joining_follows_the_language() {
        assert_eq!(
            api(Language::German, &["read:messages", "write:messages", "delete:messages"]),
            ["Messages: „messages“ lesen, schreiben und löschen"]
        );
    }

    #[test]
    fn descriptions_are_shown_where_the_tenant_says_so() {
        let scopes = [("read:contacts", "See your contacts"), ("delete:contacts", " "), ("email", "unused")];
        let (account, api) = lines(Language::English, &scopes, true);
        assert_eq!(api, ["See your contacts", "delete:contacts"]);
        assert_eq!(account, ["See your email address"]);
    }

    #[test]
    fn account_scopes_have_sentences_in_a_fixed_order() {
        let scopes = [("offline_access", ""), ("openid", ""), ("phone", ""), ("email", ""), ("profile", "")];
        let (account, api) = lines(Language::English, &scopes, false);
        assert_eq!(
            account,
            [
                "See your profile, such as your name and picture",
                "See your email address",
                "See your phone number",
                "Keep this access while you are not using it"
            ]
        );
        assert!(api.is_empty());
        assert_eq!(lines(Language::English, &[("openid", "")], false).0, ["Know who you are"]);
    }
}
