//! The user service: accounts and profiles. Tokens are made and checked at the gateway.

use std::time::Duration;

use domain::limits::{ENDED_TIME, MAX_NAME_CHARS, PUBLISH_TIME};
use domain::{
    Call, Content, DisplayName, Error, Password, Query, Reason, Result, Signature, Standing, Timestamp,
    UserId, UserName, Verdict,
};
use proto::{
    Account, AdministrateRequest, Answer, AnswerOnceRequest, ArchivePart, AskOnceRequest, AskProviderRequest,
    AskedOnce, AuditList, ChangePasswordRequest, ChangeProfileRequest, ConfirmTwoFactorRequest,
    CreateWebhookRequest, Credentials, DecideReportRequest, DeleteAccountRequest, DeliveryList, Done,
    EndAllSessionsRequest, EndInvitationRequest, EndSessionRequest, EndTwoFactorRequest, GetAccountRequest,
    GetSiteRequest, GetTwoFactorRequest, GetUserRequest, Invitation, InvitationList, InviteRequest,
    ListAccountsRequest, ListAuditRequest, ListDeliveriesRequest, ListInvitationsRequest, ListReportsRequest,
    ListSessionsRequest, ListWebhooksRequest, OwnAccount, ProviderAnswer, ProviderQuestion,
    ReadArchiveRequest, RecoveryCodes, RenewSessionRequest, ReplayDeliveryRequest, ReportList, ReportRequest,
    RevokedSinceRequest, RevokedSinceResponse, SearchRequest, Session, SessionList, SetStandingRequest, Site,
    TwoFactor, TwoFactorRequest, TwoFactorSecret, User, UserList, UserService, Webhook, WebhookList,
    WebhookRequest,
};
use store::{Asked, Entry, KeptAnswer, OpenSession, SessionRow, Store};

use crate::password::Passwords;
use crate::{Admins, Registration, UserConfig, WebhookConfig, Words, card};

mod administration;
mod archive;
mod identity;
mod provider;
mod two_factor;
mod webhook;

pub use provider::{Newcomers, Provider, ProviderConfig};

/// How lately somebody without a password has to have logged in for what others give theirs for.
const LATELY: Duration = Duration::from_secs(600);

/// Who is registered.
pub struct Users {
    store: Store,
    passwords: Passwords,
    name_max_chars: usize,
    registration: Registration,
    webhooks: WebhookConfig,
    admins: Admins,
    words: Words,
    provider: Option<Provider>,
}

impl Users {
    /// The service over a store.
    ///
    /// # Errors
    /// [`Error::Internal`] when argon2 cannot work with the configured parameters.
    pub fn new(
        store: Store,
        config: &UserConfig,
        webhooks: WebhookConfig,
        provider: Option<Provider>,
    ) -> Result<Self> {
        let passwords = Passwords::new(config)?;
        let UserConfig { name_max_chars, registration, .. } = *config;
        let admins = Admins { store: store.clone(), two_factor: config.admin_two_factor };
        let words = Words::new(store.clone());
        Ok(Self { store, passwords, name_max_chars, registration, webhooks, admins, words, provider })
    }
}

#[async_trait::async_trait]
impl UserService for Users {
    async fn register(&self, _call: &Call, request: Credentials) -> Result<Account> {
        let entry = self.registration.entry(request.invitation)?;
        let is_pending = entry == Entry::Pending;
        let name = UserName::parse(&request.name, self.name_max_chars)?;
        // Who opens a session comes by the modern API, whose rule for passwords is the stricter one.
        let password = match request.device.is_empty() {
            true => Password::parse(&request.password)?,
            false => Password::chosen("password", &request.password, &name)?,
        };
        self.words.admit("username", name.as_str()).await?;
        let turn = self.passwords.turn().await?;
        // Once more before the expensive part: of many who want one name, all but the first end here.
        if self.store.login_row(&name).await?.is_some() {
            return Err(Error::UsernameTaken);
        }
        let hash = turn.hash(password).await?;
        let id = self.store.create_user(name, hash, entry, Timestamp::now()).await?;
        if is_pending {
            return Ok(Account { user_id: id.get(), pending: true, ..Account::default() });
        }
        self.logged_in(id, 0, request.device).await
    }

