//! The platform from outside: HTTP, and nothing the tests know from its code. It is one running program or, with
//! `DYTT_E2E=cluster`, two of each service. Every test ends with an orderly stop and a check of everything stored.

mod api;
mod caption;
mod cert;
mod command;
mod comment;
mod config;
mod crash;
mod crowd;
mod delete;
mod durable;
mod feed;
mod feed_cache;
mod follow;
mod frame;
mod input;
mod like;
mod limit;
mod message;
mod overload;
mod page;
mod playback;
mod rendition;
mod resume;
mod route;
mod sandbox;
mod secret;
mod sight;
mod slow;
mod stop;
mod suite;
mod token;
mod transcode;
mod upload;
mod user;
mod video;
