//! One execution for all who follow the same, or the like.
//!
//! ```text
//!  clients     Follower ── alone ──▶ an execution of its own
//!                 │
//!               member
//!                 ▼
//!  Groups ──▶  Group ──▶ Run ◀──publishes── a task with the one execution
//!                 └────▶ Round ◀──delivers── a task with the one execution
//! ```
//!
//! Two subscriptions are the same when their clients belong to one audience ([`Gate::audience`]), and document,
//! operation and variables are the same, except for variables that say nothing but where to begin. They share a
//! [`Run`]: each message is for all of them. Two are alike when they are the same except for variables that say
//! nothing but whom they are for ([`Gate::addressee`]). They share a [`Round`]: each message is for one of them, and
//! was resolved with the Caller of that one.
//!
//! 1. A client's [`Follower`] begins alone: its operation is executed with its own Caller, and so refused where it
//!    must be. As soon as its position is known ([`Progress`]), it looks at the run or round of its group.
//! 2. If that still has every message after that position, the follower drops its own execution and becomes a
//!    member: **from its own position**, whether the other one is ahead of it or behind it.
//! 3. If there is none, it starts one, from its position; unless that lies so far back in the log that others who
//!    come would wait for the log to be read.
//! 4. Otherwise it goes on alone, and tries again after each message.
//! 5. A member who has not taken a message when the run or round lets go of it is alone again, from its own position:
//!    who is too slow goes back to the log, and never ahead.
//! 6. What ends a run ends it for each member, after the messages before it. What ends a round sends each member
//!    back to an execution of their own, which ends by itself if it must. When the last member leaves, the execution
//!    is dropped.
//!
//! Promises: a member gets exactly what it would get alone: no hole, no repeat, no message of another subscription.
//! Nothing here waits for anybody. What is shared is executed for Callers who have only what the audience has in
//! common (and whose they are), so no token's end ends it; that a member's token is still good is for the member's
//! connection to see to.

mod round;
mod run;

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, Weak},
    task::{Context, Poll, Waker},
};

use async_graphql::Executor;
use axum::extract::ws::Utf8Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use tokio::task::AbortHandle;
use tracing::Instrument;

use self::{round::Round, run::Run};
use super::{
    Gate, RequestId,
    answer::Answer,
    operation::{Endpoint, Template},
};
use crate::graphql::{addressees::Addressees, progress::Progress};

/// How many bytes of messages each member brings room for, so that clients who follow something of their own each
/// do not make the server keep much for each.
const MESSAGE_BYTES_PER_MEMBER: usize = 16 * 1024;

/// How far behind the end of the log a run or round may begin. (For who was too slow for one it is the end of the
/// log: else the next one would run away from it, too.)
const BEHIND_MAX: u64 = 256;

/// Messages that are published at once: they are written to each socket at once.
const BATCH_MAX: usize = 32;

/// All groups that have followers.
pub(super) struct Groups<E, G: Gate>(Mutex<ByKey<E, G>>);

type ByKey<E, G> = HashMap<Arc<Key<<G as Gate>::Audience>>, Weak<Group<E, G>>>;

impl<E, G: Gate> Default for Groups<E, G> {
    fn default() -> Groups<E, G> {
        Groups(Mutex::default())
    }
}

/// What those follow the same in, or the like, whose keys are equal.
#[derive(PartialEq, Eq)]
pub(super) struct Key<A> {
    pub audience: A,
    pub query: String,
    pub operation_name: Option<String>,
    /// As JSON, without those that say where to begin, and without the value of those that say whom it is for.
    pub variables: String,
}

impl<A: Hash> Hash for Key<A> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Key { audience, query, operation_name, variables } = self;
        (audience, query, operation_name, variables).hash(state);
    }
}

/// A subscription that several may follow.
struct Group<E, G: Gate> {
    endpoint: Arc<Endpoint<E, G>>,
    key: Arc<Key<G::Audience>>,
    /// Of who came first: where it begins is prescribed, and whom it is for is filled in.
    template: Template,
    /// What it is called in the log: as the request of who came first.
    id: RequestId,
    /// The execution that new members join.
    current: Mutex<Current<G>>,
}

enum Current<G: Gate> {
    None,
    Run(Arc<Run<G::Caller>>),
    Round(Arc<Round<G::Addressee, G::Caller>>),
}

/// For whom a follower follows: somebody with only what the audience has in common, and perhaps whose messages
/// they want.
struct Party<G: Gate> {
    representative: G::Caller,
    addressee: Option<G::Addressee>,
}

impl<E: Executor, G: Gate> Group<E, G> {
    /// The group with this key, or a new one.
    fn find(
        endpoint: &Arc<Endpoint<E, G>>,
        key: Key<G::Audience>,
        template: Template,
        id: &RequestId,
    ) -> Arc<Group<E, G>> {
        let mut groups = lock(&endpoint.groups.0);
        if let Some(group) = groups.get(&key).and_then(Weak::upgrade) {
            return group;
        }
        let key = Arc::new(key);
        let group = Arc::new(Group {
            endpoint: Arc::clone(endpoint),
            key: Arc::clone(&key),
            template,
            id: id.clone(),
            current: Mutex::new(Current::None),
        });
        groups.insert(key, Arc::downgrade(&group));
        group
    }

