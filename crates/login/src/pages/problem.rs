//! What can be wrong with what somebody entered.

use super::field::FieldName;
use crate::Texts;

/// A reason why a form comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// User and password do not go together; which of them is wrong is not said.
    WrongCredentials,
    /// The administrator blocked the account.
    Blocked,
    /// Brute-force protection.
    TooManyAttempts,
    /// The transaction is gone.
    SessionExpired,
    /// The password hashing queue is full.
    ServerBusy,
    /// No user name or address was given.
    IdentifierMissing,
    /// No password was given.
    PasswordMissing,
    /// Not an e-mail address.
    EmailInvalid,
    /// The address has an account, and the tenant lets that be said.
    UserExists,
    /// The user name is taken, and the tenant lets that be said.
    UsernameExists,
    /// The user name is too short, too long, or of characters that are not allowed.
    UsernameInvalid {
        /// Fewest characters.
        min: u32,
        /// Most characters.
        max: u32,
    },
    /// The account could not be made, and why is not said.
    SignupFailed,
    /// The password fails the policy; the page lists which rules.
    PasswordWeak,
    /// The new password is known to the world.
    PasswordLeaked,
    /// The password was right, and is known to the world.
    PasswordLeakedAtLogin,
    /// The two passwords differ.
    PasswordsDiffer,
    /// No organization was named.
    OrganizationMissing,
    /// There is no organization of that name.
    OrganizationUnknown,
    /// No code of a device was entered.
    UserCodeMissing,
    /// No device waits with this code: it is mistyped, used, or its time is over, and which of them is not said.
    UserCodeUnknown,
    /// No code was entered.
    CodeMissing,
    /// The one-time code is wrong, used, or of another time.
    CodeWrong,
    /// The code that was mailed is wrong, used, or its time is over.
    MailedCodeWrong,
    /// The recovery code is wrong or used.
    RecoveryCodeWrong,
    /// The user did not say that they put the code away.
    NotSaved,
    /// A security key does not hold, or came too late.
    KeyRefused,
    /// A passkey does not hold, came too late, or is nobody's here.
    PasskeyRefused,
}

/// A rule of the password policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordRule {
    /// Fewest characters.
    LengthAtLeast(u32),
    /// a–z.
    Lowercase,
    /// A–Z.
    Uppercase,
    /// 0–9.
    Digit,
    /// Anything else.
    Special,
    /// So many of the four kinds above.
    KindsAtLeast(u32),
    /// So many identical characters in a row at most.
    RepeatsAtMost(u32),
    /// No letters or digits that follow one another.
    NoSequences,
    /// Not in the dictionary.
    NotCommon,
    /// Nothing of the user's own data.
    NoPersonalData,
    /// Not among so many earlier ones.
    NotReused(u32),
}

/// A rule and whether the password just refused met it; `None` before one was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleLine {
    /// The rule.
    pub rule: PasswordRule,
    /// Whether it is met.
    pub met: Option<bool>,
}

/// How a page shows a [`RuleLine`].
pub(super) struct ShownRule<'a> {
    pub(super) text: String,
    pub(super) class: &'static str,
    /// Said to those who do not see the colour and the mark.
    pub(super) verdict: &'a str,
}

impl Problem {
    /// The field it is about; `None` is the form as a whole.
    pub(super) fn field(&self) -> Option<FieldName> {
        match self {
            Self::IdentifierMissing | Self::UsernameExists | Self::UsernameInvalid { .. } => {
                Some(FieldName::Username)
            }
            Self::EmailInvalid | Self::UserExists => Some(FieldName::Email),
            Self::PasswordMissing | Self::PasswordWeak | Self::PasswordLeaked => Some(FieldName::Password),
            Self::PasswordsDiffer => Some(FieldName::RepeatPassword),
            Self::OrganizationMissing | Self::OrganizationUnknown => Some(FieldName::Organization),
            Self::UserCodeMissing | Self::UserCodeUnknown => Some(FieldName::UserCode),
            Self::CodeMissing | Self::MailedCodeWrong | Self::CodeWrong | Self::RecoveryCodeWrong => {
                Some(FieldName::Code)
            }
            Self::WrongCredentials
            | Self::PasswordLeakedAtLogin
            | Self::NotSaved
            | Self::KeyRefused
            | Self::PasskeyRefused
            | Self::Blocked
            | Self::TooManyAttempts
            | Self::SessionExpired
            | Self::ServerBusy
            | Self::SignupFailed => None,
        }
    }

