//! A collection of many thousand, made through the Management API: organizations, which no snapshot holds, so that the
//! database cuts the pages.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::{http1::Request, load, run::note, setup::Setup};

/// Items on a page.
pub(crate) const PAGE: usize = 100;
/// The first page.
pub(crate) const FIRST_PAGE: &str = "/api/v2/organizations?take=100";
/// Connections that make them.
const MAKING: usize = 32;
/// How many are made at a time: the rate of the last ones says whether creating grows dearer.
const BATCH: usize = 10_000;

/// Makes the collection and answers its last page.
///
/// # Errors
/// When the server refuses any of it, or loses one.
pub(crate) async fn make(setup: &Setup, items: usize) -> Result<String> {
    let already = count(setup).await?;
    ensure!(
        items.is_multiple_of(PAGE) && items > already,
        "{items} items cannot be made on top of {already}"
    );
    for begin in (already..items).step_by(BATCH) {
        let end = items.min(begin + BATCH);
        let requests = (begin..end).map(|number| {
            let body = Some(("application/json", json!({"name": format!("org-{number:06}")}).to_string()));
            Request { body, ..setup.managing("POST", "/api/v2/organizations") }.bytes()
        });
        let started = Instant::now();
        let made = load::each(setup.address, MAKING, requests, |answer| {
            ensure!(answer.status == 201, "answered {}: {}", answer.status, answer.text());
            Ok(())
        });
        let made = made.await?.len();
        note(&format!(
            "{end} organizations, the last {made} at {:.0} a second",
            made as f64 / started.elapsed().as_secs_f64()
        ));
    }
    walk(setup, items).await
}

async fn count(setup: &Setup) -> Result<usize> {
    let answer =
        setup.ask(&setup.managing("GET", "/api/v2/organizations?per_page=1&include_totals=true")).await?;
    Ok(answer["total"].as_u64().context("no total")?.try_into()?)
}

/// Page after page to the last one, counting.
async fn walk(setup: &Setup, items: usize) -> Result<String> {
    let (mut page, mut seen) = (FIRST_PAGE.to_owned(), 0);
    loop {
        let answer = setup.ask(&setup.managing("GET", &page)).await?;
        seen += answer["organizations"].as_array().map_or(0, Vec::len);
        match answer.get("next").and_then(Value::as_str) {
            Some(next) => page = format!("{FIRST_PAGE}&from={next}"),
            None => break,
        }
    }
    ensure!(seen == items, "the pages hold {seen} of {items} items");
    Ok(page)
}
