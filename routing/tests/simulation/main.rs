//! Random runs of the core, watched at every step. A run follows from its seed, so what fails is repeated with
//!
//! ```text
//! SWITCHYARD_SIMULATION_SEED=123 cargo test -p routing --test simulation
//! ```
//!
//! and a longer search is `SWITCHYARD_SIMULATION_COMMANDS=1000000`. Add `-- --nocapture` to see what was covered.
//!
//! * [`workload`] draws what is done next, right and wrong;
//! * [`rules`] are the rules of routing once more, without any index;
//! * [`invariants`] are what must hold, whatever was done;
//! * [`tally`] counts what occurred: a kind of event or refusal that never occurs was not tested.
//!
//! Beside each router runs its twin. The router is dropped and loaded again at random moments, the twin never is, and
//! both must do the same.

mod invariants;
mod rules;
mod tally;
mod workload;

use std::collections::{BTreeMap, VecDeque};

use routing::command::*;
use routing::event::Actor;
use routing::ids::*;
use routing::time::Timestamp;
use routing::{Attributes, Command, Event, Limits, Router, State};

use invariants::{Auditor, Cause};
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
    let mut tally = Tally::new();
    for seed in 1.. {
        if tally.n_commands() >= commands {
            break;
        }
        run(seed, &mut tally);
    }
    println!("{tally}");
    tally.assert_that_everything_occurred();
}

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
                twin.tick(to);
                let events = router.take_events();
                assert_eq!(events, twin.take_events(), "a router that was restarted ticks differently");
                auditor.step(Cause::Time, &events, &router);
                tally.time_moved();
                tally.occurred(&events);
            }
            Step::Command(command, actor) => {
                n_commands += 1;
                if restarts.percent(1) {
                    router = Router::load(router.state().clone(), limits.clone(), router.now());
                    router.tick(router.now());
                    assert!(router.take_events().is_empty(), "a restart makes nothing happen");
                    tally.restarted();
                }
                let before = router.state().clone();
                let answer = router.apply(Command::clone(&command), actor.clone());
                let answer_of_twin = twin.apply(Command::clone(&command), actor.clone());
                assert_eq!(answer, answer_of_twin, "a router that was restarted answers differently");
                let events = router.take_events();
                assert_eq!(events, twin.take_events(), "a router that was restarted decides differently");
                match &answer {
                    Ok(sequence) => {
                        assert_eq!(*sequence, router.state().sequence, "the answer is the newest position");
                        auditor.step(Cause::Command(&command, &actor), &events, &router);
                    }
                    Err(rejection) => {
                        auditor.refused(&command, rejection, &router);
                        assert!(events.is_empty(), "what is refused causes no event");
                        assert!(before == *router.state(), "what is refused changes nothing");
                    }
                }
                tally.answered(&command, answer.as_ref().err());
                tally.occurred(&events);
            }
        }
        // The larger the Workspace, the rarer: making the index anew costs as much as there is.
        let state = router.state();
        let every = 1 + state.tasks.len() / 8 + state.workers.len() * state.task_queues.len() / 200;
        if trace.n_steps.is_multiple_of(every) {
            auditor.index_is_as_made_anew(&router);
            if state.workers.len() < 40 {
                auditor.explanations_are_right(&router);
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
            let Trace { seed, n_steps, recent } = self;
            println!("\nSeed {seed} failed at step {n_steps}. The last steps were:");
            for step in recent {
                println!("  {step:?}");
            }
            println!("SWITCHYARD_SIMULATION_SEED={seed} repeats it.");
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

/// I-20: Workers who are eligible all the time, and alike, get offers that differ in number by at most 1, whatever
/// becomes of the offers; and so do they by the Task Channel.
#[test]
fn offers_rotate_among_workers_who_are_alike() {
    for seed in 1..=40 {
        let mut random = Random::new(seed);
        let n_workers = 2 + random.below(9);
        let (mut router, workers) = workspace_of_workers_who_are_alike(n_workers);
        let tag = router.state().tag();
        let mut offers: BTreeMap<WorkerId, u32> = workers.iter().map(|worker| (*worker, 0)).collect();

        for number in 0..200 {
            let at = Timestamp(router.now().0 + random.below(500) as i64);
            router.tick(at);
            let waits = router.state().tasks.values().filter(|task| task.waiting().is_some()).count();
            let open = router.state().reservations.values().find(|reservation| reservation.status.is_open());
            let command = match open.map(|reservation| reservation.id) {
                // Room for everybody, always: at most as many Tasks at once as one Worker takes.
                Some(id) if waits >= 40 || random.percent(60) => match random.below(2) {
                    0 => Command::AcceptReservation(AcceptReservation { id, expected_version: None }),
                    _ => Command::CompleteReservation(CompleteReservation { id, expected_version: None }),
                },
                _ => create_task(TaskId::minted(at, number, tag)),
            };
            // Some are refused, since the status was not looked at.
            let _ = router.apply(command, Actor::System);
            for recorded in router.take_events() {
                if let Event::ReservationCreated { worker, .. } = &recorded.event {
                    *offers.get_mut(&worker.id).expect("one of them") += 1;
                }
            }
            let (least, most) = (offers.values().min(), offers.values().max());
            let (least, most) = (least.expect("somebody"), most.expect("somebody"));
            assert!(most - least <= 1, "seed {seed}: from {least} to {most} offers for {n_workers} Workers");
        }
        assert!(offers.values().sum::<u32>() > 20, "seed {seed}: there were offers");
    }
}

/// In "Everyone", each available, with room for 50 on the channel `default`.
fn workspace_of_workers_who_are_alike(n_workers: usize) -> (Router, Vec<WorkerId>) {
    let (now, tag) = (Timestamp(1_767_607_800_000), WorkspaceTag(7));
    let id = WorkspaceId::minted(now, 1, tag);
    let mut router = Router::found(id, "Alike".to_owned(), Limits::default(), now);
    let available = router.state().activity_named("Available").expect("in every Workspace").id;
    let task_channel = router.state().task_channel_named("default").expect("in every Workspace").id;
    let workers: Vec<WorkerId> =
        (0..n_workers).map(|number| WorkerId::minted(now, number as u64, tag)).collect();
    for worker in &workers {
        let create = Command::CreateWorker(CreateWorker {
            id: *worker,
            name: worker.to_string(),
            attributes: Attributes::empty(),
            activity: Some(available),
        });
        let widen = Command::UpdateWorkerChannel(UpdateWorkerChannel {
            worker: *worker,
            task_channel,
            expected_version: None,
            configured_capacity: Some(50),
            available: None,
        });
        for command in [create, widen] {
            router.apply(command, Actor::System).expect("nothing is wrong with it");
        }
    }
    router.take_events();
    (router, workers)
}

fn create_task(id: TaskId) -> Command {
    Command::CreateTask(CreateTask {
        id,
        workflow: None,
        task_channel: TaskChannelRef::UniqueName("default".to_owned()),
        attributes: Attributes::empty(),
        priority: None,
        timeout_seconds: None,
        virtual_start_time: None,
    })
}
