//! The commands.

pub(crate) mod demo;
pub(crate) mod fsck;
pub(crate) mod migrate;
pub(crate) mod serve;
pub(crate) mod user;
