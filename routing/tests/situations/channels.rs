//! Task Channels that are created and changed.

use routing::command::*;
use routing::ids::*;
use routing::state::TaskStatus;
use serde_json::json;

use crate::fixture::Centre;

fn task_on(centre: &mut Centre, workflow: WorkflowId, channel: &str) -> TaskId {
    centre.task_with(workflow, json!({}), |task| {
        task.task_channel = TaskChannelRef::UniqueName(channel.to_owned());
    })
}

/// Serves a Task on the channel, and says who was asked.
fn served_by(centre: &mut Centre, workflow: WorkflowId, channel: &str) -> WorkerId {
    let task = task_on(centre, workflow, channel);
    let worker = centre.offered_to(task)[0];
    centre.serve(task, worker);
    worker
}

#[test]
fn a_new_channel_gives_everybody_room_for_one_task_by_a_single_event() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let (ann, ben) = (centre.worker("Ann", json!({})), centre.worker("Ben", json!({})));
    centre.forget();

    centre.create_channel("mail");
    assert_eq!(centre.events(), ["task-channel.created"]);
    for worker in [ann, ben] {
        let channel = centre.the_channel(worker, "mail");
        assert_eq!((channel.configured_capacity, channel.available, channel.version), (1, true, 1));
    }
    let (first, second, third) = (
        task_on(&mut centre, workflow, "mail"),
        task_on(&mut centre, workflow, "mail"),
        task_on(&mut centre, workflow, "mail"),
    );
    assert_eq!((centre.offered_to(first), centre.offered_to(second)), (vec![ann], vec![ben]));
    assert_eq!(centre.status(third), TaskStatus::Pending, "both are busy with mail");

    centre.set_capacity(ann, "mail", 2);
    assert_eq!(centre.offered_to(third), [ann]);
    let channel = centre.the_channel(ann, "mail");
    assert_eq!((channel.open(), channel.version), (2, 2));
    let late = centre.worker("Late", json!({}));
    assert_eq!(centre.the_channel(late, "mail").configured_capacity, 1);
}

#[test]
fn a_step_that_names_a_channel_before_it_is_there_suits_when_it_comes() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let expression = "worker.channel.mail.available_capacity_percentage == 100";
    let workflow = centre.steps(json!([{ "queue": queue, "expression": expression }]));
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    assert_eq!(centre.status(task), TaskStatus::Pending, "what is not there is NULL");

    centre.create_channel("mail");
    assert_eq!(centre.offered_to(task), [ann]);
}

#[test]
fn switching_the_circle_of_a_channel_changes_whose_turn_it_is_and_back() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let (ann, ben) = (centre.worker("Ann", json!({})), centre.worker("Ben", json!({})));
    assert_eq!(served_by(&mut centre, workflow, "chat"), ann);
    assert_eq!(served_by(&mut centre, workflow, "voice"), ben);
    assert_eq!(served_by(&mut centre, workflow, "voice"), ann);
    // In the common circle it is Ben's turn; on chat, too, since Ben has had none there.
    centre.optimize_channel("chat", true);
    assert_eq!(served_by(&mut centre, workflow, "chat"), ben);
    // Ann had the last common one before Ben, and the last chat before Ben.
    assert_eq!(served_by(&mut centre, workflow, "voice"), ann);
    assert_eq!(served_by(&mut centre, workflow, "chat"), ann, "by chats alone");
    // In common, Ben's chat is older than both of Ann's.
    centre.optimize_channel("chat", false);
    assert_eq!(served_by(&mut centre, workflow, "chat"), ben);
}

#[test]
fn switching_the_circle_leaves_what_waits_and_what_is_offered_as_it_is() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    let (offered, waiting) = (task_on(&mut centre, workflow, "chat"), task_on(&mut centre, workflow, "chat"));
    centre.forget();
    centre.optimize_channel("chat", true);
    assert_eq!(centre.events(), ["task-channel.updated"]);
    assert_eq!((centre.offered_to(offered), centre.offered_to(waiting)), (vec![ann], vec![]));
    centre.optimize_channel("chat", true);
    assert_eq!(centre.events(), [""; 0], "it is so already");
}
