//! A commit is all or nothing, and made from the state that is stored, or not at all.

use switchyard::store::{Commit, Error, Store};

use crate::database::databases;
use crate::sample::{ODD_NAMES, Sample};

#[tokio::test]
async fn a_workspace_is_created_once() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let (mut first, mut second) = (Sample::new(1), Sample::new(1));
        first.commit(&store).await.unwrap();
        second.create_task();
        let refused = second.commit(&store).await;
        assert!(
            matches!(refused, Err(Error::Fenced { expected_sequence: 0, .. })),
            "{database}: {refused:?}"
        );
        assert_eq!(store.load(first.state.id()).await.unwrap(), first.state);
    }
}

#[tokio::test]
async fn a_commit_from_another_state_is_refused() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        sample.commit(&store).await.unwrap();
        sample.create_task();
        let repeated = sample.entries.clone();
        let before = sample.committed;
        sample.commit(&store).await.unwrap();

        // The same events once more, as of a writer who did not hear that they are stored.
        let commit = Commit {
            workspace: sample.state.id(),
            expected_sequence: before,
            state: &sample.state,
            entries: repeated.iter().map(Vec::as_slice).collect(),
            keys: &[],
        };
        let refused = store.commit(&commit).await;
        assert!(matches!(refused, Err(Error::Fenced { .. })), "{database}: {refused:?}");
        assert_eq!(store.load(sample.state.id()).await.unwrap(), sample.state);

        sample.create_task();
        sample.commit(&store).await.unwrap();
        assert_eq!(store.load(sample.state.id()).await.unwrap(), sample.state);
    }
}

#[tokio::test]
async fn a_commit_that_fails_on_its_way_leaves_nothing() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        sample.commit(&store).await.unwrap();
        let (before, workspace) = (sample.state.clone(), sample.state.id());

        // The log comes after the rows, and finds its place taken.
        sample.create_task();
        sample.add_worker(ODD_NAMES[1]);
        let taken = sample.state.sequence;
        let values = format!("VALUES ('{workspace}', {taken}, {taken}, 0, 1, '[]')");
        let columns = "workspace_id, last_sequence, first_sequence, at, format_version, events";
        database.execute(&format!("INSERT INTO event_log ({columns}) {values}")).await;
        let failed = sample.commit(&store).await;
        assert!(
            matches!(failed, Err(Error::Database { doing: "appending to the log", .. })),
            "{database}: {failed:?}"
        );

        database.execute(&format!("DELETE FROM event_log WHERE last_sequence = {taken}")).await;
        assert_eq!(store.load(workspace).await.unwrap(), before);
        // Neither is the connection left in the transaction that failed.
        sample.commit(&store).await.unwrap();
        assert_eq!(store.load(workspace).await.unwrap(), sample.state);
    }
}

#[tokio::test]
async fn a_commit_that_is_abandoned_leaves_nothing() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        sample.commit(&store).await.unwrap();

        for polls in 1..40 {
            let before = sample.state.sequence;
            sample.create_task();
            let entries = sample.entries.clone();
            let mut commit = Box::pin(sample.commit(&store));
            let mut finished = None;
            for _ in 0..polls {
                finished = futures_util::FutureExt::now_or_never(&mut commit);
                if finished.is_some() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(commit);
            // Whether it is there is not known; but it is there with everything, or not at all.
            let loaded = store.load(sample.state.id()).await.unwrap();
            if finished.is_some() {
                finished.unwrap().unwrap();
                assert_eq!(loaded, sample.state, "{database}: acknowledged after {polls} polls");
            } else if loaded.sequence == before {
                // As a server does: go on from what is stored.
                sample.state = loaded;
            } else {
                assert_eq!(loaded, sample.state, "{database}: {entries:?}");
                sample.committed = loaded.sequence;
            }
            sample.entries.clear();
        }
        sample.create_task();
        sample.commit(&store).await.unwrap();
        assert_eq!(store.load(sample.state.id()).await.unwrap(), sample.state);
    }
}

#[tokio::test]
async fn workspaces_commit_at_the_same_time() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let running = (1..=12).map(|tag| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut sample = Sample::new(tag);
                for _ in 0..10 {
                    sample.create_task();
                    sample.commit(&store).await.unwrap();
                }
                sample
            })
        });
        for sample in futures_util::future::join_all(running).await {
            let sample = sample.unwrap();
            assert_eq!(store.load(sample.state.id()).await.unwrap(), sample.state);
        }
    }
}

#[tokio::test]
#[should_panic(expected = "without a hole")]
async fn a_commit_with_a_hole_is_a_fault_of_the_caller() {
    let database = crate::database::TestDatabase::sqlite();
    let store = Store::open(&database.url).await.unwrap();
    let mut sample = Sample::new(1);
    sample.entries.remove(1);
    let _ = sample.commit(&store).await;
}
