//! The follow service.

use domain::{Call, Error, Result, Timestamp, UserId};
use proto::{
    Done, FollowService, FollowUserRequest, Friend, FriendList, ListFollowsRequest, ListFriendsRequest,
    UserList,
};
use store::Store;

use crate::card;

/// Who follows whom.
pub struct Follows {
    /// Where the follows are.
    pub store: Store,
}

#[async_trait::async_trait]
impl FollowService for Follows {
    async fn follow_user(&self, call: &Call, request: FollowUserRequest) -> Result<Done> {
        let (viewer, user) = (call.viewer()?, UserId::parse(request.user_id)?);
        if viewer == user {
            return Err(Error::SelfFollow);
        }
        self.store.follow_user(viewer, user, Timestamp::now()).await?;
        Ok(Done {})
    }

    async fn unfollow_user(&self, call: &Call, request: FollowUserRequest) -> Result<Done> {
        let (viewer, user) = (call.viewer()?, UserId::parse(request.user_id)?);
        if viewer == user {
            return Err(Error::SelfFollow);
        }
        self.store.unfollow_user(viewer, user).await?;
        Ok(Done {})
    }

    async fn list_following(&self, call: &Call, request: ListFollowsRequest) -> Result<UserList> {
        let user = UserId::parse(request.user_id)?;
        Ok(card::users(self.store.following(user, call.viewer, card::slice(request.slice)).await?))
    }

    async fn list_followers(&self, call: &Call, request: ListFollowsRequest) -> Result<UserList> {
        let user = UserId::parse(request.user_id)?;
        Ok(card::users(self.store.followers(user, call.viewer, card::slice(request.slice)).await?))
    }

    async fn list_friends(&self, call: &Call, _request: ListFriendsRequest) -> Result<FriendList> {
        let friends = self.store.friends(call.viewer()?).await?;
        Ok(FriendList { friends: friends.into_iter().map(friend).collect() })
    }
}

fn friend(friend: store::Friend) -> Friend {
    let (latest_message, sent_by_viewer) = friend.latest.unwrap_or_default();
    Friend { user: Some(card::user(friend.user)), latest_message, sent_by_viewer }
}
