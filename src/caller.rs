//! The only door from a request to a Workspace.
//!
//! ```text
//!  token ──▶ Door::open ──▶ Caller ──▶ Caller::workspace ──▶ WorkspaceAccess
//!            who speaks?               which Workspaces?     what may they see and do there?
//! ```
//!
//! Whoever holds a [`Caller`] has shown a token; whoever holds a [`WorkspaceAccess`] may enter that Workspace.
//! Nothing else leads to one. A Workspace that does not exist and one that is somebody else's give the same
//! answer. Every command passes [`policy::permits`], every event [`policy::sees_event`], and nothing is answered
//! after the token's expiry, also on connections that outlive it. The repeat of a request that was carried out is no
//! new command.
//!
//! This module knows nothing of GraphQL, HTTP or the database.

use std::sync::Arc;

use futures_util::{Stream, StreamExt, future};
use routing::command::Command;
use routing::event::{Actor, Object, Recorded};
use routing::ids::{AnyId, Id, TaskId, WorkerId, WorkspaceId, WorkspaceTag};
use routing::index::explain::Explanation;
use routing::time::Timestamp;
use routing::{Rejection, State};
use uuid::Uuid;

use crate::auth::jwt::Keys;
use crate::auth::policy::{self, Basis, Refusal, Sight};
use crate::auth::{self, Grant, Principal};
use crate::clock::Clock;
use crate::engine::FollowError;
use crate::engine::{self, Engine, Idempotency, Submission, WorkspaceHandle};

pub use crate::engine::{Committed, News, Topic};

/// How often a command is judged anew because its Task changed in between. Each time, somebody else's command on
/// the same Task came first; that so many do in a row means that something runs wild.
const JUDGEMENTS_MAX: usize = 8;

/// Where requests come in. Cheap to clone.
#[derive(Clone)]
pub struct Door {
    /// The Workspaces.
    pub engine: Engine,
    /// What tokens are signed with.
    pub keys: Arc<Keys>,
    /// What time it is.
    pub clock: Clock,
    /// What the operator decides.
    pub settings: Settings,
}

/// What the operator decides about the door.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long a token lives that is made through the API, unless its maker says otherwise.
    pub token_seconds_default: u32,
    /// How long it may live at most. It cannot be called back, so this is how long a lost one does harm.
    pub token_seconds_max: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { token_seconds_default: 3_600, token_seconds_max: 86_400 }
    }
}

impl Door {
    /// Lets in whoever shows a token. `authorization` is the header of that name.
    pub fn open(&self, authorization: Option<&str>) -> Result<Caller, auth::Error> {
        let token = authorization.and_then(auth::bearer).ok_or(auth::Error::Missing)?;
        let principal = self.keys.authenticate(token, self.clock.now()).inspect_err(|error| {
            // The client is not told why: whoever forges tokens would learn from it.
            let reason = std::error::Error::source(error).map(ToString::to_string);
            tracing::info!(reason, "a token was refused: {error}");
        })?;
        Ok(Caller { door: self.clone(), principal: Arc::new(principal), minimum_sequence: 0 })
    }

    /// Can requests be served? The error says what is missing, for the operator.
    pub async fn ready(&self) -> Result<(), String> {
        let mut n_workspaces = 0;
        for handle in self.engine.workspaces() {
            n_workspaces += 1;
            if !handle.is_running() {
                return Err(format!("Workspace {} has stopped", handle.id()));
            }
        }
        if n_workspaces == 0 {
            return Err("no Workspace is running".to_owned());
        }
        self.engine.ping().await.map_err(|error| error.to_string())
    }
}

/// Somebody who has shown a token. Cheap to clone.
#[derive(Clone)]
pub struct Caller {
    door: Door,
    principal: Arc<Principal>,
    minimum_sequence: u64,
}

impl Caller {
    /// The same caller, who has seen the log up to `sequence` and must not be shown less.
    #[must_use]
    pub fn with_minimum_sequence(self, sequence: u64) -> Caller {
        Caller { minimum_sequence: sequence, ..self }
    }

