//! What each service promises, asked through its trait alone: here of the services themselves, in
//! `../remote` of the same services over the wire.

mod comment;
mod feed;
mod follow;
mod like;
mod message;
mod user;
mod video;
mod world;

/// The services themselves.
async fn reach(services: world::Services) -> (world::Services, Option<world::Wire>) {
    (services, None)
}
