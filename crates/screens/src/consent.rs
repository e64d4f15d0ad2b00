//! Consent: the user lets an application have what it asks for, or does not (fact sheet 4).

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::consent::{Answer, answer, begins_ticked, is_choice};
use chancery_core::ids;
use chancery_core::interaction::Progress;
use chancery_core::model::{Client, OpenId, ScopeConsent, User};
use chancery_core::oauth::{AuthorizationDetail, detail_kind, detail_lines, origin_of, plain};
use chancery_core::params::Params;
use chancery_core::records::Consent as Record;
use chancery_db::Batch;
use chancery_login::consent_lines::{AskedScope, Line, consent_lines};
use chancery_login::csp::PageKind;
use chancery_login::pages::{Choice, Consent, ConsentGroup, ConsentStep, Link};
use chancery_store::PreparedApi;
use chancery_web::{Ctx, Failure};
use http::{HeaderMap, StatusCode};

use crate::account::CONSENTS;
use crate::form::Posted;
use crate::screen::{Screen, expired, path_link, pressed};

/// The page.
pub(crate) async fn show(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let screen = match Screen::show(ctx, &headers, query).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    match due(&screen, &headers).await? {
        Some(due) => Ok(page(&screen, StatusCode::OK, &due)),
        // Nobody to ask, or nothing to ask for: the engine knows what is due instead.
        None => Ok(screen.back()),
    }
}

/// The answer. Anything but "accept" and "decline" shows the page again, and so does an acceptance of choices that are
/// other ones by now.
pub(crate) async fn submit(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let screen = match Screen::open(ctx, &headers, &params).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    let Some(due) = due(&screen, &headers).await? else {
        return Ok(expired(&screen.ctx, &headers));
    };
    let progress = screen.transaction.progress.clone();
    match pressed(&params) {
        Some("accept") if is_about(&params, &screen, &due) => {
            let api = api(&screen).map(|api| &*api.api);
            let answer = answer(&due.wanted, api, |scope| params.has(&field(scope)));
            let write = write(&screen, &due, &answer);
            let progress = Progress { consented: Some(answer.allowed), shown: true, ..progress };
            screen.done(progress, write).await
        }
        Some("decline") => screen.done(Progress { declined: true, ..progress }, Batch::default()).await,
        _ => Ok(page(&screen, StatusCode::BAD_REQUEST, &due)),
    }
}

/// Whether the form showed what is due now. Whoever goes back to the page of another API, or of another account, and agrees there is
/// asked again: they have not seen this one.
fn is_about(params: &Params, screen: &Screen, due: &Due) -> bool {
    params.get("asked") == Some(&asked(screen, due))
        && params.get("choices").unwrap_or_default() == choices(screen, due)
}

/// Who is asked for what.
struct Due {
    user: User,
    /// The scopes that the engine decided on, never any that the form sends.
    wanted: Vec<String>,
    /// What the user answered before.
    before: Option<Record>,
}

async fn due(screen: &Screen, headers: &HeaderMap) -> Result<Option<Due>, Failure> {
    let Some(wanted) = screen.transaction.progress.wanted.clone() else { return Ok(None) };
    let asked = screen.transaction.progress.asked_user.as_deref();
    let session =
        screen.proven_session(headers).await?.filter(|(_, user)| asked == Some(user.user_id.as_str()));
    let Some((_, user)) = session else { return Ok(None) };
    let audience = api(screen).map(|api| api.identifier.as_str()).unwrap_or_default();
    let (store, tenant) = (&screen.ctx.app.store, &screen.ctx.tenant.tenant);
    let (client_id, organization) = (&screen.client.client_id, organization_id(screen));
    let before = store.consent(tenant, &user.user_id, client_id, audience, organization).await?;
    Ok(Some(Due { user, wanted, before: before.filter(|before| !before.implicit) }))
}

/// What is kept of the answer. Where the user takes back what they had allowed, whatever the application holds of it ends:
/// it is about to get what is left.
fn write(screen: &Screen, due: &Due, answer: &Answer) -> Batch {
    let ctx = &screen.ctx;
    let record = Record {
        id: ids::object_id(&*ctx.app.rng, ctx.now()),
        user_id: due.user.user_id.clone(),
        client_id: screen.client.client_id.clone(),
        audience: api(screen).map(|api| api.identifier.clone()).unwrap_or_default(),
        organization_id: organization_id(screen).to_owned(),
        scope: answer.allowed.clone(),
        declined: answer.declined.clone(),
        implicit: false,
    };
    let (store, tenant) = (&ctx.app.store, &ctx.tenant.tenant);
    let write = store.upsert_consent(tenant, &record);
    let had = |scope: &String| due.before.as_ref().is_some_and(|before| before.scope.contains(scope));
    match answer.declined.iter().any(had) {
        true => {
            let Record { user_id, client_id, audience, .. } = &record;
            write.and(store.revoke_by_consent(tenant, user_id, client_id, audience))
        }
        false => write,
    }
}

fn organization_id(screen: &Screen) -> &str {
    screen.organization.as_ref().map(|o| o.id.as_str()).unwrap_or_default()
}

fn api(screen: &Screen) -> Option<&PreparedApi> {
    let named = screen.transaction.request.audience.as_deref()?;
    screen.ctx.tenant.resolve_api(&screen.ctx.origin, named).map(AsRef::as_ref)
}

/// What is asked, and who, in one word: the API, the scopes and the account.
fn asked(screen: &Screen, due: &Due) -> String {
    let api = api(screen).map(|api| api.identifier.as_str()).unwrap_or_default();
    let account = account(&due.user);
    let wanted = due.wanted.iter().map(String::as_str);
    std::iter::once(api).chain(wanted).chain([account.as_str()]).collect::<Vec<_>>().join(" ")
}

