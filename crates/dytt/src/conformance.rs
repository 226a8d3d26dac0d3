//! What clients of the minimal Douyin's HTTP API count on, as rules that are asked of any server. Whom to ask and how to
//! show what came is `commands/conformance.rs`'s; `docs/api.md` says the same to authors of clients.

mod ask;
mod clip;
mod code;
mod comment;
mod envelope;
mod extra;
mod feed;
mod like;
mod media;
mod message;
mod object;
mod parameter;
mod publish;
mod relation;
mod report;
mod route;
mod seen;
mod stage;
mod token;
mod trouble;
mod user;

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt, stream};
use tokio::time::timeout;

pub(crate) use report::{Report, list};
pub(crate) use stage::Stage;

use trouble::{Checked, Trouble};

/// Rules that are asked at a time: enough not to wait for each answer, few enough for a small server.
const AT_ONCE: usize = 6;
/// A rule that takes longer is given up.
const RULE_TIME: Duration = Duration::from_secs(180);

/// How much a server's users lose when it breaks a rule.
#[derive(Clone, Copy)]
pub(crate) enum Level {
    /// These clients or people do not get along without it.
    Must(&'static str),
    /// Servers differ, and this is how `dytt` does it.
    Should,
}

/// One thing a server does, and how to see whether it does.
#[derive(Clone)]
pub(crate) struct Rule {
    /// `noun.what-is-so`; it stays the same when the check is improved.
    name: &'static str,
    level: Level,
    /// The part of `docs/api.md` it belongs to.
    section: &'static str,
    sentence: &'static str,
    check: Check,
}

/// Asks the server; an error says why the rule does not hold or could not be seen.
type Check = fn(&Stage) -> BoxFuture<'_, Checked>;

/// A part of `docs/api.md`, and rules of it.
type Group = (&'static str, fn() -> Vec<Rule>);

/// A rule, and what became of it.
pub(crate) struct Verdict {
    rule: Rule,
    outcome: Checked,
}

/// The rules whose names begin with one of these; all of them when there is none.
pub(crate) fn rules(prefixes: &[String]) -> Vec<Rule> {
    let groups: [Group; 14] = [
        ("Paths", route::rules),
        ("The envelope", envelope::rules),
        ("The envelope", code::rules),
        ("Parameters", parameter::rules),
        ("Tokens", token::rules),
        ("Accounts", user::rules),
        ("The feed", feed::rules),
        ("Publishing", publish::rules),
        ("Objects", media::rules),
        ("Likes, comments, follows", like::rules),
        ("Likes, comments, follows", comment::rules),
        ("Likes, comments, follows", relation::rules),
        ("Chat", message::rules),
        ("Paths", extra::rules),
    ];
    let all = groups
        .into_iter()
        .flat_map(|(section, rules)| rules().into_iter().map(move |rule| Rule { section, ..rule }));
    all.filter(|rule| prefixes.is_empty() || prefixes.iter().any(|prefix| rule.name.starts_with(prefix)))
        .collect()
}

/// Asks the server about each rule; what became of them, in their order, as soon as it is known.
pub(crate) fn judge(stage: &Stage, rules: Vec<Rule>) -> impl Stream<Item = Verdict> {
    let judged = stream::iter(rules).map(async |rule| {
        let late = |_elapsed| Err(Trouble::blocked(format!("not done within {} s", RULE_TIME.as_secs())));
        let outcome = timeout(RULE_TIME, (rule.check)(stage)).await.unwrap_or_else(late);
        Verdict { rule, outcome }
    });
    judged.buffered(AT_ONCE)
}

/// A rule without which `clients` do not get along.
const fn must(name: &'static str, clients: &'static str) -> Named {
    Named { name, level: Level::Must(clients) }
}

/// A rule that servers decide differently.
const fn should(name: &'static str) -> Named {
    Named { name, level: Level::Should }
}

/// A rule that does not say yet what it is about.
struct Named {
    name: &'static str,
    level: Level,
}

impl Named {
    /// What the rule says, and how it is seen.
    const fn says(self, sentence: &'static str, check: Check) -> Rule {
        Rule { name: self.name, level: self.level, section: "", sentence, check }
    }
}

#[cfg(test)]
mod tests;
