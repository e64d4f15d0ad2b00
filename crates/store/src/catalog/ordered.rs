//! A sorted map whose copies share what is the same in both: a change of one entry copies one chunk and the list of
//! chunks, not the collection. With 100,000 entries that is some microseconds, where a copy of a hash map is some
//! milliseconds and as much memory again.

use std::cmp::Ordering;
use std::sync::Arc;

/// Entries of a chunk. A change copies at most so many, and one pointer for each chunk.
const FULL: usize = 256;

/// Entries in the order of their keys. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Ordered<K, V> {
    /// None of them empty.
    chunks: Arc<Vec<Chunk<K, V>>>,
    len: usize,
}

type Chunk<K, V> = Arc<Vec<(K, V)>>;

impl<K, V> Default for Ordered<K, V> {
    fn default() -> Self {
        Self { chunks: Arc::default(), len: 0 }
    }
}

impl<K, V> Ordered<K, V> {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The entry for which `at` says that it is the one: `at` compares a key with what is looked for.
    pub(super) fn find(&self, at: impl Fn(&K) -> Ordering) -> Option<&V> {
        let (chunk, index) = self.place(at).ok()?;
        Some(&self.chunks[chunk][index].1)
    }

    /// Every entry from the first that is not less, in order.
    pub(super) fn from(&self, at: impl Fn(&K) -> Ordering) -> impl Iterator<Item = (&K, &V)> {
        let (chunk, index) = self.place(at).unwrap_or_else(|place| place);
        let behind = self.chunks.get(chunk).map(|chunk| &chunk[index..]).unwrap_or_default();
        let rest = self.chunks.get(chunk + 1..).unwrap_or_default();
        behind.iter().chain(rest.iter().flat_map(|chunk| chunk.iter())).map(|(key, value)| (key, value))
    }

    /// Every value in the order of the keys.
    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.chunks.iter().flat_map(|chunk| chunk.iter().map(|(_, value)| value))
    }

    /// Where it is, or where it would be.
    fn place(&self, at: impl Fn(&K) -> Ordering) -> Result<(usize, usize), (usize, usize)> {
        let is_before = |chunk: &Chunk<K, V>| chunk.last().is_some_and(|(key, _)| at(key) == Ordering::Less);
        let chunk = self.chunks.partition_point(is_before);
        match self.chunks.get(chunk).map(|chunk| chunk.binary_search_by(|(key, _)| at(key))) {
            Some(Ok(index)) => Ok((chunk, index)),
            Some(Err(index)) => Err((chunk, index)),
            None => Err((chunk, 0)),
        }
    }
}

impl<K: Ord + Clone, V: Clone> Ordered<K, V> {
    /// Adds an entry or replaces it. Answers the value that was there.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let place = self.place(|known| known.cmp(&key));
        let chunks = Arc::make_mut(&mut self.chunks);
        match place {
            Ok((chunk, index)) => {
                return Some(std::mem::replace(&mut Arc::make_mut(&mut chunks[chunk])[index].1, value));
            }
            // Behind everything: most ids are random, but whole collections are read in order.
            Err((chunk, _)) if chunk == chunks.len() => match chunks.last_mut() {
                Some(last) if last.len() < FULL => Arc::make_mut(last).push((key, value)),
                _ => chunks.push(Arc::new(vec![(key, value)])),
            },
            Err((chunk, index)) => {
                let entries = Arc::make_mut(&mut chunks[chunk]);
                entries.insert(index, (key, value));
                if entries.len() > FULL {
                    let second = entries.split_off(entries.len() / 2);
                    chunks.insert(chunk + 1, Arc::new(second));
                }
            }
        }
        self.len += 1;
        None
    }

    /// Takes an entry away. Answers its value.
    pub(super) fn remove(&mut self, at: impl Fn(&K) -> Ordering) -> Option<V> {
        let (chunk, index) = self.place(at).ok()?;
        let chunks = Arc::make_mut(&mut self.chunks);
        let (_, value) = Arc::make_mut(&mut chunks[chunk]).remove(index);
        if chunks[chunk].is_empty() {
            chunks.remove(chunk);
        }
        self.len -= 1;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn pairs(map: &Ordered<u16, u32>) -> Vec<(u16, u32)> {
        map.from(|_| Ordering::Greater).map(|(key, value)| (*key, *value)).collect()
    }

    proptest! {
        #[test]
        fn it_is_a_sorted_map(steps in prop::collection::vec((0_u16..900, prop::option::weighted(0.7, any::<u32>())), 0..3000)) {
            let mut map = Ordered::default();
            let mut model = BTreeMap::new();
            for (key, value) in steps {
                match value {
                    Some(value) => assert_eq!(map.insert(key, value), model.insert(key, value)),
                    None => assert_eq!(map.remove(|known| known.cmp(&key)), model.remove(&key)),
                }
                assert_eq!(map.len(), model.len());
                assert_eq!(map.find(|known| known.cmp(&key)), model.get(&key));
            }
            assert!(map.chunks.iter().all(|chunk| (1..=FULL).contains(&chunk.len())));
            assert!(map.values().eq(model.values()));
            for from in [0, 17, 450, 899, 2000] {
                assert!(map.from(|known| known.cmp(&from)).eq(model.range(from..)), "{from}");
            }
        }
    }

    #[test]
    fn a_copy_does_not_change_and_shares_the_rest() {
        let mut map = Ordered::default();
        for key in 0..2000_u16 {
            map.insert(key, u32::from(key));
        }
        let before = map.clone();
        map.insert(700, 0);
        map.remove(|key| key.cmp(&1500));
        assert_eq!((before.len(), map.len()), (2000, 1999));
        assert_eq!(pairs(&before).len(), 2000);
        assert_eq!(before.find(|key| key.cmp(&700)), Some(&700));
        let shared = before.chunks.iter().filter(|one| map.chunks.iter().any(|two| Arc::ptr_eq(one, two)));
        assert_eq!(shared.count(), before.chunks.len() - 2);
    }
}
