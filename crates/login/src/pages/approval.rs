//! An application asks for a user who is elsewhere: the question, and how it ended (OpenID CIBA Core 1.0).

use askama::Template;

use super::{Form, Frame, Link, html, initial};
use crate::Texts;

/// "Do you expect this?" The actions are `accept` and `decline`.
#[derive(Clone, Debug)]
pub struct ConfirmApproval {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts.
    pub form: Form,
    /// The application.
    pub client_name: String,
    /// Its logo.
    pub client_logo: Option<Link>,
    /// What the application shows too.
    pub message: String,
    /// Who is logged in, if somebody is.
    pub account: Option<String>,
    /// Where "Not you?" leads.
    pub not_you: Option<Link>,
}

/// How it ended.
#[derive(Clone, Debug)]
pub struct ApprovalDone {
    /// The tenant.
    pub frame: Frame,
    /// The user said yes.
    pub is_approved: bool,
}

#[derive(Template)]
#[template(path = "approval_confirm.html")]
struct ConfirmApprovalPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a ConfirmApproval,
    form: &'a Form,
    client_initial: String,
    account_initial: String,
}

#[derive(Template)]
#[template(path = "approval_done.html")]
struct ApprovalDonePage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    title: &'a str,
    lead: &'a str,
}

impl ConfirmApproval {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&ConfirmApprovalPage {
            t: texts,
            frame: &self.frame,
            view: self,
            form: &self.form,
            client_initial: initial(&self.client_name),
            account_initial: initial(self.account.as_deref().unwrap_or_default()),
        })
    }
}

impl ApprovalDone {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        let (title, lead) = match self.is_approved {
            true => ("approval.done_title", "approval.done_description"),
            false => ("approval.denied_title", "approval.denied_description"),
        };
        let (title, lead) = (texts.say(title), texts.say(lead));
        html(&ApprovalDonePage { t: texts, frame: &self.frame, title, lead })
    }
}
