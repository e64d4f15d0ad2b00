//! The content security policy of each page.

/// What a page needs beside text and the style sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageKind {
    /// Text only, or a form without script.
    Plain,
    /// A form with a password field, whose "show" button is a script of ours.
    Password,
    /// A page whose script asks the browser for a security key or a passkey.
    SecurityKey,
    /// The page that sends `response_mode=form_post` on.
    FormPost,
    /// The page that answers `response_mode=web_message`. Applications frame it, so it must carry neither
    /// `frame-ancestors` nor `X-Frame-Options`.
    WebMessage,
    /// The frame that applications ask about the session. As the one before.
    CheckSession,
    /// The page after a logout that shows pages of applications in frames.
    SigningOut,
}

impl PageKind {
    /// Whether pages of others may frame it.
    pub fn is_framed(self) -> bool {
        matches!(self, Self::WebMessage | Self::CheckSession)
    }
}

/// The `Content-Security-Policy` of a page.
///
/// `form_targets` are where its form may end up beside this server, each made by [`form_target`]: Chromium holds every
/// redirect that follows a submission against `form-action`, so the application's callback has to be among them. Of
/// [`PageKind::SigningOut`] they are what it may frame.
pub fn csp(kind: PageKind, form_targets: &[String]) -> String {
    let mut policy = String::from("default-src 'none'; base-uri 'none'");
    if kind.is_framed() {
        policy.push_str("; script-src 'self'; form-action 'none'");
        return policy;
    }
    policy.push_str("; style-src 'self'; img-src 'self' https: data:");
    if matches!(kind, PageKind::Password | PageKind::SecurityKey | PageKind::FormPost | PageKind::SigningOut)
    {
        policy.push_str("; script-src 'self'");
    }
    policy.push_str(match kind {
        PageKind::SigningOut => "; form-action 'none'; frame-src",
        _ => "; form-action 'self'",
    });
    for target in form_targets {
        policy.push(' ');
        policy.push_str(target);
    }
    policy.push_str("; frame-ancestors 'none'");
    policy
}

/// The `form-action` source that admits a callback: its origin, or its scheme alone where the policy language cannot name
/// the host (`myapp:/callback`, `http://[::1]:4200/`). `None` for what is no URL, or one that would run as script.
///
/// Nothing else of the callback gets into the policy, so that a `;` or a quote in it cannot add a directive.
pub fn form_target(callback: &str) -> Option<String> {
    let (scheme, rest) = callback.split_once(':')?;
    let scheme = scheme.to_ascii_lowercase();
    let well_formed = scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !well_formed || matches!(scheme.as_str(), "javascript" | "data" | "vbscript" | "blob" | "filesystem") {
        return None;
    }
    if scheme != "http" && scheme != "https" {
        return Some(format!("{scheme}:"));
    }
    let authority = rest.strip_prefix("//")?.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    if host.starts_with('[') {
        return Some(format!("{scheme}:"));
    }
    let is_host =
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte));
    is_host.then(|| format!("{scheme}://{}", host.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_forbid_inline_and_framing() {
        let callback = [form_target("https://app.example/callback").expect("a URL")];
        assert_eq!(
            csp(PageKind::Password, &callback),
            "default-src 'none'; base-uri 'none'; style-src 'self'; img-src 'self' https: data:; script-src 'self'; \
             form-action 'self' https://app.example; frame-ancestors 'none'"
        );
        assert!(!csp(PageKind::Plain, &callback).contains("script-src"));
        assert_eq!(
            csp(PageKind::SigningOut, &callback),
            "default-src 'none'; base-uri 'none'; style-src 'self'; img-src 'self' https: data:; script-src 'self'; \
             form-action 'none'; frame-src https://app.example; frame-ancestors 'none'"
        );
        for kind in [
            PageKind::Plain,
            PageKind::Password,
            PageKind::SecurityKey,
            PageKind::FormPost,
            PageKind::WebMessage,
            PageKind::CheckSession,
            PageKind::SigningOut,
        ] {
            assert!(!csp(kind, &callback).contains("unsafe"), "{kind:?}");
            assert_eq!(csp(kind, &callback).contains("frame-ancestors"), !kind.is_framed(), "{kind:?}");
        }
    }

    #[test]
    fn targets_are_origins_or_schemes_and_nothing_else() {
        let cases = [
            ("https://app.example/callback?x=1", Some("https://app.example")),
            ("HTTPS://App.Example:8443", Some("https://app.example:8443")),
            ("http://localhost:3000/cb", Some("http://localhost:3000")),
            ("http://127.0.0.1:3000/cb", Some("http://127.0.0.1:3000")),
            ("http://[::1]:3000/cb", Some("http:")),
            ("https://user:pass@app.example/cb", Some("https://app.example")),
            ("com.example.app://callback", Some("com.example.app:")),
            ("com.example.app:/callback", Some("com.example.app:")),
            ("https://app.example;script-src*/", None),
            ("https://app.example 'unsafe-inline'/", None),
            ("https://*/", None),
            ("https:///", None),
            ("javascript:alert(1)", None),
            ("JavaScript://app.example/%0aalert(1)", None),
            ("data:text/html,x", None),
            ("my app:/callback", None),
            ("/callback", None),
            ("", None),
        ];
        for (callback, expected) in cases {
            assert_eq!(form_target(callback).as_deref(), expected, "{callback}");
        }
    }
}
