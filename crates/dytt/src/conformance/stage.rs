//! What the rules are played on: the server, and people and videos of the rules' own, so that none disturbs another.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use media::Media;
use reqwest::Method;
use reqwest::redirect::Policy;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::ask::{Ask, Pairs};
use super::clip;
use super::seen::Seen;
use super::trouble::{Checked, Trouble};

/// After so many requests in a row without an answer, or refused until given up, no more are sent.
const MOST_IN_VAIN: usize = 10;
/// How long the first answer of all may take.
const KNOCK_TIME: Duration = Duration::from_secs(10);
/// The file name of the demo suite's upload: no path of the server's may come of it.
const FILE_NAME: &str = "../public/bear.mp4";
/// An id nothing has, in the range all clients can read.
pub(super) const NOBODY: i64 = 2_147_483_647;
/// A moment in milliseconds before anything was published: March 1973.
pub(super) const LONG_AGO: i64 = 100_000_000_001;

/// A server, and what is made on it.
pub(crate) struct Stage {
    http: reqwest::Client,
    base_url: String,
    media: Media,
    /// Tells this run's people from others'.
    run: String,
    password: String,
    names: AtomicUsize,
    clip: OnceCell<Result<Vec<u8>, String>>,
    /// For rules that count nothing of it.
    stock: OnceCell<Video>,
    /// Requests in a row that came to nothing.
    in_vain: AtomicUsize,
    /// Answers that asked to wait.
    limited: AtomicUsize,
    /// Of all publications the quickest, in milliseconds.
    quickest: AtomicU64,
}

/// Somebody registered for one rule.
pub(super) struct Person<'w> {
    pub stage: &'w Stage,
    pub id: i64,
    pub name: String,
    pub token: String,
}

/// A published video.
#[derive(Clone)]
pub(super) struct Video {
    pub id: i64,
    pub author: i64,
}

impl Stage {
    /// A stage on the server at `base_url`, which is not asked yet. Clips are drawn with `media`.
    ///
    /// # Errors
    /// When this machine cannot make requests at all.
    pub(crate) fn new(base_url: &str, media: Media) -> anyhow::Result<Self> {
        // A redirect is an answer that clients stumble over.
        let http = reqwest::Client::builder().redirect(Policy::none()).build()?;
        let word = || fastrand::lowercase().to_string();
        Ok(Self {
            http,
            base_url: base_url.trim_end_matches('/').to_owned(),
            media,
            run: (0..6).map(|_| word()).collect(),
            password: (0..16).map(|_| word()).collect(),
            names: AtomicUsize::new(0),
            clip: OnceCell::new(),
            stock: OnceCell::new(),
            in_vain: AtomicUsize::new(0),
            limited: AtomicUsize::new(0),
            quickest: AtomicU64::new(u64::MAX),
        })
    }

    /// Whether there is a server of such an API at all: its feed or its login is there and answers a JSON object.
    ///
    /// # Errors
    /// What came instead, in words.
    pub(crate) async fn knock(&self) -> Result<(), String> {
        let mut came = String::new();
        for (method, path) in [(Method::GET, "/douyin/feed/"), (Method::POST, "/douyin/user/login/")] {
            let asked = timeout(KNOCK_TIME, self.ask(method, path).send());
            let Ok(asked) = asked.await else {
                return Err(format!("no answer within {} s, or none but to wait", KNOCK_TIME.as_secs()));
            };
            match asked {
                Ok(seen) if seen.value.is_object() && !matches!(seen.status(), 404 | 405) => return Ok(()),
                Ok(seen) => came = format!("{path} answers {}", seen.brief()),
                Err(Trouble::Fault(fault)) => return Err(format!("{}: {}", fault.asked, fault.came)),
                Err(Trouble::Blocked(reason) | Trouble::Skipped(reason)) => return Err(reason),
            }
        }
        Err(format!("{came}: is that the base address of a server of this API?"))
    }

    /// How many requests the server asked to send again later.
    pub(crate) fn times_limited(&self) -> usize {
        self.limited.load(Ordering::Relaxed)
    }

    /// How long the quickest publication took, if there was one.
    pub(super) fn quickest_publication(&self) -> Option<Duration> {
        let millis = self.quickest.load(Ordering::Relaxed);
        (millis != u64::MAX).then(|| Duration::from_millis(millis))
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }

