//! Publishing. The file streams to the object store while the request is still arriving; who sends it may
//! only become known after its last byte.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use blobs::{Key, Stored, Upload};
use domain::limits::PUBLISH_TIME;
use domain::{Call, Error, Result, Visibility};
use proto::{ListVideosRequest, PublishRequest, StoredObject};
use utoipa::ToSchema;

use super::card::{VideoListBody, videos};
use super::user::user_or_self;
use crate::address::{Base, client};
use crate::error::Failure;
use crate::form::{Form, Part, SILENCE, SLOWEST};
use crate::params::{Params, bad};
use crate::reply::{Empty, Reply};
use crate::viewer::Visitor;
use crate::{Gateway, random_bits};

/// An upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form, which is read part by part")]
struct PublishForm {
    token: String,
    title: String,
    #[schema(value_type = String, format = Binary)]
    data: Vec<u8>,
}

/// Publishes a video; the parts of the form may come in any order.
#[utoipa::path(post, path = "/douyin/publish/action/", tag = "video",
    request_body(content = inline(PublishForm), content_type = "multipart/form-data"),
    responses((status = 200, body = Reply<Empty>)))]
pub(super) async fn publish_action(
    State(gateway): State<Gateway>,
    request: Request,
) -> Result<Reply<Empty>, Failure> {
    let (parts, body) = request.into_parts();
    gateway.admit(&parts, gateway.anonymous(&parts))?;
    let _place = gateway.limits.admit_upload(client(&gateway.config, &parts))?;
    let params = Params::of_head(&parts, &gateway);
    let request = Request::from_parts(parts.clone(), body);
    let mut form = Form::open(request, gateway.config.max_upload_bytes).await?;
    let mut arrived = Arrived { params, file: None };
    let received = tokio::select! {
        received = arrived.receive(&gateway, &parts, &mut form) => received,
        () = gateway.cutoff.cancelled() => Err(Error::Overloaded),
    };
    if let Err(error) = received {
        arrived.discard(&gateway).await;
        // A sender hears an answer when it has sent everything; at the end there is no time to wait for that.
        tokio::select! {
            () = form.drain() => {}
            () = gateway.cutoff.cancelled() => {}
        }
        return Err(error.into());
    }
    match arrived.checked(&gateway, &parts) {
        Ok((call, request)) => {
            gateway.services.video.publish(&call, request).await?;
            Ok(Reply::success(Empty {}))
        }
        Err(error) => {
            arrived.discard(&gateway).await;
            Err(error.into())
        }
    }
}

/// An author's videos, newest first.
#[utoipa::path(get, path = "/douyin/publish/list/", tag = "video",
    params(
        ("user_id" = Option<i64>, Query, description = "absent: the token's user"),
        ("token" = Option<String>, Query,),
    ),
    responses((status = 200, body = Reply<VideoListBody>)))]
pub(super) async fn publish_list(
    State(gateway): State<Gateway>,
    Visitor(call): Visitor,
    base: Base,
    params: Params,
) -> Result<Reply<VideoListBody>, Failure> {
    let request = ListVideosRequest { author_id: user_or_self(&call, &params)?, slice: None };
    Ok(videos(&base, gateway.services.video.list_videos(&call, request).await?))
}

/// What has arrived of an upload.
struct Arrived {
    params: Params,
    file: Option<Stored>,
}

impl Arrived {
    async fn receive(&mut self, gateway: &Gateway, parts: &Parts, form: &mut Form) -> Result<()> {
        // A token that is there already is checked before the first byte of the body.
        if self.params.token()?.is_some() {
            gateway.prove(parts, &self.params)?;
        }
        while let Some(part) = form.next().await? {
            let name = part.name().to_owned();
            if name == "data" && self.file.is_none() {
                self.file = Some(store(gateway, part).await?);
                continue;
            }
            let value = part.text().await?;
            self.params = self.params.and([(name.clone(), value)]);
            if name == "token" {
                gateway.prove(parts, &self.params)?;
            }
        }
        Ok(())
    }

    /// Everything a publication needs, checked.
    fn checked(&self, gateway: &Gateway, parts: &Parts) -> Result<(Call, PublishRequest)> {
        let asked = gateway.admit(parts, gateway.prove(parts, &self.params)?)?;
        let call = Call::within(PUBLISH_TIME, asked.viewer, asked.trace);
        let title = self.params.required("title")?;
        let file = self.file.as_ref().ok_or_else(|| bad("data", "is required and must be a video file"))?;
        let source = StoredObject {
            key: file.key.to_string(),
            bytes: i64::try_from(file.bytes).unwrap_or(i64::MAX),
            sha256: file.sha256.clone(),
        };
        let visibility = Visibility::Public.as_str().to_owned();
        let title = title.to_owned();
        Ok((
            call,
            PublishRequest { title, source: Some(source), upload: String::new(), visibility, cover_ms: None },
        ))
    }

    async fn discard(&mut self, gateway: &Gateway) {
        let Some(file) = self.file.take() else { return };
        if let Err(error) = gateway.blobs.delete(&file.key).await {
            tracing::warn!(%error, "a refused upload stays until the sweep");
        }
    }
}

/// Streams a file part to the object store. Its name and declared type are the sender's word and ignored.
async fn store(gateway: &Gateway, mut part: Part<'_>) -> Result<Stored> {
    let key = Key::random("o", random_bits()?, "bin");
    let mut upload = gateway.blobs.upload(&key).await.map_err(Error::unavailable)?;
    match fill(gateway, &mut upload, &mut part).await {
        Ok(()) => upload.finish().await.map_err(Error::unavailable),
        Err(error) => {
            if let Err(rest) = upload.abort().await {
                tracing::warn!(error = %rest, "an unfinished upload stays until the sweep");
            }
            Err(error)
        }
    }
}

async fn fill(gateway: &Gateway, upload: &mut Upload, part: &mut Part<'_>) -> Result<()> {
    let limit_bytes = gateway.config.max_upload_bytes;
    let began = Instant::now();
    while let Some(piece) = part.piece().await? {
        if upload.bytes() + piece.len() as u64 > limit_bytes {
            return Err(Error::TooLarge { limit_bytes });
        }
        if began.elapsed() > SILENCE && upload.bytes() < began.elapsed().as_secs() * SLOWEST {
            return Err(bad("request body", "arrives too slowly"));
        }
        upload.write(piece).await.map_err(Error::unavailable)?;
    }
    if upload.bytes() == 0 {
        return Err(Error::UnsupportedMedia { problem: "it is empty".into() });
    }
    Ok(())
}
