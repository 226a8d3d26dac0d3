//! Who may call what, and how long it may take: one row a method. A method without a row cannot be called.

use std::time::Duration;

/// What holds for one method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The method's path on the wire.
    pub path: &'static str,
    /// The services whose certificate may call it.
    pub callers: &'static [&'static str],
    /// The longest a call may take at one hop, whatever its caller grants.
    pub cap: Duration,
}

const GATEWAY: &[&str] = &["gateway"];
const VIDEO: &[&str] = &["video"];
/// Whoever holds one of our certificates may ask how a process is.
const ANYBODY: &[&str] = &["*"];

/// A call that a person waits for.
pub(crate) const HOP: Duration = Duration::from_secs(5);
/// A call that asks a server of somebody else's meanwhile.
const OUTSIDE: Duration = Duration::from_secs(10);
/// Probing and remuxing an upload.
const PREPARE: Duration = Duration::from_secs(60);
/// The whole of publishing: prepare, and the rows.
const PUBLISH: Duration = Duration::from_secs(90);
/// A stream ends by itself and is asked for again, so that streams move to new instances.
const STREAM: Duration = Duration::from_secs(600);

const fn row(path: &'static str, callers: &'static [&'static str], cap: Duration) -> Rule {
    Rule { path, callers, cap }
}

/// The table.
pub const RULES: &[Rule] = &[
    row("/dytt.v1.CommentService/AddComment", GATEWAY, HOP),
    row("/dytt.v1.CommentService/ListHeldComments", GATEWAY, HOP),
    row("/dytt.v1.CommentService/DecideHeldComment", GATEWAY, HOP),
    row("/dytt.v1.CommentService/ListWords", GATEWAY, HOP),
    row("/dytt.v1.CommentService/PutWord", GATEWAY, HOP),
    row("/dytt.v1.CommentService/DeleteWord", GATEWAY, HOP),
    row("/dytt.v1.CommentService/DeleteComment", GATEWAY, HOP),
    row("/dytt.v1.CommentService/RemoveComment", GATEWAY, HOP),
    row("/dytt.v1.CommentService/ListComments", GATEWAY, HOP),
    row("/dytt.v1.CommentService/CountComments", GATEWAY, HOP),
    row("/dytt.v1.CommentService/LikeComment", GATEWAY, HOP),
    row("/dytt.v1.CommentService/UnlikeComment", GATEWAY, HOP),
    row("/dytt.v1.FeedService/ListFeed", GATEWAY, HOP),
    row("/dytt.v1.FeedService/ListFollowing", GATEWAY, HOP),
    row("/dytt.v1.FeedService/ListTagged", GATEWAY, HOP),
    row("/dytt.v1.FeedService/ListTrending", GATEWAY, HOP),
    row("/dytt.v1.FeedService/ListForYou", GATEWAY, HOP),
    row("/dytt.v1.FeedService/GetWhy", GATEWAY, HOP),
    row("/dytt.v1.FeedService/WantNoSuch", GATEWAY, HOP),
    row("/dytt.v1.FeedService/PassOn", GATEWAY, HOP),
    row("/dytt.v1.FeedService/ForgetTaste", GATEWAY, HOP),
    row("/dytt.v1.FeedService/SearchVideos", GATEWAY, HOP),
    row("/dytt.v1.FeedService/SearchTags", GATEWAY, HOP),
    row("/dytt.v1.FollowService/FollowUser", GATEWAY, HOP),
    row("/dytt.v1.FollowService/UnfollowUser", GATEWAY, HOP),
    row("/dytt.v1.FollowService/ListFollowing", GATEWAY, HOP),
    row("/dytt.v1.FollowService/ListFollowers", GATEWAY, HOP),
    row("/dytt.v1.FollowService/ListFriends", GATEWAY, HOP),
    row("/dytt.v1.FollowService/BlockUser", GATEWAY, HOP),
    row("/dytt.v1.FollowService/UnblockUser", GATEWAY, HOP),
    row("/dytt.v1.FollowService/MuteUser", GATEWAY, HOP),
    row("/dytt.v1.FollowService/UnmuteUser", GATEWAY, HOP),
    row("/dytt.v1.FollowService/ListBarriers", GATEWAY, HOP),
    row("/dytt.v1.FollowService/GetRelation", GATEWAY, HOP),
    row("/dytt.v1.LikeService/LikeVideo", GATEWAY, HOP),
    row("/dytt.v1.LikeService/UnlikeVideo", GATEWAY, HOP),
    row("/dytt.v1.LikeService/BookmarkVideo", GATEWAY, HOP),
    row("/dytt.v1.LikeService/UnbookmarkVideo", GATEWAY, HOP),
    row("/dytt.v1.LikeService/ListBookmarks", GATEWAY, HOP),
    row("/dytt.v1.LikeService/ListLikedVideos", GATEWAY, HOP),
    row("/dytt.v1.FollowService/ListFollowRequests", GATEWAY, HOP),
    row("/dytt.v1.FollowService/AnswerFollow", GATEWAY, HOP),
    row("/dytt.v1.MediaService/Prepare", VIDEO, PREPARE),
    row("/dytt.v1.MediaService/PreparePicture", VIDEO, PREPARE),
    row("/dytt.v1.MessageService/SendMessage", GATEWAY, HOP),
    row("/dytt.v1.MessageService/ListMessages", GATEWAY, HOP),
    row("/dytt.v1.MessageService/ListConversations", GATEWAY, HOP),
    row("/dytt.v1.MessageService/ReadMessages", GATEWAY, HOP),
    row("/dytt.v1.MessageService/ListNotifications", GATEWAY, HOP),
    row("/dytt.v1.MessageService/CountNotifications", GATEWAY, HOP),
    row("/dytt.v1.MessageService/SeeNotifications", GATEWAY, HOP),
    row("/dytt.v1.MessageService/Watch", GATEWAY, STREAM),
    row("/dytt.v1.UserService/Register", GATEWAY, HOP),
    row("/dytt.v1.UserService/Login", GATEWAY, HOP),
    row("/dytt.v1.UserService/GetSite", GATEWAY, HOP),
    row("/dytt.v1.UserService/AskProvider", GATEWAY, OUTSIDE),
    row("/dytt.v1.UserService/LoginByProvider", GATEWAY, OUTSIDE),
    row("/dytt.v1.UserService/GetAccount", GATEWAY, HOP),
    row("/dytt.v1.UserService/RenewSession", GATEWAY, HOP),
    row("/dytt.v1.UserService/ListSessions", GATEWAY, HOP),
    row("/dytt.v1.UserService/EndSession", GATEWAY, HOP),
    row("/dytt.v1.UserService/EndAllSessions", GATEWAY, HOP),
    row("/dytt.v1.UserService/ChangePassword", GATEWAY, HOP),
    row("/dytt.v1.UserService/ChangeProfile", GATEWAY, HOP),
    row("/dytt.v1.UserService/GetTwoFactor", GATEWAY, HOP),
    row("/dytt.v1.UserService/BeginTwoFactor", GATEWAY, HOP),
    row("/dytt.v1.UserService/ConfirmTwoFactor", GATEWAY, HOP),
    row("/dytt.v1.UserService/EndTwoFactor", GATEWAY, HOP),
    row("/dytt.v1.UserService/DeleteAccount", GATEWAY, HOP),
    row("/dytt.v1.UserService/ReadArchive", GATEWAY, HOP),
    row("/dytt.v1.UserService/CreateWebhook", GATEWAY, HOP),
    row("/dytt.v1.UserService/ListWebhooks", GATEWAY, HOP),
    row("/dytt.v1.UserService/DeleteWebhook", GATEWAY, HOP),
    row("/dytt.v1.UserService/ListDeliveries", GATEWAY, HOP),
    row("/dytt.v1.UserService/ReplayDelivery", GATEWAY, HOP),
    row("/dytt.v1.UserService/SetStanding", GATEWAY, HOP),
    row("/dytt.v1.UserService/Administrate", GATEWAY, HOP),
    row("/dytt.v1.UserService/ListAccounts", GATEWAY, HOP),
    row("/dytt.v1.UserService/Invite", GATEWAY, HOP),
    row("/dytt.v1.UserService/ListInvitations", GATEWAY, HOP),
    row("/dytt.v1.UserService/EndInvitation", GATEWAY, HOP),
    row("/dytt.v1.UserService/ListAudit", GATEWAY, HOP),
    row("/dytt.v1.UserService/Report", GATEWAY, HOP),
    row("/dytt.v1.UserService/ListReports", GATEWAY, HOP),
    row("/dytt.v1.UserService/DecideReport", GATEWAY, HOP),
    row("/dytt.v1.UserService/AskOnce", GATEWAY, HOP),
    row("/dytt.v1.UserService/AnswerOnce", GATEWAY, HOP),
    row("/dytt.v1.UserService/GetUser", GATEWAY, HOP),
    row("/dytt.v1.UserService/SearchPeople", GATEWAY, HOP),
    row("/dytt.v1.UserService/RevokedSince", GATEWAY, HOP),
    row("/dytt.v1.VideoService/Publish", GATEWAY, PUBLISH),
    row("/dytt.v1.VideoService/ListVideos", GATEWAY, HOP),
    row("/dytt.v1.VideoService/GetVideo", GATEWAY, HOP),
    row("/dytt.v1.VideoService/ShareVideo", GATEWAY, HOP),
    row("/dytt.v1.VideoService/ListShares", GATEWAY, HOP),
    row("/dytt.v1.VideoService/EndShare", GATEWAY, HOP),
    row("/dytt.v1.VideoService/GetSharedVideo", GATEWAY, HOP),
    row("/dytt.v1.VideoService/WatchVideo", GATEWAY, HOP),
    row("/dytt.v1.VideoService/GetTimeline", GATEWAY, HOP),
    row("/dytt.v1.VideoService/ChangeVideo", GATEWAY, HOP),
    row("/dytt.v1.VideoService/HideVideo", GATEWAY, HOP),
    row("/dytt.v1.VideoService/RestoreVideo", GATEWAY, HOP),
    row("/dytt.v1.VideoService/DeleteVideo", GATEWAY, HOP),
    row("/dytt.v1.VideoService/PutCaptions", GATEWAY, HOP),
    row("/dytt.v1.VideoService/DeleteCaptions", GATEWAY, HOP),
    row("/dytt.v1.VideoService/SetPicture", GATEWAY, PUBLISH),
    row("/dytt.v1.VideoService/GetStorage", GATEWAY, PUBLISH),
    row("/dytt.v1.VideoService/CreateUpload", GATEWAY, HOP),
    row("/dytt.v1.VideoService/GetUpload", GATEWAY, HOP),
    row("/dytt.v1.VideoService/AppendUpload", GATEWAY, HOP),
    row("/dytt.v1.VideoService/DeleteUpload", GATEWAY, HOP),
    row("/dytt.v1.VideoService/ListJobs", GATEWAY, HOP),
    row("/dytt.v1.VideoService/RetryJob", GATEWAY, HOP),
    row("/dytt.v1.VideoService/CancelJob", GATEWAY, HOP),
    row("/grpc.health.v1.Health/Check", ANYBODY, HOP),
    row("/grpc.health.v1.Health/Watch", ANYBODY, STREAM),
    row("/grpc.health.v1.Health/List", ANYBODY, HOP),
    row("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", ANYBODY, STREAM),
];

/// The row of a method.
pub(crate) fn rule(path: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.path == path)
}

