//! The video service: publishing, who may see a video, its end, and an author's own list. Uploads in parts,
//! captions and jobs are in the files beside.

pub(crate) mod caption;
mod picture;
mod share;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use blobs::{Blobs, Key};
use domain::{Call, Error, JobId, Result, Timestamp, Title, UserId, VideoId, Visibility};
use proto::{
    AppendUploadRequest, ChangeVideoRequest, CreateUploadRequest, DeleteCaptionsRequest, Done,
    EndShareRequest, GetSharedVideoRequest, GetStorageRequest, HideVideoRequest, JobList, JobRequest,
    ListJobsRequest, ListVideosRequest, MediaService, PrepareRequest, PrepareResponse, PublishRequest,
    PublishResponse, PutCaptionsRequest, SetPictureRequest, Share, ShareList, ShareVideoRequest, Storage,
    StoredKind, StoredObject, Timeline, Upload, UploadRequest, VideoDetail, VideoList, VideoRequest,
    VideoService, WatchVideoRequest,
};
use store::{NewObject, NewVideo, REMUX, SOURCE, Store};
use tokio::time::timeout_at;
use tracing::info;

use crate::{Admins, Words, card, discard, discard_unneeded, justified, random_bits};

use upload::Arrived;

/// What people publish.
pub struct Videos {
    /// Where the videos are.
    pub store: Store,
    /// Where their bytes are.
    pub blobs: Blobs,
    /// What makes an upload playable.
    pub media: Arc<dyn MediaService>,
    /// What uploads are held to.
    pub uploads: UploadLimits,
    /// Who administrates.
    pub admins: Admins,
    /// What the site does not want to read.
    pub words: Words,
}

/// What uploads are held to.
#[derive(Clone, Copy, Debug)]
pub struct UploadLimits {
    /// The largest upload, in bytes.
    pub max_bytes: u64,
    /// Bytes that one account may hold, stored and announced; 0 for any number.
    pub user_bytes: u64,
}

#[async_trait::async_trait]
impl VideoService for Videos {
    async fn publish(&self, call: &Call, request: PublishRequest) -> Result<PublishResponse> {
        let received_at = Timestamp::now();
        let arrived = self.arrived(call, &request).await?;
        let late = |_elapsed| Err(Error::Overloaded);
        let prepared = timeout_at(call.deadline.into(), self.prepare(call, &request, &arrived.source)).await;
        let mut video = match prepared.unwrap_or_else(late) {
            Ok(video) => video,
            Err(error) => {
                self.give_back(call, arrived, &error).await;
                return Err(error);
            }
        };
        (video.received_at, video.upload) = (received_at, arrived.upload.clone());
        let ready = video.is_playable();
        let keys: Vec<String> = video.objects.iter().map(|object| object.key.clone()).collect();
        let id = match self.store.publish(video, Timestamp::now()).await {
            Ok(id) => id,
            Err(error) => {
                // Should the outcome stay unknown, the objects wait for the sweep, which asks the database.
                if !matches!(error, Error::Unavailable(_)) {
                    self.give_back(call, arrived, &error).await;
                    discard_unneeded(&self.store, &self.blobs, &keys).await;
                }
                return Err(error);
            }
        };
        let mut left = arrived.parts;
        left.push(arrived.source.key);
        discard_unneeded(&self.store, &self.blobs, &left).await;
        info!(video = %id, ready, "video published");
        Ok(PublishResponse { video_id: id.get(), ready })
    }

    async fn list_videos(&self, call: &Call, request: ListVideosRequest) -> Result<VideoList> {
        let author = UserId::parse(request.author_id)?;
        Ok(card::videos(self.store.videos_of(author, call.viewer, card::slice(request.slice)).await?))
    }

    async fn get_video(&self, call: &Call, request: VideoRequest) -> Result<VideoDetail> {
        Ok(card::detail(self.store.video(VideoId::parse(request.video_id)?, call.viewer).await?))
    }

    async fn share_video(&self, call: &Call, request: ShareVideoRequest) -> Result<Share> {
        self.make_link(call, request).await
    }

