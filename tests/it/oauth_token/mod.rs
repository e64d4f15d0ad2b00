//! `POST /oauth/token`.

mod authorization_code;
mod client_auth;
mod client_credentials;
mod password;
mod refresh_token;
