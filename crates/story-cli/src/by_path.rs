//! What is known of paths, so that a folder can be forgotten with all below it without a look at all others.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::{Path, PathBuf};

/// Values by path, in the order of the paths: a folder and all below it stand one after the other.
#[derive(Debug)]
pub struct ByPath<V>(BTreeMap<PathBuf, V>);

impl<V> ByPath<V> {
    /// Holds nothing.
    pub fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// What is known of a path.
    pub fn get(&self, path: &Path) -> Option<&V> {
        self.0.get(path)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, path: &Path) -> Option<&mut V> {
        self.0.get_mut(path)
    }

    /// Whether anything is known of a path.
    pub fn contains(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    /// Puts a value there; returns the one that was there.
    pub fn insert(&mut self, path: PathBuf, value: V) -> Option<V> {
        self.0.insert(path, value)
    }

    /// Puts a value there unless there is one.
    pub fn insert_if_new(&mut self, path: PathBuf, value: V) {
        self.0.entry(path).or_insert(value);
    }

    /// Takes a value away.
    pub fn remove(&mut self, path: &Path) -> Option<V> {
        self.0.remove(path)
    }

    /// Takes away what is known of a path and of all below it. Looks at these alone, and at one more.
    pub fn remove_below(&mut self, folder: &Path) -> Vec<V> {
        let from = (Bound::Included(folder), Bound::Unbounded);
        let from = self.0.range::<Path, _>(from);
        let below = from.take_while(|(path, _)| is_below(path, folder));
        let below: Vec<PathBuf> = below.map(|(path, _)| path.clone()).collect();
        let taken = below.iter().filter_map(|path| self.0.remove(path));
        taken.collect()
    }

    /// All of it, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&PathBuf, &V)> {
        self.0.iter()
    }
}

fn is_below(path: &Path, folder: &Path) -> bool {
    #[cfg(test)]
    tests::LOOKS.set(tests::LOOKS.get() + 1);
    path.starts_with(folder)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        pub static LOOKS: Cell<usize> = const { Cell::new(0) };
    }

    fn by_path(paths: &[&str]) -> ByPath<()> {
        let mut known = ByPath::new();
        for path in paths {
            known.insert(path.into(), ());
        }
        known
    }

    #[test]
    fn remove_below_takes_the_folder_and_all_below_it_and_nothing_else() {
        let all = [
            "/p", "/p/a", "/p/a/x", "/p/a/x/y", "/p/a.b", "/p/a b", "/p/b", "/q",
        ];
        let table: [(&str, &[&str]); 5] = [
            ("/p/a", &["/p", "/p/a b", "/p/a.b", "/p/b", "/q"]),
            ("/p", &["/q"]),
            (
                "/p/a/x/y",
                &["/p", "/p/a", "/p/a b", "/p/a.b", "/p/a/x", "/p/b", "/q"],
            ),
            ("/p/none", &all),
            ("", &[]),
        ];
        for (folder, left) in table {
            let mut known = by_path(&all);
            let taken = known.remove_below(Path::new(folder)).len();
            let mut paths: Vec<_> = known
                .iter()
                .filter_map(|(path, ())| path.to_str())
                .collect();
            let mut left = left.to_vec();
            paths.sort_unstable();
            left.sort_unstable();
            assert_eq!(paths, left, "what stays without {folder:?}");
            assert_eq!(taken, all.len() - left.len(), "what goes with {folder:?}");
        }
    }

    #[test]
    fn remove_below_looks_at_few_others() {
        const FOLDERS: usize = 1000;
        let mut known = ByPath::new();
        for number in 0..FOLDERS {
            known.insert(format!("/p/{number}").into(), ());
            known.insert(format!("/p/{number}/a.lock").into(), ());
        }
        LOOKS.set(0);
        for number in 0..FOLDERS {
            known.remove_below(Path::new(&format!("/p/{number}")));
        }
        assert!(
            LOOKS.get() <= 3 * FOLDERS,
            "two that go and one that stays for each folder, not all of them: {}",
            LOOKS.get()
        );
        assert_eq!(known.iter().count(), 0, "all are gone");
    }
}