    /// When the token's time ends, and with it whatever it opened.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.principal.expires_at
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.door.clock.now()
    }

    /// The role, and where it holds.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.principal.grant
    }

    /// Whom the caller is among, as far as others are shown the same or the like.
    #[must_use]
    pub fn audience(&self) -> Audience {
        match *self.grant() {
            Grant::Worker { workspace, .. } => Audience::Workers(workspace),
            grant @ (Grant::Admin { .. } | Grant::Supervisor { .. } | Grant::Reporter { .. }) => {
                Audience::Same(grant)
            }
        }
    }

    /// Somebody with the same grant and nothing else: no name, no token whose time could end. For what is executed
    /// once for all of an audience; so nothing but the grant can make a difference to its answers. Whoever passes
    /// them on sees to the end of each one's token.
    #[must_use]
    pub fn representative(&self) -> Caller {
        let principal = Principal {
            grant: *self.grant(),
            subject: String::new(),
            expires_at: Timestamp(i64::MAX),
            token_id: String::new(),
        };
        Caller { door: self.door.clone(), principal: Arc::new(principal), minimum_sequence: 0 }
    }

    /// The door's settings.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.door.settings
    }

    /// A Workspace by its id.
    pub async fn workspace(&self, id: WorkspaceId) -> Result<WorkspaceAccess, Error> {
        self.enter(self.door.engine.workspace(id)).await
    }

    /// The Workspace that an object belongs to.
    pub async fn workspace_of(&self, id: impl Id) -> Result<WorkspaceAccess, Error> {
        self.enter(self.door.engine.workspace_tagged(id.workspace_tag())).await
    }

    /// The Workspace that an object of any kind belongs to.
    pub async fn workspace_of_any(&self, id: AnyId) -> Result<WorkspaceAccess, Error> {
        self.enter(self.door.engine.workspace_tagged(id.workspace_tag())).await
    }

    /// All Workspaces that the caller may enter, ordered by id.
    pub async fn workspaces(&self) -> Result<Vec<WorkspaceAccess>, Error> {
        let handles = self.door.engine.workspaces().filter(|handle| self.may_enter(handle.id()));
        let mut entered = Vec::new();
        for handle in handles {
            entered.push(self.enter(Some(handle)).await?);
        }
        Ok(entered)
    }

    /// Refuses who may not have tokens made, whatever they are to grant.
    pub fn check_may_sign(&self) -> Result<(), Error> {
        Ok(policy::may_sign(&self.principal.grant)?)
    }

    /// Makes a token with the rights of `grant`, which must not exceed the caller's.
    pub fn sign(&self, grant: Grant, subject: String, lifetime_seconds: u32) -> Result<SignedToken, Error> {
        self.check_expiry()?;
        policy::may_hand_out(&self.principal.grant, &grant)?;
        let now = self.now();
        // Tokens count in whole seconds; what is cut off here would be cut off there.
        let mut expires_at = Timestamp(now.0.div_euclid(1000) * 1000).plus_seconds(lifetime_seconds);
        if matches!(grant, Grant::Admin { .. } | Grant::Supervisor { .. }) {
            // Who makes tokens must not outlive the own one by making another of the kind.
            expires_at = expires_at.min(self.expires_at());
        }
        let token_id = Uuid::now_v7().simple().to_string();
        let principal = Principal { grant, subject, expires_at, token_id };
        Ok(SignedToken { text: self.door.keys.sign(&principal, now), expires_at })
    }

    async fn enter(&self, handle: Option<&WorkspaceHandle>) -> Result<WorkspaceAccess, Error> {
        self.check_expiry()?;
        let handle = handle.filter(|handle| self.may_enter(handle.id())).ok_or(Error::NoWorkspace)?;
        let mut state = handle.state();
        if state.sequence < self.minimum_sequence {
            state = handle.state_at(self.minimum_sequence).await.map_err(|error| match error {
                engine::Error::Overloaded => Error::NotReached { sequence: self.minimum_sequence },
                other => Error::from(other),
            })?;
        }
        Ok(WorkspaceAccess { handle: handle.clone(), caller: self.clone(), state, now: self.now() })
    }

    fn may_enter(&self, id: WorkspaceId) -> bool {
        self.principal.grant.workspace().is_none_or(|only| only == id)
    }

    fn check_expiry(&self) -> Result<(), Error> {
        if self.now() < self.principal.expires_at { Ok(()) } else { Err(Error::Expired) }
    }

    /// Who the log will name as the cause.
    fn actor(&self) -> Actor {
        let subject = self.principal.subject.as_str();
        match self.principal.grant {
            Grant::Admin { .. } => Actor::Admin(subject.into()),
            // A reporter causes nothing; no command of theirs passes the policy.
            Grant::Supervisor { .. } | Grant::Reporter { .. } => Actor::Supervisor(subject.into()),
            Grant::Worker { worker, .. } => Actor::Worker(worker),
        }
    }
}

