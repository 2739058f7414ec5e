//! The router of one Workspace: commands in, events out.
//!
//! ```text
//!            tick(now)                 what is due: timeouts, deadlines, ends of life
//!  apply(command, actor) ──▶ decide/   check, then emit
//!                              │
//!                            emit ──▶ State::evolve, Index::put
//!                              │
//!                            settle    offer waiting Tasks until nobody is left to offer them to
//!                              │
//!        take_events() ◀───────┘       what happened, to be written and published
//! ```
//!
//! A decision reads, and refuses with a [`Rejection`]; after its first `emit` it cannot refuse any more. Nothing
//! here knows the time of day, chance, threads or a database: the same calls give the same events.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::command::Command;
use crate::event::{Actor, Event, Recorded};
use crate::ids::TaskId;
use crate::index::{Index, Precedence, Wakes, WorkerSlot};
use crate::limits::Limits;
use crate::rejection::Rejection;
use crate::state::{Change, State};
use crate::time::Timestamp;

/// One Workspace that is being run.
pub struct Router {
    pub(crate) state: State,
    pub(crate) index: Index,
    pub(crate) limits: Limits,
    /// The time of the last tick: that of all events until the next.
    pub(crate) now: Timestamp,
    /// The minute in which waiting Tasks were last looked at for expressions that ask for the time of day.
    minute: i64,
    /// Who causes the events that are emitted now.
    actor: Actor,
    pub(crate) wakes: Wakes,
    events: Vec<Recorded>,
}

/// Something that may lead to an offer, in the order of the Tasks that it would offer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Chance {
    /// A Task that has begun to wait.
    Task(TaskId),
    /// A Worker who may take more than before.
    Worker(WorkerSlot),
}

impl Router {
    /// Goes on with a Workspace that was loaded. The next [`Router::tick`] does what has become due meanwhile.
    #[must_use]
    pub fn load(state: State, limits: Limits, now: Timestamp) -> Router {
        let now = now.max(state.at);
        let (index, wakes) = Index::with_wakes(&state, &limits, now);
        let minute = now.minute();
        Router { state, index, limits, now, minute, actor: Actor::System, wakes, events: Vec::new() }
    }

    /// The state after everything that was applied so far.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What decisions look things up in.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The time of the last tick.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Moves time to `now` and does what is due. To be called before each batch of commands, so that no command
    /// acts on an offer whose time is over. Time never goes back: an earlier `now` is taken for the last one.
    pub fn tick(&mut self, now: Timestamp) {
        let all_done = self.tick_in_part(now, usize::MAX);
        debug_assert!(all_done);
    }

    /// The same, but only so many of the things that are due are done. After a long standstill that may be hundreds of
    /// thousands, and one commit should not have to hold what comes of all of them. Where this answers `false`, more
    /// is due, and nothing was offered yet: to be called again before any command.
    #[must_use]
    pub fn tick_in_part(&mut self, now: Timestamp, timers_max: usize) -> bool {
        self.now = self.now.max(now);
        self.actor = Actor::System;
        for _ in 0..timers_max {
            let Some(timer) = self.index.first_due(self.now) else { break };
            self.fire(timer);
        }
        if self.index.first_due(self.now).is_some() {
            return false;
        }
        if self.now.minute() > self.minute {
            self.minute = self.now.minute();
            self.index.minute_has_begun(&self.state, &mut self.wakes);
        }
        self.settle();
        true
    }

    /// Carries out a command at the time of the last tick. Returns the position of its last event in the log, or
    /// of the newest event where nothing had to change. A command that is refused has changed nothing.
    pub fn apply(&mut self, command: Command, actor: Actor) -> Result<u64, Rejection> {
        let events_before = self.events.len();
        self.actor = actor;
        let decision = self.decide(command);
        if decision.is_err() {
            assert_eq!(self.events.len(), events_before, "a decision refuses before it emits");
        }
        decision?;
        self.settle();
        Ok(self.state.sequence)
    }

    /// The events since the last call, in the order of the log.
    pub fn take_events(&mut self) -> Vec<Recorded> {
        std::mem::take(&mut self.events)
    }

    /// When something is due next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let next_minute = self.index.looks_at_time().then(|| self.now.next_minute());
        self.index.next_deadline().into_iter().chain(next_minute).min()
    }

    pub(crate) fn act_as(&mut self, actor: Actor) {
        self.actor = actor;
    }

    /// Records an event and applies it. The only way to change anything.
    pub(crate) fn emit(&mut self, event: Event) {
        let sequence = self.state.sequence + 1;
        let recorded = Recorded { sequence, at: self.now, actor: self.actor.clone(), event };
        for Change { old, new } in self.state.evolve(&recorded) {
            self.index.put(&self.state, old.as_ref(), &new, self.now, &mut self.wakes);
        }
        self.events.push(recorded);
    }

    /// Offers waiting Tasks until no waiting Task has a candidate.
    ///
    /// Only what has been woken since the last time is looked at; what is settled stays settled. The order is that
    /// of the Tasks, so that the first by precedence is served first, whoever became free.
    fn settle(&mut self) {
        self.actor = Actor::System;
        let mut chances: BinaryHeap<Reverse<(Precedence, Chance)>> = BinaryHeap::new();
        loop {
            for task in std::mem::take(&mut self.wakes.tasks) {
                let precedence = self.index.precedence_of(&self.state, task);
                chances.extend(precedence.map(|precedence| Reverse((precedence, Chance::Task(task)))));
            }
            for worker in std::mem::take(&mut self.wakes.workers) {
                let best = self.index.best_task_for(&self.state, worker, self.now);
                chances.extend(best.map(|(precedence, _)| Reverse((precedence, Chance::Worker(worker)))));
            }
            let Some(Reverse((precedence, chance))) = chances.pop() else { break };
            match chance {
                Chance::Task(task) => {
                    // An entry from before the Task was offered or moved has another precedence, or none.
                    if self.index.precedence_of(&self.state, task) == Some(precedence)
                        && !self.offer(task)
                        && self.wakes.may_skip.remove(&task)
                    {
                        self.consider_skipping(task);
                    }
                }
                Chance::Worker(worker) => match self.index.best_task_for(&self.state, worker, self.now) {
                    None => {}
                    Some((best, task)) if best == precedence => {
                        // The Worker is a candidate; the one who is offered the Task is the first candidate.
                        assert!(self.offer(task), "a Task with a candidate is offered");
                        self.wakes.workers.insert(worker);
                    }
                    Some((best, _)) => chances.push(Reverse((best, chance))),
                },
            }
        }
        // What is left was offered to somebody.
        self.wakes.may_skip.clear();
    }
}
