//! What holds after a step.

use std::collections::{BTreeMap, BTreeSet};

use routing::event::{Event, Recorded};
use routing::ids::*;
use routing::state::task::Place;
use routing::state::task_transfer::{TransferMode, TransferStatus};
use routing::state::{Phase, Reservation, ReservationStatus, RoutingTarget, Task};
use routing::time::Timestamp;
use routing::{Limits, State};

/// I-16: no loop without time. The deadline of each new step lies ahead, and skipping only leads on, so a Task enters
/// no step twice at a time, but for a Task that comes back from a transfer.
pub(super) fn workflows_progress(events: &[Recorded]) {
    let mut entered = BTreeSet::new();
    for Recorded { event, .. } in events {
        if let Event::TaskQueueEntered { task } | Event::TaskQueueMoved { task, .. } = event
            && let Some(step) = task.step()
        {
            let n_transfers = task.transfers.iter().filter(|transfer| transfer.is_open()).count();
            let place = (task.id, task.workflow, step.revision, step.filter, step.target, n_transfers);
            assert!(entered.insert(place), "{} entered a step twice at once", task.id);
        }
    }
}

pub(super) fn by_task(state: &State) -> BTreeMap<TaskId, Vec<&Reservation>> {
    let mut by_task: BTreeMap<TaskId, Vec<&Reservation>> = BTreeMap::new();
    for reservation in state.reservations.values() {
        by_task.entry(reservation.task).or_default().push(reservation);
    }
    by_task
}

/// I-01 and I-02: whoever accepted last is the owner. Beside them are at most those who handed the Task on and are not
/// done with it, and those who wrap up. What a phase says of owner and offers is what there is.
pub(super) fn a_task_has_one_owner(state: &State, reservations: &BTreeMap<TaskId, Vec<&Reservation>>) {
    for task in state.tasks.values() {
        let of_task = reservations.get(&task.id).map_or(&[][..], Vec::as_slice);
        let with = |status: ReservationStatus| -> Vec<ReservationId> {
            let of_status = of_task.iter().filter(|reservation| reservation.status == status);
            of_status.map(|reservation| reservation.id).collect()
        };
        let open: Vec<ReservationId> = of_task
            .iter()
            .filter(|reservation| reservation.status.is_open())
            .map(|reservation| reservation.id)
            .collect();
        let (pending, accepted, wrapping) = (
            with(ReservationStatus::Pending),
            with(ReservationStatus::Accepted),
            with(ReservationStatus::Wrapping),
        );
        assert_eq!(task.open_reservations, open, "{}: its open Reservations", task.id);
        let id = task.id;
        let handed_on = |reservation: &ReservationId| {
            let mut transfers = task.transfers.iter();
            transfers.any(|transfer| transfer.initiating_reservation == *reservation)
        };
        match &task.phase {
            Phase::Pending(waiting) | Phase::Reserved(waiting) => {
                let is_offered = matches!(task.phase, Phase::Reserved(_));
                assert_eq!(pending.is_empty(), !is_offered, "{id}: its offers");
                let held = waiting.held_by.as_ref().map(|held_by| held_by.reservation);
                assert!(held.is_none() || accepted.last() == held.as_ref(), "{id} is held by another");
                assert!(accepted.iter().all(handed_on), "{id} waits, but has an owner");
            }
            Phase::Assigned(assignment) => {
                assert_eq!((pending.len(), accepted.last()), (0, Some(&assignment.reservation)), "{id}");
                let others = accepted.iter().filter(|other| **other != assignment.reservation);
                assert!(others.into_iter().all(handed_on), "{id} has two owners");
            }
            Phase::Wrapping(assignment) => {
                assert_eq!((pending.len(), accepted.len()), (0, 0), "{id} is wrapped up");
                assert!(wrapping.contains(&assignment.reservation), "{id} is wrapped up by its owner");
            }
            Phase::Completed(ended) => {
                assert!(open.is_empty(), "{id} is completed");
                let owner = ended.reservation.map(|owner| state.reservations[&owner].status);
                assert_eq!(owner, Some(ReservationStatus::Completed), "{id}: by its owner");
            }
            Phase::Canceled(_) => {
                assert!(pending.is_empty(), "{id} is canceled");
                assert!(accepted.iter().all(handed_on), "{id} is canceled, but has an owner");
            }
        }
    }
}

