//! Which Worker is offered which Task, and in what order. The heart of the router.
//!
//! A Worker is a *candidate* for a waiting Task when all of this holds:
//!
//! 1. the Worker is eligible for the TaskQueue (its target expression is true);
//! 2. the step's worker expression is true, and the Worker is the known one, if the step names one;
//! 3. the Worker's Activity is available, the worker channel is switched on, and it has room;
//! 4. the Worker has not refused the Task within the re-offer delay, and has no open Reservation of it.
//!
//! Two questions are asked, always with the same notion of candidate:
//!
//! * **A Task waits: which Worker?** ([`Index::candidates`]) The candidate who got a Reservation longest ago; who
//!   never got one comes before all others; then the one created first; then the smaller id.
//! * **A Worker has room: which Task?** ([`Index::best_task_for`]) The first, by [`Precedence`], of the Tasks that
//!   the Worker is a candidate for: TaskQueues of the preferred order first; FIFO by priority, then virtual start
//!   time; LIFO by virtual start time alone, the newest first; then by creation.
//!
//! After every command the router is *settled*: no waiting Task has a candidate. So a Task that arrives competes
//! with nobody for the Workers that are free, and a Worker who becomes free competes with nobody for the Tasks
//! that wait; where several become free at once, the first Task by precedence is served first.
//!
//! Cost. The first question walks the circle of free Workers testing one bit each, or, where few Workers are
//! eligible, looks at these alone; the walk is cut off after [`WALK_MAX`] steps. The second looks at the first Task
//! of each TaskQueue of the Worker in which somebody waits, 64 at a time where all 64 are behind the best so far.
//! Neither grows with the number of waiting Tasks.

use super::Index;
use super::lanes::{Known, Lane, LaneId, Precedence, Rank};
use super::workers::{CircleKey, WorkerSlot};
use crate::expression::TaskFacts;
use crate::ids::TaskId;
use crate::state::State;
use crate::time::Timestamp;

/// How many free Workers are looked at in the order of the circle before all eligible ones are looked at instead.
const WALK_MAX: usize = 256;

impl Index {
    /// The place of a waiting Task among all that wait.
    pub(crate) fn precedence_of(&self, task: TaskId) -> Option<Precedence> {
        let (lane, rank) = self.lanes.place(task)?;
        Some(self.lanes.precedence(lane, rank))
    }

    /// The Workers whom a waiting Task is offered to: the first `limit` candidates.
    pub(crate) fn candidates(
        &self,
        state: &State,
        task: TaskId,
        limit: usize,
        now: Timestamp,
    ) -> Vec<WorkerSlot> {
        let Some((lane, _)) = self.lanes.place(task) else { return Vec::new() };
        let lane = self.lanes.lane(lane);
        let is_candidate = |slot: WorkerSlot| self.is_candidate(state, lane, task, slot, now);

        if let Some(known) = &lane.rule.known {
            return self.known_worker(state, known).filter(|slot| is_candidate(*slot)).into_iter().collect();
        }

        let members = self.workers.members(lane.queue);
        let ready = &self.workers.ready(lane.channel).circle;
        let mut found = Vec::new();
        if members.count == 0 || ready.is_empty() {
            return found;
        }
        // With W ready Workers and n eligible ones, one in W/n steps of the circle finds one of them, while
        // looking at the eligible ones takes n steps.
        let is_walk_shorter = members.count.saturating_mul(members.count) > 2 * ready.len();
        if is_walk_shorter {
            let mut walk = ready.values().copied();
            for slot in walk.by_ref().take(WALK_MAX) {
                if members.workers.contains(slot) && is_candidate(slot) {
                    found.push(slot);
                    if found.len() == limit {
                        return found;
                    }
                }
            }
            if walk.next().is_none() {
                return found;
            }
            found.clear();
        }
        let mut in_order: Vec<(CircleKey, WorkerSlot)> = members
            .workers
            .ones()
            .filter(|slot| self.workers.entry(*slot).ready_on & (1 << lane.channel) != 0)
            .map(|slot| (self.workers.circle_key(slot, lane.channel), slot))
            .collect();
        in_order.sort_unstable();
        found.extend(
            in_order.into_iter().map(|(_, slot)| slot).filter(|slot| is_candidate(*slot)).take(limit),
        );
        found
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
            for (block, queues) in worker.queues.as_slice().chunks(BLOCKS_OF_WORDS).enumerate() {
                if !goes_before(heads.block(block), best) {
                    continue;
                }
                for (word, &bits) in queues.iter().enumerate() {
                    for queue in ones(bits, block * 64 + word * WORD_BITS) {
                        if !goes_before(heads.head(queue), best) {
                            continue;
                        }
                        for (head, lane) in heads.lanes(queue) {
                            if !goes_before(self.lanes.precedence(lane, head), best) {
                                break; // The lanes are in the order of their first Tasks.
                            }
                            best = self.first_of_lane(state, lane, slot, now, best);
                        }
                    }
                }
            }
        }
        if self.lanes.has_known() {
            let name = &state.workers[&worker.id].name;
            for lane in self.lanes.known(worker.id_text(), name) {
                best = self.first_of_lane(state, lane, slot, now, best);
            }
        }
        best
    }

    /// The better of `best` and the first Task of the lane that the Worker is a candidate for.
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
        // All but the cool-downs is the same for the whole lane, so this ends at the first Task, or soon after.
        let worker = self.workers.entry(slot).id;
        let precedence = |rank: Rank| self.lanes.precedence(id, rank);
        let first = lane
            .waiting
            .iter()
            .map(|(rank, task)| (precedence(*rank), *task))
            .take_while(|(precedence, _)| goes_before(*precedence, best))
            .find(|(_, task)| !state.tasks[task].is_cooling_down(worker, now));
        first.or(best)
    }

    fn is_candidate(
        &self,
        state: &State,
        lane: &Lane,
        task: TaskId,
        slot: WorkerSlot,
        now: Timestamp,
    ) -> bool {
        // A waiting Task has no open Reservation, so that part of the fourth point holds by itself.
        self.suits(state, lane, slot, now)
            && !state.tasks[&task].is_cooling_down(self.workers.entry(slot).id, now)
    }

    /// The first three points: what holds for all Tasks of a lane.
    fn suits(&self, state: &State, lane: &Lane, slot: WorkerSlot, now: Timestamp) -> bool {
        let worker = self.workers.entry(slot);
        worker.ready_on & (1 << lane.channel) != 0
            && self.workers.members(lane.queue).workers.contains(slot)
            && lane.rule.condition.as_ref().is_none_or(|condition| {
                let task = TaskFacts::Projection(&condition.task);
                self.workers.view(state, slot).satisfies(&condition.expression, task, now)
            })
    }

    fn known_worker(&self, state: &State, known: &Known) -> Option<WorkerSlot> {
        let id = match known {
            Known::Id(id) => id.parse().ok()?,
            Known::Name(name) => state.worker_named(name)?.id,
            Known::Nobody => return None,
        };
        self.workers.slot(id)
    }
}

const WORD_BITS: usize = usize::BITS as usize;
/// How many words of a bitmap make a block of 64 TaskQueues.
const BLOCKS_OF_WORDS: usize = 64 / WORD_BITS;

fn goes_before(precedence: Precedence, best: Option<(Precedence, TaskId)>) -> bool {
    precedence.is_somebody() && best.is_none_or(|(best, _)| precedence < best)
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
