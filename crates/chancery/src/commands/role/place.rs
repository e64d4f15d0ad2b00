//! Where a role is held: everywhere, or, with `--organization`, within an organization alone.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::commands::user::{called, text};
use crate::management::{Management, path};
use crate::output::printable;

/// One of the two; the organization as the server shows it.
pub(super) struct Place(Option<Value>);

impl Place {
    /// The organization of this id or name, or everywhere.
    ///
    /// # Errors
    /// Where there is no such organization, or the server cannot be asked.
    pub(super) async fn of(management: &Management, organization: Option<&str>) -> Result<Self> {
        let Some(named) = organization else { return Ok(Self(None)) };
        let address = match named.starts_with("org_") {
            true => path("organizations", named),
            false => path("organizations/name", named),
        };
        let found = management.get(&address).await;
        found
            .map(|organization| Self(Some(organization)))
            .with_context(|| format!("the organization {named}"))
    }

    /// The address of the roles that the user holds there.
    pub(super) fn roles(&self, user: &Value) -> String {
        let people = match &self.0 {
            Some(organization) => format!("organizations/{}/members", text(organization, "id")),
            None => "users".to_owned(),
        };
        format!("{}/roles", path(&people, &text(user, "user_id")))
    }

    /// For the end of a sentence: ` in acme`, or nothing.
    pub(super) fn words(&self) -> String {
        self.0.as_ref().map(|organization| format!(" in {}", name(organization))).unwrap_or_default()
    }

    /// Whether the user can be given something there.
    ///
    /// # Errors
    /// Where they are no member, or the server cannot be asked.
    pub(super) async fn admits(&self, management: &Management, user: &Value) -> Result<()> {
        let Some(organization) = &self.0 else { return Ok(()) };
        let theirs = format!("{}/organizations", path("users", &text(user, "user_id")));
        let theirs = management.list(&theirs).await?;
        match theirs.iter().any(|theirs| theirs["id"] == organization["id"]) {
            true => Ok(()),
            false => bail!("{} is no member of {}; nothing was changed", called(user), name(organization)),
        }
    }
}

fn name(organization: &Value) -> String {
    printable(&text(organization, "name"))
}
