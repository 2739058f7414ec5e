//! What the runner says of scenarios that are wrong: whole reports, as people read them.

use scenarios::{Report, Verdict, run_text};
use serde_json::json;

/// The report of one scenario, without the line of the file and the sum.
#[track_caller]
fn check(text: &str, expected: &str) {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let outcome = run_text("desk.yaml", text.to_owned());
    assert_ne!(outcome.verdict, Verdict::Passed, "the scenario passes");
    let report = outcome.to_string();
    let expected = expected.strip_prefix('\n').unwrap_or(expected);
    assert!(report == expected, "\n--- is:\n{report}--- should be:\n{expected}");
}

#[track_caller]
fn check_passes(text: &str) {
    let outcome = run_text("desk.yaml", text.to_owned());
    assert_eq!(outcome.verdict, Verdict::Passed, "\n{outcome}");
}

// ---- expectations ----

#[test]
fn a_task_that_waits_is_explained_worker_by_worker() {
    check(
        r#"
activities: { Lunch: unavailable }
queues:
  Billing: skills HAS "billing"
workflows:
  Front desk:
    filters:
      - name: Billing
        when: topic == "billing"
        targets:
          - { queue: Billing, timeout: 1m, expression: worker.level > 2, priority: 5 }
workers:
  Ann: { attributes: { skills: [billing], level: 1 } }
  Ben: { attributes: { skills: [sales], level: 5 }, activity: Lunch }
  Zoe: { attributes: { skills: [billing], level: 5 } }
  Eve: { attributes: { skills: [billing], level: 5 }, channels: { default: { available: false } } }
story:
  - create: { task: T1, attributes: { topic: billing } }
  - expect: { T1: reserved for Zoe, events: [task.created T1, workflow.entered, workflow.target-matched, task-queue.entered, reservation.created T1 Zoe] }
  - after: 5s
  - create: { task: T2, attributes: { topic: billing } }
  - expect: { T2: reserved for Zoe }
"#,
        r#"
desk.yaml:21:19: at 5s
   21 |   - expect: { T2: reserved for Zoe }
      |                   ^
  expected: T2 is reserved for Zoe
  instead:  T2 is pending
  T2 is pending in Billing, step Billing/1, priority 5, until 1m 5s
    Zoe  1 of 1 on channel default taken; holds T1
    Eve  channel default is switched off
    Ann  worker.level > 2: worker.level is 1
    Ben  Billing: skills HAS "billing": skills is ["sales"]
         in the Activity Lunch, which is not available
  events since some were expected last:
    5s  task.created T2
    5s  workflow.entered T2 Front desk
    5s  workflow.target-matched T2 Billing/1
    5s  task-queue.entered T2 Billing
"#,
    );
}

#[test]
fn a_task_that_another_worker_has_is_explained_for_the_one_who_should_have_it() {
    check(
        r"
workers: { Ann: {}, Ben: {}, Zoe: {} }
story:
  - create: T1
  - reject: T1
  - expect: { T1: reserved for Ann }
",
        r"
desk.yaml:5:19: at 0s
    5 |   - expect: { T1: reserved for Ann }
      |                   ^
  expected: T1 is reserved for Ann
  instead:  T1 is reserved for Ben
  T1 is reserved for Ben in Everyone, step default, priority 0
    Ann  refused the Task, or did not answer; may be offered it again in 1 s
  events since some were expected last:
    0s  task.created T1
    0s  workflow.entered T1 Assign to Anyone
    0s  workflow.target-matched T1 default
    0s  task-queue.entered T1 Everyone
    0s  reservation.created T1 Ann
    0s  reservation.rejected T1 Ann
    0s  reservation.created T1 Ben
",
    );
}

#[test]
fn whose_turn_it_was_is_said_of_a_worker_whom_nothing_hinders() {
    check(
        r"
workers: { Ann: {}, Ben: {} }
story:
  - expect: { events: [] }
  - create: T1
  - expect: { T1: reserved for Ben }
",
        r"
desk.yaml:5:19: at 0s
    5 |   - expect: { T1: reserved for Ben }
      |                   ^
  expected: T1 is reserved for Ben
  instead:  T1 is reserved for Ann
  T1 is reserved for Ann in Everyone, step default, priority 0
    Ben  could take it; never had a Reservation
  events since some were expected last:
    0s  task.created T1
    0s  workflow.entered T1 Assign to Anyone
    0s  workflow.target-matched T1 default
    0s  task-queue.entered T1 Everyone
    0s  reservation.created T1 Ann
",
    );
}

