//! How many requests of one class may be at work at once: a flood of one class is refused before it costs
//! anything, and the others go on. How much one asker may ask for is the limits'.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use domain::{Error, Result};
use metrics::{Counter, Gauge};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a request may wait for a place. Whoever waits longer has a full queue before them, and the next
/// try is better spent a second later.
const WAIT: Duration = Duration::from_millis(45);
/// Reads at work for each core: the readers of the database never run dry.
const READS_PER_CORE: usize = 64;
/// Likes, comments, follows and messages at work. They share commits: the more wait for one disk, the more it
/// takes at once, and the writer's own queue is four times as long.
const SOCIAL: usize = 1024;
/// Logins at work besides those being hashed, as many as wait for a hash in the user service.
const LOGINS_WAITING: usize = 16;
/// Uploads arriving at once: each holds a few MiB of memory and a file, and need not have shown a token yet.
const UPLOADS: usize = 64;
/// Most requests of a class that wait for a place, some KiB each. How many may is learnt: one more after each
/// wait that was not in vain, half as many after one that was. So a crowd that can be answered in time is, and of
/// a flood the surplus is refused at once, which costs less than to refuse it late.
const QUEUE: usize = 2048;
/// So many may wait in any case.
const LEAST_QUEUE: usize = 64;

/// What a route's work is. Each class has places of its own, so none can starve another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Watching: the feed, lists, profiles, videos, pages.
    Read,
    /// Small changes: likes, comments, follows, messages.
    Social,
    /// Registrations and logins: a hash each.
    Login,
    /// Publishing: may take minutes.
    Upload,
}

/// The places of every class.
pub(crate) struct Admission {
    read: Gate,
    social: Gate,
    login: Gate,
    upload: Gate,
}

/// The places of one class and the queue before them.
struct Gate {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// How many may wait.
    room: AtomicUsize,
    in_flight: Gauge,
    refused: Counter,
}

/// The right to be at work, until it is dropped.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    in_flight: Gauge,
}

impl Admission {
    /// Places for a machine of this many cores.
    pub(crate) fn new(cores: usize) -> Self {
        let hashes = (cores / 2).max(1);
        Self {
            read: Gate::new(Class::Read, READS_PER_CORE * cores),
            social: Gate::new(Class::Social, SOCIAL),
            login: Gate::new(Class::Login, hashes + LOGINS_WAITING),
            upload: Gate::new(Class::Upload, UPLOADS),
        }
    }

    /// Finds a place among those of its class; waits for one briefly.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when the queue is full or the wait was in vain.
    pub(crate) async fn enter(&self, class: Class) -> Result<Place> {
        self.gate(class).enter().await
    }

    /// Refuses what would find no place, before anything is done for it.
    pub(crate) fn check(&self, class: Class) -> Result<()> {
        self.gate(class).check()
    }

    /// Lets nobody in any more.
    #[cfg(test)]
    pub(crate) fn close(&self, class: Class) {
        self.gate(class).places.close();
    }

    /// How many may come in at once now.
    #[cfg(test)]
    pub(crate) fn free(&self, class: Class) -> usize {
        self.gate(class).places.available_permits()
    }

    fn gate(&self, class: Class) -> &Gate {
        match class {
            Class::Read => &self.read,
            Class::Social => &self.social,
            Class::Login => &self.login,
            Class::Upload => &self.upload,
        }
    }
}

impl Gate {
    fn new(class: Class, places: usize) -> Self {
        let class = match class {
            Class::Read => "read",
            Class::Social => "social",
            Class::Login => "login",
            Class::Upload => "upload",
        };
        let refused = metrics::counter!("dytt_http_refused_total", "class" => class);
        // An alarm needs a zero to rise from.
        refused.increment(0);
        Self {
            places: Arc::new(Semaphore::new(places)),
            waiting: AtomicUsize::new(0),
            room: AtomicUsize::new(QUEUE),
            in_flight: metrics::gauge!("dytt_http_in_flight", "class" => class),
            refused,
        }
    }

