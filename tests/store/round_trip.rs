//! What was committed is what is loaded.

use std::sync::Arc;

use routing::Attributes;
use routing::event::Event;
use routing::ids::{Id, WorkerId};
use routing::state::task::{Ended, RoutingTarget};
use routing::state::{
    Phase, ReservationStatus, State, Task, TaskChannel, TaskOrder, TaskQueue, Worker, Workflow, Workspace,
};
use routing::time::Timestamp;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::json;
use switchyard::store::{Error, Store};

use crate::database::databases;
use crate::sample::{AT, ODD_NAMES, RESERVATION_STATUSES, Sample, cool_down, phases};

/// Loaded from whatever rows there are and the events behind them; then from rows alone.
async fn check(store: &Store, sample: &mut Sample) {
    check_loaded(store, &sample.state).await;
    sample.write_rows(store).await;
    let (_, trail) = store.load_with_trail(sample.state.id()).await.expect("it was committed");
    assert_eq!(trail.n_events(), 0, "the rows show everything");
    check_loaded(store, &sample.state).await;
}

async fn check_loaded(store: &Store, state: &State) {
    let loaded = store.load(state.id()).await.expect("it was committed");
    // A difference of two whole states is hard to read: first what is small.
    assert_eq!(loaded.sequence, state.sequence);
    assert_eq!(loaded.workspace, state.workspace);
    assert_eq!(loaded.tasks, state.tasks);
    assert_eq!(loaded.reservations, state.reservations);
    assert!(loaded == *state, "the lookups, or what is new in a State, differ");
}

#[tokio::test]
async fn every_kind_of_object_is_loaded_as_it_was_committed() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(u32::MAX);
        sample.commit(&store).await.unwrap();
        check(&store, &mut sample).await;

        let reservation = sample.id();
        let tasks: Vec<Task> = phases(reservation).into_iter().map(|phase| sample.task(phase)).collect();
        for mut task in tasks {
            task.task_queue = task.task_queue.filter(|_| task.ended().is_none());
            task.task_queue_entered_at = None;
            task.cool_downs =
                vec![cool_down(sample.worker()), cool_down(WorkerId::from_bits(u128::MAX))].into();
            sample.record(vec![Event::TaskCreated { task: Arc::new(task) }]);
        }
        let task = Arc::clone(sample.state.tasks.values().next().unwrap());
        let open = RESERVATION_STATUSES.map(|status| sample.offer(&task, status));
        let task = Task { open_reservations: open.to_vec().into(), ..(*task).clone() };
        sample.record(vec![Event::TaskUpdated { task: Arc::new(task) }]);
        sample.commit(&store).await.unwrap();
        check(&store, &mut sample).await;

        // And again by another server, which has nothing in its memory.
        store.close().await;
        let store = Store::open(&database.url).await.unwrap();
        check(&store, &mut sample).await;
    }
}

#[tokio::test]
async fn a_change_replaces_what_was_there() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        sample.create_task();
        sample.commit(&store).await.unwrap();

        let other_activity = *sample.state.activities.keys().next_back().unwrap();
        let workspace = Workspace {
            name: ODD_NAMES[1].to_owned(),
            queue_order_priority: TaskOrder::Fifo,
            timeout_activity: Some(other_activity),
            ..(*sample.state.workspace).clone()
        };
        sample.record(vec![Event::WorkspaceUpdated { workspace: Arc::new(workspace) }]);
        let queue = sample.state.task_queues.values().next().unwrap();
        let queue = TaskQueue { name: ODD_NAMES[2].to_owned(), ..(**queue).clone() };
        sample.record(vec![Event::TaskQueueUpdated { task_queue: Arc::new(queue) }]);
        let worker = sample.state.workers.values().next().unwrap();
        let worker = Worker {
            attributes: Attributes::of(&json!({"new": true})).unwrap(),
            activity: other_activity,
            last_reserved: None,
            ..(**worker).clone()
        };
        sample.record(vec![Event::WorkerAttributesUpdate { worker: Arc::new(worker) }]);
        // Several changes of one Task in one commit: the last one counts. Columns of the former phase are emptied.
        let task = Arc::clone(sample.state.tasks.values().next().unwrap());
        for phase in phases(sample.id()) {
            let task = Task { phase, task_queue: None, version: task.version + 1, ..(*task).clone() };
            sample.record(vec![Event::TaskUpdated { task: Arc::new(task) }]);
        }
        sample.commit(&store).await.unwrap();
        check(&store, &mut sample).await;
    }
}

