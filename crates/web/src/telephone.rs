//! Text messages and calls, by Twilio.

use std::sync::Arc;

use chancery_core::phone::{PhoneError, PhoneMessage, TwilioAccount, twilio_answer};
use chancery_core::{Delivery, Telephone};
use chancery_jose::base64;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{Ask, Fetcher, Post};

/// Hands messages to Twilio, with the account of whoever sends them.
#[derive(Debug)]
pub struct Twilio {
    fetcher: Arc<Fetcher>,
    url: String,
}

impl Twilio {
    /// Calls this address, which is the operator's to choose, by the one guarded way out.
    pub fn new(fetcher: Arc<Fetcher>, url: String) -> Self {
        Self { fetcher, url }
    }

    async fn post(&self, account: &TwilioAccount, message: &PhoneMessage) -> Result<(), PhoneError> {
        let request = account.request(message)?;
        let pair = format!("{}:{}", account.sid, account.auth_token.expose_secret());
        let ask = Ask {
            url: &format!("{}{}", self.url, request.path),
            authorization: Some(SecretString::from(format!("Basic {}", base64(pair.as_bytes())))),
            post: Some(Post::Form(SecretString::from(request.form))),
            accept: "application/json",
            most: LONGEST,
        };
        let reply = self.fetcher.ask(ask).await;
        let reply = reply.map_err(|error| PhoneError::Unreachable(error.to_string()))?;
        twilio_answer(reply.status, &reply.body)
    }
}

/// Bytes of the longest answer that is read.
const LONGEST: usize = 64 << 10;

impl Telephone for Twilio {
    fn deliver<'a>(&'a self, account: &'a TwilioAccount, message: &'a PhoneMessage) -> Delivery<'a> {
        Box::pin(self.post(account, message))
    }
}
