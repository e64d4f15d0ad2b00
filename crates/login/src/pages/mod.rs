//! The pages, one struct each. All fields are plain values; `render` makes the HTML.

mod account_consents;
mod account_keys;
mod approval;
mod confirm;
mod consent;
mod device;
mod error;
mod field;
mod form_post;
mod login;
mod notice;
mod organization;
mod password;
mod passwordless;
mod problem;
mod second_factor;
mod security_key;
mod signing_out;
mod signup;
mod web_message;

use std::fmt;

use askama::Template;

use crate::{
    assets::{File, asset_url, theme_url},
    theme::Accent,
};

pub use account_consents::{AccountConsents, AllowedApplication};
pub use account_keys::{AccountKeys, OwnKey, OwnKeyKind};
pub use approval::{ApprovalDone, ConfirmApproval};
pub use confirm::{ConfirmLogin, ConfirmLogout};
pub use consent::{Choice, Consent, ConsentGroup, ConsentStep};
pub use device::{ConfirmDevice, DeviceDenied, DeviceDone, EnterDeviceCode};
pub use error::{ErrorKind, ErrorPage};
pub use form_post::FormPost;
pub use login::{Identifier, Login, PasskeyForm, Presented};
pub use notice::{CheckMail, EmailVerified, Enrolled, LoggedOut, ResetDone, Unblock, Unblocked};
pub use organization::{ChooseOrganization, NameOrganization, OrganizationChoice};
pub use password::{ForgotPassword, ResetPassword};
pub use passwordless::{AskForCode, EnterMailedCode};
pub use problem::{PasswordRule, Problem, RuleLine};
pub use second_factor::{CodeKind, EnrolOtp, EnterCode, KeepRecoveryCode};
pub use security_key::{KeyPage, OtherWay, UseKey, Way};
pub use signing_out::{CheckSession, SigningOut};
pub use signup::Signup;
pub use web_message::WebMessage;

/// What stands around every page of a tenant.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Where people sign in: the tenant's name for people, or that of the organization.
    pub tenant_name: String,
    /// Whose logo it is.
    pub logo_name: String,
    /// The tenant's logo; our mark unless set.
    pub logo: Option<Link>,
    /// The tenant's accent colour; ours unless set.
    pub accent: Option<Accent>,
    /// The icon of the browser tab; ours unless set.
    pub icon: Option<Link>,
}

/// Where a form goes and what it carries unseen. Pages post to their own address, the button as `action`.
#[derive(Clone, Debug)]
pub struct Form {
    /// The address of the page itself.
    pub action: Link,
    /// The transaction.
    pub state: String,
    /// Proof that the page was served to this browser.
    pub csrf: Option<String>,
}

/// A name and value, such as a hidden field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// The field's name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// An address fit for `href`, `src` and `action`: `http`, `https`, or a path on this server. Nothing that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link(String);

impl Link {
    /// `None` for other schemes, for `//host`, and where a browser would read something else than is written: it drops
    /// control characters and takes `\` for `/`.
    pub fn new(url: &str) -> Option<Self> {
        let scheme = |name: &str| url.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        let is_path = url.starts_with('/') && !url.starts_with("//");
        let is_clean = !url.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\');
        (is_clean && (is_path || scheme("https://") || scheme("http://"))).then(|| Self(url.to_owned()))
    }
}

impl fmt::Display for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Frame {
    fn style_url(&self) -> String {
        asset_url(File::Style)
    }

    fn theme_url(&self) -> Option<String> {
        self.accent.map(theme_url)
    }

    fn icon_url(&self) -> String {
        asset_url(File::Icon)
    }

    fn mark_url(&self) -> String {
        asset_url(File::Logo)
    }
}

/// The letter that stands for somebody without a picture.
fn initial(name: &str) -> String {
    let letter = name.chars().find(|c| c.is_alphanumeric());
    letter.map(|c| c.to_uppercase().collect()).unwrap_or_default()
}

#[expect(clippy::expect_used, reason = "writing to a String does not fail, and no filter of ours does")]
fn html(template: &impl Template) -> String {
    template.render().expect("rendering into a String")
}

#[cfg(test)]
mod tests;
