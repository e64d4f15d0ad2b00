//! `/branding/themes`: looks in detail. The oldest is the one in use.

use axum::http::StatusCode;
use chancery_core::ids;
use chancery_core::problem::{Missing, Problem};
use chancery_store::{Change, Kind};
use serde_json::{Map, Value};

use crate::call::{Answer, Call, missing, read_stored, stored};
use crate::ops::Table;
use crate::resource::{Crud, Resource};

pub(super) fn bind(table: &mut Table) {
    Crud::<Themes>::bind_at(table, "/branding/themes/{themeId}");
    table.bind("GET /branding/themes/default", default);
}

struct Themes;

const MISSING: Missing =
    missing("There was an error retrieving branding settings: invalid theme ID", "theme_not_found");
/// When it was made, so that the oldest is known; never shown.
const MADE: &str = "made_ms";

impl Resource for Themes {
    type Model = Value;
    const KIND: Kind = Kind::Theme;
    const PATH: &'static str = "/branding/themes";
    const MEMBER: &'static str = "themes";
    const MISSING: Missing = MISSING;
    const TAKEN: &'static str = "The theme already exists.";
    const CREATED: StatusCode = StatusCode::OK;

    fn id(theme: &Value) -> &str {
        theme.get("themeId").and_then(Value::as_str).unwrap_or_default()
    }

    async fn find(call: &Call) -> Result<String, Problem> {
        Ok(call.at("themeId").to_owned())
    }

    fn show(_: &Call, theme: &Value) -> Result<Value, Problem> {
        let mut theme = theme.clone();
        if let Some(members) = theme.as_object_mut() {
            members.shift_remove(MADE);
        }
        Ok(theme)
    }

    async fn create(
        call: &Call,
        mut body: Map<String, Value>,
        change: Change,
    ) -> Result<(Value, Change), Problem> {
        body.insert("themeId".to_owned(), ids::alphanumeric(&*call.ctx.app.rng, 32).into());
        body.insert(MADE.to_owned(), call.ctx.now_ms.into());
        Ok((Value::Object(body), change))
    }

    async fn update(_: &Call, _: &Value, _: &mut Value, change: Change) -> Result<Change, Problem> {
        Ok(change)
    }

    async fn delete(_: &Call, _: &Value, change: Change) -> Result<Change, Problem> {
        Ok(change)
    }
}

async fn default(call: Call) -> Result<Answer, Problem> {
    let all = call.store().docs_all(call.tenant(), Kind::Theme).await.map_err(stored)?;
    let all: Result<Vec<Value>, _> = all.iter().map(|doc| read_stored(&doc.json)).collect();
    let oldest = all?.into_iter().min_by_key(|theme| theme.get(MADE).and_then(Value::as_i64));
    Ok(Answer::ok(Themes::show(&call, &oldest.ok_or(Problem::NotFound(MISSING))?)?))
}