    pub(super) fn was_limited(&self) {
        self.limited.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that was answered, or came to nothing.
    pub(super) fn count(&self, was_answered: bool) {
        if was_answered {
            self.in_vain.store(0, Ordering::Relaxed);
        } else {
            self.in_vain.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Fails once nothing has come of requests for a while: what is left of a run would only wait.
    pub(super) fn hopeful(&self) -> Checked {
        if self.in_vain.load(Ordering::Relaxed) < MOST_IN_VAIN {
            return Ok(());
        }
        Err(Trouble::blocked("the server answers no more, or only that there are too many requests"))
    }

    /// A request to be finished.
    pub(super) fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        Ask::new(self, method, path)
    }

    /// A GET by nobody.
    pub(super) async fn get(&self, route: &str, pairs: Pairs<'_>) -> Checked<Seen> {
        self.ask(Method::GET, &path(route)).query(pairs).send().await
    }

    /// A POST by nobody: a query and no body.
    pub(super) async fn post(&self, route: &str, pairs: Pairs<'_>) -> Checked<Seen> {
        self.ask(Method::POST, &path(route)).query(pairs).send().await
    }

    /// A name nobody has.
    pub(super) fn fresh_name(&self) -> String {
        format!("{}-{}", self.run, self.names.fetch_add(1, Ordering::Relaxed))
    }

    /// Everybody's password.
    pub(super) fn password(&self) -> &str {
        &self.password
    }

    /// New people, who have done nothing yet.
    pub(super) async fn people<const N: usize>(&self) -> Checked<[Person<'_>; N]> {
        let people = try_join_all((0..N).map(|_| self.person())).await?;
        people.try_into().map_err(|_| Trouble::blocked("nobody was registered"))
    }

    /// Somebody new.
    pub(super) async fn person(&self) -> Checked<Person<'_>> {
        let name = self.fresh_name();
        let registered = async {
            let pairs: Pairs<'_> = &[("username", &name), ("password", &self.password)];
            let answer = self.post("user/register", pairs).await?.success()?;
            let (id, token) = (answer.number("user_id"), answer.text("token").to_owned());
            answer.want(id > 0 && !token.is_empty(), "a user_id and a token")?;
            Ok((id, token))
        };
        let (id, token) = registered.await.map_err(|trouble: Trouble| trouble.while_making("account"))?;
        Ok(Person { stage: self, id, name, token })
    }

    /// A small clip that servers need not re-encode.
    pub(super) async fn clip(&self) -> Checked<Vec<u8>> {
        let clip = self.clip.get_or_init(|| clip::draw(&self.media)).await;
        clip.clone().map_err(|reason| Trouble::Skipped(format!("no clip to publish: {reason}")))
    }

    /// A video to which it does not matter what happens to it meanwhile, by somebody who does nothing else.
    pub(super) async fn stock(&self) -> Checked<Video> {
        let made = self.stock.get_or_try_init(async || self.person().await?.video().await);
        made.await.cloned()
    }
}

impl<'w> Person<'w> {
    /// A request of theirs to be finished: the token is in its query, as the app has it.
    pub(super) fn ask(&self, method: Method, route: &str) -> Ask<'w> {
        self.stage.ask(method, &path(route)).query(&[("token", &self.token)])
    }

    pub(super) async fn get(&self, route: &str, pairs: Pairs<'_>) -> Checked<Seen> {
        self.ask(Method::GET, route).query(pairs).send().await
    }

    pub(super) async fn post(&self, route: &str, pairs: Pairs<'_>) -> Checked<Seen> {
        self.ask(Method::POST, route).query(pairs).send().await
    }

    /// Somebody's profile as they see it.
    pub(super) async fn profile(&self, of: i64) -> Checked<Seen> {
        Ok(self.get("user", &[("user_id", &of)]).await?.success()?.part("user"))
    }

    /// A video as they see it: in its author's list, where other people's do not push it out.
    pub(super) async fn card(&self, video: &Video) -> Checked<Seen> {
        let list = self.get("publish/list", &[("user_id", &video.author)]).await?.success()?;
        list.entry("video_list", video.id)
    }

    /// Publishes a clip: the file first, then token and title, as the demo suite does.
    pub(super) async fn publish(&self, title: &str) -> Checked<Seen> {
        let clip = self.stage.clip().await?;
        let ask = self.stage.ask(Method::POST, &path("publish/action")).file(FILE_NAME, clip);
        let began = Instant::now();
        let answer = ask.field("token", &self.token).field("title", title).send().await?.success()?;
        let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.stage.quickest.fetch_min(took, Ordering::Relaxed);
        Ok(answer)
    }

    /// A new video of theirs.
    pub(super) async fn video(&self) -> Checked<Video> {
        let published = async {
            let title = self.stage.fresh_name();
            self.publish(&title).await?;
            let list = self.get("publish/list", &[("user_id", &self.id)]).await?.success()?;
            // Not the first: the order is for a rule to say.
            let found = list.list("video_list").into_iter().find(|video| video.text("title") == title);
            let found = found.ok_or_else(|| list.wrong(list.brief(), "the video just published"))?;
            Ok(Video { id: found.number("id"), author: self.id })
        };
        published.await.map_err(|trouble: Trouble| trouble.while_making("video"))
    }

    /// Likes (1) or takes it back (2).
    pub(super) async fn like(&self, video: &Video, action: u8) -> Checked<Seen> {
        self.post("favorite/action", &[("video_id", &video.id), ("action_type", &action)]).await
    }

    /// Writes a comment; the comment.
    pub(super) async fn comment(&self, video: &Video, text: &str) -> Checked<Seen> {
        let pairs: Pairs<'_> = &[("video_id", &video.id), ("action_type", &1), ("comment_text", &text)];
        Ok(self.post("comment/action", pairs).await?.success()?.part("comment"))
    }

    /// Deletes a comment.
    pub(super) async fn uncomment(&self, video: &Video, comment: i64) -> Checked<Seen> {
        let pairs: Pairs<'_> = &[("video_id", &video.id), ("action_type", &2), ("comment_id", &comment)];
        self.post("comment/action", pairs).await
    }

    /// Follows (1) or stops (2).
    pub(super) async fn follow(&self, whom: i64, action: u8) -> Checked<Seen> {
        self.post("relation/action", &[("to_user_id", &whom), ("action_type", &action)]).await
    }

    /// Sends a message.
    pub(super) async fn write(&self, to: i64, content: &str) -> Checked<Seen> {
        let pairs: Pairs<'_> = &[("to_user_id", &to), ("action_type", &1), ("content", &content)];
        self.post("message/action", pairs).await
    }

    /// A conversation since a moment.
    pub(super) async fn chat(&self, with: i64, since: i64) -> Checked<Seen> {
        self.get("message/chat", &[("to_user_id", &with), ("pre_msg_time", &since)]).await?.success()
    }
}

/// A route's path as the app spells it.
pub(super) fn path(route: &str) -> String {
    format!("/douyin/{route}/")
}
