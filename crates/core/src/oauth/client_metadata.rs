//! Client ID Metadata Documents: an application describes itself at a URL, and the URL is its identifier
//! (draft-ietf-oauth-client-id-metadata-document). Fetching is somebody else's work; here the URL and what stands there are
//! judged, and turned into members of an application.

use serde_json::{Map, Value, json};
use url::Url;

use super::redirect_uri::{has_script_scheme, is_loopback_host};

/// Bytes a document may have (the draft recommends 5 KB; descriptions of real applications are near it).
pub const LARGEST_CLIENT_DOCUMENT: usize = 16 << 10;

/// What a document says, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientDocument {
    /// Members of the application it describes, by their names in the Management API.
    pub mapped: Map<String, Value>,
    /// Where its keys lie, if it authenticates with them and does not carry them.
    pub jwks_uri: Option<String>,
    /// Its keys, if it carries them: a JWK set.
    pub jwks: Option<Value>,
    /// Why it cannot be used.
    pub violations: Vec<String>,
    /// What is left out.
    pub warnings: Vec<String>,
}

/// Why a URL cannot be a client identifier (section 3 of the draft).
///
/// # Errors
/// A sentence about the first rule it breaks.
pub fn check_client_id_url(text: &str) -> Result<(), &'static str> {
    let url = Url::parse(text).map_err(|_| "external_client_id is not a URL")?;
    if url.scheme() != "https" {
        return Err("external_client_id must be an https URL");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("external_client_id must not contain user information");
    }
    if url.fragment().is_some() {
        return Err("external_client_id must not contain a fragment");
    }
    // Two spellings of one address would be two applications, or one in the place of the other.
    if url.as_str() != text {
        return Err(
            "external_client_id must be in its normal form: a lower-case host, no default port, no dot segments",
        );
    }
    if url.path() == "/" {
        return Err("external_client_id must have a path");
    }
    Ok(())
}

impl ClientDocument {
    /// Reads the document that stands at `url`.
    pub fn read(url: &str, document: &Value) -> Self {
        let mut read = Self::default();
        let Some(members) = document.as_object() else {
            read.violations.push("the document must be a JSON object".to_owned());
            return read;
        };
        let text = |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        if text("client_id") != Some(url) {
            read.violations.push("client_id must be the URL of the document, letter for letter".to_owned());
        }
        for secret in ["client_secret", "client_secret_expires_at"] {
            if members.contains_key(secret) {
                read.violations.push(format!("{secret} must not be in a public document"));
            }
        }
        read.put("external_client_id", url);
        read.name(url, text("client_name"));
        read.callbacks(members.get("redirect_uris"));
        if let Some(logo) = text("logo_uri") {
            if logo.starts_with("https://") && Url::parse(logo).is_ok() {
                read.put("logo_uri", logo);
            } else {
                read.warnings.push("logo_uri is not an https URL: it is left out".to_owned());
            }
        }
        read.grant_types(members.get("grant_types"));
        read.authentication(members);
        read
    }

