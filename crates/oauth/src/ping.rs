//! Telling applications that their user answered (OpenID CIBA Core 1.0, section 10.2). What is to be told lies in the database since
//! the answer: any node takes it up, one at a time, also after a restart. It says that there is an answer and not which: the
//! application asks for that with what it proves itself with.

use std::sync::Arc;

use chancery_core::model::PING;
use chancery_store::{Error, Ping, PreparedClient};
use chancery_web::{App, Ask, Post};
use secrecy::SecretString;
use serde_json::json;

use crate::telling::{self, AT_ONCE, LONGEST_ANSWER, Telling, Untold, all_due};

/// Seconds between attempts; after the last the application has to ask by itself.
const PAUSES: [i64; 3] = [5, 20, 60];

/// Tells what is due. Answers how many were taken.
///
/// # Errors
/// What the database says.
pub async fn ping_due(app: &Arc<App>) -> Result<usize, Error> {
    let pings = Telling {
        due: |app: Arc<App>, now, but: Vec<String>| async move { app.store.due_pings(now, AT_ONCE, &but).await },
        take: |app: Arc<App>, ping: Ping, until| async move { app.store.take_ping(&ping, until).await },
        settle,
        whose: |ping: &Ping| ping.client_id.as_str(),
    };
    all_due(app, pings).await
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
    telling::send(app, ask, |status| status < 500 && status != 429).await
}
