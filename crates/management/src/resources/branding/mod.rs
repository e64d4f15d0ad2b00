//! `/branding`: how the hosted pages look: logo, colour and icon (`web/src/hosted.rs` acts on them). The page background, the
//! font and the template are kept only.

mod phone;
mod themes;

use axum::http::StatusCode;
use chancery_core::problem::{Missing, Problem};
use chancery_store::Kind;
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call, missing};
use crate::document::{find, rewrite};
use crate::ops::Table;

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /branding", show);
    table.bind("PATCH /branding", update);
    table.bind("GET /branding/templates/universal-login", template);
    table.bind("PUT /branding/templates/universal-login", set_template);
    table.bind("DELETE /branding/templates/universal-login", delete_template);
    themes::bind(table);
    phone::bind(table);
}

const SETTINGS: &str = "settings";
const TEMPLATE: &str = "universal-login";
const NO_TEMPLATE: Missing = missing("The template does not exist.", "inexistent_template");

async fn show(call: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(find(&call, Kind::Branding, SETTINGS).await?.unwrap_or_else(|| json!({}))))
}

async fn update(call: Call) -> Result<Answer, Problem> {
    let (value, rev) = rewrite(&call, Kind::Branding, SETTINGS, |found| {
        let mut value = found.unwrap_or_else(|| json!({}));
        merge(&mut value, call.members());
        Ok(Some(value))
    })
    .await?;
    Ok(Answer::ok(value.unwrap_or_default()).at(rev))
}

/// Members are replaced; null takes one away, one level down too.
fn merge(value: &mut Value, members: Map<String, Value>) {
    let Some(into) = value.as_object_mut() else { return };
    for (name, member) in members {
        match member {
            Value::Null => {
                into.shift_remove(&name);
            }
            Value::Object(inner) => {
                let mut merged =
                    into.get(&name).cloned().filter(Value::is_object).unwrap_or_else(|| json!({}));
                if name == "page_background" {
                    merged = Value::Object(inner);
                } else {
                    merge(&mut merged, inner);
                }
                into.insert(name, merged);
            }
            other => {
                into.insert(name, other);
            }
        }
    }
}

async fn template(call: Call) -> Result<Answer, Problem> {
    let found = find(&call, Kind::Branding, TEMPLATE).await?;
    Ok(Answer::ok(found.ok_or(Problem::NotFound(NO_TEMPLATE))?))
}

/// Whether the hosted pages have a template of their own.
pub(super) async fn has_template(call: &Call) -> Result<bool, Problem> {
    Ok(find(call, Kind::Branding, TEMPLATE).await?.is_some())
}

/// The page is the body itself, or a member of it.
async fn set_template(call: Call) -> Result<Answer, Problem> {
    let body = call.body.get("template").unwrap_or(&call.body).clone();
    let text = body.as_str().unwrap_or_default();
    for tag in ["auth0:head", "auth0:widget"] {
        if !text.contains(tag) {
            let what = format!("The template must contain the tag {{%- {tag} -%}}");
            return Err(Problem::payload(&what, "template"));
        }
    }
    let before = find(&call, Kind::Branding, TEMPLATE).await?;
    let (_, rev) =
        rewrite(&call, Kind::Branding, TEMPLATE, |_| Ok(Some(json!({"body": body.clone()})))).await?;
    Ok(match before {
        Some(_) => Answer::no_content().at(rev),
        None => Answer::new(StatusCode::CREATED, Some(json!({}))).at(rev),
    })
}

async fn delete_template(call: Call) -> Result<Answer, Problem> {
    let (_, rev) = rewrite(&call, Kind::Branding, TEMPLATE, |_| Ok(None)).await?;
    Ok(Answer::no_content().at(rev))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_merged() {
        let mut value = json!({"colors": {"primary": "#111111", "page_background": {"type": "linear-gradient", "start": "#000000"}}, "logo_url": "https://a.example/l"});
        let body = json!({"colors": {"page_background": {"type": "linear-gradient", "end": "#ffffff"}}, "logo_url": null});
        merge(&mut value, body.as_object().cloned().unwrap());
        let wanted = json!({"colors": {"primary": "#111111", "page_background": {"type": "linear-gradient", "end": "#ffffff"}}});
        assert_eq!(value, wanted);
    }
}
