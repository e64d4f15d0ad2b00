//! An explanation as a person reads it.

use anyhow::Result;
use serde_json::Value;

use super::remedy::{Remedies, Remedy};
use crate::output::Output;
pub(super) use crate::output::printable;

pub(super) fn print(told: &Value, remedies: &Remedies, out: &mut Output) -> Result<()> {
    head(told, out)?;
    if !told["denied"].is_null() {
        out.line(&format!("{}  {}", out.removed("Refused"), text(&told["denied"], "text")))?;
        remedies.of_refusal.iter().try_for_each(|remedy| advice("         ", remedy, out))?;
    }
    let scopes: Vec<&Value> = told["scopes"].as_array().into_iter().flatten().collect();
    let shown: Vec<&&Value> =
        scopes.iter().filter(|scope| scope["asked"] == true || scope["granted"] == true).collect();
    if !shown.is_empty() {
        out.line("")?;
    }
    let width = shown.iter().map(|scope| text(scope, "scope").chars().count()).max().unwrap_or(0).min(WIDEST);
    for scope in shown {
        let name = text(scope, "scope");
        let padded = format!("{name:<width$}");
        let answer = if scope["granted"] == true { out.added("yes") } else { out.removed("no ") };
        let margin = " ".repeat(width.max(name.chars().count()) + 7);
        let mut first = true;
        for reason in why(scope) {
            let lead = if first { format!("{padded}  {answer}  ") } else { margin.clone() };
            let said = text(reason, "text");
            out.line(&format!(
                "{lead}{}",
                if reason["passes"] == true { out.faint_data(&said) } else { said }
            ))?;
            first = false;
        }
        for remedy in remedies.by_scope.get(&name).into_iter().flatten() {
            advice(&margin, remedy, out)?;
        }
    }
    let available: Vec<String> = told["available"].as_array().into_iter().flatten().map(plain).collect();
    if !available.is_empty() {
        let line = format!("Could have been asked for too: {}", available.join(" "));
        out.line("")?;
        out.line(&out.faint_data(&line))?;
    }
    Ok(())
}

fn head(told: &Value, out: &mut Output) -> Result<()> {
    let consent = match told["consent"].as_str().unwrap_or_default() {
        "first" | "more_wanted" | "forced" => ", once the user consents",
        _ => "",
    };
    let decision = match told["decision"].as_str() {
        Some("issued") => out.added(&format!("a token is issued{consent}")),
        _ => out.removed("no token is issued"),
    };
    for (name, value) in [
        ("Application", text(told, "client_id")),
        ("API", text(told, "audience")),
        ("Flow", text(told, "flow")),
        ("User", text(told, "user_id")),
        ("Organization", text(told, "organization_id")),
        ("At", text(told, "date")),
        ("Decision", decision),
        ("Scope", text(told, "scope")),
    ] {
        if !value.is_empty() {
            out.line(&format!("{name:<12}  {value}"))?;
        }
    }
    Ok(())
}

/// Everything against it; of a scope that is granted, what it rests on.
fn why(scope: &Value) -> Vec<&Value> {
    let reasons: Vec<&Value> = scope["reasons"].as_array().into_iter().flatten().collect();
    let against: Vec<&Value> = reasons.iter().filter(|reason| reason["passes"] != true).copied().collect();
    if !against.is_empty() {
        return against;
    }
    // That the user is asked stands above, once for all.
    let usual = ["on_api", "open_api", "consent_needed"];
    let telling = |reason: &&Value| !usual.iter().any(|code| reason["code"] == **code);
    let rests_on: Vec<&Value> = reasons.iter().copied().filter(telling).collect();
    if rests_on.is_empty() { reasons } else { rests_on }
}

fn advice(margin: &str, remedy: &Remedy, out: &mut Output) -> Result<()> {
    out.line(&format!("{margin}{} {}", out.changed("->"), remedy.text))?;
    match &remedy.command {
        Some(command) => out.line(&format!("{margin}   {}", out.strong_data(command))),
        None => Ok(()),
    }
}

fn text(value: &Value, name: &str) -> String {
    plain(&value[name])
}

fn plain(value: &Value) -> String {
    printable(value.as_str().unwrap_or_default())
}

const WIDEST: usize = 40;

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn told() -> Value {
        json!({
            "client_id": "app", "audience": "https://api.x", "flow": "authorization_code", "user_id": "auth0|1",
            "decision": "issued", "consent": "first", "scope": "read:a",
            "scopes": [
                {"scope": "read:a", "asked": true, "granted": true, "reasons": [
                    {"passes": true, "code": "on_api", "text": "The API defines it."},
                    {"passes": true, "code": "role", "text": "The user holds it through the role R\u{1b}[31m (rol_1)."},
                ]},
                {"scope": "del:a", "asked": true, "granted": false, "reasons": [
                    {"passes": true, "code": "on_api", "text": "The API defines it."},
                    {"passes": false, "code": "not_permitted_to_user", "text": "Neither a role nor a direct permission."},
                ]},
                {"scope": "email", "asked": false, "granted": false, "reasons": []},
            ],
            "available": ["email"],
        })
    }

    #[test]
    fn reads_well_and_harms_no_terminal() {
        let kept = Kept::default();
        let mut out = Output::into_buffers(kept.clone(), std::io::sink(), false);
        let remedy =
            Remedy { text: "Give the user a role.".to_owned(), command: Some("chancery x".to_owned()) };
        let remedies =
            Remedies { of_refusal: Vec::new(), by_scope: [("del:a".to_owned(), vec![remedy])].into() };
        print(&told(), &remedies, &mut out).unwrap();
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        insta::assert_snapshot!(text, @r#"
        Application   app
        API           https://api.x
        Flow          authorization_code
        User          auth0|1
        Decision      a token is issued, once the user consents
        Scope         read:a

        read:a  yes  The user holds it through the role R�[31m (rol_1).
        del:a   no   Neither a role nor a direct permission.
                     -> Give the user a role.
                        chancery x

        Could have been asked for too: email
        "#);
    }
}
