//! What users let applications do, and how they take it back. No application takes part: it is their own page.

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::ids::Handle;
use chancery_core::interaction::{Enrolment, Transaction};
use chancery_core::iso;
use chancery_core::model::{Organization, User};
use chancery_core::oauth::RedirectUri;
use chancery_core::params::Params;
use chancery_core::records::{Consent, LogEvent, Session};
use chancery_core::second_factor::NewFactor;
use chancery_login::Texts;
use chancery_login::consent_lines::{AskedScope, consent_lines};
use chancery_login::csp::PageKind;
use chancery_login::pages::{AccountConsents, AllowedApplication, ConsentGroup, ErrorKind, Form};
use chancery_store::{ConsentFilter, Kind};
use chancery_web::{Binding, Ctx, Failure, cookies, found, hosted, see_other};
use http::{HeaderMap, StatusCode};

use crate::consent::{account, logo_of};
use crate::form::Posted;
use crate::screen::{is_same_origin, path_link, pressed, refused, serves_somebody};

/// Where it is.
pub(crate) const CONSENTS: &str = "/u/account/consents";

/// The page, behind a login where nobody is signed in.
pub(crate) async fn show(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let person = match Person::of(&ctx, &headers, CONSENTS).await? {
        Some(person) if person.may_see(&ctx) => person,
        other => return log_in(&ctx, &headers, CONSENTS, other.map(|person| person.session.id)).await,
    };
    let params = Params::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let withdrawn = params.get("withdrawn").and_then(|id| ctx.tenant.client(id));
    let texts = hosted::texts(&ctx, &headers, None);
    let view = AccountConsents {
        frame: hosted::frame(&ctx),
        form: Form { action: path_link(CONSENTS), state: String::new(), csrf: Some(person.proof.clone()) },
        account: account(&person.user),
        log_out: path_link("/oidc/logout"),
        withdrawn: withdrawn.map(|client| client.name.clone()),
        allowed: allowed(&ctx, &person.user, &texts).await?,
    };
    Ok(page(&view, &texts))
}

fn page(view: &AccountConsents, texts: &Texts) -> Response {
    hosted::localized(hosted::page(StatusCode::OK, view.render(texts), PageKind::Plain, &[]), texts)
}

/// Takes one consent back. One that is gone already was taken back before.
pub(crate) async fn submit(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let person = match Person::of(&ctx, &headers, CONSENTS).await? {
        Some(person) if person.may_see(&ctx) => person,
        other => return log_in(&ctx, &headers, CONSENTS, other.map(|person| person.session.id)).await,
    };
    let proof = params.get("_csrf").unwrap_or_default();
    if !is_same_origin(&ctx, &headers)
        || !chancery_jose::constant_time_eq(proof.as_bytes(), person.proof.as_bytes())
    {
        return Ok(refused(&ctx, &headers));
    }
    let id = params.get("consent").filter(|_| pressed(&params) == Some("withdraw"));
    let Some(id) = id else {
        let said =
            hosted::Said { kind: ErrorKind::InvalidRequest, code: Some("invalid_request"), text: None };
        return Ok(hosted::error(&ctx, &headers, StatusCode::BAD_REQUEST, said));
    };
    let (store, tenant) = (&ctx.app.store, &ctx.tenant.tenant);
    let consent = store.consent_by_id(tenant, id).await?;
    let Some(consent) = consent.filter(|consent| consent.user_id == person.user.user_id) else {
        return Ok(see_other(CONSENTS));
    };
    store.commit(store.delete_consent_batch(tenant, &consent)).await?;
    log(&ctx, &person, &consent);
    let mut done = Params::default();
    done.push("withdrawn", consent.client_id);
    Ok(see_other(&format!("{CONSENTS}?{}", done.encode())))
}

/// Who is signed in, with what proves that a form was served to them.
pub(crate) struct Person {
    pub(crate) user: User,
    pub(crate) session: Session,
    pub(crate) proof: String,
}

impl Person {
    /// On the page at this path, which has a proof of its own.
    pub(crate) async fn of(ctx: &Ctx, headers: &HeaderMap, page: &str) -> Result<Option<Self>, Failure> {
        let Some(cookie) = cookies::session(headers) else { return Ok(None) };
        let Some(handle) = Handle::parse(cookie) else { return Ok(None) };
        let (store, tenant) = (&ctx.app.store, &ctx.tenant.tenant);
        let Some(session) = store.session(tenant, &handle, ctx.now()).await? else { return Ok(None) };
        let user = store.user(tenant, &session.user_id).await?.filter(|user| !user.is_blocked());
        // Nobody learns the secret of the session from it, and nobody without the secret can make it.
        let proof = chancery_jose::sha256(format!("{page} {cookie}").as_bytes());
        Ok(user.map(|user| Self { user, session, proof: chancery_jose::base64url(&proof) }))
    }

    /// Not with the password alone where the tenant asks for more.
    pub(crate) fn may_see(&self, ctx: &Ctx) -> bool {
        !ctx.tenant.second_factors.are_due(false, &self.session)
    }
}

/// Login comes first, by any database of users that is in use: the page is there for all of them. Whoever has a session that
/// wants its second factor shows that.
pub(crate) async fn log_in(
    ctx: &Ctx,
    headers: &HeaderMap,
    own: &str,
    session_id: Option<String>,
) -> Result<Response, Failure> {
    log_in_to(ctx, headers, own, session_id, None).await
}

