//! `/custom-domains`: names that a tenant would like to be reached by. Kept only: the origins of a tenant are configured with
//! the server, so a domain stays `pending_verification`, unless it is the one this very request came by.

use chancery_core::ids;
use chancery_core::iso::format_ms;
use chancery_core::problem::{Missing, Problem};
use chancery_store::{Change, Kind};
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call, missing, read_stored, stored};
use crate::document::{find, rewrite};
use crate::ops::Table;
use crate::page::{Page, chosen};
use crate::resource::{Crud, Resource, load};

pub(super) fn bind(table: &mut Table) {
    Crud::<Domains>::bind(table);
    table.bind("GET /custom-domains", list);
    table.bind("POST /custom-domains/{id}/verify", verify);
    table.bind("POST /custom-domains/{id}/test", test);
    table.bind("GET /custom-domains/default", default);
    table.bind("PATCH /custom-domains/default", set_default);
}

struct Domains;

/// The document that names the default; its id is none of a domain's.
const DEFAULT: &str = "default";
const MISSING: Missing = missing("The custom domain does not exist", "inexistent_custom_domain");

impl Resource for Domains {
    type Model = Value;
    const KIND: Kind = Kind::CustomDomain;
    const PATH: &'static str = "/custom-domains";
    const MEMBER: &'static str = "custom_domains";
    const MISSING: Missing = MISSING;
    const TAKEN: &'static str = "The custom domain already exists.";

    fn id(domain: &Value) -> &str {
        domain.get("custom_domain_id").and_then(Value::as_str).unwrap_or_default()
    }

    fn unique(domain: &Value) -> Option<String> {
        domain.get("domain").and_then(Value::as_str).map(str::to_owned)
    }

    fn show(call: &Call, domain: &Value) -> Result<Value, Problem> {
        let mut domain = domain.clone();
        let host = call.origin().authority.split(':').next();
        if domain.get("domain").and_then(Value::as_str) == host {
            domain["status"] = "ready".into();
        }
        Ok(domain)
    }

    async fn create(
        call: &Call,
        body: Map<String, Value>,
        change: Change,
    ) -> Result<(Value, Change), Problem> {
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let domain = text("domain").to_ascii_lowercase();
        if !super::organizations::is_domain(&domain) {
            return Err(Problem::payload(
                "domain must be a domain name, such as login.example.com",
                "domain",
            ));
        }
        let rng = &*call.ctx.app.rng;
        let id = ids::prefixed(rng, "cd_");
        let is_managed = text("type") == "auth0_managed_certs";
        let method = match is_managed {
            true => json!({"name": "CNAME", "record": call.origin().authority, "domain": domain}),
            false => json!({
                "name": "TXT",
                "record": ids::hex(rng, 32),
                "domain": format!("_chancery-custom-hostname.{domain}"),
            }),
        };
        let all = call.store().docs_count(call.tenant(), Kind::CustomDomain).await.map_err(stored)?;
        let mut new = json!({
            "custom_domain_id": id,
            "domain": domain,
            "primary": all == 0,
            "is_default": false,
            "status": "pending_verification",
            "type": text("type"),
            "verification": {"methods": [method]},
            "created_at": format_ms(call.ctx.now_ms),
        });
        if is_managed {
            new["tls_policy"] = "recommended".into();
        } else {
            new["custom_client_ip_header"] = Value::Null;
        }
        for name in ["custom_client_ip_header", "domain_metadata", "relying_party_identifier"] {
            if let Some(value) = body.get(name).filter(|value| !value.is_null()) {
                new[name] = value.clone();
            }
        }
        Ok((new, change))
    }

    /// Metadata is merged; null takes a member away.
    async fn update(_: &Call, before: &Value, after: &mut Value, change: Change) -> Result<Change, Problem> {
        let held = before.get("domain_metadata").cloned();
        if let (Some(held), Some(new)) =
            (held, after.get("domain_metadata").and_then(Value::as_object).cloned())
        {
            after["domain_metadata"] = crate::resource::merged(held, new);
        }
        Ok(change)
    }

    async fn delete(_: &Call, _: &Value, change: Change) -> Result<Change, Problem> {
        Ok(change)
    }
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let all = call.store().docs_all(call.tenant(), Kind::CustomDomain).await.map_err(stored)?;
    let mut shown = Vec::new();
    for doc in all.iter().filter(|doc| doc.id != DEFAULT) {
        shown.push(Domains::show(&call, &read_stored(&doc.json)?)?);
    }
    // `domain:login*`, or a part of a name.
    if let Some(wanted) = call.query.text("q") {
        let wanted = wanted.strip_prefix("domain:").unwrap_or(wanted).trim_end_matches('*').to_lowercase();
        let fits = |value: &Value| value["domain"].as_str().is_some_and(|domain| domain.starts_with(&wanted));
        shown.retain(fits);
    }
    if !call.query.has_any(&["take", "from"]) {
        return Ok(Answer::ok(chosen(Value::Array(shown), &call.query, &[])));
    }
    let page = Page::of(&call.query)?;
    let slice = page.cut(shown, |value| Domains::id(value).to_owned(), |value| value);
    Ok(Answer::ok(page.body(Domains::MEMBER, slice)))
}

/// Looks again; nothing has changed, since nothing looks anything up.
async fn verify(call: Call) -> Result<Answer, Problem> {
    let (domain, _) = load::<Domains>(&call).await?;
    Ok(Answer::ok(Domains::show(&call, &domain)?))
}

/// A domain that this request came by works; of another one nothing is known.
async fn test(call: Call) -> Result<Answer, Problem> {
    let (domain, _) = load::<Domains>(&call).await?;
    match Domains::show(&call, &domain)?.get("status").and_then(Value::as_str) {
        Some("ready") => Ok(Answer::ok(json!({"success": true}))),
        _ => Err(Problem::conflict("The custom domain is not ready.")),
    }
}

/// The domain with this name, if it is one of the tenant's.
async fn named(call: &Call, name: &str) -> Result<Option<Value>, Problem> {
    let found = call.store().doc_by_uniq(call.tenant(), Kind::CustomDomain, name).await.map_err(stored)?;
    found.map(|found| read_stored(&found.json)).transpose()
}

/// In whose name mail is written: the host of the request, until one is chosen.
async fn default(call: Call) -> Result<Answer, Problem> {
    let chosen = find(&call, Kind::CustomDomain, DEFAULT).await?;
    let name = chosen.as_ref().and_then(|chosen| chosen.get("default")).and_then(Value::as_str);
    let domain = match name {
        Some(name) => named(&call, name).await?,
        None => None,
    };
    match domain {
        Some(mut domain) => {
            domain["is_default"] = true.into();
            Ok(Answer::ok(Domains::show(&call, &domain)?))
        }
        None => Ok(Answer::ok(json!({"domain": call.origin().authority}))),
    }
}

async fn set_default(call: Call) -> Result<Answer, Problem> {
    let name = call.body.get("domain").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let is_own = name == call.origin().authority;
    if !is_own && named(&call, &name).await?.is_none() {
        return Err(Problem::NotFound(MISSING));
    }
    let document = (!is_own).then(|| json!({"default": name}));
    rewrite(&call, Kind::CustomDomain, DEFAULT, |_| Ok(document.clone())).await?;
    default(call).await
}
