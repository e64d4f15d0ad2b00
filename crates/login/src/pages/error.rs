//! Errors that cannot go back to an application.

use askama::Template;

use super::{Frame, Link, html};
use crate::Texts;

/// What happened, as far as a person can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The application's request cannot be carried out: 400.
    InvalidRequest,
    /// The application is not allowed what it asks, such as its callback: 403.
    Forbidden,
    /// No such page: 404.
    NotFound,
    /// The transaction is over, or the page was bookmarked.
    SessionExpired,
    /// A link of a mail was used before or is too old.
    UsedLink,
    /// Too many requests: 429.
    TooManyRequests,
    /// A fault of ours: 500.
    ServerError,
    /// Too busy: 503.
    Unavailable,
}

/// The error page.
#[derive(Clone, Debug)]
pub struct ErrorPage {
    /// The tenant.
    pub frame: Frame,
    /// What happened.
    pub kind: ErrorKind,
    /// The `error` of OAuth.
    pub code: Option<String>,
    /// The `error_description`, English.
    pub description: Option<String>,
    /// What support finds the request by in the log.
    pub request_id: String,
    /// The tenant's support address.
    pub support_email: Option<String>,
    /// The tenant's help pages.
    pub support_url: Option<Link>,
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorTemplate<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a ErrorPage,
    title: &'a str,
    text: &'a str,
}

impl ErrorKind {
    fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::InvalidRequest => ("error_page.invalid_request_title", "error_page.invalid_request_text"),
            Self::Forbidden => ("error_page.forbidden_title", "error_page.forbidden_text"),
            Self::NotFound => ("error_page.not_found_title", "error_page.not_found_text"),
            Self::SessionExpired => ("error_page.session_expired_title", "error_page.session_expired_text"),
            Self::UsedLink => ("error_page.reused_link_title", "error_page.reused_link_text"),
            Self::TooManyRequests => {
                ("error_page.too_many_requests_title", "error_page.too_many_requests_text")
            }
            Self::ServerError => ("error_page.server_error_title", "error_page.server_error_text"),
            Self::Unavailable => ("error_page.unavailable_title", "error_page.unavailable_text"),
        }
    }
}

impl ErrorPage {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        let (title, text) = self.kind.keys();
        html(&ErrorTemplate {
            t: texts,
            frame: &self.frame,
            view: self,
            title: texts.say(title),
            text: texts.say(text),
        })
    }
}