    /// An execution for one party, from behind `position`.
    fn execute(&self, party: &Party<G>, position: u64) -> (BoxStream<'static, Answer>, Arc<Progress>) {
        let progress = Arc::new(Progress::from(position));
        let request = self.template.request(party.addressee, Arc::clone(&progress));
        let request = request.data(party.representative.clone());
        (self.endpoint.execute_stream(&self.template, request, self.id.clone()), progress)
    }

    /// Makes a member of who has everything up to `position`.
    /// `may_begin` says whether there may be a new execution from there, if there is none.
    fn join(&self, party: &Party<G>, position: u64, may_begin: bool) -> Option<Member<G>> {
        let mut current = lock(&self.current);
        let attached = match (&*current, party.addressee) {
            (Current::Run(run), _) => run.attach(position).map(Member::OfRun),
            (Current::Round(round), Some(addressee)) => {
                round.attach(addressee, &party.representative, position).map(Member::OfRound)
            }
            (Current::Round(_), None) => unreachable!("addressees have an audience of their own"),
            (Current::None, _) => Attached::Over,
        };
        match attached {
            Attached::Member(member) => return Some(member),
            Attached::TooEarly => return None,
            Attached::Over => *current = Current::None,
        }
        if !may_begin {
            return None;
        }
        let (begun, member) = match party.addressee {
            None => self.begin_run(party, position),
            Some(addressee) => self.begin_round(party, addressee, position),
        };
        *current = begun;
        Some(member)
    }

    fn begin_run(&self, party: &Party<G>, position: u64) -> (Current<G>, Member<G>) {
        let run = Arc::new(Run::new(position, party.representative.clone()));
        let Attached::Member(member) = run.attach(position) else { unreachable!("it has just begun") };
        let (answers, progress) = self.execute(party, position);
        let task = self.spawn(run::publish_all(Arc::clone(&run), answers, progress, self.id.clone()));
        run.task.set(task).expect("it is set once");
        (Current::Run(run), Member::OfRun(member))
    }

    fn begin_round(
        &self,
        party: &Party<G>,
        addressee: G::Addressee,
        position: u64,
    ) -> (Current<G>, Member<G>) {
        let addressees = Arc::new(Addressees::from(position, party.representative.clone()));
        let round = Arc::new(Round::new(Arc::clone(&addressees)));
        let attached = round.attach(addressee, &party.representative, position);
        let Attached::Member(member) = attached else { unreachable!("it has just begun") };
        let progress = Arc::new(Progress::from(position));
        // Without a Caller: there is none who could be shown what this is executed for.
        let request = self.template.request(Some(addressee), Arc::clone(&progress)).data(addressees);
        let answers = self.endpoint.execute_stream(&self.template, request, self.id.clone());
        let task = self.spawn(round::deliver_all(Arc::clone(&round), answers, progress, self.id.clone()));
        round.task.set(task).expect("it is set once");
        (Current::Round(round), Member::OfRound(member))
    }

    fn spawn(&self, execution: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let span = tracing::info_span!(parent: None, "shared", id = %self.id);
        tokio::spawn(execution.instrument(span)).abort_handle()
    }
}

impl<E, G: Gate> Drop for Group<E, G> {
    fn drop(&mut self) {
        let mut groups = lock(&self.endpoint.groups.0);
        // There may be a new group with the key by now.
        if groups.get(&self.key).is_some_and(|group| group.strong_count() == 0) {
            groups.remove(&self.key);
        }
    }
}

/// One client's subscription.
pub(super) struct Follower<E, G: Gate> {
    group: Arc<Group<E, G>>,
    source: Source<G>,
}

enum Source<G: Gate> {
    Alone(Box<Alone<G>>),
    Member(Member<G>),
    Ended,
}

/// An execution for one client.
struct Alone<G: Gate> {
    answers: BoxStream<'static, Answer>,
    progress: Arc<Progress>,
    /// It was not polled yet.
    is_fresh: bool,
    /// How far behind the end of the log it may become a run or round.
    behind_max: u64,
    party: Party<G>,
}

enum Member<G: Gate> {
    OfRun(run::Member<G::Caller>),
    OfRound(round::Member<G::Addressee, G::Caller>),
}

impl<E: Executor, G: Gate> Follower<E, G> {
    /// For the client whose own template this is.
    pub fn new(
        endpoint: &Arc<Endpoint<E, G>>,
        key: Key<G::Audience>,
        template: Template,
        caller: G::Caller,
        addressee: Option<G::Addressee>,
        id: RequestId,
    ) -> Follower<E, G> {
        let party = Party { representative: G::representative(&caller), addressee };
        // With this client's variables, which say where it begins; those of the group say where another one did.
        let progress = Arc::new(Progress::new());
        let request = template.request(addressee, Arc::clone(&progress)).data(caller);
        let answers = endpoint.execute_stream(&template, request, id.clone());
        let group = Group::find(endpoint, key, template, &id);
        let alone = Alone { answers, progress, is_fresh: true, behind_max: BEHIND_MAX, party };
        Follower { group, source: Source::Alone(Box::new(alone)) }
    }

