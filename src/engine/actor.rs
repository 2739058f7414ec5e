//! The loop of a running Workspace: batch, commit, then answer.
//!
//! 1. Wait for a command, or for the time when something is due; then take along what else is waiting.
//! 2. Move time forward, then apply the commands to the router, in memory.
//! 3. Commit all of it in one transaction. **Nobody has heard of anything yet**; a refusal waits too, because it
//!    may rest on a change that is not durable.
//! 4. Publish: the state, then the answers, then the events. **In this order**, so that who was answered reads its
//!    own write, and who got an event finds the objects in it.
//!
//! There is no timer between batches: under load they grow by themselves, because commands queue up while one is
//! committed; an idle Workspace commits at once.
//!
//! A commit that fails may have happened all the same (the answer was lost), so nothing is undone: the Workspace
//! is loaded again, and the callers are told that the outcome is unknown. A panic ends in the same way.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use routing::ids::{TaskId, WorkerId};
use routing::index::explain::Explanation;
use routing::time::Timestamp;
use routing::{Recorded, Router, State};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::events::Hub;
use super::handle::{Inner, WorkspaceHandle};
use super::rows::Rows;
use super::{Committed, Error, Settings, Submission};
use crate::clock::Clock;
use crate::store::{self, Commit, Key, Store, Trail};

/// How many messages may wait for the actor; behind them callers wait for room.
const MAILBOX_MESSAGES_MAX: usize = 4_096;
/// How many questions may wait; more are refused. Each takes as long as some hundreds of commands where there are
/// thousands of Workers.
const QUESTIONS_MAX: usize = 64;
/// How many commands one batch takes. It bounds the size of a transaction and the time that others wait for it.
const BATCH_COMMANDS_MAX: usize = 1_024;
/// How many timers one commit holds what comes of. After a long standstill hundreds of thousands may be due, and a
/// transaction that takes longer than the database may would be tried for ever.
const BATCH_TIMERS_MAX: usize = 4_096;
/// How many events one row of the log holds at most. Rows are read whole.
const ENTRY_EVENTS_MAX: usize = 256;
/// How often idempotency keys that are too old are looked for, and how many are forgotten in one go, so that nobody
/// waits long for the database.
const FORGET_KEYS_INTERVAL_SECONDS: u32 = 60;
const FORGET_KEYS_MAX: u64 = 5_000;
/// How long to wait before a broken Workspace is opened again: longer and longer, while it breaks down again at once.
const REOPEN_DELAY_MIN: Duration = Duration::from_millis(100);
const REOPEN_DELAY_MAX: Duration = Duration::from_secs(10);
/// What has run for so long was not broken from the beginning.
const SOUND_AFTER: Duration = Duration::from_secs(30);
/// How long the database may take. Beyond what it allows itself, so that this speaks of one that is silent.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(40);

/// Commands that are carried out together, and where their outcomes go.
pub(super) struct Message {
    pub(super) submissions: Vec<Submission>,
    pub(super) reply: oneshot::Sender<Vec<Result<Committed, Error>>>,
}

/// What somebody wants to know that only the router can say. It is answered between two batches, one question at a time,
/// so that those who ask do not keep those who work waiting.
pub(super) struct Question {
    pub(super) task: TaskId,
    pub(super) worker: Option<WorkerId>,
    pub(super) first: usize,
    pub(super) reply: oneshot::Sender<Option<Explanation>>,
}

/// What comes to an actor from outside.
struct Inbox {
    messages: mpsc::Receiver<Message>,
    questions: mpsc::Receiver<Question>,
}

/// The owner of a running Workspace.
struct Actor {
    router: Router,
    shared: Arc<Inner>,
    settings: Settings,
    clock: Clock,
    stop: CancellationToken,
    /// What follows the log.
    rows: Rows,
    /// When keys that are too old are looked for again.
    forget_keys_at: Timestamp,
}

/// How an actor ended.
enum End {
    /// The server shuts down, and nothing is left to do.
    Stopped,
    /// Another server owns the database now.
    TakenOver,
    /// A commit failed: the database knows what the state is.
    Lost,
}

/// What a command led to, before it is durable.
enum Outcome {
    Applied { sequence: u64 },
    Repeated { sequence: u64, subject: String },
    Refused(Error),
}

