//! Warnings: which they are, where they point, and what raises none.

use routing::command::{CreateTaskQueue, CreateWorker, CreateWorkflow};
use routing::event::Actor;
use routing::expression::{Expression, Kind};
use routing::ids::{Id, TaskQueueId, WorkerId, WorkflowId, WorkspaceId, WorkspaceTag};
use routing::time::Timestamp;
use routing::warnings::{self, Warning};
use routing::{Attributes, Command, Limits, Router};
use serde_json::{Value, json};

/// The warnings about an expression, as `CODE@column`.
fn about(kind: Kind, source: &str) -> Vec<String> {
    let expression = Expression::parse(kind, source).expect("an expression");
    let text = |warning: Warning| {
        assert!(warning.path.is_empty());
        let position = warning.position.expect("a place in the expression");
        assert_eq!(position.line, 1);
        format!("{}@{}", warning.code, position.column)
    };
    warnings::of_expression(&expression).into_iter().map(text).collect()
}

/// The warnings about a routing document, as `CODE path`, without its constant beginning.
fn about_document(routing: &Value) -> Vec<String> {
    let document = json!({ "task_routing": routing });
    warnings::of_document(&document)
        .into_iter()
        .map(|warning| {
            let path = warning.path_text();
            format!("{} {}", warning.code, path.strip_prefix("task_routing.").unwrap_or(&path))
        })
        .collect()
}

/// The message of the only warning.
fn message(kind: Kind, source: &str) -> String {
    let expression = Expression::parse(kind, source).expect("an expression");
    let mut warnings = warnings::of_expression(&expression);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    warnings.remove(0).message
}

/// A Workspace in which these Workers are.
struct Workspace {
    router: Router,
    n_minted: u64,
}

impl Workspace {
    fn with_workers(workers: &[(&str, Value)]) -> Workspace {
        let id = WorkspaceId::minted(Timestamp(0), 1, WorkspaceTag(7));
        let router = Router::found(id, "Centre".to_owned(), Limits::default(), Timestamp(0));
        let mut workspace = Workspace { router, n_minted: 1 << 40 };
        for (name, attributes) in workers {
            let (id, attributes) = (workspace.mint::<WorkerId>(), attributes_of(attributes));
            let worker = CreateWorker { id, name: (*name).to_owned(), attributes, activity: None };
            workspace.apply(Command::CreateWorker(worker));
        }
        workspace
    }

    /// The warnings about a TaskQueue with this expression, as `CODE`.
    fn about_queue(&mut self, target_workers: &str) -> Vec<String> {
        let id: TaskQueueId = self.mint();
        self.apply(Command::CreateTaskQueue(CreateTaskQueue {
            id,
            name: format!("Queue {}", self.n_minted),
            target_workers: Some(target_workers.to_owned()),
            max_reserved_workers: None,
            task_order: None,
            wrap_up_limit_seconds: None,
        }));
        let state = self.router.state();
        let warnings = warnings::of_task_queue(state, &state.task_queues[&id]);
        warnings.into_iter().map(|warning| warning.code.to_string()).collect()
    }

    /// The warnings about a Workflow whose two steps and default filter have these orders, as `CODE path: message`.
    fn about_orders(&mut self, first: &str, second: &str, default: &str) -> Vec<String> {
        let queue = self.router.state().task_queues.keys().next().expect("the first TaskQueue").to_string();
        let target = |order_by| json!({ "queue": queue, "timeout": 9, "order_by": order_by });
        let filter = json!({ "expression": "a == 1", "targets": [target(first), target(second)] });
        let default = json!({ "queue": queue, "order_by": default });
        let document = json!({ "task_routing": { "filters": [filter], "default_filter": default } });
        let id: WorkflowId = self.mint();
        self.apply(Command::CreateWorkflow(CreateWorkflow {
            id,
            name: format!("Workflow {}", self.n_minted),
            configuration: attributes_of(&document),
            task_reservation_timeout_seconds: None,
        }));
        let state = self.router.state();
        let warnings = warnings::of_workflow(state, &state.workflows[&id]).into_iter();
        warnings
            .map(|warning| format!("{} {}: {}", warning.code, warning.path_text(), warning.message))
            .collect()
    }

