//! A commit is all or nothing, and made from the state that is stored, or not at all.

use std::task::Poll;
use std::time::Duration;

use switchyard::store::{Commit, Error, Key, Store};

use crate::database::databases;
use crate::sample::{AT, ODD_NAMES, Sample};

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
async fn keys_without_events_are_refused_from_another_state() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        sample.commit(&store).await.unwrap();
        let old = sample.state.clone();
        sample.create_task();
        sample.commit(&store).await.unwrap();

        let key = Key {
            key: "late".to_owned(),
            fingerprint: [1; 32],
            subject: String::new(),
            sequence: old.sequence,
            at: AT,
        };
        let commit = Commit {
            workspace: old.id(),
            expected_sequence: old.sequence,
            state: &old,
            entries: Vec::new(),
            keys: &[key],
        };
        let refused = store.commit(&commit).await;
        assert!(matches!(refused, Err(Error::Fenced { .. })), "{database}: {refused:?}");
        assert_eq!(store.keys(old.id(), &["late".to_owned()], AT).await.unwrap(), [], "{database}");
    }
}

#[tokio::test]
async fn a_commit_that_fails_on_its_way_leaves_nothing() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        sample.commit(&store).await.unwrap();
        let (before, workspace) = (sample.state.clone(), sample.state.id());

        // The first entry passes, the second one does not.
        sample.create_task();
        sample.add_worker(ODD_NAMES[1]);
        let end = before.sequence;
        let trap =
            format!("CREATE UNIQUE INDEX trap ON event_log (format_version) WHERE first_sequence > {end}");
        database.execute(&trap).await;
        let failed = sample.commit(&store).await;
        assert!(
            matches!(failed, Err(Error::Database { doing: "appending to the log", .. })),
            "{database}: {failed:?}"
        );

        database.execute("DROP INDEX trap").await;
        assert_eq!(store.load(workspace).await.unwrap(), before);
        // Neither is the connection left in the transaction that failed.
        sample.commit(&store).await.unwrap();
        assert_eq!(store.load(workspace).await.unwrap(), sample.state);
    }
}

/// As when the answer of the database is lost: nobody knows whether it is stored, until it is loaded.
#[tokio::test]
async fn a_commit_that_is_abandoned_is_there_completely_or_not_at_all() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        sample.commit(&store).await.unwrap();

        let mut there = [0, 0];
        for polls in 0..60 {
            let (before, workspace) = (sample.state.clone(), sample.state.id());
            sample.create_task();
            let after = sample.state.clone();
            {
                let mut commit = std::pin::pin!(sample.commit(&store));
                for _ in 0..polls {
                    if let Poll::Ready(done) = futures_util::poll!(&mut commit) {
                        done.unwrap();
                        break;
                    }
                    tokio::time::sleep(Duration::from_micros(50)).await;
                }
            }
            let loaded = store.load(workspace).await.unwrap();
            assert!(
                loaded == before || loaded == after,
                "{database}: after {polls} polls: {}",
                loaded.sequence
            );
            there[usize::from(loaded == after)] += 1;
            // What was loaded is final: nothing arrives late, and the next commit goes on from there.
            sample.resume(loaded);
            sample.add_worker("next");
            sample.commit(&store).await.unwrap();
        }
        assert!(there.iter().all(|&times| times > 0), "{database}: both happen: {there:?}");
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
                let loaded = store.load(sample.state.id()).await.unwrap();
                assert!(loaded == sample.state);
            })
        });
        for done in futures_util::future::join_all(running).await {
            done.unwrap();
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
