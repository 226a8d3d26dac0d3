//! The service contracts: messages, plain service traits and their two adapters to the wire, generated from
//! `proto/`. Callers hold an `Arc<dyn …Service>` and never learn whether the service runs in this process.

mod status;
mod step;
mod wire;

#[rustfmt::skip]
#[expect(missing_docs, reason = "fields are documented in the .proto where their name does not say it")]
#[expect(clippy::large_enum_variant, reason = "one event at a time is in memory")]
mod r#gen {
    include!("gen/dytt.v1.rs");
}

pub use r#gen::*;
pub use status::{from_status, to_status};
pub use step::{Request, Response, Step};
pub use wire::MAX_MESSAGE_BYTES;

/// The version of the contracts, the last word of their package: services are found by it.
pub const VERSION: &str = "v1";

/// The contracts as tools read them (an encoded `FileDescriptorSet`).
pub const DESCRIPTORS: &[u8] = include_bytes!("gen/dytt.v1.bin");

/// What comes over a stream, in order.
pub type Listening<T> = futures_util::stream::BoxStream<'static, domain::Result<T>>;

/// What is known of a method without calling it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// Its path on the wire: `/dytt.v1.LikeService/LikeVideo`.
    pub path: &'static str,
    /// The service it belongs to, by its noun.
    pub service: &'static str,
    /// Whether doing it a second time changes nothing more.
    pub repeatable: bool,
    /// Whether it answers with a stream.
    pub streaming: bool,
}

/// The method at a path.
#[must_use]
pub fn method(path: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.path == path)
}
