//! Telling applications that their user answered (OpenID CIBA Core 1.0, section 10.2). What is to be told lies in the database since
//! the answer: any node takes it up, one at a time, also after a restart. It says that there is an answer and not which: the
//! application asks for that with what it proves itself with.

use std::sync::Arc;

use chancery_core::model::PING;
use chancery_store::{Error, Ping, PreparedClient};
use chancery_web::{App, Ask, FetchError, Post};
use secrecy::SecretString;
use serde_json::json;
use tokio::task::JoinSet;

/// Pings taken at once.
const AT_ONCE: i64 = 16;
/// Seconds a node has one to itself: longer than a fetch takes.
const OWN: i64 = 30;
/// Seconds between attempts; after the last the application has to ask by itself.
const PAUSES: [i64; 3] = [5, 20, 60];
/// The answer says nothing that is read.
const LONGEST_ANSWER: usize = 4096;

/// Tells what is due. Answers how many were taken.
///
/// # Errors
/// What the database says.
pub async fn ping_due(app: &Arc<App>) -> Result<usize, Error> {
    let mut count = 0;
    loop {
        let now = app.clock.now();
        let due = app.store.due_pings(now, AT_ONCE).await?;
        if due.is_empty() {
            return Ok(count);
        }
        let mut telling = JoinSet::new();
        for ping in due {
            match app.store.take_ping(&ping, now.saturating_add(OWN)).await {
                Ok(mine) => {
                    count += 1;
                    telling.spawn(settle(Arc::clone(app), mine));
                }
                // Another node has it.
                Err(Error::Guard) => {}
                Err(other) => return Err(other),
            }
        }
        while let Some(told) = telling.join_next().await {
            match told {
                Ok(Ok(()) | Err(Error::Guard)) => {}
                Ok(Err(other)) => return Err(other),
                Err(error) => tracing::error!("telling of an answer failed: {error}"),
            }
        }
    }
}

async fn settle(app: Arc<App>, ping: Ping) -> Result<(), Error> {
    let tenant = match app.catalog.snapshot(&ping.tenant).await {
        Ok(tenant) => tenant,
        Err(Error::Guard) => return app.store.settle_ping(&ping).await,
        Err(other) => return Err(other),
    };
    // Where it is told is what the application says now.
    let endpoint = tenant.client(&ping.client_id).and_then(|client| endpoint(client));
    let Some(endpoint) = endpoint.filter(|_| ping.ends_at > app.clock.now()) else {
        return app.store.settle_ping(&ping).await;
    };
    let pause = usize::try_from(ping.attempts - 1).ok().and_then(|n| PAUSES.get(n));
    match (tell(&app, &ping, endpoint).await, pause) {
        (Ok(()), _) => app.store.settle_ping(&ping).await,
        (Err(untold), Some(pause)) if untold.may_work_later => {
            app.store.postpone_ping(&ping, app.clock.now().saturating_add(*pause)).await
        }
        (Err(untold), _) => {
            let (client_id, why) = (&ping.client_id, untold.why);
            tracing::warn!(
                tenant = ping.tenant,
                client_id,
                "application {client_id} is not told of an answer: {why}"
            );
            app.store.settle_ping(&ping).await
        }
    }
}

/// Where the application wants to be told, if it does.
pub(crate) fn endpoint(client: &PreparedClient) -> Option<&str> {
    let openid = client.openid.as_ref()?;
    let mode = openid.backchannel_token_delivery_mode.as_deref();
    openid.backchannel_client_notification_endpoint.as_deref().filter(|_| mode == Some(PING))
}

/// Why an application does not know.
struct Untold {
    why: String,
    may_work_later: bool,
}

async fn tell(app: &App, ping: &Ping, endpoint: &str) -> Result<(), Untold> {
    let secrets = app.store.open_ping(ping);
    let secrets = secrets.map_err(|error| Untold { why: error.to_string(), may_work_later: false })?;
    let body = json!({ "auth_req_id": *secrets.auth_req_id }).to_string();
    let ask = Ask {
        url: endpoint,
        authorization: Some(SecretString::from(format!("Bearer {}", *secrets.token))),
        post: Some(Post::Json(body.into())),
        accept: "*/*",
        most: LONGEST_ANSWER,
    };
    match app.fetcher.ask(ask).await {
        Ok(reply) if (200..300).contains(&reply.status) => Ok(()),
        Ok(reply) => Err(Untold {
            why: format!("it answered with status {}", reply.status),
            may_work_later: reply.status >= 500 || reply.status == 429,
        }),
        Err(error) => Err(Untold {
            why: error.to_string(),
            may_work_later: !matches!(error, FetchError::Url | FetchError::Redirect),
        }),
    }
}
