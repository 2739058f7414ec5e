//! The Tasks that wait, in the order in which they are served.
//!
//! A TaskQueue is divided into *lanes*. All Tasks of a lane ask for the same: the same Task Channel, the same
//! worker expression, and the same values of those Task attributes that the expression reads. So what holds for
//! the first Task of a lane holds for all of them, and a decision looks at lanes, not at Tasks.
//!
//! Lanes whose Tasks are meant for one known Worker are kept apart and found by that Worker, since there may be
//! as many of them as there are Workers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::workers::{ChannelSlot, QueueSlot};
use crate::expression::Expression;
use crate::ids::{TaskChannelId, TaskId, TaskQueueId, WorkerId};
use crate::state::{Task, TaskOrder, TaskQueue};
use crate::time::Timestamp;
use crate::workflow_configuration::{KnownWorker, Target};

/// A Task's place among those of its TaskQueue. The smaller one is served first.
///
/// FIFO: higher priority, then the older virtual start time, then creation. LIFO: the newer virtual start time,
/// then the newer creation; priority does not count (`routing.md` 3.2). Creation is the
/// position of `task.created` in the log, so no two Tasks have the same place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Rank {
    priority: u32,
    age: i64,
    created: u64,
}

/// A Task's place among all Tasks of the Workspace: the TaskQueues of the preferred order go first
/// (`routing.md` 3.3), whatever the ranks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Precedence {
    class: u8,
    rank: Rank,
}

/// Behind every Task: the place of a TaskQueue in which nobody waits.
pub(super) const NOBODY_WAITS: Precedence =
    Precedence { class: u8::MAX, rank: Rank { priority: u32::MAX, age: i64::MAX, created: u64::MAX } };

/// A lane's number. There may be as many places as Tasks, so it is small.
pub(crate) type LaneId = u32;

/// Tasks that ask for the same.
pub(super) struct Lane {
    /// `None` where the Tasks were directed to one Worker, who need not serve any TaskQueue.
    pub(super) queue: Option<QueueSlot>,
    pub(super) channel: ChannelSlot,
    order: TaskOrder,
    pub(super) rule: Rule,
    pub(super) waiting: BTreeMap<Rank, TaskId>,
    key: LaneKey,
}

/// What the Tasks of a lane ask for, beyond a Worker of the TaskQueue with room on the Task Channel.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// Only this Worker.
    pub(super) known: Option<Known>,
    /// Only Workers for whom this holds.
    pub(super) condition: Option<Condition>,
}

/// The one Worker that a Task is meant for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Known {
    /// By id, as the attribute has it.
    Id(String),
    /// By name, in lower case.
    Name(String),
    /// The attribute names nobody: the Task waits.
    Nobody,
}

/// Where a Task waits, and what it asks for there.
pub(super) struct Stand {
    pub(super) queue: Option<QueueSlot>,
    pub(super) order: TaskOrder,
    pub(super) channel: ChannelSlot,
    pub(super) rule: Rule,
}

/// A worker expression with what it reads of the Task.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) expression: Expression,
    pub(super) task: Arc<[Value]>,
}

/// Where the Tasks of a lane wait, and what they ask for.
type LaneKey = (Option<QueueSlot>, ChannelSlot, TaskOrder, Option<Known>, Option<(String, String)>);

/// All waiting Tasks of a Workspace.
#[derive(Default)]
pub(super) struct Lanes {
    lanes: Vec<Option<Lane>>,
    free: Vec<LaneId>,
    by_key: BTreeMap<LaneKey, LaneId>,
    /// The lane of each waiting Task. Its rank there follows from the Task.
    places: BTreeMap<TaskId, LaneId>,
    /// The waiting Tasks that must not be offered to somebody who would be a candidate otherwise.
    barred: BTreeSet<TaskId>,
    /// For each Task Channel, the TaskQueues in which somebody waits for anyone.
    open: Vec<Heads>,
    /// The lanes for one known Worker.
    known: BTreeMap<Known, BTreeSet<LaneId>>,
    /// Whether a TaskQueue is of the preferred order, by slot.
    classes: Vec<u8>,
    /// The same of Tasks that wait in none. They are ordered as in a FIFO TaskQueue.
    class_outside: u8,
    /// How many lanes have a condition that looks at the load of Workers.
    n_load_dependent: usize,
    /// The lanes whose condition looks at the time of day.
    time_dependent: BTreeSet<LaneId>,
}

