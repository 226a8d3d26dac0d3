//! Load: closed loops, which ask as fast as they are answered, and open ones, which ask on a schedule. What is
//! asked is the scenarios'.

mod answer;
mod connection;
mod request;
mod schedule;
mod tally;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, bail};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

pub use answer::Verdict;
pub use connection::Connection;
pub use request::Request;
pub use tally::Tally;

use schedule::Schedule;

/// The next request, whoever is free to send it.
pub type Next<'a> = &'a mut dyn FnMut() -> Request;

/// How long a closed loop waits for an answer before it counts as none: clips are looked at one after the other.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long an open one waits: nobody looks at an empty screen for longer.
const SCHEDULE_PATIENCE: Duration = Duration::from_secs(10);
/// After a failure, so that a server that is gone does not make the loop spin.
const AFTER_FAILURE: Duration = Duration::from_millis(5);

/// So many connections, each with one request in flight, for this long.
pub async fn closed(to: &[SocketAddr], connections: usize, time: Duration, next: Next<'_>) -> Tally {
    let (next, tally) = (RefCell::new(next), RefCell::new(Tally::new()));
    let end = Instant::now() + time;
    let one = async |address: SocketAddr| {
        let mut connection = Connection::new(address);
        while Instant::now() < end {
            let request = (next.borrow_mut())();
            let began = Instant::now();
            let answer = timeout_at(began + PATIENCE, connection.exchange(&request)).await;
            let answered = tally.borrow_mut().count(answer.ok(), began.elapsed());
            if !answered {
                connection.close();
                sleep(AFTER_FAILURE).await;
            }
        }
    };
    let began = Instant::now();
    join_all((0..connections).map(|number| one(to[number % to.len()]))).await;
    tally.into_inner().over(began.elapsed())
}

/// Requests at a rate (per second), each due at its own moment, over so many connections. Latency is counted from
/// that moment, to within the timer's millisecond, whenever a connection is free to send it. The two halves of the
/// time are told apart: a queue that grows shows in the second.
pub async fn open(
    to: &[SocketAddr],
    connections: usize,
    rate: f64,
    time: Duration,
    next: Next<'_>,
) -> Result<[Tally; 2]> {
    let ready = join_all((0..connections).map(|number| Connection::open(to[number % to.len()]))).await;
    let ready: Vec<Connection> = ready.into_iter().filter_map(Result::ok).collect();
    if ready.len() < connections {
        bail!("only {} of {connections} connections were taken", ready.len());
    }
    let schedule = Schedule::new(Instant::now(), rate, time);
    let (next, taken) = (RefCell::new(next), Cell::new(0));
    let halves = [RefCell::new(Tally::new()), RefCell::new(Tally::new())];
    let one = async |mut connection: Connection| {
        while let Some(due) = schedule.due(taken.get()) {
            let half = &halves[schedule.half(taken.replace(taken.get() + 1))];
            // Nobody waits this long; without this a lost race would be run to its end.
            if due + SCHEDULE_PATIENCE < Instant::now() {
                half.borrow_mut().count(None, SCHEDULE_PATIENCE);
                continue;
            }
            sleep_until(due).await;
            let request = (next.borrow_mut())();
            let answer = timeout_at(due + SCHEDULE_PATIENCE, connection.exchange(&request)).await;
            if !half.borrow_mut().count(answer.ok(), due.elapsed()) {
                connection.close();
            }
        }
    };
    join_all(ready.into_iter().map(one)).await;
    Ok(halves.map(|half| half.into_inner().over(time / 2)))
}

#[cfg(test)]
mod tests;
