//! `/prompts`: how the hosted pages ask, their texts, additions to them, and who renders them. Kept only: the pages have
//! texts of their own so far.

use chancery_core::problem::Problem;
use chancery_store::Kind;
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call, read_stored, stored};
use crate::document::{find, rewrite};
use crate::ops::Table;
use crate::page::{Page, chosen};
use crate::resource::merged;

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /prompts", show);
    table.bind("PATCH /prompts", update);
    table.bind("GET /prompts/{prompt}/custom-text/{language}", texts);
    table.bind("PUT /prompts/{prompt}/custom-text/{language}", set_texts);
    table.bind("GET /prompts/{prompt}/partials", partials);
    table.bind("PUT /prompts/{prompt}/partials", set_partials);
    table.bind("GET /prompts/rendering", renderings);
    table.bind("PATCH /prompts/rendering", set_renderings);
    table.bind("GET /prompts/{prompt}/screen/{screen}/rendering", rendering);
    table.bind("PATCH /prompts/{prompt}/screen/{screen}/rendering", set_rendering);
}

const SETTINGS: &str = "settings";

fn over_defaults(found: Option<Value>) -> Value {
    let defaults = json!({"universal_login_experience": "new", "identifier_first": false});
    match found {
        Some(Value::Object(members)) => merged(defaults, members),
        _ => defaults,
    }
}

async fn show(call: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(over_defaults(find(&call, Kind::Prompts, SETTINGS).await?)))
}

async fn update(call: Call) -> Result<Answer, Problem> {
    let (value, rev) = rewrite(&call, Kind::Prompts, SETTINGS, |found| {
        Ok(Some(merged(over_defaults(found), call.members())))
    })
    .await?;
    Ok(Answer::ok(value.unwrap_or_default()).at(rev))
}

/// Names of prompts and languages in paths: what a document may be called by.
fn named<'a>(call: &'a Call, parameter: &'static str) -> Result<&'a str, Problem> {
    let name = call.at(parameter);
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if (1..=64).contains(&name.len()) && name.bytes().all(is_good) {
        Ok(name)
    } else {
        Err(Problem::Path(format!("'Must be letters, digits and hyphens' on property {parameter}.")))
    }
}

/// Screens without texts are not kept.
fn pruned(body: Map<String, Value>) -> Value {
    Value::Object(body.into_iter().filter(|(_, screen)| screen != &json!({})).collect())
}

async fn kept(call: &Call, id: &str) -> Result<Answer, Problem> {
    Ok(Answer::ok(find(call, Kind::PromptText, id).await?.unwrap_or_else(|| json!({}))))
}

async fn keep(call: &Call, id: &str) -> Result<Answer, Problem> {
    let value = pruned(call.members());
    let document = (value != json!({})).then(|| value.clone());
    let (_, rev) = rewrite(call, Kind::PromptText, id, |_| Ok(document.clone())).await?;
    Ok(Answer::ok(value).at(rev))
}

fn texts_id(call: &Call) -> Result<String, Problem> {
    Ok(format!("{}/texts/{}", named(call, "prompt")?, named(call, "language")?))
}

async fn texts(call: Call) -> Result<Answer, Problem> {
    kept(&call, &texts_id(&call)?).await
}

async fn set_texts(call: Call) -> Result<Answer, Problem> {
    keep(&call, &texts_id(&call)?).await
}

/// Prompts that take additions.
const PARTIALS: [&str; 10] = [
    "login",
    "login-id",
    "login-password",
    "login-passwordless",
    "signup",
    "signup-id",
    "signup-password",
    "customized-consent",
    "passkeys",
    "confirmation",
];

fn partials_id(call: &Call) -> Result<String, Problem> {
    let prompt = named(call, "prompt")?;
    if PARTIALS.contains(&prompt) {
        Ok(format!("{prompt}/partials"))
    } else {
        let all = PARTIALS.join(", ");
        Err(Problem::Path(format!(
            "'No enum match for: {prompt}; partials are for {all}' on property prompt."
        )))
    }
}

async fn partials(call: Call) -> Result<Answer, Problem> {
    kept(&call, &partials_id(&call)?).await
}

async fn set_partials(call: Call) -> Result<Answer, Problem> {
    keep(&call, &partials_id(&call)?).await
}

fn rendering_of(call: &Call, prompt: &str, screen: &str, found: Option<Value>) -> Value {
    let defaults = json!({
        "tenant": call.tenant(),
        "prompt": prompt,
        "screen": screen,
        "rendering_mode": "standard",
        "context_configuration": [],
        "default_head_tags_disabled": false,
        "head_tags": [],
        "use_page_template": false,
    });
    match found {
        Some(Value::Object(members)) => merged(defaults, members),
        _ => defaults,
    }
}

async fn rendering(call: Call) -> Result<Answer, Problem> {
    let (prompt, screen) = (named(&call, "prompt")?, named(&call, "screen")?);
    let found = find(&call, Kind::Rendering, &format!("{prompt}/{screen}")).await?;
    Ok(Answer::ok(rendering_of(&call, prompt, screen, found)))
}

/// The answer shows what was sent, as recorded.
async fn set_rendering(call: Call) -> Result<Answer, Problem> {
    let (prompt, screen) = (named(&call, "prompt")?, named(&call, "screen")?);
    let rev = keep_rendering(&call, prompt, screen, &call.members()).await?;
    Ok(Answer::ok(call.body.clone()).at(rev))
}

async fn keep_rendering(
    call: &Call,
    prompt: &str,
    screen: &str,
    body: &Map<String, Value>,
) -> Result<i64, Problem> {
    let id = format!("{prompt}/{screen}");
    let (_, rev) = rewrite(call, Kind::Rendering, &id, |found| {
        let before = found.unwrap_or_else(|| json!({"prompt": prompt, "screen": screen}));
        Ok(Some(merged(before, body.clone())))
    })
    .await?;
    Ok(rev)
}

async fn set_renderings(call: Call) -> Result<Answer, Problem> {
    let configs = call.body.get("configs").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut rev = call.snapshot().rev;
    for config in &configs {
        let name = |member: &str| config.get(member).and_then(Value::as_str).unwrap_or_default();
        let members = config.as_object().cloned().unwrap_or_default();
        rev = keep_rendering(&call, name("prompt"), name("screen"), &members).await?;
    }
    Ok(Answer::ok(json!({"configs": configs})).at(rev))
}

async fn renderings(call: Call) -> Result<Answer, Problem> {
    let all = call.store().docs_all(call.tenant(), Kind::Rendering).await.map_err(stored)?;
    let mut shown = Vec::new();
    for doc in &all {
        let found: Value = read_stored(&doc.json)?;
        let Some((prompt, screen)) = doc.id.split_once('/') else { continue };
        let value = rendering_of(&call, prompt, screen, Some(found));
        let wanted = ["prompt", "screen", "rendering_mode"]
            .iter()
            .all(|name| call.query.text(name).is_none_or(|wanted| value[*name] == wanted));
        if wanted {
            shown.push(value);
        }
    }
    let page = Page::offset(&call.query)?;
    let slice = page.cut(shown, |_| String::new(), |value| value);
    let mut body = page.body("configs", slice);
    if let Some(items) = body.get_mut("configs") {
        *items = chosen(items.take(), &call.query, &[]);
    } else {
        body = json!({"configs": chosen(body, &call.query, &[])});
    }
    Ok(Answer::ok(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screens_without_texts_are_not_kept() {
        let body = json!({"login": {"title": "Hi"}, "signup": {}});
        assert_eq!(pruned(body.as_object().cloned().unwrap()), json!({"login": {"title": "Hi"}}));
    }
}
