//! The process dies in the middle of its work, or is told to end: what it acknowledged stands, and what was spent stays
//! spent. The real binary, real sockets, both engines.

mod binary;
mod dice;
mod journal;
mod load;
mod person;
mod proof;
mod server;
mod tenant;
mod wire;

use std::{path::Path, process::Command, time::Duration};

use tokio::time::{Instant, sleep};

use self::{dice::Dice, load::Load, proof::Proof, server::Home, tenant::Tenant, wire::Lost};

/// How often a server is asked whether it is ready before it counts as not getting there.
const READY_PROBES: usize = 2000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_sqlite() {
    let home = killed_under_load(Home::sqlite(), 1).await;
    is_whole(&home.path("chancery.db"));
    let copy = home.path("copy.db").display().to_string();
    let done = home.run(&["backup", &copy, "--database", &home.database]);
    assert!(done.status.success(), "{done:?}");
    is_whole(Path::new(&copy));
    let server = home.with_database(format!("sqlite:{copy}")).start().await;
    // A probe asks until the answer is yes: right after the start the database may still be busy with itself.
    let mut wire = Tenant::wire_of(&server);
    let mut answer = wire.send(&wire::Call::get("/readyz")).await.unwrap();
    for _ in 0..READY_PROBES {
        if answer.status == 200 {
            break;
        }
        answer = wire.send(&wire::Call::get("/readyz")).await.unwrap();
    }
    answer.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_postgres() {
    if let Some(home) = Home::postgres().await {
        killed_under_load(home, 2).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_end_under_load_sqlite() {
    told_to_end_under_load(Home::sqlite(), 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_end_under_load_postgres() {
    if let Some(home) = Home::postgres().await {
        told_to_end_under_load(home, 4).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_starts_first_sqlite() {
    let mut dice = Dice::new(5);
    for round in 0..FIRST_STARTS {
        killed_while_it_starts_first(Home::sqlite(), round, &mut dice).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_starts_first_postgres() {
    let mut dice = Dice::new(6);
    for round in 0..FIRST_STARTS {
        let Some(home) = Home::postgres().await else { return };
        killed_while_it_starts_first(home, round, &mut dice).await;
    }
}

/// A first start is cut off anywhere between its first file and its first answer; the next one completes it.
async fn killed_while_it_starts_first(mut home: Home, round: usize, dice: &mut Dice) {
    let mut process = home.spawn();
    let mark = home.path(["data/master.key", "data/ca.pem", "data/server.txt"][round % 3]);
    while process.is_running() && !mark.exists() {
        tokio::task::yield_now().await;
    }
    assert!(process.is_running(), "it ended by itself: {}", home.log());
    // Half of them at once, half at a moment that nobody chose.
    if round % 2 == 1 {
        sleep(Duration::from_micros(dice.roll(300_000) as u64)).await;
    }
    process.kill();
    let server = home.start().await;
    let tenant = Tenant::prepare(&server).await;
    tenant.signed_in().await;
}

async fn killed_under_load(mut home: Home, seed: u64) -> Home {
    let mut dice = Dice::new(seed);
    let mut server = home.start().await;
    let tenant = Tenant::prepare(&server).await;
    let jane = tenant.signed_in().await;
    for round in 1..=ROUNDS {
        let mut load = Load::start(&tenant, &jane, &format!("{round}"), &mut dice);
        let answers = 100 + dice.roll(400);
        load.acknowledged(answers).await;
        server.process.kill();
        let (journal, _) = load.end().await;
        let began = Instant::now();
        server = home.start().await;
        println!(
            "round {round}, killed after {answers} answers, again after {:?}; {}",
            began.elapsed(),
            journal.summary()
        );
        Proof::new(&tenant, &jane).hold(journal, &mut dice).await;
        is_current(&home);
    }
    home
}

async fn told_to_end_under_load(mut home: Home, seed: u64) {
    let mut dice = Dice::new(seed);
    let mut server = home.start().await;
    let tenant = Tenant::prepare(&server).await;
    let jane = tenant.signed_in().await;
    for round in 1..=ROUNDS {
        let mut load = Load::start(&tenant, &jane, &format!("{round}"), &mut dice);
        let answers = 100 + dice.roll(200);
        load.acknowledged(answers).await;
        let told = Instant::now();
        server.process.terminate();
        let (journal, losses) = load.end().await;
        let status = server.process.end().await;
        println!(
            "round {round}, told after {answers} answers, gone after {:?}; {}",
            told.elapsed(),
            journal.summary()
        );
        assert!(status.success(), "{status}: {}", home.log());
        for lost in losses {
            // A connection made while the socket closes has no one who could answer: that is told by a reset at once, on
            // any server. Whoever was connected or had asked before is answered.
            let is_dropped = matches!(lost, Lost::Unanswered { at, reused } if reused || at < told);
            assert!(!is_dropped, "a request was dropped: {lost:?}");
        }
        server = home.start().await;
        Proof::new(&tenant, &jane).hold(journal, &mut dice).await;
    }
}

/// The schema is whole for `chancery migrate`.
fn is_current(home: &Home) {
    let checked = home.run(&["migrate", "--check", "--database", &home.database]);
    assert!(checked.status.success(), "{checked:?}");
}

/// As SQLite's own tool sees it, where it is installed.
fn is_whole(database: &Path) {
    match Command::new("sqlite3")
        .arg(database)
        .arg("PRAGMA integrity_check; PRAGMA foreign_key_check")
        .output()
    {
        Ok(checked) => assert_eq!(String::from_utf8_lossy(&checked.stdout), "ok\n", "{checked:?}"),
        Err(why) => println!("not checked with sqlite3: {why}"),
    }
}

const ROUNDS: usize = 3;
const FIRST_STARTS: usize = 9;