/// Callers who are shown the same, or the like.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Audience {
    /// This grant decides on everything that they are shown, so it is the very same.
    Same(Grant),
    /// The Workers of a Workspace: each of them is shown what is theirs, and nobody else is shown that.
    Workers(WorkspaceId),
}

/// A token, signed.
pub struct SignedToken {
    /// What goes behind `Bearer` in the header.
    pub text: String,
    /// When its time ends.
    pub expires_at: Timestamp,
}

/// One Workspace at one moment, for somebody who may enter it. Cheap to clone.
#[derive(Clone)]
pub struct WorkspaceAccess {
    handle: WorkspaceHandle,
    caller: Caller,
    state: Arc<State>,
    now: Timestamp,
}

/// A command with what comes with it.
pub struct Request {
    /// What to do.
    pub command: Command,
    /// The id, as text, of the object that will be shown in the answer.
    pub subject: String,
    /// How a repeat is recognised, if the caller wants that.
    pub once: Option<Once>,
}

/// How a repeat of a request is recognised.
#[derive(Clone)]
pub struct Once {
    /// The caller's key.
    pub key: String,
    /// What is asked, so that a key counts for one kind of request only.
    pub mutation: String,
    /// Which part of the request, where it consists of several.
    pub part: usize,
    /// SHA-256 over the input: under the same key it must be the same.
    pub fingerprint: [u8; 32],
}

/// A part of the log, as far as the caller sees it.
pub struct LogPage {
    /// The events, oldest first.
    pub events: Vec<Arc<Recorded>>,
    /// How far the log was read; the next page begins behind this position.
    pub read_to: u64,
    /// Does the log go on?
    pub has_more: bool,
}

/// The way into a Workspace, at any moment. For streams, which outlive many: an access would keep the state of its
/// moment in memory, with all Tasks that were purged since.
#[derive(Clone)]
pub struct Passage {
    handle: WorkspaceHandle,
    caller: Caller,
}

impl Passage {
    /// Access at the present moment.
    #[must_use]
    pub fn access(&self) -> WorkspaceAccess {
        let (handle, caller) = (self.handle.clone(), self.caller.clone());
        WorkspaceAccess { state: handle.state(), now: caller.now(), handle, caller }
    }

    /// The position of the last committed event.
    #[must_use]
    pub fn edge(&self) -> u64 {
        self.handle.sequence()
    }

    fn sees_now(&self, event: &Recorded) -> bool {
        match Sight::of(self.caller.grant()) {
            Sight::Everything => true,
            Sight::OwnWork(_) => self.access().sees(event),
        }
    }
}

/// What one of several Workers hears, with the way in of that one.
pub enum Heard {
    /// An event that the Worker sees.
    Event(Passage, WorkerId, Arc<Recorded>),
    /// There is nothing for any of them after the last event up to this position.
    NothingUpTo(u64),
}

impl Heard {
    /// Everything up to here has been heard.
    #[must_use]
    pub fn position(&self) -> u64 {
        match self {
            Heard::Event(_, _, event) => event.sequence,
            Heard::NothingUpTo(position) => *position,
        }
    }
}

impl WorkspaceAccess {
    /// The Workspace's id.
    #[must_use]
    pub fn id(&self) -> WorkspaceId {
        self.state.id()
    }

    /// The Workspace at the moment of this access.
    #[must_use]
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// The time of this access.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// How much of it the caller sees.
    #[must_use]
    pub fn sight(&self) -> Sight {
        Sight::of(self.caller.grant())
    }

    /// Who has entered.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The same access at another moment.
    #[must_use]
    pub fn at(&self, state: Arc<State>) -> WorkspaceAccess {
        WorkspaceAccess { state, now: self.caller.now(), ..self.clone() }
    }

    /// The same access without its moment.
    #[must_use]
    pub fn passage(&self) -> Passage {
        Passage { handle: self.handle.clone(), caller: self.caller.clone() }
    }

    /// An id for something that the caller creates now.
    #[must_use]
    pub fn mint<I: Id>(&self) -> I {
        I::minted(self.caller.now(), random_bits(), self.state.tag())
    }

