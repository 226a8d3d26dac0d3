//! The real servers beside the platform, for tests and for a cluster on one machine: each found, started on
//! a free port in a folder of its own, and ended with its handle.
