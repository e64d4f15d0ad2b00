//! The page after a logout, where applications that took part log out in frames (OpenID Connect Front-Channel Logout 1.0, section 3).

use axum::response::Response;
use chancery_core::params::Params;
use chancery_core::records::Session;
use chancery_login::csp::{PageKind, form_target};
use chancery_login::pages::{Link, LoggedOut, SigningOut};
use http::{HeaderMap, StatusCode};

use crate::{Ctx, cookies, hosted};

/// Applications that are shown in frames after one logout.
const MOST_FRAMES: usize = 20;

impl Ctx {
    /// The answer to whoever logged out: on to `target`, which was checked, by `redirect`, or a page that says so. `session` is the
    /// one that ended.
    pub fn logged_out(
        &self,
        headers: &HeaderMap,
        session: Option<&Session>,
        (target, redirect): (Option<&str>, fn(&str) -> Response),
        ui_locales: Option<&str>,
    ) -> Response {
        let frames = session.map(|session| self.log_out_frames(session)).unwrap_or_default();
        let texts = hosted::texts(self, headers, ui_locales);
        let mut response = match (target, frames.is_empty()) {
            (Some(url), true) => redirect(url),
            (None, true) => {
                let body = LoggedOut { frame: hosted::frame(self) }.render(&texts);
                hosted::localized(hosted::page(StatusCode::OK, body, PageKind::Plain, &[]), &texts)
            }
            (target, false) => {
                let (frames, sources): (Vec<Link>, Vec<String>) = frames.into_iter().unzip();
                // What would run as a script is no target of anything.
                let target = target.filter(|url| form_target(url).is_some()).map(str::to_owned);
                let body = SigningOut { frame: hosted::frame(self), frames, target }.render(&texts);
                hosted::localized(hosted::page(StatusCode::OK, body, PageKind::SigningOut, &sources), &texts)
            }
        };
        cookies::clear_session(response.headers_mut(), self.origin.secure);
        if self.tenant.settings.flags.has_session_management() {
            cookies::clear_op_state(response.headers_mut(), self.origin.secure);
        }
        response
    }

    /// The log-out pages of the applications of a session, each with the source that admits it.
    fn log_out_frames(&self, session: &Session) -> Vec<(Link, String)> {
        let clients = session.clients.iter().filter_map(|id| self.tenant.client(id));
        let frames = clients.filter_map(|client| {
            let settings = client.oidc_logout.as_ref()?;
            let uri = settings.frontchannel_logout_uri.as_deref().filter(|uri| !uri.is_empty())?;
            let source = form_target(uri).filter(|source| source.contains("://"))?;
            let mut said = Params::default();
            if settings.frontchannel_logout_session_required == Some(true) {
                said.push("iss", self.origin.issuer.clone());
                said.push("sid", self.session_for(client, &session.id).into_owned());
            }
            Some((Link::new(&with_query(uri, &said.encode()))?, source))
        });
        frames.take(MOST_FRAMES).collect()
    }
}

fn with_query(uri: &str, query: &str) -> String {
    let joint = match uri.contains('?') {
        _ if query.is_empty() => "",
        true => "&",
        false => "?",
    };
    format!("{uri}{joint}{query}")
}