    /// Ids for several things that the caller creates at once. They sort in the order in which they come.
    pub fn mint_several<I: Id>(&self) -> impl Iterator<Item = I> + use<I> {
        let (now, tag): (Timestamp, WorkspaceTag) = (self.caller.now(), self.state.tag());
        // Without the highest of the 42 bits, counting up does not overflow.
        let first = random_bits() & ((1 << 41) - 1);
        (first..).map(move |free| I::minted(now, free, tag))
    }

    /// Refuses who may not create Tasks, however many.
    pub fn check_may_create_tasks(&self) -> Result<(), Error> {
        Ok(policy::may_create_tasks(self.caller.grant())?)
    }

    /// Refuses who may not follow the whole log.
    pub fn check_may_follow_everything(&self) -> Result<(), Error> {
        Ok(policy::may_follow(self.sight(), None)?)
    }

    /// Has a command carried out and waits until it is durable.
    pub async fn execute(&self, request: Request) -> Result<Committed, Error> {
        let Request { command, subject, once } = request;
        let idempotency = once.map(|once| self.idempotency(once, subject));
        for _ in 0..JUDGEMENTS_MAX {
            let (command, is_pinned) = self.judge(command.clone())?;
            // Without a key, it cannot be a repeat.
            if let (Err(rejection), None) = (&command, &idempotency) {
                return Err(rejection.clone().into());
            }
            let submission =
                Submission { command, actor: self.caller.actor(), idempotency: idempotency.clone() };
            match self.handle.execute(submission).await {
                Err(engine::Error::Rejected(Rejection::VersionConflict { .. })) if is_pinned => {}
                answer => return answer.map_err(Error::from),
            }
        }
        Err(Error::Overloaded)
    }

    /// Has several commands carried out in one commit. Each has its own outcome.
    pub async fn execute_all(&self, requests: Vec<Request>) -> Result<Vec<Result<Committed, Error>>, Error> {
        let mut submissions = Vec::with_capacity(requests.len());
        for Request { command, subject, once } in requests {
            let (command, _) = self.judge(command)?;
            let idempotency = once.map(|once| self.idempotency(once, subject));
            submissions.push(Submission { command, actor: self.caller.actor(), idempotency });
        }
        let outcomes = self.handle.execute_all(submissions).await?;
        Ok(outcomes.into_iter().map(|outcome| outcome.map_err(Error::from)).collect())
    }

