//! Forgotten passwords: asking for a link, and choosing a new password with it.

use askama::Template;

use super::{
    Form, Frame, Link, Problem, RuleLine,
    field::{Field, FieldName, focus_first},
    html,
    problem::{self, ShownRule, shown_rules},
};
use crate::{
    Texts,
    assets::{File, asset_url},
};

/// The page that asks where to send the link. The field is `email`.
#[derive(Clone, Debug)]
pub struct ForgotPassword {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts.
    pub form: Form,
    /// What is already in the field.
    pub email: String,
    /// Why the page comes back.
    pub problems: Vec<Problem>,
    /// The way back.
    pub login: Option<Link>,
}

/// The page a link leads to. The fields are `password` and `password-repeat`.
#[derive(Clone, Debug)]
pub struct ResetPassword {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts; `state` is the ticket of the link.
    pub form: Form,
    /// Whose password it is.
    pub email: String,
    /// Why the page comes back.
    pub problems: Vec<Problem>,
    /// The password policy.
    pub rules: Vec<RuleLine>,
}

#[derive(Template)]
#[template(path = "forgot_password.html")]
struct ForgotPasswordPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a ForgotPassword,
    form: &'a Form,
    alert: Option<String>,
    email: Field<'a>,
}

#[derive(Template)]
#[template(path = "reset_password.html")]
struct ResetPasswordPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a ResetPassword,
    form: &'a Form,
    alert: Option<String>,
    password: Field<'a>,
    repeat: Field<'a>,
    rules: Vec<ShownRule<'a>>,
    script: String,
}

impl ForgotPassword {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        let mut email = Field::text(FieldName::Email, texts.say("label.email"), &self.email)
            .with_problems(&self.problems, texts);
        focus_first(&mut [&mut email]);
        html(&ForgotPasswordPage {
            t: texts,
            frame: &self.frame,
            view: self,
            form: &self.form,
            alert: problem::alert(&self.problems, email.label, texts),
            email,
        })
    }
}

impl ResetPassword {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        let secret = |name, label| {
            Field::secret(name, texts.say(label), "new-password").with_problems(&self.problems, texts)
        };
        let mut password = secret(FieldName::Password, "label.new_password");
        if !self.rules.is_empty() {
            password = password.explained_by("password-rules");
        }
        let mut repeat = secret(FieldName::RepeatPassword, "label.repeat_password");
        focus_first(&mut [&mut password, &mut repeat]);
        html(&ResetPasswordPage {
            t: texts,
            frame: &self.frame,
            view: self,
            form: &self.form,
            alert: problem::alert(&self.problems, texts.say("label.email"), texts),
            password,
            repeat,
            rules: shown_rules(&self.rules, texts),
            script: asset_url(File::ShowPasswordScript),
        })
    }
}
