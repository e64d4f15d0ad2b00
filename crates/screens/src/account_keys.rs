//! The security keys, passkeys and authenticator applications of a user: their own page to add, name and remove them.

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::params::Params;
use chancery_core::second_factor::{NewFactor, TOTP};
use chancery_core::webauthn::{PASSKEY, PLATFORM};
use chancery_login::csp::PageKind;
use chancery_login::pages::{AccountKeys, ErrorKind, Form, OwnKey, OwnKeyKind};
use chancery_store::Error;
use chancery_web::{Ctx, Failure, SecondFactorsOf, hosted, see_other};
use http::{HeaderMap, StatusCode};

use crate::account::{Person, Wish, log_in, log_in_to};
use crate::consent::account;
use crate::due::offers;
use crate::form::Posted;
use crate::screen::{is_same_origin, path_link, pressed, refused};

/// Where it is.
pub(crate) const KEYS: &str = "/u/account/keys";
/// The longest name, in characters: the contract's bound.
const LONGEST_NAME: usize = 20;

/// The page, behind a login where nobody is signed in.
pub(crate) async fn show(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let person = match Person::of(&ctx, &headers, KEYS).await? {
        Some(person) if person.may_see(&ctx) => person,
        other => return log_in(&ctx, &headers, KEYS, other.map(|person| person.session.id)).await,
    };
    let factors = SecondFactorsOf::load(&ctx, &person.user).await?;
    let params = Params::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    // Whoever can show one is asked to, before they see what they could take away.
    if !may_change(&person, &factors) && ctx.tenant.second_factors.are_due(true, &person.session) {
        return log_in(&ctx, &headers, KEYS, Some(person.session.id)).await;
    }
    let texts = hosted::texts(&ctx, &headers, None);
    let view = AccountKeys {
        frame: hosted::frame(&ctx),
        form: Form { action: path_link(KEYS), state: String::new(), csrf: Some(person.proof.clone()) },
        account: account(&person.user),
        log_out: path_link("/oidc/logout"),
        done: params.get("done").is_some(),
        may_change: may_change(&person, &factors),
        keys: factors.own_keys().into_iter().map(shown).collect(),
        addable: addable(&ctx, &person, &factors),
    };
    let page = hosted::page(StatusCode::OK, view.render(&texts), PageKind::Plain, &[]);
    Ok(hosted::localized(page, &texts))
}

/// Names or removes one. One that is gone already is no error.
pub(crate) async fn submit(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let person = match Person::of(&ctx, &headers, KEYS).await? {
        Some(person) if person.may_see(&ctx) => person,
        other => return log_in(&ctx, &headers, KEYS, other.map(|person| person.session.id)).await,
    };
    let factors = SecondFactorsOf::load(&ctx, &person.user).await?;
    let proof = params.get("_csrf").unwrap_or_default();
    if !is_same_origin(&ctx, &headers)
        || !chancery_jose::constant_time_eq(proof.as_bytes(), person.proof.as_bytes())
        || !may_change(&person, &factors)
    {
        return Ok(refused(&ctx, &headers));
    }
    if pressed(&params) == Some("add")
        && let Some(wish) = params.get("factor").and_then(factor_named)
    {
        return match addable(&ctx, &person, &factors).contains(&wish) {
            true => {
                let wish = Wish { factor: wish, shows_one: factors.are_enrolled() };
                add(&ctx, &headers, &person, wish).await
            }
            false => Ok(see_other(KEYS)),
        };
    }
    let (action, key) = (pressed(&params), params.get("key"));
    let name: String = params.get("name").unwrap_or_default().trim().chars().take(LONGEST_NAME).collect();
    let write = match (action, key) {
        (Some("remove"), Some(key)) => factors.without_key(key),
        (Some("rename"), Some(key)) => factors.renamed_key(key, &name),
        _ => {
            let said =
                hosted::Said { kind: ErrorKind::InvalidRequest, code: Some("invalid_request"), text: None };
            return Ok(hosted::error(&ctx, &headers, StatusCode::BAD_REQUEST, said));
        }
    };
    let Some(write) = write else { return Ok(see_other(KEYS)) };
    match ctx.app.store.commit(write).await {
        Ok(()) => {}
        Err(Error::Guard) => return Ok(see_other(KEYS)),
        Err(other) => return Err(other.into()),
    }
    if action == Some("remove") {
        factors.log("gd_unenroll", "The user removed a key");
    }
    Ok(see_other(&format!("{KEYS}?done=1")))
}

/// Signing in again comes before it where the last time is a while ago: whoever finds a browser open adds no way in.
async fn add(ctx: &Ctx, headers: &HeaderMap, person: &Person, wish: Wish) -> Result<Response, Failure> {
    let is_fresh = ctx.now() - person.session.authenticated_at <= FRESH;
    let session_id = is_fresh.then(|| person.session.id.clone());
    log_in_to(ctx, headers, KEYS, session_id, Some(wish)).await
}

/// Seconds for which a sign-in is fresh enough.
const FRESH: i64 = 300;

/// What can be added, by whoever signed in like this.
fn addable(ctx: &Ctx, person: &Person, factors: &SecondFactorsOf<'_>) -> Vec<NewFactor> {
    let all = [NewFactor::Passkey, NewFactor::WebauthnRoaming, NewFactor::WebauthnPlatform, NewFactor::Otp];
    let may = may_change(person, factors);
    let fits =
        |factor: &NewFactor| may && offers(ctx, &person.session, *factor) && factors.may_have_more(*factor);
    all.into_iter().filter(fits).collect()
}

fn factor_named(name: &str) -> Option<NewFactor> {
    serde_json::from_value(name.into()).ok()
}

/// Whoever knows the password alone takes nothing away that guards the account.
fn may_change(person: &Person, factors: &SecondFactorsOf<'_>) -> bool {
    person.session.second_factor_at.is_some() || !factors.are_enrolled()
}

fn shown(key: chancery_web::OwnKeyData) -> OwnKey {
    let day = |moment: &str| moment.chars().take(10).collect::<String>();
    OwnKey {
        kind: match key.kind.as_str() {
            PASSKEY => OwnKeyKind::Passkey,
            PLATFORM => OwnKeyKind::Platform,
            TOTP => OwnKeyKind::Otp,
            _ => OwnKeyKind::Roaming,
        },
        since: day(&key.created_at),
        used: key.last_used_at.as_deref().map(day),
        id: key.id,
        name: key.name,
    }
}
