//! The hosted pages, as a browser without JavaScript sees them.

mod login;
mod reset;
mod signup;
