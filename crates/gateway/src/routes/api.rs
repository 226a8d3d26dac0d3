//! The modern API, `/api/v1`: a bearer token or nobody, the status that says what happened, problems in detail.

mod admin;
mod archive;
mod barrier;
mod body;
mod captions;
mod comment;
mod event;
mod feed;
mod job;
mod list;
mod message;
mod notification;
mod oidc;
mod once;
mod picture;
mod report;
mod rule;
mod search;
mod session;
mod share;
mod site;
mod stream;
mod tag;
mod two_factor;
mod upload;
mod user;
mod video;
mod webhook;
mod word;

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Gateway;
use crate::admission::Class;
use crate::error::Problem;

use rule::{Access, BROWSE, LISTEN, LOGIN, PROVE, Rule, SEARCH, SEND, SPEAK, TAP};

/// What the routes themselves do not say.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "dytt /api/v1",
        description = "The modern API. Who asks is told by `Authorization: Bearer TOKEN`, or on pages of this \
            server by a cookie; a session's token lasts 15 minutes and is renewed by its renewal token, which is \
            good once. A token of the Douyin API serves as well. A failure is an `application/problem+json` (RFC 9457) whose `reason` is a stable \
            word. Lists come in pages of at most 50 rows: `next_cursor` of one is `cursor` of the next. Every \
            success that is read has an `ETag`, by which it can be asked for again (RFC 9110). `x-rule` tells who may \
            use a route and how often; `RateLimit` tells how much of that is left. Addresses of media are good for some minutes when not everybody may see them: ask again."
    ),
    components(schemas(Problem)),
    modifiers(&Bearer)
)]
struct Description;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// Every route with its rule; what is not here does not exist.
pub(super) fn routes(gateway: &Gateway) -> OpenApiRouter<Gateway> {
    use Access::{Account, Admin, Anybody, Nobody};
    use Class::{Login, Read, Social, Upload};
    let under = |access, class, rate, route| Rule::new(access, class, rate).around(gateway, route);
    let uploads = OpenApiRouter::new()
        .routes(under(Account, Upload, SEND, routes!(upload::append)))
        .routes(under(Account, Upload, SPEAK, routes!(video::publish)))
        .routes(under(Account, Upload, SPEAK, routes!(captions::put)))
        .routes(under(Account, Upload, SPEAK, routes!(picture::put_avatar)))
        .routes(under(Account, Upload, SPEAK, routes!(picture::put_background)))
        // Each of them counts what it reads.
        .layer(DefaultBodyLimit::disable());
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(under(Nobody, Login, LOGIN, routes!(session::register)))
        .routes(under(Nobody, Login, LOGIN, routes!(session::open)))
        .routes(under(Anybody, Read, BROWSE, routes!(oidc::site)))
        .routes(under(Nobody, Login, LOGIN, routes!(oidc::begin)))
        .routes(under(Nobody, Login, LOGIN, routes!(oidc::callback)))
        .routes(under(Nobody, Social, TAP, routes!(session::renew)))
        .routes(under(Account, Read, BROWSE, routes!(session::list)))
        .routes(under(Account, Social, TAP, routes!(session::end)))
        .routes(under(Account, Social, TAP, routes!(session::end_all)))
        .routes(under(Account, Social, TAP, routes!(session::leave)))
        .routes(under(Account, Login, PROVE, routes!(session::change_password)))
        .routes(under(Account, Login, PROVE, routes!(session::delete_account)))
        .routes(under(Account, Read, PROVE, routes!(archive::get)))
        .routes(under(Account, Read, BROWSE, routes!(two_factor::get)))
        .routes(under(Account, Login, PROVE, routes!(two_factor::begin)))
        .routes(under(Account, Login, PROVE, routes!(two_factor::confirm)))
        .routes(under(Account, Login, PROVE, routes!(two_factor::end)))
        .routes(under(Account, Read, BROWSE, routes!(user::own)))
        .routes(under(Account, Social, TAP, routes!(user::change)))
        .routes(under(Account, Social, TAP, routes!(picture::delete_avatar)))
        .routes(under(Account, Social, TAP, routes!(picture::delete_background)))
        .routes(under(Account, Read, BROWSE, routes!(user::follow_requests)))
        .routes(under(Account, Social, TAP, routes!(user::accept_follow)))
        .routes(under(Account, Social, TAP, routes!(user::refuse_follow)))
        .routes(under(Account, Read, BROWSE, routes!(user::friends)))
        .routes(under(Account, Read, BROWSE, routes!(user::bookmarks)))
        .routes(under(Anybody, Read, BROWSE, routes!(user::get)))
        .routes(under(Anybody, Read, BROWSE, routes!(user::videos)))
        .routes(under(Anybody, Read, BROWSE, routes!(user::likes)))
        .routes(under(Anybody, Read, BROWSE, routes!(user::following)))
        .routes(under(Anybody, Read, BROWSE, routes!(user::followers)))
        .routes(under(Account, Social, TAP, routes!(user::follow)))
        .routes(under(Account, Social, TAP, routes!(user::unfollow)))
        .routes(under(Account, Read, BROWSE, routes!(barrier::relation)))
        .routes(under(Account, Social, TAP, routes!(barrier::block)))
        .routes(under(Account, Social, TAP, routes!(barrier::unblock)))
        .routes(under(Account, Social, TAP, routes!(barrier::mute)))
        .routes(under(Account, Social, TAP, routes!(barrier::unmute)))
        .routes(under(Account, Read, BROWSE, routes!(barrier::blocks)))
        .routes(under(Account, Read, BROWSE, routes!(barrier::mutes)))
        .routes(under(Account, Read, BROWSE, routes!(message::list)))
        .routes(under(Account, Social, SPEAK, routes!(message::send)))
        .routes(under(Account, Read, BROWSE, routes!(message::conversations)))
        .routes(under(Account, Social, TAP, routes!(message::read)))
        .routes(under(Account, Read, BROWSE, routes!(notification::list)))
        .routes(under(Account, Read, BROWSE, routes!(notification::count)))
        .routes(under(Account, Social, TAP, routes!(notification::see)))
        .routes(under(Account, Read, LISTEN, routes!(event::listen)))
        .routes(under(Anybody, Read, BROWSE, routes!(feed::newest)))
        .routes(under(Account, Read, BROWSE, routes!(feed::following)))
        .routes(under(Account, Read, BROWSE, routes!(feed::for_you)))
        .routes(under(Account, Read, BROWSE, routes!(feed::why)))
        .routes(under(Account, Social, TAP, routes!(feed::not_interested)))
        .routes(under(Account, Social, TAP, routes!(feed::pass_on)))
        .routes(under(Account, Social, TAP, routes!(feed::forget_taste)))
        .routes(under(Anybody, Read, BROWSE, routes!(tag::trending)))
        .routes(under(Anybody, Read, BROWSE, routes!(tag::videos)))
        .routes(under(Anybody, Read, SEARCH, routes!(search::videos)))
        .routes(under(Anybody, Read, SEARCH, routes!(search::people)))
        .routes(under(Anybody, Read, SEARCH, routes!(search::tags)))
        .routes(under(Anybody, Read, BROWSE, routes!(video::get)))
        .routes(under(Anybody, Read, BROWSE, routes!(share::get)))
        .routes(under(Account, Read, BROWSE, routes!(share::list)))
        .routes(under(Account, Social, SPEAK, routes!(share::create)))
        .routes(under(Account, Social, TAP, routes!(share::end)))
        .routes(under(Account, Read, BROWSE, routes!(video::timeline)))
        .routes(under(Account, Social, TAP, routes!(video::change)))
        .routes(under(Account, Social, TAP, routes!(video::delete)))
        .routes(under(Account, Social, TAP, routes!(video::like)))
        .routes(under(Account, Social, TAP, routes!(video::unlike)))
        .routes(under(Account, Social, TAP, routes!(video::watch)))
        .routes(under(Account, Social, TAP, routes!(video::watched)))
        .routes(under(Account, Social, TAP, routes!(video::bookmark)))
        .routes(under(Account, Social, TAP, routes!(video::unbookmark)))
        .routes(under(Anybody, Read, BROWSE, routes!(comment::list)))
        .routes(under(Account, Social, SPEAK, routes!(comment::add)))
        .routes(under(Account, Social, TAP, routes!(comment::delete)))
        .routes(under(Anybody, Read, BROWSE, routes!(comment::replies)))
        .routes(under(Account, Social, TAP, routes!(comment::like)))
        .routes(under(Account, Social, TAP, routes!(comment::unlike)))
        .routes(under(Account, Social, TAP, routes!(captions::delete)))
        .routes(under(Anybody, Read, BROWSE, routes!(stream::master)))
        .routes(under(Anybody, Read, BROWSE, routes!(stream::media)))
        .routes(under(Anybody, Read, BROWSE, routes!(stream::subtitles)))
        .routes(under(Account, Social, SPEAK, routes!(upload::create)))
        .routes(under(Account, Read, BROWSE, routes!(upload::look)))
        .routes(under(Account, Social, TAP, routes!(upload::end)))
        .routes(under(Anybody, Read, BROWSE, routes!(upload::options)))
        .routes(under(Admin, Read, BROWSE, routes!(admin::accounts)))
        .routes(under(Admin, Social, TAP, routes!(admin::set_standing)))
        .routes(under(Admin, Social, TAP, routes!(admin::invite)))
        .routes(under(Admin, Read, BROWSE, routes!(admin::invitations)))
        .routes(under(Admin, Social, TAP, routes!(admin::uninvite)))
        .routes(under(Admin, Read, BROWSE, routes!(admin::audit)))
        .routes(under(Admin, Read, PROVE, routes!(site::storage)))
        .routes(under(Admin, Read, BROWSE, routes!(site::services)))
        .routes(under(Admin, Read, BROWSE, routes!(site::slow_requests)))
        .routes(under(Admin, Read, BROWSE, routes!(word::list)))
        .routes(under(Admin, Social, TAP, routes!(word::put)))
        .routes(under(Admin, Social, TAP, routes!(word::delete)))
        .routes(under(Account, Read, BROWSE, routes!(word::held)))
        .routes(under(Admin, Read, BROWSE, routes!(word::all_held)))
        .routes(under(Account, Social, TAP, routes!(word::release)))
        .routes(under(Account, Social, TAP, routes!(word::discard)))
        .routes(under(Admin, Social, TAP, routes!(webhook::create)))
        .routes(under(Admin, Read, BROWSE, routes!(webhook::list)))
        .routes(under(Admin, Social, TAP, routes!(webhook::delete)))
        .routes(under(Admin, Read, BROWSE, routes!(webhook::deliveries)))
        .routes(under(Admin, Social, TAP, routes!(webhook::replay)))
        .routes(under(Account, Social, SPEAK, routes!(report::video)))
        .routes(under(Account, Social, SPEAK, routes!(report::comment)))
        .routes(under(Account, Social, SPEAK, routes!(report::person)))
        .routes(under(Admin, Read, BROWSE, routes!(report::reports)))
        .routes(under(Admin, Social, TAP, routes!(report::decide)))
        .routes(under(Admin, Social, TAP, routes!(report::hide)))
        .routes(under(Admin, Social, TAP, routes!(report::restore)))
        .routes(under(Admin, Social, TAP, routes!(report::remove_comment)))
        .routes(under(Admin, Read, BROWSE, routes!(job::list)))
        .routes(under(Admin, Social, TAP, routes!(job::retry)))
        .routes(under(Admin, Social, TAP, routes!(job::cancel)))
        .merge(uploads)
}

/// Done, and nothing to say.
fn done() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
