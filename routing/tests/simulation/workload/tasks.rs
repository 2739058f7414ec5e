//! Tasks, their transfers, and which of them and of their Reservations something is done to.

use std::sync::Arc;

use routing::command::*;
use routing::ids::*;
use routing::state::task_transfer::TransferMode;
use routing::state::{Reservation, ReservationStatus, RoutingTarget, TaskStatus};
use routing::time::Timestamp;
use routing::{Command, State};

use super::{Workload, owner_of};

impl Workload {
    pub(super) fn create_task(&mut self, state: &State) -> Command {
        let is_directed = self.random.percent(self.features.directed);
        let routing_target = if is_directed { Some(self.routing_target(state)) } else { None };
        let ignore_capacity = match routing_target {
            Some(RoutingTarget::Worker(_)) => {
                *self.random.pick(&[None, Some(true), Some(false), Some(false)])
            }
            _ => None,
        };
        let workflow = self.random.pick_key(&state.workflows).filter(|_| self.random.percent(95));
        Command::CreateTask(CreateTask {
            id: self.mint(),
            workflow: workflow.filter(|_| !is_directed),
            routing_target,
            ignore_capacity,
            task_channel: self.task_channel(state),
            attributes: self.task_attributes(state),
            priority: if self.random.percent(50) {
                Some(*self.random.pick(&self.features.priorities))
            } else {
                None
            },
            timeout_seconds: *self.random.pick(&self.features.times_to_live),
            virtual_start_time: if self.random.percent(15) {
                Some(Timestamp(self.now.0 - self.random.below(20_000) as i64))
            } else {
                None
            },
        })
    }

    pub(super) fn update_task(&mut self, state: &State) -> Command {
        // Mostly those that wait: for the others, little can follow from it.
        let statuses: &[TaskStatus] = if self.random.percent(70) { &[TaskStatus::Pending] } else { &[] };
        let Some((id, version)) = self.task(state, statuses) else { return self.create_task(state) };
        let mut change = self.random.below(8);
        if !state.tasks[&id].open_reservations.is_empty() && self.random.percent(50) {
            // Somebody wraps it up on the channel that it leaves now.
            change = 5;
        }
        Command::UpdateTask(UpdateTask {
            id,
            expected_version: self.expected(version),
            attributes: if change <= 3 { Some(self.task_attributes(state)) } else { None },
            priority: if change == 3 || change == 4 {
                Some(*self.random.pick(&self.features.priorities))
            } else {
                None
            },
            task_channel: if change == 5 { Some(self.task_channel(state)) } else { None },
            virtual_start_time: if change >= 6 {
                Some(Timestamp(self.now.0 - self.random.below(20_000) as i64))
            } else {
                None
            },
        })
    }

    pub(super) fn cancel_task(&mut self, state: &State) -> Command {
        match self.task(state, &[TaskStatus::Pending, TaskStatus::Reserved]) {
            Some((id, version)) => Command::CancelTask(CancelTask {
                id,
                expected_version: self.expected(version),
                reason: "hung up".to_owned(),
                attributes: if self.random.percent(20) { Some(self.task_attributes(state)) } else { None },
            }),
            None => self.create_task(state),
        }
    }

    pub(super) fn wrap_up_task(&mut self, state: &State) -> Command {
        match self.task(state, &[TaskStatus::Assigned]) {
            Some((id, version)) => Command::WrapUpTask(WrapUpTask {
                id,
                expected_version: self.expected(version),
                attributes: if self.random.percent(20) { Some(self.task_attributes(state)) } else { None },
            }),
            None => self.bring_work(state),
        }
    }

    pub(super) fn complete_task(&mut self, state: &State) -> Command {
        match self.task(state, &[TaskStatus::Assigned, TaskStatus::Wrapping]) {
            Some((id, version)) => Command::CompleteTask(CompleteTask {
                id,
                expected_version: self.expected(version),
                reason: self.random.maybe(50).map(|n| format!("solved {n}")),
                attributes: if self.random.percent(20) { Some(self.task_attributes(state)) } else { None },
            }),
            None => self.bring_work(state),
        }
    }