/// The first Tasks of all TaskQueues, for one Task Channel.
#[derive(Default)]
pub(super) struct Heads {
    /// By TaskQueue: its lanes, by their first Tasks.
    lanes: Vec<BTreeSet<(Rank, LaneId)>>,
    /// By TaskQueue: the first Task of all its lanes.
    heads: Vec<Precedence>,
    /// By 64 TaskQueues: the first of these, to pass over 64 at once.
    blocks: Vec<Precedence>,
}

impl Rank {
    fn of(task: &Task, order: TaskOrder) -> Rank {
        let Timestamp(age) = task.virtual_start_time;
        match order {
            TaskOrder::Fifo => {
                Rank { priority: u32::MAX - task.priority, age, created: task.created_sequence }
            }
            TaskOrder::Lifo => Rank { priority: 0, age: -age, created: u64::MAX - task.created_sequence },
        }
    }
}

impl Rule {
    /// Any Worker who serves the TaskQueue.
    pub(super) const ANYBODY: Rule = Rule { known: None, condition: None };

    /// This Worker and nobody else.
    pub(super) fn of_worker(worker: WorkerId) -> Rule {
        Rule { known: Some(Known::Id(worker.to_string())), condition: None }
    }

    /// What a Task asks for in a step of its Workflow.
    pub(super) fn of(task: &Task, target: &Target) -> Rule {
        if target.known_worker.is_none() && target.expression.is_none() {
            return Rule::ANYBODY;
        }
        let document = task.attributes.to_value();
        let known = target.known_worker.as_ref().map(|known| {
            let (KnownWorker::Id(path) | KnownWorker::Name(path)) = known;
            match (known, path.find(&document).and_then(Value::as_str)) {
                (_, None) => Known::Nobody,
                (KnownWorker::Id(_), Some(id)) => Known::Id(id.to_owned()),
                (KnownWorker::Name(_), Some(name)) => Known::Name(name.to_lowercase()),
            }
        });
        let condition = target.expression.as_ref().map(|expression| Condition {
            expression: expression.clone(),
            task: expression.project(&document).into(),
        });
        Rule { known, condition }
    }

    fn key(&self) -> (Option<Known>, Option<(String, String)>) {
        let condition = self.condition.as_ref().map(|condition| {
            let task = serde_json::to_string(&condition.task[..]).expect("JSON values can be written");
            (condition.expression.source().to_owned(), task)
        });
        (self.known.clone(), condition)
    }
}

impl Lanes {
    pub(super) fn lane(&self, id: LaneId) -> &Lane {
        self.lanes[id as usize].as_ref().expect("a lane stays while a Task waits in it")
    }

    /// Where a Task waits.
    pub(super) fn place(&self, task: TaskId) -> Option<LaneId> {
        self.places.get(&task).copied()
    }

    /// The place of a Task of this lane.
    pub(super) fn precedence(&self, lane: &Lane, task: &Task) -> Precedence {
        self.precedence_of_rank(lane, Rank::of(task, lane.order))
    }

    pub(super) fn precedence_of_rank(&self, lane: &Lane, rank: Rank) -> Precedence {
        Precedence { class: lane.queue.map_or(self.class_outside, |queue| self.classes[queue]), rank }
    }

    /// Is there somebody whom this waiting Task must not be offered to, whoever would be a candidate?
    pub(super) fn is_barred(&self, task: TaskId) -> bool {
        !self.barred.is_empty() && self.barred.contains(&task)
    }

    /// The Task Channels of all that wait in a TaskQueue, one bit each.
    pub(super) fn waiting_on(&self, queue: QueueSlot) -> u64 {
        self.of_queue(queue).fold(0, |channels, lane| channels | 1 << lane.channel)
    }