    /// The events after `after` that the caller sees, from the log up to the live edge, then live. Ends with the
    /// first error; the expiry of the token is one.
    pub fn follow(
        &self,
        topic: Topic,
        after: u64,
    ) -> Result<impl Stream<Item = Result<News, Error>> + Send + 'static + use<>, Error> {
        let worker = match topic {
            Topic::Worker(worker) => Some(worker),
            Topic::Workspace | Topic::Task(_) | Topic::TaskQueue(_) | Topic::Reservations => None,
        };
        policy::may_follow(self.sight(), worker)?;
        let passage = self.passage();
        let seen = self.handle.follow(topic, after).map(move |news| {
            passage.caller.check_expiry()?;
            Ok(match news? {
                News::Event(event) if !passage.sees_now(&event) => News::NothingUpTo(event.sequence),
                news => news,
            })
        });
        Ok(until_it_fails(seen))
    }

    /// The events of all Reservations after `after`, each as the Worker sees it whose Reservation it is. `claim` is
    /// asked for that Worker's Caller, with the position of the event; where there is none, nobody is shown
    /// anything. So this needs no right of its own.
    pub fn follow_reservations_for(
        &self,
        after: u64,
        claim: impl Fn(WorkerId, u64) -> Option<Caller> + Send + 'static,
    ) -> impl Stream<Item = Result<Heard, Error>> + Send + 'static {
        let handle = self.handle.clone();
        let heard = self.handle.follow(Topic::Reservations, after).map(move |news| {
            let event = match news? {
                News::Event(event) => event,
                News::NothingUpTo(position) => return Ok(Heard::NothingUpTo(position)),
            };
            let worker = event.event.objects().find_map(|object| match object {
                Object::Reservation(reservation) => Some(reservation.worker),
                _ => None,
            });
            let served = worker.and_then(|worker| {
                let caller = claim(worker, event.sequence)?;
                let is_own =
                    Sight::of(caller.grant()) == Sight::OwnWork(worker) && caller.may_enter(handle.id());
                is_own.then(|| (Passage { handle: handle.clone(), caller }, worker))
            });
            Ok(match served {
                Some((passage, worker)) if passage.sees_now(&event) => Heard::Event(passage, worker, event),
                _ => Heard::NothingUpTo(event.sequence),
            })
        });
        until_it_fails(heard)
    }

    /// Why a Task waits, or how it was routed, as things are now.
    pub async fn explain(
        &self,
        task: TaskId,
        worker: Option<WorkerId>,
        first: usize,
    ) -> Result<Option<Explanation>, Error> {
        self.caller.check_expiry()?;
        policy::may_see_routing(self.sight())?;
        Ok(self.handle.explain(task, worker, first).await?)
    }

    /// About `limit` events of the log after `after`, up to the moment of this access, as far as the caller sees
    /// them.
    pub async fn history(&self, after: u64, limit: usize) -> Result<LogPage, Error> {
        self.caller.check_expiry()?;
        let (mut events, mut has_more) = self.handle.history(after, limit).await?;
        let present = events.partition_point(|event| event.sequence <= self.state.sequence);
        if present < events.len() {
            events.truncate(present);
            has_more = false;
        }
        let read_to = events.last().map_or(after, |event| event.sequence);
        events.retain(|event| self.sees(event));
        Ok(LogPage { events, read_to, has_more: has_more && read_to < self.state.sequence })
    }

    /// The position of the last event before `instant`, up to the moment of this access; 0 where there is none.
    /// Found by halving, because times do not decrease along the log.
    pub async fn position_before(&self, instant: Timestamp) -> Result<u64, Error> {
        self.caller.check_expiry()?;
        // What is at `before` is before the instant; what is at `after` is not.
        let (mut before, mut after) = (0, self.state.sequence + 1);
        while before + 1 < after {
            let middle = before + (after - before) / 2;
            let is_before = match self.handle.history(middle - 1, 1).await {
                Ok((events, _)) => events.first().is_some_and(|event| event.at < instant),
                // What the log has lost is older than what it has.
                Err(FollowError::Expired) => true,
                Err(other) => return Err(other.into()),
            };
            if is_before { before = middle } else { after = middle }
        }
        Ok(before)
    }

    /// The position behind which the log begins: 0, unless it has lost its oldest events.
    pub async fn beginning(&self) -> Result<u64, Error> {
        self.caller.check_expiry()?;
        let (mut lost, mut there) = (None, self.state.sequence);
        while lost.map_or(0, |lost| lost + 1) < there {
            let middle = lost.map_or(0, |lost| lost + (there - lost) / 2);
            match self.handle.history(middle, 1).await {
                Ok(_) => there = middle,
                Err(FollowError::Expired) => lost = Some(middle),
                Err(other) => return Err(other.into()),
            }
        }
        Ok(there)
    }

    fn sees(&self, event: &Recorded) -> bool {
        policy::sees_event(self.sight(), &event.event, &self.state, self.now)
    }

    /// Asks the policy. Where the answer rests on the version of a Task and the caller has not named one, the
    /// command is pinned to it, so that the core refuses it should the Task have changed meanwhile.
    ///
    /// What is forbidden to the role is an error. What is refused as things are now may have been permitted before,
    /// and may have made them so: whether the request is a repeat, only the Workspace knows.
    fn judge(&self, mut command: Command) -> Result<(Result<Command, Rejection>, bool), Error> {
        self.caller.check_expiry()?;
        let state = self.handle.state();
        let judged = match policy::permits(self.caller.grant(), &command, &state) {
            Ok(Basis::Lasting) => return Ok((Ok(command), false)),
            Ok(Basis::TaskVersion(version)) => version,
            Err(Refusal::NotNow(rejection)) => return Ok((Err(rejection), false)),
            Err(Refusal::Hidden { kind, id, field }) => {
                return Ok((Err(Rejection::NotFound { kind, id, field }), false));
            }
            Err(forbidden @ Refusal::Forbidden { .. }) => return Err(forbidden.into()),
        };
        let expected = match &mut command {
            Command::UpdateTask(command) => &mut command.expected_version,
            Command::WrapUpTask(command) => &mut command.expected_version,
            Command::CompleteTask(command) => &mut command.expected_version,
            Command::TransferTask(command) => &mut command.expected_version,
            other => unreachable!("{other:?} is not judged by the version of a Task"),
        };
        match *expected {
            // The caller's own version decides. One that lies ahead cannot be right, and must not come true
            // between here and the core, with facts that nobody has judged.
            Some(version) if version > judged => {
                let conflict =
                    Rejection::VersionConflict { kind: "Task", expected: version, present: judged };
                Ok((Err(conflict), false))
            }
            Some(_) => Ok((Ok(command), false)),
            None => {
                *expected = Some(judged);
                Ok((Ok(command), true))
            }
        }
    }

    fn idempotency(&self, once: Once, subject: String) -> Idempotency {
        let Once { key, mutation, part, fingerprint } = once;
        let Principal { grant, subject: caller, .. } = &*self.caller.principal;
        // No right depends on what a token says about itself, and a repeat is answered without asking the policy.
        let caller = match grant {
            Grant::Worker { worker, .. } => worker.to_string(),
            Grant::Admin { .. } | Grant::Supervisor { .. } | Grant::Reporter { .. } => caller.clone(),
        };
        // As JSON, so that no choice of names can make two scopes look alike.
        let scope = serde_json::json!([format!("{:?}", grant.role()), caller, mutation, key, part]);
        Idempotency { key: scope.to_string(), fingerprint, subject }
    }
}

