//! Accounts that their people have deleted: all they did is forgotten, some at a time.

use domain::{Error, Result, Timestamp, UserId};
use store::Picture;
use tracing::{info, warn};

use crate::{Settler, discard};

impl Settler {
    /// Forgets accounts that are being deleted, as far as that is possible now: videos are removed by jobs of their own.
    pub(crate) async fn forget_people(&self) {
        let leaving = match self.store.leaving(Timestamp::now()).await {
            Ok(leaving) => leaving,
            Err(error) => return warn!(error = %error.chain(), "deleted accounts stay for now"),
        };
        for person in leaving {
            match self.forget(person).await {
                Ok(true) => info!(user = %person, "account removed"),
                Ok(false) => {}
                Err(error) => {
                    warn!(user = %person, error = %error.chain(), "a deleted account stays for now")
                }
            }
        }
    }

    /// Whether nothing is left. Every step can be repeated.
    async fn forget(&self, person: UserId) -> Result<bool> {
        loop {
            let videos = self.store.undeleted_videos(person).await?;
            if videos.is_empty() {
                break;
            }
            for video in videos {
                match self.store.delete_video(person, video, Timestamp::now()).await {
                    // Another process was faster.
                    Ok(()) | Err(Error::VideoNotFound(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        while self.store.forget_person(person).await? {}
        for which in [Picture::Avatar, Picture::Background] {
            if let Some(key) = self.store.set_picture(person, which, None).await? {
                discard(&self.blobs, &key).await;
            }
        }
        self.store.account_gone(person).await
    }
}
