//! A fresh database for one test, and the rows that tests start from.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::{Content, Query, Tag, Timestamp, Title, UnwantedWord, UserId, UserName, VideoId, Visibility};
use tempfile::TempDir;

use super::shared;
use crate::row::{Row, column};
use crate::{
    Config, Entry, FIRST_RENDITION, Finished, Identity, Job, JobKind, NewObject, NewVideo, REMUX, SOURCE,
    Shape, Store, Told, UploadPart, UploadRow, VideoCard,
};

/// The schema's history, oldest first.
pub(super) const MIGRATIONS: [&str; 17] = [
    "m0001_first",
    "m0002_media",
    "m0003_api",
    "m0004_community",
    "m0005_conversation",
    "m0006_tag",
    "m0007_view",
    "m0008_search",
    "m0009_notification",
    "m0010_barrier",
    "m0012_taste",
    "m0014_person",
    "m0015_webhook",
    "m0016_two_factor",
    "m0017_word",
    "m0018_share",
    "m0019_identity",
];

/// The moment at which everything happens, unless a test says otherwise.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// How long a claimed job is held.
pub(super) const LEASE: Duration = Duration::from_secs(60);

/// The database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    Sqlite,
    MySql,
}

/// Each function as a test on both databases, with its name; with `threads`, on several threads.
macro_rules! on_both {
    (threads: $($name:ident),+ $(,)?) => {
        $crate::tests::fixture::on_both!(@ (flavor = "multi_thread", worker_threads = 4), $($name)+);
    };
    (@ $how:tt, $($name:ident)+) => {
        mod sqlite {
            $(#[tokio::test $how] async fn $name() { super::$name(super::On::Sqlite).await })+
        }
        mod mysql {
            $(#[tokio::test $how] async fn $name() {
                if $crate::tests::shared::is_there() { super::$name(super::On::MySql).await }
            })+
        }
    };
    ($($name:ident),+ $(,)?) => {
        $crate::tests::fixture::on_both!(@ (flavor = "current_thread"), $($name)+);
    };
}
pub(super) use on_both;

/// A store of its own in a folder of its own.
pub(super) struct World {
    pub(super) on: On,
    pub(super) store: Store,
    pub(super) config: Config,
    pub(super) folder: TempDir,
    made: AtomicU64,
}

impl World {
    pub(super) async fn new(on: On) -> Self {
        let folder = tempfile::tempdir().expect("make a folder");
        let config = match on {
            On::Sqlite => config(),
            On::MySql => shared::database(folder.path()),
        };
        Self::at(on, folder, config).await
    }

    pub(super) async fn with(config: Config) -> Self {
        Self::at(On::Sqlite, tempfile::tempdir().expect("make a folder"), config).await
    }

    /// On a database that may already be in use.
    pub(super) async fn at(on: On, folder: TempDir, config: Config) -> Self {
        let store = Store::open(&config, folder.path()).await.expect("open a store");
        Self { on, store, config, folder, made: AtomicU64::new(0) }
    }

    /// A second store on the same database, as another process would have it.
    pub(super) async fn second(&self) -> Store {
        Store::open(&self.config, self.folder.path()).await.expect("open the store again")
    }

    /// What differs, by database.
    pub(super) fn pick<T>(&self, sqlite: T, mysql: T) -> T {
        match self.on {
            On::Sqlite => sqlite,
            On::MySql => mysql,
        }
    }

    pub(super) async fn user(&self, name: &str) -> UserId {
        self.store.create_user(user_name(name), "hash".into(), Entry::Open, NOW).await.expect("make a user")
    }

    /// A video everybody may see.
    pub(super) async fn video(&self, author: UserId) -> VideoId {
        self.store.publish(self.ready(author), NOW).await.expect("publish a video")
    }

    /// A video that waits for its job.
    pub(super) async fn processing(&self, author: UserId) -> VideoId {
        self.store.publish(self.unready(author), NOW).await.expect("publish a video")
    }

    /// A page of the feed as its viewer sees it.
    pub(super) async fn feed(&self, before: Timestamp, viewer: Option<UserId>) -> Vec<VideoCard> {
        self.store.feed(before, viewer).await.expect("a page").cards()
    }

    /// What `video` publishes.
    pub(super) fn ready(&self, author: UserId) -> NewVideo {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let (play_key, cover_key) = (format!("p/{number}"), format!("c/{number}"));
        NewVideo {
            author,
            title: Title::parse(&format!("title {number}")).expect("a title"),
            objects: vec![object(&play_key, REMUX), object(&cover_key, "cover")],
            play_key,
            cover_key: Some(cover_key),
            visibility: Visibility::Public,
            duration_ms: 8_000,
            received_at: NOW,
            upload: None,
        }
    }

