//! The commands.

pub(crate) mod backup;
pub(crate) mod cert;
pub(crate) mod conformance;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod fsck;
pub(crate) mod jobs;
pub(crate) mod migrate;
pub(crate) mod restore;
pub(crate) mod sandbox;
pub(crate) mod serve;
pub(crate) mod services;
pub(crate) mod user;
