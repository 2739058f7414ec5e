//! What can be followed: each field is a filter over
//! [`WorkspaceAccess::follow`](crate::caller::WorkspaceAccess).
//!
//! Gapless, because a stream begins at the moment of the scope that it was opened with: whatever is committed
//! after that moment comes out of the log. There is no channel and no loop in here.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Subscription};
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt, future};
use routing::event::{Object as CoreObject, Recorded};
use routing::ids::{WorkerId, WorkspaceId};

use super::addressees::Addressees;
use super::error::{Error, Result};
use super::progress::Progress;
use super::scalars::{self, Sequence};
use super::scope::Scope;
use super::types::event::{Conditions, Event, EventFilter, EventType};
use super::types::reservation::Reservation;
use crate::caller::{Caller, Heard, News, Passage, Topic};

/// The root of subscriptions.
pub struct Subscriptions;

/// Gapless streams. With `after: n`, a stream goes on with every change after `n`, replayed from the log, or
/// ends with the error `EVENTS_EXPIRED` when the log no longer reaches back to `n`. A client that was cut off
/// subscribes again with the last `sequence` that it got, and misses nothing. Ends with `UNAUTHENTICATED` when
/// the token's time is over.
#[Subscription(name = "Subscription")]
impl Subscriptions {
    /// Open Reservations of one Worker, and each change of them. Without `after`, the first message holds all
    /// of them (also where there are none). Errors: `NOT_FOUND`; a Worker's token may name only its own Worker.
    async fn reservations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The Worker.")] worker_id: ID,
        #[graphql(desc = "Where to go on: the `sequence` of the last message that was got.")] after: Option<
            Sequence,
        >,
        #[graphql(
            desc = "Only changes of these types, as `[RESERVATION_CREATED]` for offers alone. The snapshot \
                          is the same. All of them where left out or empty."
        )]
        types: Option<Vec<EventType>>,
    ) -> Result<BoxStream<'static, Result<ReservationsMessage>>> {
        let types = types.unwrap_or_default();
        let is_wanted =
            move |event: &Recorded| types.is_empty() || types.contains(&EventType::of(&event.event));
        let worker: WorkerId = scalars::id("workerId", &worker_id)?;
        let progress = ctx.data_opt::<Arc<Progress>>().cloned().unwrap_or_default();
        if let Some(addressees) = ctx.data_opt::<Arc<Addressees<WorkerId, Caller>>>() {
            return for_each_worker(Arc::clone(addressees), progress, worker, is_wanted).await;
        }
        // In a box, which is gone once this has begun: what is awaited in here is kept as long as the stream.
        let scope = Box::pin(Scope::around(ctx, "workerId", worker)).await?;
        if scope.worker(worker).is_none() || !scope.state().workers.contains_key(&worker) {
            return Err(Error::not_found(worker, "workerId"));
        }
        let edge = scope.state().sequence;
        let prescribed = progress.prescribed().or(after.map(|after| after.0));
        let snapshot = match prescribed {
            None => {
                progress.begin_with_message(edge);
                Some(ReservationsMessage::of_all_open(&scope, worker))
            }
            // What lies ahead of the log is an error, and that is for `follow` to say.
            Some(begin) if begin > edge => None,
            Some(begin) => {
                progress.begin(begin, edge).await;
                None
            }
        };
        let passage = scope.access().passage();
        let changes = scope.access().follow(Topic::Worker(worker), prescribed.unwrap_or(edge))?;
        let changes = changes.filter_map(move |news| {
            future::ready(match news {
                Ok(News::Event(event)) if is_wanted(&event) => {
                    ReservationsMessage::of_change(&passage, worker, &event, &progress).map(Ok)
                }
                Ok(news) => {
                    progress.skip(news.position(), passage.edge());
                    None
                }
                Err(error) => Some(Err(error.into())),
            })
        });
        Ok(stream::iter(snapshot.map(Ok)).chain(changes).boxed())
    }

    /// The Workspace's event log, from `after` or from now. Errors: `NOT_FOUND`; `FORBIDDEN` for a Worker's
    /// token.
    async fn workspace_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The Workspace.")] workspace_id: ID,
        #[graphql(desc = "Where to go on: the `sequence` of the last event that was got.")] after: Option<
            Sequence,
        >,
        #[graphql(desc = "Only events that fit.")] filter: Option<EventFilter>,
    ) -> Result<impl Stream<Item = Result<Event>>> {
        let workspace: WorkspaceId = scalars::id("workspaceId", &workspace_id)?;
        let conditions = Conditions::of(filter)?;
        let scope = Box::pin(Scope::workspace_named(ctx, "workspaceId", workspace)).await?;
        scope.access().check_may_follow_everything()?;
        let progress = ctx.data_opt::<Arc<Progress>>().cloned().unwrap_or_default();
        let edge = scope.state().sequence;
        let begin = progress.prescribed().or(after.map(|after| after.0)).unwrap_or(edge);
        // What lies ahead of the log is an error, and that is for `follow` to say.
        if begin <= edge {
            progress.begin(begin, edge).await;
        }
        let passage = scope.access().passage();
        Ok(scope.access().follow(conditions.topic(), begin)?.filter_map(move |news| {
            let view = |event: Arc<Recorded>| {
                let access = passage.access();
                progress.produce(event.sequence, access.state().sequence);
                Event::of(Scope::of(access), event)
            };
            future::ready(match news {
                Ok(News::Event(event)) if conditions.admit(&event) => Some(Ok(view(event))),
                Ok(news) => {
                    progress.skip(news.position(), passage.edge());
                    None
                }
                Err(error) => Some(Err(error.into())),
            })
        }))
    }
}