    /// What is next for the operation with this id (as JSON).
    pub fn poll_next(&mut self, context: &mut Context<'_>, id: &str) -> Poll<Followed> {
        loop {
            match &mut self.source {
                Source::Alone(alone) => {
                    let Alone { answers, progress, is_fresh, behind_max, party } = &mut **alone;
                    // An execution that is dropped after the first poll must not wake anybody; if it is not
                    // dropped, it is polled again at once.
                    let was_fresh = std::mem::replace(is_fresh, false);
                    let mut no_wake = Context::from_waker(Waker::noop());
                    let polled =
                        answers.poll_next_unpin(if was_fresh { &mut no_wake } else { &mut *context });
                    match &polled {
                        Poll::Ready(Some(Answer::Executed(_))) => {
                            progress.delivered();
                        }
                        Poll::Ready(_) => {
                            self.source = Source::Ended;
                            return polled.map(Followed::Own);
                        }
                        Poll::Pending => {}
                    }
                    let joined = match progress.position() {
                        Some(position) => self.group.join(party, position, progress.behind() <= *behind_max),
                        None => None,
                    };
                    let has_joined = joined.is_some();
                    if let Some(member) = joined {
                        self.source = Source::Member(member);
                    }
                    if polled.is_ready() || !(has_joined || was_fresh) {
                        return polled.map(Followed::Own);
                    }
                }
                Source::Member(member) => {
                    let taken = match member {
                        Member::OfRun(member) => member.poll_take(context, id),
                        Member::OfRound(member) => member.poll_take(context, id),
                    };
                    match taken {
                        Poll::Ready(Taken::Message(frame)) => return Poll::Ready(Followed::Shared(frame)),
                        Poll::Ready(Taken::Missed) => self.go_alone(),
                        Poll::Ready(Taken::End(end)) => {
                            self.source = Source::Ended;
                            return Poll::Ready(Followed::Own(end));
                        }
                        Poll::Pending => return Poll::Pending,
                    }
                }
                Source::Ended => return Poll::Ready(Followed::Own(None)),
            }
        }
    }

    /// From the member's own position, after the run or round has let go of it.
    fn go_alone(&mut self) {
        let Source::Member(member) = &self.source else { return };
        let (party, position) = match member {
            Member::OfRun(member) => {
                (Party { representative: member.representative(), addressee: None }, member.position())
            }
            Member::OfRound(member) => {
                let addressee = Some(member.addressee());
                (Party { representative: member.representative(), addressee }, member.position())
            }
        };
        let (answers, progress) = self.group.execute(&party, position);
        let alone = Alone { answers, progress, is_fresh: true, behind_max: 0, party };
        self.source = Source::Alone(Box::new(alone));
    }
}

/// What a follower gets.
pub(super) enum Followed {
    /// A result of a run or round, in the envelope of the follower's operation.
    Shared(Utf8Bytes),
    /// What was executed for this one alone, or the end.
    Own(Option<Answer>),
}

/// What a follower finds who wants to join a run or round.
enum Attached<M> {
    Member(M),
    /// Something after the position may be gone already.
    TooEarly,
    /// The execution has ended.
    Over,
}

impl<M> Attached<M> {
    fn map<N>(self, into: impl FnOnce(M) -> N) -> Attached<N> {
        match self {
            Attached::Member(member) => Attached::Member(into(member)),
            Attached::TooEarly => Attached::TooEarly,
            Attached::Over => Attached::Over,
        }
    }
}

/// What a member finds.
enum Taken {
    Message(Utf8Bytes),
    /// There is no longer every message that the member wants.
    Missed,
    End(Option<Answer>),
}

/// The messages that are ready, after the first; made of the texts by `message`. With the end, if it has come to one.
async fn next_batch<M>(
    answers: &mut BoxStream<'static, Answer>,
    mut message: impl FnMut(Utf8Bytes) -> M,
    id: &RequestId,
) -> (Vec<M>, Option<Option<Answer>>) {
    let mut messages = Vec::new();
    let end = std::future::poll_fn(|context| {
        loop {
            let polled = std::panic::catch_unwind(AssertUnwindSafe(|| answers.poll_next_unpin(context)));
            match polled {
                Ok(Poll::Ready(Some(Answer::Executed(text)))) => {
                    messages.push(message(text));
                    if messages.len() >= BATCH_MAX {
                        return Poll::Ready(None);
                    }
                }
                Ok(Poll::Ready(end)) => return Poll::Ready(Some(end)),
                Ok(Poll::Pending) if messages.is_empty() => return Poll::Pending,
                Ok(Poll::Pending) => return Poll::Ready(None),
                Err(panic) => return Poll::Ready(Some(Some(Answer::of_panic(&*panic, id)))),
            }
        }
    });
    let end = end.await;
    (messages, end)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it holds this")
}
