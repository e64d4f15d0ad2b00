//! The one error of the crate. No variant carries a secret, a token or a part of either.

/// Why a token, a key or a certificate was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The token is longer than [`MAX_TOKEN_LENGTH`](crate::MAX_TOKEN_LENGTH), or the PEM text than any real key.
    #[error("the input is too long")]
    TooLong,
    /// The bytes are not what they should be; the text says which part.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// The header has `crit`: no extension is understood, so the token must be refused (RFC 7515, section 4.1.11).
    #[error("the header demands an extension that is not understood")]
    Critical,
    /// The algorithm is unknown, or is `none`.
    #[error("the algorithm is not supported")]
    UnsupportedAlgorithm,
    /// The algorithm is known but not among those the caller allows.
    #[error("the algorithm is not allowed here")]
    AlgorithmNotAllowed,
    /// The key cannot verify this algorithm, or has another `kid` than the token asks for.
    #[error("the key does not fit the token")]
    KeyMismatch,
    /// The signature is not that of the key over the token.
    #[error("the signature is wrong")]
    Signature,
    /// The token cannot be opened with the key; what is wrong is not said.
    #[error("the token cannot be decrypted")]
    Decryption,
    /// The key is refused; the text says why.
    #[error("the key is refused: {0}")]
    Key(&'static str),
    /// The cryptographic library failed, for example for want of memory.
    #[error("the cryptographic operation failed")]
    Crypto,
}
