//! `authorization_details`: every text is read within bounds or refused in a few words; what was read is never more than was granted,
//! survives being written, and is shown on lines that stay lines.
//!
//! Input: what is granted on the first line, what is asked for later behind it.
#![no_main]

use chancery_core::oauth::{authorization_details, detail_kind, detail_lines, narrowed_details, plain};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let (granted, asked) = input.split_once('\n').unwrap_or((input, input));
    let granted = match authorization_details(granted) {
        Err(why) => return assert!(why.len() < 200),
        Ok(granted) => granted,
    };
    assert!((1..=5).contains(&granted.len()));
    for detail in &granted {
        assert!(!detail_kind(detail).is_empty() && detail.len() <= 10);
        for (name, text) in detail_lines(detail) {
            assert!(!name.contains(char::is_control) && !text.contains(char::is_control));
            assert_eq!(plain(&text), text);
        }
    }
    let written = serde_json::to_string(&granted).expect("JSON");
    if let Ok(again) = authorization_details(&written) {
        assert_eq!(again, granted);
    }
    if let Ok(left) = narrowed_details(&granted, Some(asked)) {
        assert!(left.iter().all(|detail| granted.contains(detail)));
    }
    assert_eq!(narrowed_details(&granted, None).expect("nothing is asked"), granted);
});