/// I-13. At most the last transfer is in progress; then the Task waits, held by the initiator if it is WARM, and by
/// somebody else or nobody if it is COLD. One that is complete names who took the Task, and no other does.
pub(super) fn transfers_are_atomic(state: &State) {
    for task in state.tasks.values() {
        let (last, earlier) = match task.transfers.split_last() {
            None => (None, &[][..]),
            Some((last, earlier)) => (Some(last), earlier),
        };
        let has_ended = |status: TransferStatus| status != TransferStatus::Initiated;
        assert!(earlier.iter().all(|transfer| has_ended(transfer.status)), "{}: one at a time", task.id);
        let open = last.filter(|transfer| !has_ended(transfer.status));
        let held_by = match &task.phase {
            Phase::Pending(waiting) | Phase::Reserved(waiting) => waiting.held_by.as_ref(),
            Phase::Assigned(_) | Phase::Wrapping(_) | Phase::Completed(_) | Phase::Canceled(_) => {
                assert!(open.is_none(), "{} is {:?}, but is transferred", task.id, task.status());
                None
            }
        };
        let holder = held_by.map(|held_by| held_by.reservation);
        match open {
            None => assert_eq!(holder, None, "{}: nobody has what waits", task.id),
            Some(open) => {
                let is_initiator = holder == Some(open.initiating_reservation);
                assert_eq!(is_initiator, open.mode == TransferMode::Warm, "{}: who has it", task.id);
            }
        }
        for transfer in &task.transfers {
            let is_complete = transfer.status == TransferStatus::Complete;
            assert_eq!(transfer.reservation.is_some(), is_complete, "{}", transfer.id);
            let initiating = &state.reservations[&transfer.initiating_reservation];
            assert_eq!(initiating.worker, transfer.initiator, "{}", transfer.id);
            let taken_by = transfer.reservation.map(|id| state.reservations[&id].transfer);
            assert!(taken_by.is_none() || taken_by == Some(Some(transfer.id)), "{}", transfer.id);
        }
    }
}

/// I-03: what is stored with a Worker channel is what there is, and the percentage is the formula's.
pub(super) fn counters_count(state: &State) {
    let mut loads: BTreeMap<(WorkerId, TaskChannelId), (u32, u32, u32)> = BTreeMap::new();
    for reservation in state.reservations.values() {
        let load = loads.entry((reservation.worker, reservation.task_channel)).or_default();
        match reservation.status {
            ReservationStatus::Pending => load.0 += 1,
            ReservationStatus::Accepted => load.1 += 1,
            ReservationStatus::Wrapping => load.2 += 1,
            ReservationStatus::Rejected
            | ReservationStatus::TimedOut
            | ReservationStatus::Canceled
            | ReservationStatus::Rescinded
            | ReservationStatus::Completed => {}
        }
    }
    for worker in state.workers.values() {
        for task_channel in state.task_channels.values() {
            let channel = worker.channel(task_channel);
            let load = loads.get(&(worker.id, channel.task_channel)).copied().unwrap_or_default();
            assert_eq!((channel.pending, channel.accepted, channel.wrapping), load, "{}", worker.id);
            let capacity = channel.configured_capacity;
            let open = (load.0 + load.1 + load.2).min(capacity);
            let percentage = ((capacity - open) * 100).checked_div(capacity).unwrap_or(0);
            assert_eq!(channel.available_capacity_percentage(), percentage, "{}", worker.id);
        }
    }
}

/// I-14: a Task that has not ended is listed in its TaskQueue, and in no other; one that waits knows where. No
/// Reservation outlives its Task.
pub(super) fn no_task_is_lost(state: &State) {
    let mut listed: BTreeMap<TaskId, Vec<TaskQueueId>> = BTreeMap::new();
    for queue in state.task_queues.keys() {
        for task in state.tasks_of_queue(*queue) {
            listed.entry(task.id).or_default().push(*queue);
        }
    }
    for task in state.tasks.values() {
        let queues = listed.remove(&task.id).unwrap_or_default();
        match task.ended() {
            None => assert_eq!(queues, Vec::from_iter(task.task_queue), "{} is in one TaskQueue", task.id),
            Some(_) => assert!(queues.is_empty(), "{} has ended, but is in a TaskQueue", task.id),
        }
        let (Phase::Pending(waiting) | Phase::Reserved(waiting)) = &task.phase else { continue };
        match waiting.place.as_ref().expect("a Task waits somewhere") {
            Place::Step(_) => {
                let target = state.target_of(task).expect("the step is there");
                assert_eq!(Some(target.queue), task.task_queue, "{} stands in its step", task.id);
            }
            Place::TaskQueue => assert!(task.task_queue.is_some(), "{} is in a TaskQueue", task.id),
            Place::Worker(worker) => {
                let transfer = task.transfers.last().filter(|transfer| transfer.is_open());
                let meant = transfer.map(|transfer| transfer.to).or(task.routing_target);
                assert_eq!(meant, Some(RoutingTarget::Worker(*worker)), "{} waits for one", task.id);
            }
        }
    }
    assert!(listed.is_empty(), "a TaskQueue holds Tasks that are not there");
    for reservation in state.reservations.values() {
        assert!(state.tasks.contains_key(&reservation.task), "{} outlived its Task", reservation.id);
    }
}

