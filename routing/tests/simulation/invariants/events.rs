//! What holds of an event, given the state before it.

use routing::State;
use routing::event::{Event, Object, Recorded};
use routing::state::task::Place;
use routing::state::task_transfer::TransferStatus;
use routing::state::{Reservation, ReservationStatus, TaskStatus};

/// I-28: an event that was written is read back the same.
pub(super) fn events_survive_being_written(recorded: &Recorded) {
    let text = serde_json::to_string(recorded).expect("an event can be written");
    let read: Recorded = serde_json::from_str(&text).expect("an event can be read");
    assert!(read == *recorded, "an event that was read back differs: {text}");
}

/// I-15. Completed and canceled absorb; nothing but the events that are named so moves a Task.
pub(super) fn tasks_live_by_the_graph(before: &State, recorded: &Recorded) {
    use TaskStatus::*;
    for object in recorded.event.objects() {
        let Object::Task(task) = object else { continue };
        let Some(old) = before.tasks.get(&task.id) else {
            assert!(matches!(recorded.event, Event::TaskCreated { .. }), "a Task comes by task.created");
            assert_eq!(task.status(), Pending, "a Task begins as pending");
            continue;
        };
        let (from, to) = (old.status(), task.status());
        let is_legal = match &recorded.event {
            _ if from == to => true,
            Event::ReservationCreated { .. } => (from, to) == (Pending, Reserved),
            Event::ReservationAccepted { .. } => (from, to) == (Reserved, Assigned),
            Event::ReservationRejected { .. }
            | Event::ReservationTimeout { .. }
            | Event::ReservationCanceled { .. } => (from, to) == (Reserved, Pending),
            Event::TaskCanceled { .. } => (from, to) == (Pending, Canceled),
            Event::TaskWrapup { .. } => (from, to) == (Assigned, Wrapping),
            Event::TaskCompleted { .. } | Event::TaskSystemDeleted { .. } => {
                matches!((from, to), (Assigned | Wrapping, Completed))
            }
            Event::TaskDeleted { .. } => {
                matches!((from, to), (Pending, Canceled | Completed) | (Assigned | Wrapping, Completed))
            }
            Event::TaskTransferInitiated { .. } => (from, to) == (Assigned, Pending),
            Event::TaskTransferFailed { .. } | Event::TaskTransferCanceled { .. } => {
                (from, to) == (Pending, Assigned)
            }
            _ => false,
        };
        assert!(is_legal, "{} went from {from:?} to {to:?} by {}", task.id, recorded.event.name());
    }
}

/// I-08. A Reservation's transitions follow the graph, each by its own event, and what has ended stays as it is.
pub(super) fn an_offer_ends_once(before: &State, recorded: &Recorded) {
    use ReservationStatus::*;
    for object in recorded.event.objects() {
        let Object::Reservation(reservation) = object else { continue };
        let id = reservation.id;
        let from = before.reservations.get(&id).map(|old| old.status);
        let to = reservation.status;
        let is_legal = match &recorded.event {
            Event::ReservationCreated { .. } => (from, to) == (None, Pending),
            Event::ReservationAccepted { .. } => (from, to) == (Some(Pending), Accepted),
            Event::ReservationRejected { .. } => (from, to) == (Some(Pending), Rejected),
            Event::ReservationTimeout { .. } => (from, to) == (Some(Pending), TimedOut),
            Event::ReservationCanceled { .. } => (from, to) == (Some(Pending), Canceled),
            Event::ReservationRescinded { .. } => (from, to) == (Some(Pending), Rescinded),
            Event::ReservationWrapup { .. } => (from, to) == (Some(Accepted), Wrapping),
            Event::ReservationCompleted { .. } => {
                matches!((from, to), (Some(Accepted | Wrapping), Completed))
            }
            _ => false,
        };
        assert!(is_legal, "{id} went from {from:?} to {to:?} by {}", recorded.event.name());
        let Reservation { accepted_at, wrap_up_at, ended_at, created_at, updated_at, .. } = &*reservation;
        assert_eq!(ended_at.is_some(), !matches!(to, Pending | Accepted | Wrapping), "{id}: ended_at");
        assert!(!matches!(to, Accepted | Wrapping | Completed) || accepted_at.is_some(), "{id}: accepted_at");
        assert!(to != Wrapping || wrap_up_at.is_some(), "{id}: wrap_up_at");
        let times = [Some(*created_at), *accepted_at, *wrap_up_at, *ended_at];
        assert!(times.into_iter().flatten().is_sorted(), "{id}: its times are in order");
        assert_eq!(times.into_iter().flatten().max(), Some(*updated_at), "{id}: updated_at");
    }
}

