//! Security keys and passkeys: making one, showing one, and the ways around.

use askama::Template;

use super::{Form, Frame, Link, Problem, html, initial, problem};
use crate::{
    Texts,
    assets::{File, asset_url},
};

/// What a page about keys is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPage {
    /// Showing one as a second factor.
    Show,
    /// Making a security key.
    MakeRoaming,
    /// Making what is built into the machine a factor.
    MakePlatform,
    /// Making a first passkey.
    MakePasskey,
    /// Making one more, from the user's own page.
    AddPasskey,
    /// Making one more security key there.
    AddRoaming,
    /// Making this machine one there.
    AddPlatform,
    /// Making a passkey of this machine.
    MakeLocalPasskey,
}

/// Another way of showing a second factor, or another one to make.
#[derive(Clone, Debug)]
pub struct OtherWay {
    /// Which.
    pub way: Way,
    /// Where.
    pub link: Link,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The code of an authenticator application.
    Otp,
    /// The recovery code.
    RecoveryCode,
    /// A security key or passkey.
    Key,
    /// Making an authenticator application a factor.
    MakeOtp,
    /// Making a security key.
    MakeRoaming,
    /// Making what is built into the machine a factor.
    MakePlatform,
    /// Back to the user's own page, with nothing made.
    OwnKeys,
}

impl OtherWay {
    /// What the link says.
    pub(super) fn text<'a>(&self, texts: &'a Texts) -> &'a str {
        texts.say(match self.way {
            Way::Otp => "second_factor.use_otp",
            Way::RecoveryCode => "second_factor.use_recovery_code",
            Way::Key => "security_key.use",
            Way::MakeOtp => "security_key.make_otp",
            Way::MakeRoaming => "security_key.make_roaming",
            Way::MakePlatform => "security_key.make_platform",
            Way::OwnKeys => "account_keys.back",
        })
    }
}

/// A page whose script asks the browser for a key. It posts `response`, or `action` = `skip`.
#[derive(Clone, Debug)]
pub struct UseKey {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts.
    pub form: Form,
    /// What for.
    pub page: KeyPage,
    /// Who is logged in so far.
    pub account: String,
    /// Where "Not you?" leads.
    pub not_you: Option<Link>,
    /// What the browser is asked for, in JSON; `None` where no key of the user's can be used at this address.
    pub options: Option<String>,
    /// Whether the user may say no.
    pub may_skip: bool,
    /// Whether the user may have this browser remembered.
    pub may_remember: bool,
    /// Where else they may go.
    pub others: Vec<OtherWay>,
    /// Why the page comes back.
    pub problems: Vec<Problem>,
}

#[derive(Template)]
#[template(path = "key.html")]
struct UseKeyPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a UseKey,
    form: &'a Form,
    title: &'a str,
    lead: String,
    start: &'a str,
    verb: &'static str,
    alert: Option<String>,
    account_initial: String,
    script: String,
}

impl UseKey {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        let (title, lead, start) = match self.page {
            KeyPage::Show => ("second_factor.enter_title", "security_key.show", "second_factor.submit"),
            KeyPage::MakeRoaming => {
                ("second_factor.enrol_title", "security_key.roaming", "security_key.start_roaming")
            }
            KeyPage::MakePlatform => {
                ("second_factor.enrol_title", "security_key.platform", "security_key.start_platform")
            }
            KeyPage::AddRoaming => {
                ("account_keys.add_title", "account_keys.add_roaming_lead", "security_key.start_roaming")
            }
            KeyPage::AddPlatform => {
                ("account_keys.add_title", "account_keys.add_platform_lead", "security_key.start_platform")
            }
            KeyPage::AddPasskey => {
                ("account_keys.add_title", "account_keys.add_passkey_lead", "passkey.create")
            }
            KeyPage::MakePasskey => ("passkey.first_title", "passkey.first", "passkey.create"),
            KeyPage::MakeLocalPasskey => ("passkey.local_title", "passkey.local", "passkey.create"),
        };
        html(&UseKeyPage {
            t: texts,
            frame: &self.frame,
            view: self,
            form: &self.form,
            title: texts.say(title),
            lead: texts.fill(lead, &[("companyName", &self.frame.tenant_name)]),
            start: texts.say(start),
            verb: if self.page == KeyPage::Show { "get" } else { "create" },
            alert: problem::alert(&self.problems, "", texts),
            account_initial: initial(&self.account),
            script: asset_url(File::WebauthnScript),
        })
    }
}