/// I-21, as far as no rule decides: what is deleted is in none of the maps, and what is referred to can be read.
pub(super) fn what_is_referred_to_can_be_read(state: &State) {
    for worker in state.workers.values() {
        assert!(worker.deleted_at.is_none(), "{} was deleted", worker.id);
        assert!(state.activities.contains_key(&worker.activity), "{} is nowhere", worker.id);
        for channel in &worker.channels {
            assert!(state.task_channel(channel.task_channel).is_some(), "{}: its channels", worker.id);
        }
    }
    for task in state.tasks.values() {
        let Task { id, task_channel, task_queue, workflow, routing_target, .. } = &**task;
        assert!(state.task_channel(*task_channel).is_some(), "{id}: its channel");
        assert!(task_queue.is_none_or(|queue| state.task_queue(queue).is_some()), "{id}: its TaskQueue");
        assert!(workflow.is_none_or(|workflow| state.workflow(workflow).is_some()), "{id}: its Workflow");
        let has_target = routing_target.is_none_or(|target| match target {
            RoutingTarget::Worker(id) => state.worker(id).is_some(),
            RoutingTarget::TaskQueue(id) => state.task_queue(id).is_some(),
            RoutingTarget::Workflow(id) => state.workflow(id).is_some(),
        });
        assert!(has_target, "{id}: where it was directed to");
        assert!(task.deleted_at.is_none() || task.ended().is_some(), "{id} was deleted, and lives");
        if task.ended().is_none() {
            let is_there = |queue: &TaskQueueId| state.task_queues.contains_key(queue);
            assert!(task_queue.as_ref().is_none_or(is_there), "{id} is in a TaskQueue that was deleted");
        }
        if let Some(waiting) = task.waiting() {
            let followed = task.followed().map(|(workflow, _)| workflow);
            assert!(followed.is_none_or(|it| state.workflows.contains_key(&it)), "{id}: what it follows");
            if let Some(Place::Worker(worker)) = waiting.place {
                assert!(state.workers.contains_key(&worker), "{id} waits in vain");
            }
        }
    }
    for reservation in state.reservations.values() {
        let Reservation { id, worker, task_channel, task_queue, workflow, status, .. } = &**reservation;
        assert!(state.worker(*worker).is_some(), "{id}: its Worker");
        assert!(task_queue.is_none_or(|queue| state.task_queue(queue).is_some()), "{id}: its TaskQueue");
        assert!(workflow.is_none_or(|workflow| state.workflow(workflow).is_some()), "{id}: its Workflow");
        if status.is_open() {
            assert!(state.workers.contains_key(worker), "{id} is open, and its Worker gone");
            assert!(state.task_channels.contains_key(task_channel), "{id} is open, and its channel gone");
        }
    }
}

/// I-09 and I-16, second halves: what was due is done.
pub(super) fn nothing_is_overdue(state: &State, limits: &Limits, now: Timestamp) {
    for reservation in state.reservations.values() {
        let expires_at = reservation.created_at.0 + 1_000 * i64::from(reservation.timeout_seconds);
        let is_pending = reservation.status == ReservationStatus::Pending;
        assert!(!is_pending || expires_at > now.0, "{} should have expired", reservation.id);
    }
    for task in state.tasks.values() {
        // Handing a Task on is not bounded by the limit, which ends Tasks that nobody takes.
        let is_bounded = task.transfers.is_empty();
        let n_rounds = task.assignment_count;
        assert!(!is_bounded || n_rounds <= limits.assignment_count_max, "{}: its rounds", task.id);
        match &task.phase {
            Phase::Pending(waiting) => {
                assert!(waiting.expires_at > now, "{} has waited for too long", task.id);
                let deadline = task.step().and_then(|step| step.deadline);
                assert!(deadline.is_none_or(|at| at > now), "{} is still in its step", task.id);
                let is_in_vain = is_bounded && n_rounds >= limits.assignment_count_max;
                assert!(!is_in_vain, "{} waits in vain", task.id);
            }
            Phase::Reserved(waiting) => assert!(waiting.expires_at > now, "{} waits too long", task.id),
            Phase::Assigned(_) | Phase::Wrapping(_) => {}
            Phase::Completed(_) | Phase::Canceled(_) => {
                let retention = 1_000 * i64::from(limits.finished_task_retention_seconds);
                let is_over = task.updated_at.0 + retention <= now.0;
                assert!(!is_over || !task.open_reservations.is_empty(), "{} should be purged", task.id);
            }
        }
    }
}