/// `reservations` of each of the Workers who are served here, in one stream.
async fn for_each_worker(
    addressees: Arc<Addressees<WorkerId, Caller>>,
    progress: Arc<Progress>,
    one_of_them: WorkerId,
    is_wanted: impl Fn(&Recorded) -> bool + Send + 'static,
) -> Result<BoxStream<'static, Result<ReservationsMessage>>> {
    let access = addressees.host().workspace_of(one_of_them).await?;
    let edge = access.state().sequence;
    let begin = progress.prescribed().unwrap_or(edge);
    progress.begin(begin, edge).await;
    let passage = access.passage();
    let heard = access.follow_reservations_for(begin, move |worker, at| addressees.claim(worker, at));
    let messages = heard.filter_map(move |heard| {
        future::ready(match heard {
            Ok(Heard::Event(of_worker, worker, event)) if is_wanted(&event) => {
                ReservationsMessage::of_change(&of_worker, worker, &event, &progress).map(Ok)
            }
            Ok(heard) => {
                progress.skip(heard.position(), passage.edge());
                None
            }
            Err(error) => Some(Err(error.into())),
        })
    });
    Ok(messages.boxed())
}

/// A message of the stream of Reservations.
pub struct ReservationsMessage {
    sequence: u64,
    content: Content,
}

enum Content {
    Snapshot(Vec<Reservation>),
    Change(EventType, Reservation),
}

impl ReservationsMessage {
    /// All open Reservations of the Worker at the moment of the scope.
    fn of_all_open(scope: &Scope, worker: WorkerId) -> ReservationsMessage {
        let open = scope.state().reservations_of_worker(worker).filter(|each| each.status.is_open());
        let open = open.filter_map(|reservation| scope.see(reservation)).collect();
        ReservationsMessage { sequence: scope.state().sequence, content: Content::Snapshot(open) }
    }

    /// What an event changed about a Reservation of the Worker, if it did.
    fn of_change(
        passage: &Passage,
        worker: WorkerId,
        recorded: &Recorded,
        progress: &Progress,
    ) -> Option<ReservationsMessage> {
        let changed = recorded.event.objects().find_map(|object| match object {
            CoreObject::Reservation(reservation) if reservation.worker == worker => Some(reservation),
            _ => None,
        });
        let scope = Scope::of(passage.access());
        let edge = scope.state().sequence;
        // The Reservation is the one of the event; what is reached from it is of the present moment.
        let Some(reservation) = changed.and_then(|changed| scope.see(&changed)) else {
            progress.skip(recorded.sequence, edge);
            return None;
        };
        progress.produce(recorded.sequence, edge);
        let content = Content::Change(EventType::of(&recorded.event), reservation);
        Some(ReservationsMessage { sequence: recorded.sequence, content })
    }
}

/// Either a snapshot (the first message without `after`), or one change.
#[Object]
impl ReservationsMessage {
    /// The moment of the snapshot, or the position of the change in the log. Both are good for `after`.
    async fn sequence(&self) -> Sequence {
        Sequence(self.sequence)
    }

    /// All open Reservations (`PENDING`, `ACCEPTED`, `WRAPPING`), oldest first. Null in a message about a
    /// change.
    async fn snapshot(&self) -> Option<&[Reservation]> {
        match &self.content {
            Content::Snapshot(reservations) => Some(reservations),
            Content::Change(..) => None,
        }
    }

    /// What happened. Null in a snapshot.
    async fn event(&self) -> Option<EventType> {
        match &self.content {
            Content::Snapshot(_) => None,
            Content::Change(event, _) => Some(*event),
        }
    }

    /// The Reservation as it was after the change; what is reached from it is as it is now. Null in a snapshot.
    async fn reservation(&self) -> Option<&Reservation> {
        match &self.content {
            Content::Snapshot(_) => None,
            Content::Change(_, reservation) => Some(reservation),
        }
    }
}
