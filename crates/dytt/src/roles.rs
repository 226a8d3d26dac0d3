//! What one process runs: everything, or some of the services.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

/// Every service by its noun; the gateway is the one that speaks HTTP.
pub(crate) const SERVICES: [&str; 9] =
    ["gateway", "user", "feed", "video", "like", "comment", "follow", "message", "media"];

/// What this process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Roles {
    /// Everything, without another process.
    whole: bool,
    nouns: BTreeSet<&'static str>,
}

impl Roles {
    /// Reads the words of `services`.
    ///
    /// # Errors
    /// One line that names the word.
    pub(crate) fn parse(words: &[String]) -> Result<Self> {
        if let [all] = words
            && all == "all"
        {
            return Ok(Self { whole: true, nouns: SERVICES.into() });
        }
        let mut nouns = BTreeSet::new();
        for word in words {
            match SERVICES.iter().find(|noun| *noun == word) {
                Some(noun) => nouns.insert(*noun),
                None => bail!("services must be `all` or any of {}, not `{word}`", SERVICES.join(",")),
            };
        }
        if nouns.is_empty() {
            bail!("services must name at least one service, or `all`");
        }
        Ok(Self { whole: false, nouns })
    }

    /// Whether no other process is needed.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether this process runs a service.
    pub(crate) fn runs(&self, noun: &str) -> bool {
        self.nouns.contains(noun)
    }

    /// Whether it runs any of these.
    pub(crate) fn runs_any(&self, nouns: &[&str]) -> bool {
        nouns.iter().any(|noun| self.runs(noun))
    }

    /// The services it runs, in alphabetical order.
    pub(crate) fn nouns(&self) -> Vec<&'static str> {
        self.nouns.iter().copied().collect()
    }

    /// The services it calls in other processes.
    pub(crate) fn called(&self) -> Vec<&'static str> {
        let calls = |noun: &str| match noun {
            "gateway" => false,
            "media" => self.runs("video"),
            _ => self.runs("gateway"),
        };
        SERVICES.into_iter().filter(|noun| calls(noun) && !self.runs(noun)).collect()
    }

    /// The name it has in traces: its service's, or `dytt` when it runs several.
    pub(crate) fn name(&self) -> &'static str {
        match self.nouns.first() {
            Some(only) if self.nouns.len() == 1 => only,
            _ => "dytt",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Roles> {
        Roles::parse(&text.split(',').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn all_needs_nobody_and_a_list_does() {
        let all = parse("all").expect("reads");
        assert!(all.is_whole() && all.runs("media") && all.name() == "dytt");
        let two = parse("user,feed").expect("reads");
        assert!(!two.is_whole() && two.runs("feed") && !two.runs("gateway"));
        assert_eq!((two.name(), parse("like").expect("reads").name()), ("dytt", "like"));
        assert_eq!(parse("video,like").expect("reads").called(), ["media"]);
        assert!(parse("media,user").expect("reads").called().is_empty());
        assert_eq!(parse("gateway,user,media").expect("reads").called().len(), 6);
        let every = parse(&SERVICES.join(",")).expect("reads");
        assert!(!every.is_whole(), "named one by one they take calls of others");
    }

    #[test]
    fn a_word_that_is_no_service_is_named() {
        let text = parse("user,likes").expect_err("refused").to_string();
        assert!(text.contains("`likes`") && text.contains("like,comment"), "{text}");
        assert!(Roles::parse(&[]).is_err());
    }
}
