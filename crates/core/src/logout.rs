//! How sessions end, as applications hear of it (fact sheet 8.5).

/// What ended a session, by the names of `selected_initiators`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Initiator {
    /// The user logged out.
    RpLogout,
    /// A new password.
    PasswordChanged,
    /// Nobody used it any more, or it was as old as sessions get.
    SessionExpired,
    /// An administrator, or a sign-in of somebody else in the same browser.
    SessionRevoked,
    /// There is no such user any more.
    AccountDeleted,
    /// The user has another address. The session goes on.
    EmailChanged,
    /// The user was blocked.
    AccountDeactivated,
}

impl Initiator {
    /// All that happen here. `idp-logout`, `mfa-phone-unenrolled` and `profile-changed` do not.
    pub const ALL: [Self; 7] = [
        Self::RpLogout,
        Self::PasswordChanged,
        Self::SessionExpired,
        Self::SessionRevoked,
        Self::AccountDeleted,
        Self::EmailChanged,
        Self::AccountDeactivated,
    ];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RpLogout => "rp-logout",
            Self::PasswordChanged => "password-changed",
            Self::SessionExpired => "session-expired",
            Self::SessionRevoked => "session-revoked",
            Self::AccountDeleted => "account-deleted",
            Self::EmailChanged => "email-identifier-changed",
            Self::AccountDeactivated => "account-deactivated",
        }
    }

    /// The reverse.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|initiator| initiator.as_str() == name)
    }
}
