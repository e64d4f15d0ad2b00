//! `chancery init`: a tenant that can be administered.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chancery_core::{Clock, Rng};
use chancery_store::Origin;
use secrecy::ExposeSecret;
use serde_json::json;

use super::{Environment, storage};
use crate::cli::InitArgs;
use crate::clock::SystemClock;
use crate::keys::FirstKeys;
use crate::output::Output;
use crate::rng::SystemRng;
use crate::seed::{self, DemoClients, Seed, Seeding, management_scopes, random_management};

pub(super) async fn run(args: InitArgs, environment: &Environment, out: &mut Output) -> Result<ExitCode> {
    let origins: Vec<String> = args.origin.iter().map(|text| origin(text)).collect::<Result<_>>()?;
    let settings = storage::settings(args.storage, environment)?;
    let store = storage::connect_or_create(&settings).await?;
    store.migrate().await?;
    let tenants = store.tenants().await?;
    // One master key for the whole database: `serve` has one.
    storage::require_master_key(&store, &tenants).await?;
    for tenant in tenants {
        if tenant.id == args.tenant
            && store.docs_count(&tenant.id, chancery_store::Kind::SigningKey).await? > 0
        {
            bail!("there is a tenant {} already; nothing was changed", tenant.id);
        }
        if let Some(taken) = tenant.origins.iter().find(|it| tenant.id != args.tenant && origins.contains(it))
        {
            bail!("{taken} is an origin of tenant {} already; nothing was changed", tenant.id);
        }
    }
    let rng: Arc<dyn Rng> = Arc::new(SystemRng::default());
    let keys = FirstKeys::make(&rng).await?;
    let management = random_management(&*rng);
    let clients = DemoClients::only(management);
    let seeding = Seeding {
        store: &store,
        rng: &*rng,
        now_ms: SystemClock.now_ms(),
        tenant: &args.tenant,
        origins: &origins,
        clients: &clients,
        scopes: &management_scopes(),
    };
    seeding.first(Seed::Fresh, seed::FirstKeys::from(&keys)).await?;
    store.close().await;
    report(&args.tenant, &origins, &clients, out)?;
    Ok(ExitCode::SUCCESS)
}

fn report(tenant: &str, origins: &[String], clients: &DemoClients, out: &mut Output) -> Result<()> {
    let client_id = &clients.management.client_id;
    let secret = clients.management.client_secret.as_ref().map_or("", |secret| secret.expose_secret());
    let url = origins.first().map_or("", String::as_str);
    if out.json {
        let issuers: Vec<_> = origins.iter().map(|origin| format!("{origin}/")).collect();
        let body =
            json!({ "tenant": tenant, "issuers": issuers, "client_id": client_id, "client_secret": secret });
        return out.value(&body);
    }
    out.say(&format!("The tenant {tenant} is ready. Its management application, shown this once:\n"));
    out.line(&format!("CHANCERY_URL={url}"))?;
    out.line(&format!("CHANCERY_CLIENT_ID={client_id}"))?;
    out.line(&format!("CHANCERY_CLIENT_SECRET={secret}"))?;
    out.say("\nWith these in the environment: chancery api list");
    Ok(())
}

/// Without a slash at the end, in lower case.
fn origin(text: &str) -> Result<String> {
    let origin = Origin::parse(text);
    Ok(origin.with_context(|| format!("{text} is no origin; one looks like https://login.example"))?.base)
}
