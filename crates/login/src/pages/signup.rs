//! Making an account.

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

/// The sign-up page. The fields are `email`, `username` where asked for, and `password`.
#[derive(Clone, Debug)]
pub struct Signup {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts.
    pub form: Form,
    /// The application's name.
    pub client_name: String,
    /// What is already in the address field.
    pub email: String,
    /// What is already in the user name field; `None` where the connection asks for none.
    pub username: Option<String>,
    /// Why the page comes back.
    pub problems: Vec<Problem>,
    /// The password policy.
    pub rules: Vec<RuleLine>,
    /// Where "Log in" leads.
    pub login: Link,
}

#[derive(Template)]
#[template(path = "signup.html")]
struct SignupPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a Signup,
    form: &'a Form,
    alert: Option<String>,
    email: Field<'a>,
    username: Option<Field<'a>>,
    password: Field<'a>,
    rules: Vec<ShownRule<'a>>,
    script: String,
}

impl Signup {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        let mut email = Field::text(FieldName::Email, texts.say("label.email"), &self.email)
            .with_problems(&self.problems, texts);
        let mut username = self.username.as_deref().map(|value| {
            Field::text(FieldName::Username, texts.say("label.username"), value)
                .with_problems(&self.problems, texts)
        });
        let mut password = Field::secret(FieldName::Password, texts.say("label.password"), "new-password")
            .with_problems(&self.problems, texts);
        if !self.rules.is_empty() {
            password = password.explained_by("password-rules");
        }
        let mut fields = vec![&mut email];
        fields.extend(username.as_mut());
        fields.push(&mut password);
        focus_first(&mut fields);
        html(&SignupPage {
            t: texts,
            frame: &self.frame,
            view: self,
            form: &self.form,
            alert: problem::alert(&self.problems, email.label, texts),
            email,
            username,
            password,
            rules: shown_rules(&self.rules, texts),
            script: asset_url(File::ShowPasswordScript),
        })
    }
}
