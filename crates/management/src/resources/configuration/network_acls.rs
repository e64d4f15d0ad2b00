//! `/network-acls`: which addresses may reach what. Nothing is let in or kept out by them yet, so only lists that are not
//! active can be kept (D61): one that seems to guard and does not would be worse than none.

use axum::http::StatusCode;
use chancery_core::iso::format_ms;
use chancery_core::problem::{Missing, Problem};
use chancery_store::Kind;
use serde_json::{Value, json};

use super::super::collection::{Collection, Of, default, paged};
use crate::call::{Answer, Call};
use crate::document::rewrite;
use crate::ops::Table;
use crate::resource::Crud;

pub(super) fn bind(table: &mut Table) {
    Crud::<Of<NetworkAcls>>::bind(table);
    table.bind("GET /network-acls", paged::<NetworkAcls>);
    table.bind("PUT /network-acls/{id}", set);
}

struct NetworkAcls;

impl Collection for NetworkAcls {
    const KIND: Kind = Kind::NetworkAcl;
    const PATH: &'static str = "/network-acls";
    const MEMBER: &'static str = "network_acls";
    const MISSING: Missing = Missing { message: "NetworkACL with this ID was not found", code: None };
    const PREFIX: &'static str = "acl_";
    const DELETED_ONCE: bool = true;

    /// Older ids look otherwise, and none of them is found.
    fn judge_id(id: &str) -> Result<(), Problem> {
        let is_good = |rest: &str| rest.len() == 22 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match id.strip_prefix("acl_") {
            Some(rest) if !is_good(rest) => Err(Problem::RefusedAs(
                "invalid_uri",
                "Network ACL id is not a valid ACL ID in the form 'acl_XXXXXXXXXXXXXXXXXXXXXX'".into(),
            )),
            _ => Ok(()),
        }
    }

    // As recorded.
    const DELETED: (StatusCode, Option<&'static str>) =
        (StatusCode::OK, Some(r#"{"code": 204, "object": ""}"#));

    fn complete(_: &Call, acl: &mut Value) -> Result<(), Problem> {
        let names = ["match", "not_match"]
            .iter()
            .filter_map(|side| acl.pointer(&format!("/rule/{side}/auth0_managed")));
        for name in names.filter_map(Value::as_array).flatten().filter_map(Value::as_str) {
            if !MANAGED.contains(&name) {
                return Err(Problem::RefusedAs(
                    "invalid_body",
                    format!(
                        "Invalid curated list name(s): {name}. Allowed curated list names are: {}",
                        MANAGED.join(", ")
                    )
                    .into(),
                ));
            }
        }
        if acl.get("active") == Some(&Value::Bool(true)) {
            return Err(Problem::RefusedAs(
                "operation_not_supported",
                "Access lists are kept on this server, but none is enforced: \"active\" must be false."
                    .into(),
            ));
        }
        default(acl, &json!({"priority": 50}));
        Ok(())
    }

    fn shown(call: &Call, mut acl: Value) -> Value {
        acl["tenant_id"] = call.tenant().into();
        acl
    }
}

/// Lists that the service this API comes from keeps.
const MANAGED: [&str; 2] = ["auth0.low_reputation", "auth0.icloud_relay_proxy"];

async fn set(call: Call) -> Result<Answer, Problem> {
    let (value, rev) = rewrite(&call, Kind::NetworkAcl, call.at("id"), |found| {
        let before = found.ok_or(Problem::NotFound(NetworkAcls::MISSING))?;
        let mut after = Value::Object(call.members());
        for name in ["id", "created_at"] {
            after[name] = before.get(name).cloned().unwrap_or_default();
        }
        after["updated_at"] = format_ms(call.ctx.now_ms).into();
        NetworkAcls::complete(&call, &mut after)?;
        Ok(Some(after))
    })
    .await?;
    Ok(Answer::ok(value.unwrap_or_default()).at(rev))
}
