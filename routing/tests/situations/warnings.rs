//! Warnings about names that nobody has: these need to know who is there.

use routing::Command;
use routing::command::*;
use routing::ids::*;
use routing::warnings::{self, Warning};
use serde_json::{Value, json};

use crate::fixture::Centre;

fn skill(centre: &mut Centre, name: &str, levels: Option<(u32, u32)>) -> SkillId {
    let id = centre.mint();
    centre.apply(Command::CreateSkill(CreateSkill {
        id,
        name: name.to_owned(),
        minimum_level: levels.map(|(minimum, _)| minimum),
        maximum_level: levels.map(|(_, maximum)| maximum),
    }));
    id
}

fn told(warnings: Vec<Warning>) -> Vec<String> {
    let told = |Warning { code, path, position, message }| {
        let path: Vec<String> = path;
        let column = position
            .map_or(String::new(), |position: routing::expression::Position| format!("@{}", position.column));
        format!("{code}{column} {}: {message}", path.join("."))
    };
    warnings.into_iter().map(told).collect()
}

/// The warnings about a TaskQueue with this expression, each as `CODE@column path: message`.
fn of_queue(centre: &mut Centre, target_workers: &str) -> Vec<String> {
    let queue = centre.queue(target_workers);
    let state = centre.router.state();
    told(warnings::of_task_queue(state, &state.task_queues[&queue]))
}

#[track_caller]
fn check(centre: &mut Centre, target_workers: &str, expected: &[&str]) {
    assert_eq!(of_queue(centre, target_workers), expected, "{target_workers}");
}

#[test]
fn an_attribute_that_no_worker_has_is_told_with_what_was_probably_meant() {
    let mut centre = Centre::new();
    check(&mut centre, "languge HAS 'es'", &[]);
    centre.worker(
        "Ann",
        json!({ "language": ["es"], "orders": [{ "id": 1 }], "vip": null, "a-b": { "c": 1 } }),
    );
    centre.worker("Ben", json!({ "routing": { "skills": ["es"], "levels": { "es": 3 } } }));

    for known in [
        "language HAS 'es'",
        "orders[7].id == 1",
        "vip == true",
        "sid == 'x' OR friendly_name == 'x' OR activity_name == 'x'",
        "routing.levels.es > 1",
        // Who asks whether it is missing knows that it may be.
        "team == null OR team == 'north'",
        "'a' IN team OR null == team",
    ] {
        check(&mut centre, known, &[]);
    }
    let told = "no Worker has an attribute";
    for (text, expected) in [
        ("languge HAS 'es'", format!("UNKNOWN_ATTRIBUTE@9 : {told} languge: did you mean language?")),
        (
            "1==1 AND Language HAS 'es'",
            format!("UNKNOWN_ATTRIBUTE@19 : {told} Language: did you mean language?"),
        ),
        (
            "worker.freindly_name == 'x'",
            format!("UNKNOWN_ATTRIBUTE@22 : {told} freindly_name: did you mean friendly_name?"),
        ),
        ("skills HAS 'es'", format!("UNKNOWN_ATTRIBUTE@8 : {told} skills: did you mean routing.skills?")),
        (
            "order[0].id == 1",
            format!("UNKNOWN_ATTRIBUTE@13 : {told} order[0].id: did you mean orders[0].id?"),
        ),
        (
            "routing.levels.en > 1",
            format!("UNKNOWN_ATTRIBUTE@19 : {told} routing.levels.en, so it is null for everybody"),
        ),
        ("rank != null", format!("UNKNOWN_ATTRIBUTE@6 : {told} rank, so it is null for everybody")),
        ("3 IN [a.b.c, 3]", format!("UNKNOWN_ATTRIBUTE@3 : {told} a.b.c, so it is null for everybody")),
    ] {
        check(&mut centre, text, &[&expected]);
    }
    // What is wrong in any Workspace goes first.
    assert!(of_queue(&mut centre, "'rank' == 'x'")[0].starts_with("QUOTED_KEY"));
}

#[test]
fn the_names_are_those_of_the_moment() {
    let mut centre = Centre::new();
    let ann = centre.worker("Ann", json!({ "team": "north" }));
    let queue = centre.queue("level > 3");
    let before = centre.router.state().clone();
    let of = |state: &routing::State| warnings::of_task_queue(state, &state.task_queues[&queue]).len();
    assert_eq!(of(&before), 1);
    centre.set_worker_attributes(ann, json!({ "team": "north", "level": 1 }));
    assert_eq!((of(&before), of(centre.router.state())), (1, 0));
    centre.set_worker_attributes(ann, json!({ "team": "north" }));
    assert_eq!(of(centre.router.state()), 1);
    // Whoever comes next may have it, too.
    centre.worker("Ben", json!({ "level": 2 }));
    assert_eq!((of(&before), of(centre.router.state())), (1, 0));
}

#[test]
fn where_names_are_data_nothing_is_said_about_them() {
    let mut centre = Centre::new();
    for number in 0..101 {
        let customers: serde_json::Map<String, Value> =
            (0..200).map(|customer| (format!("c{number}x{customer}"), json!(1))).collect();
        centre.worker(&format!("W{number}"), Value::Object(customers));
    }
    check(&mut centre, "level > 3", &[]);
}

