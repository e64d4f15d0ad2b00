//! Yes-or-no questions: logging out, and logging in to an application that cannot prove its address.

use askama::Template;

use super::{Form, Frame, Link, html, initial};
use crate::Texts;

/// "Are you sure you want to log out?" The actions are `accept` and `decline`.
#[derive(Clone, Debug)]
pub struct ConfirmLogout {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts.
    pub form: Form,
    /// The application's name, or the tenant's where no application asks.
    pub client_name: String,
}

/// Shown before a code goes to a loopback or custom-scheme callback when nothing else was (fact sheet 2.9). The actions
/// are `accept` and `decline`.
#[derive(Clone, Debug)]
pub struct ConfirmLogin {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts.
    pub form: Form,
    /// The application's name.
    pub client_name: String,
    /// Who is logged in.
    pub account: String,
    /// Where "Not you?" leads.
    pub not_you: Option<Link>,
}

#[derive(Template)]
#[template(path = "confirm_logout.html")]
struct ConfirmLogoutPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a ConfirmLogout,
    form: &'a Form,
}

#[derive(Template)]
#[template(path = "confirm_login.html")]
struct ConfirmLoginPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a ConfirmLogin,
    form: &'a Form,
    account_initial: String,
}

impl ConfirmLogout {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&ConfirmLogoutPage { t: texts, frame: &self.frame, view: self, form: &self.form })
    }
}

impl ConfirmLogin {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&ConfirmLoginPage {
            t: texts,
            frame: &self.frame,
            view: self,
            form: &self.form,
            account_initial: initial(&self.account),
        })
    }
}
