//! What applications learn of the browser's session (OpenID Connect Session Management 1.0): a value of which the OP's frame can
//! tell whether it is still the same, and nobody anything else.

use chancery_core::ids;
use chancery_jose::{base64url, sha256};
use http::HeaderMap;

use crate::{Ctx, cookies};

impl Ctx {
    /// Sets the session cookie, and beside it what the frame reads, where the tenant has session management.
    pub fn set_session_cookie(&self, headers: &mut HeaderMap, session: &str, max_age: Option<i64>) {
        cookies::set_session(headers, session, max_age, self.origin.secure);
        if self.tenant.settings.flags.has_session_management() {
            cookies::set_op_state(headers, &op_state(session), max_age, self.origin.secure);
        }
    }

    /// `session_state` of an answer to an application at `origin` (section 2): from what the application and the frame know, and
    /// salt. `session` is the cookie.
    pub fn session_state(&self, client_id: &str, origin: &str, session: &str) -> String {
        let salt = ids::url_safe(&*self.app.rng, 16);
        let state = op_state(session);
        let hash = sha256(format!("{client_id} {origin} {state} {salt}").as_bytes());
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{hex}.{salt}")
    }
}

/// The same as long as the session is, and no way back to it: the cookie's secret has 256 bits.
fn op_state(session: &str) -> String {
    base64url(&sha256(format!("op state\n{session}").as_bytes())[..16])
}
