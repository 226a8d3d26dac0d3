//! What is shown of kept pages: the same JSON as if nothing were kept, to everybody their own.

use domain::{TraceId, UserId};
use proto::User;
use serde_json::Value;

use super::*;

const BASE: &str = "http://192.168.1.7:8080";

fn nobody() -> Call {
    Call::within(Duration::from_secs(1), None, TraceId(1))
}

fn ann() -> Call {
    Call { viewer: UserId::parse(1).ok(), ..nobody() }
}

/// A feed with texts and numbers of all kinds, newest first.
fn answer(random: &mut fastrand::Rng, length: usize) -> ListFeedResponse {
    const TEXTS: [&str; 8] = [
        "",
        "短视频 舞蹈",
        "👩‍👩‍👧 🎉",
        "\"'\\/\u{8}\u{1f}\u{0}\u{1}\u{2}\u{3}",
        "\u{2028}\u{fffe}",
        "avatar",
        "null",
        "}]",
    ];
    let (texts, counts) = (random.u64(1..), random.u64(1..));
    let mut text = {
        let mut random = random.fork();
        move || (0..3).map(|_| TEXTS[random.usize(..TEXTS.len())]).collect::<String>()
    };
    let mut number = || match random.u8(..4) {
        0 => random.i64(..),
        1 => [i64::MIN, i64::MAX, 0, -1][random.usize(..4)],
        _ => random.i64(0..10_000),
    };
    let mut video = |place: usize| proto::Video {
        id: number(),
        author: (place % 7 != 6).then(|| User {
            id: number(),
            name: text(),
            follow_count: number(),
            follower_count: number(),
            is_followed: number() % 2 == 0,
            received_like_count: number(),
            work_count: number(),
            liked_count: number(),
            display_name: text(),
            signature: text(),
            avatar_key: text(),
            background_key: text(),
            is_private: number() % 2 == 0,
        }),
        title: text(),
        play_key: text(),
        cover_key: text(),
        like_count: number(),
        comment_count: number(),
        is_liked: number() % 2 == 0,
        ready: true,
        published_at: 1_700_000_000_000 - place as i64,
    };
    let videos = (0..length).map(&mut video).collect();
    ListFeedResponse { videos, next_before: number(), texts, counts }
}

/// What the feed service sends of a page.
fn says(full: &ListFeedResponse, request: ListFeedRequest, call: &Call) -> ListFeedResponse {
    let mut answer = full.clone();
    if full.texts != 0 && request.kept == full.texts {
        for video in &mut answer.videos {
            (video.title, video.play_key, video.cover_key) = Default::default();
            if let Some(author) = &mut video.author {
                author.name.clear();
                author.display_name.clear();
                author.signature.clear();
            }
        }
        if request.kept_counts == full.counts && call.viewer.is_none() {
            answer.videos.clear();
        }
    }
    answer
}

fn ask<'a>(pages: &Pages, call: &'a Call, base: &'a str, before: i64) -> Asked<'a> {
    Asked { call, base, before, kept: pages.before(before) }
}

/// What somebody is shown of a page, and that it is what they would be shown without kept pages.
fn shown(pages: &Pages, full: &ListFeedResponse, call: &Call, base: &str) -> Bytes {
    let asked = ask(pages, call, base, 0);
    let answered = says(full, asked.request(), call);
    let json = asked.show(pages, Ok(answered), Instant::now()).expect("is shown");
    let whole = serde_json::to_value(reply(&Base::at(base), full.clone())).expect("JSON");
    assert_eq!(serde_json::from_slice::<Value>(&json).expect("JSON"), whole);
    json
}