    fn mint<I: Id>(&mut self) -> I {
        self.n_minted += 1;
        I::minted(Timestamp(0), self.n_minted, WorkspaceTag(7))
    }

    fn apply(&mut self, command: Command) {
        self.router.apply(command, Actor::Admin("test".into())).expect("accepted");
    }
}

fn attributes_of(value: &Value) -> Attributes {
    Attributes::of(value).expect("an object")
}

const QUEUE: &str = "WQ11111111111111111111111111111111";

#[test]
fn what_is_usual_raises_no_warning() {
    for (kind, source) in [
        (Kind::Filter, "1==1"),
        (Kind::Filter, "1 == 0"),
        (Kind::Filter, "'yes' == 'yes'"),
        (Kind::Filter, "type == 'support' AND language != null"),
        (Kind::Filter, "scores >- 6 OR scores >-'a' OR [1, 6] >-6 OR 6 <-scores OR temperature > -6"),
        (Kind::Filter, "task == 'support' OR 'task.' == taskrouter.dayOfWeek"),
        (Kind::Filter, "'vip' == type OR 'vip' IN tags"),
        (Kind::Filter, "channelType IN []"),
        (Kind::Filter, "vip != true"),
        (Kind::Filter, "type IN ['sms', 'chat'] AND (vip == true OR level > 3)"),
        (Kind::Filter, "tags != null AND [1, 2] != null"),
        (Kind::Filter, "taskrouter.dayOfWeek NOT IN ['Sat', 'Sun']"),
        (Kind::Target, "worker.languages HAS task.language"),
        (Kind::Target, "task.language IN worker.languages"),
        (Kind::Target, "'Voicemail' IN worker.routing.skills"),
        (Kind::Target, "task.agent == worker.sid OR worker.friendly_name == task.agent"),
        (Kind::Target, "[worker.team, 'all'] HAS task.team"),
        (Kind::Queue, "skills HAS 'billing' AND level >= 2"),
        // As `Skill.expression` of the API has it, for TaskQueues and targets alike.
        (Kind::Queue, "worker.routing.skills HAS 'es' AND worker.routing.levels.es >= 3"),
        (Kind::SkipIf, "workers.available == 0 OR workers.WA01 < 2"),
    ] {
        assert!(about(kind, source).is_empty(), "{source}: {:?}", about(kind, source));
    }
}

#[test]
fn texts_that_look_like_keys_are_noticed() {
    for (kind, source) in [
        (Kind::Queue, "\"skills\" HAS \"x\""),
        (Kind::Queue, "'routing.skills' has 'x'"),
        (Kind::Filter, "'type' == 'support'"),
        (Kind::Filter, "'type' != null"),
        (Kind::Filter, "'type' IN ['sms', 'chat']"),
        (Kind::Filter, "'sms' IN 'channels'"),
        (Kind::Filter, "'task.type' == type"),
        (Kind::Target, "'task.language' IN worker.languages"),
        (Kind::Target, "worker.languages HAS 'task.language'"),
        (Kind::SkipIf, "'workers.available' == 0"),
    ] {
        let warnings = about(kind, source);
        assert!(warnings.len() == 1 && warnings[0].starts_with("QUOTED_KEY@"), "{source}: {warnings:?}");
    }
    assert_eq!(
        message(Kind::Queue, "'skills' HAS 'x'"),
        "\"skills\" is a text, and not what the key skills names: write skills without quotes"
    );
    assert_eq!(
        message(Kind::Target, "'skills' HAS 'x'"),
        "\"skills\" is a text, and not what the key skills names: write worker.skills or task.skills without quotes"
    );
}

