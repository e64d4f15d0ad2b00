//! Messages to telephones, and the words in which Twilio takes them: what is sent and what an answer means. Sending is
//! somebody else's ([`Telephone`](crate::Telephone)).

use form_urlencoded::Serializer;
use secrecy::SecretString;
use serde_json::Value;

use crate::markup::escaped;

/// How a message reaches somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryMethod {
    /// A text message.
    Text,
    /// A call in which a voice reads it.
    Voice,
}

impl DeliveryMethod {
    /// As it is called on the wire.
    pub fn read(name: &str) -> Option<Self> {
        match name {
            "text" => Some(Self::Text),
            "voice" => Some(Self::Voice),
            _ => None,
        }
    }

    /// As it is called on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Voice => "voice",
        }
    }
}

/// A message to one person.
#[derive(Clone, PartialEq, Eq)]
pub struct PhoneMessage {
    /// A number as E.164 writes it.
    pub to: String,
    /// How.
    pub method: DeliveryMethod,
    /// What it says.
    pub text: String,
    /// The number it is from, where that is not the account's own.
    pub from: Option<String>,
}

/// Shows neither the number nor the text, which may hold a code.
impl std::fmt::Debug for PhoneMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PhoneMessage").field("method", &self.method).finish_non_exhaustive()
    }
}

/// A tenant's account at Twilio.
#[derive(Clone, Debug)]
pub struct TwilioAccount {
    /// Its id.
    pub sid: String,
    /// Its secret.
    pub auth_token: SecretString,
    /// The number that messages are from.
    pub default_from: Option<String>,
    /// The messaging service that chooses the number of text messages.
    pub messaging_service: Option<String>,
}

/// Why a message was not taken. None of the texts holds a secret, the number or the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// The id of the account cannot be one.
    #[error("configuration.sid is not the id of a Twilio account")]
    Account,
    /// Nobody is the sender.
    #[error("a call needs configuration.default_from: a messaging service (mssid) makes none")]
    NoCaller,
    /// Nobody is the sender.
    #[error("configuration needs default_from or mssid")]
    NoSender,
    /// Twilio said no.
    #[error("Twilio refused it with status {status}{}", reason(*code, message.as_deref()))]
    Refused {
        /// HTTP status.
        status: u16,
        /// Twilio's number of the error.
        code: Option<u64>,
        /// Twilio's words.
        message: Option<String>,
    },
    /// Twilio did not answer as it should.
    #[error("Twilio could not be asked: {0}")]
    Unreachable(String),
}

fn reason(code: Option<u64>, message: Option<&str>) -> String {
    match (code, message) {
        (Some(code), Some(message)) => format!(": {message} (error {code})"),
        (Some(code), None) => format!(": error {code}"),
        (None, Some(message)) => format!(": {message}"),
        (None, None) => String::new(),
    }
}

/// What is posted to Twilio.
#[derive(Clone, PartialEq, Eq)]
pub struct TwilioRequest {
    /// Path, with a slash in front.
    pub path: String,
    /// Form.
    pub form: String,
}

impl TwilioAccount {
    /// The request that hands a message over: Messages or Calls of the API of 2010-04-01.
    ///
    /// # Errors
    /// [`PhoneError::Account`], [`PhoneError::NoCaller`] or [`PhoneError::NoSender`].
    pub fn request(&self, message: &PhoneMessage) -> Result<TwilioRequest, PhoneError> {
        // It becomes a part of a path and the user name of basic authentication.
        let is_sid =
            (1..=64).contains(&self.sid.len()) && self.sid.chars().all(|c| c.is_ascii_alphanumeric());
        if !is_sid {
            return Err(PhoneError::Account);
        }
        let mut form = Serializer::new(String::new());
        form.append_pair("To", &message.to);
        let own = message.from.as_deref();
        let resource = match message.method {
            DeliveryMethod::Text => {
                // A service chooses the number; a template that names one is more exact.
                match (own, &self.messaging_service, &self.default_from) {
                    (Some(from), _, _) => form.append_pair("From", from),
                    (None, Some(service), _) => form.append_pair("MessagingServiceSid", service),
                    (None, None, Some(from)) => form.append_pair("From", from),
                    (None, None, None) => return Err(PhoneError::NoSender),
                };
                form.append_pair("Body", &message.text);
                "Messages"
            }
            DeliveryMethod::Voice => {
                let from = own.or(self.default_from.as_deref()).ok_or(PhoneError::NoCaller)?;
                form.append_pair("From", from);
                let said = format!("<Response><Say>{}</Say></Response>", escaped(&message.text));
                form.append_pair("Twiml", &said);
                "Calls"
            }
        };
        let path = format!("/2010-04-01/Accounts/{}/{resource}.json", self.sid);
        Ok(TwilioRequest { path, form: form.finish() })
    }
}

