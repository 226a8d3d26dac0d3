//! Real sockets, honest peers and others. Limits are made so small that a test lasts as long as it takes.

mod ends;
mod pace;
mod room;
mod silence;
mod world;