    /// `identifier` is the label of the field that names the user: "Email address", "Username".
    pub(super) fn text(&self, identifier: &str, texts: &Texts) -> String {
        let key = match self {
            Self::WrongCredentials => {
                return texts.fill("problem.wrong_credentials", &[("identifier", identifier)]);
            }
            Self::IdentifierMissing => {
                return texts.fill("problem.identifier_missing", &[("identifier", identifier)]);
            }
            Self::UsernameInvalid { min, max } => {
                let (min, max) = (min.to_string(), max.to_string());
                return texts.fill("problem.username_invalid", &[("min", &min), ("max", &max)]);
            }
            Self::Blocked => "problem.blocked",
            Self::OrganizationMissing => "problem.organization_missing",
            Self::OrganizationUnknown => "problem.organization_unknown",
            Self::UserCodeMissing => "problem.user_code_missing",
            Self::UserCodeUnknown => "problem.user_code_unknown",
            Self::CodeMissing => "problem.code_missing",
            Self::CodeWrong => "problem.code_wrong",
            Self::MailedCodeWrong => "problem.mailed_code_wrong",
            Self::RecoveryCodeWrong => "problem.recovery_code_wrong",
            Self::NotSaved => "problem.not_saved",
            Self::KeyRefused => "problem.key_refused",
            Self::PasskeyRefused => "problem.passkey_refused",
            Self::TooManyAttempts => "problem.too_many_attempts",
            Self::SessionExpired => "problem.session_expired",
            Self::ServerBusy => "problem.server_busy",
            Self::PasswordMissing => "problem.password_missing",
            Self::EmailInvalid => "problem.email_invalid",
            Self::UserExists => "problem.user_exists",
            Self::UsernameExists => "problem.username_exists",
            Self::SignupFailed => "problem.signup_failed",
            Self::PasswordWeak => "problem.password_weak",
            Self::PasswordLeaked => "problem.password_leaked",
            Self::PasswordLeakedAtLogin => "problem.password_leaked_at_login",
            Self::PasswordsDiffer => "problem.passwords_differ",
        };
        texts.say(key).to_owned()
    }
}

/// What the alert on top of a form says: the problems of the whole form, or that fields are marked below.
pub(super) fn alert(problems: &[Problem], identifier: &str, texts: &Texts) -> Option<String> {
    let of_form: Vec<String> = problems
        .iter()
        .filter(|problem| problem.field().is_none())
        .map(|problem| problem.text(identifier, texts))
        .collect();
    if !of_form.is_empty() {
        return Some(of_form.join(" "));
    }
    (!problems.is_empty()).then(|| texts.say("problem.fields").to_owned())
}

impl PasswordRule {
    fn text(self, texts: &Texts) -> String {
        let counted = |key: &str, count: u32| texts.fill(key, &[("count", &count.to_string())]);
        match self {
            Self::LengthAtLeast(count) => counted("rule.length_at_least", count),
            Self::KindsAtLeast(count) => counted("rule.kinds_at_least", count),
            Self::RepeatsAtMost(count) => counted("rule.repeats_at_most", count),
            Self::NotReused(count) => counted("rule.not_reused", count),
            Self::Lowercase => texts.say("rule.lowercase").to_owned(),
            Self::Uppercase => texts.say("rule.uppercase").to_owned(),
            Self::Digit => texts.say("rule.digit").to_owned(),
            Self::Special => texts.say("rule.special").to_owned(),
            Self::NoSequences => texts.say("rule.no_sequences").to_owned(),
            Self::NotCommon => texts.say("rule.not_common").to_owned(),
            Self::NoPersonalData => texts.say("rule.no_personal_data").to_owned(),
        }
    }
}

pub(super) fn shown_rules<'a>(lines: &[RuleLine], texts: &'a Texts) -> Vec<ShownRule<'a>> {
    let show = |line: &RuleLine| {
        let (class, verdict) = match line.met {
            None => ("rule", ""),
            Some(true) => ("rule met", texts.say("rule.met")),
            Some(false) => ("rule unmet", texts.say("rule.not_met")),
        };
        ShownRule { text: line.rule.text(texts), class, verdict }
    };
    lines.iter().map(show).collect()
}
