//! What the platform is measured beside, in the same run: limits that no program of its kind passes, and the
//! designs it replaces, written from their described behaviour. Who wins, and by how much, is the report's.

mod buffered_upload;
mod host;
mod likes;
mod limit;
mod n_plus_one;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use axum::serve::ListenerExt;
use clap::{Args, Subcommand};
use tokio::net::TcpListener;

pub use host::{fdatasync, nginx, one_hash};
pub use likes::{
    Durability, Order, Outcome, Spread, Writers, likes_on_mysql as tx_per_like_mysql,
    likes_on_sqlite as tx_per_like_sqlite,
};

/// Which server, and where it listens.
#[derive(Args)]
pub struct Arguments {
    /// Port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:0", global = true)]
    listen: SocketAddr,
    #[command(subcommand)]
    server: Server,
}

/// A server beside the platform, a process of its own so that it can be pinned and its costs be read.
#[derive(Subcommand)]
enum Server {
    /// The least an answer can cost: "hi".
    Hi,
    /// The feed's page, serialised for each request: the limit L1.
    Serialise {
        /// A file with an answer of the platform's feed.
        #[arg(long)]
        page: PathBuf,
    },
    /// The feed's page as bytes that are there already.
    Bytes {
        #[arg(long)]
        page: PathBuf,
    },
    /// The feed's page through `axum::Json`.
    Json {
        #[arg(long)]
        page: PathBuf,
    },
    /// The feed for `?viewer=N` in 121 statements.
    NPlusOne {
        /// `sqlite:FILE` or `mysql://USER@HOST:PORT/NAME`, filled with the dataset.
        #[arg(long)]
        database: String,
        /// A file with the database user's password.
        #[arg(long)]
        password_file: Option<PathBuf>,
    },
    /// The upload that holds a whole file in memory, twice.
    BufferedUpload {
        /// Where files are written; at most 64 are kept.
        #[arg(long)]
        dir: PathBuf,
    },
}

/// Serves until the process is ended. Prints `listening on ADDR` when it can be asked.
pub async fn serve(arguments: Arguments) -> Result<()> {
    let router = match arguments.server {
        Server::Hi => limit::hi(),
        Server::Serialise { page } => limit::serialise(limit::read(&page)?),
        Server::Bytes { page } => limit::bytes(&limit::read(&page)?)?,
        Server::Json { page } => limit::json(limit::read(&page)?),
        Server::NPlusOne { database, password_file } => {
            n_plus_one::router(&database, password_file.as_deref()).await?
        }
        Server::BufferedUpload { dir } => buffered_upload::router(&dir)?,
    };
    let listener = TcpListener::bind(arguments.listen).await.context("listen")?;
    println!("listening on {}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // Only slower without.
        let _set = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await.context("serve")
}
