//! Searches for users among very many of them: times of each kind of query, one after the other, and what making and signing
//! in a user costs with the index that searches need.

use std::{
    io::{Write as _, stdout},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow};
use chancery_core::{
    iso::format_ms,
    model::{Identity, User},
    search::{Dialect, parse},
};
use chancery_store::{Batch, Error, NewUser, Options, SearchBounds, Store, Tenant, UserSearch, UserSort};
use serde_json::json;

use crate::{histogram::Histogram, options, process::Cpu};

const TENANT: &str = "search";
/// Users of one batch of the filling, and batches under way.
const BATCH: usize = 500;
const BATCHES: usize = 4;
/// The first user was made then, each of the others a second later.
const BEGINNING_MS: i64 = 1_500_000_000_000;

/// Fills and measures.
///
/// # Errors
/// When the database refuses, or a search that the index helps is refused.
pub(crate) fn run(options: &options::Search) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measured(options))
}

async fn measured(options: &options::Search) -> Result<()> {
    let store = Store::open(&options.database, Options::new([7; 32])).await?;
    store.migrate().await?;
    if !store.tenants().await?.iter().any(|tenant| tenant.id == TENANT) {
        let origins = vec!["https://search.example".to_owned()];
        store.create_tenant(&Tenant { id: TENANT.to_owned(), origins }).await?;
    }
    fill(&store, TENANT, options.users).await?;
    let mut lines = Vec::new();
    for kind in kinds(options.users).iter().filter(|kind| kind.name.contains(&options.only)) {
        lines.push(kind.measured(&store, Duration::from_secs_f64(options.seconds)).await?);
    }
    print(&lines, options)?;
    if !options.json && options.only.is_empty() {
        writes(&store, options).await?;
    }
    store.close().await;
    Ok(())
}

/// What the index costs whoever writes: sign-ins noted and users made and removed again, each in a batch of its own.
async fn writes(store: &Store, options: &options::Search) -> Result<()> {
    let duration = Duration::from_secs_f64(options.seconds);
    let users = options.users;
    let signed_in = async |n: usize| {
        let user = account(scattered(n) % users);
        Ok(store.record_login(TENANT, &user, "192.0.2.1", 1_700_000_000 + i64::try_from(n)?).await?)
    };
    // Far behind those of a filling that was broken off.
    let first = users + 10_000_000;
    let made = async |n: usize| Ok(store.create_user(TENANT, &person(first + n)).await?);
    let removed = async |n: usize| Ok(store.delete_user(TENANT, &account(first + n)).await?);
    let mut out = stdout().lock();
    let (_, rate) = at_once(duration, usize::MAX, signed_in).await?;
    writeln!(out, "{rate:.0} sign-ins noted a second, {AT_ONCE} at once")?;
    let (count, rate) = at_once(duration, usize::MAX, made).await?;
    writeln!(out, "{rate:.0} users made a second, {AT_ONCE} at once")?;
    let (_, rate) = at_once(Duration::MAX, count, removed).await?;
    Ok(writeln!(out, "{rate:.0} users removed a second, {AT_ONCE} at once")?)
}

/// Writes under way.
const AT_ONCE: usize = 64;

/// Does the work with one number after the other, until the time is over or `most` are done. How many, and how many a second.
async fn at_once(
    duration: Duration,
    most: usize,
    work: impl AsyncFn(usize) -> Result<()>,
) -> Result<(usize, f64)> {
    let (begun, next) = (Instant::now(), std::cell::Cell::new(0));
    let one = async || {
        while begun.elapsed() < duration && next.get() < most {
            let n = next.get();
            next.set(n + 1);
            work(n).await?;
        }
        Ok::<_, anyhow::Error>(())
    };
    let mut all: Vec<_> = (0..AT_ONCE).map(|_| Box::pin(one())).collect();
    let mut done = vec![false; all.len()];
    std::future::poll_fn(|context| {
        for (task, done) in all.iter_mut().zip(&mut done).filter(|(_, done)| !**done) {
            match task.as_mut().poll(context) {
                std::task::Poll::Ready(Err(cause)) => return std::task::Poll::Ready(Err(cause)),
                std::task::Poll::Ready(Ok(())) => *done = true,
                std::task::Poll::Pending => {}
            }
        }
        if done.iter().all(|done| *done) { std::task::Poll::Ready(Ok(())) } else { std::task::Poll::Pending }
    })
    .await?;
    Ok((next.get(), next.get() as f64 / begun.elapsed().as_secs_f64()))
}

