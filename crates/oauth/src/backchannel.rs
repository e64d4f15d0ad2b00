//! Telling applications that a session ended (OpenID Connect Back-Channel Logout 1.0, sections 2.5 to 2.8; fact sheet 8.5). What is to
//! be told lies in the database since the session ended: any node takes it up, one at a time, also after a restart.

use std::sync::Arc;
use std::time::Duration;

use chancery_core::claims::LogoutToken;
use chancery_core::logout::Initiator;
use chancery_core::records::LogEvent;
use chancery_jose::{Typ, base64url, sha256};
use chancery_store::{Error, LogoutNotice, PreparedClient, Snapshot};
use chancery_web::{App, Ask, Post};
use secrecy::SecretString;
use serde_json::{Map, Value};
use tokio::time::MissedTickBehavior;

use crate::issue;
use crate::ping::ping_due;
use crate::telling::{self, AT_ONCE, LONGEST_ANSWER, Telling, Untold, all_due};

/// How often it is looked whether there is something to tell.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Seconds between attempts; after the last nobody is told any more.
const PAUSES: [i64; 4] = [10, 60, 300, 1800];

/// Tells applications of ends of sessions, and of answers of their users elsewhere, as long as the server runs.
pub async fn tell_of_logouts(app: Arc<App>) {
    tokio::join!(
        again_and_again(|| tell_due(&app), "ends of sessions"),
        again_and_again(|| ping_due(&app), "answers of their users"),
    );
}

async fn again_and_again<F>(tell: impl Fn() -> F, what: &str)
where
    F: Future<Output = Result<usize, Error>>,
{
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failed = false;
    loop {
        ticks.tick().await;
        match tell().await {
            Ok(_) => failed = false,
            Err(error) => {
                if !failed {
                    tracing::warn!("applications are told later of {what}: {error}");
                }
                failed = true;
            }
        }
    }
}

/// Does what is due. Answers how many notices were taken.
///
/// # Errors
/// What the database says.
pub async fn tell_due(app: &Arc<App>) -> Result<usize, Error> {
    let notices = Telling {
        due: |app: Arc<App>, now, but: Vec<String>| async move { app.store.due_notices(now, AT_ONCE, &but).await },
        take: |app: Arc<App>, notice: LogoutNotice, until| async move {
            app.store.take_notice(&notice, until).await
        },
        settle,
        whose: |notice: &LogoutNotice| notice.client_id.as_str(),
    };
    all_due(app, notices).await
}

/// Does one notice.
async fn settle(app: Arc<App>, notice: LogoutNotice) -> Result<(), Error> {
    let tenant = match app.catalog.snapshot(&notice.tenant).await {
        Ok(tenant) => tenant,
        Err(Error::Guard) => return app.store.settle_notice(&notice).await,
        Err(other) => return Err(other),
    };
    let Some(initiator) = Initiator::parse(&notice.initiator) else {
        return app.store.settle_notice(&notice).await;
    };
    if notice.client_id.is_empty() {
        let clients: Vec<&str> = notice
            .clients
            .iter()
            .map(String::as_str)
            .filter(|id| tenant.client(id).is_some_and(|client| listens(client, initiator).is_some()))
            .collect();
        return app.store.address_notice(&notice, &clients, app.clock.now()).await;
    }
    let client = tenant.client(&notice.client_id);
    let Some((client, url)) = client.and_then(|client| Some((client, listens(client, initiator)?))) else {
        return app.store.settle_notice(&notice).await;
    };
    let told = tell(&app, &tenant, client, (&notice, url)).await;
    let pause = usize::try_from(notice.attempts - 1).ok().and_then(|n| PAUSES.get(n));
    match (told, pause) {
        (Ok(()), _) => {
            log(&app, client, &notice, "oidc_backchannel_logout_succeeded", None);
            app.store.settle_notice(&notice).await
        }
        (Err(Untold { may_work_later: true, .. }), Some(pause)) => {
            app.store.postpone_notice(&notice, app.clock.now().saturating_add(*pause)).await
        }
        (Err(untold), _) => {
            log(&app, client, &notice, "oidc_backchannel_logout_failed", Some(untold.why));
            app.store.settle_notice(&notice).await
        }
    }
}