    /// What `processing` publishes.
    pub(super) fn unready(&self, author: UserId) -> NewVideo {
        let video = self.ready(author);
        let source = object(&video.play_key.replace('p', "o"), SOURCE);
        let cover = object(video.cover_key.as_deref().expect("a cover"), "cover");
        NewVideo { objects: vec![source, cover], ..video }
    }

    /// The oldest job, held from now on.
    pub(super) async fn claim(&self) -> Job {
        let claimed = self.store.claim_job(JobKind::Transcode, NOW, LEASE).await;
        claimed.expect("claim a job").expect("a job that is due")
    }

    /// The job that makes this video's renditions, held from now on; those queued before it are held too.
    pub(super) async fn claim_of(&self, video: VideoId) -> Job {
        loop {
            let job = self.claim().await;
            if job.video == video {
                return job;
            }
        }
    }

    /// The oldest job of who brings objects in line, held from now on.
    pub(super) async fn claim_settle(&self) -> Job {
        let claimed = self.store.claim_job(JobKind::Settle, later(1_000_000), LEASE).await;
        claimed.expect("claim a job").expect("a job that is due")
    }

    /// A job's video can be played; false when it is not this attempt's.
    pub(super) async fn play(&self, job: &Job) -> bool {
        let key = self.store.files_of(job.video).await.expect("files").play_key;
        let done = self.store.video_playable(job.attempt, job.video, rendition(&key), NOW).await;
        done.expect("finish the first rendition")
    }

    /// Ends a job well; false when it is not this attempt's.
    pub(super) async fn finish(&self, job: &Job, finished: Finished) -> bool {
        let done = self.store.video_finished(job.attempt, job.video, finished, NOW).await;
        done.expect("finish a job")
    }

    /// An upload in parts that was announced.
    pub(super) async fn upload(&self, user: UserId, name: &str, bytes: i64) {
        self.try_upload(user, name, bytes).await.expect("begin an upload");
    }

    pub(super) async fn try_upload(&self, user: UserId, name: &str, bytes: i64) -> domain::Result<()> {
        let parts = Vec::new();
        let upload = UploadRow { name: name.into(), bytes, received: 0, expires_at: later(100_000), parts };
        self.store.create_upload(user, upload, (3, 0), NOW).await
    }

    /// Adds a part to an upload.
    pub(super) async fn append(
        &self,
        user: UserId,
        name: &str,
        start: i64,
        bytes: i64,
    ) -> domain::Result<i64> {
        let part = UploadPart { start, key: format!("o/{name}-{start}-{bytes}"), bytes, sha256: vec![7; 32] };
        self.store.append_upload(user, name.into(), part, (NOW, later(200_000))).await
    }

    /// How far the only webhook was told of the only event.
    pub(super) async fn told(&self) -> Told {
        self.store.told().await.expect("a list").remove(0)
    }

    /// From where to where the objects of a video have to move for its visibility.
    pub(super) async fn moves(&self, video: VideoId) -> Vec<(String, String)> {
        let video = self.store.files_of(video).await.expect("files");
        let moved = |key: &str| format!("{}/{}", video.visibility.prefix(), key.replace('/', "-"));
        video.files.iter().map(|file| (file.key.clone(), moved(&file.key))).collect()
    }

    /// Whether some video needs this object.
    pub(super) async fn needs(&self, key: &str) -> bool {
        !self.store.known_objects(&[key.to_owned()]).await.expect("look up").is_empty()
    }

    /// Runs one statement and says how many rows it changed.
    pub(super) async fn run(&self, sql: &str) -> u64 {
        let sql = sql.to_owned();
        let changed = self
            .store
            .database
            .write(move |session| Box::pin(async move { session.change(&sql, []).await }))
            .await;
        changed.expect("run a statement")
    }

    /// Every row of every table, in an order that does not depend on how it came there.
    pub(super) async fn dump(&self) -> Vec<String> {
        let tables = self.pick(
            "SELECT name AS text FROM sqlite_master WHERE type = 'table' ORDER BY name",
            "SELECT table_name AS text FROM information_schema.tables WHERE table_schema = DATABASE() \
             ORDER BY 1",
        );
        let mut rows = Vec::new();
        for table in self.texts(tables).await {
            let quoted = self.pick(
                format!("SELECT 'quote(\"' || name || '\")' AS text FROM pragma_table_info('{table}')"),
                format!(
                    "SELECT CONCAT('HEX(COALESCE(', column_name, ', ''-''))') AS text \
                     FROM information_schema.columns WHERE table_schema = DATABASE() \
                     AND table_name = '{table}' ORDER BY ordinal_position"
                ),
            );
            let columns = self.texts(&quoted).await.join(" || ', ' || ");
            let sql = format!("SELECT '{table}: ' || {columns} AS text FROM {table} ORDER BY 1");
            rows.extend(self.texts(&sql).await);
        }
        rows
    }

