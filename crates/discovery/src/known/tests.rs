//! The rule for what vanishes, on a clock of its own.

use super::*;

const TTL: Duration = Duration::from_secs(10);
const GRACE: Duration = Duration::from_secs(30);

fn instance(name: &str, weight: u32) -> Instance {
    Instance {
        name: "user".into(),
        addr: format!("{name}:1"),
        version: "v1".into(),
        weight,
        share: 1.0,
        build: String::new(),
        started_at: 0,
    }
}

fn all(names: &str) -> Vec<Instance> {
    names.chars().map(|name| instance(&name.to_string(), 100)).collect()
}

fn with(names: &str, now: Instant) -> Known {
    let mut known = Known::new(TTL, GRACE, Vec::new());
    known.replace(all(names), false, now);
    known
}

fn shown(known: &Known) -> String {
    known.shown().iter().filter_map(|instance| instance.addr.chars().next()).collect()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn one_of_several_goes_at_once() {
    let now = Instant::now();
    for (names, left) in [("ab", "b"), ("abc", "bc")] {
        let mut known = with(names, now);
        assert_eq!(known.vanish("a:1", now), 0);
        assert_eq!(shown(&known), left);
    }
}

#[test]
fn the_only_one_is_kept_for_the_grace() {
    let now = Instant::now();
    let mut known = with("a", now);
    assert_eq!(known.vanish("a:1", now), 1);
    assert_eq!(known.next_expiry(), Some(now + GRACE));
    known.expire(now + GRACE - seconds(1));
    assert_eq!(shown(&known), "a");
    known.expire(now + GRACE);
    assert_eq!(shown(&known), "");
    assert_eq!(known.next_expiry(), None);
}

#[test]
fn when_most_vanish_the_first_of_them_comes_back_too() {
    let now = Instant::now();
    let mut known = with("abcd", now);
    assert_eq!(known.vanish("a:1", now), 0);
    assert_eq!(known.vanish("b:1", now + seconds(1)), 0);
    assert_eq!(shown(&known), "cd");
    assert_eq!(known.vanish("c:1", now + seconds(2)), 3);
    assert_eq!(shown(&known), "abcd");
}

#[test]
fn those_that_vanish_one_a_ttl_go_one_by_one() {
    let now = Instant::now();
    let mut known = with("abc", now);
    known.vanish("a:1", now);
    known.expire(now + TTL);
    known.vanish("b:1", now + TTL);
    assert_eq!(shown(&known), "c");
}

#[test]
fn a_drained_one_goes_at_once_and_counts_for_nothing() {
    let now = Instant::now();
    let mut known = with("ab", now);
    known.put(instance("a", 0));
    assert_eq!(shown(&known), "ab", "drained and still there");
    assert_eq!(known.vanish("b:1", now), 1, "the last one with a weight");
    assert_eq!(known.vanish("a:1", now), 0);
    assert_eq!(shown(&known), "b");
}

#[test]
fn a_wiped_etcd_takes_nobody_and_its_grace_begins_when_it_is_back() {
    let now = Instant::now();
    let mut known = with("abc", now);
    assert_eq!(known.replace(Vec::new(), false, now), 3);
    assert_eq!(shown(&known), "abc");
    // It was away again; the first to come back does not end the wait for the others.
    let later = now + 10 * GRACE;
    known.replace(all("b"), false, later);
    assert_eq!(shown(&known), "abc");
    known.put(instance("a", 100));
    known.expire(later + GRACE - seconds(1));
    assert_eq!(shown(&known), "abc");
    known.expire(later + GRACE);
    assert_eq!(shown(&known), "ab");
}

#[test]
fn a_list_without_a_few_is_believed() {
    let now = Instant::now();
    let mut known = with("abcd", now);
    known.put(instance("d", 0));
    assert_eq!(known.replace(all("abe"), false, now), 0);
    assert_eq!(shown(&known), "abe");
}

#[test]
fn whom_an_etcd_without_its_past_does_not_name_is_kept() {
    let now = Instant::now();
    let mut known = with("abcd", now);
    known.put(instance("d", 0));
    assert_eq!(known.replace(all("ab"), true, now), 1);
    assert_eq!(shown(&known), "abc", "the drained one is gone");
    known.expire(now + GRACE);
    assert_eq!(shown(&known), "ab");
}

#[test]
fn what_was_remembered_yields_to_the_first_answer_that_names_one() {
    let now = Instant::now();
    let mut known = Known::new(TTL, GRACE, all("ab"));
    known.expire(now + 10 * GRACE);
    assert_eq!(shown(&known), "ab", "etcd was not heard yet");
    known.replace(all("c"), false, now);
    assert_eq!(shown(&known), "c");
}

#[test]
fn what_was_remembered_outlives_an_empty_answer() {
    let now = Instant::now();
    let mut known = Known::new(TTL, GRACE, all("ab"));
    known.replace(Vec::new(), false, now);
    assert_eq!(shown(&known), "ab");
    known.put(instance("a", 7));
    assert_eq!(known.shown()[0].weight, 7);
    known.expire(now + GRACE);
    assert_eq!(shown(&known), "a");
}