    async fn list_shares(&self, call: &Call, request: VideoRequest) -> Result<ShareList> {
        let video = VideoId::parse(request.video_id)?;
        let rows = self.store.shares(call.viewer()?, video, Timestamp::now()).await?;
        Ok(ShareList { shares: rows.into_iter().map(share::link).collect() })
    }

    async fn end_share(&self, call: &Call, request: EndShareRequest) -> Result<Done> {
        let video = VideoId::parse(request.video_id)?;
        self.store.end_share(call.viewer()?, video, request.share_id).await?;
        Ok(Done {})
    }

    async fn get_shared_video(&self, call: &Call, request: GetSharedVideoRequest) -> Result<VideoDetail> {
        let word = share::hash(&request.word);
        Ok(card::detail(self.store.shared_video(word, call.viewer, Timestamp::now()).await?))
    }

    async fn watch_video(&self, call: &Call, request: WatchVideoRequest) -> Result<Done> {
        let (viewer, video) = (call.viewer()?, VideoId::parse(request.video_id)?);
        let watched = u64::try_from(request.watched_ms).map_err(|_negative| Error::Invalid {
            name: "watched_ms".into(),
            problem: "must not be negative".into(),
        })?;
        self.store.watch_video(viewer, video, Duration::from_millis(watched), Timestamp::now()).await?;
        Ok(Done {})
    }

    async fn get_timeline(&self, call: &Call, request: VideoRequest) -> Result<Timeline> {
        let found = self.store.timeline(call.viewer()?, VideoId::parse(request.video_id)?).await?;
        Ok(card::timeline(found, Timestamp::now()))
    }

    async fn change_video(&self, call: &Call, request: ChangeVideoRequest) -> Result<Done> {
        let (author, video) = (call.viewer()?, VideoId::parse(request.video_id)?);
        let title = request.title.as_deref().map(Title::parse).transpose()?;
        let visibility = request.visibility.as_deref().map(Visibility::parse).transpose()?;
        if let Some(visibility) = visibility {
            if visibility == Visibility::Public && self.store.is_private(author).await? {
                let problem = "must not be public while the account is private".to_owned();
                return Err(Error::Invalid { name: "visibility".into(), problem });
            }
            self.store.set_visibility(author, video, visibility, Timestamp::now()).await?;
        }
        if let Some(title) = title {
            self.words.admit("title", title.as_str()).await?;
            self.store.set_title(author, video, title).await?;
        }
        Ok(Done {})
    }

    async fn hide_video(&self, call: &Call, request: HideVideoRequest) -> Result<Done> {
        let admin = self.admins.the(call).await?;
        let (video, reason) = (VideoId::parse(request.video_id)?, justified(&request.reason)?);
        self.store.hide_video(admin, video, reason, Timestamp::now()).await?;
        Ok(Done {})
    }

    async fn restore_video(&self, call: &Call, request: VideoRequest) -> Result<Done> {
        let admin = self.admins.the(call).await?;
        self.store.restore_video(admin, VideoId::parse(request.video_id)?, Timestamp::now()).await?;
        Ok(Done {})
    }

    async fn delete_video(&self, call: &Call, request: VideoRequest) -> Result<Done> {
        let video = VideoId::parse(request.video_id)?;
        self.store.delete_video(call.viewer()?, video, Timestamp::now()).await?;
        info!(%video, "video deleted by its author");
        Ok(Done {})
    }

    async fn put_captions(&self, call: &Call, request: PutCaptionsRequest) -> Result<Done> {
        self.put_track(call, request).await
    }

    async fn delete_captions(&self, call: &Call, request: DeleteCaptionsRequest) -> Result<Done> {
        self.take_track(call, request).await
    }

    async fn set_picture(&self, call: &Call, request: SetPictureRequest) -> Result<Done> {
        self.put_picture(call, request).await
    }

    async fn get_storage(&self, call: &Call, _request: GetStorageRequest) -> Result<Storage> {
        self.admins.the(call).await?;
        let store::Storage { people, videos, kinds } = self.store.storage().await?;
        let kind = |(kind, objects, bytes)| StoredKind { kind, objects, bytes };
        Ok(Storage { people, videos, kinds: kinds.into_iter().map(kind).collect() })
    }

    async fn create_upload(&self, call: &Call, request: CreateUploadRequest) -> Result<Upload> {
        self.begin_upload(call, request).await
    }

