//! One test or more for each class of fault that shipped in a product people trust. The number is that of the catalogue of
//! such faults; what our surface does not have yet (federation) has no test yet.

mod case_01_artefacts_are_bound_to_their_client;
mod case_02_token_exchange_widens_nothing;
mod case_03_one_scope_policy_for_every_grant;
mod case_04_redirect_uri_corpus;
mod case_05_no_script_from_outside;
mod case_06_pkce_downgrade;
mod case_07_descriptions_are_fetched_with_care;
mod case_07_fetches_stay_outside;
mod case_08_parallel_redemptions;
mod case_09_replay_needs_the_client;
mod case_10_dpop_replay;
mod case_11_assertion_replay;
mod case_12_session_fixation;
mod case_13_no_step_is_skipped;
mod case_14_accounts_look_alike;
mod case_15_algorithm_confusion;
mod case_15_tokens_of_others;
mod case_16_host_header;
mod case_17_credentials_are_nobody_elses;
mod case_19_revocation_is_complete;
mod case_20_logout_tokens;
mod case_21_nothing_secret_is_cached;
mod case_22_bombs_and_lookalikes;
mod every_grant;
mod mix_up;
mod review_bounds;
mod review_connections;
mod review_floods;
mod review_other_origins;
mod review_races_and_bounds;
