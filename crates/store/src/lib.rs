//! Everything Chancery remembers: all SQL of the product.
//!
//! *Documents* are what an administrator edits: one table, kept in memory as an immutable [`Snapshot`] per tenant by the
//! [`Catalog`]. *Records* (users, sessions, codes, tokens, consents, logs) have typed tables and are never cached, so that
//! a revocation holds at once. The tenant leads every key.
//!
//! Writes that must happen together are a [`Batch`]: functions named after what they write return one, and
//! [`Store::commit`] does it all or nothing. A batch that lost a race answers [`Error::Guard`].

mod access;
mod api_secrets;
mod authentication_methods;
mod catalog;
mod codes;
mod connection_users;
mod consents;
mod daily;
mod device_codes;
mod directory_runs;
mod docs;
mod effects;
mod error;
mod groups;
mod holders;
mod invitations;
mod jobs;
mod keys;
mod linked_accounts;
mod log_blocks;
mod logout_notices;
mod logs;
mod lost_scopes;
mod notes;
mod opaque_tokens;
mod organizations;
mod password_history;
mod pings;
#[cfg(test)]
mod plans;
mod refresh_tokens;
mod remembered_browsers;
mod replay;
mod reset;
mod revocation;
mod rows;
mod scope_use;
mod sessions;
mod slices;
mod stage;
mod store;
mod sweep;
mod tenants;
mod tickets;
mod transactions;
mod tries;
mod user_deletion;
mod user_search;
mod user_terms;
mod users;
mod vault;

pub use access::{GroupRole, RoleMember, UserAccess};
pub use authentication_methods::DeviceKey;
pub use catalog::{
    AssertionKey, Catalog, KnownCertificate, Origin, PreparedApi, PreparedClient, Snapshot, TenantHandle,
    encryption as token_encryption,
};
pub use chancery_db::{Batch, Db, Migrated, Options as DbOptions};
pub use consents::ConsentFilter;
pub use daily::Daily;
pub use device_codes::StoredDeviceCode;
pub use directory_runs::{Beginning, DirectoryAccount, DirectoryRun, RunKey};
pub use docs::{Change, Kind, Stored};
pub use effects::{MOST_ROLES, Touched};
pub use error::{Error, Result};
pub use groups::{AccountName, Group, GroupFilter, GroupMember};
pub use holders::{Held, Holder, Way};
pub use keys::{
    Family, KeyMaterial, KeyRing, KeyState, NextKeys, Published, RequestKeyDoc, RequestKeyMaterial,
    RequestKeys, SigningKeyDoc,
};
pub use logout_notices::{Ending, LogoutNotice};
pub use logs::{LogLine, LogWalk};
pub use notes::Noted;
pub use pings::{Ping, PingSecrets};
pub use refresh_tokens::{PresentedToken, Rotation, Standing};
pub use reset::Kept;
pub use scope_use::{Noticed, ScopeUse, ScopeUses};
pub use slices::Going;
pub use stage::{Difference, Staged};
pub use store::{Options, Store};
pub use sweep::Swept;
pub use tenants::Tenant;
pub use transactions::StoredTransaction;
pub use tries::TryKey;
pub use user_search::{FoundInPlace, FoundUsers, Place, SearchBounds, UserSearch, UserSort};
pub use users::{Credential, NewUser, SeenUser, UserOrder};
pub use vault::Vault;
