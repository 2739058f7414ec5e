//! Who serves which TaskQueue, and who has room for work, as dense bitmaps.
//!
//! Workers, TaskQueues and Task Channels get small numbers, *slots*, in the order in which they appear. Slots are
//! a matter of this index alone: they are not stored and mean nothing outside.

use std::collections::BTreeMap;

use fixedbitset::FixedBitSet;
use serde_json::Value;

use super::Wakes;
use super::anchored::Anchored;
use crate::eligibility::WorkerView;
use crate::ids::{ActivityId, TaskChannelId, TaskQueueId, WorkerId};
use crate::state::{State, TargetWorkers, TaskQueue, Worker};
use crate::time::Timestamp;

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
    queue_slots: BTreeMap<TaskQueueId, QueueSlot>,
    queues: Vec<Members>,
    channel_slots: BTreeMap<TaskChannelId, ChannelSlot>,
    channels: Vec<Ready>,
    /// TaskQueues whose expression looks at more than attributes and names: membership follows the Worker's
    /// Activity and load.
    live_queues: Vec<QueueSlot>,
    anchored: Anchored,
}

/// What a decision needs to know of one Worker.
pub(super) struct Entry {
    pub(super) id: WorkerId,
    id_text: String,
    /// The attributes as a tree, so that no decision parses them.
    attributes: Value,
    /// The TaskQueues that the Worker is eligible for.
    pub(super) queues: FixedBitSet,
    /// The Task Channels on which work can come now, one bit each.
    pub(super) ready_on: u64,
    /// The Worker's place in the circle of each Task Channel.
    circles: Vec<CircleKey>,
}

/// The Workers of one TaskQueue.
pub(super) struct Members {
    pub(super) id: TaskQueueId,
    pub(super) workers: FixedBitSet,
    pub(super) count: usize,
}

/// The Workers on whom work of one Task Channel can come now, in the order of the circle.
#[derive(Default)]
pub(super) struct Ready {
    pub(super) circle: BTreeMap<CircleKey, WorkerSlot>,
    /// Has the channel a circle of its own?
    optimized: bool,
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

    pub(super) fn n_queues(&self) -> usize {
        self.queues.len()
    }

    pub(super) fn n_channels(&self) -> usize {
        self.channels.len()
    }

    pub(super) fn ready(&self, channel: ChannelSlot) -> &Ready {
        &self.channels[channel]
    }

    pub(super) fn circle_key(&self, slot: WorkerSlot, channel: ChannelSlot) -> CircleKey {
        self.entries[slot].circles[channel]
    }

    /// The Worker as expressions see it.
    pub(super) fn view<'a>(&'a self, state: &'a State, slot: WorkerSlot) -> WorkerView<'a> {
        let entry = &self.entries[slot];
        WorkerView::with(state, &state.workers[&entry.id], &entry.id_text, &entry.attributes)
    }

    pub(super) fn channel_added(&mut self, id: TaskChannelId, optimized: bool) {
        if let Some(&slot) = self.channel_slots.get(&id) {
            assert_eq!(
                self.channels[slot].optimized, optimized,
                "the circle of a channel does not change yet"
            );
            return;
        }
        assert!(self.channels.len() < 64, "a Workspace has fewer Task Channels than a word has bits");
        self.channel_slots.insert(id, self.channels.len());
        self.channels.push(Ready { circle: BTreeMap::new(), optimized });
    }

    /// Takes in a new or changed TaskQueue. Workers who become eligible are woken.
    pub(super) fn queue_changed(
        &mut self,
        state: &State,
        old: Option<&TaskQueue>,
        queue: &TaskQueue,
        now: Timestamp,
        wakes: &mut Wakes,
    ) {
        if old.is_some_and(|old| old.target_workers == queue.target_workers) {
            return;
        }
        let slot = match self.queue_slots.get(&queue.id) {
            Some(&slot) => slot,
            None => {
                self.queue_slots.insert(queue.id, self.queues.len());
                self.queues.push(Members { id: queue.id, workers: FixedBitSet::new(), count: 0 });
                self.queues.len() - 1
            }
        };
        if let Some(old) = old {
            self.anchored.remove(slot, &old.target_workers);
        }
        self.anchored.insert(slot, &queue.target_workers);
        self.live_queues.retain(|live| *live != slot);
        if is_live(&queue.target_workers) {
            self.live_queues.push(slot);
        }
        for worker in 0..self.entries.len() {
            let member = self.view(state, worker).is_eligible_for(&queue.target_workers, now);
            self.set_member(slot, worker, member, wakes);
        }
    }

