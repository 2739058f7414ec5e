//! Which Worker is offered which Task, and in what order. The heart of the router.
//!
//! A Worker is a *candidate* for a waiting Task when all of this holds:
//!
//! 1. the Worker is eligible for the TaskQueue (its target expression is true), if the Task is in one;
//! 2. the step's worker expression is true, and the Worker is the known one, if the step names one;
//! 3. the Worker's Activity is available, the worker channel is switched on, and it has room;
//! 4. the Worker has not refused the Task within the re-offer delay, has no open Reservation of it, and is not the
//!    one who is transferring it.
//!
//! Two questions are asked, always with the same notion of candidate:
//!
//! * **A Task waits: which Worker?** ([`Index::candidates`]) The candidate who got a Reservation longest ago; who
//!   never got one comes before all others; then the one created first; then the smaller id.
//! * **A Worker has room: which Task?** ([`Index::best_task_for`]) The first, by [`Precedence`], of the Tasks that
//!   the Worker is a candidate for: TaskQueues of the preferred order first; FIFO by priority, then virtual start
//!   time; LIFO by virtual start time alone, the newest first; then by creation.
//!
//! Where the step has an `order_by`, that goes before the circle.
//!
//! After every command the router is *settled*: no waiting Task has a candidate. So a Task that arrives competes
//! with nobody for the Workers that are free, and a Worker who becomes free competes with nobody for the Tasks
//! that wait; where several become free at once, the first Task by precedence is served first.
//!
//! Cost. The first question walks the circle of free Workers testing one bit each, or, where few Workers are
//! eligible, looks at these alone; the walk is cut off after [`WALK_MAX`] steps, and where the step's expression is
//! true for hardly anybody, after [`UNSUITED_MAX`] Workers. The second looks at the first Task of each TaskQueue of
//! the Worker in which somebody waits, 64 at a time where all 64 are behind the best so far. Neither grows with the
//! number of waiting Tasks, but with that of the different things that they ask for (`lanes.rs`).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fixedbitset::FixedBitSet;

use super::columns::Matches;
use super::lanes::{Heads, Known, Lane, LaneId, NOBODY_WAITS, Precedence};
use super::workers::{ChannelSlot, CircleKey, QueueSlot, WorkerSlot};
use super::{Index, Wakes};
use crate::expression::{OrderBy, TaskFacts};
use crate::ids::{TaskId, WorkerId};
use crate::state::{State, Task};
use crate::time::Timestamp;

/// How many free Workers are looked at in the order of the circle before all eligible ones are looked at instead.
const WALK_MAX: usize = 256;
/// How many eligible Workers of the circle may turn out not to suit before those who do are looked up.
const UNSUITED_MAX: usize = 16;

impl Index {
    /// The place of a waiting Task among all that wait.
    pub(crate) fn precedence_of(&self, state: &State, task: TaskId) -> Option<Precedence> {
        let lane = self.lanes.lane(self.lanes.place(task)?);
        Some(self.lanes.precedence(lane, &state.tasks[&task]))
    }

    /// Where a Task waits.
    pub(crate) fn lane_of(&self, task: TaskId) -> Option<LaneId> {
        self.lanes.place(task)
    }

