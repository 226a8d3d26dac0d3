//! Calls over real sockets with real certificates, as services make them.

mod balance;
mod interceptors;
mod refusals;
mod stop;
mod travel;
mod world;
