//! Redirect URIs, logout URLs and origins: first line what is registered, the rest what is asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/core/tests/redirect_rules/mod.rs"]
mod redirect_rules;

use redirect_rules::{check_callback, check_logout, check_origin};

fuzz_target!(|text: &str| {
    let (registered, candidate) = text.split_once('\n').unwrap_or((text, text));
    let swapped: String = registered.chars().map(swap_case).collect();
    for candidate in [candidate, registered, &swapped, &registered.replacen('*', "a", 1)] {
        every_rule(registered, candidate);
    }
    for registered in TYPICAL {
        every_rule(registered, candidate);
    }
});

fn every_rule(registered: &str, candidate: &str) {
    check_callback(registered, candidate);
    check_logout(registered, candidate);
    check_origin(registered, candidate);
}

fn swap_case(c: char) -> char {
    if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
}

const TYPICAL: [&str; 6] = [
    "https://app.example/cb",
    "https://*.app.example/cb",
    "https://app.example/cb?from=login",
    "http://localhost:3000/cb",
    "http://[::1]:3000",
    "com.app://cb",
];
