//! Sign-in with a code that is mailed: the address, then the code.

use askama::Template;

use super::{
    Form, Frame, Link, Problem,
    field::{Field, FieldName, focus_first},
    html, problem,
};
use crate::Texts;

/// The page that asks for the address. The field is `email`.
#[derive(Clone, Debug)]
pub struct AskForCode {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts.
    pub form: Form,
    /// The application's name.
    pub client_name: String,
    /// What is already in the field.
    pub email: String,
    /// Why the page comes back.
    pub problems: Vec<Problem>,
    /// Where people log in with a password, where they may.
    pub password: Option<Link>,
}

/// The page that asks for the code. The field is `code`; the actions are `default` and `resend`. It reads the same whether
/// there is such an account or not.
#[derive(Clone)]
pub struct EnterMailedCode {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts.
    pub form: Form,
    /// Where the code went.
    pub email: String,
    /// The code, where a link brought it along.
    pub code: String,
    /// Why the page comes back.
    pub problems: Vec<Problem>,
    /// Where another address can be entered.
    pub other: Link,
}

#[derive(Template)]
#[template(path = "passwordless_email.html")]
struct AskForCodePage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a AskForCode,
    form: &'a Form,
    alert: Option<String>,
    email: Field<'a>,
}

#[derive(Template)]
#[template(path = "passwordless_code.html")]
struct EnterMailedCodePage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a EnterMailedCode,
    form: &'a Form,
    alert: Option<String>,
    code: Field<'a>,
}

impl AskForCode {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        let mut email = Field::text(FieldName::Email, texts.say("label.email"), &self.email)
            .filled_with("email", "email")
            .with_problems(&self.problems, texts);
        focus_first(&mut [&mut email]);
        html(&AskForCodePage {
            t: texts,
            frame: &self.frame,
            view: self,
            form: &self.form,
            alert: problem::alert(&self.problems, email.label, texts),
            email,
        })
    }
}

impl EnterMailedCode {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        let mut code = Field::text(FieldName::Code, texts.say("label.one_time_code"), &self.code)
            .filled_with("one-time-code", "numeric")
            .with_problems(&self.problems, texts);
        focus_first(&mut [&mut code]);
        html(&EnterMailedCodePage {
            t: texts,
            frame: &self.frame,
            view: self,
            form: &self.form,
            alert: problem::alert(&self.problems, code.label, texts),
            code,
        })
    }
}

/// Shows whose it is, and no code.
impl std::fmt::Debug for EnterMailedCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnterMailedCode").field("problems", &self.problems).finish_non_exhaustive()
    }
}
