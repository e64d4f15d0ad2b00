//! Codes by mail as a second factor, for whoever has another one and not at hand. The mailbox is known to be theirs.

use chancery_core::ids;
use chancery_core::markup::escaped;
use chancery_core::second_factor::{EMAIL, MailedCode};
use chancery_core::webauthn::method_id;
use chancery_db::Batch;

use crate::mail_text::one_line;
use crate::{Failure, Mail, Proof, SecondFactorsOf, hosted};

/// The page that asks for the code.
pub const SHOW_MAILED: &str = "/u/mfa-email-challenge";
const DIGITS: usize = 6;
const TEMPLATE: &str = "mfa_oob_code";

impl SecondFactorsOf<'_> {
    /// Where codes are mailed to: an address that is proven, of somebody who has another factor.
    pub fn mailed_to(&self) -> Option<&str> {
        let is_on = self.ctx.tenant.second_factors.email && self.are_enrolled();
        let is_proven = self.user.email_verified == Some(true);
        self.user.email.as_deref().filter(|_| is_on && is_proven && !self.ctx.is_mail_off(TEMPLATE))
    }

    /// The id by which `/mfa/*` speaks of it; it is there wherever an address is.
    pub fn mail_method_id(&self) -> String {
        method_id(EMAIL, self.user.user_id.as_bytes())
    }

    /// Mails a code for this session or sign-in, and gives what is to be kept of it. `None` where there is no address, or too many
    /// mails went there of late.
    pub fn mail_factor(&self, whose: &str) -> Option<MailedCode> {
        let email = self.mailed_to().filter(|email| self.ctx.may_mail(email))?;
        let code = ids::drawn(&*self.ctx.app.rng, b"0123456789", DIGITS);
        let name = one_line(hosted::tenant_name(self.ctx), 100);
        let rest = "If you did not ask for it, somebody knows your password: choose another one.";
        let standard = Mail {
            to: email.to_owned(),
            template: TEMPLATE,
            from: None,
            route: None,
            subject: format!("Your code for {name}: {code}"),
            text: format!("Your code is {code}\n\n{rest}\n"),
            html: format!("<p>Your code for {} is <strong>{code}</strong></p><p>{rest}</p>", escaped(&name)),
        };
        let (given, shown) = (self.ctx.spoken_of(self.user, None, ""), code.clone());
        self.ctx.post(standard, move || {
            let mut given = given();
            given.insert("code".to_owned(), shown.into());
            given
        });
        self.log("gd_send_email", "A code was mailed as second factor");
        Some(MailedCode::of(&code, email, whose, self.ctx.now()))
    }

    /// Tries a code that was mailed for this session or sign-in. What ends the code is to be committed with the proof.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn try_mailed(
        &self,
        kept: Option<&MailedCode>,
        typed: &str,
        whose: &str,
    ) -> Result<Proof, Failure> {
        if self.is_tried_too_often().await? {
            return Ok(Proof::TooMany);
        }
        let now = self.ctx.now();
        let fits = |email: &str| kept.is_some_and(|kept| kept.is(typed, email, whose, now));
        Ok(match self.mailed_to().is_some_and(fits) {
            true => Proof::Good(Batch::default().and(self.forget_tries())),
            false => self.wrong("gd_auth_failed", "Invalid mailed code"),
        })
    }
}
