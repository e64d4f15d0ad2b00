//! Where a login takes place, when the application leaves it to the user: the organization by its name before they sign in,
//! or one of theirs afterwards. Whether they belong to it is the login engine's to judge, as for any request.

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::interaction::Progress;
use chancery_core::model::{Organization, OrganizationPrompt, User};
use chancery_db::Batch;
use chancery_login::csp::PageKind;
use chancery_login::pages::{ChooseOrganization, NameOrganization, OrganizationChoice, Problem};
use chancery_web::{Ctx, Failure, Rate};
use http::{HeaderMap, StatusCode};

use crate::consent::account;
use crate::form::Posted;
use crate::screen::{Answered, Screen, pressed};

/// Per address: 100 names at once, one more every ten seconds. Names are no secret, but no directory either.
const NAMED: Rate = Rate { name: "organization", burst: 100, every: 10 };

/// The page that asks for the name.
pub(crate) async fn show_name(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    Ok(match open(ctx, &headers, query, OrganizationPrompt::PreLoginPrompt).await? {
        Ok(screen) => name_page(&screen, StatusCode::OK, String::new(), None),
        Err(page) => *page,
    })
}

/// The name that was typed, or the wish to go on without one.
pub(crate) async fn submit_name(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let screen = match Screen::open(ctx, &headers, &params).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    if !screen.is_due(OrganizationPrompt::PreLoginPrompt) {
        return Ok(screen.back());
    }
    if pressed(&params) == Some("skip") && screen.client.serves_individuals() {
        return screen.go_on_as_individual().await;
    }
    let typed: String = params.get("organization").unwrap_or_default().chars().take(LONGEST).collect();
    let again = |status, problem| Ok(name_page(&screen, status, typed.clone(), Some(problem)));
    if params.repeated().is_some() || typed.trim().is_empty() {
        return again(StatusCode::BAD_REQUEST, Problem::OrganizationMissing);
    }
    let ctx = &screen.ctx;
    if ctx.app.rates.take(NAMED, ctx.ip, &ctx.tenant.tenant, ctx.now()).is_err() {
        return again(StatusCode::TOO_MANY_REQUESTS, Problem::TooManyAttempts);
    }
    match ctx.organization_by_name(&typed).await? {
        Some(organization) => screen.go_on_in(&organization).await,
        None => again(StatusCode::BAD_REQUEST, Problem::OrganizationUnknown),
    }
}

/// The page with the user's organizations.
pub(crate) async fn show_choice(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let screen = match open(ctx, &headers, query, OrganizationPrompt::PostLoginPrompt).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    match screen.choices(&headers).await? {
        Some((user, choices)) => Ok(choice_page(&screen, StatusCode::OK, &user, &choices)),
        None => Ok(screen.back()),
    }
}

/// The one that was chosen: only one of those that were offered counts.
pub(crate) async fn submit_choice(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    let screen = match Screen::open(ctx, &headers, &params).await? {
        Ok(screen) => screen,
        Err(page) => return Ok(*page),
    };
    let Some((user, choices)) = screen.choices(&headers).await? else { return Ok(screen.back()) };
    if pressed(&params) == Some("skip") && screen.client.serves_individuals() {
        return screen.go_on_as_individual().await;
    }
    let chosen = params.get("organization").filter(|_| params.repeated().is_none());
    match choices.iter().find(|choice| chosen == Some(choice.id.as_str())) {
        Some(organization) => screen.go_on_in(organization).await,
        None => Ok(choice_page(&screen, StatusCode::BAD_REQUEST, &user, &choices)),
    }
}

async fn open(
    ctx: Ctx,
    headers: &HeaderMap,
    query: Option<String>,
    page: OrganizationPrompt,
) -> Result<Answered<Screen>, Failure> {
    Ok(match Screen::show(ctx, headers, query).await? {
        // Nothing to ask any more: the engine knows what is due instead.
        Ok(screen) if !screen.is_due(page) => Err(Box::new(screen.back())),
        other => other,
    })
}

impl Screen {
    /// Whether the application has its users asked by this page, and the answer is still wanting: a choice that nobody asked
    /// for counts for nothing (security case 13).
    fn is_due(&self, page: OrganizationPrompt) -> bool {
        let goes_without = self.transaction.progress.as_individual && self.client.serves_individuals();
        let is_settled = self.organization.is_some() || goes_without;
        self.client.organization_prompt() == page && !is_settled
    }

    /// Who may choose, and among what; `None` where nobody is signed in or the choice was made.
    async fn choices(&self, headers: &HeaderMap) -> Result<Option<(User, Vec<Organization>)>, Failure> {
        if !self.is_due(OrganizationPrompt::PostLoginPrompt) {
            return Ok(None);
        }
        let Some((session, user)) = self.proven_session(headers).await? else { return Ok(None) };
        let choices = self.ctx.organizations_to_choose(&user.user_id, &session.connection).await?;
        Ok(Some((user, choices)))
    }

    async fn go_on_in(&self, organization: &Organization) -> Result<Response, Failure> {
        let chosen = Some(organization.id.clone());
        let progress = Progress { organization: chosen, shown: true, ..self.transaction.progress.clone() };
        self.done(progress, Batch::default()).await
    }

    async fn go_on_as_individual(&self) -> Result<Response, Failure> {
        let progress = Progress { as_individual: true, shown: true, ..self.transaction.progress.clone() };
        self.done(progress, Batch::default()).await
    }
}

fn name_page(screen: &Screen, status: StatusCode, typed: String, problem: Option<Problem>) -> Response {
    let view = NameOrganization {
        frame: screen.frame(),
        form: screen.form("/u/organization"),
        client_name: screen.client.name.clone(),
        organization: typed,
        problems: problem.into_iter().collect(),
        may_skip: screen.client.serves_individuals(),
    };
    screen.page(status, view.render(&screen.texts), PageKind::Plain)
}

fn choice_page(screen: &Screen, status: StatusCode, user: &User, choices: &[Organization]) -> Response {
    let view = ChooseOrganization {
        frame: screen.frame(),
        form: screen.form("/u/organization-picker"),
        client_name: screen.client.name.clone(),
        account: account(user),
        not_you: Some(screen.link("/u/login")),
        choices: choices
            .iter()
            .map(|choice| OrganizationChoice { id: choice.id.clone(), title: choice.title().to_owned() })
            .collect(),
        may_skip: screen.client.serves_individuals(),
    };
    screen.page(status, view.render(&screen.texts), PageKind::Plain)
}

/// Characters of a name that are read; the longest name there is has 50.
const LONGEST: usize = 100;
