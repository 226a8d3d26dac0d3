//! The video service: publishing, and an author's own list.

use std::sync::Arc;

use blobs::{Blobs, Key};
use domain::{Call, Error, Result, Timestamp, Title, UserId};
use proto::{
    ListVideosRequest, MediaService, PrepareRequest, PrepareResponse, PublishRequest, PublishResponse,
    StoredObject, VideoList, VideoService,
};
use store::{NewObject, NewVideo, Store};
use tokio::time::timeout_at;
use tracing::info;

use crate::{card, discard, random_bits};

/// What people publish.
pub struct Videos {
    /// Where the videos are.
    pub store: Store,
    /// Where their bytes are.
    pub blobs: Blobs,
    /// What makes an upload playable.
    pub media: Arc<dyn MediaService>,
}

#[async_trait::async_trait]
impl VideoService for Videos {
    async fn publish(&self, call: &Call, request: PublishRequest) -> Result<PublishResponse> {
        let source = request.source.ok_or_else(|| Error::internal("no source object"))?;
        let late = |_elapsed| Err(Error::Overloaded);
        let prepared = timeout_at(call.deadline.into(), self.prepare(call, &request.title, &source)).await;
        let video = match prepared.unwrap_or_else(late) {
            Ok(video) => video,
            Err(error) => {
                discard(&self.blobs, &source.key).await;
                return Err(error);
            }
        };
        let ready = video.source_key.is_none();
        let keys: Vec<String> = video.objects.iter().map(|object| object.key.clone()).collect();
        let id = match self.store.publish(video, Timestamp::now()).await {
            Ok(id) => id,
            Err(error) => {
                // Should the outcome stay unknown, the objects wait for the sweep, which asks the database.
                if matches!(error, Error::Overloaded) {
                    discard(&self.blobs, &source.key).await;
                    for key in &keys {
                        discard(&self.blobs, key).await;
                    }
                }
                return Err(error);
            }
        };
        if ready {
            discard(&self.blobs, &source.key).await;
        }
        info!(video = %id, ready, "video published");
        Ok(PublishResponse { video_id: id.get(), ready })
    }

    async fn list_videos(&self, call: &Call, request: ListVideosRequest) -> Result<VideoList> {
        let author = UserId::parse(request.author_id)?;
        Ok(card::videos(self.store.videos_of(author, call.viewer).await?))
    }
}

impl Videos {
    async fn prepare(&self, call: &Call, title: &str, source: &StoredObject) -> Result<NewVideo> {
        let author = call.viewer()?;
        let title = Title::parse(title)?;
        let request = PrepareRequest { source_key: source.key.clone() };
        let PrepareResponse { play, cover } = self.media.prepare(call, request).await?;
        let cover_key = cover.as_ref().map(|cover| cover.key.clone());
        let mut objects: Vec<NewObject> = cover.into_iter().map(new_object).collect();
        let (play_key, source_key) = match play {
            Some(play) => {
                let key = play.key.clone();
                objects.push(new_object(play));
                (key, None)
            }
            None => {
                objects.push(new_object(source.clone()));
                (Key::random("p", random_bits()?, "mp4").to_string(), Some(source.key.clone()))
            }
        };
        Ok(NewVideo { author, title, play_key, cover_key, objects, source_key })
    }
}

pub(crate) fn new_object(object: StoredObject) -> NewObject {
    NewObject { key: object.key, bytes: object.bytes, sha256: object.sha256 }
}
