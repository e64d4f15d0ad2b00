//! What the system knows of this process, under the names that Prometheus gives it in every language.

use std::fmt::Write;
use std::fs;
use std::time::SystemTime;

use rustix::time::{ClockId, clock_gettime};

/// A name, its type and what it says.
type Described = (&'static str, &'static str, &'static str);

const STARTED: Described = ("process_start_time_seconds", "gauge", "Unix time of the start of the process");
const CPU: Described = ("process_cpu_seconds_total", "counter", "Time that the process spent on cores");
const MEMORY: Described = ("process_resident_memory_bytes", "gauge", "Memory of the process that is in RAM");
const FILES: Described = ("process_open_fds", "gauge", "Files and sockets that the process has open");

/// Seconds since 1970.
pub(super) fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// In the text form of Prometheus. Written by hand: the recorder keeps whole numbers for what counts up. What the system does
/// not say is left out.
pub(super) fn figures(started: f64) -> String {
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let figures = [
        (STARTED, Some(format!("{started:.3}"))),
        (CPU, Some(format!("{}.{:09}", cpu.tv_sec, cpu.tv_nsec))),
        (MEMORY, resident_memory().map(|bytes| bytes.to_string())),
        (FILES, open_files().map(|count| count.to_string())),
    ];
    let mut text = String::new();
    for ((name, kind, help), value) in figures {
        let Some(value) = value else { continue };
        // Writing to a string cannot fail.
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n");
    }
    text
}

/// Linux says it in kibibytes.
fn resident_memory() -> Option<u64> {
    resident_in(&fs::read_to_string("/proc/self/status").ok()?)
}

fn resident_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

/// Without the one that is open to count them.
fn open_files() -> Option<usize> {
    fs::read_dir("/proc/self/fd").ok()?.count().checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(resident_in("Name:\tx\nVmHWM:\t     100 kB\nVmRSS:\t      24 kB\n"), Some(24 * 1024));
        assert_eq!(resident_in("VmRSS:\t24 pages\n"), None);
        assert_eq!(resident_in(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn every_figure_is_there_and_likely() {
        let text = figures(now());
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("no {name} in {text}")).parse::<f64>().unwrap()
        };
        assert!(value(STARTED.0) > 1.7e9, "{text}");
        assert!(value(CPU.0) > 0.0, "{text}");
        assert!(value(MEMORY.0) > 1e6, "{text}");
        assert!(value(FILES.0) >= 3.0, "{text}");
    }
}