#[test]
fn a_known_worker_and_ids_are_shown_by_name() {
    check(
        r#"
queues: { Anns: 'sid == "${Ann}"' }
workflows:
  Desk:
    filters:
      - when: 1==1
        targets: [{ queue: Anns, knownWorkerSid: task.agent }]
workers: { Ann: {}, Ben: {} }
story:
  - create: { task: T1, attributes: { agent: "${Ben}" } }
  - expect: { events: [] }
"#,
        r"
desk.yaml:10:23: at 0s
   10 |   - expect: { events: [] }
      |                       ^
  expected: no other event
  instead:  event 1 is task.created T1
  events since some were expected last:
    0s  task.created T1
    0s  workflow.entered T1 Desk
    0s  workflow.target-matched T1 1/1
    0s  task-queue.entered T1 Anns
",
    );
    check(
        r#"
queues: { Anns: 'sid == "${Ann}"' }
workflows:
  Desk:
    filters:
      - when: 1==1
        targets: [{ queue: Anns, knownWorkerSid: task.agent }]
workers: { Ann: {}, Ben: {} }
story:
  - create: { task: T1, attributes: { agent: "${Ben}" } }
  - expect: { T1: assigned to Ann }
"#,
        r#"
desk.yaml:10:19: at 0s
   10 |   - expect: { T1: assigned to Ann }
      |                   ^
  expected: T1 is assigned to Ann
  instead:  T1 is pending
  T1 is pending in Anns, step 1/1, priority 0
    Ann  the Task names the Worker Ben
    Ben  Anns: sid == "Ann": sid is "Ben"
  events since some were expected last:
    0s  task.created T1
    0s  workflow.entered T1 Desk
    0s  workflow.target-matched T1 1/1
    0s  task-queue.entered T1 Anns
"#,
    );
}

#[test]
fn everything_that_differs_in_one_look_is_told() {
    check(
        r"
workers: { Ann: {} }
story:
  - create: { task: T1, timeout: 1m }
  - accept: T1
  - expect: { events: [task.created, workflow.entered, workflow.target-matched, task-queue.entered, reservation.created, reservation.accepted] }
  - expect:
      T1: { is: wrapping by Ann, priority: 1, reason: gone, assignments: 2, attributes: { a: 1 }, reservations: { Ann: pending } }
      Ann:
        activity: Break
        holds: []
        channels: { default: { capacity: 2, available: false, open: 0, free: 50 % } }
      nextDeadline: 1m
",
        r#"
desk.yaml:7:17: at 0s
    7 |       T1: { is: wrapping by Ann, priority: 1, reason: gone, assignments: 2, attributes: { a: 1 }, reservations: { Ann: pending } }
      |                 ^
  expected: T1 is wrapping by Ann
  instead:  T1 is assigned to Ann in Everyone
desk.yaml:7:44: at 0s
    7 |       T1: { is: wrapping by Ann, priority: 1, reason: gone, assignments: 2, attributes: { a: 1 }, reservations: { Ann: pending } }
      |                                            ^
  expected: T1 has priority 1
  instead:  T1 has priority 0
desk.yaml:7:55: at 0s
    7 |       T1: { is: wrapping by Ann, priority: 1, reason: gone, assignments: 2, attributes: { a: 1 }, reservations: { Ann: pending } }
      |                                                       ^
  expected: T1 ended with the reason gone
  instead:  T1 ended with the reason none
desk.yaml:7:74: at 0s
    7 |       T1: { is: wrapping by Ann, priority: 1, reason: gone, assignments: 2, attributes: { a: 1 }, reservations: { Ann: pending } }
      |                                                                          ^
  expected: T1 went to reserved so often: 2
  instead:  T1 went to reserved so often: 1
desk.yaml:7:89: at 0s
    7 |       T1: { is: wrapping by Ann, priority: 1, reason: gone, assignments: 2, attributes: { a: 1 }, reservations: { Ann: pending } }
      |                                                                                         ^
  expected: T1 has the attributes {"a":1}
  instead:  T1 has the attributes {}
desk.yaml:7:120: at 0s
    7 |       T1: { is: wrapping by Ann, priority: 1, reason: gone, assignments: 2, attributes: { a: 1 }, reservations: { Ann: pending } }
      |                                                                                                                        ^
  expected: the Reservation of T1 for Ann is pending
  instead:  the Reservation of T1 for Ann is accepted
desk.yaml:9:19: at 0s
    9 |         activity: Break
      |                   ^
  expected: Ann is in Break
  instead:  Ann is in Available
desk.yaml:10:16: at 0s
   10 |         holds: []
      |                ^
  expected: Ann holds nothing
  instead:  Ann holds T1
desk.yaml:11:42: at 0s
   11 |         channels: { default: { capacity: 2, available: false, open: 0, free: 50 % } }
      |                                          ^
  expected: the channel default of Ann has capacity 2
  instead:  the channel default of Ann has capacity 1
desk.yaml:11:56: at 0s
   11 |         channels: { default: { capacity: 2, available: false, open: 0, free: 50 % } }
      |                                                        ^
  expected: the channel default of Ann is switched off
  instead:  the channel default of Ann is switched on
desk.yaml:11:69: at 0s
   11 |         channels: { default: { capacity: 2, available: false, open: 0, free: 50 % } }
      |                                                                     ^
  expected: the channel default of Ann has open Reservations: 0
  instead:  the channel default of Ann has open Reservations: 1
desk.yaml:11:78: at 0s
   11 |         channels: { default: { capacity: 2, available: false, open: 0, free: 50 % } }
      |                                                                              ^
  expected: the channel default of Ann has free capacity 50 %
  instead:  the channel default of Ann has free capacity 0 %
desk.yaml:12:21: at 0s
   12 |       nextDeadline: 1m
      |                     ^
  expected: the next deadline is 1m
  instead:  the next deadline is none
  no events since some were expected last
"#,
    );
}