    /// The Workers whom a Task that waits in this lane is offered to: the first `limit` candidates.
    pub(crate) fn candidates(
        &self,
        state: &State,
        lane: LaneId,
        task: &Task,
        limit: usize,
        now: Timestamp,
    ) -> Vec<WorkerSlot> {
        let lane = self.lanes.lane(lane);
        let may_get = |slot: WorkerSlot| may_be_offered(state, task, self.workers.entry(slot).worker.id, now);
        let is_candidate = |slot: WorkerSlot| self.suits(state, lane, slot, now) && may_get(slot);

        if let Some(known) = &lane.rule.known {
            let known = self.known_worker(state, known);
            return known
                .filter(|slot| self.is_member(lane, *slot) && is_candidate(*slot))
                .into_iter()
                .collect();
        }

        let members = self.workers.members(lane.queue.expect(IN_QUEUE));
        let ready = self.workers.ready(lane.channel);
        if members.count == 0 || ready.circle.is_empty() {
            return Vec::new();
        }
        // With W ready Workers and n eligible ones, one in W/n steps of the circle finds one of them, while
        // looking at the eligible ones takes n steps.
        let is_walk_shorter = members.count.saturating_mul(members.count) > 2 * ready.circle.len();
        if is_walk_shorter {
            let mut found = Vec::new();
            let (mut n_steps, mut n_unsuited) = (0, 0);
            for &slot in ready.circle.values() {
                if members.workers.contains(slot) {
                    if is_candidate(slot) {
                        found.push(slot);
                        if found.len() == limit {
                            return found;
                        }
                    } else {
                        n_unsuited += 1;
                    }
                }
                n_steps += 1;
                if n_steps == WALK_MAX || n_unsuited == UNSUITED_MAX {
                    break;
                }
            }
            if n_steps == ready.circle.len() {
                return found;
            }
        }

        // All who can be meant, then the first of them. Where they are many, the expression makes them fewer first.
        let mut in_order: Vec<Reverse<(CircleKey, WorkerSlot)>> = members
            .workers
            .intersection(&ready.workers)
            .map(|slot| Reverse((ready.place(slot), slot)))
            .collect();
        let mut is_suited = lane.rule.condition.is_none();
        if let Some(condition) = lane.rule.condition.as_ref().filter(|_| in_order.len() > UNSUITED_MAX) {
            let task = TaskFacts::Projection(&condition.task);
            let Matches { workers, is_exact } = self.workers.matches(&condition.expression, task, now);
            if let Some(workers) = workers {
                in_order.retain(|Reverse((_, slot))| workers.contains(*slot));
            }
            is_suited = is_exact;
        }
        let mut in_order = BinaryHeap::from(in_order);
        let first = std::iter::from_fn(|| in_order.pop().map(|Reverse((_, slot))| slot));
        first
            .filter(|slot| if is_suited { may_get(*slot) } else { is_candidate(*slot) })
            .take(limit)
            .collect()
    }

    /// The same where the step says which candidate comes first; among equals it is the one whose turn it is. Looks at
    /// all candidates, since any of them may be the first.
    pub(crate) fn candidates_by(
        &self,
        state: &State,
        lane: LaneId,
        task: &Task,
        order_by: &OrderBy,
        limit: usize,
        now: Timestamp,
    ) -> Vec<WorkerSlot> {
        let mut candidates = self.candidates(state, lane, task, usize::MAX, now);
        if candidates.len() > 1 {
            candidates.sort_by_cached_key(|slot| order_by.rank(&self.workers.view(state, *slot)));
        }
        candidates.truncate(limit);
        candidates
    }

    /// Do Tasks wait whose steps look at the time of day?
    pub(crate) fn looks_at_time(&self) -> bool {
        self.lanes.time_dependent().len() > 0
    }

    /// Another minute has begun: who has room may have become a candidate for such a Task.
    pub(crate) fn minute_has_begun(&self, state: &State, wakes: &mut Wakes) {
        for lane in self.lanes.time_dependent() {
            match &lane.rule.known {
                Some(known) => wakes.workers.extend(self.known_worker(state, known)),
                None => {
                    let members = &self.workers.members(lane.queue.expect(IN_QUEUE)).workers;
                    wakes.workers.extend(members.intersection(&self.workers.ready(lane.channel).workers));
                }
            }
        }
    }

