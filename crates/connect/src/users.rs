//! Database users: what a new one looks like, and which addresses and names are accepted.

use chancery_core::claims::fill_profile_defaults;
use chancery_core::iso::format_ms;
use chancery_core::model::{Identity, User};
use chancery_core::{Rng, ids};

/// The provider of database users, and the part of their ids before the bar.
pub const PROVIDER: &str = "auth0";

/// What is known of somebody who signs up.
#[derive(Clone, Copy, Debug)]
pub struct NewUser<'a> {
    /// Already in normal form.
    pub email: Option<&'a str>,
    /// Already in normal form.
    pub username: Option<&'a str>,
    /// Name of the connection.
    pub connection: &'a str,
}

/// A user with the defaults of the wire: the name is the address, the nickname its local part, the picture an avatar.
pub fn new_user(new: NewUser<'_>, rng: &dyn Rng, now_ms: i64) -> User {
    new_user_of(PROVIDER, new, rng, now_ms)
}

/// The same of another provider: what their ids begin with.
pub fn new_user_of(provider: &str, new: NewUser<'_>, rng: &dyn Rng, now_ms: i64) -> User {
    let id = ids::object_id(rng, now_ms.div_euclid(1000));
    let time = format_ms(now_ms);
    let mut user = User {
        created_at: time.clone(),
        updated_at: time,
        email: new.email.map(str::to_owned),
        email_verified: new.email.map(|_| false),
        username: new.username.map(str::to_owned),
        user_id: format!("{provider}|{id}"),
        identities: vec![Identity {
            connection: new.connection.to_owned(),
            user_id: id,
            provider: provider.to_owned(),
            is_social: false,
            profile_data: None,
        }],
        ..User::default()
    };
    fill_profile_defaults(&mut user);
    user
}

/// Why an address or a user name is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not an address mail could be sent to.
    #[error("The email address is not valid")]
    Email,
    /// See [`username`].
    #[error("The username must have 1 to 128 characters of A-Z a-z 0-9 _ + - . ! # $ ^ ` ~ @ '")]
    Username,
}

/// The normal form of an email address: trimmed and in lower case, which is how it is stored and compared. Pragmatic
/// rather than RFC 5322: one `@` with something on both sides, no spaces or control characters, at most 254 bytes
/// (RFC 5321, section 4.5.3.1.3), a domain of non-empty labels.
///
/// # Errors
/// [`Refused::Email`].
pub fn email(text: &str) -> Result<String, Refused> {
    let text = text.trim();
    let (local, domain) = text.split_once('@').ok_or(Refused::Email)?;
    let bad = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || is_invisible(c)
            || matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | ':' | '"' | '\\')
    };
    let good = (1..=254).contains(&text.len())
        && (1..=64).contains(&local.len())
        && !text.chars().any(bad)
        && !domain.contains('@')
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain
            .split('.')
            .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    if good { Ok(text.to_lowercase()) } else { Err(Refused::Email) }
}

/// What shows nothing, or turns what follows around: two addresses that look alike would be two accounts. These are the format
/// characters of Unicode, its variation selectors, its fillers and blanks, and what is no character.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{115f}' | '\u{1160}'
        | '\u{17b4}' | '\u{17b5}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{110bd}' | '\u{110cd}'
        | '\u{600}'..='\u{605}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{ffff}'
        | '\u{13430}'..='\u{1345f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// The normal form of a user name: lower case. It must not look like an address, or it could be taken for somebody
