//! Names for new tasks. Pure.

use super::moment::Moment;

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// How many of them stand at the end of an id (the requirement's `task_<ms>_<6>`).
const LENGTH: usize = 6;

/// A new id, `task_<milliseconds>_<6 of a-z0-9>`, for which `is_taken` says no. `seed` is random.
pub(super) fn new_id(at: Moment, seed: u64, is_taken: impl Fn(&str) -> bool) -> String {
    let mut seed = seed;
    loop {
        let id = format!("task_{}_{}", at.milliseconds(), digits(spread(seed)));
        if !is_taken(&id) {
            return id;
        }
        seed = seed.wrapping_add(1);
    }
}

/// Seeds that lie side by side give ids that do not (`SplitMix64`, Steele, Lea and Flood 2014).
fn spread(seed: u64) -> u64 {
    let mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn digits(mut number: u64) -> String {
    let base = DIGITS.len() as u64;
    let digit = |_| {
        let digit = usize::try_from(number % base).unwrap_or_default();
        number /= base;
        char::from(DIGITS[digit])
    };
    (0..LENGTH).map(digit).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn new_id_has_the_form_of_the_requirement() {
        let at = Moment::from_milliseconds(1_768_212_000_123).expect("a moment");
        for seed in [0, 1, u64::MAX] {
            let id = new_id(at, seed, |_| false);
            let rest = id.strip_prefix("task_1768212000123_").expect("the time");
            assert!(
                rest.len() == 6 && rest.bytes().all(|byte| DIGITS.contains(&byte)),
                "six digits end {id}"
            );
        }
    }

    #[test]
    fn new_id_is_never_one_that_is_taken() {
        let at = Moment::from_milliseconds(0).expect("a moment");
        let mut taken = HashSet::new();
        for _ in 0..1000 {
            let id = new_id(at, 42, |id| taken.contains(id));
            assert!(taken.insert(id.clone()), "{id} was there already");
        }
    }
}
