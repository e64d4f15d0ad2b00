//! Mail domains by which an organization is found.

use chancery_core::model::{DiscoveryDomain, Organization};
use chancery_core::problem::{Missing, Problem};
use chancery_core::{Rng, ids};
use chancery_store::Kind;
use serde_json::{Map, Value, json};

use super::{here, rewrite};
use crate::call::{Answer, Call, print, read, read_stored, stored};
use crate::ops::Table;
use crate::page::{Page, Slice, by_checkpoint};
use crate::resource::merged;

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /organizations/{id}/discovery-domains", list);
    table.bind("POST /organizations/{id}/discovery-domains", create);
    table.bind("GET /organizations/{id}/discovery-domains/name/{discovery_domain}", by_name);
    table.bind("GET /organizations/{id}/discovery-domains/{discovery_domain_id}", show_one);
    table.bind("PATCH /organizations/{id}/discovery-domains/{discovery_domain_id}", update);
    table.bind("DELETE /organizations/{id}/discovery-domains/{discovery_domain_id}", delete);
}

const MISSING: Missing = Missing { message: "No organization domain found by that id", code: None };

/// A checkpoint here is the first of what is to come, as recorded.
async fn list(call: Call) -> Result<Answer, Problem> {
    let domains = here(&call).await?.discovery_domains;
    let page = by_checkpoint(&call.query)?;
    let Page::After { key, take } = &page else { return Err(Problem::Internal) };
    let take = usize::try_from(*take).unwrap_or(usize::MAX);
    let mut rest = domains.iter().skip_while(|domain| !key.is_empty() && domain.id != *key);
    let items = rest.by_ref().take(take).map(print).collect::<Result<_, _>>()?;
    let slice = Slice { items, total: 0, next: rest.next().map(|domain| domain.id.clone()) };
    Ok(Answer::ok(page.body("domains", slice)))
}

async fn create(call: Call) -> Result<Answer, Problem> {
    let domain = call.body.get("domain").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    if !is_domain(&domain) {
        return Err(Problem::payload("domain must be a domain name, such as example.com", "domain"));
    }
    let all = call.store().docs_all(call.tenant(), Kind::Organization).await.map_err(stored)?;
    for doc in &all {
        let organization: Organization = read_stored(&doc.json)?;
        if organization.discovery_domains.iter().any(|known| known.domain == domain) {
            return Err(Problem::conflict("This domain is already used by an organization."));
        }
    }
    let rng = &*call.ctx.app.rng;
    let mut body: Map<String, Value> = call.members();
    body.insert("id".to_owned(), format!("ord_{}", ids::alphanumeric(rng, 22)).into());
    body.entry("status").or_insert("pending".into());
    body.entry("use_for_organization_discovery").or_insert(true.into());
    body.insert(
        "verification_host".to_owned(),
        format!("_ss-verification.{}.{domain}", call.at("id")).into(),
    );
    body.insert("verification_txt".to_owned(), hex(rng).into());
    body.insert("domain".to_owned(), domain.into());
    let new: DiscoveryDomain = read(Value::Object(body))?;
    let ((), rev) = rewrite(&call, |organization| {
        if organization.discovery_domains.iter().any(|known| known.domain == new.domain) {
            return Err(Problem::conflict("This domain is already used by an organization."));
        }
        organization.discovery_domains.push(new.clone());
        Ok(())
    })
    .await?;
    Ok(Answer::created(print(&new)?).at(rev))
}

/// 128 bits in hexadecimal digits.
fn hex(rng: &dyn Rng) -> String {
    let mut bytes = [0; 16];
    rng.fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Two labels or more, of letters, digits and hyphens (RFC 1123, section 2.1).
pub(in crate::resources) fn is_domain(text: &str) -> bool {
    let good = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(good)
}

async fn find(call: &Call, is_it: impl Fn(&DiscoveryDomain) -> bool) -> Result<Answer, Problem> {
    let found = here(call).await?.discovery_domains.into_iter().find(is_it);
    Ok(Answer::ok(print(&found.ok_or(Problem::NotFound(MISSING))?)?))
}

async fn show_one(call: Call) -> Result<Answer, Problem> {
    find(&call, |domain| domain.id == call.at("discovery_domain_id")).await
}

async fn by_name(call: Call) -> Result<Answer, Problem> {
    find(&call, |domain| domain.domain.eq_ignore_ascii_case(call.at("discovery_domain"))).await
}

async fn update(call: Call) -> Result<Answer, Problem> {
    let (value, rev) = rewrite(&call, |organization| {
        let wanted = call.at("discovery_domain_id");
        let domain = organization.discovery_domains.iter_mut().find(|domain| domain.id == wanted);
        let domain = domain.ok_or(Problem::NotFound(MISSING))?;
        *domain = read(merged(json!(domain), call.members()))?;
        print(domain)
    })
    .await?;
    Ok(Answer::ok(value).at(rev))
}

/// What is gone is gone.
async fn delete(call: Call) -> Result<Answer, Problem> {
    let ((), rev) = rewrite(&call, |organization| {
        organization.discovery_domains.retain(|domain| domain.id != call.at("discovery_domain_id"));
        Ok(())
    })
    .await?;
    Ok(Answer::no_content().at(rev))
}

#[cfg(test)]
mod tests {
    use super::is_domain;

    #[test]
    fn domains() {
        for good in ["example.com", "a.b.example", "xn--bcher-kva.example", "1.example"] {
            assert!(is_domain(good), "{good}");
        }
        for bad in
            ["example", "", ".", "a..b", "-a.example", "a-.example", "a b.example", "a.example.", "ü.example"]
        {
            assert!(!is_domain(bad), "{bad}");
        }
    }
}
