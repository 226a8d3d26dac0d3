//! Who is picked, and who is left out and comes back, with time and chance handed in.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use tls::Identities;
use tls::authority::Authority;

use super::*;
use crate::status::Verdict;

/// Nobody connects here, but a connection has to be somebody's.
static IDENTITIES: LazyLock<Identities> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let (dir, now, mut warnings) = (folder.path(), SystemTime::now(), Vec::new());
    let authority = Authority::create(dir, "dytt", None, now, &mut warnings).expect("a root");
    let day = Duration::from_secs(86_400);
    authority.issue("gateway", &[], day, dir, now, &mut warnings).expect("a certificate");
    Identities::load(dir, &["gateway"]).expect("identities")
});

/// A pool of instances nobody connects to, by address and weight.
fn pool(instances: &[(&str, f64)]) -> Pool {
    let pool = Pool { to: "like", endpoints: ArcSwap::default() };
    set(&pool, instances, Instant::now());
    pool
}

fn set(pool: &Pool, instances: &[(&str, f64)], now: Instant) {
    let instance = |(addr, weight): &(&str, f64)| Instance {
        name: "like".into(),
        addr: (*addr).to_owned(),
        version: "v1".into(),
        weight: 1,
        share: *weight,
        build: String::new(),
        started_at: 0,
    };
    let instances: Vec<Instance> = instances.iter().map(instance).collect();
    let connect = |addr: &str| Connection::new(IDENTITIES.clone(), "gateway", "like", addr);
    pool.follow(&instances, &connect, now);
}

/// How many of `calls` go where, one after another.
fn spread(pool: &Pool, calls: usize, now: Instant) -> HashMap<String, usize> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut spread = HashMap::new();
    for _ in 0..calls {
        let picked = pool.pick(None, now, || random.f64()).expect("somebody");
        *spread.entry(picked.addr.to_string()).or_default() += 1;
    }
    spread
}

fn fail(pool: &Pool, addr: &str, times: usize, now: Instant) {
    let all = pool.endpoints.load_full();
    let one = all.iter().find(|one| &*one.addr == addr).expect("is known");
    (0..times).for_each(|_| one.note_at(Verdict::Bad, Duration::from_millis(1), true, &all, now));
}

#[test]
fn three_to_one_is_three_to_one() {
    let spread = spread(&pool(&[("a", 3.0), ("b", 1.0)]), 2000, Instant::now());
    assert!((1400..=1600).contains(&spread["a"]), "{spread:?}");
}

#[test]
fn weight_zero_gets_nothing_even_when_nobody_else_is_left() {
    let now = Instant::now();
    assert_eq!(spread(&pool(&[("a", 1.0), ("b", 0.0)]), 500, now).get("b"), None);
    assert!(pool(&[("b", 0.0)]).pick(None, now, || 0.5).is_none());
}

#[test]
fn a_second_try_goes_elsewhere_if_there_is_an_elsewhere() {
    let now = Instant::now();
    let two = pool(&[("a", 1.0), ("b", 1.0)]);
    for draw in [0.0, 0.3, 0.6, 0.99] {
        assert_eq!(&*two.pick(Some("a"), now, || draw).expect("somebody").addr, "b");
        assert_eq!(&*pool(&[("a", 1.0)]).pick(Some("a"), now, || draw).expect("somebody").addr, "a");
    }
    fail(&two, "b", 5, now);
    assert_eq!(
        &*two.pick(Some("a"), now, || 0.5).expect("somebody").addr,
        "b",
        "one left out beats one that failed"
    );
}

#[test]
fn five_failures_leave_an_instance_out_until_a_probe_succeeds() {
    let now = Instant::now();
    let two = pool(&[("a", 1.0), ("b", 1.0)]);
    fail(&two, "a", 4, now);
    assert!(spread(&two, 100, now).contains_key("a"), "four are not enough");
    fail(&two, "a", 1, now);
    assert!(!spread(&two, 100, now).contains_key("a"));
    let later = now + Duration::from_secs(1);
    let probes = spread(&two, 100, later)["a"];
    assert_eq!(probes, 1, "one probe at a time");
    // It fails: the pause doubles. It succeeds: it is back, slowly.
    fail(&two, "a", 1, later);
    assert!(!spread(&two, 100, later + Duration::from_millis(1900)).contains_key("a"));
    let back = later + Duration::from_secs(2);
    let all = two.endpoints.load_full();
    all[0].note_at(Verdict::Good, Duration::from_millis(1), true, &all, back);
    let slowly = spread(&two, 1000, back)["a"];
    assert!((30..=170).contains(&slowly), "a tenth against the whole: {slowly}");
    let whole = spread(&two, 1000, back + Duration::from_secs(10))["a"];
    assert!((400..=600).contains(&whole), "{whole}");
}

