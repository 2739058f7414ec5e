//! A first end-to-end walk through the core.
use routing::command::*;
use routing::event::Actor;
use routing::ids::*;
use routing::time::Timestamp;
use routing::*;

#[test]
fn a_task_is_offered_accepted_and_completed() {
    let tag = WorkspaceTag(7);
    let now = Timestamp(1_000_000);
    let mut router = Router::found(WorkspaceId::minted(now, 1, tag), "Test".into(), Limits::default(), now);
    let worker = WorkerId::minted(now, 2, tag);
    let available = router.state().activity_named("Available").unwrap().id;
    router
        .apply(
            Command::CreateWorker(CreateWorker {
                id: worker,
                name: "Ann".into(),
                attributes: Attributes::empty(),
                activity: Some(available),
            }),
            Actor::System,
        )
        .unwrap();
    let task = TaskId::minted(now, 3, tag);
    router
        .apply(
            Command::CreateTask(CreateTask {
                id: task,
                workflow: None,
                task_channel: TaskChannelRef::UniqueName("default".into()),
                attributes: Attributes::empty(),
                priority: None,
                timeout_seconds: None,
                virtual_start_time: None,
            }),
            Actor::System,
        )
        .unwrap();
    let r = router.state().reservations_of_task(task).next().unwrap().id;
    router
        .apply(
            Command::AcceptReservation(AcceptReservation { id: r, expected_version: None }),
            Actor::Worker(worker),
        )
        .unwrap();
    router
        .apply(
            Command::CompleteReservation(CompleteReservation { id: r, expected_version: None }),
            Actor::Worker(worker),
        )
        .unwrap();
    let names: Vec<_> = router.take_events().iter().map(|e| e.event.name()).collect();
    println!("{names:?}");
    assert!(*router.index() == routing::index::Index::of(router.state(), &Limits::default(), now));
    router.tick(Timestamp(now.0 + 301_000));
    assert!(router.state().tasks.is_empty());
    let text = serde_json::to_string(&router.take_events()).unwrap();
    let back: Vec<Recorded> = serde_json::from_str(&text).unwrap();
    println!("{text} {}", back.len());
}