/// Runs a Workspace from its loaded state on.
pub(super) fn start(
    loaded: (State, Trail),
    store: Store,
    settings: &Settings,
    clock: Clock,
    actors: &TaskTracker,
    stop: &CancellationToken,
) -> WorkspaceHandle {
    let state = &loaded.0;
    let (mailbox, messages) = mpsc::channel(MAILBOX_MESSAGES_MAX);
    let (ask, questions) = mpsc::channel(QUESTIONS_MAX);
    let inbox = Inbox { messages, questions };
    let shared = Arc::new(Inner {
        id: state.id(),
        mailbox,
        ask,
        published: watch::Sender::new(state.sequence),
        hub: Hub::new(state.sequence),
        state: ArcSwap::from_pointee(state.clone()),
        store,
        request_timeout: settings.request_timeout,
    });
    let (settings, stop) = (settings.clone(), stop.clone());
    actors.spawn(keep_running(loaded, Arc::clone(&shared), inbox, settings, clock, stop));
    WorkspaceHandle::new(shared)
}

/// Opens the Workspace again whenever its actor breaks down, until the server stops.
async fn keep_running(
    loaded: (State, Trail),
    shared: Arc<Inner>,
    inbox: Inbox,
    settings: Settings,
    clock: Clock,
    stop: CancellationToken,
) {
    // A panic unwinds through the actor, not through the mailbox: what waits there is carried out afterwards.
    let inbox = Arc::new(Mutex::new(inbox));
    let mut loaded = Some(loaded);
    let mut delay = REOPEN_DELAY_MIN;
    loop {
        let (state, trail) = match loaded.take() {
            Some(loaded) => loaded,
            None => match reload(&shared, &stop).await {
                Some(loaded) => loaded,
                None => break,
            },
        };
        let rows = Rows::new(shared.store.clone(), trail);
        let stop_rows = CancellationToken::new();
        let following = tokio::spawn(rows.clone().follow(stop_rows.clone()));
        let opened_at = Instant::now();
        let (shared_too, inbox, settings) = (Arc::clone(&shared), Arc::clone(&inbox), settings.clone());
        let (clock, stop_too) = (clock.clone(), stop.clone());
        let running = tokio::spawn(async move {
            let (limits, now) = (settings.limits.clone(), clock.now());
            // A large Workspace takes a while, which the runtime's threads have better uses for.
            let router = tokio::task::spawn_blocking(move || Router::load(state, limits, now)).await;
            let router = router.expect("what was loaded is sound: the store has checked it");
            let actor = Actor {
                router,
                shared: shared_too,
                settings,
                clock,
                stop: stop_too,
                rows,
                forget_keys_at: now,
            };
            actor.run(&mut *inbox.lock().await).await
        });
        let end = running.await;
        if let Ok(End::Stopped) = end {
            stop_rows.cancel();
            let _ = following.await;
        } else {
            // The database knows what the rows do not show; it is read again with them.
            following.abort();
        }
        match end {
            Ok(End::Stopped) => break,
            Ok(End::TakenOver) => {
                tracing::error!(workspace = %shared.id, "another server has taken the database over; this one stops");
                break;
            }
            Ok(End::Lost) => {}
            Err(panic) => {
                tracing::error!(workspace = %shared.id, %panic, "a Workspace broke down and is opened again");
            }
        }
        if opened_at.elapsed() > SOUND_AFTER {
            delay = REOPEN_DELAY_MIN;
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(delay) => delay = (delay * 2).min(REOPEN_DELAY_MAX),
        }
    }
    // Wherever it ends, the server ends, too: one without its Workspaces would show an old state for ever.
    stop.cancel();
    let mut inbox = inbox.lock().await;
    inbox.messages.close();
    inbox.questions.close();
    shared.hub.close();
}

/// Loads the Workspace until that succeeds, and publishes what was found: an event whose commit was thought to
/// have failed may be among it.
async fn reload(shared: &Inner, stop: &CancellationToken) -> Option<(State, Trail)> {
    loop {
        let published = shared.state.load().sequence;
        match in_time(shared.store.load_with_trail(shared.id)).await {
            Some(Ok((state, _))) if state.sequence < published => {
                // A database that was set back. To go on would give out positions a second time.
                let found = state.sequence;
                tracing::error!(workspace = %shared.id, published, found, "acknowledged events are gone from the log");
            }
            Some(Ok((state, trail))) => {
                publish_state(shared, Arc::new(state.clone()));
                shared.hub.resynchronise(state.sequence);
                return Some((state, trail));
            }
            Some(Err(error)) => {
                let cause = store::chain(&error);
                tracing::error!(workspace = %shared.id, cause, "a Workspace cannot be loaded; trying again");
            }
            None => tracing::error!(workspace = %shared.id, "the database is silent; trying again"),
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            () = tokio::time::sleep(REOPEN_DELAY_MAX) => {}
        }
    }
}

/// What the database says, unless it is silent: a connection may be dead without anybody noticing.
async fn in_time<T>(question: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(DATABASE_TIMEOUT, question).await.ok()
}

