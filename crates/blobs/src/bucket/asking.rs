//! Requests the object store's library does not make: about the bucket itself and its open uploads.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use object_store::client::HttpRequestBody;
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Bucket;
use crate::Error;

/// How long the signature of one of these requests is valid.
const SIGNED_FOR: Duration = Duration::from_secs(60);

/// What was answered.
pub(super) struct Answer {
    pub status: StatusCode,
    body: Bytes,
}

/// Why the object store refused.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Refusal {
    code: String,
}

impl Answer {
    /// The object store's word for a refusal, such as `NoSuchBucket`; empty when there is none.
    pub fn code(&self) -> String {
        self.read::<Refusal>().map(|refusal| refusal.code).unwrap_or_default()
    }

    /// What a successful answer says, if it is of this kind.
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        quick_xml::de::from_reader(self.body.as_ref()).ok()
    }
}

impl Bucket {
    /// One request, without retries; the empty path is the bucket's own.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &Path,
        query: &[(&str, &str)],
        body: String,
        patience: Duration,
    ) -> Result<Answer, Error> {
        let signed = SignedUrlOptions::new().with_query(query.iter().copied());
        let url = self.s3.signed_url_opts(method.clone(), path, SIGNED_FOR, &signed).await?;
        self.send(method, url.as_str(), body, patience).await
    }

    /// A reading request that nobody has signed.
    pub(super) async fn ask_as_anybody(&self, path: &Path, patience: Duration) -> Result<Answer, Error> {
        let url = format!("{}/{}/{path}", self.endpoint, self.name);
        self.send(Method::GET, &url, String::new(), patience).await
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        body: String,
        patience: Duration,
    ) -> Result<Answer, Error> {
        let body = HttpRequestBody::from(body);
        let request = Request::builder().method(method).uri(url).body(body);
        let request = request.map_err(|error| Error::Asking(Box::new(error)))?;
        let answered = async {
            let (head, body) = self.http.execute(request).await?.into_parts();
            Ok(Answer { status: head.status, body: body.bytes().await? })
        };
        let answered = tokio::time::timeout(patience, answered).await;
        let answered = answered.map_err(|_| Error::Late(patience))?;
        answered.map_err(|error: object_store::client::HttpError| Error::Asking(Box::new(error)))
    }
}
