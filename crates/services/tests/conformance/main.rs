//! What each service promises, asked through its trait alone: how the service is reached is the world's
//! business.

mod comment;
mod feed;
mod follow;
mod like;
mod message;
mod user;
mod video;
mod world;
