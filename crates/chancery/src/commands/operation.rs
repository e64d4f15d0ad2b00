//! `chancery api call` and `chancery api operations`: any operation of the Management API, from the server's own table.

use std::io::Read;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chancery_management::{Operation, operations};
use form_urlencoded::Serializer;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::cli::ApiCall;
use crate::management::{Answer, Management, said};
use crate::output::{Output, escaped};

/// The operations whose line holds a word.
pub(super) fn list(word: Option<&str>, out: &mut Output) -> Result<()> {
    let word = word.unwrap_or_default().to_lowercase();
    let line = |operation: &Operation| {
        let scopes = match operation.is_built() {
            true => operation.scopes.join(" | "),
            false => "(not built)".to_owned(),
        };
        vec![operation.id.to_owned(), operation.method.to_string(), operation.path.to_owned(), scopes]
    };
    let found: Vec<_> = operations()
        .into_iter()
        .filter(|operation| line(operation).iter().any(|cell| cell.to_lowercase().contains(&word)))
        .collect();
    if found.is_empty() {
        bail!("no operation holds {word:?}");
    }
    let rows: Vec<_> = found.iter().map(line).collect();
    let values: Vec<_> = found.iter().map(described).collect();
    out.table(&values, &["OPERATION", "METHOD", "PATH", "SCOPES (ONE OF)"], &rows)
}

fn described(operation: &Operation) -> Value {
    json!({
        "operation": operation.id,
        "method": operation.method.as_str(),
        "path": operation.path,
        "scopes": operation.scopes,
        "built": operation.is_built(),
    })
}

/// One call. An answer that is no success is told on stderr, with status 1.
pub(super) async fn call(args: ApiCall, out: &mut Output) -> Result<ExitCode> {
    let (method, path) = target(&args.operation, &pairs("--path", &args.path)?)?;
    let query = pairs("--query", &args.query)?;
    let query = Serializer::new(String::new()).extend_pairs(&query).finish();
    let path = match query.is_empty() {
        true => path,
        false => format!("{path}{}{query}", if path.contains('?') { '&' } else { '?' }),
    };
    let body = args.body.as_deref().map(body).transpose()?;
    let answer = Management::connect(args.server).await?.send(method, &path, body.as_ref()).await?;
    if !(200..300).contains(&answer.status) {
        tell(&answer, out);
        return Ok(ExitCode::FAILURE);
    }
    if !answer.body.is_null() {
        out.value(&answer.body)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A refusal as a person wants to read it; with `--json` as it came, where that says what every error does.
fn tell(answer: &Answer, out: &mut Output) {
    let is_told = ["error", "message"].iter().all(|name| answer.body[*name].is_string());
    if out.json && is_told {
        out.say(&escaped(&answer.body.to_string()));
        return;
    }
    let code = answer.body["errorCode"].as_str().map(|code| format!(" ({code})")).unwrap_or_default();
    out.error("refused", &format!("{}: {}{code}", answer.status, said(&answer.body)));
}

/// What is called: a method and a path as they are, or an operation with its parameters put in.
fn target(words: &[String], parameters: &[(String, String)]) -> Result<(Method, String)> {
    if let [method, path] = words {
        let upper = method.to_uppercase();
        let known = ["GET", "POST", "PUT", "PATCH", "DELETE"];
        let Some(method) = known.iter().find(|known| **known == upper) else {
            bail!("{method} is none of {}", known.join(", "));
        };
        if !path.starts_with('/') || path.contains(char::is_whitespace) {
            bail!("{path:?} is no path below /api/v2: it begins with / and holds no space");
        }
        let is_whole =
            BASES.iter().any(|base| path.strip_prefix(base).is_some_and(|rest| rest.starts_with('/')));
        let path = if is_whole { path.to_owned() } else { format!("{}{path}", BASES[0]) };
        return Ok((Method::from_bytes(method.as_bytes())?, path));
    }
    let id = words.first().map_or("", String::as_str);
    let all = operations();
    let operation = all.iter().find(|operation| operation.id == id);
    let operation = operation
        .with_context(|| format!("there is no operation {id}: `chancery api operations` lists them"))?;
    if let Some((name, _)) =
        parameters.iter().find(|(name, _)| !operation.parameters().any(|known| known == name))
    {
        bail!("{id} has no parameter {name} in its path, {}", operation.path);
    }
    let mut path = operation.path.to_owned();
    for name in operation.parameters() {
        let value = parameters.iter().find(|(given, _)| given == name).map(|(_, value)| value);
        let value = value.with_context(|| format!("{id} needs --path {name}=..."))?;
        path =
            path.replace(&format!("{{{name}}}"), &utf8_percent_encode(value, NON_ALPHANUMERIC).to_string());
    }
    Ok((operation.method.clone(), format!("{}{path}", BASES[0])))
}

/// Where operations lie: the Management API, and what is ours alone.
const BASES: [&str; 2] = ["/api/v2", "/api/chancery/v1"];

fn pairs(flag: &str, texts: &[String]) -> Result<Vec<(String, String)>> {
    let pair = |text: &String| {
        let (name, value) =
            text.split_once('=').with_context(|| format!("{flag} {text}: it is NAME=VALUE"))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    texts.iter().map(pair).collect()
}

/// JSON as it stands, of a file, or of stdin.
fn body(given: &str) -> Result<Value> {
    let (text, from) = if given == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("stdin")?;
        (text, "stdin")
    } else if let Some(file) = given.strip_prefix('@') {
        (std::fs::read_to_string(file).with_context(|| file.to_owned())?, file)
    } else {
        (given.to_owned(), "--body")
    };
    serde_json::from_str(&text).with_context(|| format!("{from} is no JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn targets() {
        let given = target(&words(&["get", "/roles"]), &[]).unwrap();
        assert_eq!(given, (Method::GET, "/api/v2/roles".to_owned()));
        for whole in ["/api/v2/roles", "/api/chancery/v1/openid"] {
            assert_eq!(target(&words(&["GET", whole]), &[]).unwrap().1, whole);
        }
        let id = ("id".to_owned(), "a|b/c".to_owned());
        let named = target(&words(&["patch_users_by_id"]), std::slice::from_ref(&id)).unwrap();
        assert_eq!(named, (Method::PATCH, "/api/v2/users/a%7Cb%2Fc".to_owned()));
        let said =
            |given: &[&str], path: &[(String, String)]| target(&words(given), path).unwrap_err().to_string();
        assert!(said(&["patch_users_by_id"], &[]).contains("--path id="));
        assert!(said(&["get_roles"], &[id]).contains("no parameter id"));
        assert!(said(&["nothing"], &[]).contains("api operations"));
        assert!(said(&["BREW", "/roles"], &[]).contains("GET, POST"));
        assert!(said(&["GET", "roles"], &[]).contains("begins with /"));
    }

    #[test]
    fn bodies() {
        assert_eq!(body(r#"{"a": 1}"#).unwrap(), json!({"a": 1}));
        assert!(body("{").unwrap_err().to_string().contains("--body is no JSON"));
        assert!(body("@/nowhere/x.json").unwrap_err().to_string().contains("/nowhere/x.json"));
    }
}
