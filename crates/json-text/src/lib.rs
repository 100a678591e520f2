//! One JSON text edited in place: what is not meant keeps its bytes, its order, its layout and its numbers. Pure: no file,
//! no lock, no clock.
