//! Who serves which TaskQueue, and who has room for work, as dense bitmaps.
//!
//! Workers, TaskQueues and Task Channels get small numbers, *slots*, in the order in which they appear. The slot of one
//! that was deleted is empty until a new one gets it: in no bitmap, no circle and no column. Slots are a matter of this
//! index alone: they are not stored and mean nothing outside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fixedbitset::FixedBitSet;
use serde_json::Value;

use super::Wakes;
use super::anchored::Anchored;
use super::columns::{Columns, Matches};
use crate::eligibility::WorkerView;
use crate::expression::{Expression, TaskFacts};
use crate::ids::{ActivityId, TaskChannelId, TaskQueueId, WorkerId};
use crate::state::{State, TargetWorkers, TaskChannel, TaskQueue, Worker, WorkerChannel};
use crate::time::Timestamp;

/// So many TaskQueues are simply tried with a Worker whose attributes have changed. Of more, those that the Worker cannot
/// be eligible for are left out first, which takes a look-up for each value that the Worker has.
const READERS_MAX: usize = 16;

/// A Worker's number.
pub(crate) type WorkerSlot = usize;
/// A TaskQueue's number.
pub(super) type QueueSlot = usize;
/// A Task Channel's number; below 64.
pub(super) type ChannelSlot = usize;

/// A Worker's place in a circle: who got a Reservation longest ago comes first, then who was created first, then
/// the smaller id. Who never got one comes before all others (its sequence is 0).
pub(super) type CircleKey = (u64, Timestamp, WorkerId);

/// The Workers, and what follows from their attributes, Activities and channels.
#[derive(Default)]
pub(super) struct Workers {
    slots: BTreeMap<WorkerId, WorkerSlot>,
    entries: Vec<Entry>,
    /// The slots of entries that somebody has.
    present: FixedBitSet,
    free_entries: Vec<WorkerSlot>,
    queue_slots: BTreeMap<TaskQueueId, QueueSlot>,
    queues: Vec<Members>,
    free_queues: Vec<QueueSlot>,
    /// Who is in which Activity. Where nobody is, there is no entry.
    activities: BTreeMap<ActivityId, FixedBitSet>,
    channel_slots: BTreeMap<TaskChannelId, ChannelSlot>,
    channels: Vec<Ready>,
    free_channels: Vec<ChannelSlot>,
    /// TaskQueues whose expression looks at more than attributes and names: membership follows the Worker's
    /// Activity and load.
    live_queues: Vec<QueueSlot>,
    anchored: Anchored,
    columns: Columns,
}

/// What a decision needs to know of one Worker.
pub(super) struct Entry {
    /// As the state has it.
    pub(super) worker: Arc<Worker>,
    id_text: String,
    /// The attributes as a tree, so that no decision parses them.
    attributes: Value,
    /// The TaskQueues that the Worker is eligible for.
    pub(super) queues: FixedBitSet,
    /// The Activity whose bits have the Worker.
    activity: Option<ActivityId>,
    /// The Task Channels on which work can come now, one bit each.
    pub(super) ready_on: u64,
}

/// The Workers of one TaskQueue.
pub(super) struct Members {
    pub(super) id: TaskQueueId,
    target: TargetWorkers,
    pub(super) workers: FixedBitSet,
    pub(super) count: usize,
}

/// The Workers on whom work of one Task Channel can come now, in the order of the circle.
#[derive(Default)]
pub(super) struct Ready {
    pub(super) circle: BTreeMap<CircleKey, WorkerSlot>,
    /// The same Workers as bits.
    pub(super) workers: FixedBitSet,
    /// The places of all Workers, ready or not.
    places: Vec<CircleKey>,
    /// Has the channel a circle of its own?
    optimized: bool,
}

impl Ready {
    /// A Worker's place in the circle.
    pub(super) fn place(&self, slot: WorkerSlot) -> CircleKey {
        self.places[slot]
    }
}

