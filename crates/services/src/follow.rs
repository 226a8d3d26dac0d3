//! The follow service: who follows whom, and who wants nothing of whom.

use domain::{Call, Error, Result, Timestamp, UserId};
use proto::{
    AnswerFollowRequest, BarrierRequest, Done, FollowService, FollowUserRequest, Followed, Friend,
    FriendList, GetRelationRequest, ListBarriersRequest, ListFollowRequestsRequest, ListFollowsRequest,
    ListFriendsRequest, Relation, UserList,
};
use store::{Barrier, Store};

use crate::card;

/// Who follows whom.
pub struct Follows {
    /// Where the follows are.
    pub store: Store,
}

#[async_trait::async_trait]
impl FollowService for Follows {
    async fn follow_user(&self, call: &Call, request: FollowUserRequest) -> Result<Followed> {
        let (viewer, user) = (call.viewer()?, UserId::parse(request.user_id)?);
        if viewer == user {
            return Err(Error::SelfFollow);
        }
        Ok(Followed { is_requested: self.store.follow_user(viewer, user, Timestamp::now()).await? })
    }

    async fn unfollow_user(&self, call: &Call, request: FollowUserRequest) -> Result<Done> {
        let (viewer, user) = (call.viewer()?, UserId::parse(request.user_id)?);
        if viewer == user {
            return Err(Error::SelfFollow);
        }
        self.store.unfollow_user(viewer, user).await?;
        Ok(Done {})
    }

    async fn list_follow_requests(
        &self,
        call: &Call,
        request: ListFollowRequestsRequest,
    ) -> Result<UserList> {
        Ok(card::users(self.store.follow_requests(call.viewer()?, card::slice(request.slice)).await?))
    }

    async fn answer_follow(&self, call: &Call, request: AnswerFollowRequest) -> Result<Done> {
        let requester = UserId::parse(request.user_id)?;
        self.store.answer_follow(call.viewer()?, requester, request.accept, Timestamp::now()).await?;
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

    async fn block_user(&self, call: &Call, request: BarrierRequest) -> Result<Done> {
        let (viewer, user) = others(call, &request)?;
        self.store.block_user(viewer, user, Timestamp::now()).await?;
        Ok(Done {})
    }

    async fn unblock_user(&self, call: &Call, request: BarrierRequest) -> Result<Done> {
        let (viewer, user) = others(call, &request)?;
        self.store.unblock_user(viewer, user).await?;
        Ok(Done {})
    }

    async fn mute_user(&self, call: &Call, request: BarrierRequest) -> Result<Done> {
        let (viewer, user) = others(call, &request)?;
        self.store.mute_user(viewer, user, Timestamp::now()).await?;
        Ok(Done {})
    }

    async fn unmute_user(&self, call: &Call, request: BarrierRequest) -> Result<Done> {
        let (viewer, user) = others(call, &request)?;
        self.store.unmute_user(viewer, user).await?;
        Ok(Done {})
    }

    async fn list_barriers(&self, call: &Call, request: ListBarriersRequest) -> Result<UserList> {
        let which = if request.mutes { Barrier::Mute } else { Barrier::Block };
        Ok(card::users(self.store.barriers(call.viewer()?, which, card::slice(request.slice)).await?))
    }

    async fn get_relation(&self, call: &Call, request: GetRelationRequest) -> Result<Relation> {
        let found = self.store.relation(call.viewer()?, UserId::parse(request.user_id)?).await?;
        let store::Relation { is_followed, follows, is_blocked, is_muted, is_requested } = found;
        Ok(Relation { is_followed, follows, is_blocked, is_muted, is_requested })
    }

    async fn list_friends(&self, call: &Call, _request: ListFriendsRequest) -> Result<FriendList> {
        let friends = self.store.friends(call.viewer()?).await?;
        Ok(FriendList { friends: friends.into_iter().map(friend).collect() })
    }
}

/// Who asks and about whom, who are two.
fn others(call: &Call, request: &BarrierRequest) -> Result<(UserId, UserId)> {
    let (viewer, user) = (call.viewer()?, UserId::parse(request.user_id)?);
    match viewer == user {
        true => Err(Error::Invalid {
            name: "id".into(),
            problem: "is your own: nobody keeps away from themselves".into(),
        }),
        false => Ok((viewer, user)),
    }
}

fn friend(friend: store::Friend) -> Friend {
    let (latest_message, sent_by_viewer) = friend.latest.unwrap_or_default();
    Friend { user: Some(card::user(friend.user)), latest_message, sent_by_viewer }
}