#[test]
fn a_kept_page_is_shown_as_if_it_were_not_kept() {
    let mut random = fastrand::Rng::with_seed(4);
    for length in [0, 1, 2, 3, 7, 29, 30, 30, 30, 30] {
        let (pages, mut full) = (Pages::default(), answer(&mut random, length));
        let first = shown(&pages, &full, &nobody(), BASE);
        let again = shown(&pages, &full, &nobody(), BASE);
        assert_eq!(length > 0, first.as_ptr() == again.as_ptr(), "the same bytes, not equal ones");
        for base in ["http://[::1]:80", "", "http://quote\"", BASE] {
            shown(&pages, &full, &nobody(), base);
            shown(&pages, &full, &ann(), base);
        }
        for video in &mut full.videos {
            (video.like_count, video.is_liked, full.counts) = (random.i64(..), random.bool(), 8);
        }
        shown(&pages, &full, &ann(), BASE);
        shown(&pages, &full, &nobody(), BASE);
        shown(&pages, &full, &nobody(), BASE);
        (full.texts, full.counts) = (6, 9);
        full.videos.iter_mut().for_each(|video| video.title.push('!'));
        shown(&pages, &full, &ann(), BASE);
        shown(&pages, &full, &nobody(), BASE);
    }
}

#[test]
fn a_feed_that_gives_no_tags_is_always_asked_for_everything() {
    let (pages, mut full) = (Pages::default(), answer(&mut fastrand::Rng::with_seed(4), 3));
    (full.texts, full.counts) = (0, 0);
    for call in [nobody(), ann(), nobody()] {
        assert_eq!(ask(&pages, &call, BASE, 0).request(), ListFeedRequest::default());
        shown(&pages, &full, &call, BASE);
    }
}

#[test]
fn an_answer_that_does_not_fit_the_page_it_names_is_a_bug_and_no_answer() {
    let (pages, full) = (Pages::default(), answer(&mut fastrand::Rng::with_seed(4), 3));
    shown(&pages, &full, &nobody(), BASE);
    let (ann, nobody, short) = (ann(), nobody(), ListFeedResponse { videos: Vec::new(), ..full });
    assert!(ask(&pages, &ann, BASE, 0).show(&pages, Ok(short.clone()), Instant::now()).is_err());
    let other = ListFeedResponse { counts: 99, ..short };
    assert!(ask(&pages, &nobody, BASE, 0).show(&pages, Ok(other), Instant::now()).is_err());
    shown(&pages, &full, &nobody, BASE);
}

#[test]
fn the_newest_page_stands_in_for_a_minute_for_those_who_are_nobody() {
    let (pages, now, minute) = (Pages::default(), Instant::now(), Duration::from_secs(60));
    let (nobody, ann, older) = (nobody(), ann(), 1_700_000_000_000);
    let show = |call, before, answered, now| ask(&pages, call, BASE, before).show(&pages, answered, now);
    let away = || Err(Error::unavailable("away"));
    let clock = || Timestamp::now().millis();
    assert!(show(&nobody, 0, away(), now).is_err(), "nothing is kept yet");
    show(&ann, 0, Ok(answer(&mut fastrand::Rng::with_seed(1), 3)), now).expect("is passed on");
    show(&nobody, older, Ok(answer(&mut fastrand::Rng::with_seed(2), 3)), now).expect("is passed on");
    assert!(show(&nobody, 0, away(), now).is_err(), "neither hers nor an older one");
    for page in
        [ListFeedResponse { next_before: 7, ..Default::default() }, answer(&mut fastrand::Rng::new(), 3)]
    {
        let page = show(&nobody, 0, Ok(page), now).expect("is passed on");
        for before in [0, clock()] {
            assert_eq!(show(&nobody, before, away(), now + minute).expect("stands in"), page);
        }
    }
    let elsewhere = ask(&pages, &nobody, "http://elsewhere", 0).show(&pages, away(), now).expect("stands in");
    let elsewhere = String::from_utf8(elsewhere.into()).expect("text");
    assert!(elsewhere.contains("http://elsewhere/") && !elsewhere.contains(BASE));
    assert!(show(&nobody, 0, away(), now + minute * 2).is_err(), "too old");
    assert!(show(&ann, 0, away(), now).is_err(), "has a page of her own");
    assert!(show(&nobody, older, away(), now).is_err(), "is another page");
    assert!(show(&nobody, 0, Err(Error::Overloaded), now).is_err());
    assert!(show(&nobody, 0, Err(Error::internal("bug")), now).is_err());
}