#[test]
fn operators_on_what_never_suits_them_are_noticed() {
    for (kind, source, expected) in [
        (Kind::Filter, "'two words' HAS 'x'", "NOT_A_LIST@13"),
        (Kind::Filter, "3 HAS type", "NOT_A_LIST@3"),
        (Kind::Filter, "true >- 'x'", "NOT_A_LIST@6"),
        (Kind::Filter, "1 IN 2", "NOT_A_LIST@3"),
        (Kind::Filter, "type NOT IN 'sms'", "NOT_A_LIST@6"),
        (Kind::Filter, "type IN null", "NOT_A_LIST@6"),
        (Kind::Target, "task.agent IN worker.sid", "NOT_A_LIST@12"),
        (Kind::Target, "worker.channel.chat.assigned_tasks HAS 1", "NOT_A_LIST@36"),
        (Kind::Filter, "taskrouter.dayOfWeek HAS 'Mon'", "NOT_A_LIST@22"),
        (Kind::SkipIf, "workers.available HAS 1", "NOT_A_LIST@19"),
        (Kind::Filter, "tags HAS ['a', 'b']", "LIST_AS_VALUE@6"),
        (Kind::Filter, "type == ['a', 'b']", "LIST_AS_VALUE@6"),
        (Kind::Filter, "['a'] NOT IN tags", "LIST_AS_VALUE@7"),
        (Kind::Filter, "type CONTAINS ['a']", "LIST_AS_VALUE@6"),
    ] {
        assert_eq!(about(kind, source), [expected], "{source}");
    }
    assert_eq!(
        message(Kind::Filter, "type IN 'sms'"),
        "is never true, since IN needs a list on its right, not a text: write a list such as ['a', 'b'], or CONTAINS \
         to look for a part of a text"
    );
}

#[test]
fn a_missing_attribute_that_surprises_is_noticed() {
    let list = "LIST_MAY_BE_MISSING";
    let both = "BOTH_MAY_BE_MISSING";
    for (kind, source, expected) in [
        (Kind::Target, "worker.sid NOT IN task.excluded", Some((list, 12))),
        (Kind::Queue, "'x' NOT IN teams", Some((list, 5))),
        (Kind::Filter, "tags == null OR 'x' NOT IN tags", None),
        (Kind::Filter, "null != tags AND 'x' NOT IN tags", None),
        (Kind::Filter, "tags == null OR (type == 'a' AND 'x' NOT IN tags)", None),
        (Kind::Filter, "(tags == null OR vip == true) OR 'x' NOT IN tags", None),
        // The test holds for another group than the condition.
        (Kind::Filter, "(tags != null AND vip == true) OR 'x' NOT IN tags", Some((list, 39))),
        (Kind::Filter, "other == null OR 'x' NOT IN tags", Some((list, 22))),
        (Kind::Target, "task.team == worker.team", Some((both, 11))),
        (Kind::Filter, "a.b[0] = c", Some((both, 8))),
        (Kind::Target, "task.team != null AND task.team == worker.team", None),
        (Kind::Target, "worker.team != null AND (task.team == worker.team)", None),
        (Kind::Target, "task.team == null OR task.team == worker.team", None),
        (Kind::Target, "task.team == worker.activity_name", None),
    ] {
        let expected: Vec<String> =
            expected.into_iter().map(|(code, column)| format!("{code}@{column}")).collect();
        assert_eq!(about(kind, source), expected, "{source}");
    }
    assert_eq!(
        message(Kind::Target, "worker.sid NOT IN task.excluded"),
        "is false where there is no task.excluded: write (task.excluded == null OR … NOT IN task.excluded) to let it be \
         missing"
    );
    assert_eq!(
        message(Kind::Queue, "team == home"),
        "is true where both are missing: write (team != null AND team == home)"
    );
}

