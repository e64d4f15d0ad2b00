//! `chancery ready`: for health checks where there is no other program that speaks HTTP, as in a small container.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cli::ReadyArgs;
use crate::output::Output;

/// For each step: connecting, writing, reading.
const PATIENCE: Duration = Duration::from_secs(5);
/// More than the answer has.
const MOST: u64 = 16 * 1024;

pub(super) fn run(args: &ReadyArgs, out: &mut Output) -> Result<ExitCode> {
    let answer = ask(&args.metrics)
        .with_context(|| format!("the server does not answer at http://{}/readyz", args.metrics))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.split(' ').nth(1) != Some("200") {
        bail!("not ready: {}", body.trim());
    }
    out.line(body.trim())?;
    Ok(ExitCode::SUCCESS)
}

fn ask(address: &str) -> Result<String> {
    let address = address.to_socket_addrs()?.next().context("it is no address")?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(
        format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = String::new();
    stream.take(MOST).read_to_string(&mut answer)?;
    Ok(answer)
}
