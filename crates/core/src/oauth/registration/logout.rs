//! How an application that registers itself hears of the end of sessions (OpenID Connect Back-Channel Logout 1.0 and Front-Channel
//! Logout 1.0, section 2 of both).

use url::Url;

use super::members::Members;
use super::{RegistrationError, Result};
use crate::model::OidcLogout;

/// What it says of that.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Logout {
    back: Option<String>,
    back_needs_session: bool,
    front: Option<String>,
    front_needs_session: bool,
}

impl Logout {
    pub(super) fn read(all: &Members<'_>, redirect_uris: &[String]) -> Result<Self> {
        let front = all.document("frontchannel_logout_uri")?;
        if let Some(uri) = front.as_deref().filter(|uri| !is_of_one(uri, redirect_uris)) {
            return Err(RegistrationError::metadata(format!(
                "frontchannel_logout_uri must have scheme, host and port of a redirect URI: {uri}"
            )));
        }
        Ok(Self {
            back: all.document("backchannel_logout_uri")?,
            back_needs_session: all.flag("backchannel_logout_session_required")?,
            front,
            front_needs_session: all.flag("frontchannel_logout_session_required")?,
        })
    }

    /// What an administrator has chosen beside it stays: of which ends the application hears, and with which notes.
    pub(super) fn describe(self, before: Option<OidcLogout>) -> Option<OidcLogout> {
        let after = OidcLogout {
            backchannel_logout_urls: self.back.map(|uri| vec![uri]),
            backchannel_logout_session_required: self.back_needs_session.then_some(true),
            frontchannel_logout_uri: self.front,
            frontchannel_logout_session_required: self.front_needs_session.then_some(true),
            ..before.unwrap_or_default()
        };
        (after != OidcLogout::default()).then_some(after)
    }
}

/// The frame gets issuer and session: nobody has it shown for an address that is not theirs.
fn is_of_one(uri: &str, redirect_uris: &[String]) -> bool {
    let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin());
    origin(uri).is_some_and(|own| {
        own.is_tuple() && redirect_uris.iter().any(|redirect| origin(redirect).as_ref() == Some(&own))
    })
}
