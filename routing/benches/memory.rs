//! How much memory the largest Workspace takes, and how long it takes to load it.
//! `cargo bench -p routing --features bench --bench memory`; behind it, `-- everyone` measures that shape only.
//!
//! A Workspace is made by commands, and its objects are sent to a second process, which puts them into a State one
//! by one and loads it, as the server does with its rows. The figures are those of that process, as Linux counts
//! them, so there is no rest of the making in them.

#![allow(clippy::disallowed_methods)] // A benchmark looks at the clock.

mod workspaces;

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use routing::event::Object;
use routing::state::{Activity, Reservation, Task, TaskChannel, TaskQueue, Worker, Workflow, Workspace};
use routing::time::Timestamp;
use routing::{Router, State};
use serde::{Deserialize, Serialize};
use workspaces::{Centre, LARGE, SHAPES};

/// Says to the second process that it is the second one.
const SECOND: &str = "--load";

/// A State on its way: the head, then the objects.
#[derive(Serialize, Deserialize)]
enum Line {
    Head { workspace: Arc<Workspace>, sequence: u64, at: Timestamp },
    Activity(Arc<Activity>),
    TaskChannel(Arc<TaskChannel>),
    TaskQueue(Arc<TaskQueue>),
    Workflow(Arc<Workflow>),
    Worker(Arc<Worker>),
    Task(Arc<Task>),
    Reservation(Arc<Reservation>),
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == SECOND) {
        return load();
    }
    let only = arguments.into_iter().find(|argument| !argument.starts_with('-'));
    let bytes = |name, bytes| println!("a {name} is {bytes} bytes, without what it points to");
    bytes("Task", size_of::<Task>());
    bytes("Worker", size_of::<Worker>());
    bytes("Reservation", size_of::<Reservation>());
    for shape in SHAPES {
        if only.as_ref().is_some_and(|only| *only != shape.to_string()) {
            continue;
        }
        let begin = Instant::now();
        let centre = Centre::new(LARGE, shape);
        println!("{shape}: made by commands in {:.1?}, {} MiB", begin.elapsed(), rss_mib());
        send(centre.router.state());
    }
}

fn send(state: &State) {
    let program = std::env::current_exe().expect("this program");
    let mut second =
        Command::new(program).arg(SECOND).stdin(Stdio::piped()).spawn().expect("a second process");
    let mut to = BufWriter::new(second.stdin.take().expect("piped"));
    let head = Line::Head { workspace: Arc::clone(&state.workspace), sequence: state.sequence, at: state.at };
    let lines = std::iter::once(head)
        .chain(state.activities.values().cloned().map(Line::Activity))
        .chain(state.task_channels.values().cloned().map(Line::TaskChannel))
        .chain(state.task_queues.values().cloned().map(Line::TaskQueue))
        .chain(state.workflows.values().cloned().map(Line::Workflow))
        .chain(state.workers.values().cloned().map(Line::Worker))
        .chain(state.tasks.values().cloned().map(Line::Task))
        .chain(state.reservations.values().cloned().map(Line::Reservation));
    for line in lines {
        serde_json::to_writer(&mut to, &line).expect("the second process reads");
        to.write_all(b"\n").expect("the second process reads");
    }
    drop(to);
    assert!(second.wait().expect("it ends").success());
}

fn load() {
    let mut lines = BufReader::new(std::io::stdin().lock());
    let mut line = String::new();
    let mut state: Option<State> = None;
    let mut putting = Duration::ZERO;
    while lines.read_line(&mut line).expect("the first process writes") > 0 {
        let object = match serde_json::from_str(&line).expect("what the first process has written") {
            Line::Head { workspace, sequence, at } => {
                let before = State::before(workspace);
                state = Some(State { sequence, at, ..before });
                line.clear();
                continue;
            }
            Line::Activity(activity) => Object::Activity(activity),
            Line::TaskChannel(channel) => Object::TaskChannel(channel),
            Line::TaskQueue(queue) => Object::TaskQueue(queue),
            Line::Workflow(workflow) => Object::Workflow(workflow),
            Line::Worker(worker) => Object::Worker(worker),
            Line::Task(task) => Object::Task(task),
            Line::Reservation(reservation) => Object::Reservation(reservation),
        };
        let begin = Instant::now();
        state.as_mut().expect("the head comes first").put(object);
        putting += begin.elapsed();
        line.clear();
    }
    let state = state.expect("the head");
    let now = state.at;
    let of_state = rss_mib();

    let begin = Instant::now();
    let mut router = Router::load(state, workspaces::limits(), now);
    let loading = begin.elapsed();
    let begin = Instant::now();
    router.tick(now);
    let settling = begin.elapsed();
    println!(
        "  State {of_state} MiB, with the Index {} MiB; State::put of all {putting:.2?}, Router::load {loading:.2?}, \
         first tick {settling:.2?}",
        rss_mib(),
    );
}

fn rss_mib() -> usize {
    const PAGE_BYTES: usize = 4096;
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("the second number") * PAGE_BYTES / (1 << 20)
}