#[test]
fn and_beside_or_is_noticed_once() {
    assert_eq!(about(Kind::Filter, "a == 1 OR b == 2 AND c == 3 OR d == 4"), ["AND_BESIDE_OR@18"]);
    assert!(about(Kind::Filter, "a == 1 OR (b == 2 AND c == 3) OR d == 4").is_empty());
}

#[test]
fn a_minus_that_belongs_to_the_operator_is_noticed() {
    for (kind, source, expected) in [
        (Kind::Filter, "temperature >-6", "MINUS_IN_OPERATOR@13"),
        (Kind::Filter, "a == 1 AND temperature>-6.5", "MINUS_IN_OPERATOR@23"),
        (Kind::Filter, "temperature <-6", "MINUS_IN_OPERATOR@13"),
        (Kind::Target, "worker.balance >-100", "MINUS_IN_OPERATOR@16"),
        (Kind::SkipIf, "workers.available <-1", "MINUS_IN_OPERATOR@19"),
        // What is false whatever is there is said of every HAS.
        (Kind::Filter, "3 >- 6", "NOT_A_LIST@3"),
    ] {
        assert_eq!(about(kind, source), [expected], "{source}");
    }
    assert_eq!(
        message(Kind::Filter, "temperature >-6"),
        ">- is HAS, and not > with a negative number: write > - with a blank between, or HAS if that is meant"
    );
    assert_eq!(
        message(Kind::Filter, "temperature <-6"),
        "<- is IN, and not < with a negative number: write < - with a blank between, or IN if that is meant"
    );
}

#[test]
fn a_prefix_that_only_targets_need_is_noticed_once() {
    for (kind, source, expected) in [
        (Kind::Filter, "task.type == 'support'", &["NEEDLESS_PREFIX@11"][..]),
        (Kind::Filter, "type == 'a' OR task.type IN ['b'] OR task.vip == true", &["NEEDLESS_PREFIX@26"]),
        (Kind::Filter, "'x' IN [a, task.b[0].c]", &["NEEDLESS_PREFIX@5"]),
        (Kind::Queue, "worker.skills HAS 'billing'", &["NEEDLESS_PREFIX@15"]),
        (Kind::Queue, "worker.sid == 'x'", &["NEEDLESS_PREFIX@12"]),
        (Kind::Queue, "'x' NOT IN worker.teams", &["LIST_MAY_BE_MISSING@5"]),
        // There is no other prefix in either: these are attributes.
        (Kind::Filter, "worker.type == 'support'", &[]),
        (Kind::Queue, "task.type == 'support'", &[]),
        (Kind::Target, "worker.worker.team == 'a' AND task.task.team == 'a'", &[]),
    ] {
        assert_eq!(about(kind, source), expected, "{source}");
    }
    assert_eq!(
        message(Kind::Filter, "task.type == 'support'"),
        "task. is not needed here, and is read as a name where a Task has an attribute task: write type"
    );
    assert_eq!(
        message(Kind::Queue, "worker.team.name == 'north'"),
        "worker. is not needed here, and is read as a name where a Worker has an attribute worker: write team.name"
    );
}

#[test]
fn an_order_by_what_is_a_text_for_everybody_is_noticed() {
    let text = "NOT_AN_INTEGER default_filter.order_by";
    for (order_by, expected) in [
        ("worker.friendly_name", &[text][..]),
        ("worker.level DESC, worker.activity_name, worker.sid ASC", &[text, text]),
        ("worker.level DESC, worker.channel.chat.assigned_tasks", &[]),
        ("worker.friendly_name UP", &[]),
    ] {
        let routing = json!({ "default_filter": { "queue": QUEUE, "order_by": order_by } });
        assert_eq!(about_document(&routing), expected, "{order_by}");
    }
    let routing = json!({ "default_filter": { "queue": QUEUE, "order_by": "worker.sid" } });
    assert_eq!(
        warnings::of_document(&json!({ "task_routing": routing }))[0].message,
        "has no effect: only integers count, and worker.sid is a text for every Worker"
    );
}

