//! Pages that only say something.

use askama::Template;

use super::{Form, Frame, Link, html};
use crate::Texts;

/// After asking for a link. It reads the same whether there is such an account or not.
#[derive(Clone, Debug)]
pub struct CheckMail {
    /// The tenant.
    pub frame: Frame,
    /// Where "Send again" posts, with `email` and `action=resend`.
    pub form: Form,
    /// The address that was entered.
    pub email: String,
    /// The way back.
    pub login: Option<Link>,
}

/// After a new password was chosen.
#[derive(Clone, Debug)]
pub struct ResetDone {
    /// The tenant.
    pub frame: Frame,
    /// The application to go on to: its name and address.
    pub application: Option<(String, Link)>,
}

/// After logging out, where there is no application to go back to.
#[derive(Clone, Debug)]
pub struct LoggedOut {
    /// The tenant.
    pub frame: Frame,
}

/// After the link of a mail proved an address.
#[derive(Clone, Debug)]
pub struct EmailVerified {
    /// The tenant.
    pub frame: Frame,
}

/// "Unblock your account?" after a mail that told of wrong passwords.
#[derive(Clone, Debug)]
pub struct Unblock {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts.
    pub form: Form,
    /// Whose account it is.
    pub email: String,
}

/// The block is lifted.
#[derive(Clone, Debug)]
pub struct Unblocked {
    /// The tenant.
    pub frame: Frame,
}

/// A factor was made by a ticket.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// The tenant.
    pub frame: Frame,
}

#[derive(Template)]
#[template(path = "enrolled.html")]
struct EnrolledPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
}

impl Enrolled {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&EnrolledPage { t: texts, frame: &self.frame })
    }
}

#[derive(Template)]
#[template(path = "unblock.html")]
struct UnblockPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a Unblock,
    form: &'a Form,
}

#[derive(Template)]
#[template(path = "unblocked.html")]
struct UnblockedPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
}

impl Unblock {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&UnblockPage { t: texts, frame: &self.frame, view: self, form: &self.form })
    }
}

impl Unblocked {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&UnblockedPage { t: texts, frame: &self.frame })
    }
}

#[derive(Template)]
#[template(path = "check_mail.html")]
struct CheckMailPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a CheckMail,
    form: &'a Form,
}

#[derive(Template)]
#[template(path = "reset_done.html")]
struct ResetDonePage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a ResetDone,
}

#[derive(Template)]
#[template(path = "email_verified.html")]
struct EmailVerifiedPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
}

impl EmailVerified {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&EmailVerifiedPage { t: texts, frame: &self.frame })
    }
}

#[derive(Template)]
#[template(path = "logged_out.html")]
struct LoggedOutPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
}

impl CheckMail {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&CheckMailPage { t: texts, frame: &self.frame, view: self, form: &self.form })
    }
}

impl ResetDone {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&ResetDonePage { t: texts, frame: &self.frame, view: self })
    }
}

impl LoggedOut {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&LoggedOutPage { t: texts, frame: &self.frame })
    }
}