/// Whether a method answers with a stream; of one that is not ours the worst is assumed.
pub(crate) fn streams(path: &str) -> bool {
    proto::method(path).is_none_or(|method| method.streaming)
}

impl Rule {
    /// Whether a service may call this.
    pub(crate) fn admits(&self, caller: &str) -> bool {
        self.callers == ANYBODY || self.callers.contains(&caller)
    }

    /// Whether this is one of gRPC's own services: tools call them without a deadline.
    pub(crate) fn is_grpcs_own(&self) -> bool {
        self.path.starts_with("/grpc.")
    }

    /// Whether it takes as long as a person waits, so that its time says something about an instance.
    pub(crate) fn is_quick(&self) -> bool {
        self.cap == HOP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_a_rule_and_every_rule_a_method() {
        for method in proto::METHODS {
            assert!(rule(method.path).is_some(), "{} has no rule, so nobody can call it", method.path);
        }
        for rule in RULES.iter().filter(|rule| !rule.is_grpcs_own()) {
            assert!(proto::method(rule.path).is_some(), "{} is no method", rule.path);
        }
    }

    #[test]
    fn what_has_no_rule_and_who_is_not_named_is_refused() {
        assert_eq!(rule("/dytt.v1.LikeService/BurnVideo"), None);
        let like = rule("/dytt.v1.LikeService/LikeVideo").expect("a rule");
        assert!(like.admits("gateway") && !like.admits("comment") && !like.admits("*"));
        assert!(rule("/grpc.health.v1.Health/Check").expect("a rule").admits("comment"));
    }
}
