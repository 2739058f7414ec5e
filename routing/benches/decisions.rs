//! How long decisions take: `cargo bench -p routing --features bench --bench decisions`. A part of a name runs only
//! the cases that contain it, such as `-- large` or `-- "task arrives"`.
//!
//! A *pick* is one question of `index/matching.rs` alone. An *apply* is a whole `Router::apply` as the server calls
//! it: the events are taken, and the state of before is held by readers until the new one is published; that is after
//! each command, or, *in a batch*, after 64. What puts the Workspace back into its former state between two of them
//! is not timed.

#![allow(clippy::disallowed_methods)] // A benchmark looks at the clock.

mod workspaces;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion};
use routing::Command;
use routing::bench::{WhichTask, WhichWorker};
use workspaces::{Centre, LARGE, SHAPES, SMALL};

/// Questions are asked in turns about so many objects, so that not one and the same is in the cache.
const ASKED_ABOUT: usize = 10_000;

/// A server that is busy carries out many commands before it commits and publishes.
const COMMANDS_PER_BATCH: u32 = 64;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    for (name, size) in [("small", SMALL), ("large", LARGE)] {
        for shape in SHAPES {
            let group_name = format!("{name} {shape}");
            let mut group = criterion.benchmark_group(group_name);
            let centre = Centre::new(size, shape);
            picks(&mut group, &centre);
            applies(&mut group, centre);
            group.finish();
        }
    }
    criterion.final_summary();
}

fn picks(group: &mut BenchmarkGroup<'_, WallTime>, centre: &Centre) {
    for percent in [10, 90] {
        let centre = centre.unsettled(percent);
        let tasks = centre.pending_tasks(ASKED_ABOUT);
        let questions: Vec<_> =
            tasks.iter().filter_map(|task| WhichWorker::of(&centre.router, *task)).collect();
        let mut turn = questions.iter().cycle();
        group.bench_function(BenchmarkId::new("pick: task arrives", format!("{percent}% free")), |bencher| {
            bencher.iter(|| black_box(turn.next().expect("endless")).ask());
        });
        if percent == 90 {
            let free: Vec<_> = centre.workers.iter().copied().filter(|id| is_free(&centre, *id)).collect();
            let questions: Vec<_> =
                free.iter().filter_map(|worker| WhichTask::of(&centre.router, *worker)).collect();
            let mut turn = questions.iter().cycle();
            group.bench_function("pick: worker becomes free", |bencher| {
                bencher.iter(|| black_box(turn.next().expect("endless")).ask());
            });
        }
    }
}

fn is_free(centre: &Centre, worker: routing::ids::WorkerId) -> bool {
    let state = centre.router.state();
    let worker = &state.workers[&worker];
    state.task_channels.values().any(|channel| worker.channel(channel).configured_capacity > 1)
}

fn applies(group: &mut BenchmarkGroup<'_, WallTime>, busy: Centre) {
    for percent in [10, 90] {
        let mut centre = busy.with_free_workers(percent);
        let name = BenchmarkId::new("apply: task arrives", format!("{percent}% free"));
        measure(group, name, &mut centre, task_arrives);
        if percent == 10 {
            centre.commands_per_batch = COMMANDS_PER_BATCH;
            let name = BenchmarkId::from_parameter("apply in a batch: task arrives");
            measure(group, name, &mut centre, task_arrives);
            centre.commands_per_batch = 1;
        }
        if percent == 90 {
            let name = BenchmarkId::new("apply: a step that suits nobody", format!("{percent}% free"));
            measure(group, name, &mut centre, foreign_task_arrives);
        } else {
            let name = BenchmarkId::from_parameter("apply: worker attributes change");
            measure(group, name, &mut centre, worker_changes);
            let name = BenchmarkId::from_parameter("apply: queue expression changes");
            measure(group, name, &mut centre, queue_changes);
        }
    }
    let mut centre = busy;
    measure(
        group,
        BenchmarkId::from_parameter("apply: worker becomes free"),
        &mut centre,
        worker_becomes_free,
    );
    let name = BenchmarkId::from_parameter("apply: worker becomes available");
    measure(group, name, &mut centre, worker_becomes_available);
    centre.commands_per_batch = COMMANDS_PER_BATCH;
    let name = BenchmarkId::from_parameter("apply in a batch: worker becomes free");
    measure(group, name, &mut centre, worker_becomes_free);
}

/// Times what `case` carries out, and nothing else of it.
fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: BenchmarkId,
    centre: &mut Centre,
    case: impl Fn(&mut Centre) -> Duration,
) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|n| (0..n).map(|_| case(centre)).sum());
    });
}

fn timed(centre: &mut Centre, command: Command) -> (Duration, Vec<routing::Recorded>) {
    let begin = Instant::now();
    let events = centre.carry_out(command);
    (begin.elapsed(), events)
}

/// A Task arrives and is offered to a Worker, who then takes it and completes it.
fn task_arrives(centre: &mut Centre) -> Duration {
    let command = centre.new_voice_task();
    let (took, events) = timed(centre, Command::CreateTask(command.clone()));
    centre.finish(command.id, &events);
    took
}

/// A Task arrives that nobody can take, and is canceled.
fn foreign_task_arrives(centre: &mut Centre) -> Duration {
    let command = centre.new_foreign_task();
    let (took, events) = timed(centre, Command::CreateTask(command.clone()));
    centre.finish(command.id, &events);
    took
}

/// A Worker completes a Task and is offered the best of those that wait, accepts it, and another one comes to wait.
fn worker_becomes_free(centre: &mut Centre) -> Duration {
    let work = centre.work_of_a_worker();
    let (took, events) = timed(centre, Centre::complete(work));
    occupy_again(centre, &events);
    took
}

/// A Worker comes back from a break, and is offered the best of the Tasks that wait.
fn worker_becomes_available(centre: &mut Centre) -> Duration {
    let worker = centre.send_away();
    let command = centre.activity_of(worker, "Available");
    let (took, events) = timed(centre, command);
    occupy_again(centre, &events);
    took
}

/// Whoever was offered a Task takes it, and another one comes to wait in its place.
fn occupy_again(centre: &mut Centre, events: &[routing::Recorded]) {
    if let Some((task, _)) = centre.accept(events) {
        let command = centre.new_task_like(task);
        centre.apply(Command::CreateTask(command));
    } else {
        centre.occupy_one();
    }
    centre.pass_millisecond();
}

fn worker_changes(centre: &mut Centre) -> Duration {
    let command = centre.changed_worker();
    timed(centre, Command::UpdateWorker(command)).0
}

fn queue_changes(centre: &mut Centre) -> Duration {
    let command = centre.changed_queue();
    timed(centre, Command::UpdateTaskQueue(command)).0
}
