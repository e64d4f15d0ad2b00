//! Pages of the end of a session that applications take part in: their own log-out pages in frames (OpenID Connect Front-Channel
//! Logout 1.0), and the frame that they ask whether it has come (Session Management 1.0).

use askama::Template;

use super::{Frame, Link, html};
use crate::{
    Texts,
    assets::{File, asset_url},
};

/// After logging out, while applications log their users out in frames that nobody sees.
#[derive(Clone, Debug)]
pub struct SigningOut {
    /// The tenant.
    pub frame: Frame,
    /// The pages of the applications.
    pub frames: Vec<Link>,
    /// Where the browser goes on to: an address that was checked, and that is never a script.
    pub target: Option<String>,
}

/// The frame that tells an application whether the session it knows is still there. It shows nothing.
#[derive(Clone, Copy, Debug)]
pub struct CheckSession;

#[derive(Template)]
#[template(path = "signing_out.html")]
struct SigningOutPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a SigningOut,
    script: String,
}

#[derive(Template)]
#[template(path = "check_session.html")]
struct CheckSessionPage<'a> {
    t: &'a Texts,
    script: String,
}

impl SigningOut {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&SigningOutPage {
            t: texts,
            frame: &self.frame,
            view: self,
            script: asset_url(File::SignOutScript),
        })
    }
}

impl CheckSession {
    /// The page as HTML.
    pub fn render(self, texts: &Texts) -> String {
        html(&CheckSessionPage { t: texts, script: asset_url(File::CheckSessionScript) })
    }
}
