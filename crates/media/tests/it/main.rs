//! Through the crate's own face, on clips that ffmpeg makes on the spot. What is compared is durations, codecs
//! and pixels; bytes only to find what must not be there.

mod accepted;
mod clips;
mod corpus;
mod cover;
mod demo;
mod ladder;
mod pictures;
mod refused;
mod sources;
mod tools;
