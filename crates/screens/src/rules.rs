//! Rules of the password policy, as the pages show them.

use chancery_connect::password_policy::{self, Rule};
use chancery_core::model::Connection;
use chancery_login::pages::{PasswordRule, RuleLine};

/// The rules, with what the password just refused met (`judged`).
pub(crate) fn lines(rules: &[Rule], judged: bool) -> Vec<RuleLine> {
    let mut out = Vec::new();
    for rule in rules {
        if let Some(shown) = shown(rule) {
            out.push(RuleLine { rule: shown, met: judged.then_some(rule.ok) });
        }
        let inner = rule.items.as_deref().unwrap_or_default();
        out.extend(lines(inner, judged));
    }
    out
}

/// All rules met but one: the password holds the user's name or address.
pub(crate) fn own_name(connection: &Connection) -> Vec<RuleLine> {
    let mut all = lines(&password_policy::check("", &connection.settings().strength()), false);
    all.push(RuleLine { rule: PasswordRule::NoPersonalData, met: Some(false) });
    all
}

fn shown(rule: &Rule) -> Option<PasswordRule> {
    let number = |at: usize| rule.format.get(at).and_then(|v| v.as_u64()).and_then(|n| u32::try_from(n).ok());
    Some(match rule.code {
        "lengthAtLeast" => PasswordRule::LengthAtLeast(number(0)?),
        "containsAtLeast" => PasswordRule::KindsAtLeast(number(0)?),
        "identicalChars" => PasswordRule::RepeatsAtMost(number(0)?),
        "lowerCase" => PasswordRule::Lowercase,
        "upperCase" => PasswordRule::Uppercase,
        "numbers" => PasswordRule::Digit,
        "specialCharacters" => PasswordRule::Special,
        _ => return None,
    })
}
