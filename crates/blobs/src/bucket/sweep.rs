//! Uploads that nobody will finish: found by asking the bucket, told from live ones by their last part.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use http::{Method, StatusCode};
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Bucket;
use crate::{Error, Key, QUICK};

/// Entries asked for at once.
const PAGE: &str = "1000";

/// A page of the bucket's open uploads.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Uploads {
    is_truncated: bool,
    next_key_marker: String,
    next_upload_id_marker: String,
    upload: Vec<Open>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Open {
    key: String,
    upload_id: String,
    initiated: DateTime<Utc>,
}

/// A page of an upload's parts.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Parts {
    is_truncated: bool,
    next_part_number_marker: String,
    part: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    last_modified: DateTime<Utc>,
}

impl Bucket {
    /// Aborts the uploads to keys of ours that were last added to before a moment; says how many.
    pub(crate) async fn sweep(&self, before: SystemTime) -> Result<usize, Error> {
        let mut aborted = 0;
        let mut page = self.uploads(&Uploads::default()).await?;
        loop {
            for open in &page.upload {
                // Uploads to other keys are not ours to judge.
                let ours = Key::parse(&open.key).is_some();
                let old = SystemTime::from(open.initiated) < before;
                if ours && old && !self.grew_since(open, before).await? {
                    self.abort(open).await?;
                    aborted += 1;
                }
            }
            if !page.is_truncated || page.next_key_marker.is_empty() {
                return Ok(aborted);
            }
            page = self.uploads(&page).await?;
        }
    }

    async fn uploads(&self, last: &Uploads) -> Result<Uploads, Error> {
        let mut query = vec![("uploads", ""), ("max-uploads", PAGE)];
        if !last.next_key_marker.is_empty() {
            query.push(("key-marker", &last.next_key_marker));
            query.push(("upload-id-marker", &last.next_upload_id_marker));
        }
        let found = self.list(&Path::default(), &query).await?;
        found.ok_or(Error::NotFound)
    }

    /// Whether a part arrived since; a slow upload may be older than most and still alive.
    async fn grew_since(&self, open: &Open, moment: SystemTime) -> Result<bool, Error> {
        let path = Path::from(open.key.as_str());
        let mut marker = String::new();
        loop {
            let mut query = vec![("uploadId", open.upload_id.as_str()), ("max-parts", PAGE)];
            if !marker.is_empty() {
                query.push(("part-number-marker", &marker));
            }
            let Some(parts): Option<Parts> = self.list(&path, &query).await? else { return Ok(false) };
            if parts.part.iter().any(|part| SystemTime::from(part.last_modified) >= moment) {
                return Ok(true);
            }
            if !parts.is_truncated || parts.next_part_number_marker.is_empty() {
                return Ok(false);
            }
            marker = parts.next_part_number_marker;
        }
    }

    /// What a list says; nothing when what is listed is gone.
    async fn list<T: DeserializeOwned>(
        &self,
        path: &Path,
        query: &[(&str, &str)],
    ) -> Result<Option<T>, Error> {
        let answer = self.ask(Method::GET, path, query, String::new(), QUICK).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        match answer.read() {
            Some(page) if answer.status.is_success() => Ok(Some(page)),
            Some(_) | None => Err(self.refused("list the uploads of", &answer)),
        }
    }

    async fn abort(&self, open: &Open) -> Result<(), Error> {
        let path = Path::from(open.key.as_str());
        let aborted = tokio::time::timeout(QUICK, self.s3.abort_multipart(&path, &open.upload_id)).await;
        match aborted.map_err(|_| Error::Late(QUICK))? {
            // Finished or aborted meanwhile.
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
