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
    /// As one signed parameter in the query (JARM).
    QueryJwt,
    /// The same in the fragment.
    FragmentJwt,
    /// The same by a form.
    FormPostJwt,
}

impl ResponseMode {
    /// Reads the wire's name; `jwt` alone is the signed form of what the response type has anyway.
    pub fn parse(text: &str, response_type: Option<ResponseType>) -> Option<Self> {
        Some(match text {
            "jwt" if response_type.is_some_and(ResponseType::is_front_channel) => Self::FragmentJwt,
            "jwt" | "query.jwt" => Self::QueryJwt,
            "fragment.jwt" => Self::FragmentJwt,
            "form_post.jwt" => Self::FormPostJwt,
            "query" => Self::Query,
            "fragment" => Self::Fragment,
            "form_post" => Self::FormPost,
            "web_message" => Self::WebMessage,
            _ => return None,
        })
    }

    /// Whether it travels in a query, where no token may (OAuth 2.0 Multiple Response Types, section 3; JARM, section 2.3.1).
    pub fn is_query(self) -> bool {
        matches!(self, Self::Query | Self::QueryJwt)
    }

    /// Whether the answer is one signed parameter.
    pub fn is_signed(self) -> bool {
        matches!(self, Self::QueryJwt | Self::FragmentJwt | Self::FormPostJwt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_modes() {
        let of = |text, kind| ResponseMode::parse(text, ResponseType::parse(kind));
        assert_eq!(of("jwt", "code"), Some(ResponseMode::QueryJwt));
        assert_eq!(of("jwt", "code id_token"), Some(ResponseMode::FragmentJwt));
        assert_eq!(of("jwt", "nonsense"), Some(ResponseMode::QueryJwt));
        for text in ["query.jwt", "fragment.jwt", "form_post.jwt"] {
            assert!(of(text, "code").is_some_and(ResponseMode::is_signed), "{text}");
        }
        for text in ["web_message.jwt", "Jwt", "", ".jwt"] {
            assert_eq!(of(text, "code"), None, "{text}");
        }
    }

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
