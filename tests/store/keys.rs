//! Idempotency keys.

use routing::time::Timestamp;
use switchyard::store::{Key, Store};

use crate::database::databases;
use crate::sample::{ODD_NAMES, Sample};

fn key(name: &str, at: i64) -> Key {
    let mut fingerprint = [0xFF; 32];
    fingerprint[0] = 0;
    Key {
        key: name.to_owned(),
        fingerprint,
        subject: ODD_NAMES[2].to_owned(),
        sequence: 7,
        at: Timestamp(at),
    }
}

#[tokio::test]
async fn keys_are_found_until_they_are_too_old() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let (mut sample, mut other) = (Sample::new(1), Sample::new(2));
        let keys: Vec<Key> = (0..2_500).map(|n| key(&format!("{}{n}", ODD_NAMES[1]), n)).collect();
        sample.commit_with_keys(&store, &keys).await.unwrap();
        other.commit(&store).await.unwrap();

        let mut wanted: Vec<String> = keys.iter().map(|key| key.key.clone()).collect();
        wanted.push("never used".to_owned());
        let mut found = store.keys(sample.state.id(), &wanted, Timestamp(10)).await.unwrap();
        found.sort_by_key(|key| key.at);
        assert_eq!(found, keys[10..]);
        assert_eq!(store.keys(sample.state.id(), &[], Timestamp(0)).await.unwrap(), []);
        assert_eq!(store.keys(other.state.id(), &wanted, Timestamp(0)).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_key_is_remembered_also_when_nothing_changed_and_an_old_one_is_replaced() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        sample.commit(&store).await.unwrap();

        let workspace = sample.state.id();
        for used in [key("k", 1), Key { subject: "another".to_owned(), ..key("k", 2) }] {
            sample.commit_with_keys(&store, std::slice::from_ref(&used)).await.unwrap();
            assert_eq!(store.keys(workspace, &["k".to_owned()], Timestamp(0)).await.unwrap(), [used]);
        }
        assert_eq!(store.load(workspace).await.unwrap(), sample.state);
    }
}

#[tokio::test]
async fn old_keys_are_forgotten_a_few_at_a_time() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        let keys: Vec<Key> = (0..10).map(|n| key(&n.to_string(), n)).collect();
        sample.commit_with_keys(&store, &keys).await.unwrap();

        let mut forgotten = Vec::new();
        for _ in 0..3 {
            forgotten.push(store.forget_keys(Timestamp(7), 5).await.unwrap());
        }
        assert_eq!(forgotten, [5, 2, 0], "{database}");
        let wanted: Vec<String> = keys.iter().map(|key| key.key.clone()).collect();
        let mut found = store.keys(sample.state.id(), &wanted, Timestamp(0)).await.unwrap();
        found.sort_by_key(|key| key.at);
        assert_eq!(found, keys[7..]);
    }
}
