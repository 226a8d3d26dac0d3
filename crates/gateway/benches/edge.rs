//! What the edge does for each request of the feed, part by part.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use gateway::bench::{Cursor, FeedPages, is_good, serialised, token};
use proto::{ListFeedResponse, User, Video};

/// 30 videos as they are: 12 KiB of JSON.
fn page() -> ListFeedResponse {
    let video = |number: i64| Video {
        id: 1_000_000 + number,
        author: Some(User {
            id: 20_000 + number,
            name: format!("用户{number}"),
            follow_count: 12 * number,
            follower_count: 3_456 * number,
            received_like_count: 78_901 * number,
            work_count: 2 * number,
            liked_count: 40 + number,
            ..User::default()
        }),
        title: format!("周末去爬山 第{number}集 🎬 sunset"),
        play_key: format!("p/{:032x}.mp4", 0x0123_4567_89ab_cdef_u128 * number as u128),
        cover_key: format!("p/{:032x}.jpg", 0x0fed_cba9_8765_4321_u128 * number as u128),
        like_count: 987 * number,
        comment_count: 65 * number,
        ready: true,
        published_at: 1_790_000_000_000 - number,
        ..Video::default()
    };
    let videos = (1..=30).map(video).collect();
    ListFeedResponse { videos, next_before: 1_789_999_999_970, texts: 5, counts: 7 }
}

/// What the feed sends of it to who has kept its texts.
fn bare(page: &ListFeedResponse) -> ListFeedResponse {
    let mut bare = page.clone();
    for video in &mut bare.videos {
        (video.title, video.play_key, video.cover_key) = Default::default();
        video.author = video.author.take().map(|author| User { name: String::new(), ..author });
    }
    bare
}

fn feed(criterion: &mut Criterion) {
    let page = page();
    let mut group = criterion.benchmark_group("feed page");
    group.bench_function("serialised whole", |bencher| {
        bencher.iter_batched(|| page.clone(), serialised, BatchSize::SmallInput);
    });
    group.bench_function("new, template made", |bencher| {
        let fresh = || (FeedPages::default(), page.clone());
        bencher.iter_batched(fresh, |(pages, page)| (pages.to_viewer(page), pages), BatchSize::SmallInput);
    });
    let pages = FeedPages::default();
    pages.to_nobody(page.clone()).expect("is kept");
    let bare = bare(&page);
    group.bench_function("viewer, template filled", |bencher| {
        bencher.iter_batched(|| bare.clone(), |bare| pages.to_viewer(bare), BatchSize::SmallInput);
    });
    let nothing = ListFeedResponse { videos: Vec::new(), ..page.clone() };
    group.bench_function("nobody, bytes kept", |bencher| {
        bencher.iter_batched(|| nothing.clone(), |nothing| pages.to_nobody(nothing), BatchSize::SmallInput);
    });
    group.finish();
}

fn tokens(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let tokens = gateway::Tokens::open(&folder.path().join("key")).expect("a key");
    let token = token(&tokens).expect("a token");
    criterion.bench_function("token check", |bencher| bencher.iter(|| assert!(is_good(&tokens, &token))));
}

fn cursors(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cursor");
    for text in ["1790000000000", "1.79e+12", "2026-08-01T12:00:00Z"] {
        let cursor = Cursor::new(text);
        group.bench_function(text, |bencher| bencher.iter(|| cursor.moment()));
    }
    group.finish();
}

criterion_group!(edge, feed, tokens, cursors);
criterion_main!(edge);
