//! Ports that are free now and stay ours: below those the system gives to outgoing connections, so that a
//! stopped server finds its port free again, and reserved among all who choose them here.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;

/// Linux takes 32,768 and above for outgoing connections.
const FROM: u16 = 11_000;
const COUNT: u16 = 21_000;
const TRIES: u64 = 200;
const FILE: &str = "ports";

/// A port chosen here, which nobody else is given as long as this lives, whether it is listened on or not.
pub struct Reserved {
    port: u16,
    /// A name in the kernel's own space: it leaves no file, and goes with the process.
    _name: UnixListener,
}

impl Reserved {
    /// This port, unless somebody has reserved it.
    fn exactly(port: u16) -> Option<Self> {
        let name = SocketAddr::from_abstract_name(format!("dytt-port-{port}")).ok()?;
        Some(Self { port, _name: UnixListener::bind_addr(&name).ok()? })
    }

    /// Any port of 127.0.0.1 nobody listens on or has reserved.
    ///
    /// # Panics
    /// When hundreds tried at random are all taken.
    pub fn any() -> Self {
        let random = RandomState::new();
        let candidates = (0..TRIES).map(|n| FROM + (random.hash_one(n) % u64::from(COUNT)) as u16);
        let mut reserved = candidates.filter_map(Self::exactly).filter(|reserved| is_free(reserved.port));
        reserved.next().expect("one port in thousands is free")
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// A port of 127.0.0.1 nobody listens on. Nobody else is given it until this process ends.
///
/// # Panics
/// When hundreds tried at random are all taken.
pub fn free_port() -> u16 {
    let reserved = Reserved::any();
    let port = reserved.port;
    std::mem::forget(reserved);
    port
}

/// Keeps this port from being given to anybody until this process ends.
pub fn reserve_port(port: u16) {
    // Who has reserved it already keeps it from being given, too.
    std::mem::forget(Reserved::exactly(port));
}

/// Whether nobody listens on this port of 127.0.0.1.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The ports of a server, its main protocol's first: those its folder remembers, so that a server keeps its
/// ports over starts and processes, else free ones. A `main` port other than the remembered wins.
pub(crate) fn of(dir: &Path, count: usize, main: Option<u16>) -> std::io::Result<(Vec<u16>, Vec<Reserved>)> {
    let known = remembered(dir).filter(|ports| ports.len() == count);
    if let Some(ports) = known
        && main.is_none_or(|main| ports.first() == Some(&main))
    {
        let reserved = ports.iter().filter_map(|&port| Reserved::exactly(port)).collect();
        return Ok((ports, reserved));
    }
    let mut reserved: Vec<Reserved> = main.and_then(Reserved::exactly).into_iter().collect();
    let mut ports: Vec<u16> = main.into_iter().collect();
    while ports.len() < count {
        let next = Reserved::any();
        ports.push(next.port);
        reserved.push(next);
    }
    let words: Vec<String> = ports.iter().map(u16::to_string).collect();
    std::fs::write(dir.join(FILE), words.join(" "))?;
    Ok((ports, reserved))
}

/// Forgets the ports, for another try on other ones.
pub(crate) fn forget(dir: &Path) {
    // Without the file there is nothing to forget.
    let _gone = std::fs::remove_file(dir.join(FILE));
}

/// The ports a server of this folder last had.
pub(crate) fn remembered(dir: &Path) -> Option<Vec<u16>> {
    let text = std::fs::read_to_string(dir.join(FILE)).ok()?;
    text.split_whitespace().map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_is_below_those_of_outgoing_connections() {
        let port = free_port();
        assert!((FROM..FROM + COUNT).contains(&port));
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("it is free");
        assert!(!is_free(port));
        drop(taken);
        assert!(is_free(port));
    }

    #[test]
    fn a_port_is_given_once_whether_it_is_listened_on_or_not() {
        let first = Reserved::any();
        let port = first.port;
        assert!(Reserved::exactly(port).is_none());
        drop(first);
        assert!(Reserved::exactly(port).is_some());
        let forgotten = free_port();
        assert!(is_free(forgotten) && Reserved::exactly(forgotten).is_none());
        reserve_port(port);
        assert!(Reserved::exactly(port).is_none());
    }

    #[test]
    fn a_folder_remembers_its_ports() {
        let dir = tempfile::tempdir().expect("a folder");
        let ports = |main| of(dir.path(), 3, main).expect("ports").0;
        let first = ports(None);
        assert_eq!(ports(None), first);
        assert_eq!(ports(Some(first[0])), first);
        let moved = ports(Some(9));
        assert_eq!((moved[0], moved.len()), (9, 3));
        forget(dir.path());
        assert_ne!(ports(None), moved);
    }
}