    async fn login(&self, _call: &Call, request: Credentials) -> Result<Account> {
        // Whoever could register a longer name once may still log in under it.
        let name = UserName::parse(&request.name, MAX_NAME_CHARS)?;
        let password = Password::attempt(&request.password)?;
        let found = self.store.login_row(&name).await?;
        let stored = found.as_ref().map(|row| row.password_hash.clone());
        let (fits, renewed) = self.passwords.turn().await?.verify(password, stored).await?;
        let Some(row) = found.filter(|_| fits) else { return Err(Error::WrongPassword) };
        // Who knows the password may know this.
        identity::usable(row.standing)?;
        self.second_factor(UserId::parse(row.id)?, &request.code).await?;
        if let Some(hash) = renewed {
            self.store.set_password_hash(UserId::parse(row.id)?, hash).await?;
        }
        self.logged_in(UserId::parse(row.id)?, row.token_epoch, request.device).await
    }

    async fn get_site(&self, _call: &Call, _request: GetSiteRequest) -> Result<Site> {
        let provider = self.provider.as_ref().map(|provider| provider.config().name.clone());
        let registration = self.registration.as_str().to_owned();
        Ok(Site { registration, provider: provider.unwrap_or_default() })
    }

    async fn ask_provider(&self, _call: &Call, request: AskProviderRequest) -> Result<ProviderQuestion> {
        self.provider()?.question(&request.callback).await
    }

    async fn login_by_provider(&self, _call: &Call, request: ProviderAnswer) -> Result<Account> {
        self.provided(request).await
    }

    async fn renew_session(&self, call: &Call, request: RenewSessionRequest) -> Result<Account> {
        let user = call.viewer()?;
        let RenewSessionRequest { session_id, generation } = request;
        let open = self.store.renew_session(user, session_id, generation, Timestamp::now()).await?;
        Ok(account(user, open.ok_or(Error::TokenInvalid)?))
    }

    async fn list_sessions(&self, call: &Call, _request: ListSessionsRequest) -> Result<SessionList> {
        let rows = self.store.sessions(call.viewer()?, Timestamp::now()).await?;
        let session = |row: SessionRow| Session {
            id: row.id,
            device: row.device,
            created_at: row.created_at,
            renewed_at: row.renewed_at,
            expires_at: row.expires_at,
        };
        Ok(SessionList { sessions: rows.into_iter().map(session).collect() })
    }

    async fn end_session(&self, call: &Call, request: EndSessionRequest) -> Result<Done> {
        self.store.end_session(call.viewer()?, request.session_id, Timestamp::now()).await?;
        Ok(Done {})
    }

    async fn end_all_sessions(&self, call: &Call, _request: EndAllSessionsRequest) -> Result<Done> {
        self.store.revoke_tokens(call.viewer()?, Timestamp::now()).await?;
        Ok(Done {})
    }

    async fn change_password(&self, call: &Call, request: ChangePasswordRequest) -> Result<Account> {
        let user = call.viewer()?;
        let name = UserName::parse(&self.store.user_card(user, None).await?.name, MAX_NAME_CHARS)?;
        let new = Password::chosen("new_password", &request.new_password, &name)?;
        self.prove(user, &request.old_password, request.session_id).await?;
        let hash = self.passwords.turn().await?.hash(new).await?;
        let device = device(&request.device);
        Ok(account(user, self.store.change_password(user, hash, device, Timestamp::now()).await?))
    }

    async fn get_two_factor(&self, call: &Call, _request: GetTwoFactorRequest) -> Result<TwoFactor> {
        self.shown_two_factor(call).await
    }

    async fn begin_two_factor(&self, call: &Call, request: TwoFactorRequest) -> Result<TwoFactorSecret> {
        self.new_two_factor(call, request).await
    }

    async fn confirm_two_factor(
        &self,
        call: &Call,
        request: ConfirmTwoFactorRequest,
    ) -> Result<RecoveryCodes> {
        self.turn_on(call, request).await
    }

    async fn end_two_factor(&self, call: &Call, request: EndTwoFactorRequest) -> Result<Done> {
        self.turn_off(call, request).await
    }

    async fn delete_account(&self, call: &Call, request: DeleteAccountRequest) -> Result<Done> {
        let user = call.viewer()?;
        self.prove(user, &request.password, request.session_id).await?;
        self.store.delete_account(user, Timestamp::now()).await?;
        Ok(Done {})
    }

    async fn read_archive(&self, call: &Call, request: ReadArchiveRequest) -> Result<ArchivePart> {
        let part = self.store.archive(call.viewer()?, &request.section, request.after).await?;
        Ok(archive::part(part))
    }

