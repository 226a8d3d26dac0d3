//! Which of our crates may use which, and how deep they may stack.

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use super::graph::{Dependency, Graph};

/// The layers, lowest first: a crate and those of ours it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("blobs", &[]),
    ("discovery", &[]),
    ("media", &[]),
    ("net", &[]),
    ("servers", &[]),
    ("telemetry", &[]),
    ("tls", &[]),
    ("proto", &["domain"]),
    ("rpc", &["domain", "proto", "discovery", "net", "tls", "telemetry"]),
    ("store", &["domain"]),
    ("services", &["domain", "proto", "store", "blobs", "media"]),
    ("gateway", &["domain", "proto", "blobs", "net", "telemetry"]),
    (
        "dytt",
        &[
            "domain",
            "proto",
            "store",
            "blobs",
            "discovery",
            "tls",
            "telemetry",
            "rpc",
            "media",
            "services",
            "gateway",
        ],
    ),
    ("e2e", &["media", "servers"]),
    ("bench", &["domain", "servers"]),
    ("xtask", &["servers"]),
];

/// The crates nothing else may use, tests included.
const TOP: &[&str] = &["bench", "dytt", "e2e", "xtask"];

const LONGEST_CHAIN: usize = 5;

/// Every edge between our crates that the table does not hold, and every chain that is too long.
pub fn check(graph: &Graph) -> Vec<Violation> {
    let ours: Vec<&Dependency> = graph.dependencies.iter().filter(|dependency| dependency.ours).collect();
    let mut found: Vec<Violation> = ours.iter().filter_map(|dependency| misplaced(dependency)).collect();
    let uses = uses(&ours);
    let longest = uses.keys().map(|name| chain(name, &uses)).max_by_key(Vec::len).unwrap_or_default();
    if longest.len() > LONGEST_CHAIN {
        let chain = longest.join(" -> ");
        let text = format!("the chain {chain} is longer than {LONGEST_CHAIN} crates, join two of them");
        found.push(Violation::new("Cargo.toml", 1, text));
    }
    found
}

fn misplaced(dependency: &Dependency) -> Option<Violation> {
    let Dependency { of, on, dev, manifest, line, .. } = dependency;
    let known = MAY_USE.iter().find(|(name, _)| name == of);
    let text = match known {
        None => format!("`{of}` has no layer, give it one in xtask/src/tidy/edges.rs"),
        Some(_) if TOP.contains(&on.as_str()) => format!("`{of}` uses `{on}`, which nothing may use"),
        Some((_, allowed)) if *dev || allowed.contains(&on.as_str()) => return None,
        Some((_, [])) => format!("`{of}` uses `{on}`, it may use none of our crates"),
        Some((_, allowed)) => format!("`{of}` uses `{on}`, it may use {}", allowed.join(", ")),
    };
    Some(Violation::new(manifest, *line, text))
}

type Uses<'g> = BTreeMap<&'g str, BTreeSet<&'g str>>;

fn uses<'g>(ours: &[&'g Dependency]) -> Uses<'g> {
    let mut uses = Uses::new();
    for dependency in ours.iter().filter(|dependency| !dependency.dev) {
        uses.entry(&dependency.of).or_default().insert(&dependency.on);
    }
    uses
}

/// The longest way down from a crate; cargo itself refuses circles.
fn chain<'g>(name: &'g str, uses: &Uses<'g>) -> Vec<&'g str> {
    let below = uses.get(name).into_iter().flatten().map(|lower| chain(lower, uses));
    let mut chain = vec![name];
    chain.extend(below.max_by_key(Vec::len).unwrap_or_default());
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(of: &str, on: &str, dev: bool) -> Dependency {
        let manifest = format!("crates/{of}/Cargo.toml");
        Dependency { of: of.into(), on: on.into(), dev, ours: true, manifest, line: 7 }
    }

    fn graph(dependencies: Vec<Dependency>) -> Graph {
        Graph { manifests: Vec::new(), dependencies, packages: Vec::new() }
    }

    #[test]
    fn downward_edges_pass() {
        let edges = vec![edge("gateway", "proto", false), edge("store", "domain", false)];
        assert_eq!(check(&graph(edges)), []);
    }

    #[test]
    fn a_gateway_that_knows_the_store_is_named_at_its_line() {
        let found = check(&graph(vec![edge("gateway", "store", false)]));
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].to_string(),
            "crates/gateway/Cargo.toml:7: `gateway` uses `store`, it may use domain, proto, blobs, net, \
             telemetry"
        );
    }

    #[test]
    fn tests_may_reach_wider_but_never_the_top() {
        assert_eq!(check(&graph(vec![edge("gateway", "services", true)])), []);
        assert_eq!(check(&graph(vec![edge("gateway", "dytt", true)])).len(), 1);
    }

    #[test]
    fn a_new_crate_needs_a_layer() {
        assert_eq!(check(&graph(vec![edge("extra", "domain", false)])).len(), 1);
    }

    #[test]
    fn a_chain_of_six_is_too_long() {
        let names = ["a", "b", "c", "d", "e", "f"];
        let edges: Vec<_> = names.windows(2).map(|pair| edge(pair[0], pair[1], false)).collect();
        let long =
            |found: Vec<Violation>| found.iter().any(|one| one.text.contains("a -> b -> c -> d -> e -> f"));
        assert!(long(check(&graph(edges.clone()))));
        assert!(!long(check(&graph(edges[1..].to_vec()))));
    }
}