#[tokio::test]
async fn a_skill_that_was_deleted_is_gone_and_its_name_is_free() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        let there = sample.add_skill("there", None);
        sample.commit(&store).await.unwrap();
        check(&store, &mut sample).await;

        // One that has a row, and one that comes and goes between two writings.
        sample.record(vec![Event::SkillDeleted { skill: there }]);
        let brief = sample.add_skill("THERE", None);
        sample.record(vec![Event::SkillDeleted { skill: brief }]);
        let other = sample.add_skill("there", None);
        sample.commit(&store).await.unwrap();
        check(&store, &mut sample).await;
        let loaded = store.load(sample.state.id()).await.unwrap();
        assert_eq!(loaded.skill_named("There").map(|skill| skill.id), Some(other.id));
        let rows = entity::skill::Entity::find().count(&database.connection().await).await.unwrap();
        assert_eq!(rows as usize, sample.state.skills.len());
    }
}

/// Rows are written a few at a time, so a server may end when a name stands in two of them.
#[tokio::test]
async fn a_name_that_went_from_one_to_another_is_found_whatever_rows_there_are() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        let (first, second) = (sample.add_worker("second"), sample.add_worker("first"));
        sample.commit(&store).await.unwrap();
        sample.write_rows(&store).await;
        for (worker, name) in [(&second, "third"), (&first, "first")] {
            let worker = Worker { name: name.to_owned(), ..(**worker).clone() };
            sample.record(vec![Event::WorkerUpdated { worker: Arc::new(worker) }]);
        }
        sample.commit(&store).await.unwrap();
        let sql = format!("UPDATE worker SET name = 'first' WHERE id = '{}'", first.id);
        database.execute(&sql).await;
        check_loaded(&store, &sample.state).await;
    }
}

#[tokio::test]
async fn each_workspace_is_loaded_by_itself() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut samples = [1, 2, 3].map(Sample::new);
        for sample in &mut samples {
            sample.create_task();
            sample.commit(&store).await.unwrap();
        }
        samples[1].create_task();
        samples[1].commit(&store).await.unwrap();
        for sample in &mut samples {
            check(&store, sample).await;
        }

        let expected: Vec<_> =
            samples.iter().map(|sample| (sample.state.id(), sample.state.workspace.name.clone())).collect();
        assert_eq!(store.workspaces().await.unwrap(), expected);
        let none = Sample::new(4).state.id();
        assert!(matches!(store.load(none).await, Err(Error::NoWorkspace { workspace }) if workspace == none));
    }
}

#[tokio::test]
async fn workers_are_found_by_name_without_regard_to_case_and_by_id() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let (mut sample, mut other) = (Sample::new(1), Sample::new(2));
        let stranger = other.add_worker("Stranger");
        sample.commit(&store).await.unwrap();
        other.commit(&store).await.unwrap();
        // Some are in the rows, some only in the log.
        other.write_rows(&store).await;

        let (workspace, worker) = (sample.state.id(), sample.worker());
        for name in [ODD_NAMES[0].to_owned(), ODD_NAMES[0].to_lowercase()] {
            assert_eq!(store.worker_named(workspace, &name).await.unwrap(), Some(worker), "{name}");
        }
        for name in ["Stranger", "%", "Ärger"] {
            assert_eq!(store.worker_named(workspace, name).await.unwrap(), None, "{name}");
        }
        assert!(store.worker_exists(workspace, worker).await.unwrap());
        assert!(!store.worker_exists(workspace, stranger.id).await.unwrap());
        assert!(store.worker_exists(other.state.id(), stranger.id).await.unwrap());
    }
}

