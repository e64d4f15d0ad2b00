//! Rules of the password policy, as the pages show them.

use chancery_connect::password_policy::{self, Rule};
use chancery_core::model::Connection;
use chancery_login::pages::{PasswordRule, Problem, RuleLine};
use chancery_web::Unfit;

/// The rules, with what the password just refused met (`judged`).
pub(crate) fn lines(rules: &[Rule], judged: bool) -> Vec<RuleLine> {
    let mut out = Vec::new();
    for rule in rules {
        if let Some(shown) = shown(rule) {
            out.push(RuleLine { rule: shown, met: judged.then_some(rule.ok) });
        }
        // This one names the kinds itself. A line for each of them would read as if all were needed.
        if rule.code != "containsAtLeast" {
            out.extend(lines(rule.items.as_deref().unwrap_or_default(), judged));
        }
    }
    out
}

/// What is wrong with a password that was refused.
pub(crate) fn problem(unfit: &Unfit) -> Problem {
    match unfit {
        Unfit::Leaked => Problem::PasswordLeaked,
        _ => Problem::PasswordWeak,
    }
}

/// The rules for a password that was refused, with the one that it breaks; `None` where it breaks none that is shown.
pub(crate) fn broken(unfit: &Unfit, connection: &Connection) -> Option<Vec<RuleLine>> {
    let rule = match unfit {
        Unfit::Weak(rules) => return Some(lines(rules, true)),
        Unfit::OwnName => PasswordRule::NoPersonalData,
        Unfit::Common => PasswordRule::NotCommon,
        Unfit::Used(last) => PasswordRule::NotReused(u32::try_from(*last).unwrap_or(u32::MAX)),
        Unfit::TooLong | Unfit::Leaked => return None,
    };
    let mut all = lines(&password_policy::check("", &connection.settings().strength()), false);
    all.push(RuleLine { rule, met: Some(false) });
    Some(all)
}

fn shown(rule: &Rule) -> Option<PasswordRule> {
    let number = |at: usize| rule.format.get(at).and_then(|v| v.as_u64()).and_then(|n| u32::try_from(n).ok());
    Some(match rule.code {
        "lengthAtLeast" => PasswordRule::LengthAtLeast(number(0)?),
        "containsAtLeast" => PasswordRule::KindsAtLeast(number(0)?),
        "identicalChars" => PasswordRule::RepeatsAtMost(number(0)?),
        "sequentialChars" => PasswordRule::NoSequences,
        "lowerCase" => PasswordRule::Lowercase,
        "upperCase" => PasswordRule::Uppercase,
        "numbers" => PasswordRule::Digit,
        "specialCharacters" => PasswordRule::Special,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use chancery_core::model::PasswordPolicy;

    use super::*;

    #[test]
    fn three_kinds_of_four_are_one_line() {
        let good = password_policy::check("abc", &PasswordPolicy::Good.strength());
        assert!(good.iter().any(|rule| rule.code == "containsAtLeast"));
        let shown = lines(&good, true);
        assert!(
            shown.iter().all(|line| !matches!(line.rule, PasswordRule::Lowercase | PasswordRule::Special))
        );
        assert!(shown.iter().any(|line| matches!(line.rule, PasswordRule::KindsAtLeast(3))));
    }
}
