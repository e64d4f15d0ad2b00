//! Security case 4: hostile redirect URIs against the byte-exact rule. Everything here is put together from parts, since
//! the faults of other servers were combinations: user information beside a wildcard, a path behind a fragment, ...

#![cfg(test)]

mod redirect_rules;

use chancery_core::oauth::{RedirectUri, allowed_logout_url, is_loopback_host};
use proptest::prelude::*;
use redirect_rules::{bytes_match, check_callback, check_logout, check_origin};

/// Each candidate of the corpus against each registered callback: accepted where the bytes say so, and nowhere else.
#[test]
fn case_04_redirect_uri_corpus() {
    let corpus = corpus();
    assert!(corpus.len() >= 500, "only {} candidates", corpus.len());
    let mut accepted = Vec::new();
    for candidate in &corpus {
        for registered in REGISTERED {
            let expected = bytes_match(registered, candidate);
            assert_eq!(check_callback(registered, candidate), expected, "{registered:?} {candidate:?}");
            check_logout(registered, candidate);
            check_origin(registered, candidate);
            accepted.extend(expected.then_some((registered, candidate.as_str())));
        }
        let all = RedirectUri::allowed(candidate, REGISTERED);
        assert_eq!(all.is_some(), REGISTERED.iter().any(|r| bytes_match(r, candidate)), "{candidate:?}");
    }
    // Case of scheme and authority, and names below the star: the few spellings that are the same place.
    accepted.sort_unstable();
    assert_eq!(accepted, SAME_PLACE);
}

#[test]
fn case_04_no_end() {
    for length in [4096, 4097, 100_000] {
        let label = "a".repeat(length - "https://.preview.example/cb".len());
        let accepted =
            check_callback("https://*.preview.example/cb", &format!("https://{label}.preview.example/cb"));
        assert_eq!(accepted, length <= 4096, "{length}");
    }
}

/// What is in the database is not trusted either: hostile text is refused even where it is registered word for word.
#[test]
fn case_04_registered_by_mistake() {
    let mistaken = [
        "https://user@app.example/cb",
        "https://user:secret@app.example/cb",
        "https://app.example@evil.example/cb",
        "https://app.example:443@evil.example/cb",
        "https://app.example\\@evil.example/cb",
        "https://app.example\t/cb",
        "https://app.exa\nmple/cb",
        "https://app.example/cb\0",
        "https://app.example/cb#",
        "https://app.example/cb#/../evil",
        "https://\u{430}pp.example/cb",
        "https://app\u{3002}example/cb",
        "https://app%2eexample/cb",
        "https://app.example:/cb",
        "https://app.example:44x/cb",
        "https://[::1/cb",
        "https://[::1]evil.example/cb",
        "https://[fe80::1%25eth0]/cb",
        "https:app.example/cb",
        "https:/app.example/cb",
        "https:///app.example/cb",
        "https:user@app.example/cb",
        "https://*/cb",
        "https://*.example/cb",
        "https://*.app.example/cb",
        " https://app.example/cb",
        "",
        "javascript://app.example/%0aalert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://app.example/x",
    ];
    for uri in mistaken {
        assert!(!check_callback(uri, uri), "{uri:?}");
        assert!(RedirectUri::allowed_origin(uri, [uri]).is_none(), "{uri:?}");
    }
}

/// A star stands for one label of a name that somebody owns.
#[test]
fn case_04_stars() {
    let too_wide = [
        ("https://*.com/cb", "https://evil.com/cb"),
        ("https://*.com./cb", "https://evil.com./cb"),
        ("https://*.com:8443/cb", "https://evil.com:8443/cb"),
        ("https://*..com/cb", "https://evil..com/cb"),
        ("https://*.0.0.1/cb", "https://127.0.0.1/cb"),
        ("https://*.0x7f.1/cb", "https://1.0x7f.1/cb"),
        ("https://*.*.app.example/cb", "https://a.b.app.example/cb"),
        ("https://a*.app.example/cb", "https://ab.app.example/cb"),
        ("https://app.example/*", "https://app.example/evil"),
        ("https://app.example:*/cb", "https://app.example:8443/cb"),
        ("*://app.example/cb", "http://app.example/cb"),
    ];
    for (registered, candidate) in too_wide {
        assert!(!check_callback(registered, candidate), "{registered} {candidate}");
        check_logout(registered, candidate);
    }
}

