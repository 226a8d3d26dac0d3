//! Starts: with etcd away, with a memory file, with members that are dead or hang.

use std::net::TcpListener;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_start_without_etcd_uses_what_was_known_last() {
    let Some(mut world) = World::start() else { return };
    let owner = world.process("owner");
    let _kept = owner.register(instance("user", 1));
    {
        let caller = world.process("caller");
        ports(&mut caller.watch("user", "v1"), &[1]).await;
        let memory = world.folder.path().join("caller");
        let written = async {
            while !std::fs::read_to_string(&memory).is_ok_and(|text| text.contains("127.0.0.1:1")) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, written).await.expect("written down");
    }
    world.etcd.kill();
    let began = Instant::now();
    let (caller, stranger) = (world.process("caller"), world.process("stranger"));
    let (mut told, mut strange) = (caller.watch("user", "v1"), stranger.watch("user", "v1"));
    let late = stranger.register(instance("user", 2));
    assert!(began.elapsed() < Duration::from_millis(500), "nothing waits for etcd");
    assert_eq!(told.borrow_and_update().len(), 1, "remembered");
    assert!(strange.borrow_and_update().is_empty(), "nothing to remember");
    becomes(&mut caller.up(), |&up| !up).await;
    let began = Instant::now();
    let error = caller.list().await.expect_err("etcd is down");
    assert!(began.elapsed() < Duration::from_millis(3_500), "{:?}", began.elapsed());
    assert_eq!(error.to_string(), format!("etcd does not answer ({})", world.url()));

    world.etcd.start_again().expect("etcd again");
    let took = ports(&mut strange, &[1, 2]).await.max(ports(&mut told, &[1, 2]).await);
    assert!(took < Duration::from_secs(5), "{took:?}");
    late.withdraw().await;
    ports(&mut told, &[1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_memory_file_is_nothing() {
    let Some(world) = World::start() else { return };
    std::fs::write(world.folder.path().join("caller"), "[{\"name\":").expect("written");
    let caller = world.process("caller");
    let mut told = caller.watch("user", "v1");
    assert!(told.borrow().is_empty());
    let _kept = caller.register(instance("user", 1));
    ports(&mut told, &[1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_are_dead_or_hang_are_passed_over() {
    let Some(world) = World::start() else { return };
    // Takes connections and never says a word.
    let hung = TcpListener::bind("127.0.0.1:0").expect("a port");
    let hung = format!("http://{}", hung.local_addr().expect("an address"));
    let dead = format!("http://127.0.0.1:{}", servers::free_port());
    let urls = [hung, dead, world.url()];
    // Which member comes first is chance.
    for round in 0..3 {
        let process = process(&urls, world.folder.path().join(format!("process-{round}")), QUICK);
        let began = Instant::now();
        let mut told = process.watch("user", "v1");
        let registration = process.register(instance("user", 1));
        ports(&mut told, &[1]).await;
        assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
        assert_eq!(process.list().await.expect("one answers").len(), 1);
        registration.withdraw().await;
        ports(&mut told, &[]).await;
    }
}
