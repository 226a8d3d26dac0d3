//! Judgement, summaries and the kept files.

use super::*;

fn figures(variant: &str, round: usize, per_second: f64, cpu_us: f64) -> Figures {
    Figures {
        scenario: "feed".into(),
        variant: variant.into(),
        round,
        per_second,
        cpu_us,
        ..Figures::default()
    }
}

#[test]
fn a_goal_is_reached_in_every_round_or_in_doubt() {
    let judged = |values: &[f64], noisy| {
        let goal = Goal::judge("G1", "feed, share of L1", Bound::AtLeast(0.6), values, noisy);
        goal.map(|goal| goal.to_string()).unwrap_or_default()
    };
    assert_eq!(
        judged(&[0.7, 0.6, 0.9], false),
        "G1: feed, share of L1 ≥ 0.6: reached, 0.700 [0.600 to 0.900]"
    );
    assert!(judged(&[0.5, 0.7], false).contains("inconclusive, 0.600"));
    assert!(judged(&[0.5, 0.1], false).contains("NOT REACHED"));
    assert!(judged(&[0.7], true).contains("inconclusive"), "a noisy machine proves nothing");
    assert_eq!(judged(&[], false), "");
    let most = Goal::judge("G5", "", Bound::AtMost(1.3), &[1.2, 1.3], false).expect("values");
    assert!(most.to_string().contains("reached"));
}

#[test]
fn ratios_are_of_the_same_round() {
    let mut report = Report::new(Run::default(), PathBuf::new());
    for (round, (limit, platform)) in [(100.0, 50.0), (1000.0, 700.0), (10.0, 6.0)].into_iter().enumerate() {
        report.add(figures("limit", round, limit, 50.0));
        report.add(figures("platform", round, platform, 100.0));
    }
    assert_eq!(report.ratios("platform", "limit", Basis::Rate), [0.5, 0.7, 0.6]);
    assert_eq!(report.ratios("platform", "limit", Basis::Cpu), [0.5; 3]);
    assert_eq!(report.ratios("platform", "absent", Basis::Rate), [0.0; 0]);
    let summaries = Summary::all(&report.figures);
    assert_eq!(summaries[1].per_second, [50.0, 6.0, 700.0]);
    assert_eq!((summaries[0].rate_ratio, summaries[1].rate_ratio), (1.0, 0.6));
}

#[test]
fn a_scenario_is_kept_and_the_page_shows_those_of_earlier_runs_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = Run { commit: "abc".into(), scale: "1k".into(), ..Run::default() };
    let mut report = Report::new(run, folder.path().into());
    report.add(Figures { noise: Some("a neighbour".into()), ..figures("platform", 0, 123.4, 5.0) });
    report.judge("G1", "as fast as can be", Bound::AtLeast(1.0), &[2.0]);
    report.close("feed").expect("kept");
    assert!(!report.is_faulty());
    report.fault("a counter is wrong".into());
    report.close("like").expect("kept");
    assert!(report.is_faulty());
    let page = fs::read_to_string(folder.path().join("README.md")).expect("a page");
    for part in [
        "## feed",
        "Commit abc",
        "**Noisy machine**: a neighbour",
        "| platform",
        "123 [123-123]",
        "inconclusive, 2.000",
        "![feed](feed.svg)",
        "## like",
        "**fault**: a counter is wrong",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let plot = fs::read_to_string(folder.path().join("feed.svg")).expect("a plot");
    assert!(plot.starts_with("<svg ") && plot.trim_end().ends_with("</svg>") && plot.contains(">platform<"));
    let lines = fs::read_to_string(folder.path().join("feed.jsonl")).expect("lines");
    assert_eq!(lines.lines().count(), 4);
}
