//! The primitives alone: what one signature, one hash and one durable write cost here, without any server.

use std::{
    fs::{self, File},
    io::{Write as _, stdout},
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow};
use serde_json::json;

use crate::{
    floor::{SIGNING_INPUT, hash, sign::Signer},
    options,
    run::data_folder,
};

/// One line of the table: mean time of one operation on one thread, and how many all cores did in a second.
struct Line {
    name: &'static str,
    microseconds: f64,
    all_cores_per_second: f64,
}

/// Measures and prints.
///
/// # Errors
/// When a primitive fails or the folder cannot be written.
pub(crate) fn run(options: &options::Micro) -> Result<()> {
    let duration = Duration::from_secs_f64(options.seconds);
    let cores = thread::available_parallelism()?.get();
    let signer = Signer::generate()?;
    let rs256 = || Ok(|| signer.rs256(&SIGNING_INPUT).map(drop));
    let es256 = || Ok(|| signer.es256(&SIGNING_INPUT).map(drop));
    let argon2id = || {
        let mut once = hash::Once::new()?;
        Ok(move || once.hash(b"correct horse battery staple").map(drop))
    };
    let mut lines = vec![
        line("RS256 signature, 2048 bits", duration, cores, rs256)?,
        line("ES256 signature, P-256", duration, cores, es256)?,
        line("Argon2id, 19 MiB, t=2, p=1, memory kept", duration, cores, argon2id)?,
    ];
    let folder = data_folder(options.data.as_deref())?;
    let path = folder.join("micro.bin");
    let mut file = File::create(&path)?;
    let append = || {
        file.write_all(&[0; 4096])?;
        Ok(file.sync_data()?)
    };
    let microseconds = mean(duration, append)?;
    lines.push(Line {
        name: "append of 4 KiB, fdatasync",
        microseconds,
        all_cores_per_second: 1e6 / microseconds,
    });
    fs::remove_file(&path)?;
    print(&lines, cores, options.json)
}

/// `make` gives each thread its own operation.
fn line<F>(
    name: &'static str,
    duration: Duration,
    cores: usize,
    make: impl Fn() -> Result<F> + Sync,
) -> Result<Line>
where
    F: FnMut() -> Result<()>,
{
    let microseconds = mean(duration, make()?)?;
    let barrier = Barrier::new(cores);
    let rates = thread::scope(|scope| {
        let one = || {
            let operation = make();
            // Every thread comes here, also one that failed, or the others would wait for ever.
            barrier.wait();
            Ok::<_, anyhow::Error>(1e6 / mean(duration, operation?)?)
        };
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(one)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?)
            .sum::<Result<f64>>()
    });
    Ok(Line { name, microseconds, all_cores_per_second: rates? })
}

/// Mean microseconds of one call, after a tenth of the time to warm up.
fn mean(duration: Duration, mut operation: impl FnMut() -> Result<()>) -> Result<f64> {
    let warm = Instant::now();
    while warm.elapsed() < duration / 10 {
        operation()?;
    }
    let (begin, mut count) = (Instant::now(), 0_u64);
    while begin.elapsed() < duration {
        operation()?;
        count += 1;
    }
    Ok(begin.elapsed().as_secs_f64() * 1e6 / count as f64)
}

fn print(lines: &[Line], cores: usize, as_json: bool) -> Result<()> {
    let mut out = stdout().lock();
    if as_json {
        let lines: Vec<_> = lines
            .iter()
            .map(|line| {
                json!({"name": line.name, "microseconds": line.microseconds, "all_cores_per_second": line.all_cores_per_second})
            })
            .collect();
        return writeln!(out, "{:#}", json!({"cores": cores, "primitives": lines})).context("cannot print");
    }
    writeln!(out, "{:<42} {:>12} {:>16}", "primitive", "us, 1 thread", format!("/s, {cores} threads"))?;
    for line in lines {
        writeln!(out, "{:<42} {:>12.1} {:>16.0}", line.name, line.microseconds, line.all_cores_per_second)?;
    }
    Ok(())
}
