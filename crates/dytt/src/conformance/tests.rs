//! The rules as a whole: their names, where they are written down, and how a run is told.

use std::collections::HashSet;
use std::path::Path;

use super::report::list;
use super::trouble::{Checked, Fault, Trouble};
use super::{Level, Report, Rule, Verdict, rules};

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    std::fs::read_to_string(path).expect("the page is there")
}

#[test]
fn names_are_of_their_noun_and_unique() {
    let mut seen = HashSet::new();
    for Rule { name, sentence, .. } in rules(&[]) {
        let (noun, rest) = name.split_once('.').expect("noun.what-is-so");
        let plain = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        assert!(plain(noun) && plain(rest), "{name}");
        assert!(seen.insert(name), "{name} is there twice");
        assert!(sentence.ends_with('.'), "{name}: {sentence}");
    }
}

#[test]
fn rules_are_chosen_by_how_their_names_begin() {
    let chosen = rules(&["feed.latest".into(), "media".into()]);
    assert!(!chosen.is_empty() && chosen.len() < rules(&[]).len());
    assert!(
        chosen.iter().all(|rule| rule.name.starts_with("feed.latest") || rule.name.starts_with("media."))
    );
}

#[test]
fn the_page_has_the_list_as_it_is_printed() {
    let page = page("conformance.md");
    let (_, listed) = page.split_once("<!-- dytt conformance --list -->\n").expect("a mark before the list");
    assert_eq!(
        listed.trim(),
        list(&rules(&[])).trim(),
        "put what `dytt conformance --list` prints behind the mark"
    );
}

#[test]
fn every_section_is_a_heading_of_the_apis_page() {
    let page = page("api.md");
    for Rule { name, section, .. } in rules(&[]) {
        assert!(page.lines().any(|line| line == format!("## {section}")), "{name}: {section}");
    }
}

fn verdict(level: Level, outcome: Checked) -> Verdict {
    let rule = rules(&[]).into_iter().find(|rule| rule.name == "feed.newest-first").expect("the rule");
    Verdict { rule: Rule { level, ..rule }, outcome }
}

fn fault() -> Checked {
    let [asked, came, right] = ["GET /x", "nothing", "something"].map(str::to_owned);
    Err(Trouble::Fault(Fault { asked, came, right }))
}

#[test]
fn what_servers_decide_differently_counts_when_it_is_asked_to() {
    let good = |verdicts: Vec<Verdict>| {
        let mut report = Report::default();
        verdicts.into_iter().for_each(|verdict| drop(report.add(verdict)));
        (report.is_good(false), report.is_good(true))
    };
    let skipped = || Err(Trouble::Skipped("no ffmpeg".into()));
    assert_eq!(good(vec![verdict(Level::Should, Ok(()))]), (true, true));
    assert_eq!(good(vec![verdict(Level::Should, fault())]), (true, false));
    assert_eq!(good(vec![verdict(Level::Must("the app"), fault())]), (false, false));
    assert_eq!(good(vec![verdict(Level::Should, Err(Trouble::blocked("no account")))]), (false, false));
    assert_eq!(good(vec![verdict(Level::Must("the app"), skipped())]), (true, true));
}

#[test]
fn a_failure_says_what_was_asked_what_came_and_what_would_be_right() {
    let mut report = Report::default();
    let lines = report.add(verdict(Level::Must("the app"), fault()));
    for text in
        ["FAILED", "feed.newest-first", "asked  GET /x", "came   nothing", "right  something", "the app"]
    {
        assert!(lines.contains(text), "{text} in {lines}");
    }
    report.add(verdict(Level::Must("the app"), Err(Trouble::Skipped("no ffmpeg".into()))));
    let sum = report.sum(3);
    assert!(sum.contains("2 rules: 0 passed, 1 failed, 0 differ, 0 blocked, 1 skipped"), "{sum}");
    assert!(sum.contains("skipped, 1: no ffmpeg") && sum.contains("limits.enabled"), "{sum}");
}
