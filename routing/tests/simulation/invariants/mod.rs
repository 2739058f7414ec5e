//! What holds after every event and after every step, whatever was asked: the invariants of `docs/invariants.md`
//! (`I-01`, …), each a function named after what it says.
//!
//! The [`Auditor`] sees what an outsider sees: the events and the state. It applies the events to a state of its own,
//! one at a time. It does not say what has to happen, which [`crate::model`] does; what it says needs no rule of
//! routing, so that it holds even where the model and the core should be wrong together.

mod counts;
mod events;
mod states;

use routing::event::Recorded;
use routing::index::Index;
use routing::time::Timestamp;
use routing::{Limits, Router, State};

use crate::model::Model;
use counts::Counts;

/// Watches one run.
pub struct Auditor {
    /// The state that follows from the founding state and all events.
    state: State,
    limits: Limits,
    /// The time of the newest event.
    last_at: Timestamp,
    counts: Counts,
}

impl Auditor {
    pub fn new(founding_state: &State, limits: Limits, now: Timestamp) -> Auditor {
        let counts = Counts::default();
        Auditor { state: founding_state.clone(), limits, last_at: now, counts }
    }

    /// Judges a step by its events and by the router after it.
    pub fn step(&mut self, events: &[Recorded], router: &Router) {
        for recorded in events {
            self.sequence_numbers_are_contiguous(recorded);
            self.timestamps_never_decrease(recorded, router.now());
            events::events_survive_being_written(recorded);
            let before = self.state.clone();
            self.state.evolve(recorded);
            events::tasks_live_by_the_graph(&before, recorded);
            events::an_offer_ends_once(&before, recorded);
            events::no_offer_expires_early(recorded);
            events::an_offer_is_possible_at_birth(&before, recorded);
            events::offers_of_a_task_are_bounded(&before, recorded);
            events::wrap_up_occupies(&before, &self.state, recorded);
            self.counts.note(recorded);
        }
        assert!(self.state == *router.state(), "the events lead to another state");
        states::workflows_progress(events);

        let (state, now) = (&self.state, router.now());
        let reservations = states::by_task(state);
        states::a_task_has_one_owner(state, &reservations);
        states::transfers_are_atomic(state);
        states::counters_count(state);
        states::no_task_is_lost(state);
        states::what_is_referred_to_can_be_read(state);
        states::nothing_is_overdue(state, &self.limits, now);
        self.counts.add_up(state, now);
    }

    /// The derived state is what would be made anew. Costs as much as the state is large.
    pub fn index_is_as_made_anew(&self, router: &Router) {
        let anew = Index::of(router.state(), &self.limits, router.now());
        assert!(*router.index() == anew, "the index differs from one that is made anew");
    }

    /// I-29: what the router says of who could take a waiting Task is what the model says. Looks at every pair.
    pub fn explanations_are_right(&self, router: &Router, model: &Model) {
        for id in self.state.tasks.keys() {
            let explanation = router.explain(*id, None, 0).expect("the Task is there");
            assert!(!explanation.summary.is_empty(), "{id}: something can be said of every Task");
        }
        for id in model.waiting_tasks() {
            let task = &self.state.tasks[&id];
            let explanation = router.explain(id, None, usize::MAX).expect("the Task is there");
            assert_eq!(explanation.workers.len(), self.state.workers.len(), "each Worker is told of");
            assert_eq!(explanation.position, model.position(id), "{id}: its position");
            for told in &explanation.workers {
                let worker = &self.state.workers[&told.worker];
                for (kind, is_so) in model.checks(task, worker) {
                    let check = told.checks.iter().find(|check| check.kind == kind);
                    let is_told = check.is_none_or(|check| check.passed);
                    assert_eq!(is_told, is_so, "{id} and {}: {kind:?}", worker.id);
                }
                let is_candidate = model.is_candidate(task, worker);
                assert_eq!(told.is_candidate, is_candidate, "{id} and {}", worker.id);
            }
            let eligible: Vec<_> = explanation.workers.iter().filter(|told| told.is_eligible).collect();
            let ranks: Vec<_> = eligible.iter().map(|told| told.rank).collect();
            let expected: Vec<_> = (1..=eligible.len()).map(Some).collect();
            assert_eq!(ranks, expected, "who is eligible comes first");
        }
    }

    /// I-26.
    fn sequence_numbers_are_contiguous(&self, recorded: &Recorded) {
        assert_eq!(recorded.sequence, self.state.sequence + 1, "sequence numbers have no hole");
    }

    /// I-43, as far as it concerns the log: and an event happens now, not then.
    fn timestamps_never_decrease(&mut self, recorded: &Recorded, now: Timestamp) {
        assert!(recorded.at >= self.last_at, "time goes back in the log");
        assert_eq!(recorded.at, now, "an event happens at the time of the last tick");
        self.last_at = recorded.at;
    }
}