#[tokio::test]
async fn a_purged_task_stays_in_the_database_but_is_not_loaded() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        let ended = |at| {
            Phase::Canceled(Ended { at: Timestamp(at), reason: Some("enough".to_owned()), reservation: None })
        };
        let long_ended = sample.add_task(ended(1));
        sample.offer(&long_ended, ReservationStatus::Rejected);
        let kept = sample.create_task();
        sample.commit(&store).await.unwrap();

        // One that ended in an earlier commit, and one that ends in the commit in which it leaves.
        let just_ended = sample.create_task();
        let task = Arc::clone(&sample.state.tasks[&just_ended]);
        sample.offer(&task, ReservationStatus::Rescinded);
        let task = Task { phase: ended(2), ..(*task).clone() };
        sample.record(vec![Event::TaskCanceled { task: Arc::new(task) }]);
        sample
            .record(vec![Event::TaskPurged { task: long_ended.id }, Event::TaskPurged { task: just_ended }]);
        let purged_at = sample.entries.last().unwrap().iter().map(|recorded| Some(recorded.at.0));
        let purged_at: Vec<Option<i64>> = purged_at.collect();
        sample.commit(&store).await.unwrap();
        check(&store, &mut sample).await;
        assert!(sample.state.tasks.keys().eq([&kept]));

        let connection = database.connection().await;
        for (task, purged_at, ended_at) in [(long_ended.id, purged_at[0], 1), (just_ended, purged_at[1], 2)] {
            let row =
                entity::task::Entity::find_by_id(task.to_string()).one(&connection).await.unwrap().unwrap();
            assert_eq!(
                (row.purged_at, row.status.as_str(), row.ended_at),
                (purged_at, "canceled", Some(ended_at))
            );
        }
        let reservations = entity::reservation::Entity::find().all(&connection).await.unwrap();
        assert_eq!(reservations.len(), 2);
        assert!(reservations.iter().all(|row| row.purged_at.is_some()));
    }
}

#[tokio::test]
async fn a_commit_may_be_larger_than_a_statement() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        for _ in 0..5_000 {
            sample.create_task();
        }
        let task = Arc::clone(sample.state.tasks.values().next().unwrap());
        for _ in 0..2_000 {
            sample.offer(&task, ReservationStatus::TimedOut);
        }
        sample.commit(&store).await.unwrap();
        check(&store, &mut sample).await;

        let tasks: Vec<Arc<Task>> = sample.state.tasks.values().cloned().collect();
        let ended = Phase::Canceled(Ended { at: AT, reason: None, reservation: None });
        let end = tasks.iter().map(|task| Task { phase: ended.clone(), ..(**task).clone() });
        sample.record(end.map(|task| Event::TaskCanceled { task: Arc::new(task) }).collect());
        let purge = tasks.iter().skip(1).map(|task| Event::TaskPurged { task: task.id });
        sample.record(purge.collect());
        sample.commit(&store).await.unwrap();
        check(&store, &mut sample).await;
        let connection = database.connection().await;
        assert_eq!(entity::task::Entity::find().count(&connection).await.unwrap(), 5_000);
    }
}

#[tokio::test]
async fn load_reads_one_moment() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        for _ in 0..500 {
            sample.create_task();
        }
        sample.commit(&store).await.unwrap();
        let workspace = sample.state.id();

        let writing = async {
            for _ in 0..50 {
                sample.create_task();
                let worker = sample.state.workers.values().next().unwrap();
                let worker = Worker { updated_at: AT, version: worker.version + 1, ..(**worker).clone() };
                sample.record(vec![Event::WorkerUpdated { worker: Arc::new(worker) }]);
                sample.commit(&store).await.unwrap();
                if sample.state.sequence.is_multiple_of(3) {
                    sample.write_rows(&store).await;
                }
            }
        };
        let reading = async {
            for _ in 0..10 {
                let state = store.load(workspace).await.unwrap();
                // Each commit adds a Task, and a version of the Worker: both are of the same commit.
                let versions = state.workers.values().next().unwrap().version as usize;
                assert_eq!(state.tasks.len(), 499 + versions);
            }
        };
        tokio::join!(writing, reading);
    }
}

