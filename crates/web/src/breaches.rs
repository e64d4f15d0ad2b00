//! Passwords that are known to the world: what is done where somebody signs in with one, or wants one.

use chancery_connect::is_breached_in;
use chancery_core::attack::Shield;
use chancery_core::model::{Connection, User};
use chancery_core::records::{LogEvent, Ticket};
use secrecy::{ExposeSecret as _, SecretString};

use crate::mailed_links::RESET_PASSWORD;
use crate::{Ctx, Failure};

/// Where a password is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Where an account is made.
    SignUp,
    /// Where a new password is chosen.
    Reset,
}

impl Ctx {
    /// Whether a password that was right is to be refused because the world knows it. Only who showed it learns this.
    ///
    /// # Errors
    /// When the database is away.
    pub(crate) async fn refuses_known_password(
        &self,
        connection: &Connection,
        user: &User,
        password: &SecretString,
    ) -> Result<bool, Failure> {
        let settings = &self.tenant.attack_protection.breached;
        if !settings.watches_sign_in() || !self.is_breached(password).await {
            return Ok(false);
        }
        self.log_breach("pwd_leak", connection, Some(user));
        if settings.shields.contains(&Shield::UserNotification) {
            self.mail_breach(connection, user).await?;
        }
        Ok(settings.shields.contains(&Shield::Block))
    }

    /// Whether a password that is to be is refused because the world knows it.
    pub(crate) async fn refuses_known_new_password(
        &self,
        stage: Stage,
        connection: &Connection,
        password: &SecretString,
    ) -> bool {
        let settings = &self.tenant.attack_protection.breached;
        let (shields, event) = match stage {
            Stage::SignUp => (settings.at_sign_up(), "signup_pwd_leak"),
            Stage::Reset => (settings.at_reset(), "reset_pwd_leak"),
        };
        let Some(shields) = shields else { return false };
        if !self.is_breached(password).await {
            return false;
        }
        self.log_breach(event, connection, None);
        shields.contains(&Shield::Block)
    }

    /// A list that cannot be read keeps nobody out; the log says so.
    async fn is_breached(&self, password: &SecretString) -> bool {
        let (file, password) = (self.app.config.breached_passwords.clone(), password.clone());
        let looked =
            tokio::task::spawn_blocking(move || is_breached_in(file.as_deref(), password.expose_secret()));
        match looked.await {
            Ok(Ok(is_breached)) => is_breached,
            Ok(Err(error)) => {
                tracing::error!("the list of breached passwords cannot be read: {error}");
                false
            }
            Err(_) => false,
        }
    }

    fn log_breach(&self, kind: &str, connection: &Connection, user: Option<&User>) {
        self.log(LogEvent {
            kind: kind.to_owned(),
            description: Some("The password is on a list of breached passwords.".to_owned()),
            connection: Some(connection.name.clone()),
            user_id: user.map(|user| user.user_id.clone()),
            user_name: user.and_then(|user| user.email.clone().or_else(|| user.username.clone())),
            ..LogEvent::default()
        });
    }

    /// Tells the user, with a link to choose another password.
    async fn mail_breach(&self, connection: &Connection, user: &User) -> Result<(), Failure> {
        let Some(address) = user.email.clone() else { return Ok(()) };
        if self.is_mail_off("stolen_credentials") || !self.may_mail(&address) {
            return Ok(());
        }
        let ticket = Ticket {
            purpose: RESET_PASSWORD.to_owned(),
            user_id: user.user_id.clone(),
            connection: connection.name.clone(),
            email: address,
            expires_at: self.now() + self.link_lifetime("stolen_credentials", 3600),
            ..Ticket::default()
        };
        self.mail_link(user, &ticket, "breach", "reset-verify").await
    }
}
