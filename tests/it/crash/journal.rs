//! What a client knows for sure, and what it cannot know.

use super::person::Person;

/// Everything the server acknowledged, by kind.
#[derive(Default)]
pub(super) struct Journal {
    /// Issued, not yet redeemed.
    pub(super) live_codes: Vec<String>,
    /// Redeemed, with the opaque access token each brought.
    pub(super) spent_codes: Vec<(String, String)>,
    /// Presented, not answered.
    pub(super) unknown_codes: Vec<String>,
    pub(super) chains: Vec<Chain>,
    /// Applications that Jane consented to.
    pub(super) consents: Vec<String>,
    /// Ids and names.
    pub(super) roles: Vec<(String, String)>,
    pub(super) deleted_roles: Vec<String>,
    pub(super) users: Vec<User>,
    /// Browsers that signed in.
    pub(super) sessions: Vec<Person>,
}

/// A refresh token and those before it.
pub(super) struct Chain {
    /// The code it began with, which is spent.
    pub(super) code: String,
    /// Exchanged, each of them.
    pub(super) spent: Vec<String>,
    pub(super) latest: String,
    pub(super) standing: Standing,
}

/// How the latest token of a chain stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Good,
    /// Presented, not answered.
    Unknown,
    Revoked,
}

/// A user made by the load.
pub(super) struct User {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) password: String,
    /// Assigned.
    pub(super) role: Option<String>,
}

impl Journal {
    pub(super) fn absorb(&mut self, other: Self) {
        self.live_codes.extend(other.live_codes);
        self.spent_codes.extend(other.spent_codes);
        self.unknown_codes.extend(other.unknown_codes);
        self.chains.extend(other.chains);
        self.consents.extend(other.consents);
        self.roles.extend(other.roles);
        self.deleted_roles.extend(other.deleted_roles);
        self.users.extend(other.users);
        self.sessions.extend(other.sessions);
    }

    /// One line about it.
    pub(super) fn summary(&self) -> String {
        let chains = |standing| self.chains.iter().filter(|chain| chain.standing == standing).count();
        let rotations: usize = self.chains.iter().map(|chain| chain.spent.len()).sum();
        format!(
            "codes: {} spent, {} live, {} unknown; chains: {} good, {} unknown, {} revoked, {rotations} rotations; \
             {} consents, {} roles, {} deleted, {} users, {} sessions",
            self.spent_codes.len(),
            self.live_codes.len(),
            self.unknown_codes.len(),
            chains(Standing::Good),
            chains(Standing::Unknown),
            chains(Standing::Revoked),
            self.consents.len(),
            self.roles.len(),
            self.deleted_roles.len(),
            self.users.len(),
            self.sessions.len(),
        )
    }
}
