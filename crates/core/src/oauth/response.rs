//! Response types and modes: OAuth 2.0 Multiple Response Types, Form Post, and Auth0's `web_message`.

use serde::{Deserialize, Serialize};

/// What the front channel returns; at least one of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseType {
    /// An authorization code.
    pub code: bool,
    /// An access token.
    pub token: bool,
    /// An ID token.
    pub id_token: bool,
}

impl ResponseType {
    /// Reads a space separated set in any order; `None` for anything but the seven combinations.
    pub fn parse(text: &str) -> Option<Self> {
        let mut out = Self { code: false, token: false, id_token: false };
        for word in text.split(' ').filter(|w| !w.is_empty()) {
            let slot = match word {
                "code" => &mut out.code,
                "token" => &mut out.token,
                "id_token" => &mut out.id_token,
                _ => return None,
            };
            if std::mem::replace(slot, true) {
                return None;
            }
        }
        (out.code || out.token || out.id_token).then_some(out)
    }

    /// Whether tokens travel through the browser.
    pub fn is_front_channel(self) -> bool {
        self.token || self.id_token
    }

    /// Where the answer goes unless `response_mode` says otherwise.
    pub fn default_mode(self) -> ResponseMode {
        if self.is_front_channel() { ResponseMode::Fragment } else { ResponseMode::Query }
    }
}

/// How the answer travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of the redirect.
    Query,
    /// In its fragment.
    Fragment,
    /// By a form that posts itself.
    FormPost,
    /// By `postMessage` from an iframe or popup.
    WebMessage,
}

impl ResponseMode {
    /// Reads the wire's name.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "query" => Self::Query,
            "fragment" => Self::Fragment,
            "form_post" => Self::FormPost,
            "web_message" => Self::WebMessage,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_and_no_more() {
        let good = [
            "code",
            "token",
            "id_token",
            "code token",
            "code id_token",
            "token id_token",
            "id_token code token",
        ];
        for text in good {
            assert!(ResponseType::parse(text).is_some(), "{text}");
        }
        for text in ["", " ", "none", "code code", "Code", "code,token"] {
            assert_eq!(ResponseType::parse(text), None, "{text}");
        }
        assert_eq!(ResponseType::parse("code").map(ResponseType::default_mode), Some(ResponseMode::Query));
        assert_eq!(
            ResponseType::parse("code token").map(ResponseType::default_mode),
            Some(ResponseMode::Fragment)
        );
    }
}