    async fn get_upload(&self, call: &Call, request: UploadRequest) -> Result<Upload> {
        Ok(upload::shown(self.store.upload(call.viewer()?, request.name, Timestamp::now()).await?))
    }

    async fn append_upload(&self, call: &Call, request: AppendUploadRequest) -> Result<Upload> {
        self.add_part(call, request).await
    }

    async fn delete_upload(&self, call: &Call, request: UploadRequest) -> Result<Done> {
        let keys = self.store.end_upload(call.viewer()?, request.name, Timestamp::now()).await?;
        discard_unneeded(&self.store, &self.blobs, &keys).await;
        Ok(Done {})
    }

    async fn list_jobs(&self, call: &Call, _request: ListJobsRequest) -> Result<JobList> {
        self.admins.the(call).await?;
        Ok(card::jobs(self.store.jobs().await?))
    }

    async fn retry_job(&self, call: &Call, request: JobRequest) -> Result<Done> {
        self.admins.the(call).await?;
        let job = JobId::parse(request.job_id)?;
        match self.store.retry_job(job, Timestamp::now()).await? {
            true => Ok(Done {}),
            false => Err(Error::JobNotFound(job)),
        }
    }

    async fn cancel_job(&self, call: &Call, request: JobRequest) -> Result<Done> {
        self.admins.the(call).await?;
        let job = JobId::parse(request.job_id)?;
        let keys = self.store.cancel_job(job, Timestamp::now()).await?.ok_or(Error::JobNotFound(job))?;
        for key in &keys {
            discard(&self.blobs, key).await;
        }
        Ok(Done {})
    }
}

impl Videos {
    async fn prepare(
        &self,
        call: &Call,
        request: &PublishRequest,
        source: &StoredObject,
    ) -> Result<NewVideo> {
        let author = call.viewer()?;
        let title = Title::parse(&request.title)?;
        self.words.admit("title", title.as_str()).await?;
        let mut visibility = Visibility::parse(&request.visibility)?;
        if visibility == Visibility::Public && self.store.is_private(author).await? {
            visibility = Visibility::Followers;
        }
        let prefix = visibility.prefix();
        let wanted = PrepareRequest {
            source_key: source.key.clone(),
            prefix: prefix.into(),
            cover_ms: request.cover_ms,
        };
        let PrepareResponse { play, cover, duration_ms } = self.media.prepare(call, wanted).await?;
        let cover_key = cover.as_ref().map(|cover| cover.key.clone());
        let mut objects: Vec<NewObject> = cover.into_iter().map(|cover| new_object(cover, "cover")).collect();
        let play_key = match play {
            Some(play) => {
                let key = play.key.clone();
                objects.push(new_object(play, REMUX));
                key
            }
            None => {
                objects.push(new_object(source.clone(), SOURCE));
                Key::random(prefix, random_bits()?, "mp4").to_string()
            }
        };
        Ok(NewVideo {
            author,
            title,
            play_key,
            cover_key,
            objects,
            visibility,
            duration_ms,
            received_at: Timestamp::now(),
            upload: None,
        })
    }

    /// After a refusal: what came as one piece is of no more use; an upload in parts stays for another try,
    /// unless the file is at fault.
    async fn give_back(&self, call: &Call, arrived: Arrived, error: &Error) {
        let mut unneeded = Vec::new();
        if !arrived.parts.contains(&arrived.source.key) {
            unneeded.push(arrived.source.key);
        }
        if let (Some(name), Some(viewer), Error::UnsupportedMedia { .. }) =
            (arrived.upload, call.viewer, error)
        {
            match self.store.end_upload(viewer, name, Timestamp::now()).await {
                Ok(keys) => unneeded.extend(keys),
                Err(error) => {
                    tracing::warn!(error = %error.chain(), "a refused upload stays until its time is over")
                }
            }
        }
        discard_unneeded(&self.store, &self.blobs, &unneeded).await;
    }
}

pub(crate) fn new_object(object: StoredObject, role: &str) -> NewObject {
    let StoredObject { key, bytes, sha256 } = object;
    NewObject { key, role: role.into(), bytes, sha256, ..NewObject::default() }
}
