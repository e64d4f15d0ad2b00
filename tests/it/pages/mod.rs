//! The hosted pages, as a browser without JavaScript sees them.

mod consents;
mod login;
mod reset;
mod signup;