/// Rows that are written while the log goes on, and a server that dies in the middle of it.
#[tokio::test]
async fn rows_may_be_newer_than_the_position_that_they_stand_for() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        let ended = Phase::Canceled(Ended { at: AT, reason: None, reservation: None });
        sample.create_task();
        sample.commit(&store).await.unwrap();
        sample.write_rows(&store).await;
        let workspace = sample.state.id();
        let rows_at = sample.state.sequence;

        // A Task that is created, ends and is purged, and one that changes; then the position is lost, the rows not.
        let task = sample.create_task();
        let task = Arc::clone(&sample.state.tasks[&task]);
        sample.offer(&task, ReservationStatus::Rescinded);
        let task = Task { phase: ended, ..(*task).clone() };
        let id = task.id;
        sample.record(vec![Event::TaskCanceled { task: Arc::new(task) }]);
        sample.record(vec![Event::TaskPurged { task: id }]);
        sample.add_worker("newer");
        sample.commit(&store).await.unwrap();
        sample.write_rows(&store).await;
        database.execute(&format!("UPDATE workspace SET sequence = {rows_at}")).await;

        let (loaded, trail) = store.load_with_trail(workspace).await.unwrap();
        assert!(loaded == sample.state, "{database}");
        assert_eq!(trail.n_events() as u64, sample.state.sequence - rows_at);
        store.write_rows(&trail).await.unwrap();
        // An older trail that comes late does not set the position back.
        let (loaded, trail) = store.load_with_trail(workspace).await.unwrap();
        assert!(loaded == sample.state && trail.n_events() == 0, "{database}");
    }
}

#[tokio::test]
async fn what_was_deleted_is_loaded_as_far_as_something_refers_to_it() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        let unused = sample.add_worker(ODD_NAMES[1]);
        let workflow = Arc::clone(&sample.state.workflows[&sample.workflow()]);
        let ended = Ended { at: AT, reason: None, reservation: None };
        let task = Task { workflow: Some(workflow.id), ..sample.task(Phase::Completed(ended)) };
        sample.record(vec![Event::TaskCreated { task: Arc::new(task.clone()) }]);
        sample.offer(&task, ReservationStatus::Completed);
        sample.commit(&store).await.unwrap();
        sample.write_rows(&store).await;

        // With rows from before the deletion, and then with rows from after it.
        let (version, deleted_at) = (9, Some(AT));
        let state = sample.state.clone();
        let channel = &state.task_channels[&task.task_channel];
        let task_channel = Arc::new(TaskChannel { version, deleted_at, ..(**channel).clone() });
        let queue = &state.task_queues[&task.task_queue.unwrap()];
        let task_queue = Arc::new(TaskQueue { version, deleted_at, ..(**queue).clone() });
        let of_task = Arc::new(Workflow { version, deleted_at, ..(*workflow).clone() });
        let offered_to = &state.workers[&state.reservations.values().next().unwrap().worker];
        let known = Arc::new(Worker { version, deleted_at, ..(**offered_to).clone() });
        let unknown = Arc::new(Worker { version, deleted_at, ..(*unused).clone() });
        sample.record(vec![
            Event::WorkerDeleted { worker: Arc::clone(&known) },
            Event::WorkerDeleted { worker: Arc::clone(&unknown) },
            Event::WorkflowDeleted { workflow: Arc::clone(&of_task) },
            Event::TaskQueueDeleted { task_queue: Arc::clone(&task_queue) },
            Event::TaskDeleted { task: Arc::new(Task { deleted_at, ..task.clone() }) },
        ]);
        assert_eq!(sample.state.worker(known.id), Some(&known));
        assert_eq!(sample.state.worker(unknown.id), None, "nothing refers to this one");
        sample.commit(&store).await.unwrap();
        let workspace = sample.state.id();
        assert!(!store.worker_exists(workspace, known.id).await.unwrap(), "by the log");
        assert_eq!(store.worker_named(workspace, &unknown.name).await.unwrap(), None);
        // The sample's Workflow leads into the deleted TaskQueue; to the store that is nothing.
        check(&store, &mut sample).await;

        assert!(!store.worker_exists(workspace, known.id).await.unwrap(), "by the rows");
        // Somebody has the name now, and loses it to nobody when the rows are older than that.
        let namesake = sample.add_worker(&known.name);
        sample.commit(&store).await.unwrap();
        check(&store, &mut sample).await;
        assert_eq!(sample.state.worker_named(&known.name).map(|worker| worker.id), Some(namesake.id));

        // When the Task leaves the memory, so does what it alone refers to.
        sample.record(vec![Event::TaskPurged { task: task.id }]);
        sample.commit(&store).await.unwrap();
        check(&store, &mut sample).await;
        assert_eq!(sample.state.workflow(of_task.id), None);
        assert_eq!(sample.state.worker(known.id), None);
        // Activities and Task Channels can be read for good.
        sample.record(vec![Event::TaskChannelDeleted { task_channel: Arc::clone(&task_channel) }]);
        sample.commit(&store).await.unwrap();
        check(&store, &mut sample).await;
        assert_eq!(sample.state.task_channel(task_channel.id), Some(&task_channel));
        assert!(!sample.state.task_channels.contains_key(&task_channel.id));
    }
}

