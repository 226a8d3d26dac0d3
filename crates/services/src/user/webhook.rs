//! Who is called when something happens.

use std::collections::BTreeSet;

use domain::{Call, Error, Happening, Result, Timestamp};
use proto::{
    CreateWebhookRequest, Delivery, DeliveryList, Done, ListDeliveriesRequest, ReplayDeliveryRequest,
    Webhook, WebhookList, WebhookRequest,
};
use store::{DeliveryRow, WebhookRow};

use super::Users;
use crate::webhook::{checked, shown};
use crate::{card, random_bytes};

impl Users {
    pub(super) async fn add_webhook(&self, call: &Call, request: CreateWebhookRequest) -> Result<Webhook> {
        let admin = self.admins.the(call).await?;
        let events =
            request.events.iter().map(|name| Happening::parse(name)).collect::<Result<BTreeSet<_>>>()?;
        if events.is_empty() {
            return Err(Error::Invalid { name: "events".into(), problem: "must be at least one".into() });
        }
        let url = checked(&request.url, self.webhooks.allow_private).await?.to_string();
        let events: Vec<_> = events.into_iter().collect();
        let secret = random_bytes::<32>()?;
        let now = Timestamp::now();
        let id = self.store.create_webhook(admin, url.clone(), events.clone(), secret.to_vec(), now).await?;
        let events = events.into_iter().map(|event| event.as_str().to_owned()).collect();
        let (created_at, secret) = (now.millis(), shown(&secret));
        Ok(Webhook { id, url, events, created_at, secret, ..Webhook::default() })
    }

    pub(super) async fn all_webhooks(&self, call: &Call) -> Result<WebhookList> {
        self.admins.the(call).await?;
        Ok(WebhookList { webhooks: self.store.webhooks().await?.into_iter().map(webhook).collect() })
    }

    pub(super) async fn end_webhook(&self, call: &Call, request: WebhookRequest) -> Result<Done> {
        let admin = self.admins.the(call).await?;
        let hook = request.webhook_id;
        // So that what goes with it in one statement is not much.
        while self.store.clear_deliveries(hook).await? {}
        self.store.delete_webhook(admin, hook, Timestamp::now()).await?;
        Ok(Done {})
    }

    pub(super) async fn delivery_log(
        &self,
        call: &Call,
        request: ListDeliveriesRequest,
    ) -> Result<DeliveryList> {
        self.admins.the(call).await?;
        let found = self.store.deliveries(request.webhook_id, card::slice(request.slice)).await?;
        Ok(DeliveryList { next: found.next, deliveries: found.into_iter().map(delivery).collect() })
    }

    pub(super) async fn tell_again(&self, call: &Call, request: ReplayDeliveryRequest) -> Result<Done> {
        let admin = self.admins.the(call).await?;
        let ReplayDeliveryRequest { webhook_id, delivery_id } = request;
        self.store.replay_delivery(admin, webhook_id, delivery_id, Timestamp::now()).await?;
        Ok(Done {})
    }
}

fn webhook(row: WebhookRow) -> Webhook {
    let WebhookRow { id, url, events, created_at, failing_since, disabled_at } = row;
    let (failing_since, disabled_at) = (failing_since.unwrap_or(0), disabled_at.unwrap_or(0));
    Webhook { id, url, events, created_at, failing_since, disabled_at, secret: String::new() }
}

fn delivery(row: DeliveryRow) -> Delivery {
    let DeliveryRow { id, event, payload, state, attempts, due_at, outcome, created_at } = row;
    let outcome = outcome.unwrap_or_default();
    Delivery { id, event, payload, state, attempts, due_at, outcome, created_at }
}
