//! What the end-to-end tests stand on: a running platform, a client that checks every answer's form, and
//! clips made on the spot. What the platform has to do is said by the tests.

mod account;
mod answer;
mod binary;
mod client;
pub mod clip;
mod cluster;
mod modern;
mod objects;
mod platform;
mod process;
pub mod raw;
pub mod shape;
mod wait;

pub use account::{PASSWORD, User};
pub use answer::Answer;
pub use binary::dytt;
pub use client::{Pairs, Shown, Upload};
pub use cluster::{is_cluster, skipped_in_a_cluster};
pub use modern::Told;
pub use platform::{Ended, Platform, run};
pub use wait::{eventually, within};
