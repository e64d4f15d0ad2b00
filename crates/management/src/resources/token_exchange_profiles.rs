//! `/token-exchange-profiles`: which foreign tokens may be exchanged (RFC 8693). What decides about such
//! a token is an action, and actions are not run: a profile acts where a trusted issuer names it (`trusted_issuers`).

use chancery_core::ids;
use chancery_core::iso::format_ms;
use chancery_core::problem::{Missing, Problem};
use chancery_store::{Change, Kind};
use serde_json::{Map, Value};

use crate::call::{Answer, Call, stored};
use crate::ops::Table;
use crate::page::by_checkpoint;
use crate::resource::{Crud, Resource};

pub(super) fn bind(table: &mut Table) {
    Crud::<Profiles>::bind(table);
    table.bind("GET /token-exchange-profiles", list);
}

struct Profiles;

impl Resource for Profiles {
    type Model = Value;
    const KIND: Kind = Kind::TokenExchangeProfile;
    const PATH: &'static str = "/token-exchange-profiles";
    const MEMBER: &'static str = "token_exchange_profiles";
    const MISSING: Missing = Missing { message: "Token exchange profile not found.", code: None };
    const TAKEN: &'static str = "A token exchange profile with the same subject_token_type already exists.";

    fn id(profile: &Value) -> &str {
        profile.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    fn unique(profile: &Value) -> Option<String> {
        profile.get("subject_token_type").and_then(Value::as_str).map(str::to_owned)
    }

    fn show(_: &Call, profile: &Value) -> Result<Value, Problem> {
        Ok(profile.clone())
    }

    async fn create(
        call: &Call,
        mut body: Map<String, Value>,
        change: Change,
    ) -> Result<(Value, Change), Problem> {
        judge(body.get("subject_token_type"))?;
        let now = format_ms(call.ctx.now_ms);
        body.insert("id".to_owned(), ids::prefixed(&*call.ctx.app.rng, "tep_").into());
        body.insert("created_at".to_owned(), now.clone().into());
        body.insert("updated_at".to_owned(), now.into());
        Ok((Value::Object(body), change))
    }

    async fn update(call: &Call, _: &Value, after: &mut Value, change: Change) -> Result<Change, Problem> {
        judge(after.get("subject_token_type"))?;
        after["updated_at"] = format_ms(call.ctx.now_ms).into();
        Ok(change)
    }

    async fn delete(_: &Call, _: &Value, change: Change) -> Result<Change, Problem> {
        Ok(change)
    }
}

/// Names of the standards' own and of others' are not an administrator's to give a meaning.
const RESERVED: [&str; 3] = ["urn:ietf", "urn:auth0", "urn:okta"];

fn judge(subject_token_type: Option<&Value>) -> Result<(), Problem> {
    let name = subject_token_type.and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let hosts = ["http://auth0.com", "https://auth0.com", "http://okta.com", "https://okta.com"];
    if RESERVED.iter().chain(&hosts).any(|prefix| name.starts_with(prefix)) {
        return Err(Problem::payload("subject_token_type is in a reserved namespace", "subject_token_type"));
    }
    Ok(())
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let page = by_checkpoint(&call.query)?;
    let all = call.store().docs_all(call.tenant(), Kind::TokenExchangeProfile).await.map_err(stored)?;
    let show = |doc: chancery_store::Stored| serde_json::from_str(&doc.json).unwrap_or_default();
    let slice = page.cut(all, |doc| doc.id.clone(), show);
    Ok(Answer::ok(page.body(Profiles::MEMBER, slice)))
}
