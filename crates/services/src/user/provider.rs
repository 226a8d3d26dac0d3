//! Login by an identity provider: the authorization code flow of OpenID Connect Core 1.0, with PKCE (RFC 7636). The
//! provider is found by OpenID Connect Discovery 1.0.

mod token;

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Error, Result};
use jsonwebtoken::jwk::Jwk;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proto::{ProviderAnswer, ProviderQuestion};
use reqwest::{Client, RequestBuilder, Url, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use crate::random_bytes;

/// How long one answer of a provider may take.
const ANSWER: Duration = Duration::from_secs(5);
/// Most bytes of one.
const ANSWER_BYTES: usize = 256 * 1024;
/// How long what a provider says of itself is believed.
const KNOWN: Duration = Duration::from_secs(3600);
/// How soon it is asked again for a key that nobody knows yet.
const AGAIN: Duration = Duration::from_secs(30);
/// Who the person is, and what they are called.
const SCOPE: &str = "openid profile";

/// What an operator decides about an identity provider.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// Its address, by which its people are known; empty for none.
    pub issuer: String,
    /// What it knows this site by.
    pub client_id: String,
    /// A file with what proves that; none when empty.
    pub client_secret_file: String,
    /// What people are told it is.
    pub name: String,
    /// Who gets an account at their first login by it.
    pub newcomers: Newcomers,
}

/// Who gets an account at their first login by an identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Newcomers {
    /// Who could register without an invitation.
    Site,
    /// Everybody whom the provider knows.
    Open,
    /// Everybody whom the provider knows, to be let in by an administrator.
    Approval,
    /// Nobody.
    Closed,
}

impl ProviderConfig {
    /// # Errors
    /// One line that names the key, what is wrong with its value and what would be right.
    pub fn check(&self) -> Result<(), String> {
        if self.issuer.is_empty() {
            return Ok(());
        }
        let wrong = || {
            "oidc.issuer must be an address such as `https://id.example.org/realms/school`, of at most 255 bytes, \
             without a question mark; plain http only on this machine"
                .to_owned()
        };
        let issuer = Url::parse(&self.issuer).map_err(|_not_one| wrong())?;
        let is_here = matches!(issuer.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        let is_safe = issuer.scheme() == "https" || issuer.scheme() == "http" && is_here;
        if !is_safe || issuer.query().is_some() || issuer.fragment().is_some() || self.issuer.len() > 255 {
            return Err(wrong());
        }
        for (key, text) in [("client_id", &self.client_id), ("name", &self.name)] {
            if text.is_empty() {
                return Err(format!("oidc.{key} must not be empty when there is an oidc.issuer"));
            }
        }
        Ok(())
    }
}

/// An identity provider.
pub struct Provider {
    config: ProviderConfig,
    secret: Option<String>,
    client: Client,
    known: Mutex<Option<(Instant, Arc<Known>)>>,
}

/// What it says of itself.
struct Known {
    metadata: Metadata,
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: Option<String>,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

#[derive(Deserialize)]
struct Keys {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

/// Who somebody is, as a provider says.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub(super) struct Claims {
    /// Its word for them, which nobody else has.
    pub(super) sub: String,
    pub(super) preferred_username: Option<String>,
    pub(super) nickname: Option<String>,
    pub(super) name: Option<String>,
}

impl Provider {
    /// The one that is configured, if one is. It is not asked anything before somebody logs in by it.
    ///
    /// # Errors
    /// [`Error::Internal`] when TLS cannot be set up.
    pub fn new(config: &ProviderConfig, secret: Option<String>) -> Result<Option<Self>> {
        if config.issuer.is_empty() {
            return Ok(None);
        }
        let client = Client::builder()
            .timeout(ANSWER)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("dytt/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(Error::internal)?;
        Ok(Some(Self { config: config.clone(), secret, client, known: Mutex::default() }))
    }

    pub(super) fn config(&self) -> &ProviderConfig {
        &self.config
    }

    /// Where somebody is asked who they are, to be sent back to an address of ours.
    pub(super) async fn question(&self, callback: &str) -> Result<ProviderQuestion> {
        let known = self.known(KNOWN).await?;
        let secret = URL_SAFE_NO_PAD.encode(random_bytes::<32>()?);
        let mut address = Url::parse(&known.metadata.authorization_endpoint).map_err(Error::unavailable)?;
        address.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.config.client_id),
            ("redirect_uri", callback),
            ("scope", SCOPE),
            ("state", &derived("state:", &secret)),
            ("nonce", &derived("nonce:", &secret)),
            ("code_challenge", &derived("", &secret)),
            ("code_challenge_method", "S256"),
        ]);
        Ok(ProviderQuestion { address: address.into(), secret })
    }

