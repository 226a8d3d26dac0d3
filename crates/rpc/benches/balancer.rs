//! What it costs to pick the instance that gets a call.

use std::time::{Duration, SystemTime};

use criterion::{Criterion, criterion_group, criterion_main};
use rpc::bench::Balancer;
use tls::Identities;
use tls::authority::Authority;

fn identities() -> Identities {
    let folder = tempfile::tempdir().expect("a folder");
    let (dir, now, mut warnings) = (folder.path(), SystemTime::now(), Vec::new());
    let authority = Authority::create(dir, "dytt", None, now, &mut warnings).expect("a root");
    let day = Duration::from_secs(86_400);
    authority.issue("gateway", &[], day, dir, now, &mut warnings).expect("a certificate");
    Identities::load(dir, &["gateway"]).expect("identities")
}

fn pick(criterion: &mut Criterion) {
    let identities = identities();
    let mut group = criterion.benchmark_group("pick");
    for instances in [1, 2, 10] {
        let balancer = Balancer::new(&identities, instances);
        group.bench_function(format!("of {instances}"), |bencher| bencher.iter(|| assert!(balancer.pick())));
    }
    group.finish();
}

criterion_group!(balancer, pick);
criterion_main!(balancer);
