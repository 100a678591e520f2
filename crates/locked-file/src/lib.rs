//! Read-modify-write of whole files under their sidecar lock: of one file, and of several together. What the bytes mean is
//! not known here.