    async fn enter(&self) -> Result<Place> {
        // Those who wait are served first: a free place is one that nobody waits for.
        if let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(self.place(permit));
        }
        let Some(_turn) = self.queue() else { return Err(self.refuse()) };
        match timeout(WAIT, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(permit)) => {
                self.learn(|room| (room + 1).min(QUEUE));
                Ok(self.place(permit))
            }
            Ok(Err(_closed)) => Err(self.refuse()),
            Err(_late) => {
                self.learn(|room| (room / 2).max(LEAST_QUEUE));
                Err(self.refuse())
            }
        }
    }

    fn check(&self) -> Result<()> {
        let full = self.places.available_permits() == 0 && !self.has_room(self.waiting.load(Relaxed));
        if full { Err(self.refuse()) } else { Ok(()) }
    }

    /// A turn in the queue, if there is room.
    fn queue(&self) -> Option<Turn<'_>> {
        let turn = Turn(self);
        self.has_room(self.waiting.fetch_add(1, Relaxed)).then_some(turn)
    }

    fn has_room(&self, waiting: usize) -> bool {
        waiting < self.room.load(Relaxed)
    }

    fn learn(&self, room: impl Fn(usize) -> usize) {
        let _before = self.room.fetch_update(Relaxed, Relaxed, |now| Some(room(now)));
    }

    fn place(&self, permit: OwnedSemaphorePermit) -> Place {
        self.in_flight.increment(1);
        Place { _permit: permit, in_flight: self.in_flight.clone() }
    }

    fn refuse(&self) -> Error {
        self.refused.increment(1);
        Error::Overloaded
    }
}

/// One of those who wait, until it is dropped.
struct Turn<'g>(&'g Gate);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.in_flight.decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::future::join_all;

    use super::*;

    /// A class of which every place is taken.
    async fn full(places: usize) -> (Gate, Vec<Place>) {
        let gate = Gate::new(Class::Social, places);
        let taken = join_all((0..places).map(|_| gate.enter())).await;
        let taken = taken.into_iter().collect::<Result<_>>().expect("every place is given");
        (gate, taken)
    }

    #[tokio::test]
    async fn who_finds_no_place_waits_briefly_and_is_refused() {
        let (gate, taken) = full(3).await;
        gate.check().expect("the queue is empty");
        assert!(matches!(gate.enter().await, Err(Error::Overloaded)));
        drop(taken);
        gate.enter().await.expect("there are places again");
    }

    #[tokio::test]
    async fn a_place_that_becomes_free_goes_to_who_waits_longest() {
        let (gate, mut taken) = full(2).await;
        let (mut first, mut second) = (Box::pin(gate.enter()), Box::pin(gate.enter()));
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        drop(taken.pop());
        // Whoever comes now finds those two before them.
        assert!(gate.enter().now_or_never().is_none());
        let _place = first.await.expect("was first");
        drop(taken.pop());
        second.await.expect("was second");
    }

    #[tokio::test]
    async fn behind_a_full_queue_nobody_waits() {
        let (gate, taken) = full(1).await;
        let mut queue: Vec<_> = (0..QUEUE).map(|_| Box::pin(gate.enter())).collect();
        assert!(queue.iter_mut().all(|waiting| waiting.as_mut().now_or_never().is_none()));
        assert!(matches!(gate.check(), Err(Error::Overloaded)));
        assert!(matches!(gate.enter().now_or_never(), Some(Err(Error::Overloaded))));
        // Who leaves gives their turn back.
        drop(queue);
        gate.check().expect("the queue is empty");
        drop(taken);
        gate.enter().await.expect("there is a place");
    }

    #[tokio::test]
    async fn who_waited_in_vain_makes_the_queue_shorter_and_who_did_not_longer() {
        let (gate, taken) = full(1).await;
        for room in [QUEUE / 2, QUEUE / 4, QUEUE / 8] {
            gate.enter().await.map(drop).expect_err("nobody leaves");
            assert_eq!(gate.room.load(Relaxed), room);
        }
        let waiting = gate.enter();
        let (place, ()) = tokio::join!(waiting, async { drop(taken) });
        drop(place.expect("somebody left"));
        assert_eq!(gate.room.load(Relaxed), QUEUE / 8 + 1);
        let (gate, _taken) = full(1).await;
        for _ in 0..6 {
            gate.enter().await.map(drop).expect_err("nobody leaves");
        }
        assert_eq!(gate.room.load(Relaxed), LEAST_QUEUE);
    }
}
