//! `chancery user create`.

use anyhow::{Context, Error, Result, bail};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::password::link;
use super::{called, name, text};
use crate::cli::UserCreate;
use crate::commands::password::{self, Password};
use crate::commands::role;
use crate::management::{Management, path};
use crate::output::Output;
use crate::rng::SystemRng;
use crate::seed::CONNECTION;

pub(super) async fn run(args: UserCreate, out: &mut Output) -> Result<()> {
    let management = Management::connect(args.server.clone()).await?;
    // What can be wrong is looked at before anybody types a password.
    let roles = role::ids(&management, &args.role).await?;
    let connection = connection(&management, args.connection.as_deref()).await?;
    let rng = SystemRng::default();
    let chooses = args.password.mail || args.password.link;
    let password = match chooses {
        true => password::made_up(&rng),
        false => password::ask(args.password.password_stdin, &rng)?,
    };
    let user = management.post("/users", &body(&args, &connection, &password)).await?;
    let id = text(&user, "user_id");
    if !roles.is_empty() {
        let given =
            management.post(&format!("{}/roles", path("users", &id)), &json!({ "roles": roles })).await;
        if let Err(error) = given {
            return Err(undone(&management, &id, error.context("the roles")).await);
        }
    }
    if args.password.mail {
        let mailed = management.mail_reset_link(&connection, &text(&user, "email")).await;
        mailed.with_context(|| format!("{} is made, but gets no mail", called(&user)))?;
    }
    let link = match args.password.link {
        true => Some(link(&management, &id).await.with_context(|| format!("{} is made", called(&user)))?),
        false => None,
    };
    let told = Some(password.text.expose_secret().to_owned()).filter(|_| password.is_generated && !chooses);
    report(user, &args.role, told, link, out)?;
    if args.password.link {
        out.say("Whoever opens the link within five days chooses the password: hand it to nobody else.");
    }
    if args.password.mail {
        out.say("A link to choose a password is on its way to them.");
    }
    Ok(())
}

fn body(args: &UserCreate, connection: &str, password: &Password) -> Value {
    let mut body = json!({
        "connection": connection,
        "email": args.email,
        "password": password.text.expose_secret(),
        "email_verified": args.verified,
        // The link of --mail proves the address as well.
        "verify_email": !args.verified && !args.password.mail,
    });
    for (name, text) in [("name", &args.name), ("username", &args.username)] {
        if let Some(text) = text {
            body[name] = json!(text);
        }
    }
    body
}

fn report(
    mut user: Value,
    roles: &[String],
    password: Option<String>,
    link: Option<String>,
    out: &mut Output,
) -> Result<()> {
    let mut lines = vec![("Address", text(&user, "email"))];
    lines.extend([
        ("User name", text(&user, "username")),
        ("Name", name(&user)),
        ("ID", text(&user, "user_id")),
        ("Roles", roles.join(", ")),
    ]);
    let is_shown_once = password.is_some();
    for (label, member, secret) in [("Password", "password", password), ("Link", "link", link)] {
        if let Some(secret) = secret {
            user[member] = json!(secret);
            lines.push((label, secret));
        }
    }
    lines.retain(|(_, text)| !text.is_empty());
    out.one(&user, &lines)?;
    if is_shown_once {
        out.say("The password is shown this once.");
    }
    Ok(())
}

/// The name of the database.
async fn connection(management: &Management, named: Option<&str>) -> Result<String> {
    if let Some(name) = named {
        return Ok(name.to_owned());
    }
    let all = management.list("/connections?strategy=auth0").await?;
    let names: Vec<_> = all.iter().map(|connection| text(connection, "name")).collect();
    match names.as_slice() {
        [only] => Ok(only.clone()),
        [] => bail!("there is no database of users"),
        names if names.iter().any(|name| name == CONNECTION) => Ok(CONNECTION.to_owned()),
        names => bail!("say with --connection which database of users: {}", names.join(", ")),
    }
}

/// Somebody without the roles that were asked for is not who was asked for.
async fn undone(management: &Management, id: &str, why: Error) -> Error {
    match management.delete(&path("users", id)).await {
        Ok(_) => why.context("no user was made"),
        Err(error) => why.context(format!("the user {id} was made, and cannot be deleted again ({error:#})")),
    }
}
