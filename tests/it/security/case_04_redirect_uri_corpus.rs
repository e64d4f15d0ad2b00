//! Two parsers that disagree about a URL send codes to strangers. Hundreds of look-alikes of registered callbacks, judged
//! through the whole server: what is not one of the few allowed spellings is refused on a page, and what is accepted is
//! sent out byte for byte.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{Ask, TestApp, TestRng};

const REGISTERED: [&str; 6] = [
    "https://app.example/callback",
    "https://app.example/with?query=1",
    "https://*.tenants.example/callback",
    "http://127.0.0.1:3000/callback",
    "http://[::1]:3000/callback",
    "com.example.app://callback",
];

/// Host and scheme are case-insensitive, and a `*` stands for one label. Nothing else differs from what is registered.
const EQUAL: [&str; 8] = [
    "HTTPS://app.example/callback",
    "https://APP.example/callback",
    "https://App.Example/callback",
    "https://a.tenants.example/callback",
    "https://a-b9.tenants.example/callback",
    "https://A.TENANTS.example/callback",
    "HTTP://127.0.0.1:3000/callback",
    "COM.example.app://callback",
];

#[tokio::test]
async fn case_04_redirect_uri_corpus() {
    let app = app().await;
    let corpus = corpus();
    assert!(corpus.len() > 500, "{}", corpus.len());
    for uri in &corpus {
        let answer = app.get(&ask(&app, uri).path()).await;
        assert_eq!(answer.status, 403, "{uri:?}: {answer:?}");
        assert_eq!(answer.header("location"), None, "{uri:?}");
        assert!(answer.body.contains("Callback URL mismatch"), "{uri:?}");
    }
}

#[tokio::test]
async fn case_04_what_was_validated_is_what_is_sent() {
    let app = app().await;
    for uri in REGISTERED.iter().filter(|uri| !uri.contains('*')).chain(&EQUAL) {
        let answer = app.get(&ask(&app, uri).path()).await;
        let location = answer.location().unwrap_or_else(|| panic!("{uri}: {answer:?}"));
        let rest = location.strip_prefix(uri).unwrap_or_else(|| panic!("{uri} became {location}"));
        assert!(rest.starts_with(if uri.contains('?') {
            "&error=login_required"
        } else {
            "?error=login_required"
        }));
    }
}

