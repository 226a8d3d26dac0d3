//! Why a rule did not pass: the server broke it, or it could not be seen whether it does.

/// What became of a check.
pub(super) type Checked<T = ()> = Result<T, Trouble>;

/// Why a rule did not pass.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// The server did something else.
    Fault(Fault),
    /// What the rule stands on could not be had from the server.
    Blocked(String),
    /// Something is missing on this side.
    Skipped(String),
}

/// What a server did instead. None of the texts has a token or a password in it.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub asked: String,
    pub came: String,
    pub right: String,
}

impl Trouble {
    pub(super) fn blocked(reason: impl Into<String>) -> Self {
        Self::Blocked(reason.into())
    }

    /// The same trouble for a rule that is about something else, and needed this only to begin with.
    pub(super) fn while_making(self, what: &str) -> Self {
        match self {
            Self::Fault(Fault { asked, came, .. }) => {
                // Without the parameters it is one reason for all rules it stops.
                let route = asked.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ");
                Self::Blocked(format!("no {what}: {route}: {came}"))
            }
            Self::Blocked(_) | Self::Skipped(_) => self,
        }
    }
}