#[test]
fn a_refusal_that_was_not_expected_shows_all_faults_by_name() {
    check(
        r#"
queues: { Billing: 1==1 }
story:
  - addWorkflow:
      workflow: Desk
      filters:
        - { when: topic = = "x", targets: [{ queue: Billing, expression: level > 5 }] }
"#,
        r#"
desk.yaml:3:5: at 0s
    3 |   - addWorkflow:
      |     ^
  expected: the step is carried out
  instead:  it was refused with INVALID_WORKFLOW:
            task_routing.filters.0.expression: line 1, column 9: found "=", expected a value (a text in quotes, a number, true, false, null, a list or a key)
            task_routing.filters.0.targets.0.expression: line 1, column 1: found "level", expected a key that begins with task., worker. or taskrouter.
  no events since some were expected last
"#,
    );
}

#[test]
fn a_refusal_that_does_not_come_or_is_another_is_told() {
    check(
        r"
workers: { Ann: {} }
story:
  - create: T1
    refused: BAD_USER_INPUT
",
        r"
desk.yaml:4:14: at 0s
    4 |     refused: BAD_USER_INPUT
      |              ^
  expected: the step is refused with BAD_USER_INPUT
  instead:  it was carried out
  events since some were expected last:
    0s  task.created T1
    0s  workflow.entered T1 Assign to Anyone
    0s  workflow.target-matched T1 default
    0s  task-queue.entered T1 Everyone
    0s  reservation.created T1 Ann
",
    );
    check(
        r"
workers: { Ann: {} }
story:
  - expect: { events: [] }
  - create: { task: T1, timeout: 0s }
    refused: NOT_FOUND
",
        r"
desk.yaml:5:14: at 0s
    5 |     refused: NOT_FOUND
      |              ^
  expected: the step is refused with NOT_FOUND
  instead:  it was refused with BAD_USER_INPUT: 0 is not in the range from 1 to 1209600
  no events since some were expected last
",
    );
}

// ---- files that cannot be understood ----