impl Workers {
    pub(super) fn slot(&self, id: WorkerId) -> Option<WorkerSlot> {
        self.slots.get(&id).copied()
    }

    pub(super) fn entry(&self, slot: WorkerSlot) -> &Entry {
        &self.entries[slot]
    }

    pub(super) fn queue_slot(&self, id: TaskQueueId) -> QueueSlot {
        self.queue_slots[&id]
    }

    pub(super) fn members(&self, queue: QueueSlot) -> &Members {
        &self.queues[queue]
    }

    pub(super) fn channel_slot(&self, id: TaskChannelId) -> ChannelSlot {
        self.channel_slots[&id]
    }

    /// The TaskQueues by their numbers.
    pub(super) fn queue_ids(&self) -> BTreeMap<QueueSlot, TaskQueueId> {
        self.queue_slots.iter().map(|(id, slot)| (*slot, *id)).collect()
    }

    /// The Task Channels by their numbers.
    pub(super) fn channel_ids(&self) -> BTreeMap<ChannelSlot, TaskChannelId> {
        self.channel_slots.iter().map(|(id, slot)| (*slot, *id)).collect()
    }

    pub(super) fn n_channels(&self) -> usize {
        self.channels.len()
    }

    pub(super) fn ready(&self, channel: ChannelSlot) -> &Ready {
        &self.channels[channel]
    }

    /// The Worker as expressions see it.
    pub(super) fn view<'a>(&'a self, state: &'a State, slot: WorkerSlot) -> WorkerView<'a> {
        let entry = &self.entries[slot];
        WorkerView::with(state, &entry.worker, &entry.id_text, &entry.attributes)
    }

    /// The Workers for whom an expression may be true, found without trying each.
    pub(super) fn matches(&self, expression: &Expression, task: TaskFacts<'_>, now: Timestamp) -> Matches {
        self.columns.matches(expression, task, now)
    }

    /// This expression will be asked for in [`Workers::matches`].
    pub(super) fn watch(&mut self, expression: &Expression) {
        self.columns.watch(expression, self.entries.iter().map(|entry| &entry.attributes));
    }

    /// This expression will not be asked for any more.
    pub(super) fn unwatch(&mut self, expression: &Expression) {
        self.columns.unwatch(expression);
    }