fn listens(client: &PreparedClient, initiator: Initiator) -> Option<&str> {
    client.oidc_logout.as_ref()?.listens(initiator)
}

async fn tell(
    app: &App,
    tenant: &Snapshot,
    client: &PreparedClient,
    (notice, url): (&LogoutNotice, &str),
) -> Result<(), Untold> {
    let token =
        token(app, tenant, client, notice).await.map_err(|why| Untold { why, may_work_later: true })?;
    let ask = Ask {
        url,
        authorization: None,
        post: Some(Post::Form(SecretString::from(format!("logout_token={token}")))),
        accept: "*/*",
        most: LONGEST_ANSWER,
    };
    // With 400 it understood, and refused (section 2.8).
    telling::send(app, ask, |status| status == 400).await
}

/// Signed as the application's ID tokens are: it has the key at hand.
async fn token(
    app: &App,
    tenant: &Snapshot,
    client: &PreparedClient,
    notice: &LogoutNotice,
) -> Result<String, String> {
    let key = issue::id_token_key(tenant, client).ok_or("The tenant has no signing key.")?;
    let issuer = match notice.issuer.as_str() {
        "" => first_issuer(app, &notice.tenant).await.ok_or("The tenant has no origin.")?,
        known => known.to_owned(),
    };
    let metadata = notice
        .metadata
        .as_deref()
        .filter(|_| client.oidc_logout.as_ref().is_some_and(|settings| settings.hears_metadata()))
        .and_then(|json| serde_json::from_str::<Value>(json).ok());
    let jti = jti(notice);
    // As its ID tokens name them; the request that ended several sessions' parts would tell sectors of one another.
    let subject = app.subject_for(&notice.tenant, client, &notice.user_id);
    let session_id = app.session_for(&notice.tenant, client, &notice.session_id);
    let is_pairwise = client.pairwise_sector().is_some();
    let payload = LogoutToken {
        issuer: &issuer,
        client_id: &client.client_id,
        subject: &subject,
        session_id: &session_id,
        issued_at: app.clock.now(),
        jti: &jti,
        trace_id: Some(notice.trace.as_str()).filter(|trace| !trace.is_empty() && !is_pairwise),
        session_metadata: metadata.as_ref(),
    }
    .payload();
    app.signer.sign(&key, Typ::LogoutJwt, payload).await.map_err(|error| error.to_string())
}

/// The same at each attempt, so that an application which heard and whose answer was lost knows that it heard.
fn jti(notice: &LogoutNotice) -> String {
    let LogoutNotice { tenant, session_id, client_id, initiator, ended_at, .. } = notice;
    let told = format!("{tenant}\n{session_id}\n{client_id}\n{initiator}\n{ended_at}");
    base64url(&sha256(told.as_bytes())[..16])
}

/// Where sessions of a release were that did not write it down.
async fn first_issuer(app: &App, tenant: &str) -> Option<String> {
    let tenants = app.store.tenants().await.ok()?;
    let tenant = tenants.into_iter().find(|known| known.id == tenant)?;
    let origin = tenant.origins.first()?.trim_end_matches('/').to_owned();
    Some(format!("{origin}/"))
}

fn log(app: &App, client: &PreparedClient, notice: &LogoutNotice, kind: &str, why: Option<String>) {
    let details = [
        ("session_id", Value::from(notice.session_id.as_str())),
        ("initiator", notice.initiator.as_str().into()),
        ("trace_id", notice.trace.as_str().into()),
        ("attempts", notice.attempts.into()),
    ];
    let event = LogEvent {
        kind: kind.to_owned(),
        description: why,
        client_id: Some(client.client_id.clone()),
        client_name: Some(client.name.clone()),
        user_id: Some(notice.user_id.clone()),
        details: Map::from_iter(details.map(|(name, value)| (name.to_owned(), value))),
        ..LogEvent::default()
    };
    app.log(&notice.tenant, event);
}
