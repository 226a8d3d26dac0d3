//! The commands.

pub(crate) mod cert;
pub(crate) mod demo;
pub(crate) mod fsck;
pub(crate) mod migrate;
pub(crate) mod serve;
pub(crate) mod services;
pub(crate) mod user;