    /// The column `text` of each row.
    pub(super) async fn texts(&self, sql: &str) -> Vec<String> {
        self.column(sql, "text").await
    }

    /// A column of each row.
    pub(super) async fn column<T>(&self, sql: &str, name: &'static str) -> Vec<T>
    where
        T: sea_orm::TryGetable + rusqlite::types::FromSql,
    {
        let rows = self.rows(sql).await;
        rows.iter().map(|row| column(row, name).expect("a column")).collect()
    }

    /// Rows of a statement; a number stands in for each of its values.
    pub(super) async fn rows(&self, sql: &str) -> Vec<Row> {
        let numbered = (1..10).rev().find(|number| sql.contains(&format!("?{number}")));
        let (sql, holes) = (sql.to_owned(), numbered.unwrap_or_else(|| sql.matches('?').count()));
        let values = (0..holes).map(|_| sea_orm::Value::from(NOW.millis()));
        self.store
            .database
            .read(move |session| Box::pin(async move { session.rows(&sql, values).await }))
            .await
            .expect("read")
    }

    /// The database has nothing to complain about.
    pub(super) async fn is_sound(&self) {
        assert_eq!(self.store.check().await.expect("check"), []);
    }

    /// Plants what only a connection can that does not enforce foreign keys.
    pub(super) async fn plant(&self, sql: &str) {
        match self.on {
            On::Sqlite => {
                let path = self.folder.path().join("dytt.sqlite");
                let connection = rusqlite::Connection::open(path).expect("connect");
                connection.pragma_update(None, "foreign_keys", false).expect("let go of foreign keys");
                connection.execute_batch(sql).expect("plant");
            }
            On::MySql => {
                let mut connection = shared::admin(&self.config).await;
                shared::say(&mut connection, &["SET foreign_key_checks = 0", sql]).await;
            }
        }
    }
}

/// SQLite, with waits that no busy machine exceeds.
pub(super) fn config() -> Config {
    Config {
        url: "sqlite:dytt.sqlite".into(),
        password_file: String::new(),
        write_wait_ms: 60_000,
        read_wait_ms: 60_000,
    }
}

/// A second store on the same folder.
pub(super) async fn reopened(folder: &Path) -> Store {
    Store::open(&config(), folder).await.expect("open the store again")
}

pub(super) fn user_name(name: &str) -> UserName {
    UserName::parse(name, 64).expect("a name")
}

/// Somebody as a provider knows them.
pub(super) fn known(subject: &str) -> Identity {
    Identity { issuer: "https://id.example".into(), subject: subject.into() }
}

pub(super) fn title(text: &str) -> Title {
    Title::parse(text).expect("a title")
}

pub(super) fn tag(text: &str) -> Tag {
    Tag::parse(text).expect("a tag")
}

pub(super) fn unwanted(text: &str) -> UnwantedWord {
    UnwantedWord::parse(text).expect("a word")
}

pub(super) fn query(text: &str) -> Query {
    Query::parse(text).expect("a query")
}

pub(super) fn content(text: &str) -> Content {
    Content::parse(text).expect("a content")
}

pub(super) fn object(key: &str, role: &str) -> NewObject {
    NewObject {
        key: key.into(),
        role: role.into(),
        bytes: 1000,
        sha256: vec![7; 32],
        shape: Shape::default(),
    }
}

pub(super) fn rendition(key: &str) -> NewObject {
    let format = Some("avc1.64001f,mp4a.40.2".into());
    let shape = Shape { width: 720, height: 1280, bits_per_second: 1_000_000, format };
    NewObject { shape, ..object(key, FIRST_RENDITION) }
}

/// What a job makes of a video that can be played: another rendition, and nothing is needed of what was before.
pub(super) fn made(key: &str) -> Finished {
    Finished {
        objects: vec![NewObject { role: "480p".into(), ..rendition(key) }],
        thumbhash: Some(vec![1, 2, 3]),
        unneeded: vec![REMUX, SOURCE],
        delete_at: NOW,
    }
}

/// A user nobody has made.
pub(super) fn no_user() -> UserId {
    UserId::parse(999_999).expect("a number")
}

/// A video nobody has made.
pub(super) fn no_video() -> VideoId {
    VideoId::parse(999_999).expect("a number")
}

/// A moment this many milliseconds after `NOW`.
pub(super) fn later(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW.millis() + millis)
}

/// A moment after everything.
pub(super) fn never() -> Timestamp {
    Timestamp::from_millis(i64::MAX)
}