    /// Takes in a new or changed Worker. Who can get more work than before is woken.
    pub(super) fn worker_changed(
        &mut self,
        state: &State,
        old: Option<&Worker>,
        worker: &Worker,
        now: Timestamp,
        wakes: &mut Wakes,
    ) {
        let slot = match self.slots.get(&worker.id) {
            Some(&slot) => slot,
            None => self.add(worker),
        };
        let same_identity =
            old.is_some_and(|old| old.attributes.is_same(&worker.attributes) && old.name == worker.name);
        if !same_identity {
            self.entries[slot].attributes = worker.attributes.to_value();
            let mut to_check = self.anchored.candidates(&self.entries[slot].attributes);
            to_check.union_with(&self.entries[slot].queues); // Those that the Worker may have lost.
            for queue in to_check.ones() {
                self.recheck(state, queue, slot, now, wakes);
            }
            wakes.workers.insert(slot);
        } else {
            self.recheck_live_queues(state, slot, now, wakes);
        }
        if old.is_none_or(|old| old.activity != worker.activity) {
            wakes.workers.insert(slot);
        }
        self.update_readiness(state, slot, worker, wakes);
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
            if state.workers[&self.entries[slot].id].activity == activity {
                self.recheck_live_queues(state, slot, now, wakes);
                wakes.workers.insert(slot);
            }
        }
    }

    fn add(&mut self, worker: &Worker) -> WorkerSlot {
        let slot = self.entries.len();
        self.slots.insert(worker.id, slot);
        self.entries.push(Entry {
            id: worker.id,
            id_text: worker.id.to_string(),
            attributes: Value::Null,
            queues: FixedBitSet::new(),
            ready_on: 0,
            circles: Vec::new(),
        });
        slot
    }

    fn recheck_live_queues(&mut self, state: &State, slot: WorkerSlot, now: Timestamp, wakes: &mut Wakes) {
        for live in 0..self.live_queues.len() {
            self.recheck(state, self.live_queues[live], slot, now, wakes);
        }
    }

    fn recheck(
        &mut self,
        state: &State,
        queue: QueueSlot,
        slot: WorkerSlot,
        now: Timestamp,
        wakes: &mut Wakes,
    ) {
        let target = &state.task_queues[&self.queues[queue].id].target_workers;
        let member = self.view(state, slot).is_eligible_for(target, now);
        self.set_member(queue, slot, member, wakes);
    }

    fn set_member(&mut self, queue: QueueSlot, slot: WorkerSlot, member: bool, wakes: &mut Wakes) {
        let members = &mut self.queues[queue];
        if members.workers.contains(slot) == member {
            return;
        }
        let queues = &mut self.entries[slot].queues;
        if member {
            members.workers.grow_and_insert(slot);
            queues.grow_and_insert(queue);
            members.count += 1;
            wakes.workers.insert(slot);
        } else {
            members.workers.remove(slot);
            queues.remove(queue);
            members.count -= 1;
        }
    }

    fn update_readiness(&mut self, state: &State, slot: WorkerSlot, worker: &Worker, wakes: &mut Wakes) {
        let available = state.is_available(worker);
        let entry = &mut self.entries[slot];
        entry.circles.resize(self.channels.len(), (0, worker.created_at, worker.id));
        for channel in &worker.channels {
            let at = self.channel_slots[&channel.task_channel];
            let ready = &mut self.channels[at];
            let stamp = if ready.optimized { channel.last_reserved } else { worker.last_reserved };
            let key = (stamp.map_or(0, |stamp| stamp.sequence), worker.created_at, worker.id);
            let (was, is) = (entry.ready_on & (1 << at) != 0, available && channel.has_room());
            let moved = entry.circles[at] != key;
            if was && (!is || moved) {
                ready.circle.remove(&entry.circles[at]);
            }
            if is && (!was || moved) {
                ready.circle.insert(key, slot);
            }
            entry.circles[at] = key;
            if is && !was {
                entry.ready_on |= 1 << at;
                wakes.workers.insert(slot);
            } else if !is {
                entry.ready_on &= !(1 << at);
            }
        }
    }

    /// What a comparison with an index made anew may look at: ids, no slots.
    pub(super) fn canonical(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let workers: BTreeMap<WorkerId, (Vec<TaskQueueId>, Vec<TaskChannelId>, Value)> = self
            .entries
            .iter()
            .map(|entry| {
                let mut queues: Vec<_> = entry.queues.ones().map(|queue| self.queues[queue].id).collect();
                queues.sort();
                let channels =
                    self.channel_slots.iter().filter(|(_, slot)| entry.ready_on & (1 << **slot) != 0);
                (entry.id, (queues, channels.map(|(id, _)| *id).collect(), entry.attributes.clone()))
            })
            .collect();
        let queues: BTreeMap<TaskQueueId, Vec<WorkerId>> = self
            .queues
            .iter()
            .map(|members| {
                let mut workers: Vec<_> = members.workers.ones().map(|slot| self.entries[slot].id).collect();
                workers.sort();
                assert_eq!(workers.len(), members.count, "the count of members is the number of bits");
                (members.id, workers)
            })
            .collect();
        let circles: BTreeMap<TaskChannelId, Vec<CircleKey>> = self
            .channel_slots
            .iter()
            .map(|(id, slot)| (*id, self.channels[*slot].circle.keys().copied().collect()))
            .collect();
        (workers, queues, circles)
    }
}

impl Entry {
    pub(super) fn id_text(&self) -> &str {
        &self.id_text
    }
}

fn is_live(target: &TargetWorkers) -> bool {
    match target {
        TargetWorkers::Nobody => false,
        TargetWorkers::Matching(expression) => {
            expression.depends_on_activity() || expression.depends_on_load()
        }
    }
}
