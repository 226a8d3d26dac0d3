//! The demo's story: people publish, like, comment, follow and chat through the public API, as anybody
//! would. The same seed tells the same story.

mod cast;
mod client;

use std::time::Instant;

use anyhow::{Context, Result};
use fastrand::Rng;
use media::{Clip, Media};

use cast::{CLIPS, COMMENTS, LINES, PASSWORD, PEOPLE};
use client::{Client, Person};

/// Tells the story to a platform that has no videos yet.
pub(crate) async fn fill(base_url: &str, media: &Media, seed: u64) -> Result<()> {
    let began = Instant::now();
    let client = Client::new(base_url)?;
    if !client.newest().await?.is_empty() {
        println!("the platform has videos already; nothing was added");
        return Ok(());
    }
    let mut random = Rng::with_seed(seed);
    let mut people = Vec::new();
    for name in PEOPLE {
        people.push(client.join(name, PASSWORD).await?);
    }
    publish(&client, media, &people, &mut random).await?;
    let mut videos = client.newest().await?;
    videos.sort_unstable();
    live(&client, &people, &videos, &mut random).await?;
    println!(
        "demo: {} people, {} clips in {:.1} s; log in as {} with the password {PASSWORD}",
        people.len(),
        videos.len(),
        began.elapsed().as_secs_f64(),
        PEOPLE[0]
    );
    Ok(())
}

/// Clips are drawn ahead of the one being published, never more than a few.
async fn publish(client: &Client, media: &Media, people: &[Person], random: &mut Rng) -> Result<()> {
    let folder = tempfile::tempdir().context("make a folder for the clips")?;
    let mut drawing = std::collections::VecDeque::new();
    let mut planned = CLIPS.iter().enumerate();
    loop {
        while drawing.len() < 4 {
            let Some((number, (title, caption))) = planned.next() else { break };
            let file = folder.path().join(format!("{number}.mp4"));
            let clip = shape(caption, number, random);
            let (media, target) = (media.clone(), file.clone());
            let task = tokio::spawn(async move { media.draw(&clip, &target).await });
            drawing.push_back((title, file, task, random.usize(..people.len())));
        }
        let Some((title, file, task, author)) = drawing.pop_front() else { return Ok(()) };
        task.await?.context("draw a clip")?;
        client.publish(&people[author], title, &file).await?;
        tokio::fs::remove_file(&file).await?;
    }
}

/// Mostly upright, as phones are held; some wide, some square.
fn shape(caption: &str, number: usize, random: &mut Rng) -> Clip {
    let (width, height) = match number % 8 {
        3 => (960, 540),
        6 => (720, 720),
        _ => (540, 960),
    };
    Clip {
        seed: random.u64(..),
        width,
        height,
        seconds: random.u32(4..=9),
        caption: caption.to_owned(),
        silent: number % 12 == 5,
    }
}

async fn live(client: &Client, people: &[Person], videos: &[i64], random: &mut Rng) -> Result<()> {
    for (me, person) in people.iter().enumerate() {
        for other in people.iter().enumerate().filter(|(other, _)| *other != me).map(|(_, other)| other) {
            if random.u8(..10) < 4 {
                client.follow(person, other).await?;
            }
        }
        for video in videos {
            if random.u8(..10) < 4 {
                client.like(person, *video).await?;
            }
            if random.u8(..10) < 1 {
                client.comment(person, *video, COMMENTS[random.usize(..COMMENTS.len())]).await?;
            }
        }
        // Each chats with the next one: a few lines, by turns.
        let other = &people[(me + 1) % people.len()];
        client.follow(person, other).await?;
        client.follow(other, person).await?;
        for turn in 0..random.usize(2..=5) {
            let (from, to) = if turn % 2 == 0 { (person, other) } else { (other, person) };
            client.write(from, to, LINES[random.usize(..LINES.len())]).await?;
        }
    }
    Ok(())
}