#[test]
fn what_was_begun_before_it_was_left_out_changes_nothing() {
    let now = Instant::now();
    let two = pool(&[("a", 1.0), ("b", 1.0)]);
    fail(&two, "a", 5, now);
    let all = two.endpoints.load_full();
    let (later, long) = (now + Duration::from_millis(900), Duration::from_secs(2));
    for verdict in [Verdict::Good, Verdict::Bad, Verdict::Bad] {
        all[0].note_at(verdict, long, true, &all, later);
    }
    assert!(!all[0].admits(later), "a late success does not bring it back");
    assert!(all[0].admits(now + Duration::from_secs(1)), "late failures do not make it longer");
}

#[test]
fn a_probe_that_says_nothing_is_followed_by_another() {
    let now = Instant::now();
    let two = pool(&[("a", 1.0), ("b", 1.0)]);
    fail(&two, "a", 5, now);
    let (all, later) = (two.endpoints.load_full(), now + Duration::from_secs(1));
    all[0].begin_probe(later);
    assert!(!all[0].admits(later));
    all[0].note_at(Verdict::Busy, Duration::ZERO, true, &all, later);
    assert!(all[0].admits(later));
}

#[test]
fn the_pause_never_grows_beyond_twenty_seconds() {
    let two = pool(&[("a", 1.0), ("b", 1.0)]);
    let mut now = Instant::now();
    fail(&two, "a", 5, now);
    for _ in 0..12 {
        now += Duration::from_secs(20);
        assert!(two.endpoints.load()[0].admits(now));
        fail(&two, "a", 1, now);
    }
}

#[test]
fn at_most_half_are_left_out() {
    let now = Instant::now();
    let three = pool(&[("a", 1.0), ("b", 1.0), ("c", 1.0)]);
    fail(&three, "a", 5, now);
    fail(&three, "b", 5, now);
    let spread = spread(&three, 300, now);
    assert!(!spread.contains_key("a") && spread.contains_key("b") && spread.contains_key("c"), "{spread:?}");
    let alone = pool(&[("a", 1.0)]);
    fail(&alone, "a", 100, now);
    assert!(alone.pick(None, now, || 0.5).is_some(), "the last one is always tried");
}

#[test]
fn most_of_twenty_calls_failing_is_as_bad_as_five_in_a_row() {
    let now = Instant::now();
    let two = pool(&[("a", 1.0), ("b", 1.0)]);
    let all = two.endpoints.load_full();
    for call in 0..20 {
        let verdict = if call % 5 < 2 { Verdict::Good } else { Verdict::Bad };
        all[0].note_at(verdict, Duration::from_millis(1), true, &all, now);
    }
    assert!(!all[0].admits(now));
}

#[test]
fn one_far_slower_than_the_others_is_left_out_but_not_for_slow_work() {
    let now = Instant::now();
    for (quick, out) in [(true, true), (false, false)] {
        let two = pool(&[("a", 1.0), ("b", 1.0)]);
        let all = two.endpoints.load_full();
        all[1].note_at(Verdict::Good, Duration::from_millis(5), quick, &all, now);
        for _ in 0..4 {
            all[0].note_at(Verdict::Good, Duration::from_secs(2), quick, &all, now);
            assert!(all[0].admits(now), "a few say nothing");
        }
        all[0].note_at(Verdict::Good, Duration::from_secs(2), quick, &all, now);
        assert_eq!(!all[0].admits(now), out);
    }
}

#[test]
fn a_newcomer_starts_slowly_and_a_known_one_keeps_its_record() {
    let now = Instant::now();
    let one = pool(&[("a", 1.0)]);
    let before = Arc::clone(&one.endpoints.load()[0]);
    set(&one, &[("a", 1.0), ("b", 1.0)], now);
    assert!(Arc::ptr_eq(&before, &one.endpoints.load()[0]));
    let spread = spread(&one, 1000, now);
    assert!((30..=170).contains(&spread["b"]), "{spread:?}");
}