    /// The Task that a Worker would be offered first, with its place among all that wait.
    pub(crate) fn best_task_for(
        &self,
        state: &State,
        slot: WorkerSlot,
        now: Timestamp,
    ) -> Option<(Precedence, TaskId)> {
        let worker = self.workers.entry(slot);
        let mut best: Option<(Precedence, TaskId)> = None;

        for channel in (0..self.workers.n_channels()).filter(|channel| worker.ready_on & (1 << channel) != 0)
        {
            let Some(heads) = self.lanes.open(channel) else { continue };
            // The first of all heads is the best there can be, and mostly the Worker can have it.
            let mut first = None;
            walk_heads(heads, &worker.queues, bound(best), |queue, head| {
                first = Some((queue, head));
                head
            });
            let Some((queue, head)) = first else { continue };
            best = self.best_of_queue(state, heads, queue, slot, now, best);
            if bound(best) != head {
                walk_heads(heads, &worker.queues, bound(best), |queue, _| {
                    best = self.best_of_queue(state, heads, queue, slot, now, best);
                    bound(best)
                });
            }
        }
        if self.lanes.has_known() {
            for id in self.lanes.known(worker.id_text(), &worker.worker.name) {
                if self.is_member(self.lanes.lane(id), slot) {
                    best = self.first_of_lane(state, id, slot, now, best);
                }
            }
        }
        best
    }

    /// The better of `best` and the first Task of the TaskQueue that the Worker is a candidate for.
    fn best_of_queue(
        &self,
        state: &State,
        heads: &Heads,
        queue: QueueSlot,
        slot: WorkerSlot,
        now: Timestamp,
        mut best: Option<(Precedence, TaskId)>,
    ) -> Option<(Precedence, TaskId)> {
        for (head, id) in heads.lanes(queue) {
            if self.lanes.precedence_of_rank(self.lanes.lane(id), head) >= bound(best) {
                break; // The lanes are in the order of their first Tasks.
            }
            best = self.first_of_lane(state, id, slot, now, best);
        }
        best
    }

    /// The better of `best` and the first Task of the lane that the Worker, who serves the TaskQueue, is a candidate
    /// for.
    fn first_of_lane(
        &self,
        state: &State,
        id: LaneId,
        slot: WorkerSlot,
        now: Timestamp,
        best: Option<(Precedence, TaskId)>,
    ) -> Option<(Precedence, TaskId)> {
        let lane = self.lanes.lane(id);
        if !self.suits(state, lane, slot, now) {
            return best;
        }
        // All but who must not be offered it is the same for the whole lane, so this ends at the first Task, or soon after.
        let worker = self.workers.entry(slot).worker.id;
        let is_barred = |task: &TaskId| {
            self.lanes.is_barred(*task) && !may_be_offered(state, &state.tasks[task], worker, now)
        };
        let first = lane
            .waiting
            .iter()
            .map(|(rank, task)| (self.lanes.precedence_of_rank(lane, *rank), *task))
            .take_while(|(precedence, _)| *precedence < bound(best))
            .find(|(_, task)| !is_barred(task));
        first.or(best)
    }

    pub(super) fn is_member(&self, lane: &Lane, slot: WorkerSlot) -> bool {
        // Outside of all TaskQueues, nobody but the one known Worker is looked at.
        lane.queue.is_none_or(|queue| self.workers.members(queue).workers.contains(slot))
    }

    /// The second and third point, for a Worker of whom the first holds. They are the same for all Tasks of a lane.
    fn suits(&self, state: &State, lane: &Lane, slot: WorkerSlot, now: Timestamp) -> bool {
        self.workers.entry(slot).ready_on & (1 << lane.channel) != 0
            && self.meets_condition(state, lane, slot, now)
    }

    /// Is the step's expression true for the Worker?
    pub(super) fn meets_condition(
        &self,
        state: &State,
        lane: &Lane,
        slot: WorkerSlot,
        now: Timestamp,
    ) -> bool {
        lane.rule.condition.as_ref().is_none_or(|condition| {
            let task = TaskFacts::Projection(&condition.task);
            self.workers.view(state, slot).satisfies(&condition.expression, task, now)
        })
    }

