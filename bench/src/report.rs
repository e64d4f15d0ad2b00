//! The report: tables for people, JSON for machines.

use std::{
    fs,
    io::{Write as _, stdout},
    thread,
    time::Duration,
};

use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    cell::Cell,
    load::Window,
    process::Memory,
    workload::{Baseline, Measure, Target},
};

/// What the server may hold right after it started, in bytes.
const MEMORY_AFTER_START: u64 = 25_000_000;
/// What it may hold after it issued 100,000 tokens.
const MEMORY_AFTER_TOKENS: u64 = 50_000_000;

/// Everything a run found.
#[derive(Debug)]
pub(crate) struct Report {
    /// The server's start; absent when only the floor was measured.
    pub(crate) start: Option<Start>,
    /// The measured cells.
    pub(crate) cells: Vec<Cell>,
    /// Length of a window.
    pub(crate) window: Duration,
    /// `sqlite` or the URL.
    pub(crate) database: String,
}

/// How the server started and what memory it took.
#[derive(Debug)]
pub(crate) struct Start {
    /// From exec to the ready file.
    pub(crate) until_ready: Duration,
    /// Memory one second later.
    pub(crate) after_start: Memory,
    /// How many tokens were issued then.
    pub(crate) tokens: usize,
    /// Memory after these.
    pub(crate) after_tokens: Memory,
}

impl Report {
    /// Prints it.
    ///
    /// # Errors
    /// When the output is closed.
    pub(crate) fn print(&self, as_json: bool) -> Result<()> {
        let mut out = stdout().lock();
        if as_json {
            writeln!(out, "{:#}", self.json())?;
        } else {
            out.write_all(self.text().as_bytes())?;
        }
        Ok(())
    }

    /// How many ratios miss their target.
    pub(crate) fn misses(&self) -> usize {
        let rows = self.cells.iter().flat_map(Row::of);
        rows.filter(|row| row.met == Some(false)).count()
            + self.memory().iter().filter(|line| !line.3).count()
    }

    fn text(&self) -> String {
        let mut text = format!(
            "{}, {} cores; {}; windows of {:.1} s, median of the rounds (min..max)\n\n",
            processor(),
            cores(),
            engine(&self.database),
            self.window.as_secs_f64()
        );
        if let Some(start) = &self.start {
            text.push_str(&format!("ready after {:.0} ms\n", start.until_ready.as_secs_f64() * 1e3));
            for (name, memory, limit, met) in self.memory() {
                text.push_str(&format!(
                    "memory {name}: {:.1} MB (heap and stacks {:.1} MB, peak {:.1} MB), target {:.0} MB: {}\n",
                    megabytes(memory.resident),
                    megabytes(memory.anonymous),
                    megabytes(memory.peak),
                    megabytes(limit),
                    verdict(met)
                ));
            }
            text.push('\n');
        }
        text.push_str(&format!(
            "{:<24} {:>5} | {:>8} {:>9} {:>9} {:>8} {:>6} | {:<14} {:>8} {:>9} {:>9} {:>8} | {:<19} {:<19} {}\n",
            "", "conn", "req/s", "p50 us", "p99 us", "CPU us", "RSS MB", "floor", "req/s", "p50 us", "p99 us",
            "CPU us", "CPU ratio", "p50 ratio", "target"
        ));
        for cell in &self.cells {
            for (index, row) in Row::of(cell).iter().enumerate() {
                text.push_str(&line(cell, row, index == 0));
            }
        }
        text
    }

    fn json(&self) -> Value {
        let memory: Vec<Value> = self
            .memory()
            .into_iter()
            .map(|(name, memory, limit, met)| {
                json!({"when": name, "resident": memory.resident, "anonymous": memory.anonymous, "peak": memory.peak,
                    "target": limit, "met": met})
            })
            .collect();
        json!({
            "processor": processor(),
            "cores": cores(),
            "database": engine(&self.database),
            "window_seconds": self.window.as_secs_f64(),
            "ready_ms": self.start.as_ref().map(|start| start.until_ready.as_secs_f64() * 1e3),
            "memory": memory,
            "cells": self.cells.iter().map(cell_json).collect::<Vec<_>>(),
        })
    }

    fn memory(&self) -> Vec<(String, Memory, u64, bool)> {
        let Some(start) = &self.start else { return Vec::new() };
        [
            ("after start".to_owned(), start.after_start, MEMORY_AFTER_START),
            (format!("after {} tokens", start.tokens), start.after_tokens, MEMORY_AFTER_TOKENS),
        ]
        .map(|(name, memory, limit)| (name, memory, limit, memory.resident < limit))
        .into()
    }
}

/// One floor of a cell with the ratios to it.
struct Row<'a> {
    baseline: &'a Baseline,
    floor: &'a [Window],
    cpu: Option<Spread>,
    time: Option<Spread>,
    met: Option<bool>,
}

