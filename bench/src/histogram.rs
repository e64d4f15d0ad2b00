//! Latencies in buckets no wider than 1/128 of their value.

/// Sub-buckets of each power of two, as a number of bits.
const PRECISION_BITS: u32 = 7;
const LINEAR: u64 = 1 << PRECISION_BITS;

/// Counts of durations in nanoseconds; recording is one shift and one increment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    /// Counts one duration.
    pub(crate) fn record(&mut self, nanoseconds: u64) {
        let index = bucket(nanoseconds);
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] += 1;
        self.total += 1;
    }

    /// How many durations were counted.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// How many of them took no longer than so many nanoseconds, to the width of a bucket.
    pub(crate) fn within(&self, nanoseconds: u64) -> u64 {
        self.counts.iter().take(bucket(nanoseconds) + 1).sum()
    }

    /// The duration, in nanoseconds, that `quantile` (0..=1) of all recorded ones do not exceed; 0 when there are none.
    pub(crate) fn quantile(&self, quantile: f64) -> u64 {
        let rank = ((self.total as f64 * quantile).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper_bound(index);
            }
        }
        0
    }
}

fn bucket(value: u64) -> usize {
    if value < LINEAR {
        return value as usize;
    }
    let shift = value.ilog2() - PRECISION_BITS;
    // The leading bit is implied, so each power of two owns LINEAR buckets.
    ((u64::from(shift) + 1) * LINEAR + ((value >> shift) - LINEAR)) as usize
}

fn upper_bound(index: usize) -> u64 {
    let index = index as u64;
    if index < LINEAR {
        return index;
    }
    let shift = index / LINEAR - 1;
    (((index % LINEAR) + LINEAR + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_was_quick_enough() {
        let mut histogram = Histogram::default();
        for value in [1, 1_000, 1_000_000, 1_000_000_000] {
            histogram.record(value);
        }
        assert_eq!(
            [0, 1, 2_000, 1_000_000, 2_000_000_000].map(|most| histogram.within(most)),
            [0, 1, 2, 3, 4]
        );
    }

    #[test]
    fn buckets_are_contiguous_and_hold_their_values() {
        let mut last = 0;
        for value in 0..1_000_000_u64 {
            let index = bucket(value);
            assert!(index == last || index == last + 1, "a gap before {value}");
            last = index;
            let bound = upper_bound(index);
            assert!(bound >= value && bound - value <= value / 128, "{value} stands under {bound}");
        }
    }

    #[test]
    fn quantiles_of_a_known_distribution() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), 0);
        for value in 1..=100 {
            histogram.record(value);
        }
        assert_eq!(histogram.quantile(0.5), 50);
        assert_eq!(histogram.quantile(0.99), 99);
        assert_eq!(histogram.quantile(1.0), 100);
        assert_eq!(histogram.total(), 100);
    }
}