    /// Mostly by whoever has the Task, and mostly to somebody who could take it.
    pub(super) fn transfer_task(&mut self, state: &State) -> Command {
        let Some((id, version)) = self.task(state, &[TaskStatus::Assigned]) else {
            return self.bring_work(state);
        };
        let task = &state.tasks[&id];
        let owner = owner_of(state, id);
        let task_channel = state.task_channel(task.task_channel).expect("it stays, deleted or not");
        let can_take: Vec<WorkerId> = state
            .workers
            .values()
            .filter(|worker| state.is_available(worker) && Some(worker.id) != owner)
            .filter(|worker| worker.channel(task_channel).has_room())
            .map(|worker| worker.id)
            .collect();
        let to = if self.random.percent(40) && !can_take.is_empty() {
            RoutingTarget::Worker(*self.random.pick(&can_take))
        } else {
            self.routing_target(state)
        };
        Command::TransferTask(TransferTask {
            id,
            expected_version: self.expected(version),
            to,
            mode: if self.random.percent(50) { TransferMode::Warm } else { TransferMode::Cold },
            attributes: if self.random.percent(15) { Some(self.task_attributes(state)) } else { None },
            priority: if self.random.percent(20) {
                Some(*self.random.pick(&self.features.priorities))
            } else {
                None
            },
        })
    }

    /// One in progress; now and then one that has ended.
    pub(super) fn cancel_transfer(&mut self, state: &State) -> Command {
        let of_any = self.random.percent(10);
        let transfers = state.tasks.values().flat_map(|task| &task.transfers);
        let found: Vec<TaskTransferId> =
            transfers.filter(|transfer| of_any || transfer.is_open()).map(|transfer| transfer.id).collect();
        if found.is_empty() {
            return self.transfer_task(state);
        }
        let (id, reason) = (*self.random.pick(&found), self.random.maybe(50));
        Command::CancelTransfer(CancelTransfer { id, reason: reason.map(|n| format!("no need {n}")) })
    }

    /// Anything that a Task can be sent to; half of the time a Worker, where there is one.
    pub(super) fn routing_target(&mut self, state: &State) -> RoutingTarget {
        let worker = self.random.pick_key(&state.workers);
        match (self.random.below(6), worker) {
            (0..=2, Some(worker)) => RoutingTarget::Worker(worker),
            (5, _) => RoutingTarget::Workflow(self.random.pick_key(&state.workflows).expect("there is one")),
            _ => RoutingTarget::TaskQueue(self.random.pick_key(&state.task_queues).expect("there is one")),
        }
    }

    pub(super) fn task_channel(&mut self, state: &State) -> TaskChannelRef {
        let channel = self.channel(state);
        if self.random.percent(50) {
            return TaskChannelRef::UniqueName(channel.unique_name.clone());
        }
        TaskChannelRef::Id(channel.id)
    }

    /// A Task in one of these states (none given: in any), with its version.
    pub(super) fn task(&mut self, state: &State, statuses: &[TaskStatus]) -> Option<(TaskId, u32)> {
        let is_wanted = |status: TaskStatus| statuses.is_empty() || statuses.contains(&status);
        let mut found: Vec<(TaskId, u32)> = state
            .tasks
            .values()
            .filter(|task| is_wanted(task.status()))
            .map(|task| (task.id, task.version))
            .collect();
        if self.random.percent(3) {
            found.extend(state.tasks.values().map(|task| (task.id, task.version)));
        }
        if found.is_empty() { None } else { Some(*self.random.pick(&found)) }
    }

    /// A Reservation in one of these states (now and then, in any), with an expected version.
    pub(super) fn reservation(
        &mut self,
        state: &State,
        statuses: &[ReservationStatus],
    ) -> Option<(ReservationId, Option<u32>)> {
        let of_any = self.random.percent(3);
        let mut found: Vec<&Arc<Reservation>> = state
            .reservations
            .values()
            .filter(|reservation| of_any || statuses.contains(&reservation.status))
            .collect();
        if found.iter().any(|reservation| reservation.transfer.is_some()) && self.random.percent(30) {
            // They are few, and what becomes of them is worth seeing.
            found.retain(|reservation| reservation.transfer.is_some());
        }
        if found.is_empty() {
            return None;
        }
        let reservation = *self.random.pick(&found);
        let (id, version) = (reservation.id, reservation.version);
        Some((id, self.expected(version)))
    }

    /// Any Reservation; where there is none, an id that nobody has.
    pub(super) fn any_reservation(&mut self, state: &State) -> ReservationId {
        self.random.pick_key(&state.reservations).unwrap_or_else(|| self.mint())
    }
}
