//! `response_mode=form_post` (OAuth 2.0 Form Post Response Mode).

use askama::Template;

use super::{Frame, Hidden, Link, html};
use crate::{
    Texts,
    assets::{File, asset_url},
};

/// The page that posts a response to the application, by itself or, without JavaScript, at the press of a button.
#[derive(Clone, Debug)]
pub struct FormPost {
    /// The tenant.
    pub frame: Frame,
    /// The application's name.
    pub client_name: String,
    /// The redirect URI.
    pub target: Link,
    /// The parameters of the response.
    pub fields: Vec<Hidden>,
}

#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPostPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a FormPost,
    script: String,
}

impl FormPost {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&FormPostPage {
            t: texts,
            frame: &self.frame,
            view: self,
            script: asset_url(File::FormPostScript),
        })
    }
}
