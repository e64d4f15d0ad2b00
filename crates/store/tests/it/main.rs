//! The store on both engines: every test runs on SQLite and on PostgreSQL.

#![cfg(test)]

mod access;
mod catalog;
mod codes;
mod consents;
mod deletion;
mod device_codes;
mod directory_runs;
mod documents;
mod equality;
mod fixture;
mod groups;
mod holders;
mod invitations;
mod isolation;
mod keys;
mod large_deletions;
mod logout_notices;
mod logs;
mod migrations;
mod opaque_tokens;
mod places;
mod refresh_tokens;
mod reset;
mod rolling;
mod sessions;
mod stage;
mod sweep;
mod tenants;
mod tickets;
mod transactions;
mod tries;
mod user_search;
mod users;
