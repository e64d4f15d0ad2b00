//! The OAuth 2.0 and OpenID Connect requests as types, their checks and their errors.

mod authorization_details;
mod authorize_checks;
mod authorize_request;
mod ciba;
mod claims_parameter;
mod client_metadata;
mod device;
mod dpop;
mod error;
mod fapi;
mod foreign_token;
mod pkce;
mod pushed;
mod redirect_uri;
mod registration;
mod request_object;
mod response;
mod token_exchange;
mod token_request;

pub use authorization_details::{
    AuthorizationDetail, authorization_details, kind as detail_kind, lines as detail_lines,
    narrowed as narrowed_details, plain,
};
pub use authorize_checks::{CheckFailure, Surroundings, check};
pub use authorize_request::{AuthorizeRequest, Prompts, ScreenHint};
pub use ciba::{CIBA, CIBA_LIFETIME, backchannel_request, link_code, notification_token, unknown_user};
pub use claims_parameter::ClaimsParameter;
pub use client_metadata::{ClientDocument, LARGEST_CLIENT_DOCUMENT, check_client_id_url};
pub use device::{
    DEVICE_CODE, DEVICE_LIFETIME, Device, DeviceState, POLL_INTERVAL, Poll, Told, check_mask, device_request,
    poll, typed_code, user_code,
};
pub use dpop::{
    NONCE_LIFETIME, PROOF_ALGORITHMS, PROOF_LIFETIME, PROOF_LIFETIME_WITH_NONCE, PROOF_SKEW, Proof, ProofFor,
    ProofNonce, is_fresh_nonce, is_thumbprint, nonce,
};
pub use error::{AuthorizeError, OAuthError};
pub use fapi::{ComplianceLevel, FAPI_ALGORITHMS, Fapi, FapiRequest};
pub use foreign_token::{
    FOREIGN_SKEW, ForeignClaims, ForeignRules, ForeignUser, IDENTITY_ASSERTION, JWT_BEARER,
    LONGEST_FOREIGN_TOKEN,
};
pub use pkce::{Challenge, ChallengeMethod};
pub use pushed::{PUSHED_LIFETIME, REQUEST_URI, pushed};
pub use redirect_uri::{RedirectUri, allowed_logout_url, is_loopback_host, origin_of};
pub use registration::{
    EncryptedResponse, LARGEST_REGISTRATION, LARGEST_SECTOR, REQUEST_ENCRYPTIONS, Registration,
    RegistrationError, RegistrationRules, USERINFO_ALGORITHMS, encryption_key, encryption_keys, lists_all,
    openid_settings, registered,
};
pub use request_object::{
    REQUEST_OBJECT_ALGORITHMS, RequestObjectFor, bad_request_object, is_request_object_typ,
    signed_backchannel_request, signed_request, unsigned_request,
};
pub use response::{ResponseMode, ResponseType};
pub use token_exchange::{ACCESS_TOKEN, TOKEN_EXCHANGE, delegated};
pub use token_request::{
    ClientProof, FactorCode, Grant, MFA_OOB, MFA_OTP, MFA_RECOVERY_CODE, PASSKEY_GRANT, PASSWORD_REALM,
    PASSWORDLESS_OTP, TokenRequest,
};
