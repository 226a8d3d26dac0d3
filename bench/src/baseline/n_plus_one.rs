//! The feed in 121 statements: the page, then for each of its 30 videos the author, whether the viewer
//! follows the author, the viewer again, and whether the viewer likes the video. Without a token to check,
//! with every statement prepared once and one connection for a whole request, which flatters it.

use std::path::Path;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Params, Row};
use sea_orm::sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPool, MySqlPoolOptions};
use sea_orm::sqlx::query_as;

use super::limit::{Author, Page, Video, answer};

const VIDEOS: &str = "SELECT v.id, v.author_id, v.title, v.play_key, COALESCE(v.cover_key, ''), v.published_at, \
                      s.like_count, s.comment_count FROM video v LEFT JOIN video_stat s ON s.video_id = v.id \
                      WHERE v.published_at IS NOT NULL ORDER BY v.published_at DESC LIMIT 30";
const PERSON: &str = "SELECT u.id, u.name, s.follow_count, s.follower_count, s.received_like_count, s.work_count, \
                      s.liked_count FROM user u JOIN user_stat s ON s.user_id = u.id WHERE u.id = ?";
const FOLLOWS: &str = "SELECT id FROM follow WHERE follower_id = ? AND followee_id = ?";
const LIKES: &str = "SELECT v.id FROM video v JOIN video_like l ON l.video_id = v.id \
                     WHERE l.user_id = ? AND v.id = ?";
/// Connections to a server: more only wait for its cores.
const CONNECTIONS: u32 = 8;

type VideoRow = (i64, i64, String, String, String, i64, i64, i64);
type PersonRow = (i64, String, i64, i64, i64, i64, i64);

#[derive(Clone)]
enum Database {
    /// The connections that nobody uses at the moment.
    Sqlite(Arc<Path>, Arc<Mutex<Vec<Connection>>>),
    MySql(MySqlPool),
}

#[derive(serde::Deserialize)]
struct Asked {
    viewer: i64,
}

pub(super) async fn router(database: &str, password_file: Option<&Path>) -> Result<Router> {
    let database = match database.split_once(':') {
        Some(("sqlite", path)) => Database::Sqlite(Path::new(path).into(), Arc::default()),
        Some(("mysql", _)) => {
            let mut options =
                MySqlConnectOptions::from_str(database).context("read the database's address")?;
            if let Some(file) = password_file {
                options =
                    options.password(std::fs::read_to_string(file).context("read the password")?.trim());
            }
            // A ping before each request would be a statement more.
            let pool = MySqlPoolOptions::new().max_connections(CONNECTIONS).test_before_acquire(false);
            Database::MySql(pool.connect_with(options).await.context("connect to the database")?)
        }
        Some(_) | None => bail!("{database} is neither sqlite:FILE nor mysql://…"),
    };
    Ok(Router::new().fallback(get(feed)).with_state(database))
}

async fn feed(State(database): State<Database>, Query(asked): Query<Asked>) -> Response {
    let page = match database {
        // On the thread of the request: a hop to another one would only cost more.
        Database::Sqlite(path, idle) => on_sqlite(&path, &idle, asked.viewer),
        Database::MySql(pool) => on_mysql(&pool, asked.viewer).await,
    };
    match page {
        Ok(page) => answer(&page),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
    }
}

fn on_sqlite(path: &Path, idle: &Mutex<Vec<Connection>>, viewer: i64) -> Result<Page> {
    let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut reader = Reader { connection: kept.map_or_else(|| open(path), Ok)?, sent: 0 };
    let page = reader.page(viewer)?;
    idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader.connection);
    Ok(page)
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// A connection that counts its statements.
pub(super) struct Reader {
    pub connection: Connection,
    pub sent: u64,
}

impl Reader {
    pub(super) fn page(&mut self, viewer: i64) -> Result<Page> {
        self.sent += 1;
        let found: Vec<VideoRow> = {
            let mut statement = self.connection.prepare_cached(VIDEOS)?;
            let rows = statement.query_map([], |row| VideoRow::try_from(row))?;
            rows.collect::<Result<_, _>>()?
        };
        let mut videos = Vec::new();
        for row in found {
            let person = self.row(PERSON, [row.1], |row| PersonRow::try_from(row))?;
            let follows = self.row(FOLLOWS, [viewer, row.1], |_| Ok(()))?.is_some();
            let _me = self.row(PERSON, [viewer], |row| PersonRow::try_from(row))?;
            let likes = self.row(LIKES, [viewer, row.0], |_| Ok(()))?.is_some();
            videos.push(video(row, person.context("an author is missing")?, follows, likes));
        }
        Ok(page(videos))
    }

    fn row<T>(
        &mut self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        self.sent += 1;
        Ok(self.connection.prepare_cached(sql)?.query_row(values, read).optional()?)
    }
}

async fn on_mysql(pool: &MySqlPool, viewer: i64) -> Result<Page> {
    let mut connection = pool.acquire().await?;
    let connection: &mut MySqlConnection = &mut connection;
    let found: Vec<VideoRow> = query_as(VIDEOS).fetch_all(&mut *connection).await?;
    let mut videos = Vec::new();
    for row in found {
        let person: PersonRow = query_as(PERSON).bind(row.1).fetch_one(&mut *connection).await?;
        let follows = query_as::<_, (i64,)>(FOLLOWS).bind(viewer).bind(row.1);
        let follows = follows.fetch_optional(&mut *connection).await?.is_some();
        let me = query_as::<_, PersonRow>(PERSON).bind(viewer);
        let _me = me.fetch_optional(&mut *connection).await?;
        let likes = query_as::<_, (i64,)>(LIKES).bind(viewer).bind(row.0);
        let likes = likes.fetch_optional(&mut *connection).await?.is_some();
        videos.push(video(row, person, follows, likes));
    }
    Ok(page(videos))
}

fn page(videos: Vec<(i64, Video)>) -> Page {
    let next_time = videos.last().map_or(0, |(at, _)| *at);
    let video_list = videos.into_iter().map(|(_, video)| video).collect();
    Page { status_code: 0, status_msg: "success".into(), video_list, next_time }
}

/// A video and when it was published.
fn video(row: VideoRow, person: PersonRow, is_follow: bool, is_favorite: bool) -> (i64, Video) {
    let (id, _, title, play_key, cover_key, at, favorite_count, comment_count) = row;
    let (author, name, follow_count, follower_count, total_favorited, work_count, likes) = person;
    let address = |path: &str, name: &str| format!("http://127.0.0.1:8080/{path}/{name}");
    let author = Author {
        id: author,
        name,
        follow_count,
        follower_count,
        is_follow,
        avatar: address("assets", "avatar.png"),
        background_image: address("assets", "background.jpg"),
        signature: "这个人很懒，什么都没有留下".into(),
        total_favorited,
        work_count,
        favorite_count: likes,
    };
    let (play_url, cover_url) = (address("media", &play_key), address("media", &cover_key));
    let video = Video { id, author, play_url, cover_url, favorite_count, comment_count, is_favorite, title };
    (at, video)
}