/// What somebody wants to make on their own page.
#[derive(Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) factor: NewFactor,
    /// They have one, which they show first.
    pub(crate) shows_one: bool,
}

/// The same, to make a factor on the way.
pub(crate) async fn log_in_to(
    ctx: &Ctx,
    headers: &HeaderMap,
    own: &str,
    session_id: Option<String>,
    wish: Option<Wish>,
) -> Result<Response, Failure> {
    if !ctx.tenant.connections().any(|connection| serves_somebody(connection)) {
        let text = Some("no connections enabled");
        let said = hosted::Said { kind: ErrorKind::InvalidRequest, code: Some("invalid_request"), text };
        return Ok(hosted::error(ctx, headers, StatusCode::BAD_REQUEST, said));
    }
    let address = format!("{}{own}", ctx.origin.base);
    let address = RedirectUri::allowed(&address, [address.as_str()]);
    let address = address.ok_or_else(|| Failure::server("an address of ours is none"))?;
    let signed_in = session_id.is_some();
    let mut transaction = Transaction::for_own_page(address, ctx.now());
    transaction.progress.session_id = session_id;
    // A session that comes here wants its second factor; whoever makes one shows what they have, wherever it is asked for.
    transaction.request.wants_second_factor = wish.map_or(signed_in, |wish| wish.shows_one);
    transaction.progress.enrolment =
        wish.map(|wish| Enrolment { factor: Some(wish.factor), ticket: None, done: false });
    let doc = serde_json::to_string(&transaction).map_err(Failure::server)?;
    let binding = Binding::of(ctx, headers);
    let id = binding.begin(ctx, doc).await?;
    let page = if signed_in { "/authorize/resume" } else { "/u/login" };
    Ok(binding.bind(ctx, found(&format!("{page}?state={id}"))))
}

async fn allowed(ctx: &Ctx, user: &User, texts: &Texts) -> Result<Vec<AllowedApplication>, Failure> {
    let (store, tenant) = (&ctx.app.store, &ctx.tenant.tenant);
    let filter = ConsentFilter { user_id: Some(&user.user_id), ..ConsentFilter::default() };
    let mut all = Vec::new();
    for consent in store.consents(tenant, &filter, 0, MOST).await? {
        let organization = organization(ctx, &consent).await?;
        all.push(shown(ctx, &consent, organization.as_ref(), texts));
    }
    all.sort_by(|a, b| (a.client_name.to_lowercase(), &a.id).cmp(&(b.client_name.to_lowercase(), &b.id)));
    Ok(all)
}

/// More than anybody has.
const MOST: i64 = 500;

async fn organization(ctx: &Ctx, consent: &Consent) -> Result<Option<Organization>, Failure> {
    if consent.organization_id.is_empty() {
        return Ok(None);
    }
    let found = ctx.app.store.doc(&ctx.tenant.tenant, Kind::Organization, &consent.organization_id).await?;
    found.map(|found| serde_json::from_str(&found.json)).transpose().map_err(Failure::server)
}

fn shown(
    ctx: &Ctx,
    consent: &Consent,
    organization: Option<&Organization>,
    texts: &Texts,
) -> AllowedApplication {
    let client = ctx.tenant.client(&consent.client_id);
    let api = ctx.tenant.api(&consent.audience);
    let uses_descriptions = ctx.tenant.settings.flags.use_scope_descriptions_for_consent.unwrap_or(false);
    let described = |scope: &String| {
        let mut defined = api.iter().flat_map(|api| api.scopes.iter().flatten());
        let description = defined.find(|s| s.value == *scope).and_then(|s| s.description.clone());
        AskedScope { value: scope.clone(), description: description.filter(|text| !text.is_empty()) }
    };
    let scopes: Vec<AskedScope> = consent.scope.iter().map(described).collect();
    let api_name = api.map(|api| api.name.as_deref().unwrap_or(&api.identifier));
    let lines = consent_lines(&scopes, uses_descriptions, texts);
    AllowedApplication {
        id: consent.id.clone(),
        client_name: client.map_or_else(|| consent.client_id.clone(), |client| client.name.clone()),
        client_logo: client.and_then(|client| logo_of(ctx, client)),
        organization: organization.map(|organization| organization.title().to_owned()),
        // Two consents of one application to two APIs would look alike.
        api: api_name.filter(|_| lines.api.is_empty()).map(str::to_owned),
        groups: ConsentGroup::of(lines, Vec::new(), api_name, texts),
        since: day(&consent.id),
    }
}

/// Ids of consents begin with the second they were made in.
fn day(id: &str) -> String {
    let seconds = id.get(..8).and_then(|digits| i64::from_str_radix(digits, 16).ok()).unwrap_or_default();
    iso::format_ms(seconds.saturating_mul(1000)).chars().take(10).collect()
}

fn log(ctx: &Ctx, person: &Person, consent: &Consent) {
    let client = ctx.tenant.client(&consent.client_id);
    ctx.log(LogEvent {
        kind: "srrt".to_owned(),
        description: Some("The user withdrew the access of an application".to_owned()),
        connection: Some(person.session.connection.clone()),
        client_id: Some(consent.client_id.clone()),
        client_name: client.map(|client| client.name.clone()),
        user_id: Some(person.user.user_id.clone()),
        user_name: person.user.email.clone(),
        audience: Some(ctx.origin.absolute(&consent.audience).into_owned()).filter(|a| !a.is_empty()),
        scope: Some(consent.scope.join(" ")),
        ..LogEvent::default()
    });
}
