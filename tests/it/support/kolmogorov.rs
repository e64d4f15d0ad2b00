//! The two-sample Kolmogorov-Smirnov test: whether two sets of measurements can come from one distribution.

use std::time::Duration;

/// The chance of calling equal distributions different. Small, since it is run in every build.
const ALPHA: f64 = 1e-4;

/// What the test says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    /// The largest distance between the two empirical distribution functions, 0 to 1.
    pub(crate) distance: f64,
    /// What it may be at most, by the number of samples.
    pub(crate) critical: f64,
}

impl Verdict {
    pub(crate) fn is_alike(&self) -> bool {
        self.distance <= self.critical
    }
}

/// Compares two sets of samples.
pub(crate) fn compare(one: &[Duration], other: &[Duration]) -> Verdict {
    let (one, other) = (sorted(one), sorted(other));
    let share = |done: usize, all: &[Duration]| done as f64 / all.len() as f64;
    let (mut i, mut j, mut distance) = (0, 0, 0.0_f64);
    while i < one.len() && j < other.len() {
        // Equal values step together.
        let value = one[i].min(other[j]);
        i += one[i..].iter().take_while(|sample| **sample == value).count();
        j += other[j..].iter().take_while(|sample| **sample == value).count();
        distance = distance.max((share(i, &one) - share(j, &other)).abs());
    }
    let (n, m) = (one.len() as f64, other.len() as f64);
    Verdict { distance, critical: (-(ALPHA / 2.0).ln() / 2.0).sqrt() * ((n + m) / (n * m)).sqrt() }
}

fn sorted(samples: &[Duration]) -> Vec<Duration> {
    let mut samples = samples.to_vec();
    samples.sort_unstable();
    samples
}

fn samples(from: u64, count: u64) -> Vec<Duration> {
    (from..from + count).map(Duration::from_micros).collect()
}

#[test]
fn equal_and_apart() {
    let same = compare(&samples(0, 1000), &samples(0, 1000));
    assert!(same.distance == 0.0 && same.is_alike());
    let apart = compare(&samples(0, 100), &samples(100, 50));
    assert!(apart.distance == 1.0 && !apart.is_alike());
}

#[test]
fn the_distance_is_the_largest_step_apart() {
    // A tenth of the range apart: F differs by 0.1 everywhere in between.
    let shifted = compare(&samples(0, 1000), &samples(100, 1000));
    assert!((shifted.distance - 0.1).abs() < 1e-9, "{shifted:?}");
    // 2.2253 is the coefficient of 0.0001, sqrt(2/1000) the size of the samples.
    assert!((shifted.critical - 2.225_25 * 0.002_f64.sqrt()).abs() < 1e-4, "{shifted:?}");
    assert!(!compare(&samples(0, 1000), &samples(101, 1000)).is_alike());
    assert!(compare(&samples(0, 1000), &samples(99, 1000)).is_alike());
}