    /// The lanes of a TaskQueue.
    pub(super) fn of_queue(&self, queue: QueueSlot) -> impl Iterator<Item = &Lane> + '_ {
        let first = (Some(queue), 0, TaskOrder::Fifo, None, None);
        let lanes = self.by_key.range(first..).take_while(move |(key, _)| key.0 == Some(queue));
        lanes.map(|(_, id)| self.lane(*id))
    }

    pub(super) fn open(&self, channel: ChannelSlot) -> Option<&Heads> {
        self.open.get(channel)
    }

    /// The lanes for the Worker with this id or this name.
    pub(super) fn known(&self, id: &str, name: &str) -> impl Iterator<Item = LaneId> + '_ {
        let by_id = self.known.get(&Known::Id(id.to_owned()));
        let by_name = self.known.get(&Known::Name(name.to_lowercase()));
        by_id.into_iter().chain(by_name).flatten().copied()
    }

    pub(super) fn has_known(&self) -> bool {
        !self.known.is_empty()
    }

    pub(super) fn looks_at_load(&self) -> bool {
        self.n_load_dependent > 0
    }

    /// The lanes whose condition looks at the time of day.
    pub(super) fn time_dependent(&self) -> impl ExactSizeIterator<Item = &Lane> + '_ {
        self.time_dependent.iter().map(|id| self.lane(*id))
    }

    /// Takes in which kind of TaskQueue goes first.
    pub(super) fn queue_changed(&mut self, slot: QueueSlot, queue: &TaskQueue, preferred: TaskOrder) {
        if self.classes.len() <= slot {
            self.classes.resize(slot + 1, 0);
        }
        self.classes[slot] = u8::from(queue.task_order != preferred);
        for channel in 0..self.open.len() {
            self.update_head(channel, slot);
        }
    }

    /// Takes in where Tasks go that wait in no TaskQueue.
    pub(super) fn preferred_order_changed(&mut self, preferred: TaskOrder) {
        self.class_outside = u8::from(preferred != TaskOrder::Fifo);
    }

    /// Lets a Task wait.
    pub(super) fn insert(&mut self, task: &Task, stand: Stand) {
        let rank = Rank::of(task, stand.order);
        let id = self.lane_for(stand);
        self.places.insert(task.id, id);
        if is_barred_for_some(task) {
            self.barred.insert(task.id);
        }
        let head_before = self.first_of(id);
        let lane = self.lanes[id as usize].as_mut().expect("just found");
        lane.waiting.insert(rank, task.id);
        self.head_changed(id, head_before);
    }

    /// Lets all these Tasks wait, where nobody has waited before. Quicker than one after the other, and denser.
    pub(super) fn load<'a>(&mut self, tasks: impl Iterator<Item = (&'a Task, Stand)>) {
        let mut places = Vec::new();
        let mut waiting: Vec<Vec<(Rank, TaskId)>> = Vec::new();
        for (task, stand) in tasks {
            let rank = Rank::of(task, stand.order);
            let id = self.lane_for(stand);
            places.push((task.id, id));
            if is_barred_for_some(task) {
                self.barred.insert(task.id);
            }
            waiting.resize_with(self.lanes.len(), Vec::new);
            waiting[id as usize].push((rank, task.id));
        }
        self.places = places.into_iter().collect();
        for (id, tasks) in (0..).zip(waiting) {
            let lane = self.lanes[id as usize].as_mut().expect("just found");
            lane.waiting = tasks.into_iter().collect();
            self.head_changed(id, None);
        }
    }

    /// The Task, as it was while it waited, does not wait any more.
    pub(super) fn remove(&mut self, task: &Task) {
        let Some(id) = self.places.remove(&task.id) else { return };
        self.barred.remove(&task.id);
        let head_before = self.first_of(id);
        let lane = self.lanes[id as usize].as_mut().expect("a lane stays while a Task waits in it");
        let removed = lane.waiting.remove(&Rank::of(task, lane.order));
        assert_eq!(removed, Some(task.id), "a Task that waits changes its rank by being placed anew");
        self.head_changed(id, head_before);
        if self.lane(id).waiting.is_empty() {
            self.remove_lane(id);
        }
    }

    /// What a comparison with an index made anew may look at: ids, no slots.
    pub(super) fn canonical(
        &self,
        queue_ids: &BTreeMap<QueueSlot, TaskQueueId>,
        channel_ids: &BTreeMap<ChannelSlot, TaskChannelId>,
    ) -> impl PartialEq + std::fmt::Debug + use<> {
        let lanes: BTreeMap<_, Vec<TaskId>> = self
            .lanes
            .iter()
            .flatten()
            .map(|lane| {
                let (queue, channel, order, known, condition) = lane.key.clone();
                let queue = queue.map(|queue| queue_ids[&queue]);
                let key = (queue, channel_ids[&channel], order, known, condition);
                (key, lane.waiting.values().copied().collect())
            })
            .collect();
        let heads: BTreeMap<_, Precedence> = self
            .open
            .iter()
            .enumerate()
            .flat_map(|(channel, heads)| {
                heads.heads.iter().enumerate().map(move |(queue, head)| (channel, queue, head))
            })
            .filter(|(_, _, head)| **head != NOBODY_WAITS)
            .map(|(channel, queue, head)| ((channel_ids[&channel], queue_ids[&queue]), *head))
            .collect();
        (
            lanes,
            heads,
            self.places.len(),
            self.barred.clone(),
            self.n_load_dependent,
            self.time_dependent.len(),
        )
    }

    fn lane_for(&mut self, stand: Stand) -> LaneId {
        let lane = Lane::of(stand);
        match self.by_key.get(&lane.key) {
            Some(&id) => id,
            None => self.add_lane(lane),
        }
    }

    fn add_lane(&mut self, lane: Lane) -> LaneId {
        let id = self.free.pop().unwrap_or_else(|| {
            self.lanes.push(None);
            LaneId::try_from(self.lanes.len() - 1).expect("there are no more lanes than Tasks")
        });
        self.by_key.insert(lane.key.clone(), id);
        if let Some(known) = &lane.rule.known {
            self.known.entry(known.clone()).or_default().insert(id);
        }
        self.n_load_dependent += usize::from(lane.looks_at_load());
        if lane.looks_at_time() {
            self.time_dependent.insert(id);
        }
        self.lanes[id as usize] = Some(lane);
        id
    }

    fn remove_lane(&mut self, id: LaneId) {
        let lane = self.lanes[id as usize].take().expect("a lane is removed once");
        self.by_key.remove(&lane.key);
        if let Some(known) = &lane.rule.known {
            let lanes = self.known.get_mut(known).expect("put in by add_lane");
            lanes.remove(&id);
            if lanes.is_empty() {
                self.known.remove(known);
            }
        }
        self.n_load_dependent -= usize::from(lane.looks_at_load());
        self.time_dependent.remove(&id);
        self.free.push(id);
    }

    fn first_of(&self, id: LaneId) -> Option<Rank> {
        self.lane(id).waiting.first_key_value().map(|(rank, _)| *rank)
    }

    fn head_changed(&mut self, id: LaneId, before: Option<Rank>) {
        let lane = self.lane(id);
        let after = self.first_of(id);
        if before == after || lane.rule.known.is_some() {
            return;
        }
        let (channel, queue) =
            (lane.channel, lane.queue.expect("only one known Worker is waited for outside"));
        while self.open.len() <= channel {
            self.open.push(Heads::default());
        }
        let heads = &mut self.open[channel];
        if heads.lanes.len() <= queue {
            heads.lanes.resize(queue + 1, BTreeSet::new());
            heads.heads.resize(queue + 1, NOBODY_WAITS);
            heads.blocks.resize(queue / 64 + 1, NOBODY_WAITS);
        }
        if let Some(rank) = before {
            heads.lanes[queue].remove(&(rank, id));
        }
        if let Some(rank) = after {
            heads.lanes[queue].insert((rank, id));
        }
        self.update_head(channel, queue);
    }

    fn update_head(&mut self, channel: ChannelSlot, queue: QueueSlot) {
        let class = self.classes[queue];
        let heads = &mut self.open[channel];
        let Some(lanes) = heads.lanes.get(queue) else { return };
        heads.heads[queue] =
            lanes.first().map_or(NOBODY_WAITS, |(rank, _)| Precedence { class, rank: *rank });
        let block = queue / 64;
        let end = heads.heads.len().min((block + 1) * 64);
        let first = heads.heads[block * 64..end].iter().min();
        heads.blocks[block] = *first.expect("a block is not empty");
    }
}

