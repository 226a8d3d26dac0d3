//! The platform's memory: the only crate with SQL. A method is one transaction (or one read) and states
//! its number of statements; rules about who may do what are the services'.

mod administration;
mod answer;
mod archive;
mod backup;
mod barrier;
mod bookmark;
mod card;
mod changes;
mod check;
mod coalesce;
mod comment;
mod config;
mod conversation;
mod database;
mod deletion;
mod entity;
mod failure;
mod feed;
mod follow;
mod identity;
mod job;
mod like;
mod message;
mod migrations;
mod moderation;
mod mysql;
mod notification;
mod object;
mod open;
mod picture;
mod reactions;
mod row;
mod search;
mod session;
mod sessions;
mod share;
mod slice;
mod sqlite;
mod stat;
mod storage;
mod tag;
mod taste;
mod trace;
mod two_factor;
mod upload;
mod user;
mod video;
mod view;
mod webhook;
mod word;
mod writer;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use domain::Result;

pub use administration::{AuditRow, Invitation};
pub use answer::{Asked, KeptAnswer};
pub use archive::ArchivePart;
pub use backup::{ColumnKind, Columns, Exported, ExportedObject, ExportedRow, ROWS_AT_ONCE};
pub use barrier::{Barrier, Relation};
pub use card::{Friend, UserCard, VideoCard};
pub use check::Finding;
pub use comment::{CommentRow, Thread};
pub use config::Config;
pub use conversation::ConversationRow;
pub use feed::{FeedPage, Page};
pub use identity::Identity;
pub use job::{Attempt, JOB_STATES, Job, JobKind, JobRow};
pub use message::MessageRow;
pub use moderation::{ReportRow, Subject};
pub use notification::NotificationRow;
pub use object::{COMING, FIRST_RENDITION, NewObject, ObjectRow, REMUX, RETIRED, SOURCE, Shape};
pub use open::OpenError;
pub use picture::Picture;
pub use sessions::{OpenSession, SessionRow};
pub use share::ShareRow;
pub use slice::{Listed, Slice};
pub use storage::Storage;
pub use tag::TagRow;
pub use taste::{Candidate, Opinion, Signal};
pub use two_factor::TwoFactor;
pub use upload::{UploadPart, UploadRow};
pub use user::{Account, Entry, LoginRow};
pub use video::NewVideo;
pub use video::event::{Timeline, VideoEvent};
pub use video::files::{VideoFile, VideoFiles, Watched};
pub use video::rendition::Finished;
pub use webhook::{DeliveryRow, DueWebhook, Then, Told, WebhookRow};
pub use word::{HeldComment, WordRow};

use coalesce::{Coalesced, Operation};
use database::Database;
use feed::Pages;
use taste::Trending;

/// A handle on the database; clones share it.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
    pages: Arc<Pages>,
    coalesced: Arc<Coalesced>,
    trending: Arc<Trending>,
}

impl Store {
    /// Answers when the database does: what readiness means. A server has a second for it. One statement.
    ///
    /// # Errors
    /// [`domain::Error::Unavailable`] or [`domain::Error::Overloaded`].
    pub async fn ping(&self) -> Result<()> {
        self.database.ping().await
    }

    /// Statements sent since the store was opened; tests hold methods to their stated number.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.database.probe.statements()
    }

    /// Transactions that were begun again since the store was opened, because they met another and lost.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.database.probe.retries()
    }

    /// Finishes what is queued and closes the connections.
    pub async fn close(&self) {
        self.coalesced.close().await;
        self.database.close().await;
    }

    /// Has an operation carried out in one transaction with those of other callers; the answer comes after the
    /// commit.
    async fn write_together<O: Operation>(&self, operation: O) -> Result<O::Answer> {
        O::queues(&self.coalesced).run(operation).await
    }
}