/// I-09, first half: no offer expires before its time.
pub(super) fn no_offer_expires_early(recorded: &Recorded) {
    if let Event::ReservationTimeout { reservation, .. } = &recorded.event {
        let due = reservation.created_at.0 + 1_000 * i64::from(reservation.timeout_seconds);
        assert!(recorded.at.0 >= due, "{} expired before its time", reservation.id);
    }
}

/// I-03, I-04, I-10, I-13, as far as no expression decides: the Worker was available and had room, unless the Task was
/// directed to them without regard to that; does not have the Task, is not handing it on, and has not just refused it.
pub(super) fn an_offer_is_possible_at_birth(before: &State, recorded: &Recorded) {
    let Event::ReservationCreated { reservation, task, worker } = &recorded.event else { return };
    let (task, worker) = (&before.tasks[&task.id], &before.workers[&worker.id]);
    let pair = format!("{} was offered to {}", task.id, worker.id);
    let is_first = before.reservations_of_task(task.id).next().is_none();
    if !(task.ignore_capacity && is_first) {
        let channel = worker.channel(&before.task_channels[&task.task_channel]);
        assert!(before.activities[&worker.activity].available, "{pair}, who is away");
        assert!(channel.available, "{pair}, whose channel is off");
        assert!(channel.open() < channel.configured_capacity, "{pair}, who has no room");
    }
    let transfer = task.transfers.last().filter(|transfer| transfer.status == TransferStatus::Initiated);
    assert_eq!(reservation.transfer, transfer.map(|transfer| transfer.id), "{pair}: by which transfer");
    if let Some(transfer) = transfer {
        assert_ne!(transfer.initiator, worker.id, "{pair}, who hands it on");
    }
    let accepted_at = before.reservations_of_task(task.id).filter_map(|earlier| earlier.accepted_at).max();
    for earlier in before.reservations_of_task(task.id).filter(|earlier| earlier.worker == worker.id) {
        assert!(!earlier.status.is_open(), "{pair}, who has it");
        if matches!(earlier.status, ReservationStatus::Rejected | ReservationStatus::TimedOut) {
            // A second is the shortest delay there is. Once somebody has had the Task, all begins anew.
            let handed_on_at =
                task.transfers.iter().map(|transfer| Some(transfer.created_at)).max().flatten();
            let was_taken = accepted_at.max(handed_on_at) >= earlier.ended_at;
            let ended_at = earlier.ended_at.expect("it has ended");
            assert!(was_taken || ended_at.0 + 1_000 <= recorded.at.0, "{pair}, who has just refused it");
        }
    }
}

/// I-07: a Task is offered to as many at once as its TaskQueue allows, and to one where it is meant for one. (When one
/// of them accepts, the others end in the same step: [`a_task_has_one_owner`].)
pub(super) fn offers_of_a_task_are_bounded(before: &State, recorded: &Recorded) {
    let Event::ReservationCreated { task, .. } = &recorded.event else { return };
    let task = &before.tasks[&task.id];
    let waiting = task.waiting().expect("a Task that is offered waits");
    let offers = before.reservations_of_task(task.id);
    let n_offers = offers.filter(|offer| offer.status == ReservationStatus::Pending).count();
    let limit = match (&waiting.place, task.task_queue) {
        (Some(Place::Worker(_)), _) | (_, None) => 1,
        (_, Some(queue)) => before.task_queues[&queue].max_reserved_workers as usize,
    };
    assert!(n_offers < limit, "{} is offered to {n_offers} already", task.id);
}

/// I-12: wrapping up frees nothing; completing does.
pub(super) fn wrap_up_occupies(before: &State, after: &State, recorded: &Recorded) {
    let open = |state: &State, reservation: &Reservation| {
        let worker = &state.workers[&reservation.worker];
        worker.channel(&state.task_channels[&reservation.task_channel]).open()
    };
    match &recorded.event {
        Event::ReservationWrapup { reservation, .. } | Event::ReservationAccepted { reservation, .. } => {
            assert_eq!(open(before, reservation), open(after, reservation), "the room is still taken");
        }
        Event::ReservationCompleted { reservation, .. } => {
            assert_eq!(open(before, reservation), open(after, reservation) + 1, "the room is free again");
        }
        _ => {}
    }
}
