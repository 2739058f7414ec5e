//! The picks alone, one by one: mean, p50, p99, p99.9 and the longest. A mean hides what happens to the few.
//! `cargo bench -p routing --features bench --bench percentiles`
//!
//! Each figure holds the cost of looking at the clock, which is printed first.

#![allow(clippy::disallowed_methods)] // A benchmark looks at the clock.

mod workspaces;

use std::hint::black_box;
use std::time::Instant;

use routing::bench::{WhichTask, WhichWorker};
use workspaces::{Centre, LARGE, SHAPES, SMALL};

const ASKED_ABOUT: usize = 100_000;

fn main() {
    report("nothing, but for the clock", &(0..ASKED_ABOUT).collect::<Vec<_>>(), |at| *at);
    for size in [SMALL, LARGE] {
        for shape in SHAPES {
            let busy = Centre::new(size, shape);
            for percent in [10, 90] {
                let centre = busy.unsettled(percent);
                let mut tasks = centre.pending_tasks(ASKED_ABOUT);
                shuffle(&mut tasks);
                let name = format!("{}, {shape}, {percent}% free: task -> worker", size.name);
                let questions: Vec<_> =
                    tasks.iter().filter_map(|task| WhichWorker::of(&centre.router, *task)).collect();
                report(&name, &questions, WhichWorker::ask);
                if percent == 90 {
                    let mut workers = centre.workers.clone();
                    shuffle(&mut workers);
                    let name = format!("{}, {shape}: worker -> task", size.name);
                    let questions: Vec<_> =
                        workers.iter().filter_map(|worker| WhichTask::of(&centre.router, *worker)).collect();
                    report(&name, &questions, WhichTask::ask);
                }
            }
        }
    }
}

fn report<I, T>(name: &str, about: &[I], ask: impl Fn(&I) -> T) {
    let mut nanoseconds = Vec::with_capacity(about.len());
    for object in about {
        let begin = Instant::now();
        black_box(ask(black_box(object)));
        nanoseconds.push(begin.elapsed().as_nanos());
    }
    nanoseconds.sort_unstable();
    let n = nanoseconds.len();
    let mean = nanoseconds.iter().sum::<u128>() / n as u128;
    let at = |fraction: f64| nanoseconds[((n as f64 * fraction) as usize).min(n - 1)];
    let [p50, p99, p999, max] = [0.5, 0.99, 0.999, 1.0].map(at);
    println!("{name:70} mean {mean:6}  p50 {p50:6}  p99 {p99:6}  p99.9 {p999:7}  max {max:8} ns");
}

fn shuffle<T>(objects: &mut [T]) {
    let mut random = workspaces::Random::new();
    for at in (1..objects.len()).rev() {
        objects.swap(at, random.below(at + 1));
    }
}