    /// All Workers.
    pub(super) fn all(&self) -> impl Iterator<Item = WorkerSlot> + '_ {
        self.present.ones()
    }

    /// The Workers on whom work can come now.
    pub(super) fn all_ready(&self) -> impl Iterator<Item = WorkerSlot> + '_ {
        (0..self.entries.len()).filter(|slot| self.entries[*slot].ready_on != 0)
    }

    /// There is a Task Channel of which nothing is known yet.
    pub(super) fn add_channel(&mut self, channel: &TaskChannel) {
        let slot = self.free_channels.pop().unwrap_or_else(|| {
            self.channels.push(Ready::default());
            self.channels.len() - 1
        });
        assert!(slot < 64, "a Workspace has fewer Task Channels than a word has bits");
        self.channel_slots.insert(channel.id, slot);
        self.channels[slot].optimized = channel.channel_optimized_routing;
    }

    /// There is a Task Channel no more. No Task that has not ended uses it.
    pub(super) fn remove_channel(&mut self, id: TaskChannelId) {
        let Some(slot) = self.channel_slots.remove(&id) else { return };
        let Ready { circle: _, workers, places: _, optimized: _ } = std::mem::take(&mut self.channels[slot]);
        for worker in workers.ones() {
            self.entries[worker].ready_on &= !(1 << slot);
        }
        self.free_channels.push(slot);
    }

    /// There is a TaskQueue no more. Nobody waits in it, and no step in use leads there.
    pub(super) fn remove_queue(&mut self, id: TaskQueueId) {
        let Some(slot) = self.queue_slots.remove(&id) else { return };
        let nobody = Members { id, target: TargetWorkers::Nobody, workers: FixedBitSet::new(), count: 0 };
        let Members { id: _, target, workers, count: _ } = std::mem::replace(&mut self.queues[slot], nobody);
        for worker in workers.ones() {
            self.entries[worker].queues.remove(slot);
        }
        self.anchored.remove(slot, &target);
        self.live_queues.retain(|live| *live != slot);
        if let TargetWorkers::Matching(expression) = target {
            self.unwatch(&expression);
        }
        self.free_queues.push(slot);
    }

    /// There is a Worker no more. Returns the slot that is empty now.
    pub(super) fn remove(&mut self, id: WorkerId) -> Option<WorkerSlot> {
        let slot = self.slots.remove(&id)?;
        self.take_attributes(slot, Value::Null);
        self.take_activity(slot, None);
        let entry = &mut self.entries[slot];
        let queues = std::mem::take(&mut entry.queues);
        for queue in queues.ones() {
            let members = &mut self.queues[queue];
            members.workers.remove(slot);
            members.count -= 1;
        }
        let ready_on = std::mem::take(&mut entry.ready_on);
        for ready in self.channels.iter_mut().enumerate().filter(|(at, _)| ready_on & (1 << at) != 0) {
            let (_, ready) = ready;
            ready.circle.remove(&ready.places[slot]);
            ready.workers.remove(slot);
        }
        self.present.remove(slot);
        self.free_entries.push(slot);
        Some(slot)
    }

    /// Takes in a new Task Channel: each Worker has a channel for it. Nothing waits there, so nobody is woken.
    pub(super) fn channel_created(&mut self, state: &State, channel: &TaskChannel) {
        self.add_channel(channel);
        self.update_readiness_of_all(state);
    }

    /// Takes in that a Task Channel has a circle of its own from now on, or has none any more. That makes nobody a
    /// candidate; it changes who comes first.
    pub(super) fn circle_changed(&mut self, state: &State, channel: &TaskChannel) {
        let slot = self.channel_slot(channel.id);
        self.channels[slot].optimized = channel.channel_optimized_routing;
        self.update_readiness_of_all(state);
    }

    fn update_readiness_of_all(&mut self, state: &State) {
        for worker in 0..self.entries.len() {
            if self.present.contains(worker) {
                self.update_readiness(state, worker);
            }
        }
    }

    /// Takes in TaskQueues and Workers of which nothing is known yet.
    pub(super) fn load(&mut self, state: &State, now: Timestamp) {
        // What will be asked for is known before the Workers come, so that each is looked through once.
        for queue in state.task_queues.values() {
            self.add_queue(queue);
        }
        for worker in state.workers.values() {
            let slot = self.add(worker);
            self.entries[slot].queues.grow(self.queues.len());
            self.take_attributes(slot, worker.attributes.to_value());
            self.update_readiness(state, slot);
        }
        for queue in 0..self.queues.len() {
            self.update_members(state, queue, now);
        }
    }

    /// Takes in a new or changed TaskQueue. Workers who become eligible are woken where they can have one of the
    /// Tasks that wait there; these are of the channels `waiting_on`.
    pub(super) fn queue_changed(
        &mut self,
        state: &State,
        old: Option<&TaskQueue>,
        queue: &TaskQueue,
        waiting_on: u64,
        now: Timestamp,
        wakes: &mut Wakes,
    ) {
        if old.is_some_and(|old| old.target_workers == queue.target_workers) {
            return;
        }
        let slot = match self.queue_slots.get(&queue.id) {
            Some(&slot) => {
                self.anchored.remove(slot, &self.queues[slot].target);
                let former = std::mem::replace(&mut self.queues[slot].target, queue.target_workers.clone());
                self.take_target(slot);
                // Afterwards, so that columns that both ask for stay.
                if let TargetWorkers::Matching(expression) = former {
                    self.unwatch(&expression);
                }
                slot
            }
            None => self.add_queue(queue),
        };
        for worker in self.update_members(state, slot, now) {
            if self.entries[worker].ready_on & waiting_on != 0 {
                wakes.workers.insert(worker);
            }
        }
    }

    /// Takes in a new or changed Worker. Who can get more work than before is woken.
    pub(super) fn worker_changed(
        &mut self,
        state: &State,
        old: Option<&Worker>,
        worker: &Arc<Worker>,
        now: Timestamp,
        wakes: &mut Wakes,
    ) {
        let slot = match self.slots.get(&worker.id) {
            Some(&slot) => {
                self.entries[slot].worker = Arc::clone(worker);
                slot
            }
            None => self.add(worker),
        };
        let has_attributes = old.is_some_and(|old| old.attributes.is_same(&worker.attributes));
        let has_name = old.is_some_and(|old| old.name == worker.name);
        if !has_attributes || !has_name {
            let attributes = worker.attributes.to_value();
            let former = &self.entries[slot];
            let readers =
                has_name.then(|| self.anchored.readers_of_difference(&former.attributes, &attributes));
            let to_check = match readers {
                Some(readers) if readers.count_ones(..) <= READERS_MAX => readers,
                readers => {
                    let mut candidates = self.anchored.candidates(&attributes);
                    candidates.union_with(&former.queues); // Those that the Worker may have lost.
                    if let Some(readers) = readers {
                        candidates.intersect_with(&readers);
                    }
                    candidates
                }
            };
            self.take_attributes(slot, attributes);
            for queue in to_check.ones() {
                self.recheck(state, queue, slot, now);
            }
            wakes.workers.insert(slot);
        }
        self.recheck_live_queues(state, slot, now, wakes);
        if old.is_none_or(|old| old.activity != worker.activity) {
            wakes.workers.insert(slot);
        }
        if self.update_readiness(state, slot) {
            wakes.workers.insert(slot);
        }
    }

    /// Takes in the new name of an Activity. Expressions may name it, so the Workers who are in it may serve other
    /// TaskQueues and suit other steps than before.
    pub(super) fn activity_renamed(
        &mut self,
        state: &State,
        activity: ActivityId,
        now: Timestamp,
        wakes: &mut Wakes,
    ) {
        for slot in 0..self.entries.len() {
            if self.present.contains(slot) && self.entries[slot].worker.activity == activity {
                self.recheck_live_queues(state, slot, now, wakes);
                wakes.workers.insert(slot);
            }
        }
    }

    fn add(&mut self, worker: &Arc<Worker>) -> WorkerSlot {
        let entry = Entry {
            worker: Arc::clone(worker),
            id_text: worker.id.to_string(),
            attributes: Value::Null,
            queues: FixedBitSet::new(),
            activity: None,
            ready_on: 0,
        };
        let slot = match self.free_entries.pop() {
            Some(slot) => {
                self.entries[slot] = entry;
                slot
            }
            None => {
                self.entries.push(entry);
                self.entries.len() - 1
            }
        };
        self.slots.insert(worker.id, slot);
        self.present.grow_and_insert(slot);
        slot
    }

    fn add_queue(&mut self, queue: &TaskQueue) -> QueueSlot {
        let target = queue.target_workers.clone();
        let members = Members { id: queue.id, target, workers: FixedBitSet::new(), count: 0 };
        let slot = match self.free_queues.pop() {
            Some(slot) => {
                self.queues[slot] = members;
                slot
            }
            None => {
                self.queues.push(members);
                self.queues.len() - 1
            }
        };
        self.queue_slots.insert(queue.id, slot);
        self.take_target(slot);
        slot
    }

    fn take_target(&mut self, slot: QueueSlot) {
        let target = &self.queues[slot].target;
        self.anchored.insert(slot, target);
        self.live_queues.retain(|live| *live != slot);
        if let TargetWorkers::Matching(expression) = target {
            if expression.depends_on_activity() || expression.depends_on_load() {
                self.live_queues.push(slot);
            }
            self.columns.watch(expression, self.entries.iter().map(|entry| &entry.attributes));
        }
    }

    fn take_attributes(&mut self, slot: WorkerSlot, attributes: Value) {
        let former = std::mem::replace(&mut self.entries[slot].attributes, attributes);
        self.columns.worker_changed(slot, &former, &self.entries[slot].attributes);
    }

    /// Finds the Workers of a TaskQueue anew, and returns those who were none of them before.
    fn update_members(&mut self, state: &State, queue: QueueSlot, now: Timestamp) -> Vec<WorkerSlot> {
        let members = self.eligible(state, &self.queues[queue].target, now);
        let former = std::mem::replace(&mut self.queues[queue].workers, members);
        let members = &mut self.queues[queue];
        members.count = members.workers.count_ones(..);
        for worker in former.difference(&members.workers) {
            self.entries[worker].queues.remove(queue);
        }
        let mut joined = Vec::new();
        for worker in members.workers.difference(&former) {
            self.entries[worker].queues.grow_and_insert(queue);
            joined.push(worker);
        }
        joined
    }

    fn eligible(&self, state: &State, target: &TargetWorkers, now: Timestamp) -> FixedBitSet {
        let expression = match target {
            TargetWorkers::Nobody => return FixedBitSet::with_capacity(self.entries.len()),
            TargetWorkers::Matching(expression) => expression,
        };
        let Matches { workers, is_exact } = self.matches(expression, TaskFacts::None, now);
        let mut workers = workers.unwrap_or_else(|| self.present.clone());
        workers.grow(self.entries.len());
        if !is_exact {
            let is_wrong = |slot: &WorkerSlot| !self.view(state, *slot).is_eligible_for(target, now);
            let wrong: Vec<WorkerSlot> = workers.ones().filter(is_wrong).collect();
            wrong.into_iter().for_each(|slot| workers.remove(slot));
        }
        workers
    }

    fn recheck_live_queues(&mut self, state: &State, slot: WorkerSlot, now: Timestamp, wakes: &mut Wakes) {
        for live in 0..self.live_queues.len() {
            if self.recheck(state, self.live_queues[live], slot, now) {
                wakes.workers.insert(slot);
            }
        }
    }

    /// Looks at one Worker and one TaskQueue again. True where the Worker has become eligible.
    fn recheck(&mut self, state: &State, queue: QueueSlot, slot: WorkerSlot, now: Timestamp) -> bool {
        let is_member = self.view(state, slot).is_eligible_for(&self.queues[queue].target, now);
        let members = &mut self.queues[queue];
        if members.workers.contains(slot) == is_member {
            return false;
        }
        let queues = &mut self.entries[slot].queues;
        if is_member {
            members.workers.grow_and_insert(slot);
            queues.grow_and_insert(queue);
            members.count += 1;
        } else {
            members.workers.remove(slot);
            queues.remove(queue);
            members.count -= 1;
        }
        is_member
    }

    fn take_activity(&mut self, slot: WorkerSlot, activity: Option<ActivityId>) {
        let former = std::mem::replace(&mut self.entries[slot].activity, activity);
        if former == activity {
            return;
        }
        if let Some(former) = former
            && let Some(workers) = self.activities.get_mut(&former)
        {
            workers.remove(slot);
            if workers.is_clear() {
                self.activities.remove(&former);
            }
        }
        if let Some(activity) = activity {
            self.activities.entry(activity).or_default().grow_and_insert(slot);
        }
    }

    /// How many Workers of a TaskQueue are in an Activity.
    pub(super) fn count_in_activity(&self, queue: QueueSlot, activity: ActivityId) -> usize {
        let workers = self.activities.get(&activity);
        workers.map_or(0, |workers| self.queues[queue].workers.intersection_count(workers))
    }

    /// Takes in what a Worker can take. True where it is more than before.
    fn update_readiness(&mut self, state: &State, slot: WorkerSlot) -> bool {
        self.take_activity(slot, Some(self.entries[slot].worker.activity));
        let entry = &mut self.entries[slot];
        let worker = &entry.worker;
        let is_available = state.is_available(worker);
        let mut can_take_more = false;
        for (&id, &at) in &self.channel_slots {
            // Where nothing has changed, it is switched on, has room, and never had a Reservation.
            let channel = worker.changed_channel(id);
            let ready = &mut self.channels[at];
            let stamp = match ready.optimized {
                true => channel.and_then(|channel| channel.last_reserved),
                false => worker.last_reserved,
            };
            let place = (stamp.map_or(0, |stamp| stamp.sequence), worker.created_at, worker.id);
            if ready.places.len() <= slot {
                ready.places.resize(slot + 1, place);
                ready.workers.grow(slot + 1);
            }
            let former = std::mem::replace(&mut ready.places[slot], place);
            let (was, is) = (
                entry.ready_on & (1 << at) != 0,
                is_available && channel.is_none_or(WorkerChannel::has_room),
            );
            let has_moved = former != place;
            if was && (!is || has_moved) {
                ready.circle.remove(&former);
            }
            if is && (!was || has_moved) {
                ready.circle.insert(place, slot);
            }
            if is && !was {
                entry.ready_on |= 1 << at;
                ready.workers.insert(slot);
                can_take_more = true;
            } else if was && !is {
                entry.ready_on &= !(1 << at);
                ready.workers.remove(slot);
            }
        }
        can_take_more
    }

    /// What a comparison with an index made anew may look at: ids, no slots.
    pub(super) fn canonical(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let ids: Vec<WorkerId> = self.entries.iter().map(|entry| entry.worker.id).collect();
        let workers: BTreeMap<WorkerId, (Vec<TaskQueueId>, Vec<TaskChannelId>, Value)> = self
            .all()
            .map(|slot| {
                let entry = &self.entries[slot];
                let mut queues: Vec<_> = entry.queues.ones().map(|queue| self.queues[queue].id).collect();
                queues.sort();
                let channels =
                    self.channel_slots.iter().filter(|(_, slot)| entry.ready_on & (1 << **slot) != 0);
                (entry.worker.id, (queues, channels.map(|(id, _)| *id).collect(), entry.attributes.clone()))
            })
            .collect();
        let queues: BTreeMap<TaskQueueId, Vec<WorkerId>> = self
            .queue_slots
            .values()
            .map(|slot| {
                let members = &self.queues[*slot];
                let mut workers: Vec<_> = members.workers.ones().map(|slot| ids[slot]).collect();
                workers.sort();
                assert_eq!(workers.len(), members.count, "the count of members is the number of bits");
                (members.id, workers)
            })
            .collect();
        let circles: BTreeMap<TaskChannelId, Vec<CircleKey>> = self
            .channel_slots
            .iter()
            .map(|(id, slot)| {
                let ready = &self.channels[*slot];
                let places = ready.workers.ones().map(|slot| (ready.place(slot), slot));
                assert_eq!(ready.circle, places.collect(), "the circle holds the Workers who are ready");
                (*id, ready.circle.keys().copied().collect())
            })
            .collect();
        let in_activity =
            |workers: &FixedBitSet| workers.ones().map(|slot| ids[slot]).collect::<BTreeSet<_>>();
        let activities: BTreeMap<ActivityId, BTreeSet<WorkerId>> =
            self.activities.iter().map(|(id, workers)| (*id, in_activity(workers))).collect();
        (workers, queues, circles, activities, self.columns.canonical(&ids))
    }
}

impl Entry {
    pub(super) fn id_text(&self) -> &str {
        &self.id_text
    }
}
