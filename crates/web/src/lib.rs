//! What every handler shares: the [`App`], the tenant a request is for ([`Ctx`]), bodies, cookies, errors, CORS, the
//! signing line, the listener and the tasks in the background.
//!
//! The wall clock and the environment are not here: the binary brings them as arguments.

mod account_mail;
mod accounts;
mod app;
mod attacks;
mod audience;
mod authorities;
mod background;
mod bearer;
mod binding;
mod body;
mod breaches;
mod certificate;
mod client_certificates;
mod context;
pub mod cookies;
mod cors;
mod described;
mod dpop;
mod enrolment;
mod errors;
mod failures;
mod farewell;
mod fetch;
mod front;
mod held;
mod host;
pub mod hosted;
mod id_token;
mod key_set;
mod key_sets;
mod limits;
mod listener;
mod logs;
mod mail;
mod mail_text;
mod mailed_factor;
mod mailed_links;
mod middleware;
mod new_password;
mod op_state;
mod organization;
mod outside;
mod overall;
mod overload;
mod passkeys;
mod passwordless;
mod proxies;
mod published_keys;
mod quota;
mod rates;
mod request_keys;
mod responses;
mod second_factors;
mod security_keys;
mod seldom;
mod shares;
mod signer;
mod signing_out;
mod smtp;
mod sockets;
mod subject;
mod telephone;
mod tenant_mail;
mod tenant_phone;
#[cfg(test)]
mod testing;
mod tls;
mod under_way;
mod verified;
mod worded;

pub use accounts::{PasswordCheck, Profile, SignUp, SignUpForm};
pub use app::{App, AppBuilder, ServerConfig, Services};
pub use attacks::UNBLOCK;
pub use audience::Audience;
pub use authorities::Authorities;
pub use background::Background;
pub use bearer::{
    AccessTokenClaims, Bound, TokenScheme, access_token, bearer_token, verify_access_token,
    verify_any_access_token,
};
pub use binding::Binding;
pub use body::{
    BodyError, Form, read_any_json, read_bytes, read_json, read_json_or_form, read_json_or_page, read_params,
};
pub use breaches::Stage;
pub use certificate::{CertificateHeader, ShownCertificate};
pub use chancery_core::network::Network;
pub use client_certificates::ClientCertificates;
pub use context::{Ctx, Peer, RequestId};
pub use described::{DescribedApplications, Undescribed};
pub use dpop::{DPOP, DPOP_NONCE, Sent};
pub use enrolment::ENROLMENT;
pub use errors::{Cause, Decided, Failure, Scheme};
pub use farewell::is_heard;
pub use fetch::{Ask, FetchError, Fetcher, Post, Reply};
pub use front::{Answers, Caller, Frequent, Front};
pub use held::{Held, admits, client_grant};
pub use id_token::{IdTokenClaims, verify_id_token};
pub use key_set::{LARGEST_KEY_SET, SIGNATURES, verifying_keys};
pub use key_sets::KeySets;
pub use limits::{Attempt, Attempts, TooManyAttempts};
pub use listener::{Limits, Listener, serve};
pub use logs::LogQueue;
pub use mail::{Letter, Mail, MemoryOutbox, Outbox, Route};
pub use mailed_factor::SHOW_MAILED;
pub use mailed_links::{RESET_PASSWORD, Reset, ResetLink, VERIFY_EMAIL};
pub use new_password::{Unfit, Whose};
pub use organization::{is_enabled, joins_by_login};
pub use passkeys::{PasskeyCheck, PasskeyHolder};
pub use passwordless::{CodeCheck, CodeFor, CodeSent, EMAIL};
pub use proxies::Networks;
pub use published_keys::PublishedKeys;
pub use quota::{Allowance, Quota};
pub use rates::{Rate, Rates, TooManyRequests};
pub use responses::{
    PROTECTED_RESOURCE, found, html, json, no_content, no_store, point_to_description, see_other, text,
};
pub use second_factors::{
    MAKE_OTP, MAKE_PASSKEY, MAKE_PLATFORM, MAKE_ROAMING, Proof, SHOW_KEY, SHOW_OTP, SecondFactorsOf,
    first_factor, making_page,
};
pub use security_keys::OwnKeyData;
pub use signer::{SignError, Signer};
pub use smtp::{SmtpError, SmtpOutbox, SmtpSettings};
pub use telephone::Twilio;
pub use tenant_phone::{PhoneProvider, PhoneTrouble};
pub use tls::{Tls, TlsError};
pub use verified::VerifiedTokens;