    async fn change_profile(&self, call: &Call, request: ChangeProfileRequest) -> Result<Done> {
        let display_name = request.display_name.as_deref().map(DisplayName::parse).transpose()?;
        let signature = request.signature.as_deref().map(Signature::parse).transpose()?;
        for (name, text) in [("display_name", &request.display_name), ("signature", &request.signature)] {
            self.words.admit(name, text.as_deref().unwrap_or_default()).await?;
        }
        let user = call.viewer()?;
        self.store.set_profile(user, display_name, signature, request.is_private).await?;
        if request.is_private == Some(true) {
            while self.store.withdraw_videos(user, Timestamp::now()).await? {}
        }
        Ok(Done {})
    }

    async fn set_standing(&self, call: &Call, request: SetStandingRequest) -> Result<Done> {
        self.change_standing(call, request).await
    }

    async fn administrate(&self, call: &Call, _request: AdministrateRequest) -> Result<Done> {
        self.admins.the(call).await.map(|_admin| Done {})
    }

    async fn list_accounts(&self, call: &Call, request: ListAccountsRequest) -> Result<UserList> {
        self.admins.the(call).await?;
        let standing = Standing::parse(&request.standing)?;
        Ok(card::users(self.store.accounts(standing, card::slice(request.slice)).await?))
    }

    async fn invite(&self, call: &Call, request: InviteRequest) -> Result<Invitation> {
        self.make_invitation(call, request).await
    }

    async fn list_invitations(
        &self,
        call: &Call,
        _request: ListInvitationsRequest,
    ) -> Result<InvitationList> {
        self.admins.the(call).await?;
        let rows = self.store.invitations(Timestamp::now()).await?;
        Ok(InvitationList { invitations: rows.into_iter().map(administration::invitation).collect() })
    }

    async fn end_invitation(&self, call: &Call, request: EndInvitationRequest) -> Result<Done> {
        let admin = self.admins.the(call).await?;
        self.store.end_invitation(admin, request.invitation_id, Timestamp::now()).await?;
        Ok(Done {})
    }

    async fn list_audit(&self, call: &Call, request: ListAuditRequest) -> Result<AuditList> {
        self.admins.the(call).await?;
        let found = self.store.audit_log(card::slice(request.slice)).await?;
        Ok(AuditList { next: found.next, entries: found.into_iter().map(administration::entry).collect() })
    }

    async fn create_webhook(&self, call: &Call, request: CreateWebhookRequest) -> Result<Webhook> {
        self.add_webhook(call, request).await
    }

    async fn list_webhooks(&self, call: &Call, _request: ListWebhooksRequest) -> Result<WebhookList> {
        self.all_webhooks(call).await
    }

    async fn delete_webhook(&self, call: &Call, request: WebhookRequest) -> Result<Done> {
        self.end_webhook(call, request).await
    }

    async fn list_deliveries(&self, call: &Call, request: ListDeliveriesRequest) -> Result<DeliveryList> {
        self.delivery_log(call, request).await
    }

    async fn replay_delivery(&self, call: &Call, request: ReplayDeliveryRequest) -> Result<Done> {
        self.tell_again(call, request).await
    }

    async fn report(&self, call: &Call, request: ReportRequest) -> Result<Done> {
        let viewer = call.viewer()?;
        let subject = administration::subject(&request)?;
        let reason = Reason::parse(&request.reason)?;
        let detail = Some(&request.detail).filter(|detail| !detail.is_empty());
        let detail = detail.map(|detail| Content::parse(detail)).transpose().map_err(|_wrong| {
            Error::Invalid { name: "detail".into(), problem: "must have 1 to 255 characters, or none".into() }
        })?;
        self.store.report(viewer, subject, reason, detail, Timestamp::now()).await?;
        Ok(Done {})
    }

    async fn list_reports(&self, call: &Call, request: ListReportsRequest) -> Result<ReportList> {
        self.admins.the(call).await?;
        let found = self.store.reports(Verdict::parse(&request.verdict)?, card::slice(request.slice)).await?;
        Ok(ReportList { next: found.next, reports: found.into_iter().map(administration::report).collect() })
    }

    async fn decide_report(&self, call: &Call, request: DecideReportRequest) -> Result<Done> {
        let admin = self.admins.the(call).await?;
        let verdict = Verdict::parse(&request.verdict)?;
        self.store.decide_report(admin, request.report_id, verdict, Timestamp::now()).await?;
        Ok(Done {})
    }

