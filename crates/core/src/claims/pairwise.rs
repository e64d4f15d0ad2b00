//! Pairwise subjects (OpenID Connect Core 8.1): a user is somebody else in each sector, and always the same there.

use chancery_jose::base64url;

/// What the tag of a subject is made over: the sector cannot run over into the user.
pub fn pairwise_message(sector: &str, user_id: &str) -> Vec<u8> {
    let length = u64::try_from(sector.len()).unwrap_or(u64::MAX);
    [&length.to_be_bytes()[..], sector.as_bytes(), user_id.as_bytes()].concat()
}

/// The `sub` that a tag stands for: 43 characters, nothing of which tells the user.
pub fn pairwise_subject(tag: &[u8; 32]) -> String {
    base64url(tag)
}

/// The sector of a URL: its host, in lower case (OpenID Connect Core 8.1). `None` where it has none.
pub fn sector_of(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    let is_web = matches!(url.scheme(), "https" | "http");
    url.host_str().filter(|host| is_web && !host.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sector_and_user_do_not_run_together() {
        assert_ne!(pairwise_message("a.example", "x|1"), pairwise_message("a.examplex", "|1"));
        assert_eq!(pairwise_subject(&[0; 32]).len(), 43);
    }

    #[test]
    fn sectors() {
        assert_eq!(sector_of("https://App.Example:8443/cb?a=b").as_deref(), Some("app.example"));
        assert_eq!(sector_of("com.example.app:/cb"), None);
        assert_eq!(sector_of("app://host/cb"), None, "a private scheme has no host of the web");
        assert_eq!(sector_of("nonsense"), None);
    }
}