#[test]
fn an_order_by_what_is_no_integer_for_some_workers_is_noticed() {
    let mut workspace = Workspace::with_workers(&[
        ("Ann", json!({ "level": "5", "rank": 5.5, "team": { "size": 1 }, "even": 2.0, "far": 1e300 })),
        ("Ben", json!({ "level": 3, "rank": true, "seats": [1, "x"], "even": -1, "gone": null })),
        ("Cid", json!({ "level": [4], "rank": 7, "even": u64::MAX, "big": "x".repeat(60) })),
        ("Dan", json!({ "level": null, "rank": "" })),
    ]);
    let first = "task_routing.filters.0.targets.0.order_by";
    let second = "task_routing.filters.0.targets.1.order_by";
    let default = "task_routing.default_filter.order_by";
    let told = |path: &str, key: &str, who: &str| {
        let (who, value) = who.split_once(": ").expect("a value");
        let worker = who.split(' ').next().expect("a name");
        format!(
            "NOT_AN_INTEGER {path}: only integers count, and worker.{key} is none for {who}, so they come last: \
             {worker} has {value}"
        )
    };
    // Who has nothing there comes last, too, and that is no slip.
    assert_eq!(workspace.about_orders("worker.even", "worker.even DESC", "worker.gone"), [""; 0]);
    assert_eq!(
        workspace.about_orders("worker.even, worker.level DESC", "worker.rank, worker.level", "worker.team"),
        [
            told(first, "level", "Ann and 1 other Worker: \"5\""),
            told(second, "rank", "Ann and 2 other Workers: 5.5"),
            told(second, "level", "Ann and 1 other Worker: \"5\""),
            told(default, "team", "Ann: an object"),
        ]
    );
    assert_eq!(
        workspace.about_orders("worker.seats[0], worker.seats[1]", "worker.far", "worker.seats, worker.big"),
        [
            told(first, "seats[1]", "Ben: \"x\""),
            told(second, "far", "Ann: 1e+300"),
            told(default, "seats", "Ben: a list"),
            told(default, "big", &format!("Cid: \"{}…", "x".repeat(39))),
        ]
    );
    // Nobody is there, so nobody has it wrong.
    let mut nobody = Workspace::with_workers(&[]);
    assert_eq!(nobody.about_orders("worker.level", "worker.level", "worker.level"), [""; 0]);
}

#[test]
fn a_prefix_that_may_be_an_attribute_is_none() {
    let mut workspace = Workspace::with_workers(&[("Ann", json!({ "team": "north" }))]);
    assert_eq!(workspace.about_queue("worker.team == 'north'"), ["NEEDLESS_PREFIX"]);
    // The slip goes first.
    assert_eq!(workspace.about_queue("worker.taem == 'north'"), ["UNKNOWN_ATTRIBUTE"]);
    let mut workspace =
        Workspace::with_workers(&[("Ann", json!({ "team": "north", "worker": { "team": 1 } }))]);
    assert_eq!(workspace.about_queue("worker.team == 'north'"), [""; 0]);
}

#[test]
fn filters_in_the_shadow_of_others_are_noticed() {
    let filter = |expression: &str, timeout: Option<u32>| json!({ "expression": expression, "targets": [{ "queue": QUEUE, "timeout": timeout }] });
    for (filters, expected) in [
        (vec![filter("1==1", None), filter("type == 'a'", None)], vec!["FILTER_UNREACHABLE filters.1"]),
        (vec![filter("1==1", Some(30)), filter("type == 'a'", None)], vec!["FILTER_SHADOWED filters.1"]),
        (
            vec![filter("vip == true OR 1==1", None), filter("a == 1", None), filter("1=1", None)],
            vec!["FILTER_UNREACHABLE filters.1", "FILTER_UNREACHABLE filters.2"],
        ),
        (
            vec![filter("a == 1", None), filter("b == 1", None), filter(" a == 1 ", None)],
            vec!["FILTER_UNREACHABLE filters.2"],
        ),
        // Off is off, as often as somebody likes.
        (vec![filter("1==0", None), filter("1==0", None), filter("1==1", None)], vec![]),
        (vec![filter("a == 1 AND 1==1", None), filter("b == 1", None)], vec![]),
    ] {
        assert_eq!(about_document(&json!({ "filters": filters })), expected);
    }
}

