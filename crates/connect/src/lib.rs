//! Where users come from and how they prove who they are: database users and their passwords.
//!
//! The slow part, hashing, runs on threads of its own ([`PasswordHasher`]) so that it can never hold up the issue of
//! tokens; the rest is pure.

mod argon;
mod breached;
mod common_passwords;
pub mod imported;
pub mod password_policy;
mod passwords;
pub mod users;

pub use breached::{check_list, is_breached_in};
pub use passwords::{Busy, HashError, MAX_PASSWORD_BYTES, PasswordHasher, Verified};
