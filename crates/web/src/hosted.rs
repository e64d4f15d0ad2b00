//! Hosted pages as answers: language, frame, policy and headers in one place.

use std::borrow::Cow;
use std::sync::Arc;

use axum::response::Response;
use chancery_login::csp::PageKind;
use chancery_login::pages::{ErrorKind, ErrorPage, Frame, Link};
use chancery_login::{Accent, Texts, csp, pick_language};
use chancery_store::{Kind, Snapshot};
use http::StatusCode;
use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue,
    X_FRAME_OPTIONS,
};
use serde_json::Value;

use crate::{Ctx, html};

/// What an error page says.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// What happened.
    pub kind: ErrorKind,
    /// OAuth's `error`.
    pub code: Option<&'a str>,
    /// OAuth's `error_description`.
    pub text: Option<&'a str>,
}

/// What stands around every page of the tenant: its looks, those of its theme before those of its brand.
pub fn frame(ctx: &Ctx) -> Frame {
    let settings = &ctx.tenant.settings;
    let looks = looks(&ctx.tenant);
    let said = |pointers: &[(&Value, &str)]| {
        let texts = pointers.iter().filter_map(|(document, at)| document.pointer(at)?.as_str());
        texts.filter(|text| !text.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let logos = said(&[(&looks.theme, "/widget/logo_url"), (&looks.brand, "/logo_url")]);
    let accents = said(&[(&looks.theme, "/colors/primary_button"), (&looks.brand, "/colors/primary")]);
    Frame {
        tenant_name: tenant_name(ctx).to_owned(),
        logo_name: tenant_name(ctx).to_owned(),
        logo: logos.iter().map(String::as_str).chain(settings.picture_url.as_deref()).find_map(Link::new),
        accent: accents.iter().find_map(|colour| Accent::parse(colour)),
        icon: said(&[(&looks.brand, "/favicon_url")]).iter().find_map(|url| Link::new(url)),
    }
}

struct Looks {
    theme: Value,
    brand: Value,
}

/// The oldest theme is the one in use.
fn looks(tenant: &Snapshot) -> Looks {
    let read = |json: &Arc<str>| serde_json::from_str::<Value>(json).unwrap_or_default();
    let made = |theme: &Value| theme.get("made_ms").and_then(Value::as_i64);
    Looks {
        theme: tenant.documents(Kind::Theme).map(read).min_by_key(made).unwrap_or_default(),
        brand: tenant.document(Kind::Branding, "settings").map(read).unwrap_or_default(),
    }
}

/// The tenant's name for people.
pub fn tenant_name(ctx: &Ctx) -> &str {
    ctx.tenant.settings.friendly_name.as_deref().filter(|n| !n.is_empty()).unwrap_or(&ctx.tenant.tenant)
}

/// The texts in the language that fits best: `ui_locales`, then what the browser prefers, among the tenant's languages.
pub fn texts(ctx: &Ctx, headers: &HeaderMap, ui_locales: Option<&str>) -> Arc<Texts> {
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
    let enabled = ctx.tenant.settings.enabled_locales.as_deref().unwrap_or_default();
    ctx.app.texts.of(pick_language(ui_locales, accepted, enabled))
}

/// The headers of a request that names the languages of its answer (`ui_locales`, OpenID Connect Core 3.1.2.1): those go before the browser's
/// wherever a page is made from the headers alone, as one is that says what is wrong with the request.
pub fn in_languages<'a>(headers: &'a HeaderMap, ui_locales: Option<&str>) -> Cow<'a, HeaderMap> {
    let Some(ui_locales) = ui_locales else { return Cow::Borrowed(headers) };
    let is_tag = |tag: &&str| tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let asked = ui_locales.split_ascii_whitespace().filter(is_tag).take(MOST_LANGUAGES);
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
    let all: Vec<&str> = asked.chain(accepted).collect();
    let Ok(all) = HeaderValue::try_from(all.join(", ")) else { return Cow::Borrowed(headers) };
    let mut headers = headers.clone();
    headers.insert(ACCEPT_LANGUAGE, all);
    Cow::Owned(headers)
}

/// Languages of one request that count.
const MOST_LANGUAGES: usize = 10;

/// Whether a browser asks for a page to show. Programs name JSON, or nothing.
pub fn prefers_html(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|types| types.contains("text/html"))
}

/// A page with its policy. `form_targets` as in [`csp()`].
pub fn page(status: StatusCode, body: String, kind: PageKind, form_targets: &[String]) -> Response {
    let mut response = html(status, body);
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(csp(kind, form_targets)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    // What a page was opened with (state, tickets) is nobody else's business; our own
    // forms keep their `Origin`, which `no-referrer` would turn into `null`.
    headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("same-origin"));
    if !kind.is_framed() {
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    response
}

/// A page in the language of its texts.
pub fn localized(mut response: Response, texts: &Texts) -> Response {
    if let Ok(tag) = HeaderValue::from_str(texts.language().tag()) {
        response.headers_mut().insert(CONTENT_LANGUAGE, tag);
    }
    response
}

/// The error page.
pub fn error(ctx: &Ctx, headers: &HeaderMap, status: StatusCode, said: Said<'_>) -> Response {
    let settings = &ctx.tenant.settings;
    let texts = texts(ctx, headers, None);
    let view = ErrorPage {
        frame: frame(ctx),
        kind: said.kind,
        code: said.code.map(str::to_owned),
        description: said.text.map(str::to_owned),
        request_id: ctx.request_id.as_str().to_owned(),
        support_email: settings.support_email.clone(),
        support_url: settings.support_url.as_deref().and_then(Link::new),
    };
    localized(page(status, view.render(&texts), PageKind::Plain, &[]), &texts)
}
