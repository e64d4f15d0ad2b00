//! Letting a device in that has no browser: its code, the question whose device it is, and how it ended (RFC 8628).

use askama::Template;

use super::{
    Form, Frame, Link, Problem,
    field::{Field, FieldName, focus_first},
    html, initial, problem,
};
use crate::Texts;

/// The page that asks for the code. The field is `user_code`.
#[derive(Clone, Debug)]
pub struct EnterDeviceCode {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts: its own address.
    pub action: Link,
    /// What was entered before.
    pub user_code: String,
    /// Why the page comes back.
    pub problems: Vec<Problem>,
}

/// "Is this your device?" The actions are `accept` and `decline`.
#[derive(Clone, Debug)]
pub struct ConfirmDevice {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts.
    pub form: Form,
    /// The application on the device.
    pub client_name: String,
    /// Its logo.
    pub client_logo: Option<Link>,
    /// What the device shows.
    pub user_code: String,
    /// Who is logged in, if somebody is.
    pub account: Option<String>,
    /// Where "Not you?" leads.
    pub not_you: Option<Link>,
}

/// The device is connected.
#[derive(Clone, Debug)]
pub struct DeviceDone {
    /// The tenant.
    pub frame: Frame,
}

/// The user said no.
#[derive(Clone, Debug)]
pub struct DeviceDenied {
    /// The tenant.
    pub frame: Frame,
}

#[derive(Template)]
#[template(path = "device_code.html")]
struct EnterDeviceCodePage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a EnterDeviceCode,
    alert: Option<String>,
    user_code: Field<'a>,
}

#[derive(Template)]
#[template(path = "device_confirm.html")]
struct ConfirmDevicePage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a ConfirmDevice,
    form: &'a Form,
    client_initial: String,
    account_initial: String,
}

#[derive(Template)]
#[template(path = "device_done.html")]
struct DeviceDonePage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
}

#[derive(Template)]
#[template(path = "device_denied.html")]
struct DeviceDeniedPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
}

impl EnterDeviceCode {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        let label = texts.say("label.user_code");
        let mut user_code = Field::text(FieldName::UserCode, label, &self.user_code)
            .filled_with("off", "text")
            .with_problems(&self.problems, texts);
        focus_first(&mut [&mut user_code]);
        html(&EnterDeviceCodePage {
            t: texts,
            frame: &self.frame,
            view: self,
            alert: problem::alert(&self.problems, label, texts),
            user_code,
        })
    }
}

impl ConfirmDevice {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&ConfirmDevicePage {
            t: texts,
            frame: &self.frame,
            view: self,
            form: &self.form,
            client_initial: initial(&self.client_name),
            account_initial: initial(self.account.as_deref().unwrap_or_default()),
        })
    }
}

impl DeviceDone {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&DeviceDonePage { t: texts, frame: &self.frame })
    }
}

impl DeviceDenied {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&DeviceDeniedPage { t: texts, frame: &self.frame })
    }
}
