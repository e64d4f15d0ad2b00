//! Identifier and password on one page.

use askama::Template;

use super::{
    Form, Frame, Link, Problem,
    field::{Field, FieldName, focus_first},
    html, initial, problem,
};
use crate::{
    Texts,
    assets::{File, asset_url},
};

/// What somebody may log in with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Identifier {
    /// The address alone.
    #[default]
    Email,
    /// The user name alone.
    Username,
    /// Either.
    UsernameOrEmail,
}

/// The login page. The fields are `username` and `password`.
#[derive(Clone, Debug)]
pub struct Login {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts.
    pub form: Form,
    /// The application's name.
    pub client_name: String,
    /// What `username` may be.
    pub identifier: Identifier,
    /// What is already in the field: `login_hint`, or what was entered before.
    pub username: String,
    /// Why the page comes back.
    pub problems: Vec<Problem>,
    /// Where "Forgot password?" leads, where that is offered.
    pub forgot_password: Option<Link>,
    /// Where people log in with a code that is mailed, where they may.
    pub mailed_code: Option<Link>,
    /// Where "Sign up" leads, where that is allowed.
    pub signup: Option<Link>,
    /// Where people may log in with a passkey.
    pub passkey: Option<PasskeyForm>,
    /// What the application shows of itself.
    pub presented: Presented,
}

/// What an application registered to be shown to people (OpenID Connect Dynamic Client Registration, section 2).
#[derive(Clone, Debug, Default)]
pub struct Presented {
    /// Its picture (`logo_uri`).
    pub logo: Option<Link>,
    /// What it says of people's data (`policy_uri`).
    pub policy: Option<Link>,
    /// Its terms of service (`tos_uri`).
    pub terms: Option<Link>,
}

/// How a passkey is asked for. It posts `response`.
#[derive(Clone, Debug)]
pub struct PasskeyForm {
    /// Where it posts.
    pub form: Form,
    /// What the browser is asked for, in JSON.
    pub options: String,
    /// Browsers offer what they have in the field for the user.
    pub fills_in: bool,
    /// There is a button.
    pub has_button: bool,
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a Login,
    form: &'a Form,
    alert: Option<String>,
    username: Field<'a>,
    password: Field<'a>,
    script: String,
    passkey_script: String,
    client_initial: String,
}

impl Login {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        let (label, keyboard) = match self.identifier {
            Identifier::Email => ("label.email", "email"),
            Identifier::Username => ("label.username", "text"),
            Identifier::UsernameOrEmail => ("label.identifier", "email"),
        };
        let fills_in = self.passkey.as_ref().is_some_and(|passkey| passkey.fills_in);
        let mut username = Field::text(FieldName::Username, texts.say(label), &self.username)
            .filled_with(if fills_in { "username webauthn" } else { "username" }, keyboard)
            .with_problems(&self.problems, texts);
        let mut password =
            Field::secret(FieldName::Password, texts.say("label.password"), "current-password")
                .with_problems(&self.problems, texts);
        focus_first(&mut [&mut username, &mut password]);
        html(&LoginPage {
            t: texts,
            frame: &self.frame,
            view: self,
            form: &self.form,
            alert: problem::alert(&self.problems, username.label, texts),
            username,
            password,
            script: asset_url(File::ShowPasswordScript),
            passkey_script: asset_url(File::WebauthnScript),
            client_initial: initial(&self.client_name),
        })
    }
}
