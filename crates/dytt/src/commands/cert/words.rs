//! The words of `dytt cert`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with certificates. Folders default to `tls.dir` of the configuration.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a root: ca.pem and ca.key.
    Init(Init),
    /// Make keys and certificates for services.
    Issue(Issue),
    /// Make a key and a request for a certificate, from CFSSL's CSR JSON.
    Request(Request),
    /// Sign a request as a profile of CFSSL's ca-config says.
    Sign(Sign),
    /// Certify a new root with the old one, so that its leaves are believed through both.
    CrossSign(CrossSign),
    /// Make new certificates in place of those that end soon.
    Renew(Renew),
    /// Take a certificate back.
    Revoke(Revoke),
    /// Show what certificates, requests and revocation lists say.
    Show {
        /// A file or a folder.
        path: Option<PathBuf>,
    },
    /// Check a certificate against its roots; exit 1 when it is not to be believed.
    Verify(Verify),
    /// Make the key that calls are signed with, or derive services' keys from it.
    RpcKey(RpcKey),
}

impl Command {
    /// Whether its `--config` is not dytt's own configuration file.
    pub(crate) fn has_own_config(&self) -> bool {
        matches!(self, Self::Sign(_))
    }
}

#[derive(Args)]
pub(crate) struct Init {
    /// The root's folder.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// The domain of trust, the middle of spiffe://DOMAIN/service/NAME.
    #[arg(long, default_value = tls::authority::DEFAULT_DOMAIN)]
    pub domain: String,
    /// CFSSL's CSR JSON, for the root's name, key and life.
    #[arg(long, value_name = "FILE")]
    pub csr: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Issue {
    /// The services, such as `user`.
    #[arg(required = true)]
    pub services: Vec<String>,
    /// The root's folder.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// The folder for what is made, when it is not the root's.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Another name or address the services are reached by; may be given more than once.
    #[arg(long = "host", value_name = "NAME_OR_IP")]
    pub hosts: Vec<String>,
    /// How long they live, at most 30.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub days: u32,
    /// The domain of trust, for a root that does not say it.
    #[arg(long)]
    pub domain: Option<String>,
}

#[derive(Args)]
pub(crate) struct Request {
    /// CFSSL's CSR JSON.
    pub csr: PathBuf,
    /// The service it is for; without it the JSON's hosts must hold the URI, or `sign` must name it.
    #[arg(long)]
    pub service: Option<String>,
    /// The domain of trust.
    #[arg(long, default_value = tls::authority::DEFAULT_DOMAIN, requires = "service")]
    pub domain: String,
    /// Where to put NAME.key and NAME.csr.
    #[arg(long, value_name = "NAME")]
    pub out: PathBuf,
}

#[derive(Args)]
pub(crate) struct Sign {
    /// The request.
    pub request: PathBuf,
    /// The profile's name; `default` is signing.default.
    #[arg(long)]
    pub profile: String,
    /// CFSSL's ca-config; the configuration of dytt itself cannot be named beside it.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The root's folder.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Where to put the certificate.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The service it is for, when the request does not say it.
    #[arg(long)]
    pub service: Option<String>,
    /// The domain of trust, for a root that does not say it.
    #[arg(long)]
    pub domain: Option<String>,
}

#[derive(Args)]
pub(crate) struct CrossSign {
    /// The new root's folder.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// The old root's folder.
    #[arg(long, value_name = "OLDDIR")]
    pub by: PathBuf,
    /// Where to put the certificate.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The domain of trust, for roots that do not say it.
    #[arg(long)]
    pub domain: Option<String>,
}

#[derive(Args)]
pub(crate) struct Renew {
    /// These services; without any, those with 10 days left or less.
    pub services: Vec<String>,
    /// The root's folder.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// The folder of the certificates, when it is not the root's.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Renew all, however long they still live.
    #[arg(long)]
    pub force: bool,
    /// The domain of trust, for a root that does not say it.
    #[arg(long)]
    pub domain: Option<String>,
}

#[derive(Args)]
pub(crate) struct Revoke {
    /// The certificate.
    #[arg(required_unless_present = "serial", conflicts_with = "serial")]
    pub file: Option<PathBuf>,
    /// Its number, in hexadecimal digits as `show` prints it.
    #[arg(long)]
    pub serial: Option<String>,
    /// The root's folder.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// A folder of certificates that gets the list too.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Verify {
    /// The certificate, with what it needs to reach a root below it.
    pub file: PathBuf,
    /// The roots.
    #[arg(long, value_name = "FILE")]
    pub ca: PathBuf,
    /// A revocation list.
    #[arg(long, value_name = "FILE")]
    pub crl: Option<PathBuf>,
    /// The service it must be of.
    #[arg(long)]
    pub service: Option<String>,
}

#[derive(Args)]
pub(crate) struct RpcKey {
    /// The file to make.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The file with the master, to derive from.
    #[arg(long, value_name = "FILE", requires = "services")]
    pub from: Option<PathBuf>,
    /// The services whose keys to derive.
    #[arg(long = "service", num_args = 1.., value_name = "SERVICE", requires = "from")]
    pub services: Vec<String>,
}
