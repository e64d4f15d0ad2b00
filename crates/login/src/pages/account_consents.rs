//! Which applications a user lets do what, each to be taken back.

use askama::Template;

use super::{ConsentGroup, Form, Frame, Link, html, initial};
use crate::Texts;

/// The page. The action is `withdraw`, with the id of what is withdrawn as `consent`.
#[derive(Clone, Debug)]
pub struct AccountConsents {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts.
    pub form: Form,
    /// Who is signed in.
    pub account: String,
    /// Where they sign out.
    pub log_out: Link,
    /// The name of the application that something was just taken from.
    pub withdrawn: Option<String>,
    /// What was allowed, in the order of the applications' names.
    pub allowed: Vec<AllowedApplication>,
}

/// What one application may do at one API, or with the account itself.
#[derive(Clone, Debug)]
pub struct AllowedApplication {
    /// The consent.
    pub id: String,
    /// The application's name.
    pub client_name: String,
    /// The application's logo; its initial unless set.
    pub client_logo: Option<Link>,
    /// The organization it is for.
    pub organization: Option<String>,
    /// The API it is for, where none of its scopes stands among the groups.
    pub api: Option<String>,
    /// What it may do, under headings.
    pub groups: Vec<ConsentGroup>,
    /// The day it began: `2026-11-26`.
    pub since: String,
}

#[derive(Template)]
#[template(path = "account_consents.html")]
struct AccountConsentsPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a AccountConsents,
    form: &'a Form,
    account_initial: String,
}

impl AllowedApplication {
    fn initial(&self) -> String {
        initial(&self.client_name)
    }
}

impl AccountConsents {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&AccountConsentsPage {
            t: texts,
            frame: &self.frame,
            view: self,
            form: &self.form,
            account_initial: initial(&self.account),
        })
    }
}
