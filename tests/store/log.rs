//! The log is read in order, without hole, from any position.

use routing::event::Recorded;
use switchyard::store::{Error, LogPage, Store};

use crate::database::databases;
use crate::sample::Sample;

#[tokio::test]
async fn the_log_is_read_from_any_position_in_pages_of_any_size() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        let mut other = Sample::new(2);
        let mut all: Vec<Recorded> = Vec::new();
        // Rows of one event and of several, some in the same commit.
        for _ in 0..3 {
            sample.create_task();
            sample.add_worker("one event");
            all.extend(sample.entries.iter().flatten().cloned());
            sample.commit(&store).await.unwrap();
            other.create_task();
            other.commit(&store).await.unwrap();
        }
        let (workspace, end) = (sample.state.id(), sample.state.sequence);

        for after in 0..=end + 2 {
            for limit in [0, 1, 2, 3, 7, all.len(), usize::MAX] {
                let LogPage { events, more } = store.log(workspace, after, limit).await.unwrap();
                let expected = all.iter().filter(|recorded| recorded.sequence > after).take(events.len());
                assert!(expected.eq(&events), "{database}: {limit} after {after}");
                let last = events.last().map_or(after, |last| last.sequence);
                assert_eq!(more, last < end, "{database}: {limit} after {after}");
                // Full, unless the log ends; and at most one command longer.
                assert!(events.len() >= limit || !more, "{database}: {limit} after {after}");
                assert!(events.len() < limit.saturating_add(5), "{database}: {limit} after {after}");
            }
        }

        // As a follower reads: page by page.
        let (mut read, mut after) = (Vec::new(), 0);
        loop {
            let page = store.log(workspace, after, 4).await.unwrap();
            read.extend(page.events);
            after = read.last().map_or(after, |last: &Recorded| last.sequence);
            if !page.more {
                break;
            }
        }
        assert_eq!(read, all);
        let nothing = LogPage { events: Vec::new(), more: false };
        assert_eq!(store.log(workspace, u64::MAX, usize::MAX).await.unwrap(), nothing);
    }
}

#[tokio::test]
async fn a_log_that_was_shortened_says_where_it_begins() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        sample.create_task();
        sample.commit(&store).await.unwrap();
        sample.write_rows(&store).await;
        let (workspace, end) = (sample.state.id(), sample.state.sequence);

        database.execute(&format!("DELETE FROM event_log WHERE last_sequence < {end}")).await;
        let oldest = store.log(workspace, end - 1, 10).await.unwrap().events[0].sequence;
        assert_eq!(oldest, end);
        for after in [0, end - 5] {
            let expired = store.log(workspace, after, 10).await;
            assert!(
                matches!(expired, Err(Error::LogExpired { oldest }) if oldest == end - 3),
                "{database}: {expired:?}"
            );
        }
        assert_eq!(store.load(workspace).await.unwrap(), sample.state);

        database.execute("DELETE FROM event_log").await;
        let expired = store.log(workspace, 0, 10).await;
        assert!(
            matches!(expired, Err(Error::LogExpired { oldest }) if oldest == end + 1),
            "{database}: {expired:?}"
        );
        assert_eq!(store.log(workspace, end, 10).await.unwrap(), LogPage { events: Vec::new(), more: false });
        assert_eq!(store.load(workspace).await.unwrap(), sample.state);
    }
}

#[tokio::test]
async fn a_hole_in_the_log_is_not_skipped() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        sample.create_task();
        sample.commit(&store).await.unwrap();
        let workspace = sample.state.id();

        let missing = store.log(workspace, 0, 1).await.unwrap().events.last().unwrap().sequence + 1;
        database.execute(&format!("DELETE FROM event_log WHERE first_sequence = {missing}")).await;
        for after in [0, missing - 1] {
            let hole = store.log(workspace, after, 1_000).await;
            assert!(matches!(hole, Err(Error::Corrupt(_))), "{database}: {hole:?}");
        }
        // A page that ends before it does not notice, and one that begins after it neither.
        assert!(store.log(workspace, 0, 1).await.is_ok());
        assert!(store.log(workspace, missing, 1_000).await.is_ok());
    }
}

#[tokio::test]
async fn there_is_no_log_of_a_workspace_that_does_not_exist() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let nothing = store.log(Sample::new(1).state.id(), 0, 10).await;
        assert!(matches!(nothing, Err(Error::NoWorkspace { .. })), "{database}: {nothing:?}");
    }
}
