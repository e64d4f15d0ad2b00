//! A measured process: started by us, its CPU and memory read from `/proc`, ended with us.

use std::{
    fs,
    path::Path,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// Ticks of `utime` and `stime`. Linux has used 100 on every architecture it reports to user space for twenty years.
const TICKS_PER_SECOND: u64 = 100;

/// How long a process may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// A child that is ended when this value goes.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts `command` and waits until it has written `ready_file`, at most 20 s.
    ///
    /// Returns the process, the file's text and how long that took.
    pub(crate) fn start(command: Command, ready_file: &Path) -> Result<(Self, String, Duration)> {
        Self::start_within(command, ready_file, Duration::from_secs(20))
    }

    /// The same with another patience.
    pub(crate) fn start_within(
        mut command: Command,
        ready_file: &Path,
        patience: Duration,
    ) -> Result<(Self, String, Duration)> {
        let begin = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {:?}", command.get_program()))?;
        let mut process = Self { child };
        while begin.elapsed() < patience {
            if let Ok(text) = fs::read_to_string(ready_file)
                && !text.trim().is_empty()
            {
                return Ok((process, text, begin.elapsed()));
            }
            if let Some(status) = process.child.try_wait()? {
                bail!("{:?} ended before it served: {status}", command.get_program());
            }
            thread::sleep(Duration::from_millis(2));
        }
        bail!("{:?} did not serve within {patience:?}", command.get_program())
    }

    /// CPU time it has used since it started.
    pub(crate) fn cpu(&self) -> Result<Cpu> {
        Cpu::of(self.child.id())
    }

    /// Memory it holds now, in bytes.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| -> Result<u64> {
            let line =
                status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| name.to_owned())?;
            let kibibytes: u64 = line.trim_start_matches(':').trim().trim_end_matches(" kB").parse()?;
            Ok(kibibytes * 1024)
        };
        Ok(Memory { resident: field("VmRSS")?, anonymous: field("RssAnon")?, peak: field("VmHWM")? })
    }

    /// Asks it to end, the floor by the end of its standard input and the server by a signal: a program that is being trained
    /// writes what it learnt when it ends (`scripts/trained-release.sh`).
    fn ask_to_end(&mut self) {
        // The number of one that has ended may be another's by now.
        if !self.is_running() {
            return;
        }
        match self.child.stdin.take() {
            Some(stdin) => drop(stdin),
            None => {
                if let Some(id) = Pid::from_raw(self.child.id().cast_signed()) {
                    let _ = kill_process(id, Signal::TERM);
                }
            }
        }
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE && self.is_running() {
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.ask_to_end();
        // It may have ended already; there is nothing better to do about either error here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU time at one moment, by two of the kernel's accounts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cpu {
    /// User and system time, in ticks: whole, but coarse (10 ms).
    ticks: u64,
    /// Thread id and its time on a CPU in nanoseconds: fine, but an ended thread takes its account along.
    threads: Vec<(u32, u64)>,
}

impl Cpu {
    /// What a process has used since it started.
    pub(crate) fn of(id: u32) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).context("the process is gone")?;
        let ticks = ticks(&stat).context("unexpected form of /proc/PID/stat")?;
        let mut threads = Vec::new();
        for entry in fs::read_dir(format!("/proc/{id}/task"))? {
            let path = entry?.path();
            let Some(thread) =
                path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok())
            else {
                continue;
            };
            // A thread may end between the listing and the reading.
            if let Ok(text) = fs::read_to_string(path.join("schedstat"))
                && let Some(nanoseconds) = text.split(' ').next().and_then(|field| field.parse().ok())
            {
                threads.push((thread, nanoseconds));
            }
        }
        threads.sort_unstable();
        Ok(Self { ticks, threads })
    }

    /// Nanoseconds used between `earlier` and this moment.
    ///
    /// The threads' account unless a thread ended in between, then the ticks.
    pub(crate) fn since(&self, earlier: &Self) -> u64 {
        let now = |thread: u32| {
            self.threads
                .binary_search_by_key(&thread, |entry| entry.0)
                .ok()
                .map(|index| self.threads[index].1)
        };
        let before: Option<u64> = earlier.threads.iter().map(|(thread, _)| now(*thread).map(|_| 0)).sum();
        match before {
            Some(_) => {
                let sum = |threads: &[(u32, u64)]| threads.iter().map(|entry| entry.1).sum::<u64>();
                sum(&self.threads).saturating_sub(sum(&earlier.threads))
            }
            None => self.ticks_since(earlier),
        }
    }

    /// The same by the ticks alone, as a check on the other account.
    pub(crate) fn ticks_since(&self, earlier: &Self) -> u64 {
        (self.ticks - earlier.ticks) * (1_000_000_000 / TICKS_PER_SECOND)
    }
}

/// Memory at one moment, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// All pages in memory (`VmRSS`): the code of the binary and mapped files included.
    pub(crate) resident: u64,
    /// Of these, pages that belong to no file (`RssAnon`): heap and stacks.
    pub(crate) anonymous: u64,
    /// The most it ever held (`VmHWM`).
    pub(crate) peak: u64,
}

/// `utime + stime` of a `/proc/PID/stat` line; the name in parentheses may hold spaces.
fn ticks(stat: &str) -> Option<u64> {
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 2..)?.split(' ').collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_any_name() {
        let stat = "7 (a ) name) S 1 2 3 4 5 6 7 8 9 10 1200 34 0 0 20 0 4 0 99";
        assert_eq!(ticks(stat), Some(1234));
        assert_eq!(ticks("7 (x"), None);
    }

    #[test]
    fn new_threads_count_and_lost_threads_fall_back_to_ticks() {
        let earlier = Cpu { ticks: 10, threads: vec![(1, 100), (2, 200)] };
        let grown = Cpu { ticks: 12, threads: vec![(1, 150), (2, 200), (3, 70)] };
        assert_eq!(grown.since(&earlier), 120);
        let lost = Cpu { ticks: 12, threads: vec![(1, 150)] };
        assert_eq!(lost.since(&earlier), 20_000_000);
    }
}