/// Registered callbacks with random bytes put in, taken out and changed: accepted ones are sent as they are, and are one
/// of those that may be.
#[tokio::test]
async fn case_04_altered_uris_never_become_others() {
    let app = app().await;
    let rng = TestRng::seeded(404);
    let alphabet: Vec<char> =
        "aA0.:/@\\?#%*&=-_~[]{}<>\"' \t\u{0}\u{7f}\u{e9}\u{ff0f}\u{3002}".chars().collect();
    let allowed: BTreeSet<&str> = REGISTERED.iter().chain(&EQUAL).copied().collect();
    for _ in 0..600 {
        let mut text: Vec<char> = REGISTERED[rng.below(REGISTERED.len())].replace('*', "x").chars().collect();
        for _ in 0..=rng.below(3) {
            let (at, with) = (rng.below(text.len()), alphabet[rng.below(alphabet.len())]);
            match rng.below(3) {
                0 => text[at] = with,
                1 => text.insert(at, with),
                _ => drop(text.remove(at)),
            }
        }
        let uri: String = text.into_iter().collect();
        let answer = app.get(&ask(&app, &uri).path()).await;
        let Some(location) = answer.location() else {
            assert!(matches!(answer.status.as_u16(), 400 | 403), "{uri:?}: {answer:?}");
            continue;
        };
        assert!(location.starts_with(&uri), "{uri:?} became {location:?}");
        let label = uri.strip_suffix(".tenants.example/callback").and_then(|u| u.strip_prefix("https://"));
        let is_label =
            label.is_some_and(|l| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        let lower = uri.to_ascii_lowercase();
        assert!(is_label || allowed.iter().any(|a| a.to_ascii_lowercase() == lower), "{uri:?} was accepted");
    }
}

/// The same list guards the token endpoint: the URI of the code request, to the byte.
#[tokio::test]
async fn case_04_the_code_is_bound_to_the_spelling() {
    let app = TestApp::new().await;
    let code = app.code("openid").await;
    for other in [
        "https://AUTH.example/dev/callback",
        "https://auth.example/dev/callback/",
        "http://localhost:3000/callback",
    ] {
        let grant = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", other)];
        let expected = format!(
            "The redirect URI is wrong. You sent {other}, and we expected https://auth.example/dev/callback"
        );
        app.web_token(&grant).await.is_error(403, "invalid_grant", &expected);
    }
    app.redeem(&code).await.expect(200);
}

async fn app() -> TestApp {
    let app = TestApp::new().await;
    app.set_web(json!({ "callbacks": REGISTERED })).await;
    app
}

fn ask(app: &TestApp, uri: &str) -> Ask {
    let ask = Ask::code(&app.clients.web.client_id, "openid").with("prompt", "none");
    ask.with("redirect_uri", uri)
}

/// Everything here must be refused.
fn corpus() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let odd = [
        "@", "\\", "/", "//", "%2f", "%2F..", "%5c", "%00", "%09", "%0d%0a", "\t", "\n", "\r", " ", "\u{0}",
        "#", "#x", "?", "?x=1", "&", ";", ":", ".", "..", "/..", "/../", "/./", "%2e%2e", "*", "[", "]", "<",
        ">", "\"", "'", "`", "{", "}", "|", "^", "~", "\u{e9}", "\u{ff0f}", "\u{2044}", "\u{3002}",
        "\u{200b}", "\u{202e}", "a",
    ];
    for base in
        ["https://app.example/callback", "http://127.0.0.1:3000/callback", "com.example.app://callback"]
    {
        let scheme_end = base.find("://").unwrap() + 3;
        let host_end = base[scheme_end..].find('/').map_or(base.len(), |at| scheme_end + at);
        for put in odd {
            for at in [0, scheme_end - 3, scheme_end, host_end, base.len()] {
                let altered = format!("{}{put}{}", &base[..at], &base[at..]);
                all.insert(altered);
            }
        }
    }
    for host in [
        "evil.example",
        "app.example.evil.example",
        "app.example@evil.example",
        "app.example:443@evil.example",
        "evil.example#app.example",
        "evil.example?app.example",
        "evil.example\\app.example",
        "evil.example\\@app.example",
        "a@b@app.example",
        "user:pass@app.example",
        "app.example:80",
        "app.example:443",
        "app.example:",
        "app.example:0443",
        "app.example.",
        ".app.example",
        "app..example",
        "xn--app-example",
        "app.example%00.evil.example",
        "app.example%2eevil.example",
        "evil.example%2f@app.example",
        "app\u{ff0e}example",
        "app.example\u{3002}evil.example",
        "\u{430}pp.example",
        "127.0.0.1",
        "0x7f.1",
        "2130706433",
        "017700000001",
        "[::ffff:7f00:1]",
        "[::1]",
        "localhost",
        "sub.app.example",
        "*.app.example",
        "",
    ] {
        for scheme in ["https", "http", "HTTPS", "ftp", "javascript", "data"] {
            all.insert(format!("{scheme}://{host}/callback"));
        }
    }
    for host in [
        "tenants.example",
        ".tenants.example",
        "*.tenants.example",
        "a.b.tenants.example",
        "a.tenants.example.evil.example",
        "evil.example/.tenants.example",
        "evil.example?.tenants.example",
        "evil.example#.tenants.example",
        "a@evil.example/.tenants.example",
        "a_b.tenants.example",
        "a%2eb.tenants.example",
        "\u{e9}.tenants.example",
        "a:80.tenants.example",
        "a:80@b.tenants.example",
        "a\\.tenants.example",
        "a.tenants.example:8443",
        "a.Tenants.example.",
    ] {
        all.insert(format!("https://{host}/callback"));
        all.insert(format!("http://{host}/callback"));
    }
    for port in [
        "",
        ":",
        ":1",
        ":30000",
        ":3001",
        ":03000",
        ":3000@evil.example",
        ":80@evil.example",
        ":99999",
        ":-1",
        ":3000:3000",
    ] {
        for host in ["127.0.0.1", "127.0.0.2", "localhost", "[::1]", "[::1%25lo]", "0.0.0.0"] {
            all.insert(format!("http://{host}{port}/callback"));
            all.insert(format!("https://{host}{port}/callback"));
        }
    }
    for rest in [
        "",
        "/",
        "/Callback",
        "/CALLBACK",
        "/callback/",
        "/callback/../admin",
        "/callback%2f..%2fadmin",
        "/callback/%2e%2e/x",
        "/callback?x=1",
        "/callback?",
        "/callback#",
        "/callback#x",
        "/callback;x",
        "/call%62ack",
        "/x/../callback",
        "//callback",
        "/callback//",
        "/callback.evil",
        "/with",
        "/with?query=2",
        "/with?query=1&x=2",
        "/with?QUERY=1",
        "/with?x=2&query=1",
        "/with?query=1#",
        "/with?query=%31",
        "?query=1",
        "/callback?redirect=https://evil.example",
    ] {
        all.insert(format!("https://app.example{rest}"));
    }
    for text in [
        "javascript:alert(1)",
        "javascript://app.example/callback",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "blob:https://app.example/x",
        "file:///etc/passwd",
        "about:blank",
        "view-source:https://app.example/callback",
        "https:app.example/callback",
        "https:/app.example/callback",
        "https:///app.example/callback",
        "//app.example/callback",
        "/callback",
        "app.example/callback",
        "https",
        "https://",
        "https://app.example",
        "://app.example/callback",
        "com.example.app:/callback",
        "com.example.app://callback/x",
        "com.example.app://evil",
        "com.example.app2://callback",
    ] {
        all.insert(text.to_owned());
    }
    // What happens to be an allowed spelling after all.
    let allowed: BTreeSet<String> =
        REGISTERED.iter().chain(&EQUAL).map(|uri| uri.to_ascii_lowercase()).collect();
    all.retain(|uri| !allowed.contains(&uri.to_ascii_lowercase()) || uri.contains('*'));
    all
}
