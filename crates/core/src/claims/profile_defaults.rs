//! Names and picture of users who gave none (fact sheet 5.1).

use std::borrow::Cow;

use md5::{Digest, Md5};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::User;

/// The name, else the email address, the user name, the telephone number.
pub fn default_name(user: &User) -> Option<Cow<'_, str>> {
    first([&user.name, &user.email, &user.username, &user.phone_number]).map(Cow::Borrowed)
}

/// The nickname, else the local part of the email address, the user name, the telephone number.
pub fn default_nickname(user: &User) -> Option<Cow<'_, str>> {
    let local = user.email.as_deref().and_then(|email| email.rsplit_once('@')).map(|(local, _)| local);
    first([&user.nickname])
        .or(local.filter(|l| !l.is_empty()))
        .or_else(|| first([&user.email, &user.username, &user.phone_number]))
        .map(Cow::Borrowed)
}

/// The picture, else the Gravatar of the email address, or initials where there is none.
pub fn default_picture(user: &User) -> Option<Cow<'_, str>> {
    if let Some(picture) = first([&user.picture]) {
        return Some(Cow::Borrowed(picture));
    }
    let name = default_name(user)?;
    let initials: String = name.chars().take(2).flat_map(char::to_lowercase).collect();
    let initials = utf8_percent_encode(&initials, NON_ALPHANUMERIC).to_string();
    let seed = first([&user.email]).unwrap_or(&name).trim().to_lowercase();
    let hash: String = Md5::digest(seed.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    // The fallback is itself a parameter, so what is encoded in it is encoded again.
    let initials = initials.replace('%', "%25");
    Some(Cow::Owned(format!(
        "https://s.gravatar.com/avatar/{hash}?s=480&r=pg&d=https%3A%2F%2Fcdn.auth0.com%2Favatars%2F{initials}.png"
    )))
}

/// Writes the defaults into a record, as is done when a user of a database is made.
pub fn fill_profile_defaults(user: &mut User) {
    let name = default_name(user).map(Cow::into_owned);
    let nickname = default_nickname(user).map(Cow::into_owned);
    let picture = default_picture(user).map(Cow::into_owned);
    user.name = name;
    user.nickname = nickname;
    user.picture = picture;
}

fn first<const N: usize>(candidates: [&Option<String>; N]) -> Option<&str> {
    candidates.into_iter().flatten().map(String::as_str).find(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_the_address() {
        let mut user = User { email: Some("MyEmailAddress@example.com".into()), ..User::default() };
        fill_profile_defaults(&mut user);
        assert_eq!(user.name.as_deref(), Some("MyEmailAddress@example.com"));
        assert_eq!(user.nickname.as_deref(), Some("MyEmailAddress"));
        // The hash is the example of Gravatar's own documentation.
        assert_eq!(
            user.picture.as_deref(),
            Some(
                "https://s.gravatar.com/avatar/0bc83cb571cd1c50ba6f3e8a78ef1346?s=480&r=pg\
                 &d=https%3A%2F%2Fcdn.auth0.com%2Favatars%2Fmy.png"
            )
        );
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_invented() {
        let given = User {
            name: Some("Jane".into()),
            nickname: Some("jj".into()),
            picture: Some("https://x.example/j.png".into()),
            email: Some("j@x.example".into()),
            ..User::default()
        };
        let mut user = given.clone();
        fill_profile_defaults(&mut user);
        assert_eq!(user, given);
        let mut nobody = User::default();
        fill_profile_defaults(&mut nobody);
        assert_eq!(nobody, User::default());
    }

    #[test]
    fn odd_names_stay_one_parameter() {
        let user = User { username: Some("&é".into()), ..User::default() };
        let picture = default_picture(&user).unwrap();
        assert!(picture.ends_with("avatars%2F%2526%25C3%25A9.png"), "{picture}");
    }
}
