//! I-22: evaluating an expression ends, never panics, and gives the answer of the plainest evaluator there is. Random
//! expressions over random attributes, where all operators meet all kinds of values.

use routing::Attributes;
use routing::command::*;
use routing::event::Actor;
use routing::expression::{Expression, Facts, Kind, TaskFacts};
use routing::ids::*;
use routing::state::{TargetWorkers, Task, Worker};
use routing::time::Timestamp;
use routing::{Command, Limits, Router, State};
use serde_json::{Map, Value, json};

use crate::model::Model;
use crate::workload::Random;

const ROUNDS: usize = 200;
const EXPRESSIONS_OF_A_ROUND: usize = 100;

#[test]
fn evaluators_agree() {
    let mut n_true = 0;
    for seed in 0..ROUNDS {
        let mut random = Random::new(seed as u64);
        let begin = Timestamp(1_767_607_800_000 + random.below(1_000_000_000) as i64);
        let (router, model, task, worker) = somebody_and_something(&mut random, begin);
        let state = router.state();
        let (task, worker) = (&state.tasks[&task], &state.workers[&worker]);
        for _ in 0..EXPRESSIONS_OF_A_ROUND {
            let text = expression(&mut random, 3);
            let parsed = Expression::parse(Kind::Target, &text).expect("an expression");
            let expected = model.step_suits(&parsed, task, worker);
            assert_eq!(
                answer(state, &parsed, task, worker, begin),
                expected,
                "{text}\n{task:#?}\n{worker:#?}"
            );
            n_true += usize::from(expected);

            // The same without the Task, as a TaskQueue asks. There, `worker.` is a prefix or an attribute.
            let text =
                expression(&mut random, 2).replace("task.", "worker.").replace("taskrouter.", "worker.");
            let target = TargetWorkers::parse(&text).expect("an expression");
            let TargetWorkers::Matching(parsed) = &target else { unreachable!("it is not empty") };
            let queue = state.task_queue_named("Everyone").expect("in every Workspace");
            let queue = routing::state::TaskQueue { target_workers: target.clone(), ..(**queue).clone() };
            let expected = model.serves(worker, &queue);
            assert_eq!(answer(state, parsed, task, worker, begin), expected, "{text}\n{worker:#?}");

            // And without the Worker, as a filter asks.
            let text = expression(&mut random, 2).replace("worker.", "task.");
            let parsed = Expression::parse(Kind::Filter, &text).expect("an expression");
            let expected = model.filter_takes(&parsed, task);
            assert_eq!(answer(state, &parsed, task, worker, begin), expected, "{text}\n{task:#?}");
        }
    }
    let n = ROUNDS * EXPRESSIONS_OF_A_ROUND;
    assert!((n / 10..n * 9 / 10).contains(&n_true), "both answers occur: {n_true} of {n} are true");
}

fn answer(state: &State, expression: &Expression, task: &Task, worker: &Worker, now: Timestamp) -> bool {
    let view = routing::eligibility::WorkerView::of(state, worker);
    let document = task.attributes.to_value();
    let all =
        Facts { task: TaskFacts::Document(&document), worker: Some(&view), workers: None, now_ms: now.0 };
    let whole = expression.is_true(&all);
    // What the Tasks of a lane have in common is enough.
    let projected = expression.project(&document);
    let of_lane = Facts { task: TaskFacts::Projection(&projected), ..all };
    assert_eq!(expression.is_true(&of_lane), whole, "{expression}: projected");
    whole
}

/// A Worker and a Task with random attributes, in a router and in the model.
fn somebody_and_something(random: &mut Random, begin: Timestamp) -> (Router, Model, TaskId, WorkerId) {
    let tag = WorkspaceTag(7);
    let id = WorkspaceId::minted(begin, 1, tag);
    let mut router = Router::found(id, "Asked".to_owned(), Limits::default(), begin);
    let mut model = Model::new(router.state(), Limits::default(), begin);
    let (task, worker) = (TaskId::minted(begin, 2, tag), WorkerId::minted(begin, 3, tag));
    let create_worker = Command::CreateWorker(CreateWorker {
        id: worker,
        name: "3".to_owned(),
        attributes: attributes(random, "worker"),
        activity: None,
    });
    let create_task = Command::CreateTask(CreateTask {
        id: task,
        workflow: None,
        routing_target: None,
        ignore_capacity: None,
        task_channel: TaskChannelRef::UniqueName("default".to_owned()),
        attributes: attributes(random, "task"),
        priority: None,
        timeout_seconds: None,
        virtual_start_time: None,
    });
    for command in [create_worker, create_task] {
        router.apply(command.clone(), Actor::System).expect("nothing is wrong with it");
        model.apply(command, Actor::System).expect("nothing is wrong with it");
    }
    (router, model, task, worker)
}

