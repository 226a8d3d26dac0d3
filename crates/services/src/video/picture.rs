//! Pictures of people.

use domain::{Call, Error, Result};
use proto::{Done, PreparePictureRequest, SetPictureRequest, StoredObject};
use store::Picture;

use super::{Videos, new_object};
use crate::discard;

impl Videos {
    /// Makes the picture out of what was uploaded, which is then of no more use; without an upload there is none.
    pub(super) async fn put_picture(&self, call: &Call, request: SetPictureRequest) -> Result<Done> {
        let SetPictureRequest { background, source_key } = request;
        let (which, width, height) = match background {
            false => (Picture::Avatar, 512, 512),
            true => (Picture::Background, 1280, 720),
        };
        if source_key.is_empty() {
            return self.keep_picture(call, which, None).await;
        }
        let wanted = PreparePictureRequest { source_key: source_key.clone(), width, height };
        let made = self.media.prepare_picture(call, wanted).await;
        discard(&self.blobs, &source_key).await;
        self.keep_picture(call, which, Some(made?)).await
    }

    async fn keep_picture(&self, call: &Call, which: Picture, made: Option<StoredObject>) -> Result<Done> {
        let new = made.map(|made| new_object(made, which.as_str()));
        let new_key = new.as_ref().map(|new| new.key.clone());
        let outcome = self.store.set_picture(call.viewer()?, which, new).await;
        let unneeded = match &outcome {
            Ok(old) => old.clone(),
            // The outcome is unknown: the sweep asks the database.
            Err(Error::Unavailable(_)) => None,
            Err(_refused) => new_key,
        };
        if let Some(key) = unneeded {
            discard(&self.blobs, &key).await;
        }
        outcome.map(|_old| Done {})
    }
}
