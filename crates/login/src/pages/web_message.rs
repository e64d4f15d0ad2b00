//! `response_mode=web_message`: silent authentication in a hidden frame, or login in a popup.

use askama::Template;
use serde_json::{Map, Value};

use super::html;
use crate::{
    Texts,
    assets::{File, asset_url},
};

/// The page that hands a response to the window that opened or framed it. It shows nothing and loads only its script.
#[derive(Clone, Debug)]
pub struct WebMessage {
    /// The only origin that may read the response: that of the redirect URI.
    pub target_origin: String,
    /// The parameters of the response, `state` among them.
    pub response: Map<String, Value>,
}

#[derive(Template)]
#[template(path = "web_message.html")]
struct WebMessagePage<'a> {
    t: &'a Texts,
    target_origin: &'a str,
    response: String,
    script: String,
}

impl WebMessage {
    /// `*` would let every window read the response; the script's `postMessage` refuses an empty origin.
    fn named_origin(&self) -> &str {
        let is_named =
            self.target_origin.starts_with("https://") || self.target_origin.starts_with("http://");
        if is_named { &self.target_origin } else { "" }
    }

    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&WebMessagePage {
            t: texts,
            target_origin: self.named_origin(),
            response: Value::Object(self.response.clone()).to_string(),
            script: asset_url(File::WebMessageScript),
        })
    }
}
