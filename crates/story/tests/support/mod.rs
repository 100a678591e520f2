//! What several test files of this crate share, and the fuzz targets with them.

pub mod invariants;