fn publish_state(shared: &Inner, state: Arc<State>) {
    let sequence = state.sequence;
    shared.state.store(state);
    shared.published.send_replace(sequence);
}

impl Actor {
    async fn run(mut self, inbox: &mut Inbox) -> End {
        // What became possible or due while the Workspace was not running.
        if let Err(end) = self.carry_out(Vec::new()).await {
            return end;
        }
        while let Some(batch) = self.next_batch(inbox).await {
            if let Err(end) = self.carry_out(batch).await {
                return end;
            }
        }
        End::Stopped
    }

    /// The next commands; empty when something is due; `None` when the server stops and nothing is waiting.
    async fn next_batch(&self, inbox: &mut Inbox) -> Option<Vec<Message>> {
        let Inbox { messages, questions } = inbox;
        if let Ok(question) = questions.try_recv() {
            self.answer(question);
        }
        let deadline = self.router.next_deadline();
        let due = async {
            match deadline {
                Some(deadline) => self.clock.sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let first = tokio::select! {
            biased;
            message = messages.recv() => Some(message?),
            // An empty batch: what is asked is answered, and nothing happens but what is due.
            Some(question) = questions.recv() => {
                self.answer(question);
                None
            }
            () = due => None,
            () = self.stop.cancelled() => return None,
        };
        let mut batch: Vec<Message> = first.into_iter().collect();
        let mut n_commands = batch.iter().map(|message| message.submissions.len()).sum::<usize>();
        let mut n_before = 0;
        // Whoever is ready to send a command may do so first: nobody sleeps for that, and one commit serves them all.
        while n_before < batch.len() && n_commands < BATCH_COMMANDS_MAX {
            n_before = batch.len();
            tokio::task::yield_now().await;
            while n_commands < BATCH_COMMANDS_MAX {
                let Ok(message) = messages.try_recv() else { break };
                n_commands += message.submissions.len();
                batch.push(message);
            }
        }
        Some(batch)
    }

    /// Answers from what is committed: nothing is under way between two batches.
    fn answer(&self, Question { task, worker, first, reply }: Question) {
        // Who asks must not be able to break down who routes.
        let explained = AssertUnwindSafe(|| self.router.explain(task, worker, first));
        match std::panic::catch_unwind(explained) {
            // Whoever asked may have gone.
            Ok(explanation) => drop(reply.send(explanation)),
            // Whoever asks is told that there is no answer.
            Err(_) => tracing::error!(workspace = %self.shared.id, %task, "an explanation panicked"),
        }
    }

    async fn carry_out(&mut self, mut batch: Vec<Message>) -> Result<(), End> {
        // Who was told that nobody knows may have tried again elsewhere.
        batch.retain(|message| !message.reply.is_closed());
        let Some(mut known) = self.known_keys(&batch).await else {
            refuse(batch);
            return Ok(());
        };

        self.rows.keep_up().await;
        let mut expected_sequence = self.router.state().sequence;
        while !self.router.tick_in_part(self.clock.now(), BATCH_TIMERS_MAX) {
            let events = self.router.take_events();
            self.commit(expected_sequence, &events, &[]).await?;
            self.publish(Vec::new(), Vec::new(), events);
            self.rows.keep_up().await;
            expected_sequence = self.router.state().sequence;
        }
        let mut new_keys: Vec<Key> = Vec::new();
        let mut outcomes: Vec<Vec<Outcome>> = Vec::with_capacity(batch.len());
        let mut replies = Vec::with_capacity(batch.len());
        for Message { submissions, reply } in batch {
            let mut these = Vec::with_capacity(submissions.len());
            for submission in submissions {
                these.push(self.apply(submission, &mut known, &mut new_keys));
            }
            outcomes.push(these);
            replies.push(reply);
        }
        let events = self.router.take_events();

        // Where this fails, the replies are dropped, which tells the callers.
        self.commit(expected_sequence, &events, &new_keys).await?;
        self.publish(outcomes, replies, events);
        if !new_keys.is_empty() {
            self.forget_keys();
        }
        Ok(())
    }

    async fn commit(
        &mut self,
        expected_sequence: u64,
        events: &[Recorded],
        new_keys: &[Key],
    ) -> Result<(), End> {
        if !events.is_empty() || !new_keys.is_empty() {
            let commit = Commit {
                workspace: self.shared.id,
                expected_sequence,
                state: self.router.state(),
                entries: events.chunks(ENTRY_EVENTS_MAX).collect(),
                keys: new_keys,
            };
            match in_time(self.shared.store.commit(&commit)).await {
                Some(Ok(())) => {}
                Some(Err(error)) => return Err(self.lost(&error)),
                None => {
                    tracing::error!(workspace = %self.shared.id, "the database does not answer a commit");
                    return Err(End::Lost);
                }
            }
        }
        self.rows.note(events);
        Ok(())
    }

    /// Has old keys forgotten, beside the work of the Workspace. It is of no consequence when that fails.
    fn forget_keys(&mut self) {
        let now = self.router.now();
        if now < self.forget_keys_at {
            return;
        }
        self.forget_keys_at = now.plus_seconds(FORGET_KEYS_INTERVAL_SECONDS);
        let (store, before) = (self.shared.store.clone(), self.keys_since());
        tokio::spawn(async move {
            loop {
                match store.forget_keys(before, FORGET_KEYS_MAX).await {
                    Ok(FORGET_KEYS_MAX..) => {}
                    Ok(_) => break,
                    Err(error) => {
                        tracing::warn!(cause = store::chain(&error), "old idempotency keys are still there");
                        break;
                    }
                }
            }
        });
    }

    /// From when on keys count.
    fn keys_since(&self) -> Timestamp {
        let window = i64::try_from(self.settings.idempotency_window.as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.clock.now().0.saturating_sub(window))
    }

    fn apply(
        &mut self,
        submission: Submission,
        known: &mut BTreeMap<String, Key>,
        new: &mut Vec<Key>,
    ) -> Outcome {
        let Submission { command, actor, idempotency } = submission;
        if let Some(idempotency) = &idempotency
            && let Some(first) = known.get(&idempotency.key)
        {
            return if first.fingerprint == idempotency.fingerprint {
                Outcome::Repeated { sequence: first.sequence, subject: first.subject.clone() }
            } else {
                Outcome::Refused(Error::KeyReused)
            };
        }
        match command.and_then(|command| self.router.apply(command, actor)) {
            Ok(sequence) => {
                if let Some(idempotency) = idempotency {
                    let at = self.router.now();
                    let key = Key {
                        key: idempotency.key,
                        fingerprint: idempotency.fingerprint,
                        subject: idempotency.subject,
                        sequence,
                        at,
                    };
                    known.insert(key.key.clone(), key.clone());
                    new.push(key);
                }
                Outcome::Applied { sequence }
            }
            Err(rejection) => Outcome::Refused(Error::Rejected(rejection)),
        }
    }

    /// The keys of this batch that were used before; `None` where the database does not say. Who sends none pays
    /// nothing.
    async fn known_keys(&self, batch: &[Message]) -> Option<BTreeMap<String, Key>> {
        let submissions = batch.iter().flat_map(|message| &message.submissions);
        let keys: Vec<String> =
            submissions.filter_map(|submission| Some(submission.idempotency.as_ref()?.key.clone())).collect();
        if keys.is_empty() {
            return Some(BTreeMap::new());
        }
        match in_time(self.shared.store.keys(self.shared.id, &keys, self.keys_since())).await? {
            Ok(known) => Some(known.into_iter().map(|key| (key.key.clone(), key)).collect()),
            Err(error) => {
                let cause = store::chain(&error);
                tracing::error!(workspace = %self.shared.id, cause, "idempotency keys cannot be looked up");
                None
            }
        }
    }

    fn publish(
        &self,
        outcomes: Vec<Vec<Outcome>>,
        replies: Vec<oneshot::Sender<Vec<Result<Committed, Error>>>>,
        events: Vec<Recorded>,
    ) {
        let state = Arc::new(self.router.state().clone());
        publish_state(&self.shared, Arc::clone(&state));

        let committed = |outcome| match outcome {
            Outcome::Applied { sequence } => {
                Ok(Committed { sequence, state: Arc::clone(&state), repeated: None })
            }
            Outcome::Repeated { sequence, subject } => {
                Ok(Committed { sequence, state: Arc::clone(&state), repeated: Some(subject) })
            }
            Outcome::Refused(error) => Err(error),
        };
        for (outcomes, reply) in outcomes.into_iter().zip(replies) {
            // A caller who has gone away does not want to know.
            let _ = reply.send(outcomes.into_iter().map(committed).collect());
        }

        let events = events.into_iter().map(Arc::new).collect::<Vec<_>>();
        self.shared.hub.publish(&events);
    }

    fn lost(&self, error: &store::Error) -> End {
        if matches!(error, store::Error::TakenOver) {
            return End::TakenOver;
        }
        let cause = store::chain(error);
        tracing::error!(workspace = %self.shared.id, cause, "a commit failed; the Workspace is loaded again");
        End::Lost
    }
}

/// Nothing was applied: the callers may simply try again.
fn refuse(batch: Vec<Message>) {
    for Message { submissions, reply } in batch {
        // A caller who has gone away does not want to know.
        let _ = reply.send(submissions.iter().map(|_| Err(Error::Overloaded)).collect());
    }
}
