//! What the server itself says in mails about accounts; a tenant may say it in its own words (`tenant_mail`).

use std::net::{IpAddr, Ipv4Addr};

use chancery_core::markup::escaped;
use chancery_core::model::User;
use chancery_core::records::Invitation;
use serde_json::{Map, Value, json};

use crate::mail_text::one_line;
use crate::{Ctx, Mail, Rate};

/// Characters of a name in a subject.
const MOST: usize = 100;
/// Questions to one address: 60 at once, four a minute. Those who ask are applications of the tenant that proved who they are, and
/// whoever gets no mail cannot answer.
const QUESTIONS: Rate = Rate { name: "questions", burst: 60, every: 15 };

impl Ctx {
    /// The link that somebody asked for (`reset`, `verify`), or has to be told of (`blocked`, `breach`, `enrolment`).
    pub(crate) fn message(&self, to: String, kind: &str, link: &str) -> Mail {
        let name = self.tenant.settings.friendly_name.as_deref().unwrap_or("Chancery");
        let (template, subject, line) = match kind {
            "reset" => (
                "reset_email",
                "Choose a new password",
                "Somebody, we hope you, asked for a new password. Choose it here:",
            ),
            "blocked" => (
                "blocked_account",
                "Your account is blocked",
                "Somebody tried to sign in to your account with wrong passwords, and it is blocked where they did. If it was \
                 you, unblock it here:",
            ),
            "breach" => (
                "stolen_credentials",
                "Choose another password",
                "Your password is on a list of passwords that the world knows, so others may sign in with it. Choose another \
                 one here:",
            ),
            "enrolment" => (
                "enrollment_email",
                "Secure your account",
                "You can now set up a second step for logging in. Set it up here:",
            ),
            _ => ("verify_email", "Confirm your email address", "Please confirm that this address is yours:"),
        };
        let rest = match kind {
            "enrolment" => "The link is good once. Do not give it to anybody.",
            "breach" => "Until then you may not be able to sign in.",
            _ => "If it was not you, nothing happens unless the link is opened.",
        };
        Mail {
            to,
            template,
            from: None,
            route: None,
            subject: format!("{subject} - {}", one_line(name, MOST)),
            text: format!("{line}\n\n{link}\n\n{rest}\n"),
            // The link is made of our origin and URL-safe characters; the rest is ours.
            html: format!("<p>{line}</p><p><a href=\"{link}\">{subject}</a></p><p>{rest}</p>"),
        }
    }

    /// Sends an invitation to an organization, named by `title`.
    pub fn mail_invitation(&self, invitation: &Invitation, title: &str, link: &str) {
        let (title, inviter) = (one_line(title, MOST), one_line(&invitation.inviter, MOST));
        let line = format!("{inviter} invites you to {title}. Accept here:");
        let rest = "If you do not know them, do nothing: nothing happens unless the link is opened.";
        let standard = Mail {
            to: invitation.email.clone(),
            template: "user_invitation",
            from: None,
            route: None,
            subject: format!("Invitation to {title}"),
            text: format!("{line}\n\n{link}\n\n{rest}\n"),
            // Names and the application's address are others' words.
            html: format!(
                "<p>{}</p><p><a href=\"{}\">{}</a></p><p>{rest}</p>",
                escaped(&line),
                escaped(link),
                escaped(&format!("Accept the invitation to {title}"))
            ),
        };
        let given = json!({
            "url": link,
            "email": invitation.email,
            "user": {"email": invitation.email},
            "inviter": {"name": inviter},
            "invitation": {"email": invitation.email},
            "organization": {"id": invitation.organization_id, "name": title, "display_name": title},
        });
        self.post(standard, move || match given {
            Value::Object(given) => given,
            _ => Map::new(),
        });
    }

    /// Tells a user that an application asks for them, with the link to answer at. A user who is asked for very often is told
    /// no more for a while.
    pub fn mail_approval(&self, user: &User, (client_id, message): (&str, &str), link: &str) {
        let Some(address) = user.email.clone() else { return };
        if self.is_mail_off("async_approval") || !self.may_ask(&address) {
            return;
        }
        let client = self.tenant.client(client_id);
        let application = one_line(client.map(|client| client.name.as_str()).unwrap_or_default(), MOST);
        let line = match message {
            "" => format!("{application} asks you to confirm."),
            _ => format!("{application} asks you to confirm: {message}"),
        };
        let rest = "If you did not expect this, do nothing, or open the link and decline.";
        let standard = Mail {
            to: address,
            template: "async_approval",
            from: None,
            route: None,
            subject: format!("Confirm for {application}"),
            text: format!("{line}\n\n{link}\n\n{rest}\n"),
            html: format!(
                "<p>{}</p><p><a href=\"{}\">Answer here</a></p><p>{rest}</p>",
                escaped(&line),
                escaped(link)
            ),
        };
        let (given, message) = (self.spoken_of(user, Some(client_id), link), message.to_owned());
        self.post(standard, move || {
            let mut given = given();
            given.insert("binding_message".to_owned(), message.into());
            given
        });
    }

    /// Whether one more question to this address is bearable, whoever asks.
    fn may_ask(&self, email: &str) -> bool {
        let whom = (&self.tenant.tenant, email.to_lowercase());
        let anywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        self.app.rates.take(QUESTIONS, anywhere, whom, self.now()).is_ok()
    }

    /// Greets somebody whose address is proven, in the tenant's words: without them nobody is greeted.
    pub(crate) fn mail_welcome(&self, user: &User, to: String) {
        if self.is_mail_written("welcome_email") {
            let text = "Your address is confirmed.".to_owned();
            let html = format!("<p>{text}</p>");
            let standard = Mail {
                to,
                template: "welcome_email",
                subject: "Welcome".to_owned(),
                text,
                html,
                from: None,
                route: None,
            };
            self.post(standard, self.spoken_of(user, None, ""));
        }
    }
}