/// Whether a callback is on the user's own machine is a matter of the host, not of how it is written.
#[test]
fn case_04_loopback_in_every_spelling() {
    for host in [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "a.localhost.",
        "127.0.0.1",
        "127.9.9.9",
        "127.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f.1",
        "0X7F000001",
        "0177.0.0.1",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
    ] {
        assert!(is_loopback_host(host), "{host}");
        let uri = format!("http://{host}:3000/cb");
        let parsed = RedirectUri::allowed(&uri, [uri.as_str()]);
        assert!(parsed.is_some_and(|uri| !uri.is_verifiable()), "{uri}");
    }
    for host in
        ["app.example", "localhost.evil.example", "notlocalhost", "10.0.0.1", "[2001:db8::1]", "app1.ex4"]
    {
        assert!(!is_loopback_host(host), "{host}");
    }
}

/// What a logout URL was checked as is what is sent, with parameters in its query.
#[test]
fn case_04_logout_urls() {
    let listed = ["https://app.example/bye"];
    for candidate in
        ["https://app.example/bye?a=b", "https://APP.example/bye", "https://app.example/bye?a=b#c"]
    {
        let allowed = allowed_logout_url(candidate, listed, true);
        assert_eq!(allowed.as_ref().map(RedirectUri::as_str), Some(candidate));
    }
    for tail in
        ["/", "/../admin", "\\@evil.example", "@evil.example", ".evil.example", "%2f..", "\t", ";a", "\0?a"]
    {
        for ignore_query in [false, true] {
            let candidate = format!("{}{tail}", listed[0]);
            assert_eq!(allowed_logout_url(&candidate, listed, ignore_query), None, "{candidate:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_combination_of_parts_breaks_a_rule(registered in uri(), candidate in uri()) {
        check_callback(&registered, &candidate);
        check_logout(&registered, &candidate);
        check_origin(&registered, &candidate);
        check_callback(&candidate, &candidate);
    }

    #[test]
    fn one_edit_is_noticed(
        registered in prop::sample::select(&REGISTERED[..]),
        at in any::<prop::sample::Index>(),
        cut in 0..3_usize,
        put in prop::sample::select(&PARTS[..]),
    ) {
        let at = at.index(registered.len() + 1);
        let end = (at + cut).min(registered.len());
        let candidate = format!("{}{put}{}", &registered[..at], &registered[end..]);
        for known in REGISTERED {
            let accepted = check_callback(known, &candidate);
            prop_assert!(!accepted || bytes_match(known, &candidate), "{} {}", known, candidate);
            check_logout(known, &candidate);
            check_origin(known, &candidate);
        }
    }
}

fn uri() -> impl Strategy<Value = String> {
    let scheme = prop::sample::select(
        &["https://", "http://", "HTTPS://", "https:/", "https:", "com.app:", "com.app://"][..],
    );
    let parts = prop::collection::vec(prop::sample::select(&PARTS[..]), 0..7);
    (scheme, parts).prop_map(|(scheme, parts)| format!("{scheme}{}", parts.concat()))
}

/// Every trick of the list at every place of the URL where a parser changes its mind.
fn corpus() -> Vec<String> {
    let mut all = Vec::new();
    let mut add = |candidate: String| {
        if !REGISTERED.contains(&candidate.as_str()) {
            all.push(candidate);
        }
    };
    for evil in ["evil.example", "127.0.0.1", "[::1]", "xn--pp-8cd.example"] {
        for at in [
            "@", "@@", "%40", ":@", ":80@", ":443@", "\\@", "/@", "?@", "#@", "&@", ";@", "%00@", "\t@",
            "\u{ff20}",
        ] {
            add(format!("https://app.example{at}{evil}/cb"));
            add(format!("https://{evil}{at}app.example/cb"));
            add(format!("https://a.preview.example{at}{evil}/cb"));
        }
        for joint in [".", "/", "\\", "%2f", "%5c", "%2e", "?", "#", ":443", "%23", "\u{2044}", "\u{2215}"] {
            add(format!("https://{evil}{joint}app.example/cb"));
            add(format!("https://app.example{joint}{evil}/cb"));
            add(format!("https://{evil}{joint}.preview.example/cb"));
        }
    }
    for path in [
        "",
        "/",
        "//",
        "//cb",
        "/cb/",
        "/cb//",
        "/CB",
        "/Cb",
        "/cb.",
        "/cb/.",
        "/cb/..",
        "/./cb",
        "/x/../cb",
        "/cb/../cb",
        "/cb/../admin",
        "/cb%2f..",
        "/cb%2f..%2fadmin",
        "/cb/%2e%2e/admin",
        "/%2e/cb",
        "/..%2fcb",
        "/cb%2F",
        "/c%62",
        "/%63b",
        "/cb%00",
        "/cb%20",
        "/cb;x",
        "/cb;/",
        "/cb\\",
        "/cb\\..\\admin",
        "\\cb",
        "/cb?",
        "/cb?x=1",
        "/cb?from=login",
        "/cb#",
        "/cb#x",
        "/cb?#",
        "/cb%23",
        "/cb%3f",
        "/cb&x",
        "/cb@evil.example",
        "/@evil.example/cb",
        "/cb\0",
        "/cb\t",
        "/cb\n",
        "/cb\r\n",
        "/cb ",
        " /cb",
        "/cb\u{a0}",
        "/cb\u{200b}",
        "/cb\u{fffd}",
        "/\u{441}b",
        "/cb\"",
        "/cb'",
        "/cb<",
        "/cb>",
        "/cb|",
        "/cb^",
        "/cb`",
        "/cb{x}",
        "/cb*",
        "/*",
        "/cb\u{2025}",
        "/cb\u{ff0e}\u{ff0e}",
        "/cb/%c0%ae%c0%ae/x",
    ] {
        for origin in ["https://app.example", "https://a.preview.example", "http://localhost:3000"] {
            add(format!("{origin}{path}"));
        }
    }
    for host in [
        "app.example.",
        ".app.example",
        "app..example",
        "app.example..",
        "www.app.example",
        "app.example.evil.example",
        "evilapp.example",
        "evil-app.example",
        "app.examples",
        "app.exampl",
        "pp.example",
        "app-example",
        "app_example",
        "APP.EXAMPLE",
        "aPP.example",
        "app\u{3002}example",
        "app\u{ff0e}example",
        "app\u{ff61}example",
        "app%2eexample",
        "%61pp.example",
        "\u{430}pp.example",
        "a\u{440}p.example",
        "\u{ff41}pp.example",
        "app.ex\u{e4}mple",
        "app.e\u{445}ample",
        "xn--pp-8cd.example",
        "app.example\u{ad}",
        "app\u{200d}.example",
        "app.example\0",
        "app.exam\tple",
        "app.exam\nple",
        "app.example ",
        " app.example",
        "app.example%00",
        "app.example%20",
        "app.example%0d%0a",
        "app.example,",
        "app.example;",
        "app.example!",
        "app.example'",
        "app.example$",
        "app.example&",
        "app.example(",
        "app.example~",
        "app.example:",
        "app.example:443",
        "app.example:0443",
        "app.example:80",
        "app.example:8443",
        "app.example:65979",
        "app.example:443:443",
        "app.example:-443",
        "app.example:+443",
        "app.example:443x",
        "app.example:%34%34%33",
        "app.example:\u{ff14}43",
        "[app.example]",
        "[::1]",
        "[::1",
        "::1",
        "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:0:0:1]",
        "[::1%25lo]",
        "[::1%lo]",
        "[v1.x]",
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "2130706433",
        "127.0.0.1.",
        "localhost",
        "localhost.",
        "preview.example",
        ".preview.example",
        "*.preview.example",
        "a.b.preview.example",
        "a.preview.example.",
        "a..preview.example",
        "a@b.preview.example",
        "a%2e.preview.example",
        "a_b.preview.example",
        "a.PREVIEW.example",
        "\u{430}.preview.example",
        "a\u{3002}preview.example",
        "a.preview.example:443",
        "a.previewxexample",
        "a/.preview.example",
        "a\\.preview.example",
        "a?.preview.example",
        "a#.preview.example",
        "a\0.preview.example",
        "",
    ] {
        add(format!("https://{host}/cb"));
        add(format!("http://{host}:3000/cb"));
    }
    for scheme in [
        "http://",
        "HTTPS://",
        "Https://",
        "hTTp://",
        "https:",
        "https:/",
        "https:///",
        "https:////",
        "https:\\\\",
        "https:/\\",
        "https:\\/",
        "https;//",
        "https//",
        "https:// ",
        " https://",
        "\thttps://",
        "https\t://",
        "ht\ntps://",
        "https\0://",
        "https%3a//",
        "https:%2f%2f",
        "//",
        "///",
        "\\\\",
        "/",
        "",
        "ftp://",
        "ws://",
        "wss://",
        "httpss://",
        "https+x://",
        "javascript://",
        "javascript:",
        "data:",
        "vbscript:",
        "file://",
        "blob:https://",
        "view-source:https://",
        "about:",
        "filesystem:https://",
        "intent://",
        "com.app:",
        "com.app:/",
        "COM.APP://",
        "com.app.evil://",
        "1https://",
        "-https://",
        "\u{ff48}ttps://",
        "https\u{ff1a}//",
        "https:\u{ff0f}\u{ff0f}",
        "https://https://",
        "https://https:",
    ] {
        add(format!("{scheme}app.example/cb"));
        add(format!("{scheme}evil.example/https://app.example/cb"));
        add(format!("{scheme}a.preview.example/cb"));
    }
    // What earlier servers accepted: fragments and several `@` beside stars, loopback with user information.
    for known in [
        "http://127.0.0.1:80@evil.example/cb",
        "http://127.0.0.1:3000@evil.example/cb",
        "http://[::1]@evil.example/cb",
        "https://a@b@c.preview.example/cb",
        "https://evil.example#@a.preview.example/cb",
        "https://evil.example/?x=https://app.example/cb",
        "https://evil.example/#https://app.example/cb",
        "https://evil.example\\.preview.example/cb",
        "https://evil.example?.preview.example/cb",
        "https://app.example/cb,https://evil.example/cb",
        "https://app.example/cb https://evil.example/cb",
        "https://app.example/cb\nLocation: https://evil.example",
        "https://app.example/cb%0d%0aSet-Cookie:x=y",
        "https://app.example/cb?from=login&from=evil",
        "https://app.example/cb?from=login#",
        "https://app.example/cb?from=LOGIN",
        "http://localhost:3001/cb",
        "http://localhost/cb",
        "http://localhost:03000/cb",
        "http://127.0.0.1:3000/cb",
        "https://localhost:3000/cb",
        "com.app://evil/cb",
        "com.app:cb",
        "com.app:///cb",
        "com.app://cb/",
        "com.app://CB",
    ] {
        add(known.to_owned());
    }
    all.sort();
    all.dedup();
    all
}

const REGISTERED: [&str; 6] = [
    "https://app.example/cb",
    "https://app.example/cb?from=login",
    "https://*.preview.example/cb",
    "http://localhost:3000/cb",
    "http://127.0.0.1:3000/cb",
    "com.app://cb",
];

/// Those of the corpus that are a registered callback written in another way.
const SAME_PLACE: [(&str, &str); 8] = [
    ("com.app://cb", "com.app://CB"),
    ("https://*.preview.example/cb", "HTTPS://a.preview.example/cb"),
    ("https://*.preview.example/cb", "Https://a.preview.example/cb"),
    ("https://*.preview.example/cb", "https://a.PREVIEW.example/cb"),
    ("https://app.example/cb", "HTTPS://app.example/cb"),
    ("https://app.example/cb", "Https://app.example/cb"),
    ("https://app.example/cb", "https://APP.EXAMPLE/cb"),
    ("https://app.example/cb", "https://aPP.example/cb"),
];

const PARTS: [&str; 40] = [
    "app.example",
    "preview.example",
    "evil.example",
    "a.",
    "*.",
    "localhost",
    "127.0.0.1",
    "0x7f.1",
    "[::1]",
    "[::ffff:7f00:1]",
    "cb",
    "/",
    "//",
    "\\",
    "..",
    ".",
    "@",
    ":",
    ":443",
    ":80",
    ":3000",
    "?",
    "?from=login",
    "&",
    "=",
    "#",
    "%2f",
    "%40",
    "%00",
    "%2e",
    "\t",
    "\n",
    "\0",
    " ",
    "\u{3002}",
    "\u{430}",
    "xn--pp-8cd",
    "CB",
    "APP.example",
    "_",
];
