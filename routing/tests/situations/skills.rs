//! Skills: what may be said of them, and that the attributes of Workers are where they are.

use routing::command::*;
use routing::ids::*;
use routing::rejection::Code;
use routing::state::TaskStatus;
use routing::{Attributes, Command, Limits, Rejection};
use serde_json::{Value, json};

use crate::fixture::{Centre, document};

fn create(centre: &mut Centre, name: &str, levels: Option<(u32, u32)>) -> Result<SkillId, Rejection> {
    let id = centre.mint();
    let command = CreateSkill {
        id,
        name: name.to_owned(),
        minimum_level: levels.map(|(minimum, _)| minimum),
        maximum_level: levels.map(|(_, maximum)| maximum),
    };
    centre.try_apply(Command::CreateSkill(command)).map(|_| id)
}

fn rename(centre: &mut Centre, id: SkillId, name: &str) -> Result<u64, Rejection> {
    let name = Some(name.to_owned());
    let update = UpdateSkill { id, expected_version: None, name, minimum_level: None, maximum_level: None };
    centre.try_apply(Command::UpdateSkill(update))
}

fn delete(centre: &mut Centre, id: SkillId) -> Result<u64, Rejection> {
    centre.try_apply(Command::DeleteSkill(DeleteSkill { id, expected_version: None }))
}

fn assign(
    centre: &mut Centre,
    worker: WorkerId,
    skill: SkillId,
    level: Option<u32>,
) -> Result<u64, Rejection> {
    centre.try_apply(Command::AssignSkill(AssignSkill { worker, skill, expected_version: None, level }))
}

fn unassign(centre: &mut Centre, worker: WorkerId, skill: SkillId) -> Result<u64, Rejection> {
    centre.try_apply(Command::UnassignSkill(UnassignSkill { worker, skill, expected_version: None }))
}

fn attributes_of(centre: &Centre, worker: WorkerId) -> Value {
    centre.the_worker(worker).attributes.to_value()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(
    answer: Result<T, Rejection>,
    code: Code,
    field: Option<&str>,
    sentence: &str,
) {
    let rejection = answer.expect_err("it is refused");
    assert_eq!((rejection.code(), rejection.field()), (code, field));
    assert_eq!(rejection.to_string(), sentence);
}

#[test]
fn a_skill_that_is_assigned_stands_in_the_attributes_and_work_comes_at_once() {
    let mut centre = Centre::new();
    let queue = centre.queue("routing.skills HAS 'spanish' AND routing.levels.spanish >= 3");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({ "team": "north", "routing": { "note": 1 } }));
    let task = centre.task(workflow, json!({}));
    let spanish = create(&mut centre, "spanish", Some((1, 5))).expect("a Skill");
    let first_aid = create(&mut centre, "first aid", None).expect("a Skill");
    centre.forget();

    assign(&mut centre, ann, first_aid, None).expect("assigned");
    assert_eq!(centre.events(), ["worker.attributes.update"]);
    // Who has no levels needs none.
    let expected = json!({ "team": "north", "routing": { "note": 1, "skills": ["first aid"] } });
    assert_eq!(attributes_of(&centre, ann), expected);

    assign(&mut centre, ann, spanish, Some(2)).expect("assigned");
    assert_eq!(centre.status(task), TaskStatus::Pending);
    centre.forget();
    let version = centre.the_worker(ann).version;
    assign(&mut centre, ann, spanish, Some(3)).expect("the level has changed");
    assert_eq!(centre.events(), ["worker.attributes.update", "reservation.created"]);
    assert_eq!(centre.offered_to(task), [ann]);
    assert_eq!(centre.the_worker(ann).version, version + 1);
    let expected = json!({ "team": "north", "routing":
        { "note": 1, "skills": ["first aid", "spanish"], "levels": { "spanish": 3 } } });
    assert_eq!(attributes_of(&centre, ann), expected);

    let state = centre.router.state();
    let skills = state.skills_of(centre.the_worker(ann));
    let skills: Vec<(&str, Option<u32>)> =
        skills.into_iter().map(|(skill, level)| (&*skill.name, level)).collect();
    assert_eq!(skills, [("first aid", None), ("spanish", Some(3))]);

    // The same once more changes nothing, and is no mistake.
    assign(&mut centre, ann, spanish, Some(3)).expect("as it is");
    assert_eq!(centre.events(), [""; 0]);

    unassign(&mut centre, ann, spanish).expect("taken away");
    assert_eq!(centre.events(), ["worker.attributes.update"]);
    let expected = json!({ "team": "north", "routing":
        { "note": 1, "skills": ["first aid"], "levels": {} } });
    assert_eq!(attributes_of(&centre, ann), expected);
    unassign(&mut centre, ann, spanish).expect("as it is");
    assert_eq!(centre.events(), [""; 0]);
}

