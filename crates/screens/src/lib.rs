//! What happens on the hosted pages: sign-in, sign-up, consent, confirmation, new passwords, logout. The pages themselves
//! (templates, texts, styles) are in the login crate.
//!
//! Every screen does its one thing, writes down in the transaction that it was done, and sends the browser to
//! `/authorize/resume`, where the login engine is asked again. No screen decides what comes next.

mod account;
mod account_keys;
mod activate;
mod approve;
mod assets;
mod confirm;
mod consent;
mod due;
mod email;
mod enrolment;
mod form;
mod login;
mod logout;
mod organization;
mod passkey;
mod passwordless;
mod reset;
mod rules;
mod screen;
mod second_factor;
mod security_key;
mod signup;
mod unblock;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use chancery_web::{App, ENROLMENT, MAKE_OTP, MAKE_PASSKEY, MAKE_PLATFORM, MAKE_ROAMING, SHOW_KEY, SHOW_OTP};

/// Every hosted page.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/login", get(login::show))
        .route("/u/login", get(login::show).post(login::submit))
        .route(passwordless::ADDRESS, get(passwordless::show_address).post(passwordless::submit_address))
        .route(passwordless::CODE, get(passwordless::show_code).post(passwordless::submit_code))
        .route(passkey::LOG_IN, post(passkey::log_in))
        .route(passkey::OFFER, get(passkey::show_offer).post(passkey::submit_offer))
        .route("/u/signup", get(signup::show).post(signup::submit))
        .route("/u/organization", get(organization::show_name).post(organization::submit_name))
        .route("/u/organization-picker", get(organization::show_choice).post(organization::submit_choice))
        .route("/u/consent", get(consent::show).post(consent::submit))
        .route(activate::PAGE, get(activate::show).post(activate::submit))
        .route("/activate/success", get(activate::success))
        .route("/activate/denied", get(activate::denied))
        .route(approve::PAGE, get(approve::show))
        .route("/u/approve/success", get(approve::success))
        .route("/u/approve/denied", get(approve::denied))
        .route("/u/device", get(activate::show_question).post(activate::answer))
        .route(SHOW_OTP, get(second_factor::show_challenge).post(second_factor::submit_challenge))
        .route(MAKE_OTP, get(second_factor::show_enrolment).post(second_factor::submit_enrolment))
        .route(SHOW_KEY, get(security_key::show).post(security_key::submit))
        .route(MAKE_ROAMING, get(security_key::show_roaming).post(security_key::submit_roaming))
        .route(MAKE_PLATFORM, get(security_key::show_platform).post(security_key::submit_platform))
        .route(MAKE_PASSKEY, get(security_key::show_passkey).post(security_key::submit_passkey))
        .route(ENROLMENT, get(enrolment::begin))
        .route(enrolment::DONE, get(enrolment::done))
        .route(
            second_factor::RECOVERY,
            get(second_factor::show_recovery).post(second_factor::submit_recovery),
        )
        .route(second_factor::KEEP, get(second_factor::show_kept).post(second_factor::submit_kept))
        .route("/u/confirm", get(confirm::show).post(confirm::submit))
        .route("/u/reset-password", get(reset::show_request).post(reset::submit_request))
        .route("/u/reset-verify", get(reset::show).post(reset::submit))
        .route("/u/email-verification", get(email::show))
        .route(unblock::PAGE, get(unblock::show).post(unblock::submit))
        .route(account_keys::KEYS, get(account_keys::show).post(account_keys::submit))
        .route(account::CONSENTS, get(account::show).post(account::submit))
        .route("/u/logout", get(logout::show).post(logout::submit))
        .route("/u/static/{name}", get(assets::file))
}
