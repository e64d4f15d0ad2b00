//! `/authorize`.

mod audience;
mod checks;
mod consent;
mod consent_choices;
mod pkce;
mod prompts;
mod response_modes;
mod vectors;