/// The scopes that may be left out: the form says back which ones it showed, so that nobody is taken to have agreed to
/// what was a choice when they saw it and is none any more.
fn choices(screen: &Screen, due: &Due) -> String {
    let api = api(screen).map(|api| &*api.api);
    let choices = due.wanted.iter().map(String::as_str).filter(|scope| is_choice(api, scope));
    choices.collect::<Vec<_>>().join(" ")
}

/// The name of the box of a scope.
fn field(scope: &str) -> String {
    format!("allow:{scope}")
}

fn page(screen: &Screen, status: StatusCode, due: &Due) -> Response {
    let settings = &screen.ctx.tenant.settings;
    let api = api(screen).map(|api| &*api.api);
    let uses_descriptions = settings.flags.use_scope_descriptions_for_consent.unwrap_or(false);
    let lines = |scopes: &[AskedScope]| consent_lines(scopes, uses_descriptions, &screen.texts);
    let described = |scope: &String| {
        let defined = api.and_then(|api| api.scopes.as_ref()).into_iter().flatten();
        let mut described = defined.filter(|s| s.value == *scope).filter_map(|s| s.description.clone());
        AskedScope { value: scope.clone(), description: described.find(|text| !text.is_empty()) }
    };
    let (chosen, given): (Vec<AskedScope>, Vec<AskedScope>) =
        due.wanted.iter().map(described).partition(|scope| is_choice(api, &scope.value));
    let choice = |scope: AskedScope| {
        let api = api?;
        let line = lines(std::slice::from_ref(&scope)).api.into_iter().next()?;
        Some(Choice {
            field: field(&scope.value),
            line,
            is_ticked: begins_ticked(api, &scope.value, due.before.as_ref()),
            is_sensitive: api.consent_to(&scope.value) == ScopeConsent::Sensitive,
        })
    };
    let api_name = api.map(|api| api.name.as_deref().unwrap_or(&api.identifier));
    let boxes = chosen.into_iter().filter_map(choice).collect();
    let request = &screen.transaction.request;
    // A device is answered when it comes back: the browser stays here.
    let host = request.device.is_none().then(|| origin_of(request.redirect_uri.as_str())).flatten();
    let mut groups = details(&request.authorization_details);
    groups.extend(ConsentGroup::of(lines(&given), boxes, api_name, &screen.texts));
    let view = Consent {
        frame: screen.frame(),
        form: screen.form("/u/consent"),
        client_name: screen.client.name.clone(),
        client_host: client_host(&screen.client),
        client_logo: logo_of(&screen.ctx, &screen.client),
        account: account(&due.user),
        not_you: Some(screen.link("/u/login")),
        groups,
        step: step(screen, api_name),
        asked: asked(screen, due),
        choices: choices(screen, due),
        withdraw: path_link(CONSENTS),
        policy: page_of(&screen.client, |own| own.policy_uri.as_deref()),
        terms: page_of(&screen.client, |own| own.tos_uri.as_deref()),
        callback_host: host.and_then(|o| o.split_once("://").map(|(_, host)| host.to_owned())),
    };
    screen.page(status, view.render(&screen.texts), PageKind::Plain)
}

/// Which of the APIs of the request is asked about (RFC 8707): those before are settled, those behind still stand in the request.
fn step(screen: &Screen, api_name: Option<&str>) -> Option<ConsentStep> {
    let (number, count) = steps(screen);
    let api_name = api_name?.to_owned();
    (count > 1).then_some(ConsentStep { number, count, api_name })
}

/// Which one, from 1, and how many there are. Those that nobody is asked about do not count.
fn steps(screen: &Screen) -> (usize, usize) {
    let settled = &screen.transaction.progress.settled;
    let number = settled.iter().filter(|settled| !settled.is_implicit).count() + 1;
    (number, number + screen.transaction.request.further.len())
}

/// The host of an application's id, where that is a URL: it is not the application's to choose, as its name is.
fn client_host(client: &Client) -> Option<String> {
    let origin = client.describes_itself().then(|| origin_of(&client.client_id)).flatten()?;
    origin.split_once("://").map(|(_, host)| host.to_owned())
}

/// A page that the application registered.
pub(crate) fn page_of(client: &Client, which: impl Fn(&OpenId) -> Option<&str>) -> Option<Link> {
    client.openid.as_deref().and_then(which).and_then(Link::new)
}

/// The picture that shows the application, wherever it lies but here: a browser asks for it with the user's cookies, and the end of
/// a session is no picture.
pub(crate) fn logo_of(ctx: &Ctx, client: &Client) -> Option<Link> {
    let uri = client.logo_uri.as_deref()?;
    let origin = origin_of(uri)?;
    let (_, authority) = origin.split_once("://")?;
    (name_of(authority) != name_of(&ctx.origin.authority)).then(|| Link::new(uri)).flatten()
}

/// Without the port, which cookies do not know.
fn name_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => name,
        _ => authority,
    }
}

/// What exactly is asked for (RFC 9396), first of all: it is what this request is about.
fn details(asked: &[AuthorizationDetail]) -> Vec<ConsentGroup> {
    let group = |detail: &AuthorizationDetail| ConsentGroup {
        heading: plain(detail_kind(detail)),
        lines: detail_lines(detail)
            .into_iter()
            .map(|(name, text)| Line { title: Some(name), text })
            .collect(),
        choices: Vec::new(),
    };
    asked.iter().map(group).collect()
}

/// The name of the account, as its owner knows it.
pub(crate) fn account(user: &User) -> String {
    let names = [&user.email, &user.username, &user.name];
    names.into_iter().flatten().next().cloned().unwrap_or_else(|| user.user_id.clone())
}
