//! What the pages load beside themselves: one style sheet, six small scripts, the mark, and a tenant's theme.
//!
//! Names carry a hash of the content, so browsers may keep them for ever.

use std::borrow::Cow;

use crate::theme::Accent;

/// Where assets are served; [`asset`] takes what follows.
pub const ASSET_PATH: &str = "/u/static/";

/// A file of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// The style of every page.
    Style,
    /// Sends `response_mode=form_post` on.
    FormPostScript,
    /// Answers `response_mode=web_message`.
    WebMessageScript,
    /// The "show" button of password fields.
    ShowPasswordScript,
    /// Asks the browser for security keys and passkeys.
    WebauthnScript,
    /// Goes on after applications logged out in frames.
    SignOutScript,
    /// Answers applications that ask whether the session is still there.
    CheckSessionScript,
    /// Our mark, shown where the tenant has no logo.
    Logo,
    /// The icon of the browser tab.
    Icon,
}

/// An asset and how to send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The content.
    pub bytes: Cow<'static, [u8]>,
    /// The media type.
    pub content_type: &'static str,
    /// The `Cache-Control` value.
    pub cache_control: &'static str,
}

const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// For a name of another release: while servers are being replaced, a page of the new one may ask the old one.
const BRIEFLY: &str = "public, max-age=60";

impl File {
    const ALL: [Self; 9] = [
        Self::Style,
        Self::FormPostScript,
        Self::WebMessageScript,
        Self::ShowPasswordScript,
        Self::WebauthnScript,
        Self::SignOutScript,
        Self::CheckSessionScript,
        Self::Logo,
        Self::Icon,
    ];

    fn stem_and_extension(self) -> (&'static str, &'static str) {
        match self {
            Self::Style => ("style", "css"),
            Self::FormPostScript => ("form-post", "js"),
            Self::WebMessageScript => ("web-message", "js"),
            Self::ShowPasswordScript => ("show-password", "js"),
            Self::WebauthnScript => ("webauthn", "js"),
            Self::SignOutScript => ("sign-out", "js"),
            Self::CheckSessionScript => ("check-session", "js"),
            Self::Logo => ("logo", "svg"),
            Self::Icon => ("favicon", "svg"),
        }
    }

    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Style => include_bytes!("../static/style.css"),
            Self::FormPostScript => include_bytes!("../static/form-post.js"),
            Self::WebMessageScript => include_bytes!("../static/web-message.js"),
            Self::ShowPasswordScript => include_bytes!("../static/show-password.js"),
            Self::WebauthnScript => include_bytes!("../static/webauthn.js"),
            Self::SignOutScript => include_bytes!("../static/sign-out.js"),
            Self::CheckSessionScript => include_bytes!("../static/check-session.js"),
            Self::Logo => include_bytes!("../static/logo.svg"),
            Self::Icon => include_bytes!("../static/favicon.svg"),
        }
    }

    /// Worked out when compiling: every page asks for several.
    fn hash(self) -> u64 {
        const STYLE: u64 = content_hash(include_bytes!("../static/style.css"));
        const FORM_POST: u64 = content_hash(include_bytes!("../static/form-post.js"));
        const WEB_MESSAGE: u64 = content_hash(include_bytes!("../static/web-message.js"));
        const SHOW_PASSWORD: u64 = content_hash(include_bytes!("../static/show-password.js"));
        const WEBAUTHN: u64 = content_hash(include_bytes!("../static/webauthn.js"));
        const SIGN_OUT: u64 = content_hash(include_bytes!("../static/sign-out.js"));
        const CHECK_SESSION: u64 = content_hash(include_bytes!("../static/check-session.js"));
        const LOGO: u64 = content_hash(include_bytes!("../static/logo.svg"));
        const ICON: u64 = content_hash(include_bytes!("../static/favicon.svg"));
        match self {
            Self::Style => STYLE,
            Self::FormPostScript => FORM_POST,
            Self::WebMessageScript => WEB_MESSAGE,
            Self::ShowPasswordScript => SHOW_PASSWORD,
            Self::WebauthnScript => WEBAUTHN,
            Self::SignOutScript => SIGN_OUT,
            Self::CheckSessionScript => CHECK_SESSION,
            Self::Logo => LOGO,
            Self::Icon => ICON,
        }
    }
}

/// The address of a file, from the root of the server.
pub fn asset_url(file: File) -> String {
    let (stem, extension) = file.stem_and_extension();
    format!("{ASSET_PATH}{stem}-{:016x}.{extension}", file.hash())
}

/// The address of the style sheet of an accent colour.
pub fn theme_url(accent: Accent) -> String {
    let hash = content_hash(accent.stylesheet().as_bytes());
    format!("{ASSET_PATH}theme-{accent}-{hash:016x}.css")
}

/// The asset of a name, which is what follows [`ASSET_PATH`].
pub fn asset(name: &str) -> Option<Asset> {
    let (rest, extension) = name.rsplit_once('.')?;
    let (stem, hash) = rest.rsplit_once('-')?;
    let content_type = content_type(extension)?;
    let found = match stem.strip_prefix("theme-") {
        Some(accent) if extension == "css" && accent.len() == 6 => {
            Cow::Owned(Accent::parse(&format!("#{accent}"))?.stylesheet().into_bytes())
        }
        _ => {
            let file = File::ALL.into_iter().find(|file| file.stem_and_extension() == (stem, extension))?;
            Cow::Borrowed(file.bytes())
        }
    };
    let is_ours = hash == format!("{:016x}", content_hash(&found));
    Some(Asset { bytes: found, content_type, cache_control: if is_ours { FOR_EVER } else { BRIEFLY } })
}

fn content_type(extension: &str) -> Option<&'static str> {
    match extension {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

/// FNV-1a, 64 bits: it only has to tell releases apart.
const fn content_hash(bytes: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_found_under_its_own_name() {
        for file in File::ALL {
            let url = asset_url(file);
            let found =
                asset(url.strip_prefix(ASSET_PATH).expect("it is served there")).expect("it is found");
            assert_eq!(found.bytes, file.bytes(), "{url}");
            assert_eq!(found.cache_control, FOR_EVER, "{url}");
        }
        assert!(
            File::Style.bytes().len() < 12 * 1024,
            "the style sheet is loaded before the first page shows"
        );
    }

    #[test]
    fn themes_are_made_for_any_colour_and_only_for_colours() {
        let accent = Accent::parse("#e0218a").expect("a colour");
        let url = theme_url(accent);
        let theme = asset(url.strip_prefix(ASSET_PATH).expect("it is served there")).expect("it is made");
        assert_eq!((theme.content_type, theme.cache_control), ("text/css; charset=utf-8", FOR_EVER));
        for bad in [
            "theme-xyzxyz-0.css",
            "theme-e0218-0.css",
            "theme-e0218a-0.js",
            "theme-.css",
            "theme-+12345-0.css",
        ] {
            assert_eq!(asset(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_of_other_releases_are_served_but_not_kept() {
        assert_eq!(asset("style-0123456789abcdef.css").map(|found| found.cache_control), Some(BRIEFLY));
        for bad in ["", "style.css", "style-0.js", "../style-0.css", "style-0.css/", "unknown-0.css"] {
            assert_eq!(asset(bad), None, "{bad}");
        }
    }
}
