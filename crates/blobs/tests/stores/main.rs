//! The object store through its public face, on a folder and on real S3 servers.

mod every;
mod faults;
mod start;
mod world;
