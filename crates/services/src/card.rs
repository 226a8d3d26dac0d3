//! The store's cards as the contract's messages.

use domain::Timestamp;
use proto::{
    Job, JobList, Slice, Timeline, User, UserList, Video, VideoDetail, VideoEvent, VideoFile, VideoList,
};
use store::{JobRow, Listed, UserCard, VideoCard, VideoFiles, Watched};

pub(crate) fn user(card: UserCard) -> User {
    User {
        id: card.id,
        name: card.name,
        display_name: card.display_name,
        signature: card.signature,
        avatar_key: card.avatar_key.unwrap_or_default(),
        background_key: card.background_key.unwrap_or_default(),
        is_private: card.is_private,
        follow_count: card.follow_count,
        follower_count: card.follower_count,
        is_followed: card.is_followed,
        received_like_count: card.received_like_count,
        work_count: card.work_count,
        liked_count: card.liked_count,
    }
}

/// The part of a list that is asked for.
pub(crate) fn slice(asked: Option<Slice>) -> store::Slice {
    let Slice { before, rows } = asked.unwrap_or_default();
    let store::Slice { before: newest, rows: most } = store::Slice::NEWEST;
    let rows = usize::try_from(rows).ok().filter(|rows| *rows > 0).map_or(most, |rows| rows.min(most));
    store::Slice { before: if before > 0 { before } else { newest }, rows }
}

pub(crate) fn users(cards: Listed<UserCard>) -> UserList {
    UserList { next: cards.next, users: cards.into_iter().map(user).collect() }
}

pub(crate) fn video(card: VideoCard) -> Video {
    Video {
        id: card.id,
        author: Some(user(card.author)),
        title: card.title,
        play_key: card.play_key,
        cover_key: card.cover_key.unwrap_or_default(),
        like_count: card.like_count,
        comment_count: card.comment_count,
        is_liked: card.is_liked,
        ready: card.published_at.is_some(),
        published_at: card.published_at.unwrap_or(0),
    }
}

pub(crate) fn videos(cards: Listed<VideoCard>) -> VideoList {
    VideoList { next: cards.next, videos: cards.into_iter().map(video).collect() }
}

pub(crate) fn detail(watched: Watched) -> VideoDetail {
    let Watched { card, files, is_bookmarked, view_count } = watched;
    let VideoFiles { state, visibility, duration_ms, thumbhash, files, .. } = files;
    VideoDetail {
        video: Some(video(card)),
        view_count,
        visibility: visibility.as_str().into(),
        state,
        duration_ms,
        thumbhash: thumbhash.unwrap_or_default(),
        files: files.into_iter().map(file).collect(),
        is_bookmarked,
    }
}

fn file(file: store::VideoFile) -> VideoFile {
    VideoFile {
        key: file.key,
        role: file.role,
        bytes: file.bytes,
        width: file.shape.width,
        height: file.shape.height,
        bits_per_second: file.shape.bits_per_second,
        format: file.shape.format.unwrap_or_default(),
    }
}

/// What is left is told from what is done: nothing can be said before that is something.
pub(crate) fn timeline(found: store::Timeline, now: Timestamp) -> Timeline {
    let remaining = found.progress.zip(found.queued_at).filter(|(progress, _)| *progress > 0);
    let remaining_ms = remaining.map_or(-1, |(progress, since)| {
        let elapsed = now.millis().saturating_sub(since.millis());
        elapsed.saturating_mul(1000 - progress.min(1000)) / progress
    });
    let event = |event: store::VideoEvent| VideoEvent {
        name: event.name,
        detail: event.detail.unwrap_or_default(),
        created_at: event.created_at.millis(),
    };
    Timeline {
        events: found.events.into_iter().map(event).collect(),
        progress: found.progress.unwrap_or(-1),
        remaining_ms,
    }
}

pub(crate) fn jobs(rows: Vec<JobRow>) -> JobList {
    let job = |row: JobRow| Job {
        id: row.id.get(),
        video_id: row.video.get(),
        kind: row.kind,
        state: row.state,
        progress: row.progress,
        attempts: row.attempts,
        due_at: row.due_at.millis(),
        created_at: row.created_at.millis(),
        error: row.error.unwrap_or_default(),
    };
    JobList { jobs: rows.into_iter().map(job).collect() }
}
