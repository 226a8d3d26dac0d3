//! Finding out whether a bucket can be used, before anything relies on it.

use http::{Method, StatusCode};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use serde::Deserialize;

use super::Bucket;
use super::asking::Answer;
use crate::config::setting;
use crate::{Error, LIVE, QUICK};

/// Written and removed at each start; should it stay, the sweep removes it.
const PROBE: &str = "t/start.bin";

/// What a bucket says when it is listed; that it says so shows that an S3 server answers.
#[derive(Deserialize)]
#[serde(rename = "ListBucketResult", rename_all = "PascalCase")]
struct Listed {
    #[serde(rename = "Name")]
    _name: String,
}

impl Bucket {
    /// Makes the bucket if it is missing, and proves that it can be listed, written to and cleaned, and that
    /// nobody else can read it.
    pub(super) async fn prepare(&self) -> Result<(), Error> {
        let mut listed = self.list_one().await?;
        if listed.code() == "NoSuchBucket" {
            let made = self.make().await?;
            // Another process may have made it meanwhile.
            if !made.status.is_success() && made.status != StatusCode::CONFLICT {
                return Err(self.refused("make", &made));
            }
            listed = self.list_one().await?;
        }
        if !listed.status.is_success() {
            return Err(self.refused("list", &listed));
        }
        if listed.read::<Listed>().is_none() {
            return Err(setting(format!("blobs.url: {} does not answer like an S3 server", self.endpoint)));
        }
        self.probe().await
    }

    /// Whether the bucket answers within [`LIVE`].
    pub(crate) async fn check(&self) -> Result<(), Error> {
        let answer = self.ask(Method::HEAD, &Path::default(), &[], String::new(), LIVE).await?;
        if answer.status.is_success() { Ok(()) } else { Err(self.refused("look at", &answer)) }
    }

    async fn list_one(&self) -> Result<Answer, Error> {
        let query = [("list-type", "2"), ("max-keys", "1")];
        self.ask(Method::GET, &Path::default(), &query, String::new(), QUICK)
            .await
            .map_err(|error| self.silent(&error))
    }

    async fn make(&self) -> Result<Answer, Error> {
        // S3 of the first region takes no name of a region, all others want theirs; the name is checked text.
        let body = match self.region.as_str() {
            "us-east-1" => String::new(),
            region => format!(
                "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint>\
                 </CreateBucketConfiguration>"
            ),
        };
        self.ask(Method::PUT, &Path::default(), &[], body, QUICK).await
    }

    async fn probe(&self) -> Result<(), Error> {
        let path = Path::from(PROBE);
        let written = self.s3.put(&path, PutPayload::from_static(b"written at start\n")).await;
        written.map_err(|error| self.forbidden("write to", &error))?;
        let seen = self.ask_as_anybody(&path, QUICK).await?;
        let uploads =
            self.ask(Method::GET, &Path::default(), &[("uploads", "")], String::new(), QUICK).await?;
        self.s3.delete(&path).await.map_err(|error| self.forbidden("delete from", &error))?;
        if !uploads.status.is_success() {
            return Err(self.refused("list the open uploads of", &uploads));
        }
        if seen.status.is_success() {
            return Err(setting(format!(
                "blobs.url: the bucket `{}` at {} can be read by anybody; it must be private",
                self.name, self.endpoint
            )));
        }
        Ok(())
    }

    pub(super) fn refused(&self, what: &str, answer: &Answer) -> Error {
        let code = answer.code();
        let hint = match code.as_str() {
            "InvalidAccessKeyId" => ": it does not know the key in blobs.access_key_file",
            "SignatureDoesNotMatch" => ": the key in blobs.secret_key_file does not fit",
            "AccessDenied" => ": these credentials lack that right",
            "RequestTimeTooSkewed" => ": the clocks differ too much",
            _ => "",
        };
        let said = if code.is_empty() { answer.status.to_string() } else { code };
        setting(format!(
            "blobs.url: {} answers {said} to the request to {what} the bucket `{}`{hint}",
            self.endpoint, self.name
        ))
    }

    fn forbidden(&self, what: &str, error: &object_store::Error) -> Error {
        let lacking = matches!(
            error,
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. }
        );
        let said = if lacking { "these credentials lack that right".into() } else { innermost(error) };
        setting(format!(
            "blobs.url: the request to {what} the bucket `{}` at {} failed: {said}",
            self.name, self.endpoint
        ))
    }

    fn silent(&self, error: &Error) -> Error {
        setting(format!("blobs.url: {} does not answer: {}", self.endpoint, innermost(error)))
    }
}

/// The last word of a chain of errors, in one line.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string().replace('\n', " ")
}