/// What Twilio's answer means: 2xx is yes, else the body says why not.
///
/// # Errors
/// [`PhoneError::Refused`].
pub fn twilio_answer(status: u16, body: &[u8]) -> Result<(), PhoneError> {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let number = |name: &str| said.get(name).and_then(Value::as_u64);
    let words = |name: &str| {
        let text: String =
            said.get(name)?.as_str()?.chars().filter(|c| !c.is_control()).take(MOST_WORDS).collect();
        (!text.is_empty()).then_some(text)
    };
    if !(200..300).contains(&status) {
        return Err(PhoneError::Refused { status, code: number("code"), message: words("message") });
    }
    // A message that is made and has failed already.
    match said.get("status").and_then(Value::as_str) {
        Some("failed" | "undelivered" | "canceled") => {
            Err(PhoneError::Refused { status, code: number("error_code"), message: words("error_message") })
        }
        _ => Ok(()),
    }
}

/// Characters of Twilio's words that are passed on.
const MOST_WORDS: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn account(default_from: Option<&str>, messaging_service: Option<&str>) -> TwilioAccount {
        TwilioAccount {
            sid: "AC1".to_owned(),
            auth_token: "S3CRET".into(),
            default_from: default_from.map(str::to_owned),
            messaging_service: messaging_service.map(str::to_owned),
        }
    }

    fn message(method: DeliveryMethod, from: Option<&str>) -> PhoneMessage {
        PhoneMessage {
            to: "+15550101".to_owned(),
            method,
            text: "a & <b>".to_owned(),
            from: from.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_posted() {
        use DeliveryMethod::{Text, Voice};
        for (account, message, path, form) in [
            (
                account(Some("+1"), None),
                message(Text, None),
                "/2010-04-01/Accounts/AC1/Messages.json",
                "To=%2B15550101&From=%2B1&Body=a+%26+%3Cb%3E",
            ),
            (
                account(Some("+1"), Some("MG1")),
                message(Text, None),
                "/2010-04-01/Accounts/AC1/Messages.json",
                "To=%2B15550101&MessagingServiceSid=MG1&Body=a+%26+%3Cb%3E",
            ),
            (
                account(Some("+1"), Some("MG1")),
                message(Text, Some("+2")),
                "/2010-04-01/Accounts/AC1/Messages.json",
                "To=%2B15550101&From=%2B2&Body=a+%26+%3Cb%3E",
            ),
            (
                account(Some("+1"), Some("MG1")),
                message(Voice, None),
                "/2010-04-01/Accounts/AC1/Calls.json",
                "To=%2B15550101&From=%2B1&Twiml=%3CResponse%3E%3CSay%3Ea+%26amp%3B+%26lt%3Bb%26gt%3B%3C%2FSay%3E%3C%2FResponse%3E",
            ),
        ] {
            let request = account.request(&message).unwrap();
            assert_eq!((request.path.as_str(), request.form.as_str()), (path, form));
        }
        let refused = |account: TwilioAccount, method| account.request(&message(method, None)).err();
        assert_eq!(refused(account(None, Some("MG1")), Voice), Some(PhoneError::NoCaller));
        assert_eq!(refused(account(None, None), Text), Some(PhoneError::NoSender));
        for sid in ["", "AC1/../AC2", "AC1:x", "A\u{e4}"] {
            let account = TwilioAccount { sid: sid.to_owned(), ..account(Some("+1"), None) };
            assert_eq!(refused(account, Text), Some(PhoneError::Account), "{sid}");
        }
        assert!(!format!("{:?}{:?}", account(None, None), message(Text, None)).contains("S3CRET"));
    }

    #[test]
    fn what_an_answer_means() {
        assert_eq!(twilio_answer(201, br#"{"sid": "SM1", "status": "queued"}"#), Ok(()));
        let said = |status, body: &[u8]| twilio_answer(status, body).unwrap_err().to_string();
        assert_eq!(
            said(400, br#"{"code": 21211, "message": "The 'To' number is\n not valid.", "status": 400}"#),
            "Twilio refused it with status 400: The 'To' number is not valid. (error 21211)"
        );
        assert_eq!(said(503, b"<html>"), "Twilio refused it with status 503");
        assert_eq!(
            said(201, br#"{"status": "failed", "error_code": 30007, "error_message": null}"#),
            "Twilio refused it with status 201: error 30007"
        );
        assert!(said(400, format!(r#"{{"message": "{}"}}"#, "x".repeat(5000)).as_bytes()).len() < 400);
    }
}