    /// Who somebody is who comes back.
    ///
    /// # Errors
    /// [`Error::NotIdentified`] when what they bring proves nothing, [`Error::Unavailable`].
    pub(super) async fn answer(&self, answer: &ProviderAnswer) -> Result<Claims> {
        if answer.secret.is_empty() || answer.state != derived("state:", &answer.secret) {
            return Err(refused("its answer is not to a question of this browser, please try again"));
        }
        let known = self.known(KNOWN).await?;
        let metadata = &known.metadata;
        // Mix-up of providers: RFC 9207.
        let must_be_named = metadata.authorization_response_iss_parameter_supported;
        if (must_be_named || !answer.issuer.is_empty()) && answer.issuer != metadata.issuer {
            return Err(refused("its answer is another provider's"));
        }
        let tokens: Tokens = self.ask(self.redeem(metadata, answer)).await?;
        let nonce = derived("nonce:", &answer.secret);
        let claims = match self.verified(&known, &tokens.id_token, &nonce) {
            // A key that is new since it was asked.
            Err(token::Wrong::Key) => {
                let known = self.known(AGAIN).await?;
                self.verified(&known, &tokens.id_token, &nonce)
            }
            verified => verified,
        };
        let claims = claims.map_err(|wrong| refused(&format!("its token does not hold: {wrong}")))?;
        match (&metadata.userinfo_endpoint, tokens.access_token) {
            // Some tell names here alone (OpenID Connect Core 1.0, 5.4).
            (Some(address), Some(token)) if claims.preferred_username.is_none() => {
                let told: Claims = self.ask(self.client.get(address).bearer_auth(token)).await?;
                // 5.3.2: it may be about somebody else.
                Ok(if told.sub == claims.sub { told } else { claims })
            }
            (_, _) => Ok(claims),
        }
    }

    fn verified(&self, known: &Known, token: &str, nonce: &str) -> Result<Claims, token::Wrong> {
        let expected =
            token::Expected { issuer: &known.metadata.issuer, client_id: &self.config.client_id, nonce };
        token::verify(token, &known.keys, &expected)
    }

    /// What exchanges a code for tokens.
    fn redeem(&self, metadata: &Metadata, answer: &ProviderAnswer) -> RequestBuilder {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", &answer.code),
            ("redirect_uri", &answer.callback),
            ("code_verifier", &answer.secret),
        ];
        let request = self.client.post(&metadata.token_endpoint);
        let methods = metadata.token_endpoint_auth_methods_supported.as_deref();
        let takes = |method: &str| methods.is_some_and(|all| all.iter().any(|one| one == method));
        let id = self.config.client_id.as_str();
        let request = match &self.secret {
            None => {
                form.push(("client_id", id));
                request
            }
            Some(secret) if takes("client_secret_post") && !takes("client_secret_basic") => {
                form.extend([("client_id", id), ("client_secret", secret.as_str())]);
                request
            }
            Some(secret) => {
                // RFC 6749, 2.3.1: encoded once before that.
                let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
                request.basic_auth(encoded(id), Some(encoded(secret)))
            }
        };
        request.form(&form)
    }

    /// What the provider says of itself, asked when that is older than this.
    async fn known(&self, older: Duration) -> Result<Arc<Known>> {
        let mut kept = self.known.lock().await;
        if let Some((_, known)) = kept.as_ref().filter(|(since, _)| since.elapsed() < older) {
            return Ok(Arc::clone(known));
        }
        let issuer = &self.config.issuer;
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let metadata: Metadata = self.ask(self.client.get(address)).await?;
        if metadata.issuer != *issuer {
            let problem = "the identity provider calls itself otherwise than oidc.issuer does";
            return Err(Error::unavailable(problem));
        }
        let Keys { keys } = self.ask(self.client.get(&metadata.jwks_uri)).await?;
        // Those of kinds that are not known here are no use, and no harm.
        let keys = keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect();
        let known = Arc::new(Known { metadata, keys });
        *kept = Some((Instant::now(), Arc::clone(&known)));
        Ok(known)
    }

    /// Asks and reads the answer, which is JSON.
    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        // An address may hold a secret: an error is told without it.
        let failed = |error: reqwest::Error| Error::unavailable(error.without_url());
        let mut answer = request.send().await.map_err(failed)?;
        let status = answer.status();
        if status.is_client_error() {
            return Err(refused(&format!("it answers {status}")));
        }
        if !status.is_success() {
            return Err(Error::unavailable(format!("the identity provider answers {status}")));
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(failed)? {
            body.extend_from_slice(&piece);
            if body.len() > ANSWER_BYTES {
                return Err(Error::unavailable("the identity provider answers without an end"));
            }
        }
        serde_json::from_slice(&body).map_err(Error::unavailable)
    }
}

fn refused(problem: &str) -> Error {
    Error::NotIdentified { problem: problem.to_owned() }
}

/// What a secret makes public of itself: for an empty purpose the challenge of RFC 7636, 4.2.
fn derived(purpose: &str, secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{purpose}{secret}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(derived("", verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn an_issuer_is_https_or_here() {
        let config = |issuer: &str| ProviderConfig {
            issuer: issuer.into(),
            client_id: "dytt".into(),
            client_secret_file: String::new(),
            name: "School".into(),
            newcomers: Newcomers::Site,
        };
        for good in
            ["", "https://id.example", "https://id.example/realms/a", "http://127.0.0.1:9", "http://[::1]:9"]
        {
            assert_eq!(config(good).check(), Ok(()), "{good}");
        }
        for bad in
            ["id.example", "http://id.example", "ftp://id.example", "https://id.example/?a", "https://a/#b"]
        {
            assert!(config(bad).check().is_err_and(|text| text.contains("oidc.issuer")), "{bad}");
        }
        let nameless = ProviderConfig { name: String::new(), ..config("https://id.example") };
        assert!(nameless.check().is_err_and(|text| text.contains("oidc.name")));
    }
}