#[test]
fn every_mistake_in_a_file_is_shown_where_it_stands() {
    check(
        r#"
starts: yesterday
queues:
  Billing: skills HAS "billing"
  Late: { workers: "1==1", ordr: LIFO }
workflows:
  Front desk:
    filters:
      - name: Billing
        when: topic == "billing"
        tagrets:
          - { queue: Billing }
workers:
  Ann: { attributes: { skills: [billing] }, channels: { voice: many } }
story:
  - create: { task: T1, timeout: 30 }
  - create: T1
  - acept: T1
  - expect: { T2: pending }
  - expect: { T1: reserved by Ann }
  - at: soon
  - accept: T1
    reject: T1
  - after: 5s
    refused: CONFLICT
  - complete: { task: T1, worker: Ann, reason: solved }
  - restart: {}
  - create: { task: events }
"#,
        r#"
desk.yaml:1:9: expected a date and time, such as 2026-01-05T09:00:00Z
    1 | starts: yesterday
      |         ^
desk.yaml:4:28: "ordr" is no key of a TaskQueue; did you mean "order"?
    4 |   Late: { workers: "1==1", ordr: LIFO }
      |                            ^
desk.yaml:10:9: "tagrets" is no key of a filter; did you mean "targets"?
   10 |         tagrets:
      |         ^
desk.yaml:13:64: expected a whole number, found "many"
   13 |   Ann: { attributes: { skills: [billing] }, channels: { voice: many } }
      |                                                                ^
desk.yaml:15:34: 30 has no unit; did you mean 30s?
   15 |   - create: { task: T1, timeout: 30 }
      |                                  ^
desk.yaml:16:13: the story has created a Task "T1" before
   16 |   - create: T1
      |             ^
desk.yaml:17:5: "acept" is no step; did you mean "accept"?
   17 |   - acept: T1
      |     ^
desk.yaml:18:15: the story has created no Task "T2" so far; did you mean "T1"?
   18 |   - expect: { T2: pending }
      |               ^
desk.yaml:19:19: "reserved by Ann" is no place in the life of a Task: expected pending, reserved for Ann, reserved for Ann, Ben, assigned to Ann, wrapping by Ann, completed, completed by Ann, canceled, deleted or purged
   19 |   - expect: { T1: reserved by Ann }
      |                   ^
desk.yaml:20:9: expected a time since the start, such as 31s or -5m, or a date such as 2026-01-05T17:00:00Z, found "soon"
   20 |   - at: soon
      |         ^
desk.yaml:22:5: a step does one thing; begin another one with "- reject"
   22 |     reject: T1
      |     ^
desk.yaml:24:14: only a command can be refused
   24 |     refused: CONFLICT
      |              ^
desk.yaml:25:48: "reason" goes with the Task; leave the Worker out
   25 |   - complete: { task: T1, worker: Ann, reason: solved }
      |                                                ^
desk.yaml:26:14: restart needs the key "downFor"
   26 |   - restart: {}
      |              ^
desk.yaml:27:21: "events" has a meaning of its own below "expect"
   27 |   - create: { task: events }
      |                     ^
"#,
    );
}

