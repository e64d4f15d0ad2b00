//! The security keys and passkeys of a user, to be named and removed.

use askama::Template;
use chancery_core::second_factor::NewFactor;

use super::{Form, Frame, Link, html, initial};
use crate::Texts;

/// The page. The action is `rename`, with a `name`, or `remove`; the id goes as `key`.
#[derive(Clone, Debug)]
pub struct AccountKeys {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts.
    pub form: Form,
    /// Who is signed in.
    pub account: String,
    /// Where they sign out.
    pub log_out: Link,
    /// Something was just changed.
    pub done: bool,
    /// Whether this sign-in is enough to change anything.
    pub may_change: bool,
    /// What there is, in the order of its making.
    pub keys: Vec<OwnKey>,
    /// What can be added, which goes as `factor` with the action `add`.
    pub addable: Vec<NewFactor>,
}

/// A key of a user.
#[derive(Clone, Debug)]
pub struct OwnKey {
    /// Its id.
    pub id: String,
    /// As the user calls it; may be empty.
    pub name: String,
    /// What it is.
    pub kind: OwnKeyKind,
    /// The day it was made: `2026-11-26`.
    pub since: String,
    /// The day it was last used.
    pub used: Option<String>,
}

/// What a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnKeyKind {
    /// A passkey.
    Passkey,
    /// A security key.
    Roaming,
    /// Built into a machine.
    Platform,
    /// An authenticator application.
    Otp,
}

#[derive(Template)]
#[template(path = "account_keys.html")]
struct AccountKeysPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a AccountKeys,
    form: &'a Form,
    adds: Vec<Add<'a>>,
    account_initial: String,
}

/// A button that adds a factor: its value, and what it says.
struct Add<'a> {
    value: &'static str,
    text: &'a str,
}

impl<'a> Add<'a> {
    fn of(factor: NewFactor, texts: &'a Texts) -> Self {
        let (value, text) = match factor {
            NewFactor::Passkey => ("passkey", "passkey.create"),
            NewFactor::WebauthnRoaming => ("webauthn-roaming", "security_key.start_roaming"),
            NewFactor::WebauthnPlatform => ("webauthn-platform", "security_key.start_platform"),
            NewFactor::Otp => ("otp", "account_keys.add_otp"),
        };
        Self { value, text: texts.say(text) }
    }
}

impl OwnKey {
    fn kind<'a>(&self, texts: &'a Texts) -> &'a str {
        texts.say(match self.kind {
            OwnKeyKind::Passkey => "account_keys.passkey",
            OwnKeyKind::Roaming => "account_keys.roaming",
            OwnKeyKind::Platform => "account_keys.platform",
            OwnKeyKind::Otp => "account_keys.otp",
        })
    }
}

impl AccountKeys {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&AccountKeysPage {
            t: texts,
            frame: &self.frame,
            view: self,
            form: &self.form,
            adds: self.addable.iter().map(|factor| Add::of(*factor, texts)).collect(),
            account_initial: initial(&self.account),
        })
    }
}
