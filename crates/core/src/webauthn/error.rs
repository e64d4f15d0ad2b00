//! Why an answer does not hold.

/// For the log: people are told that it did not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not what a browser writes; the text says which part.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// It answers another kind of question.
    #[error("the answer is of another ceremony")]
    Type,
    /// It answers another challenge.
    #[error("the challenge is another one")]
    Challenge,
    /// Another site asked for it (security case 22).
    #[error("the origin is another one")]
    Origin,
    /// A page within a page of another site asked for it.
    #[error("the page was framed by another site")]
    CrossOrigin,
    /// It is for another relying party.
    #[error("the relying party is another one")]
    RelyingParty,
    /// Nobody touched the authenticator.
    #[error("nobody was present")]
    NotPresent,
    /// The authenticator did not make sure who it was.
    #[error("the user was not verified")]
    NotVerified,
    /// The key is of an algorithm that was not asked for, or is none.
    #[error("the key is not of an algorithm that was asked for")]
    Key,
    /// The attestation is of a form that was not asked for, or does not hold.
    #[error("the attestation was not asked for, or does not hold")]
    Attestation,
    /// The signature is not that of the key.
    #[error("the signature is wrong")]
    Signature,
    /// The counter went back: there may be a copy of the authenticator.
    #[error("the counter went back: the key may have been copied")]
    Counter,
    /// The flags about copies contradict one another, or what was said when the credential was made.
    #[error("the backup flags contradict one another")]
    Backup,
    /// The credential is that of another account.
    #[error("the user handle is another one")]
    UserHandle,
}
