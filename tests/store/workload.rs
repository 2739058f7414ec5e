//! The round trip through the database, on the workloads that the core is simulated with: what is loaded is what was
//! live, and the log leads from any earlier rows to it.

use std::sync::Arc;

use routing::event::Actor;
use routing::{Event, Recorded, Router, State};
use switchyard::store::{Commit, Store, Trail};

use crate::database::databases;

#[path = "../../routing/tests/simulation/workload/mod.rs"]
#[allow(dead_code)] // The simulation of the core uses all of it.
mod simulation;

use simulation::{Step, Workload};

const SEEDS: std::ops::RangeInclusive<u64> = 1..=12;
/// How many steps go into one commit, in turn: alone, a few, many.
const BATCHES: [usize; 4] = [1, 3, 10, 40];
/// After so many commits the Workspace is loaded and compared.
const COMMITS_PER_LOAD: usize = 12;
/// After so many commits the rows follow. Not a divisor of the other, so that loading finds them behind by any number.
const COMMITS_PER_ROWS: usize = 5;
/// Steps of one run.
const STEPS_MAX: usize = 1_500;

#[tokio::test]
async fn what_is_loaded_is_what_was_live_and_the_log_leads_there() {
    for database in databases().await {
        let store = Store::open(&database.url).await.expect("the database opens");
        let (mut n_events, mut n_loads) = (0, 0);
        for seed in SEEDS {
            let (events, loads) = run(&store, seed).await;
            n_events += events;
            n_loads += loads;
        }
        println!(
            "{:?}: {n_events} events of {} seeds, compared {n_loads} times",
            database.kind,
            SEEDS.count()
        );
        store.close().await;
    }
}

async fn run(store: &Store, seed: u64) -> (u64, usize) {
    let mut workload = Workload::new(seed);
    let (limits, (founding, start)) = (workload.limits(), workload.founding_state());
    let (state, events) = founded(&founding);
    let workspace = state.id();
    let founding_events = events.clone();
    commit(store, &state, 0, &[events]).await;
    let mut trail = Trail::new(workspace);
    trail.add(&founding_events);

    let mut earlier = state.clone();
    let mut router = Router::load(state, limits.clone(), start);
    let (mut n_commits, mut n_loads, mut n_steps) = (0, 0, 0);
    while n_steps < workload.n_commands().min(STEPS_MAX) {
        let expected_sequence = router.state().sequence;
        let mut entries: Vec<Vec<Recorded>> = Vec::new();
        for _ in 0..BATCHES[n_commits % BATCHES.len()] {
            match workload.next(router.state()) {
                Step::Time(now) => router.tick(now),
                // Whether it is refused does not matter here.
                Step::Command(command, actor) => drop(router.apply(*command, actor)),
            }
            entries.push(router.take_events());
            n_steps += 1;
        }
        entries.retain(|entry| !entry.is_empty());
        if entries.is_empty() {
            continue;
        }
        commit(store, router.state(), expected_sequence, &entries).await;
        trail.add(entries.iter().flatten());
        n_commits += 1;
        if n_commits % COMMITS_PER_ROWS == 0 {
            store.write_rows(&trail.take()).await.expect("rows can be written");
        }
        if n_commits % COMMITS_PER_LOAD == 0 {
            let loaded = store.load(workspace).await.expect("the Workspace can be loaded");
            assert!(loaded == *router.state(), "seed {seed}: loaded is live, after step {n_steps}");

            // The log, applied to what the rows were an age ago.
            let page = store.log(workspace, earlier.sequence, usize::MAX).await.expect("the log can be read");
            for recorded in &page.events {
                earlier.evolve(recorded);
            }
            assert!(
                earlier == *router.state(),
                "seed {seed}: the log leads to the live state, after step {n_steps}"
            );
            n_loads += 1;
        }
    }
    (router.state().sequence, n_loads)
}

/// The founding state of a workload as a log that begins with it, since workloads begin in the middle of one.
fn founded(founding: &State) -> (State, Vec<Recorded>) {
    let created = [Event::WorkspaceCreated { workspace: Arc::clone(&founding.workspace) }]
        .into_iter()
        .chain(founding.activities.values().cloned().map(|activity| Event::ActivityCreated { activity }))
        .chain(
            founding
                .task_channels
                .values()
                .cloned()
                .map(|task_channel| Event::TaskChannelCreated { task_channel }),
        )
        .chain(
            founding.task_queues.values().cloned().map(|task_queue| Event::TaskQueueCreated { task_queue }),
        )
        .chain(founding.workflows.values().cloned().map(|workflow| Event::WorkflowCreated { workflow }))
        .chain(founding.workers.values().cloned().map(|worker| Event::WorkerCreated { worker }));
    let events: Vec<Recorded> = created
        .zip(1..)
        .map(|(event, sequence)| Recorded { sequence, at: founding.at, actor: Actor::System, event })
        .collect();
    let mut state = State::before(Arc::clone(&founding.workspace));
    for recorded in &events {
        state.evolve(recorded);
    }
    (state, events)
}

async fn commit(store: &Store, state: &State, expected_sequence: u64, entries: &[Vec<Recorded>]) {
    let commit = Commit {
        workspace: state.id(),
        expected_sequence,
        state,
        entries: entries.iter().map(Vec::as_slice).collect(),
        keys: &[],
    };
    store.commit(&commit).await.expect("the commit succeeds");
}