impl<'a> Row<'a> {
    fn of(cell: &'a Cell) -> Vec<Self> {
        let rows = cell.floors.iter().map(|(baseline, floor)| {
            // Windows of the same round are neighbours in time: their ratio is freer of the machine's moods.
            let ratio = |figure: Figure| {
                let pairs = cell.server.iter().zip(floor);
                Spread::of(pairs.map(|(server, floor)| figure(server) / figure(floor)).collect())
            };
            let (cpu, time) = (ratio(Window::cpu_per_request), ratio(|window| window.latency(0.5)));
            let met = baseline.target.and_then(|target| {
                let spread = if target.measure == Measure::Cpu { cpu } else { time };
                Some(spread?.median <= target.at_most)
            });
            Self { baseline, floor, cpu, time, met }
        });
        rows.collect()
    }
}

/// Median and extremes of the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median =
            if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 };
        Some(Self { median, least, most })
    }

    fn of_windows(windows: &[Window], figure: Figure) -> Option<Self> {
        Self::of(windows.iter().map(figure).collect())
    }

    fn json(self) -> Value {
        json!({"median": self.median, "min": self.least, "max": self.most})
    }
}

/// Reads one figure from a window.
type Figure = fn(&Window) -> f64;

/// Requests a second, p50, p99 and CPU of one request, each with its name in JSON.
const FIGURES: [(&str, Figure); 5] = [
    ("requests_per_second", Window::rate),
    ("p50_us", |window| window.latency(0.5)),
    ("p99_us", |window| window.latency(0.99)),
    ("cpu_us", Window::cpu_per_request),
    ("cpu_us_by_ticks", |window| window.cpu_by_ticks as f64 / window.requests.max(1) as f64 / 1e3),
];

fn line(cell: &Cell, row: &Row<'_>, first: bool) -> String {
    let figure = |windows: &[Window], index: usize, width: usize, digits: usize| match Spread::of_windows(
        windows,
        FIGURES[index].1,
    ) {
        Some(spread) => format!("{:>width$.digits$}", spread.median),
        None => format!("{:>width$}", "-"),
    };
    let four = |windows: &[Window]| {
        let parts = [(0, 8, 0), (1, 9, 0), (2, 9, 0), (3, 8, 1)];
        parts.map(|(index, width, digits)| figure(windows, index, width, digits)).join(" ")
    };
    let server = if first { four(&cell.server) } else { " ".repeat(37) };
    let resident = match cell.memory {
        Some(memory) if first => format!("{:>6.1}", megabytes(memory.resident)),
        _ => " ".repeat(6),
    };
    let name = if first { cell.kind.name() } else { "" };
    let connections = if first { cell.connections.to_string() } else { String::new() };
    let mut line = format!(
        "{name:<24} {connections:>5} | {server} {resident} | {:<14} {} | {:<19} {:<19} {}",
        row.baseline.name,
        four(row.floor),
        ratio(row.cpu),
        ratio(row.time),
        row.baseline.target.map(|target| goal(target, row.met)).unwrap_or_default()
    );
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}

fn ratio(spread: Option<Spread>) -> String {
    spread
        .map(|spread| format!("{:.2} ({:.2}..{:.2})", spread.median, spread.least, spread.most))
        .unwrap_or_default()
}

fn goal(target: Target, met: Option<bool>) -> String {
    let measure = if target.measure == Measure::Cpu { "CPU" } else { "p50" };
    format!(
        "{measure} <= {}{}",
        target.at_most,
        met.map(|met| format!(": {}", verdict(met))).unwrap_or_default()
    )
}

fn cell_json(cell: &Cell) -> Value {
    let figures = |windows: &[Window]| -> Value {
        let named = FIGURES.iter().map(|(name, figure)| {
            ((*name).to_owned(), Spread::of_windows(windows, *figure).map_or(Value::Null, Spread::json))
        });
        let mut object: serde_json::Map<String, Value> = named.collect();
        let requests: u64 = windows.iter().map(|window| window.latencies.total()).sum();
        object.insert("requests".to_owned(), requests.into());
        Value::Object(object)
    };
    let floors: Vec<Value> = Row::of(cell)
        .into_iter()
        .map(|row| {
            json!({
                "name": row.baseline.name,
                "figures": figures(row.floor),
                "cpu_ratio": row.cpu.map(Spread::json),
                "p50_ratio": row.time.map(Spread::json),
                "target": row.baseline.target.map(|target| goal(target, None)),
                "met": row.met,
            })
        })
        .collect();
    json!({
        "workload": cell.kind.name(),
        "connections": cell.connections,
        "server": (!cell.server.is_empty()).then(|| figures(&cell.server)),
        "resident": cell.memory.map(|memory| memory.resident),
        "floors": floors,
    })
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// The engine's name: a URL may hold a password.
fn engine(database: &str) -> &'static str {
    if database == "sqlite" { "SQLite" } else { "PostgreSQL" }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(0, std::num::NonZero::get)
}

fn processor() -> String {
    let about = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = about.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| "unknown processor".to_owned(), |(_, name)| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads() {
        assert_eq!(Spread::of(vec![]), None);
        let odd = Spread::of(vec![3.0, 1.0, 2.0]).unwrap();
        assert_eq!((odd.median, odd.least, odd.most), (2.0, 1.0, 3.0));
        assert_eq!(Spread::of(vec![4.0, 1.0]).unwrap().median, 2.5);
    }
}