fn is_barred_for_some(task: &Task) -> bool {
    !task.cool_downs.is_empty() || !task.open_reservations.is_empty() || task.open_transfer().is_some()
}

impl Lane {
    /// The lane, before anybody waits in it.
    pub(super) fn of(stand: Stand) -> Lane {
        let Stand { queue, order, channel, rule } = stand;
        let (known, condition) = rule.key();
        let key = (queue, channel, order, known, condition);
        Lane { queue, channel, order, rule, waiting: BTreeMap::new(), key }
    }

    fn looks_at_load(&self) -> bool {
        self.rule.condition.as_ref().is_some_and(|condition| condition.expression.depends_on_load())
    }

    fn looks_at_time(&self) -> bool {
        self.rule.condition.as_ref().is_some_and(|condition| condition.expression.depends_on_time())
    }
}

impl Heads {
    /// The first Tasks of 64 TaskQueues.
    pub(super) fn block(&self, block: usize) -> Precedence {
        self.blocks.get(block).copied().unwrap_or(NOBODY_WAITS)
    }

    /// The first Task of a TaskQueue.
    pub(super) fn head(&self, queue: QueueSlot) -> Precedence {
        self.heads.get(queue).copied().unwrap_or(NOBODY_WAITS)
    }

    /// The lanes of a TaskQueue, by their first Tasks.
    pub(super) fn lanes(&self, queue: QueueSlot) -> impl Iterator<Item = (Rank, LaneId)> + '_ {
        self.lanes.get(queue).into_iter().flatten().copied()
    }
}