#[test]
fn what_others_wrote_into_the_attributes_stays_and_null_is_nothing() {
    let mut centre = Centre::new();
    let spanish = create(&mut centre, "spanish", None).expect("a Skill");
    let routing =
        json!({ "skills": ["other", 7, "spanish", "spanish"], "levels": { "other": "x", "spanish": 9 } });
    let ann = centre.worker("Ann", json!({ "routing": routing }));
    // The level is left over from when the Skill had levels.
    assign(&mut centre, ann, spanish, None).expect("assigned");
    let routing = json!({ "skills": ["other", 7, "spanish", "spanish"], "levels": { "other": "x" } });
    assert_eq!(attributes_of(&centre, ann), json!({ "routing": routing }));
    unassign(&mut centre, ann, spanish).expect("taken away");
    let routing = json!({ "skills": ["other", 7], "levels": { "other": "x" } });
    assert_eq!(attributes_of(&centre, ann), json!({ "routing": routing }));

    for empty in [json!({ "routing": null }), json!({ "routing": { "skills": null, "levels": null } })] {
        let name = format!("Ben {empty}");
        let ben = centre.worker(&name, json!({}));
        centre.set_worker_attributes(ben, empty);
        assign(&mut centre, ben, spanish, None).expect("assigned");
        assert_eq!(attributes_of(&centre, ben)["routing"]["skills"], json!(["spanish"]));
    }
    // NULL that nothing is written over stays, too.
    let cid = centre.worker("Cid", json!({ "routing": { "skills": ["spanish"], "levels": null } }));
    unassign(&mut centre, cid, spanish).expect("taken away");
    assert_eq!(attributes_of(&centre, cid), json!({ "routing": { "skills": [], "levels": null } }));
    let dan = centre.worker("Dan", json!({ "routing": { "skills": null, "levels": { "spanish": 1 } } }));
    unassign(&mut centre, dan, spanish).expect("taken away");
    assert_eq!(attributes_of(&centre, dan), json!({ "routing": { "skills": null, "levels": {} } }));
}

#[test]
fn what_cannot_be_assigned_changes_nothing() {
    let mut centre = Centre::with_limits(Limits { attributes_characters_max: 60, ..Limits::default() });
    let spanish = create(&mut centre, "spanish", Some((1, 5))).expect("a Skill");
    let night = create(&mut centre, "night", None).expect("a Skill");
    let ann = centre.worker("Ann", json!({}));
    centre.forget();
    for (skill, level, sentence) in [
        (spanish, None, "the Skill spanish has levels: say which, from 1 to 5"),
        (spanish, Some(0), "0 is no level of the Skill spanish, which has those from 1 to 5"),
        (spanish, Some(6), "6 is no level of the Skill spanish, which has those from 1 to 5"),
        (night, Some(1), "the Skill night has no levels: leave it out"),
    ] {
        refused(assign(&mut centre, ann, skill, level), Code::BadUserInput, Some("level"), sentence);
    }
    let (nobody, nothing): (WorkerId, SkillId) = (centre.mint(), centre.mint());
    let there_is_no = |what: &str, id: &dyn std::fmt::Display| format!("there is no {what} {id}");
    let answer = assign(&mut centre, nobody, night, None);
    refused(answer, Code::NotFound, Some("workerId"), &there_is_no("Worker", &nobody));
    let answer = unassign(&mut centre, ann, nothing);
    refused(answer, Code::NotFound, Some("skillId"), &there_is_no("Skill", &nothing));
    let command = AssignSkill { worker: ann, skill: night, expected_version: Some(2), level: None };
    let sentence = "the Worker has changed: its version is 1, not 2";
    let answer = centre.try_apply(Command::AssignSkill(command));
    refused(answer, Code::Conflict, Some("expectedVersion"), sentence);
    assert_eq!(centre.events(), [""; 0]);

    for (attributes, path, expected) in [
        (json!({ "routing": "spanish" }), "routing", "an object"),
        (json!({ "routing": { "skills": "spanish" } }), "routing.skills", "a list"),
        (json!({ "routing": { "skills": [], "levels": [1] } }), "routing.levels", "an object"),
    ] {
        let ben = centre.worker(path, attributes.clone());
        let sentence = format!(
            "the attribute {path} of the Worker is not {expected}, so that no Skill can be written there: \
             correct the attributes first"
        );
        let answer = assign(&mut centre, ben, night, None);
        refused(answer, Code::BadUserInput, Some("workerId"), &sentence);
        refused(unassign(&mut centre, ben, night), Code::BadUserInput, Some("workerId"), &sentence);
        assert_eq!(attributes_of(&centre, ben), attributes);
    }

    // {"text":"…","routing":{"skills":["night"]}} has 42 characters beside the text.
    let full = centre.worker("Full", json!({ "text": "x".repeat(19) }));
    let sentence = "the attributes of the Worker would be too long, in characters: the limit is 60";
    refused(assign(&mut centre, full, night, None), Code::LimitExceeded, None, sentence);
    let just_fits = centre.worker("Just fits", json!({ "text": "x".repeat(18) }));
    assign(&mut centre, just_fits, night, None).expect("that is as much as they may have");
    assert_eq!(centre.the_worker(just_fits).attributes.characters(), 60);
}