#[test]
fn a_skip_if_is_a_way_out() {
    for (target, expected) in [
        (json!({ "queue": QUEUE }), vec!["TARGET_NEVER_LEFT filters.0.targets.0"]),
        (json!({ "queue": QUEUE, "skip_if": null }), vec!["TARGET_NEVER_LEFT filters.0.targets.0"]),
        (json!({ "queue": QUEUE, "skip_if": "workers.available == 0" }), vec![]),
        (json!({ "queue": QUEUE, "timeout": "30" }), vec![]),
    ] {
        let filter = json!({ "expression": "a == 1", "targets": [target, {}] });
        assert_eq!(about_document(&json!({ "filters": [filter] })), expected);
    }
}

#[test]
fn keys_without_meaning_are_noticed() {
    let routing = json!({
        "filters": [{
            "filterFriendlyName": "Support",
            "expression": "a == 1",
            "timeout": 30,
            "targets": [{ "queue": QUEUE, "Priority": 3, "skipIf": "1==1", "comment": "x" }],
        }],
        "default_filter": { "queue": QUEUE, "timeout": 30, "targets": [] },
        "defaultFilter": {},
    });
    let expected = [
        ("defaultFilter", "has no effect in task_routing: did you mean \"default_filter\"?"),
        ("filters.0.timeout", "has no effect in a filter: it belongs to a target"),
        ("filters.0.targets.0.skipIf", "has no effect in a target: did you mean \"skip_if\"?"),
        ("filters.0.targets.0.comment", "has no effect in a target"),
        ("default_filter.targets", "has no effect in the default filter: it belongs to a filter"),
        (
            "default_filter.timeout",
            "a Task never leaves the default filter by time, so this has no effect: limit how long it waits with the \
             timeout of the Task",
        ),
    ];
    let found = warnings::of_document(&json!({ "task_routing": routing }));
    let found: Vec<(String, &str)> =
        found.iter().map(|warning| (warning.path_text(), warning.message.as_str())).collect();
    let expected: Vec<(String, &str)> =
        expected.iter().map(|(path, message)| (format!("task_routing.{path}"), *message)).collect();
    assert_eq!(found, expected);
}

#[test]
fn warnings_about_expressions_have_the_path_of_their_key() {
    let routing = json!({
        "filters": [{
            "expression": "'type' == 'support'",
            "targets": [
                { "queue": QUEUE, "timeout": 30, "expression": "worker.sid NOT IN task.excluded" },
                { "skip_if": "'workers.available' == 0" },
            ],
        }],
        "default_filter": { "queue": QUEUE, "expression": "task.team == worker.team" },
    });
    assert_eq!(
        about_document(&routing),
        [
            "QUOTED_KEY filters.0.expression",
            "LIST_MAY_BE_MISSING filters.0.targets.0.expression",
            "QUOTED_KEY filters.0.targets.1.skip_if",
            "BOTH_MAY_BE_MISSING default_filter.expression",
        ]
    );
}

#[test]
fn what_is_malformed_is_passed_over() {
    for document in [
        json!(null),
        json!([]),
        json!({ "task_routing": 1 }),
        json!({ "task_routing": { "filters": { "0": {} }, "default_filter": [] } }),
        json!({ "task_routing": { "filters": [1, null, { "expression": "(", "targets": 3 }, { "expression": 3 }] } }),
    ] {
        assert!(warnings::of_document(&document).is_empty(), "{document}");
    }
}