/// Keys that expressions name. Now and then one that is also a prefix.
const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn attributes(random: &mut Random, prefix: &str) -> Attributes {
    let mut document = Map::new();
    for key in KEYS {
        if random.percent(80) {
            document.insert(key.to_owned(), value(random, 2));
        }
    }
    if random.percent(20) {
        let inside: Map<String, Value> =
            KEYS.iter().map(|key| ((*key).to_owned(), value(random, 1))).collect();
        document.insert(prefix.to_owned(), Value::Object(inside));
    }
    Attributes::of(&Value::Object(document)).expect("an object")
}

fn value(random: &mut Random, depth: usize) -> Value {
    let scalar = match random.below(9) {
        0 => Value::Null,
        1 => json!(random.percent(50)),
        2 | 3 => json!(random.below(4)),
        4 => json!(*random.pick(&[-1.0, 0.0, 2.5, 3.0, 1e300, -1.5])),
        5 => json!(*random.pick(&[i64::MIN, i64::MAX, -1])),
        6 => json!(*random.pick(&[u64::MAX, u64::MAX - 1])),
        _ => json!(*random.pick(&TEXTS)),
    };
    match random.below(10) {
        0..=2 if depth > 0 => {
            let n = random.below(4);
            Value::Array((0..n).map(|_| value(random, depth - 1)).collect())
        }
        3 if depth > 0 => json!({ "a": value(random, depth - 1) }),
        _ => scalar,
    }
}

const TEXTS: [&str; 16] = [
    "",
    "a",
    "A",
    "ab",
    "3",
    "03",
    "3.0",
    "2.5",
    "-1",
    "-",
    "3.",
    ".5",
    "1e3",
    "ü",
    "mon",
    "18446744073709551616",
];

fn expression(random: &mut Random, depth: usize) -> String {
    match random.below(4) {
        0 if depth > 0 => {
            let (left, right) = (expression(random, depth - 1), expression(random, depth - 1));
            format!("{left} AND {right}")
        }
        1 if depth > 0 => {
            let (left, right) = (expression(random, depth - 1), expression(random, depth - 1));
            format!("({left} OR {right})")
        }
        _ => {
            let operators = ["==", "!=", "<", "<=", ">", ">=", "CONTAINS", "HAS", "IN", "NOT IN"];
            let operator = *random.pick(&operators);
            format!("{} {operator} {}", operand(random, 2), operand(random, 2))
        }
    }
}

fn operand(random: &mut Random, depth: usize) -> String {
    match random.below(12) {
        0..=3 => {
            let (whose, key) = (*random.pick(&["task", "worker"]), *random.pick(&KEYS));
            let further = *random.pick(&["", "", "", ".a", "[0]", "[1]", "[0].a"]);
            format!("{whose}.{key}{further}")
        }
        4 => {
            let of_worker = ["sid", "friendly_name", "activity_name", "activity_sid"];
            let of_channel = [
                "channel.default.assigned_tasks",
                "channel.default.configured_capacity",
                "channel.voice.available_capacity_percentage",
                "channel.none.assigned_tasks",
            ];
            let key = if random.percent(50) { *random.pick(&of_worker) } else { *random.pick(&of_channel) };
            format!("worker.{key}")
        }
        5 => {
            let keys = ["currentTime", "currentHour", "currentMin", "dayOfWeek"];
            format!("taskrouter.{}", random.pick(&keys))
        }
        6 => (*random.pick(&["null", "true", "false"])).to_owned(),
        7 => (*random.pick(&["0", "3", "-1", "2.5", "03", "18446744073709551615", "100"])).to_owned(),
        8 | 9 if depth > 0 => {
            let n = random.below(4);
            let elements: Vec<String> = (0..n).map(|_| operand(random, depth - 1)).collect();
            format!("[{}]", elements.join(", "))
        }
        _ => format!("'{}'", random.pick(&TEXTS)),
    }
}
