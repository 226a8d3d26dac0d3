//! The store against a real database, a fresh one for each test.

mod atomic;
mod catalogue;
mod check;
mod comment;
mod crowd;
mod feed;
mod fixture;
mod follow;
mod job;
mod like;
mod message;
mod object;
mod open;
mod parallel;
mod plans;
mod stated;
mod statements;
mod user;
mod video;
mod writer;