#[test]
fn what_is_no_routing_test_is_told() {
    check("", "desk.yaml:1:1: expected a routing test: a map, found nothing; {} is an empty one\n");
    check(
        "workers:\n  Ann:\n  1:\nstory:\n  - expect: {}\n",
        r"
desk.yaml:2:6: expected a Worker: a map, found nothing; {} is an empty one
    2 |   Ann:
      |      ^
desk.yaml:3:4: expected a Worker: a map, found nothing; {} is an empty one
    3 |   1:
      |    ^
desk.yaml:5:13: nothing is expected here
    5 |   - expect: {}
      |             ^
",
    );
    check(
        "story: [",
        r"
desk.yaml:1:8: unclosed bracket '['
    1 | story: [
      |        ^
",
    );
    check(
        "[]",
        r"
desk.yaml:1:1: expected a routing test: a map, found a list
    1 | []
      | ^
",
    );
    check(
        "workers: {}",
        r#"
desk.yaml:1:1: a routing test needs the key "story"
    1 | workers: {}
      | ^
"#,
    );
    check(
        "strory: []",
        r#"
desk.yaml:1:1: "strory" is no key of a routing test; did you mean "story"?
    1 | strory: []
      | ^
"#,
    );
    check(
        "story: 1\nstory: 2",
        r"
desk.yaml:2:1: duplicate mapping key `story` is not allowed here
    2 | story: 2
      | ^
",
    );
    check(
        "story:\n\t- restart",
        r"
desk.yaml:2:2: tabs disallowed within this context (block indentation)
    2 | 	- restart
      |  ^
",
    );
}

#[test]
fn a_name_that_is_unknown_when_the_story_comes_to_it_is_told_with_what_may_be_meant() {
    for (step, sentence) in [
        ("accept: { task: T1, worker: Anm }", r#"there is no Worker "Anm"; did you mean "Ann"?"#),
        (
            "setActivity: { worker: Ann, activity: Holiday }",
            r#"there is no Activity "Holiday"; there are Available, Unavailable, Break, Offline"#,
        ),
        ("create: { task: T2, channel: voce }", r#"there is no Task Channel "voce"; did you mean "voice"?"#),
        (
            "create: { task: T2, workflow: Desk }",
            r#"there is no Workflow "Desk"; there are Assign to Anyone"#,
        ),
        (
            "updateQueue: { queue: Everybody, order: LIFO }",
            r#"there is no TaskQueue "Everybody"; did you mean "Everyone"?"#,
        ),
        ("cancel: T3", r#"there is no Task "T3"; did you mean "T0"?"#),
        (
            "updateQueue: { queue: Everyone, workers: 'sid == \"${Bob}\"' }",
            r#"there is no Worker, Activity, TaskQueue or Workflow "Bob""#,
        ),
        (
            "updateQueue: { queue: Everyone, workers: 'sid == \"${Bob\"' }",
            "\"${\" begins a name; the \"}\" behind it is missing",
        ),
        ("reject: { task: T1, worker: Zoe }", "Zoe was never offered T1"),
        ("at: -1s", "it is 0s (2026-01-05T09:00:00Z) already; time does not go back to -1s"),
        ("accept: T0", "T0 is offered to nobody now; name the Worker"),
    ] {
        let text = format!(
            "workers: {{ Ann: {{}}, Zoe: {{}} }}\nstory:\n  - create: {{ task: T0, channel: sms }}\n  - cancel: T0\n  - create: T1\n  - {step}\n"
        );
        let outcome = run_text("desk.yaml", text);
        let Verdict::Unclear(faults) = &outcome.verdict else { panic!("{step}: {outcome}") };
        let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
        assert_eq!(messages, [sentence], "{step}");
        assert_eq!(faults[0].at.line, 6, "{step}");
    }
}

// ---- what a scenario may rely on ----

#[test]
fn words_that_look_like_booleans_are_names() {
    check_passes(
        "workers: { No: {}, On: {} }\nstory:\n  - create: { task: Off, attributes: { vip: yes } }\n  - expect: { Off: { is: reserved for No, attributes: { vip: \"yes\" } } }\n",
    );
}

#[test]
fn the_order_of_the_keys_of_attributes_does_not_matter() {
    check_passes(
        "story:\n  - create: { task: T1, attributes: { a: 1, b: 2 } }\n  - expect: { T1: { attributes: { b: 2, a: 1 } } }\n",
    );
}

#[test]
fn the_clock_stops_wherever_something_is_due() {
    check_passes(
        r"
workspace: { timeoutActivity: null }
workers: { Ann: {} }
story:
  - create: T1
  - at: 1h
  - expect: { T1: { assignments: 30 } }
",
    );
}

#[test]
fn a_report_counts_and_is_the_same_for_programs() {
    let outcomes = vec![
        run_text("a.yaml", "story: [restart]".to_owned()),
        run_text("b.yaml", "workers: {Ann: {activity: Break}}\nstory: [{create: T1}, {after: 1s}, {expect: {T1: reserved for Ann}}]".to_owned()),
        run_text("c.yaml", "story: [{afer: 1s}]".to_owned()),
    ];
    let report = Report { outcomes };
    assert!(!report.has_passed());
    assert!(report.to_string().ends_with("3 scenarios, 2 failed"));
    let failed = json!({
        "file": "b.yaml",
        "outcome": "failed",
        "milliseconds": 1_000,
        "mismatches": [{
            "line": 2, "column": 50, "expected": "T1 is reserved for Ann", "instead": "T1 is pending",
        }],
        "events": [
            { "milliseconds": 0, "event": "task.created T1" },
            { "milliseconds": 0, "event": "workflow.entered T1 Assign to Anyone" },
            { "milliseconds": 0, "event": "workflow.target-matched T1 default" },
            { "milliseconds": 0, "event": "task-queue.entered T1 Everyone" },
        ],
        "earlierEvents": 0,
        "waiting": [{
            "task": "T1",
            "place": "pending in Everyone, step default, priority 0",
            "workers": [{ "worker": "Ann", "because": ["in the Activity Break, which is not available"] }],
            "moreWorkers": 0,
        }],
    });
    let fault = json!({
        "line": 1, "column": 10, "message": "\"afer\" is no step; did you mean \"after\"?"
    });
    assert_eq!(
        report.to_json(),
        json!({ "passed": 1, "failed": 2, "scenarios": [
            { "file": "a.yaml", "outcome": "passed" },
            failed,
            { "file": "c.yaml", "outcome": "unclear", "faults": [fault] },
        ] })
    );
}

#[test]
fn of_many_events_and_many_workers_the_report_shows_some() {
    let workers: String = (0..30).map(|n| format!("  W{n}: {{ activity: Break }}\n")).collect();
    let updates: String = (1..=60).map(|n| format!("  - update: {{ task: T1, priority: {n} }}\n")).collect();
    let text =
        format!("workers:\n{workers}story:\n  - create: T1\n{updates}  - expect: {{ T1: canceled }}\n");
    let report = run_text("desk.yaml", text).to_string();
    assert!(report.contains("\n    and 10 more Workers\n"), "{report}");
    assert!(report.contains("\n    (14 before these)\n"), "{report}");
    assert_eq!(report.lines().filter(|line| line.ends_with("task.updated T1")).count(), 50, "{report}");
}