#[test]
fn a_skill_has_a_name_of_its_own_and_levels_that_expressions_can_name() {
    let mut centre = Centre::with_limits(Limits { skills_max: 3, ..Limits::default() });
    let spanish = create(&mut centre, " Spanish ", None).expect("a Skill");
    assert_eq!(centre.router.state().skills[&spanish].name, "Spanish");
    let taken = "the name \"SPANISH\" is taken; names are unique without regard to case";
    refused(create(&mut centre, "SPANISH", None), Code::BadUserInput, Some("name"), taken);
    let no_key = "a Skill with levels has a name of letters, digits, _ and $ only, since expressions name its level \
                  as routing.levels.<name>; \"first aid\" is none";
    refused(create(&mut centre, "first aid", Some((1, 2))), Code::BadUserInput, Some("name"), no_key);
    let descending = "the maximumLevel 2 is below the minimumLevel 3";
    refused(create(&mut centre, "a", Some((3, 2))), Code::BadUserInput, Some("maximumLevel"), descending);
    let too_high = "2147483648 is not in the range from 0 to 2147483647";
    let answer = create(&mut centre, "a", Some((0, 1 << 31)));
    refused(answer, Code::BadUserInput, Some("maximumLevel"), too_high);

    let first_aid = create(&mut centre, "first aid", None).expect("without levels, any name will do");
    let one = create(&mut centre, "one_level", Some((3, 3))).expect("a single level is a range");
    delete(&mut centre, one).expect("nobody has it");
    let update = |id, name: Option<&str>, minimum_level, maximum_level| {
        let name = name.map(str::to_owned);
        Command::UpdateSkill(UpdateSkill { id, expected_version: None, name, minimum_level, maximum_level })
    };
    let both = "a Skill has both a minimumLevel and a maximumLevel, or neither";
    let answer = centre.try_apply(update(spanish, None, Some(Some(1)), None));
    refused(answer, Code::BadUserInput, Some("maximumLevel"), both);
    let answer = centre.try_apply(update(first_aid, None, Some(Some(1)), Some(Some(2))));
    refused(answer, Code::BadUserInput, Some("minimumLevel"), no_key);

    centre.forget();
    centre.apply(update(spanish, None, Some(Some(1)), Some(Some(5))));
    assert_eq!(centre.events(), ["skill.updated"]);
    let answer = centre.try_apply(update(spanish, None, Some(None), None));
    refused(answer, Code::BadUserInput, Some("minimumLevel"), both);
    centre.apply(update(spanish, None, Some(None), Some(None)));
    centre.apply(update(spanish, Some("Spanish"), None, None));
    assert_eq!(centre.events(), ["skill.updated"], "as it was is no change");
    assert_eq!(centre.router.state().skills[&spanish].version, 3);

    create(&mut centre, "third", None).expect("a Skill");
    let full = "Skills in the Workspace: the limit is 3";
    refused(create(&mut centre, "fourth", None), Code::LimitExceeded, None, full);
    // With its name, a deleted Skill gives back its place.
    centre.forget();
    delete(&mut centre, spanish).expect("nobody has it");
    assert_eq!(centre.events(), ["skill.deleted"]);
    create(&mut centre, "spanish", None).expect("the name is free");
    let nothing = format!("there is no Skill {spanish}");
    refused(delete(&mut centre, spanish), Code::NotFound, Some("id"), &nothing);
}