/// Makes users until there are as many, and maybe a few of others'.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn fill(store: &Store, tenant: &str, users: usize) -> Result<()> {
    let there = usize::try_from(store.users_count(tenant).await?)?;
    if there >= users {
        return Ok(());
    }
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for first in (there..users).step_by(BATCH) {
        while tasks.len() >= BATCHES {
            tasks.join_next().await.context("no batch")???;
        }
        let (store, tenant) = (store.clone(), tenant.to_owned());
        tasks.spawn(async move {
            let mut batch = Batch::default();
            for n in first..(first + BATCH).min(users) {
                batch = batch.and(store.create_user_batch(&tenant, &person(n))?);
            }
            store.commit(batch).await
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let rate = (users - there) as f64 / seconds;
    Ok(writeln!(stdout(), "{} users in {seconds:.0} s: {rate:.0} a second", users - there)?)
}

const GIVEN: [&str; 20] = [
    "Ada",
    "Alan",
    "Barbara",
    "Claude",
    "Donald",
    "Edsger",
    "Frances",
    "Grace",
    "Hedy",
    "Ivan",
    "Jane",
    "Katherine",
    "Linus",
    "Margaret",
    "Niklaus",
    "Olga",
    "Peter",
    "Radia",
    "Sophie",
    "Tim",
];
const PLANS: [&str; 4] = ["free", "silver", "gold", "platinum"];

/// The same in every run; later ones are scattered over names, domains and plans.
fn person(n: usize) -> NewUser {
    let mixed = scattered(n);
    let (given, family) = (GIVEN[mixed % 20], format!("Family{:04}", mixed / 20 % 5000));
    let email = format!("{}.{n}@d{}.example", given.to_lowercase(), mixed / 7 % 1000);
    let at = BEGINNING_MS + i64::try_from(n).unwrap_or(0) * 1000;
    let logins = i64::try_from(mixed % 50).unwrap_or(0);
    let plan =
        PLANS[[0, 0, 0, 0, 0, 0, 0, 1, 1, 2][mixed / 11 % 10] + usize::from(mixed.is_multiple_of(1000))];
    let connection = ["users", "staff"][usize::from(mixed.is_multiple_of(40))].to_owned();
    let user = User {
        created_at: format_ms(at),
        updated_at: format_ms(at + logins * 86_400_000),
        user_id: account(n),
        name: Some(format!("{given} {family}")),
        nickname: Some(format!("{}.{n}", given.to_lowercase())),
        given_name: Some(given.to_owned()),
        family_name: Some(family),
        email: Some(email),
        email_verified: Some(!mixed.is_multiple_of(10)),
        blocked: mixed.is_multiple_of(500).then_some(true),
        last_login: (logins > 0).then(|| format_ms(at + logins * 86_400_000)),
        last_ip: (logins > 0).then(|| format!("10.{}.{}.{}", n >> 16 & 255, n >> 8 & 255, n & 255)),
        logins_count: (logins > 0).then_some(logins),
        app_metadata: json!({"plan": plan, "seats": mixed % 30}).as_object().cloned(),
        user_metadata: json!({"color": (["blue", "green", "red"][mixed % 3])}).as_object().cloned(),
        identities: vec![Identity {
            connection: connection.clone(),
            user_id: account(n)[6..].to_owned(),
            provider: "auth0".to_owned(),
            is_social: false,
            profile_data: None,
        }],
        ..User::default()
    };
    NewUser { user, connection, password_hash: Some(HASH.to_owned()) }
}

/// As long as one of ours.
const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaHNvbWVoYXNoc29tZWhhc2g";

/// Ids order by time in their first half, as those of the server do.
fn account(n: usize) -> String {
    format!("auth0|{:08x}{:016x}", 0x5000_0000 + n, scattered(n))
}

/// A number that says nothing about where it came from.
fn scattered(n: usize) -> usize {
    let mixed = (n as u64 ^ 0x5bd1_e995).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from((mixed ^ mixed >> 29) >> 8).unwrap_or(0)
}

/// A kind of query: each time with other words.
struct Kind {
    name: &'static str,
    q: Box<dyn Fn(usize) -> String>,
    sort: UserSort<'static>,
    start: usize,
    /// Whether it may be refused as too broad: the index is no help.
    may_be_refused: bool,
}

fn kinds(users: usize) -> Vec<Kind> {
    let any = move |n: usize| person(scattered(n) % users).user;
    let kind = |name, q: Box<dyn Fn(usize) -> String>| Kind {
        name,
        q,
        sort: UserSort::CREATED,
        start: 0,
        may_be_refused: false,
    };
    let sorted =
        |kind: Kind, field, descending, start| Kind { sort: UserSort { field, descending }, start, ..kind };
    let day = move |n: usize| {
        let ms = BEGINNING_MS + i64::try_from(scattered(n) % users).unwrap_or(0) * 1000;
        format!("[{} TO {}]", format_ms(ms), format_ms(ms + 600_000))
    };
    let name = |user: &User| user.name.clone().unwrap_or_default();
    let email = |user: &User| user.email.clone().unwrap_or_default();
    vec![
        kind("exact email", Box::new(move |n| format!("email:\"{}\"", email(&any(n))))),
        kind("exact name", Box::new(move |n| format!("name:\"{}\"", name(&any(n))))),
        kind("exact user_id", Box::new(move |n| format!("user_id:\"{}\"", any(n).user_id))),
        kind("exact, a thousandth", Box::new(move |n| format!("email.domain:d{}.example", n % 1000))),
        kind("exact, a tenth", Box::new(|_| "app_metadata.plan:gold".to_owned())),
        kind("exact, most", Box::new(|_| "identities.connection:users".to_owned())),
        kind("bare word", Box::new(move |n| any(n).nickname.unwrap_or_default())),
        kind(
            "prefix, few",
            Box::new(move |n| format!("email:{}*", email(&any(n)).split('@').next().unwrap_or_default())),
        ),
        kind("prefix, a hundredth", Box::new(|n| format!("family_name:Family{:02}*", n % 50))),
        kind("prefix, a twentieth", Box::new(|n| format!("name:{}*", GIVEN[n % 20].to_lowercase()))),
        kind("range of created_at", Box::new(move |n| format!("created_at:{}", day(n)))),
        kind("range of last_login", Box::new(move |n| format!("last_login:{}", day(n)))),
        kind("range of logins_count, most", Box::new(|n| format!("logins_count:[{} TO *]", n % 5 + 1))),
        kind(
            "AND of few",
            Box::new(move |n| {
                format!("email.domain:d{}.example AND name:{}*", n % 1000, GIVEN[n % 20].to_lowercase())
            }),
        ),
        kind("AND of many", Box::new(|n| format!("app_metadata.plan:gold AND given_name:{}", GIVEN[n % 20]))),
        kind(
            "AND, NOT",
            Box::new(|n| {
                format!(
                    "given_name:{} AND NOT app_metadata.plan:free AND user_metadata.color:red",
                    GIVEN[n % 20]
                )
            }),
        ),
        kind(
            "OR of five",
            Box::new(move |n| {
                let emails: Vec<_> = (0..5).map(|m| format!("\"{}\"", email(&any(n * 5 + m)))).collect();
                format!("email:({})", emails.join(" OR "))
            }),
        ),
        sorted(kind("all by last_login", Box::new(|_| String::new())), "last_login", true, 0),
        sorted(kind("all by name, last page", Box::new(|_| String::new())), "name", false, 950),
        sorted(
            kind("a thousandth by last_login", Box::new(|n| format!("email.domain:d{}.example", n % 1000))),
            "last_login",
            true,
            0,
        ),
        sorted(
            kind("a tenth by logins_count", Box::new(|_| "app_metadata.plan:gold".to_owned())),
            "logins_count",
            true,
            0,
        ),
        sorted(
            kind("most, newest, last page", Box::new(|_| "identities.connection:users".to_owned())),
            "created_at",
            true,
            950,
        ),
        Kind {
            may_be_refused: true,
            ..kind("not indexed: in the middle", Box::new(|n| format!("name:*{}*", 100 + n % 900)))
        },
        Kind {
            may_be_refused: true,
            ..kind("not indexed: nobody", Box::new(|_| "picture:nowhere".to_owned()))
        },
    ]
}

struct Line {
    name: &'static str,
    count: u64,
    p50: f64,
    p99: f64,
    /// Mean CPU time of this process: without the database where that is another one.
    cpu: f64,
    refused: u64,
}

impl Kind {
    async fn measured(&self, store: &Store, duration: Duration) -> Result<Line> {
        let (mut times, mut refused, mut n) = (Histogram::default(), 0, 0);
        let (begun, mut cpu) = (Instant::now(), Cpu::of(std::process::id())?);
        // A few to warm up, then until the time is over; five at least.
        while begun.elapsed() < duration || n < WARM + 5 {
            let q = (self.q)(n);
            let query = parse(&q, Dialect::Users).map_err(|refused| anyhow!("{q}: {refused}"))?;
            let search = UserSearch {
                query: &query,
                sort: self.sort,
                start: self.start,
                limit: 50,
                totals: true,
                now_ms: 0,
                bounds: SearchBounds::default(),
            };
            let asked = Instant::now();
            let found = store.search_users(TENANT, &search).await;
            let time = asked.elapsed();
            match found {
                Ok(_) => {}
                Err(Error::TooBroad) if self.may_be_refused => refused += 1,
                Err(other) => return Err(anyhow!("{q}: {other}")),
            }
            if n + 1 == WARM {
                cpu = Cpu::of(std::process::id())?;
            }
            if n >= WARM {
                times.record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
            }
            n += 1;
        }
        let cpu = Cpu::of(std::process::id())?.since(&cpu) as f64 / times.total().max(1) as f64 / 1e6;
        let ms = |quantile| times.quantile(quantile) as f64 / 1e6;
        Ok(Line { name: self.name, count: times.total(), p50: ms(0.5), p99: ms(0.99), cpu, refused })
    }
}

const WARM: usize = 5;

fn print(lines: &[Line], options: &options::Search) -> Result<()> {
    let mut out = stdout().lock();
    if options.json {
        let lines: Vec<_> = lines
            .iter()
            .map(|line| {
                json!({"name": line.name, "count": line.count, "p50_ms": line.p50, "p99_ms": line.p99, "cpu_ms": line.cpu, "refused": line.refused})
            })
            .collect();
        return writeln!(out, "{:#}", json!({"users": options.users, "searches": lines}))
            .context("cannot print");
    }
    writeln!(out, "{:<32} {:>8} {:>9} {:>9} {:>9}", "search", "count", "p50 ms", "p99 ms", "CPU ms")?;
    for line in lines {
        let refused = if line.refused > 0 { "  refused as too broad" } else { "" };
        writeln!(
            out,
            "{:<32} {:>8} {:>9.2} {:>9.2} {:>9.2}{refused}",
            line.name, line.count, line.p50, line.p99, line.cpu
        )?;
    }
    Ok(())
}
