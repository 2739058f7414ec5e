//! Random runs of the core, watched at every step. A run follows from its seed, so what fails is repeated with
//!
//! ```text
//! SWITCHYARD_SIMULATION_SEED=123 cargo test -p routing --test simulation
//! ```
//!
//! and a longer search is `SWITCHYARD_SIMULATION_COMMANDS=1000000`. Add `-- --nocapture` to see what was covered.
//!
//! * [`workload`] draws what is done next, right and wrong;
//! * [`model`] is the router once more, without any index: it predicts every answer and every event;
//! * [`invariants`] are what must hold, whatever was done;
//! * [`fairness`] is what must hold in the long run;
//! * [`expressions`] compares the evaluators alone;
//! * [`tally`] counts what occurred: a kind of event or refusal that never occurs was not tested.
//!
//! Beside each router runs its twin. The router is dropped and loaded again at random moments, the twin never is, and
//! both must do the same. The seeds are shared among as many threads as there are processors.

mod expressions;
mod fairness;
mod invariants;
mod model;
mod tally;
mod workload;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use routing::ids::*;
use routing::time::Timestamp;
use routing::{Command, Limits, Router, State};

use invariants::Auditor;
use model::{Model, assert_same_events};
use tally::Tally;
use workload::{Random, Step, Workload};

/// How many commands are run, all seeds together, unless `SWITCHYARD_SIMULATION_COMMANDS` says otherwise.
const COMMANDS: usize = 200_000;
/// How many steps are shown of a run that failed.
const STEPS_SHOWN: usize = 12;

