//! Passwords that are to be: everything that the connection asks of one, for whoever sets it.

use chancery_connect::HashError;
use chancery_connect::password_policy::{self, Rule};
use chancery_core::model::Connection;
use chancery_core::oauth::OAuthError;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{Ctx, Failure, Stage};

/// Why a password cannot be used.
#[derive(Debug)]
pub enum Unfit {
    /// Too weak; the rules with what it meets.
    Weak(Vec<Rule>),
    /// It holds something that everybody knows about the user.
    OwnName,
    /// It is in the dictionary.
    Common,
    /// The world knows it.
    Leaked,
    /// It is one of so many that the user had last.
    Used(usize),
    /// It is longer than passwords may be.
    TooLong,
}

/// Whose password it will be.
pub struct Whose<'a> {
    /// The user, if there is one yet.
    pub user_id: Option<&'a str>,
    /// Where it is looked up among those that the world knows, if anywhere.
    pub stage: Option<Stage>,
    /// Names and addresses, in which it is not looked for where the list is empty.
    pub names: Vec<&'a str>,
}

impl Ctx {
    /// The hash of a password, or why it cannot be used. What is quick to judge comes first.
    ///
    /// # Errors
    /// When the database is away or too many passwords wait.
    pub async fn new_password(
        &self,
        connection: &Connection,
        password: SecretString,
        whose: &Whose<'_>,
    ) -> Result<Result<String, Unfit>, Failure> {
        let options = connection.settings();
        let text = password.expose_secret();
        let rules = password_policy::check(text, &options.strength());
        if !password_policy::is_strong(&rules) {
            return Ok(Err(Unfit::Weak(rules)));
        }
        if password_policy::contains_user_info(text, whose.names.iter().copied()) {
            return Ok(Err(Unfit::OwnName));
        }
        if options.dictionary().is_some_and(|own| password_policy::is_common(text, &own)) {
            return Ok(Err(Unfit::Common));
        }
        if let Some(stage) = whose.stage
            && self.refuses_known_new_password(stage, connection, &password).await
        {
            return Ok(Err(Unfit::Leaked));
        }
        let remembered = options.remembered_passwords();
        if let Some(user_id) = whose.user_id.filter(|_| remembered > 0)
            && self.was_used(connection, user_id, &password, remembered).await?
        {
            return Ok(Err(Unfit::Used(remembered)));
        }
        match self.app.hasher.hash(password).await {
            Ok(hash) => Ok(Ok(hash)),
            Err(HashError::Busy(_)) => Err(OAuthError::Unavailable.into()),
            Err(HashError::TooLong) => Ok(Err(Unfit::TooLong)),
        }
    }

    async fn was_used(
        &self,
        connection: &Connection,
        user_id: &str,
        password: &SecretString,
        remembered: usize,
    ) -> Result<bool, Failure> {
        let (store, tenant) = (&self.app.store, &self.tenant.tenant);
        // Each takes as long as many sign-ins: they wait for each other rather than let sign-ins wait.
        let _turn = self.app.history_checks.try_acquire().map_err(|_| OAuthError::Unavailable)?;
        for hash in store.last_passwords(tenant, user_id, &connection.name, remembered).await? {
            let judged = self.app.hasher.verify(&hash, password.clone()).await;
            if judged.map_err(|_| OAuthError::Unavailable)?.ok {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