    /// Whether an application can be made from it.
    pub fn is_valid(&self) -> bool {
        self.violations.is_empty()
    }

    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.mapped.insert(name.to_owned(), value.into());
    }

    /// People read the name beside the host, and decide by it: nothing that would break a line or hide.
    fn name(&mut self, url: &str, name: Option<&str>) {
        let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        match name {
            None => self.put("name", host),
            Some(name)
                if name.chars().count() > LONGEST_NAME
                    || name.contains(is_unfit_for_names)
                    || name.trim().is_empty() =>
            {
                self.violations.push(format!(
                    "client_name must have at most {LONGEST_NAME} characters, none of them < or > or of a kind that is not seen"
                ));
            }
            Some(name) => self.put("name", name),
        }
    }

    fn callbacks(&mut self, uris: Option<&Value>) {
        let listed: Option<Vec<&str>> =
            uris.and_then(Value::as_array).and_then(|all| all.iter().map(Value::as_str).collect());
        let Some(uris) = listed.filter(|uris| !uris.is_empty() && uris.len() <= MOST_CALLBACKS) else {
            self.violations.push(format!("redirect_uris must list 1 to {MOST_CALLBACKS} URLs"));
            return;
        };
        let mut is_native = false;
        for uri in &uris {
            match callback_kind(uri) {
                Some(native) => is_native |= native,
                None => self.violations.push(format!(
                    "redirect_uris: {uri:?} is not an https URL, a loopback URL or one of a private scheme, without fragment and wildcard"
                )),
            }
        }
        self.put("app_type", if is_native { "native" } else { "regular_web" });
        self.put("callbacks", json!(uris));
    }

    fn grant_types(&mut self, listed: Option<&Value>) {
        let asked: Vec<&str> = match listed.and_then(Value::as_array) {
            Some(all) => all.iter().filter_map(Value::as_str).collect(),
            None => vec![AUTHORIZATION_CODE],
        };
        for other in asked.iter().filter(|grant| !GRANTS.contains(grant)) {
            self.warnings.push(format!("grant_types: {other:?} is not given to such applications"));
        }
        if !asked.contains(&AUTHORIZATION_CODE) {
            self.violations.push("grant_types must contain authorization_code".to_owned());
        }
        let kept: Vec<&str> = GRANTS.into_iter().filter(|grant| asked.contains(grant)).collect();
        self.put("grant_types", json!(kept));
    }

    fn authentication(&mut self, members: &Map<String, Value>) {
        let method = members.get("token_endpoint_auth_method");
        match method.map_or(Some("none"), Value::as_str) {
            Some("none") => self.put("token_endpoint_auth_method", "none"),
            Some("private_key_jwt") => {
                self.put("token_endpoint_auth_method", "private_key_jwt");
                let uri = members.get("jwks_uri").and_then(Value::as_str);
                match (uri, members.get("jwks")) {
                    (Some(uri), None) if uri.starts_with("https://") => {
                        self.put("jwks_uri", uri);
                        self.jwks_uri = Some(uri.to_owned());
                    }
                    (None, Some(keys)) if keys.is_object() => self.jwks = Some(keys.clone()),
                    _ => self.violations.push(
                        "private_key_jwt needs either jwks_uri, an https URL, or jwks, a JSON Web Key Set"
                            .to_owned(),
                    ),
                }
            }
            _ => self.violations.push(
                "token_endpoint_auth_method must be none or private_key_jwt: there is no shared secret"
                    .to_owned(),
            ),
        }
    }
}

const AUTHORIZATION_CODE: &str = "authorization_code";
const GRANTS: [&str; 2] = [AUTHORIZATION_CODE, "refresh_token"];
pub(super) const LONGEST_NAME: usize = 120;
const MOST_CALLBACKS: usize = 50;
const LONGEST_CALLBACK: usize = 2000;
/// Never schemes of programs, whatever stands behind their dot.
const SCRIPTS: [&str; 4] = ["javascript", "data", "vbscript", "blob"];

