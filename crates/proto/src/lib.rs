//! The service contracts: messages and plain service traits generated from `proto/`. Callers hold an
//! `Arc<dyn …Service>` and never learn whether the service runs in this process.

#[rustfmt::skip]
#[expect(missing_docs, reason = "fields are documented in the .proto where their name does not say it")]
mod r#gen {
    include!("gen/dytt.v1.rs");
}

pub use r#gen::*;