    /// The first Task before this place that the Worker would be offered with room on the channel.
    pub(super) fn first_waiting_before(
        &self,
        state: &State,
        channel: ChannelSlot,
        slot: WorkerSlot,
        place: Precedence,
        now: Timestamp,
    ) -> Option<(Precedence, TaskId)> {
        let worker = self.workers.entry(slot);
        let known = self.lanes.known(worker.id_text(), &worker.worker.name);
        let of_heads = self.lanes.open(channel).into_iter().flat_map(|heads| {
            let queues = worker.queues.ones();
            queues.flat_map(|queue| heads.lanes(queue)).map(|(_, lane)| lane)
        });
        let lanes = known.filter(|id| self.is_member(self.lanes.lane(*id), slot)).chain(of_heads);
        lanes
            .map(|id| self.lanes.lane(id))
            .filter(|lane| lane.channel == channel && self.meets_condition(state, lane, slot, now))
            .filter_map(|lane| {
                let waiting = lane.waiting.iter();
                let placed = waiting.map(|(rank, task)| (self.lanes.precedence_of_rank(lane, *rank), *task));
                placed
                    .take_while(|(precedence, _)| *precedence < place)
                    .find(|(_, task)| may_be_offered(state, &state.tasks[task], worker.worker.id, now))
            })
            .min()
    }

    /// How many Tasks wait in a TaskQueue before this place.
    pub(super) fn n_waiting_before(&self, queue: QueueSlot, place: Precedence) -> usize {
        let of_lane = |lane: &Lane| {
            let waiting = lane.waiting.keys().map(|rank| self.lanes.precedence_of_rank(lane, *rank));
            waiting.take_while(|precedence| *precedence < place).count()
        };
        self.lanes.of_queue(queue).map(of_lane).sum()
    }

    pub(super) fn known_worker(&self, state: &State, known: &Known) -> Option<WorkerSlot> {
        let id = match known {
            Known::Id(id) => id.parse().ok()?,
            Known::Name(name) => state.worker_named(name)?.id,
            Known::Nobody => return None,
        };
        self.workers.slot(id)
    }
}

/// Why a lane without a known Worker has a TaskQueue.
const IN_QUEUE: &str = "a Task waits outside of all TaskQueues only for one Worker";

/// The fourth point.
fn may_be_offered(state: &State, task: &Task, worker: WorkerId, now: Timestamp) -> bool {
    !task.is_cooling_down(worker, now) && !state.has_or_hands_on(task, worker)
}

const WORD_BITS: usize = usize::BITS as usize;
/// How many words of a bitmap make a block of 64 TaskQueues.
const BLOCKS_OF_WORDS: usize = 64 / WORD_BITS;

/// What a Task has to go before.
fn bound(best: Option<(Precedence, TaskId)>) -> Precedence {
    best.map_or(NOBODY_WAITS, |(precedence, _)| precedence)
}

/// Visits the TaskQueues of a set whose first Tasks go before `bound`, which is what a visit says it is from there on.
fn walk_heads(
    heads: &Heads,
    queues: &FixedBitSet,
    mut bound: Precedence,
    mut visit: impl FnMut(QueueSlot, Precedence) -> Precedence,
) {
    for (block, words) in queues.as_slice().chunks(BLOCKS_OF_WORDS).enumerate() {
        if words.iter().all(|bits| *bits == 0) || heads.block(block) >= bound {
            continue;
        }
        for (word, &bits) in words.iter().enumerate() {
            for queue in ones(bits, block * 64 + word * WORD_BITS) {
                let head = heads.head(queue);
                if head < bound {
                    bound = visit(queue, head);
                }
            }
        }
    }
}

/// The positions of the bits that are set, counted from `offset`.
fn ones(mut bits: usize, offset: usize) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        if bits == 0 {
            return None;
        }
        let bit = bits.trailing_zeros() as usize;
        bits &= bits - 1;
        Some(offset + bit)
    })
}
