//! A static list: what it names is there, for every version, and cannot be changed.

use super::*;

fn listed(endpoints: &[&str]) -> Result<Discovery, Error> {
    let endpoints = endpoints.iter().map(|&entry| entry.to_owned()).collect();
    let config = Config { kind: Kind::Static, endpoints, weight: 100 };
    Discovery::open(&config, PathBuf::from("never-written"), CancellationToken::new())
}

#[tokio::test]
async fn a_list_serves_what_it_names() {
    let discovery =
        listed(&["user=127.0.0.1:2", "user=127.0.0.1:1", "feed=127.0.0.1:3"]).expect("a good list");
    let told = discovery.watch("user", "v7");
    let user: Vec<_> = told.borrow().iter().map(|each| (each.addr.clone(), each.version.clone())).collect();
    assert_eq!(user, [("127.0.0.1:1".into(), "v7".into()), ("127.0.0.1:2".into(), "v7".into())]);
    assert!(discovery.watch("like", "v1").borrow().is_empty());
    assert_eq!(discovery.list().await.expect("the list").len(), 3);
    assert!(told.has_changed().is_ok(), "the channel stays open");
}

#[tokio::test]
async fn a_list_registers_nothing() {
    let discovery = listed(&["user=127.0.0.1:1"]).expect("a good list");
    let registration = discovery.register(Instance { weight: 7, ..instance("user", 9) });
    assert_eq!(*registration.weight().borrow(), 7);
    registration.set_share(0.5);
    registration.drain().await;
    registration.withdraw().await;
    assert_eq!(discovery.list().await.expect("the list").len(), 1);
    let error = discovery.set_weight("user", "127.0.0.1:1", 1).await;
    assert!(matches!(error, Err(Error::Listed)));
}

#[tokio::test]
async fn what_cannot_work_does_not_start() {
    assert!(matches!(listed(&["user"]), Err(Error::Entry(_))));
    let etcd = |url: &str, weight| {
        let config = Config { kind: Kind::Etcd, endpoints: vec![url.into()], weight };
        Discovery::open(&config, PathBuf::from("never-written"), CancellationToken::new()).map(|_| ())
    };
    assert!(matches!(etcd("http://10.0.0.1:2379", 100), Err(Error::Plain(_))));
    assert!(matches!(etcd("https://10.0.0.1:2379", 100), Err(Error::NoTls(_))));
    assert!(matches!(etcd("10.0.0.1:2379", 100), Err(Error::Url(_))));
    assert!(matches!(etcd("http://127.0.0.1:2379", MAX_WEIGHT + 1), Err(Error::Weight(_))));
}
