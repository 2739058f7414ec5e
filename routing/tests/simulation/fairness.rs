//! What must hold in the long run: whoever can be served is served, and offers go around.

use std::collections::{BTreeMap, BTreeSet};

use routing::command::*;
use routing::event::Actor;
use routing::ids::*;
use routing::state::{ReservationStatus, RoutingTarget};
use routing::time::Timestamp;
use routing::{Attributes, Command, Event, Limits, Router};

use crate::workload::Random;

/// I-19: where somebody who is eligible goes on finishing work, and there is an end to the Tasks that go before, each
/// Task is offered: after at most as many that were finished as there are Tasks.
#[test]
fn every_task_is_offered_in_the_end() {
    const N_TASKS: u64 = 60;
    for seed in 1..=20 {
        let mut random = Random::new(seed);
        let n_workers = 1 + random.below(3);
        let (mut router, workers) = workspace_of_workers_who_are_alike(n_workers, 1);
        let everyone = router.state().task_queue_named("Everyone").expect("in every Workspace").id;
        let tag = router.state().tag();
        for number in 0..N_TASKS {
            let Command::CreateTask(task) = create_task(TaskId::minted(router.now(), number, tag)) else {
                unreachable!("it creates a Task")
            };
            let priority = Some(random.below(3) as u32);
            let routing_target = match random.below(4) {
                0 => Some(RoutingTarget::Worker(*random.pick(&workers))),
                1 => Some(RoutingTarget::TaskQueue(everyone)),
                _ => None,
            };
            let is_for_worker = matches!(routing_target, Some(RoutingTarget::Worker(_)));
            let ignore_capacity = is_for_worker.then_some(false);
            let task = CreateTask { priority, routing_target, ignore_capacity, ..task };
            router.apply(Command::CreateTask(task), Actor::System).expect("nothing is wrong with it");
        }
        let (mut offered, mut n_finished) = (BTreeSet::new(), 0);
        loop {
            for recorded in router.take_events() {
                if let Event::ReservationCreated { task, .. } = &recorded.event {
                    offered.insert(task.id);
                }
            }
            let mut reservations = router.state().reservations.values();
            let pending = reservations.find(|offer| offer.status == ReservationStatus::Pending);
            let Some(id) = pending.map(|reservation| reservation.id) else { break };
            for command in [
                Command::AcceptReservation(AcceptReservation { id, expected_version: None }),
                Command::CompleteReservation(CompleteReservation { id, expected_version: None }),
            ] {
                router.apply(command, Actor::System).expect("nothing is wrong with it");
            }
            n_finished += 1;
        }
        let n_tasks = N_TASKS as usize;
        assert_eq!((offered.len(), n_finished), (n_tasks, n_tasks), "seed {seed}: offered, and finished");
    }
}

/// I-20: Workers who are eligible all the time, and alike, get offers that differ in number by at most 1, whatever
/// becomes of the offers; and so do they by the Task Channel.
#[test]
fn offers_rotate_among_workers_who_are_alike() {
    for seed in 1..=40 {
        let mut random = Random::new(seed);
        let n_workers = 2 + random.below(9);
        let (mut router, workers) = workspace_of_workers_who_are_alike(n_workers, 50);
        let tag = router.state().tag();
        let mut offers: BTreeMap<WorkerId, u32> = workers.iter().map(|worker| (*worker, 0)).collect();

        for number in 0..200 {
            let at = Timestamp(router.now().0 + random.below(500) as i64);
            router.tick(at);
            let waits = router.state().tasks.values().filter(|task| task.waiting().is_some()).count();
            let open = router.state().reservations.values().find(|reservation| reservation.status.is_open());
            let command = match open.map(|reservation| reservation.id) {
                // Room for everybody, always: at most as many Tasks at once as one Worker takes.
                Some(id) if waits >= 40 || random.percent(60) => match random.below(2) {
                    0 => Command::AcceptReservation(AcceptReservation { id, expected_version: None }),
                    _ => Command::CompleteReservation(CompleteReservation { id, expected_version: None }),
                },
                _ => create_task(TaskId::minted(at, number, tag)),
            };
            // Some are refused, since the status was not looked at.
            let _ = router.apply(command, Actor::System);
            for recorded in router.take_events() {
                if let Event::ReservationCreated { worker, .. } = &recorded.event {
                    *offers.get_mut(&worker.id).expect("one of them") += 1;
                }
            }
            let (least, most) = (offers.values().min(), offers.values().max());
            let (least, most) = (least.expect("somebody"), most.expect("somebody"));
            assert!(most - least <= 1, "seed {seed}: from {least} to {most} offers for {n_workers} Workers");
        }
        assert!(offers.values().sum::<u32>() > 20, "seed {seed}: there were offers");
    }
}

/// In "Everyone", each available, with room for so many on the channel `default`.
fn workspace_of_workers_who_are_alike(n_workers: usize, capacity: u32) -> (Router, Vec<WorkerId>) {
    let (now, tag) = (Timestamp(1_767_607_800_000), WorkspaceTag(7));
    let id = WorkspaceId::minted(now, 1, tag);
    let mut router = Router::found(id, "Alike".to_owned(), Limits::default(), now);
    let available = router.state().activity_named("Available").expect("in every Workspace").id;
    let task_channel = router.state().task_channel_named("default").expect("in every Workspace").id;
    let workers: Vec<WorkerId> =
        (0..n_workers).map(|number| WorkerId::minted(now, number as u64, tag)).collect();
    for worker in &workers {
        let create = Command::CreateWorker(CreateWorker {
            id: *worker,
            name: worker.to_string(),
            attributes: Attributes::empty(),
            activity: Some(available),
        });
        let widen = Command::UpdateWorkerChannel(UpdateWorkerChannel {
            worker: *worker,
            task_channel,
            expected_version: None,
            configured_capacity: Some(capacity),
            available: None,
        });
        for command in [create, widen] {
            router.apply(command, Actor::System).expect("nothing is wrong with it");
        }
    }
    router.take_events();
    (router, workers)
}

fn create_task(id: TaskId) -> Command {
    Command::CreateTask(CreateTask {
        id,
        workflow: None,
        routing_target: None,
        ignore_capacity: None,
        task_channel: TaskChannelRef::UniqueName("default".to_owned()),
        attributes: Attributes::empty(),
        priority: None,
        timeout_seconds: None,
        virtual_start_time: None,
    })
}