#[test]
fn random_runs_keep_every_invariant() {
    if let Some(seed) = number_from_environment("SWITCHYARD_SIMULATION_SEED") {
        let mut tally = Tally::new();
        run(seed, &mut tally);
        println!("{tally}");
        return;
    }
    let commands = number_from_environment("SWITCHYARD_SIMULATION_COMMANDS");
    let commands = commands.map_or(COMMANDS, |commands| commands as usize);
    let next_seed = AtomicU64::new(1);
    let share = || {
        let mut tally = Tally::new();
        while N_COMMANDS.load(Ordering::Relaxed) < commands && !HAS_FAILED.load(Ordering::Relaxed) {
            run(next_seed.fetch_add(1, Ordering::Relaxed), &mut tally);
        }
        tally
    };
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut tally = Tally::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..n_threads).map(|_| scope.spawn(share)).collect();
        for thread in threads {
            tally.add(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    println!("{tally}");
    tally.assert_that_everything_occurred();
}

/// How many commands there were, of all runs together.
static N_COMMANDS: AtomicUsize = AtomicUsize::new(0);
/// One run has failed: the others need not go on.
static HAS_FAILED: AtomicBool = AtomicBool::new(false);

/// One run from its founding to its last command.
fn run(seed: u64, tally: &mut Tally) {
    let mut workload = Workload::new(seed);
    let mut trace = Trace { seed, n_steps: 0, recent: VecDeque::new() };
    // The workload must not depend on when the router is restarted, so that has a source of chance of its own.
    let mut restarts = Random::new(!seed);

    let limits = workload.limits();
    let (founding_state, begin) = workload.founding_state();
    let mut router = Router::load(founding_state.clone(), limits.clone(), begin);
    let mut twin = Router::load(founding_state.clone(), limits.clone(), begin);
    let mut model = Model::new(&founding_state, limits.clone(), begin);
    let mut auditor = Auditor::new(&founding_state, limits.clone(), begin);

    tally.run_began();
    let mut n_commands = 0;
    while n_commands < workload.n_commands() {
        let step = workload.next(router.state());
        trace.push(&step);
        match step {
            Step::Time(to) => {
                if restarts.percent(3) {
                    // Time went on while there was no router.
                    router = Router::load(router.state().clone(), limits.clone(), to.max(router.now()));
                    tally.restarted();
                }
                router.tick(to);
                // In parts, as a server does that has stood still for long.
                while !twin.tick_in_part(to, 2) {}
                let events = router.take_events();
                assert_eq!(events, twin.take_events(), "a router that was restarted ticks differently");
                model.tick(to);
                assert_same_events(&model.take_events(), &events);
                auditor.step(&events, &router);
                tally.time_moved();
                tally.occurred(&events);
            }
            Step::Command(command, actor) => {
                n_commands += 1;
                N_COMMANDS.fetch_add(1, Ordering::Relaxed);
                if restarts.percent(1) {
                    let now = router.now();
                    // A limit that was lowered, or the end of a transfer, may have made something overdue.
                    let is_overdue = router.next_deadline().is_some_and(|due| due <= now);
                    router = Router::load(router.state().clone(), limits.clone(), now);
                    router.tick(now);
                    twin.tick(now);
                    let events = router.take_events();
                    assert!(is_overdue || events.is_empty(), "a restart makes nothing happen");
                    assert_eq!(events, twin.take_events(), "a router that was restarted ticks differently");
                    model.tick(now);
                    assert_same_events(&model.take_events(), &events);
                    auditor.step(&events, &router);
                    tally.occurred(&events);
                    tally.restarted();
                }
                let before = router.state().clone();
                let answer = router.apply(Command::clone(&command), actor.clone());
                let answer_of_twin = twin.apply(Command::clone(&command), actor.clone());
                assert_eq!(answer, answer_of_twin, "a router that was restarted answers differently");
                let events = router.take_events();
                assert_eq!(events, twin.take_events(), "a router that was restarted decides differently");
                let predicted = model.apply(Command::clone(&command), actor);
                model.assert_answered(&predicted, &answer);
                assert_same_events(&model.take_events(), &events);
                match &answer {
                    Ok(_) => auditor.step(&events, &router),
                    Err(_) => assert!(before == *router.state(), "what is refused changes nothing"),
                }
                tally.answered(&command, answer.as_ref().err());
                tally.occurred(&events);
            }
        }
        assert_eq!(router.next_deadline(), model.next_due(), "when something is due next");
        // The larger the Workspace, the rarer: making the index anew costs as much as there is.
        let state = router.state();
        let every = 1 + state.tasks.len() / 8 + state.workers.len() * state.task_queues.len() / 200;
        if trace.n_steps.is_multiple_of(every) {
            model.assert_is(state);
            auditor.index_is_as_made_anew(&router);
            if state.workers.len() < 40 {
                auditor.explanations_are_right(&router, &model);
            }
        }
    }
    auditor.index_is_as_made_anew(&router);
    auditor.index_is_as_made_anew(&twin);
}

/// What was done last; printed when a check fails.
struct Trace {
    seed: u64,
    n_steps: usize,
    recent: VecDeque<Step>,
}

impl Trace {
    fn push(&mut self, step: &Step) {
        self.n_steps += 1;
        if self.recent.len() == STEPS_SHOWN {
            self.recent.pop_front();
        }
        self.recent.push_back(step.clone());
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            HAS_FAILED.store(true, Ordering::Relaxed);
            let Trace { seed, n_steps, recent } = self;
            println!("\nSeed {seed} failed at step {n_steps}. The last steps were:");
            for step in recent {
                println!("  {step:?}");
            }
            let n_commands = N_COMMANDS.load(Ordering::Relaxed);
            println!("SWITCHYARD_SIMULATION_SEED={seed} repeats it ({n_commands} commands in all).");
        }
    }
}

fn number_from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

/// The events that found a Workspace lead to the state that a router begins with.
#[test]
fn the_founding_events_lead_to_the_founding_state() {
    let now = Timestamp(1_767_607_800_000);
    let id = WorkspaceId::minted(now, 1, WorkspaceTag(7));
    let mut router = Router::found(id, "Founded".to_owned(), Limits::default(), now);
    let events = router.take_events();
    let mut state = State::before(router.state().workspace.clone());
    for recorded in &events {
        state.evolve(recorded);
    }
    assert!(state == *router.state());
    assert!(*router.index() == routing::index::Index::of(&state, &Limits::default(), now));
}
