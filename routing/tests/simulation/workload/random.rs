//! Chance.

use std::sync::Arc;

use routing::state::Map;

/// A small deterministic source of chance (SplitMix64), the same on every machine.
pub struct Random(u64);

impl Random {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `n`, which is not 0. A little uneven, which does not matter here.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// True in so many of 100 cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    /// In so many of 100 cases, a number below 100.
    pub fn maybe(&mut self, percent: u64) -> Option<usize> {
        let number = self.below(100);
        self.percent(percent).then_some(number)
    }

    /// One of them, which are not none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub fn pick_or<T: Copy>(&mut self, from: &[T], otherwise: T) -> T {
        if from.is_empty() { otherwise } else { *self.pick(from) }
    }

    pub fn pick_key<K: Copy + Ord, V>(&mut self, map: &Map<K, V>) -> Option<K> {
        if map.is_empty() { None } else { map.keys().nth(self.below(map.len())).copied() }
    }

    pub fn pick_value<'a, K: Copy + Ord, V>(&mut self, map: &'a Map<K, V>) -> Option<&'a Arc<V>> {
        if map.is_empty() { None } else { map.values().nth(self.below(map.len())) }
    }

    /// So many different ones of them, or all.
    pub fn some_of<T: Copy>(&mut self, from: &[T], n: usize) -> Vec<T> {
        let mut left = from.to_vec();
        let n = n.min(left.len());
        (0..n).map(|_| left.swap_remove(self.below(left.len()))).collect()
    }

    /// A position, each as often as its weight says. Not all weights are 0.
    pub fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut at = self.next() % weights.iter().sum::<u64>();
        for (position, weight) in weights.iter().enumerate() {
            match at.checked_sub(*weight) {
                None => return position,
                Some(rest) => at = rest,
            }
        }
        unreachable!("the number is below the sum of the weights")
    }
}