    async fn ask_once(&self, call: &Call, request: AskOnceRequest) -> Result<AskedOnce> {
        let AskOnceRequest { name, fingerprint } = request;
        if name.is_empty() || name.len() > 64 || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            let problem = "must be 1 to 64 visible characters of ASCII".to_owned();
            return Err(Error::BadParameter { name: "Idempotency-Key".into(), problem });
        }
        let now = Timestamp::now();
        match self.store.ask_once(call.viewer()?, name, fingerprint, now).await? {
            Asked::First => Ok(AskedOnce { first: true, answer: None }),
            Asked::Other => Err(Error::KeyReused),
            // Nothing takes longer than a publication.
            Asked::Before(at) if at > now.before(PUBLISH_TIME) => Err(Error::StillRunning),
            Asked::Before(_) => Err(Error::OutcomeUnknown),
            Asked::Answered(KeptAnswer { status, kind, location, body }) => {
                let (kind, location) = (kind.unwrap_or_default(), location.unwrap_or_default());
                Ok(AskedOnce { first: false, answer: Some(Answer { status, kind, location, body }) })
            }
        }
    }

    async fn answer_once(&self, call: &Call, request: AnswerOnceRequest) -> Result<Done> {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let answer = request.answer.map(|answer| KeptAnswer {
            status: answer.status,
            kind: some(answer.kind),
            location: some(answer.location),
            body: answer.body,
        });
        self.store.answered(call.viewer()?, request.name, answer).await?;
        Ok(Done {})
    }

    async fn search_people(&self, call: &Call, request: SearchRequest) -> Result<UserList> {
        let query = Query::parse(&request.query)?;
        Ok(card::users(self.store.search_people(query, call.viewer, card::slice(request.slice)).await?))
    }

    async fn get_account(&self, call: &Call, _request: GetAccountRequest) -> Result<OwnAccount> {
        let user = call.viewer()?;
        let row = self.store.login_row_of(user).await?;
        let has_password = !self.passwords.is_nothing(&row.password_hash);
        let card = self.store.user_card(user, Some(user)).await?;
        Ok(OwnAccount { user: Some(card::user(card)), is_admin: row.is_admin, has_password })
    }

    async fn get_user(&self, call: &Call, request: GetUserRequest) -> Result<User> {
        let user = UserId::parse(request.user_id)?;
        Ok(card::user(self.store.user_card(user, call.viewer).await?))
    }

    async fn revoked_since(
        &self,
        _call: &Call,
        request: RevokedSinceRequest,
    ) -> Result<RevokedSinceResponse> {
        let since = Timestamp::from_millis(request.since);
        let revoked = self.store.revoked_since(since).await?;
        let account = |found: store::Account| Account {
            user_id: found.id,
            token_epoch: found.token_epoch,
            ..Account::default()
        };
        let lately = since.max(Timestamp::now().before(ENDED_TIME));
        Ok(RevokedSinceResponse {
            accounts: revoked.into_iter().map(account).collect(),
            ended_sessions: self.store.ended_sessions(lately).await?,
        })
    }
}

impl Users {
    /// Whether whoever holds somebody's token knows the password, too; who has none must have opened this session lately.
    async fn prove(&self, user: UserId, password: &str, session: i64) -> Result<()> {
        let stored = self.store.login_row_of(user).await?.password_hash;
        if self.passwords.is_nothing(&stored) {
            let now = Timestamp::now();
            let sessions = self.store.sessions(user, now).await?;
            let is_new =
                |row: &SessionRow| row.id == session && row.created_at >= now.before(LATELY).millis();
            return if sessions.iter().any(is_new) { Ok(()) } else { Err(Error::LoginTooOld) };
        }
        let password = Password::attempt(password)?;
        let (fits, _renewed) = self.passwords.turn().await?.verify(password, Some(stored)).await?;
        if fits { Ok(()) } else { Err(Error::WrongPassword) }
    }

    /// Who has just proved who they are, with a session if a device asks for one.
    async fn logged_in(&self, user: UserId, token_epoch: i64, named: String) -> Result<Account> {
        if named.is_empty() {
            return Ok(Account { user_id: user.get(), token_epoch, ..Account::default() });
        }
        let id = self.store.open_session(user, device(&named), Timestamp::now()).await?;
        Ok(account(user, OpenSession { id, generation: 0, token_epoch }))
    }
}

fn account(user: UserId, open: OpenSession) -> Account {
    let OpenSession { id, generation, token_epoch } = open;
    Account { user_id: user.get(), token_epoch, session_id: id, generation, pending: false }
}

/// A device's words about itself, as far as they are kept.
fn device(named: &str) -> String {
    named.chars().filter(|c| !c.is_control()).take(120).collect()
}
