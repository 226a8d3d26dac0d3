//! The cluster and what it must survive: one cluster for all scenarios, which run one after another, each
//! printing what its people noticed. That the API itself is right is the other suite's to show.

mod cluster;
mod extra;
mod front;
mod leaf;
mod load;
mod scenarios;
mod stage;
mod story;
mod summary;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};

use stage::Stage;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They share one cluster and break it.
    arguments.test_threads = Some(1);
    let stage = Arc::new(Stage::new());
    let trials = scenarios::all().into_iter().map(|(name, scenario)| {
        let stage = Arc::clone(&stage);
        Trial::test(name, move || stage.play(scenario))
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    stage.end();
    conclusion.exit_code()
}
