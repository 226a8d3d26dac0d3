//! One process of a cluster: its name, what it is, its ports and whether it lives.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use servers::Kind;

use super::process::{self, Life};

/// What a member is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// One of the servers beside the platform.
    #[serde(with = "kind")]
    Server(Kind),
    /// An instance of this service.
    Service(String),
}

/// The ports a member listens on. A server has its own, a gateway HTTP, the other services RPC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    pub own: Option<u16>,
    pub http: Option<u16>,
    pub rpc: Option<u16>,
    pub admin: Option<u16>,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub name: String,
    pub role: Role,
    pub ports: Ports,
    /// The last process of this name; 0 before the first.
    pub pid: u32,
    /// When that process was born, in ticks since the machine was: numbers of processes come back.
    pub born: u64,
}

impl Member {
    /// A member with ports nobody has, and no process yet.
    pub fn new(name: String, role: Role) -> Self {
        let free = || Some(servers::free_port());
        let ports = match &role {
            Role::Server(_) => Ports { own: free(), ..Ports::default() },
            Role::Service(name) if name == "gateway" => {
                Ports { http: free(), admin: free(), ..Ports::default() }
            }
            Role::Service(_) => Ports { rpc: free(), admin: free(), ..Ports::default() },
        };
        Self { name, role, ports, pid: 0, born: 0 }
    }

    /// Whether its process runs, stands still or has ended.
    pub fn life(&self) -> Life {
        process::life(self.pid, self.born)
    }

    /// Whether its process has not ended.
    pub fn is_alive(&self) -> bool {
        self.life() != Life::Ended
    }

    /// Whether it does its work: a server answers its protocol, a service says so itself.
    pub fn is_ready(&self, dir: &Path) -> bool {
        self.says(dir).is_none()
    }

    /// Why it is not ready.
    pub fn says(&self, dir: &Path) -> Option<String> {
        match (&self.role, self.ports.admin) {
            (Role::Server(kind), _) => {
                (!kind.is_ready(&self.folder(dir))).then(|| "it does not answer".into())
            }
            (Role::Service(_), None) => Some("it has no admin port".into()),
            (Role::Service(_), Some(admin)) => match servers::http_get(admin, "/readyz") {
                Some((200, _)) => None,
                Some((status, text)) => {
                    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body).trim();
                    Some(format!("/readyz answers {status} {body}"))
                }
                None => Some("/readyz does not answer".into()),
            },
        }
    }

    /// Where its data are.
    pub fn folder(&self, dir: &Path) -> PathBuf {
        dir.join(&self.name)
    }

    /// Where its output goes.
    pub fn log(&self, dir: &Path) -> PathBuf {
        dir.join("logs").join(format!("{}.log", self.name))
    }
}

impl Ports {
    /// The one that is meant when none is named.
    pub fn main(self) -> Option<u16> {
        self.own.or(self.http).or(self.rpc)
    }

    /// All of them.
    pub fn all(self) -> impl Iterator<Item = u16> {
        [self.own, self.http, self.rpc, self.admin].into_iter().flatten()
    }
}

mod kind {
    //! A server by its name.

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use servers::Kind;

    pub fn serialize<S: Serializer>(kind: &Kind, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(kind.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Kind, D::Error> {
        let name = String::deserialize(input)?;
        let found = Kind::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| D::Error::custom(format!("no server is called {name}")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn member(name: &str, role: Role) -> Member {
        Member::new(name.into(), role)
    }

    #[test]
    fn each_role_has_its_ports() {
        let gateway = member("gateway-1", Role::Service("gateway".into())).ports;
        assert!(gateway.http.is_some() && gateway.admin.is_some() && gateway.rpc.is_none());
        assert_eq!(gateway.main(), gateway.http);
        let user = member("user-1", Role::Service("user".into())).ports;
        assert!(user.rpc.is_some() && user.admin.is_some() && user.http.is_none());
        assert_eq!(user.main(), user.rpc);
        let etcd = member("etcd", Role::Server(Kind::Etcd)).ports;
        assert_eq!((etcd.main(), etcd.all().count()), (etcd.own, 1));
    }

    #[test]
    fn no_port_is_given_twice() {
        let roles = super::super::roles(Kind::Minio).into_iter();
        let members: Vec<Member> = roles.map(|(name, role)| Member::new(name, role)).collect();
        let all: Vec<u16> = members.iter().flat_map(|member| member.ports.all()).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }

    #[test]
    fn a_member_without_a_process_has_ended() {
        let member = member("user-1", Role::Service("user".into()));
        assert!(!member.is_alive());
        assert_eq!(member.says(Path::new("/")).as_deref(), Some("/readyz does not answer"));
    }
}
