//! `/trusted-issuers`, ours alone: servers of others whose tokens stand for users here (`core::model::TrustedIssuer`).

use chancery_core::ids;
use chancery_core::iso::format_ms;
use chancery_core::model::TrustedIssuer;
use chancery_core::problem::{Missing, Problem};
use chancery_store::{Change, Kind, Snapshot};
use chancery_web::verifying_keys;
use serde_json::{Map, Value};

use crate::call::{Call, missing, print, read, stored};
use crate::ops::Table;
use crate::resource::{Crud, Held, Resource};

pub(super) fn bind_own(table: &mut Table) {
    Crud::<TrustedIssuers>::bind(table);
}

struct TrustedIssuers;

impl Resource for TrustedIssuers {
    type Model = TrustedIssuer;
    const KIND: Kind = Kind::TrustedIssuer;
    const PATH: &'static str = "/trusted-issuers";
    const MEMBER: &'static str = "trusted_issuers";
    const MISSING: Missing = missing("The trusted issuer does not exist.", "inexistent_trusted_issuer");
    const TAKEN: &'static str = "This issuer is trusted already.";

    fn id(issuer: &TrustedIssuer) -> &str {
        &issuer.id
    }

    /// Two of one name could mean different users by one token.
    fn unique(issuer: &TrustedIssuer) -> Option<String> {
        Some(issuer.issuer.clone())
    }

    fn all_held<'a>(snapshot: &'a Snapshot, after: &'a str) -> Option<Held<'a, TrustedIssuer>> {
        Some(Box::new(snapshot.trusted_issuers_after(after).map(AsRef::as_ref)))
    }

    fn show(_: &Call, issuer: &TrustedIssuer) -> Result<Value, Problem> {
        print(issuer)
    }

    async fn create(
        call: &Call,
        body: Map<String, Value>,
        change: Change,
    ) -> Result<(TrustedIssuer, Change), Problem> {
        let now = format_ms(call.ctx.now_ms);
        let issuer = TrustedIssuer {
            id: ids::prefixed(&*call.ctx.app.rng, "tis_"),
            created_at: now.clone(),
            updated_at: now,
            ..read(Value::Object(body))?
        };
        judge(call, &issuer).await?;
        Ok((issuer, change))
    }

    async fn update(
        call: &Call,
        _: &TrustedIssuer,
        after: &mut TrustedIssuer,
        change: Change,
    ) -> Result<Change, Problem> {
        after.updated_at = format_ms(call.ctx.now_ms);
        judge(call, after).await?;
        Ok(change)
    }

    async fn delete(_: &Call, _: &TrustedIssuer, change: Change) -> Result<Change, Problem> {
        Ok(change)
    }
}

/// What cannot act is refused: nobody should rely on it.
async fn judge(call: &Call, issuer: &TrustedIssuer) -> Result<(), Problem> {
    if issuer.issuer == call.origin().issuer {
        return Err(Problem::payload("This server's own tokens are not those of another one", "issuer"));
    }
    match (&issuer.jwks_uri, &issuer.jwks) {
        (Some(url), None) => {
            if !url.starts_with("https://") || url.contains('#') {
                return Err(Problem::payload("It must be an https URL without fragment", "jwks_uri"));
            }
        }
        (None, Some(set)) if verifying_keys(set).is_empty() => {
            return Err(Problem::payload("It has no public key that verifies a signature", "jwks"));
        }
        (None, Some(_)) => {}
        _ => return Err(Problem::payload("Its keys are needed: either jwks_uri or jwks", "jwks_uri")),
    }
    let is_there = call.snapshot().connections().any(|connection| connection.name == issuer.connection);
    if !is_there {
        return Err(Problem::payload("There is no such connection", "connection"));
    }
    for (place, id) in issuer.clients.iter().enumerate() {
        let path = format!("clients[{place}]");
        let client = call
            .snapshot()
            .client(id)
            .ok_or_else(|| Problem::payload("There is no such application", &path))?;
        if client.is_public() {
            let reason = "Applications that bring tokens of others have to prove who they are";
            return Err(Problem::payload(reason, &path));
        }
    }
    for (place, id) in issuer.token_exchange_profiles.iter().enumerate() {
        let found = call.store().doc(call.tenant(), Kind::TokenExchangeProfile, id).await.map_err(stored)?;
        if found.is_none() {
            return Err(Problem::payload(
                "There is no such token exchange profile",
                &format!("token_exchange_profiles[{place}]"),
            ));
        }
    }
    Ok(())
}