/// A Task says for good where it was directed, also when it went elsewhere and nobody there was ever offered it.
#[tokio::test]
async fn what_was_deleted_is_loaded_where_only_a_task_was_directed_there() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        let (version, deleted_at) = (9, Some(AT));
        let queue = TaskQueue {
            id: sample.id(),
            name: "Directed".to_owned(),
            ..(*sample.state.task_queues[&sample.queue()]).clone()
        };
        sample.record(vec![Event::TaskQueueCreated { task_queue: Arc::new(queue.clone()) }]);
        let workflow = Workflow {
            id: sample.id(),
            name: "Directed".to_owned(),
            ..(*sample.state.workflows[&sample.workflow()]).clone()
        };
        sample.record(vec![Event::WorkflowCreated { workflow: Arc::new(workflow.clone()) }]);
        let worker = sample.add_worker("Directed");
        let (passed_on_to, passed_on_by) = (sample.add_worker("Asked"), sample.add_worker("Asks"));

        let targets = [
            RoutingTarget::TaskQueue(queue.id),
            RoutingTarget::Workflow(workflow.id),
            RoutingTarget::Worker(worker.id),
        ];
        let mut tasks = Vec::new();
        for target in targets {
            let ended = Phase::Canceled(Ended { at: AT, reason: None, reservation: None });
            let mut task = Task { routing_target: Some(target), ..sample.task(ended) };
            let transfer = &mut task.transfers[0];
            (transfer.to, transfer.initiator) = (RoutingTarget::Worker(passed_on_to.id), passed_on_by.id);
            tasks.push(task.id);
            sample.record(vec![Event::TaskCreated { task: Arc::new(task) }]);
        }
        sample.commit(&store).await.unwrap();
        check(&store, &mut sample).await;

        let deleted = |worker: &Worker| Arc::new(Worker { version, deleted_at, ..worker.clone() });
        sample.record(vec![
            Event::TaskQueueDeleted {
                task_queue: Arc::new(TaskQueue { version, deleted_at, ..queue.clone() }),
            },
            Event::WorkflowDeleted {
                workflow: Arc::new(Workflow { version, deleted_at, ..workflow.clone() }),
            },
            Event::WorkerDeleted { worker: deleted(&worker) },
            Event::WorkerDeleted { worker: deleted(&passed_on_to) },
            Event::WorkerDeleted { worker: deleted(&passed_on_by) },
        ]);
        sample.commit(&store).await.unwrap();
        check(&store, &mut sample).await;
        let loaded = store.load(sample.state.id()).await.unwrap();
        assert_eq!(loaded.task_queue(queue.id).map(|queue| queue.deleted_at), Some(deleted_at));
        assert_eq!(loaded.workflow(workflow.id).map(|workflow| workflow.deleted_at), Some(deleted_at));
        assert_eq!(loaded.worker(worker.id), Some(&deleted(&worker)));
        // A transfer keeps nobody: who was asked, and who asked, is kept by the Reservations.
        assert_eq!((loaded.worker(passed_on_to.id), loaded.worker(passed_on_by.id)), (None, None));

        sample.record(tasks.iter().map(|&task| Event::TaskPurged { task }).collect());
        sample.commit(&store).await.unwrap();
        check(&store, &mut sample).await;
        assert_eq!(sample.state.worker(worker.id), None);
    }
}
