//! `/authorize`.

mod audience;
mod checks;
mod consent;
mod pkce;
mod prompts;
mod response_modes;
mod vectors;
