//! The second factor: its code, making one, and the recovery code for whoever lost it.

use askama::Template;
use qrcodegen::{QrCode, QrCodeEcc};

use super::{
    Form, Frame, Link, OtherWay, Problem,
    field::{Field, FieldName, focus_first},
    html, initial, problem,
};
use crate::Texts;

/// Which code is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// That of an authenticator application.
    OneTime,
    /// The one for whoever lost it.
    Recovery,
}

/// The page that asks for a code. The field is `code`.
#[derive(Clone, Debug)]
pub struct EnterCode {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts.
    pub form: Form,
    /// Of which kind.
    pub kind: CodeKind,
    /// Who is logged in so far.
    pub account: String,
    /// Where "Not you?" leads.
    pub not_you: Link,
    /// Whether the user may have this browser remembered.
    pub may_remember: bool,
    /// Where else they may go.
    pub others: Vec<OtherWay>,
    /// Why the page comes back.
    pub problems: Vec<Problem>,
}

/// The page on which an authenticator application is set up. The field is `code`.
#[derive(Clone)]
pub struct EnrolOtp {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts.
    pub form: Form,
    /// Who is logged in so far.
    pub account: String,
    /// Where "Not you?" leads.
    pub not_you: Option<Link>,
    /// Whether they came from their own page; else they are asked for it at their login.
    pub is_own: bool,
    /// What the application reads from the picture.
    pub uri: String,
    /// What can be typed instead.
    pub secret: String,
    /// What else can be made a factor.
    pub others: Vec<OtherWay>,
    /// Why the page comes back.
    pub problems: Vec<Problem>,
}

/// The page that shows a recovery code, once. Whoever put it away ticks `saved`.
#[derive(Clone)]
pub struct KeepRecoveryCode {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts.
    pub form: Form,
    /// The code.
    pub code: String,
    /// Why the page comes back.
    pub problems: Vec<Problem>,
}

#[derive(Template)]
#[template(path = "code_enter.html")]
struct EnterCodePage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a EnterCode,
    form: &'a Form,
    title: &'a str,
    lead: &'a str,
    alert: Option<String>,
    code: Field<'a>,
    account_initial: String,
}

#[derive(Template)]
#[template(path = "otp_enrol.html")]
struct EnrolOtpPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a EnrolOtp,
    form: &'a Form,
    title: &'a str,
    lead: String,
    alert: Option<String>,
    code: Field<'a>,
    picture: Option<Picture>,
    secret: String,
    account_initial: String,
}

#[derive(Template)]
#[template(path = "recovery_keep.html")]
struct KeepRecoveryCodePage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    form: &'a Form,
    alert: Option<String>,
    code: String,
}

/// A QR code as a path of squares.
struct Picture {
    /// Squares of a side, with the quiet zone of four around it (ISO/IEC 18004).
    side: i32,
    path: String,
}

const QUIET: i32 = 4;

impl Picture {
    /// `None` where the text is too long for one.
    fn of(text: &str) -> Option<Self> {
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
        let dark = (0..code.size())
            .flat_map(|y| (0..code.size()).map(move |x| (x, y)))
            .filter(|(x, y)| code.get_module(*x, *y));
        let path = dark.map(|(x, y)| format!("M{} {}h1v1h-1z", x + QUIET, y + QUIET)).collect();
        Some(Self { side: code.size() + 2 * QUIET, path })
    }
}

/// Letters in groups of four, to be typed or written down.
fn grouped(code: &str) -> String {
    let letters: Vec<char> = code.chars().collect();
    letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(" ")
}

fn code_field<'a>(label: &'a str, inputmode: &'static str, problems: &[Problem], texts: &Texts) -> Field<'a> {
    let mut code = Field::text(FieldName::Code, label, "")
        .filled_with("one-time-code", inputmode)
        .with_problems(problems, texts);
    focus_first(&mut [&mut code]);
    code
}

impl EnterCode {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        let (title, lead, label, inputmode) = match self.kind {
            CodeKind::OneTime => (
                texts.say("second_factor.enter_title"),
                texts.say("second_factor.enter_description"),
                texts.say("label.one_time_code"),
                "numeric",
            ),
            CodeKind::Recovery => (
                texts.say("second_factor.recovery_title"),
                texts.say("second_factor.recovery_description"),
                texts.say("label.recovery_code"),
                "text",
            ),
        };
        html(&EnterCodePage {
            t: texts,
            frame: &self.frame,
            view: self,
            form: &self.form,
            title,
            lead,
            alert: problem::alert(&self.problems, label, texts),
            code: code_field(label, inputmode, &self.problems, texts),
            account_initial: initial(&self.account),
        })
    }
}

impl EnrolOtp {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        let label = texts.say("label.one_time_code");
        let (title, lead) = match self.is_own {
            true => ("account_keys.add_title", "account_keys.add_otp_lead"),
            false => ("second_factor.enrol_title", "second_factor.enrol_description"),
        };
        html(&EnrolOtpPage {
            t: texts,
            frame: &self.frame,
            view: self,
            form: &self.form,
            title: texts.say(title),
            lead: texts.fill(lead, &[("companyName", &self.frame.tenant_name)]),
            alert: problem::alert(&self.problems, label, texts),
            code: code_field(label, "numeric", &self.problems, texts),
            picture: Picture::of(&self.uri),
            secret: grouped(&self.secret),
            account_initial: initial(&self.account),
        })
    }
}

impl KeepRecoveryCode {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&KeepRecoveryCodePage {
            t: texts,
            frame: &self.frame,
            form: &self.form,
            alert: problem::alert(&self.problems, "", texts),
            code: grouped(&self.code),
        })
    }
}

/// Shows no secret.
impl std::fmt::Debug for EnrolOtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnrolOtp").field("account", &self.account).finish_non_exhaustive()
    }
}

/// Shows no code.
impl std::fmt::Debug for KeepRecoveryCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeepRecoveryCode(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_in_groups() {
        assert_eq!(grouped("ABCDEFGHIJ"), "ABCD EFGH IJ");
        assert_eq!(grouped(""), "");
    }

    #[test]
    fn a_picture_holds_its_quiet_zone() {
        let picture = Picture::of("otpauth://totp/a:b?secret=GEZDGNBV").unwrap();
        assert!(picture.path.starts_with("M4 4h1v1h-1z"), "the first corner is dark");
        assert!(picture.side >= 21 + 8);
        assert!(Picture::of(&"x".repeat(3000)).is_none());
    }
}