/// Controls, and what turns or hides text (Unicode Cf: bidirectional overrides, zero width).
pub(super) fn is_unfit_for_names(c: char) -> bool {
    c.is_control()
        || matches!(c, '<' | '>' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether a redirect URI leads to a program on the user's machine; `None` where it may not be one.
fn callback_kind(uri: &str) -> Option<bool> {
    let url = Url::parse(uri).ok()?;
    let is_plain = uri.len() <= LONGEST_CALLBACK && uri.chars().all(|c| c.is_ascii_graphic());
    if !is_plain
        || uri.contains(['*', '#', '\\', '{', '}'])
        || has_script_scheme(uri)
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return None;
    }
    match url.scheme() {
        // `https:a` would be read as `https://a` by some.
        "https" => uri.starts_with("https://").then_some(false),
        "http" => url.host_str().is_some_and(is_loopback_host).then_some(true),
        // A private scheme is a domain name turned around (RFC 8252, section 7.1).
        scheme => {
            let is_private = scheme.contains('.') && !SCRIPTS.iter().any(|word| scheme.starts_with(word));
            is_private.then_some(true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://client.example/oauth/metadata.json";

    fn read(change: &Value) -> ClientDocument {
        let mut document = json!({
            "client_id": URL,
            "client_name": "Example",
            "redirect_uris": ["https://client.example/callback"],
        });
        for (name, value) in change.as_object().unwrap() {
            document[name] = value.clone();
        }
        ClientDocument::read(URL, &document)
    }

    #[test]
    fn identifiers() {
        for url in [URL, "https://client.example:8443/a", "https://client.example/a?b=c"] {
            assert_eq!(check_client_id_url(url), Ok(()), "{url}");
        }
        for url in [
            "",
            "client",
            "http://client.example/a",
            "https://client.example",
            "https://client.example/",
            "https://user@client.example/a",
            "https://client.example/a#b",
            "https://client.example/../a",
            "https://client.example/a/./b",
            "https://CLIENT.example/a",
            "https://client.example:443/a",
            "https://client.example\\@evil.example/a",
        ] {
            assert!(check_client_id_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_web_application() {
        let document = read(&json!({"grant_types": ["authorization_code", "refresh_token", "password"],
            "logo_uri": "http://client.example/logo.png"}));
        assert!(document.is_valid());
        assert_eq!(document.warnings.len(), 2, "{:?}", document.warnings);
        assert_eq!(
            Value::Object(document.mapped),
            json!({
                "external_client_id": URL,
                "name": "Example",
                "app_type": "regular_web",
                "callbacks": ["https://client.example/callback"],
                "grant_types": ["authorization_code", "refresh_token"],
                "token_endpoint_auth_method": "none",
            })
        );
    }

    #[test]
    fn a_program_on_the_users_machine() {
        let uris = json!(["http://127.0.0.1/callback", "com.example.app:/callback"]);
        let document = read(&json!({"redirect_uris": uris, "client_name": null}));
        assert!(document.is_valid());
        assert_eq!(document.mapped["app_type"], "native");
        assert_eq!(document.mapped["name"], "client.example");
    }

    #[test]
    fn keys() {
        let by = |more: Value| {
            let mut change = json!({"token_endpoint_auth_method": "private_key_jwt"});
            change.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            read(&change)
        };
        let there = by(json!({"jwks_uri": "https://client.example/keys"}));
        assert!(there.is_valid());
        assert_eq!(there.jwks_uri.as_deref(), Some("https://client.example/keys"));
        assert!(by(json!({"jwks": {"keys": []}})).jwks.is_some());
        for unfit in [
            json!({}),
            json!({"jwks_uri": "http://client.example/keys"}),
            json!({"jwks_uri": "https://client.example/keys", "jwks": {"keys": []}}),
            json!({"jwks": "keys"}),
        ] {
            assert!(!by(unfit.clone()).is_valid(), "{unfit}");
        }
    }

    #[test]
    fn what_makes_a_document_worthless() {
        for unfit in [
            json!({"client_id": "https://client.example/oauth/metadata"}),
            json!({"client_id": null}),
            json!({"client_secret": "s"}),
            json!({"client_secret_expires_at": 0}),
            json!({"token_endpoint_auth_method": "client_secret_basic"}),
            json!({"token_endpoint_auth_method": 1}),
            json!({"grant_types": ["client_credentials"]}),
            json!({"redirect_uris": []}),
            json!({"redirect_uris": [1]}),
            json!({"redirect_uris": ["http://client.example/callback"]}),
            json!({"redirect_uris": ["https://client.example/*"]}),
            json!({"redirect_uris": ["javascript:alert(1)"]}),
            json!({"redirect_uris": ["https://client.example/#"]}),
            json!({"redirect_uris": ["https://good.example@evil.example/"]}),
            json!({"redirect_uris": ["myapp:/callback"]}),
            json!({"redirect_uris": ["javascript.x://a/%0aalert(1)"]}),
            json!({"redirect_uris": ["https:a/cb"]}),
            json!({"redirect_uris": [" https://a/cb"]}),
            json!({"redirect_uris": ["https://a/\0"]}),
            json!({"redirect_uris": ["https://{organization_name}.evil.example/cb"]}),
            json!({"redirect_uris": [format!("https://a/{}", "x".repeat(2000))]}),
            json!({"client_name": "  "}),
            json!({"client_name": "a\u{e0041}"}),
            json!({"client_name": "a\u{202e}b"}),
            json!({"client_name": "a\nb"}),
            json!({"client_name": "x".repeat(121)}),
        ] {
            assert!(!read(&unfit).is_valid(), "{unfit}");
        }
        assert!(!ClientDocument::read(URL, &json!([])).is_valid());
    }
}
