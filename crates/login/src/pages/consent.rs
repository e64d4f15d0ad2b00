//! What an application asks for, to accept or decline, without what the user may leave out.

use askama::Template;

use super::{Form, Frame, Link, html, initial};
use crate::{
    Texts,
    consent_lines::{ConsentLines, Line},
};

/// The consent page. The actions are `accept` and `decline`.
#[derive(Clone, Debug)]
pub struct Consent {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts.
    pub form: Form,
    /// The application's name.
    pub client_name: String,
    /// The host that answers for the application, where nobody registered it: its name is its own word alone.
    pub client_host: Option<String>,
    /// The application's logo; its initial unless set.
    pub client_logo: Option<Link>,
    /// Who is asked: the address or user name of the account.
    pub account: String,
    /// Where "Not you?" leads.
    pub not_you: Option<Link>,
    /// What is asked for, under headings.
    pub groups: Vec<ConsentGroup>,
    /// Which of several APIs this is about, where the request names several.
    pub step: Option<ConsentStep>,
    /// What is asked, as the form says back what it showed.
    pub asked: String,
    /// The scopes that can be left out, said back in the same way.
    pub choices: String,
    /// Where users take back what they allowed.
    pub withdraw: Link,
    /// What the application says of people's data (`policy_uri`).
    pub policy: Option<Link>,
    /// Its terms of service (`tos_uri`).
    pub terms: Option<Link>,
    /// The host the browser goes to afterwards.
    pub callback_host: Option<String>,
}

/// One of several APIs, each of which is asked about by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentStep {
    /// Which one, from 1.
    pub number: usize,
    /// How many there are.
    pub count: usize,
    /// Its name.
    pub api_name: String,
}

/// Lines under a heading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsentGroup {
    /// What it concerns.
    pub heading: String,
    /// What may be done.
    pub lines: Vec<Line>,
    /// What may be done where the user lets it.
    pub choices: Vec<Choice>,
}

/// A line with a box to tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Name of the field.
    pub field: String,
    /// What may be done.
    pub line: Line,
    /// Whether the box is ticked at first.
    pub is_ticked: bool,
    /// Whether it is marked as something to think about.
    pub is_sensitive: bool,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a Consent,
    form: &'a Form,
    client_initial: String,
    account_initial: String,
    step: Option<String>,
}

impl ConsentGroup {
    /// The groups of a request: what concerns the API under the API's name, with what may be left out of it, then what
    /// concerns the account.
    pub fn of(lines: ConsentLines, choices: Vec<Choice>, api_name: Option<&str>, texts: &Texts) -> Vec<Self> {
        let account_heading = texts.say("consent.account_heading");
        let api = Self { heading: api_name.unwrap_or(account_heading).to_owned(), lines: lines.api, choices };
        let account = Self { heading: account_heading.to_owned(), lines: lines.account, choices: Vec::new() };
        let is_empty = |group: &Self| group.lines.is_empty() && group.choices.is_empty();
        [api, account].into_iter().filter(|group| !is_empty(group)).collect()
    }
}

impl Consent {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&ConsentPage {
            t: texts,
            frame: &self.frame,
            view: self,
            form: &self.form,
            client_initial: initial(&self.client_name),
            account_initial: initial(&self.account),
            step: self.step.as_ref().map(|step| {
                let (number, count) = (step.number.to_string(), step.count.to_string());
                let parts = [("number", &*number), ("count", &*count), ("apiName", &*step.api_name)];
                texts.fill("consent.step", &parts)
            }),
        })
    }
}