#[test]
fn a_name_that_is_no_skill_is_told_where_there_are_skills() {
    let mut centre = Centre::new();
    check(&mut centre, "routing.skills HAS 'spansh'", &[]);
    skill(&mut centre, "spanish", Some((1, 5)));
    skill(&mut centre, "night", None);
    for known in [
        "routing.skills HAS 'spanish' AND routing.levels.spanish > 2",
        "'night' IN worker.routing.skills",
        "routing == null OR routing.levels != null",
        "routing.levels.night > 2",
    ] {
        check(&mut centre, known, &[]);
    }
    let no = "there is no Skill";
    for (text, expected) in [
        (
            "routing.skills HAS 'spansh'",
            format!("UNKNOWN_SKILL@16 : {no} \"spansh\": did you mean \"spanish\"?"),
        ),
        (
            "routing.skills HAS 'Spanish'",
            format!("UNKNOWN_SKILL@16 : {no} \"Spanish\": did you mean \"spanish\"?"),
        ),
        (
            "'spansh' NOT IN worker.routing.skills",
            format!("UNKNOWN_SKILL@10 : {no} \"spansh\": did you mean \"spanish\"?"),
        ),
        (
            "routing.skills HAS 'russian'",
            format!("UNKNOWN_SKILL@16 : {no} \"russian\", and no Worker has one of this name"),
        ),
        (
            "routing.levels.spansh > 2",
            format!("UNKNOWN_SKILL@23 : {no} \"spansh\": did you mean \"spanish\"?"),
        ),
    ] {
        check(&mut centre, text, &[&expected]);
    }
    // A name that somebody has is none that nobody has.
    let routing = json!({ "skills": ["russian"], "levels": { "polish": 1 } });
    centre.worker("Ann", json!({ "routing": routing }));
    check(&mut centre, "routing.skills HAS 'russian' AND routing.levels.polish > 1", &[]);
    let nobody =
        "UNKNOWN_ATTRIBUTE@22 : no Worker has an attribute routing.levels.night, so it is null for everybody";
    check(&mut centre, "routing.levels.night > 2", &[nobody]);
}

#[test]
fn a_workflow_is_told_where_in_its_document_and_only_of_the_keys_of_workers() {
    let mut centre = Centre::new();
    let ann = centre.worker("Ann", json!({ "language": "es", "rank": 3 }));
    let queue = centre.queue("1==1");
    let id = centre.workflow(json!({
        "filters": [{ "expression": "languge == 'es'", "targets": [
            { "queue": queue, "timeout": 9, "expression": "task.languge == 'x' AND worker.languge == 'es'",
              "order_by": "worker.rank, worker.rnak DESC, worker.channel.chat.assigned_tasks" },
            { "expression": "worker.channel.fax.assigned_tasks < 3 AND worker.sid != 'x'" },
        ] }],
        "default_filter": { "queue": queue, "expression": "worker.rank >- 3 AND worker.zzz == 1" },
    }));
    let of = |centre: &Centre| {
        let state = centre.router.state();
        told(warnings::of_workflow(state, &state.workflows[&id]))
    };
    let target = "task_routing.filters.0.targets.0";
    assert_eq!(
        of(&centre),
        [
            format!("UNKNOWN_ATTRIBUTE@40 {target}.expression: no Worker has an attribute worker.languge: did you mean worker.language?"),
            format!("UNKNOWN_ATTRIBUTE {target}.order_by: no Worker has an attribute worker.rnak, so it is null for everybody"),
            "UNKNOWN_ATTRIBUTE@33 task_routing.default_filter.expression: no Worker has an attribute worker.zzz, \
             so it is null for everybody".to_owned(),
        ]
    );
    centre.set_worker_attributes(ann, json!({ "languge": "es", "rnak": 3, "rank": null, "zzz": 1 }));
    assert_eq!(of(&centre), [""; 0]);
    // The document alone says nothing of it.
    let alone = &centre.router.state().workflows[&id].present().configuration.document;
    assert_eq!(told(warnings::of_document(&alone.to_value())), [""; 0]);
}

#[test]
fn a_worker_is_told_which_names_are_no_skill_and_which_levels_do_not_suit() {
    let mut centre = Centre::new();
    let ann = centre.worker(
        "Ann",
        json!({ "routing": {
            "skills": ["spanish", 7, "spansh", "billing", "french", "night", "russian"],
            "levels": { "spanish": 5, "billing": 6, "night": 3, "french": null, "other": 1 },
        } }),
    );
    let of = |centre: &Centre, id| {
        let state = centre.router.state();
        told(warnings::of_worker(state, &state.workers[&id]))
    };
    assert_eq!(of(&centre, ann), [""; 0], "without Skills, names are names");
    for (name, levels) in [("spanish", true), ("billing", true), ("french", true), ("night", false)] {
        skill(&mut centre, name, levels.then_some((1, 5)));
    }
    assert_eq!(
        of(&centre, ann),
        [
            "UNKNOWN_SKILL routing.skills.2: \"spansh\" is no Skill: did you mean \"spanish\"?",
            "LEVEL_OUT_OF_RANGE routing.levels.billing: 6 is no level of the Skill billing, which has those from 1 to 5",
            "LEVEL_MISSING routing.levels: the Skill french has levels, from 1 to 5, but the Worker has none",
            "UNKNOWN_SKILL routing.skills.6: \"russian\" is no Skill",
        ]
    );
    let ben = centre.worker("Ben", json!({ "routing": "spanish" }));
    assert_eq!(of(&centre, ben), [""; 0]);
}
