//! Origins of a tenant that is there already: another port than last time, or a second process beside the first.

use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use chancery_core::dashboard;
use chancery_core::model::Client;
use chancery_store::{Change, Error, Kind, Origin, Store};
use chancery_web::App;

use crate::assemble::DEMO_TENANT;
use crate::seed::{CALLBACK_PAGE, DemoClients};

/// Adds `origins` to the demo tenant, and the callback pages to its applications. Origins where nobody answers any more
/// are left out; those of another living process stay.
///
/// # Errors
/// In a sentence for the person at the terminal.
pub async fn adopt(store: &Store, origins: &[String], clients: &DemoClients) -> Result<()> {
    let tenants = store.tenants().await?;
    let tenant = tenants.iter().find(|tenant| tenant.id == DEMO_TENANT);
    let known = &tenant.context("the demo tenant is gone")?.origins;
    if origins.iter().all(|origin| known.contains(origin)) {
        return Ok(());
    }
    let (mut kept, mut gone) = (origins.to_vec(), Vec::new());
    for origin in known.iter().filter(|origin| !origins.contains(origin)) {
        let list = if is_dead(origin) { &mut gone } else { &mut kept };
        list.push(origin.clone());
    }
    let set = store.set_origins(DEMO_TENANT, &kept).await;
    set.with_context(|| format!("{} cannot be origins of the demo tenant", origins.join(" and ")))?;
    let moved = Moved { new: origins, gone: &gone };
    let playground = [CALLBACK_PAGE, dashboard::PLAYGROUND_CALLBACK];
    follow(store, &clients.spa.client_id, moved, (&playground, "/dev")).await?;
    follow(store, &clients.web.client_id, moved, (&[CALLBACK_PAGE], "/dev")).await?;
    follow(store, dashboard::CLIENT_ID, moved, (&[dashboard::PATH], dashboard::PATH)).await?;
    Ok(())
}

/// Adopts again whenever the tenant no longer has `origins`: of two processes that begin at once, the second to write does
/// not know of the first. Ends with the process.
pub async fn keep_adopted(app: Arc<App>, origins: Vec<String>, clients: DemoClients) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        let known = |origin: &String| {
            let parsed = Origin::parse(origin);
            parsed.is_none_or(|parsed| app.catalog.tenant_by_host(&parsed.authority).is_some())
        };
        if origins.iter().all(known) {
            continue;
        }
        if let Err(error) = adopt(&app.store, &origins, &clients).await {
            tracing::warn!("{error:#}");
        }
    }
}

/// Nobody listens there. In doubt somebody does.
fn is_dead(origin: &str) -> bool {
    let Some(parsed) = Origin::parse(origin) else { return true };
    let has_port = parsed.authority.rsplit(']').next().is_some_and(|tail| tail.contains(':'));
    let default = if parsed.secure { ":443" } else { ":80" };
    let address = format!("{}{}", parsed.authority, if has_port { "" } else { default });
    let Ok(addresses) = address.to_socket_addrs() else { return false };
    let refused = |error: std::io::Error| error.kind() == ErrorKind::ConnectionRefused;
    addresses.into_iter().all(|address| TcpStream::connect_timeout(&address, PATIENCE).is_err_and(refused))
}

const PATIENCE: Duration = Duration::from_millis(100);

/// Origins that came and went.
#[derive(Clone, Copy)]
struct Moved<'a> {
    new: &'a [String],
    gone: &'a [String],
}

/// The lists of an application that name origins, and its pages at them: where it is called back, and where people are
/// after logging out. Whoever edits it at the same time wins.
async fn follow(
    store: &Store,
    client_id: &str,
    Moved { new, gone }: Moved<'_>,
    (callbacks, logged_out): (&[&str], &str),
) -> Result<()> {
    let Some(stored) = store.doc(DEMO_TENANT, Kind::Client, client_id).await? else { return Ok(()) };
    let mut client: Client = serde_json::from_str(&stored.json)?;
    replace(&mut client.callbacks, new, gone, callbacks);
    replace(&mut client.web_origins, new, gone, &[""]);
    replace(&mut client.allowed_origins, new, gone, &[""]);
    replace(&mut client.allowed_logout_urls, new, gone, &[logged_out, ""]);
    let json = serde_json::to_string(&client)?;
    let change = Change::new(DEMO_TENANT).update(Kind::Client, client_id, None, json, stored.rev);
    match store.apply(change).await {
        Ok(_) | Err(Error::Guard) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// These pages of the origins that went make room for those of the new ones.
fn replace(list: &mut Option<Vec<String>>, new: &[String], gone: &[String], pages: &[&str]) {
    let Some(list) = list else { return };
    let all = |origins: &[String]| -> Vec<String> {
        origins.iter().flat_map(|origin| pages.iter().map(move |page| format!("{origin}{page}"))).collect()
    };
    let (new, gone) = (all(new), all(gone));
    list.retain(|url| !gone.contains(url) && !new.contains(url));
    list.splice(0..0, new);
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_port_where_nobody_listens_is_dead() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://127.0.0.1:{}", socket.local_addr().unwrap().port());
        assert!(!is_dead(&origin));
        drop(socket);
        assert!(is_dead(&origin));
        assert!(!is_dead("http://nowhere.invalid:4000"), "in doubt it stays");
    }

    #[test]
    fn lists_follow() {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let mut list = Some(texts(&["http://a:1/dev/callback", "http://b:1/dev/callback", "http://own"]));
        replace(&mut list, &texts(&["http://c:1"]), &texts(&["http://a:1"]), &["/dev/callback"]);
        let expected = ["http://c:1/dev/callback", "http://b:1/dev/callback", "http://own"];
        assert_eq!(list, Some(texts(&expected)));
        replace(&mut None, &[], &[], &["/dev/callback"]);
    }
}