/// else's.
///
/// # Errors
/// [`Refused::Username`].
pub fn username(text: &str) -> Result<String, Refused> {
    let fit = |b: u8| b.is_ascii_alphanumeric() || b"_+-.!#$^`~@'".contains(&b);
    let good = (1..=128).contains(&text.len()) && text.bytes().all(fit) && email(text).is_err();
    if good { Ok(text.to_ascii_lowercase()) } else { Err(Refused::Username) }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zero;
    impl Rng for Zero {
        fn fill(&self, out: &mut [u8]) {
            out.fill(0);
        }
    }

    #[test]
    fn defaults() {
        let new = NewUser { email: Some("jane@example.com"), username: None, connection: "Users" };
        let user = new_user(new, &Zero, 1_728_912_464_558);
        assert_eq!(user.name.as_deref(), Some("jane@example.com"));
        assert_eq!(user.nickname.as_deref(), Some("jane"));
        assert_eq!(user.email_verified, Some(false));
        assert_eq!(user.created_at, "2024-10-14T13:27:44.558Z");
        assert_eq!(user.user_id, format!("auth0|{}", user.identities[0].user_id));
        assert_eq!(user.identities[0].user_id.len(), 24);
        assert!(
            user.picture
                .unwrap()
                .starts_with("https://s.gravatar.com/avatar/9e26471d35a78862c17e467d87cddedf")
        );

        let new = NewUser { email: None, username: Some("jane"), connection: "Users" };
        let user = new_user(new, &Zero, 0);
        assert_eq!((user.email, user.email_verified), (None, None));
        assert_eq!(user.nickname.as_deref(), Some("jane"));
    }

    #[test]
    fn addresses() {
        for (text, normal) in [
            ("jane@example.com", "jane@example.com"),
            (" Jane.Doe+x@Example.COM ", "jane.doe+x@example.com"),
            ("o'neil@localhost", "o'neil@localhost"),
            ("jürgen@bücher.example", "jürgen@bücher.example"),
        ] {
            assert_eq!(email(text).as_deref(), Ok(normal));
        }
        let long = format!("{}@example.com", "a".repeat(250));
        for text in [
            "",
            "@",
            "jane",
            "@example.com",
            "jane@",
            "a@b@c",
            "a b@c",
            "a\u{0}@c",
            "a@b..c",
            "a@.c",
            "a@c.",
            "a@-c",
            "a@b\r\nBcc: x@y",
            "a,b@c",
            "<a@b>",
            ".a@b",
            "a..b@c",
            "ja\u{200b}ne@example.com",
            "jane@exa\u{ad}mple.com",
            "\u{202e}jane@example.com",
            "jane\u{fe0f}@example.com",
            "jane\u{feff}@example.com",
            "jane\u{e0041}@example.com",
            &long,
        ] {
            assert_eq!(email(text), Err(Refused::Email), "{text:?}");
        }
    }

    /// Every range of them, at both of its ends.
    #[test]
    fn addresses_with_what_nobody_sees() {
        for c in "\u{ad}\u{34f}\u{600}\u{605}\u{61c}\u{6dd}\u{70f}\u{890}\u{891}\u{8e2}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}\u{180f}\
                  \u{200b}\u{200f}\u{202a}\u{202e}\u{2060}\u{206f}\u{2800}\u{3164}\u{fdd0}\u{fdef}\u{fe00}\u{fe0f}\u{feff}\u{ffa0}\u{fff0}\u{ffff}\
                  \u{110bd}\u{110cd}\u{13430}\u{1345f}\u{1bca0}\u{1bca3}\u{1d159}\u{1d173}\u{1d17a}\u{1fffe}\u{1ffff}\u{e0000}\u{e0fff}\u{10ffff}"
            .chars()
        {
            assert_eq!(email(&format!("ja{c}ne@example.com")), Err(Refused::Email), "{c:?}");
        }
        for seen in "ä\u{627}\u{915}\u{1100}\u{2801}\u{4e2d}\u{1f600}".chars() {
            assert!(email(&format!("ja{seen}ne@example.com")).is_ok(), "{seen:?}");
        }
    }

    #[test]
    fn user_names() {
        assert_eq!(username("Jane_1.!#$^`~'").as_deref(), Ok("jane_1.!#$^`~'"));
        assert_eq!(username("@jane").as_deref(), Ok("@jane"));
        for text in ["", "a b", "jane@example.com", "ä", "a/b", &"x".repeat(129)] {
            assert_eq!(username(text), Err(Refused::Username), "{text:?}");
        }
    }
}
