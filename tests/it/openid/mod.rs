//! What OpenID Connect has beyond the wire we are compatible with: registration, claims by name, pairwise subjects, signed
//! answers of `/userinfo`, and strictness.

mod by_reference;
mod claims;
mod encryption;
mod initiate;
mod keys;
mod pairwise;
mod registration;
mod strict;