/// The stream, up to its first error.
fn until_it_fails<T: Send + 'static>(
    stream: impl Stream<Item = Result<T, Error>> + Send + 'static,
) -> impl Stream<Item = Result<T, Error>> + Send + 'static {
    stream.scan(false, |has_failed, item| {
        let item = (!*has_failed).then_some(item);
        *has_failed = matches!(item, Some(Err(_)) | None);
        future::ready(item)
    })
}

/// 42 bits that nobody can guess; the rest is not used.
fn random_bits() -> u64 {
    Uuid::now_v7().as_u64_pair().1
}

/// Why the door, or what is behind it, did not do what it was asked.
#[derive(Clone, Debug)]
pub enum Error {
    /// The token's time has ended since it was shown.
    Expired,
    /// There is no such Workspace, or it is somebody else's.
    NoWorkspace,
    /// The role may never do this.
    Forbidden {
        /// What is missing, as a sentence for people.
        message: &'static str,
        /// The input field that goes too far, if it is not the request as a whole.
        field: Option<&'static str>,
    },
    /// There is no such object, or it is none of the caller's business.
    NotFound {
        /// `Worker`, `Task`, …
        kind: &'static str,
        /// The id, as the caller gave it.
        id: String,
        /// The input field that names it.
        field: &'static str,
    },
    /// The Workspace refused; nothing changed.
    Rejected(Rejection),
    /// The idempotency key was used before with another input; nothing changed.
    KeyReused,
    /// It could not be made durable, or it is not known whether it was.
    InDoubt,
    /// Too much to do. Later, it may work.
    Overloaded,
    /// The Workspace does not run at present.
    Stopped,
    /// The state that the caller must not be shown less than did not come in time.
    NotReached {
        /// The position that was asked for.
        sequence: u64,
    },
    /// The log does not reach back to the position that was asked for.
    EventsExpired,
    /// The log has not reached the position that was asked for.
    EventsAhead,
    /// The log cannot be read at present.
    LogUnreadable,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        match refusal {
            Refusal::Forbidden { message, field } => Error::Forbidden { message, field },
            Refusal::Hidden { kind, id, field } => Error::NotFound { kind, id, field },
            Refusal::NotNow(rejection) => Error::Rejected(rejection),
        }
    }
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Error {
        match rejection {
            // So that what is hidden and what does not exist cannot be told apart.
            Rejection::NotFound { kind, id, field } => Error::NotFound { kind, id, field },
            other => Error::Rejected(other),
        }
    }
}

impl From<engine::Error> for Error {
    fn from(error: engine::Error) -> Error {
        match error {
            engine::Error::Rejected(rejection) => rejection.into(),
            engine::Error::KeyReused => Error::KeyReused,
            engine::Error::NotCommitted => Error::InDoubt,
            engine::Error::Overloaded => Error::Overloaded,
            engine::Error::Stopped => Error::Stopped,
        }
    }
}

impl From<FollowError> for Error {
    fn from(error: FollowError) -> Error {
        match error {
            FollowError::Expired => Error::EventsExpired,
            FollowError::Future => Error::EventsAhead,
            FollowError::Unavailable => Error::LogUnreadable,
        }
    }
}
