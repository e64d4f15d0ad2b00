//! `chancery user password`.

use anyhow::{Context, Result};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{called, found, text};
use crate::cli::UserPassword;
use crate::commands::password;
use crate::management::{Management, path};
use crate::output::Output;
use crate::rng::SystemRng;

pub(super) async fn run(args: UserPassword, out: &mut Output) -> Result<()> {
    let management = Management::connect(args.server).await?;
    let user = found(&management, &args.user).await?;
    let id = text(&user, "user_id");
    let connection = connection(&user).with_context(|| {
        format!("{} has no password here: they sign in through {}", called(&user), signs_in_by(&user))
    })?;
    if args.password.mail {
        let email = user["email"].as_str().with_context(|| format!("{} has no address", called(&user)))?;
        management.mail_reset_link(connection, email).await?;
        out.say(&format!("A link to choose a new password is on its way to {}.", called(&user)));
        return Ok(());
    }
    if args.password.link {
        let link = link(&management, &id).await?;
        out.one(&json!({ "user_id": id, "link": link }), &[("Link", link)])?;
        out.say("Whoever opens it within five days chooses the password: hand it to nobody else.");
        return Ok(());
    }
    let new = password::ask(args.password.password_stdin, &SystemRng::default())?;
    let body = json!({ "password": new.text.expose_secret(), "connection": connection });
    management.patch(&path("users", &id), &body).await?;
    if new.is_generated {
        let text = new.text.expose_secret().to_owned();
        out.one(&json!({ "user_id": id, "password": text }), &[("Password", text)])?;
        out.say("The password is shown this once.");
    }
    out.say(&format!("{} has a new password, and is signed out everywhere.", called(&user)));
    Ok(())
}

/// The page with which a user chooses a password, for whoever hands it on.
pub(super) async fn link(management: &Management, id: &str) -> Result<String> {
    let ticket = management.post("/tickets/password-change", &json!({ "user_id": id })).await?;
    Ok(text(&ticket, "ticket"))
}

/// The database that holds the password.
fn connection(user: &Value) -> Option<&str> {
    let mut identities = user["identities"].as_array()?.iter();
    identities.find(|identity| identity["provider"] == "auth0")?["connection"].as_str()
}

fn signs_in_by(user: &Value) -> String {
    let identities = user["identities"].as_array().into_iter().flatten();
    identities.map(|identity| text(identity, "connection")).collect::<Vec<_>>().join(", ")
}