#[test]
fn a_skill_in_use_is_neither_renamed_nor_deleted() {
    let mut centre = Centre::new();
    let spanish = create(&mut centre, "spanish", Some((1, 5))).expect("a Skill");
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let queue_name = centre.router.state().task_queues[&queue].name.clone();
    let workflow_name = centre.router.state().workflows[&workflow].name.clone();
    let set_queue = |centre: &mut Centre, text: &str| {
        centre.update_queue(queue, |command| command.target_workers = Some(text.to_owned()));
    };
    let set_target = |centre: &mut Centre, key: &str, text: &str| {
        let mut target = serde_json::Map::new();
        target.insert("queue".to_owned(), json!(queue));
        target.insert(key.to_owned(), json!(text));
        let configuration = document(json!({ "filters": [
            { "expression": "routing.skills HAS 'spanish'", "targets": [target] }
        ] }));
        centre.update_workflow(workflow, |workflow| workflow.configuration = Some(configuration));
    };

    for text in [
        "routing.skills HAS 'spanish'",
        "level > 3 OR 'spanish' IN worker.routing.skills",
        "routing.levels.spanish != null",
    ] {
        set_queue(&mut centre, text);
        let sentence = |action| format!("the Skill cannot be {action}: TaskQueue {queue_name} names it");
        refused(rename(&mut centre, spanish, "Spanish"), Code::InUse, None, &sentence("renamed"));
        refused(delete(&mut centre, spanish), Code::InUse, None, &sentence("deleted"));
    }
    set_queue(&mut centre, "routing.skills HAS 'Spanish' OR skills HAS 'spanish'");
    for (key, text) in [
        ("expression", "'spanish' NOT IN worker.routing.skills"),
        ("order_by", "worker.routing.levels.spanish DESC"),
    ] {
        set_target(&mut centre, key, text);
        let sentence = format!("the Skill cannot be deleted: Workflow {workflow_name} names it");
        refused(delete(&mut centre, spanish), Code::InUse, None, &sentence);
    }
    // The attributes of a Task are none of a Worker.
    set_target(&mut centre, "expression", "task.routing.skills HAS 'spanish'");

    let workers: Vec<WorkerId> = (10..23)
        .map(|number| centre.worker(&format!("W{number}"), json!({ "routing": { "skills": ["spanish"] } })))
        .collect();
    let answer = delete(&mut centre, spanish);
    let Err(Rejection::InUse { users, n_users, .. }) = &answer else { panic!("in use: {answer:?}") };
    assert_eq!((users.len(), *n_users), (10, 13));
    assert_eq!((users[0].kind, &*users[0].id), ("Worker", &*workers[0].to_string()));
    let sentence =
        "the Skill cannot be deleted: Worker W10 has it, Worker W11 has it, Worker W12 has it, and 10 more";
    refused(answer, Code::InUse, None, sentence);

    // A name that is written with an escape is the same name.
    for worker in workers {
        unassign(&mut centre, worker, spanish).expect("taken away");
    }
    let escaped: Attributes =
        serde_json::from_str(r#"{"routing":{"skills":["span\u0069sh"]}}"#).expect("JSON");
    let ann = centre.worker("Ann", json!({}));
    let update = UpdateWorker { id: ann, expected_version: None, name: None, attributes: Some(escaped) };
    centre.apply(Command::UpdateWorker(update));
    let sentence = "the Skill cannot be deleted: Worker Ann has it";
    refused(delete(&mut centre, spanish), Code::InUse, None, sentence);
    unassign(&mut centre, ann, spanish).expect("taken away");
    rename(&mut centre, spanish, "castellano").expect("nobody has it");
    delete(&mut centre, spanish).expect("nobody has it");
}
