//! A server that is killed loses nothing that it has acknowledged, and does not stand in the way of the next one.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use switchyard::store::Store;

use crate::database::databases;
use crate::sample::Sample;

const URL: &str = "SWITCHYARD_TEST_KILLED_URL";

#[tokio::test]
async fn a_killed_server_has_lost_nothing_and_blocks_nobody() {
    for database in databases().await {
        let workspace = Sample::new(1).state.id();
        for round in 1_u64..=3 {
            let mut server = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "kill::commits_until_it_is_killed", "--ignored", "--nocapture"])
                .env(URL, &database.url)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
            let mut acknowledged = 0;
            // Wherever in a commit it may be then.
            while acknowledged < round * 40 {
                let line = lines.next().expect("the server commits on and on").unwrap();
                acknowledged =
                    line.strip_prefix("acknowledged ").map_or(acknowledged, |n| n.parse().unwrap());
            }
            server.kill().unwrap();
            server.wait().unwrap();
            // What it still said before it died counts as well.
            for line in lines.map_while(Result::ok) {
                acknowledged = line
                    .strip_prefix("acknowledged ")
                    .map_or(acknowledged, |n| n.parse().unwrap_or(acknowledged));
            }

            let store = Store::open(&database.url).await.unwrap();
            let state = store.load(workspace).await.unwrap();
            assert!(state.sequence >= acknowledged, "{database}: {} < {acknowledged}", state.sequence);
            let log = store.log(workspace, 0, usize::MAX).await.unwrap();
            assert_eq!(log.events.last().map(|last| last.sequence), Some(state.sequence));
            let mut replayed = routing::State::before(state.workspace.clone());
            for recorded in &log.events {
                replayed.evolve(recorded);
            }
            assert_eq!(replayed, state, "{database}: rows and log say the same");
            store.close().await;
        }
    }
}

/// The server of the test above, in a process of its own.
#[tokio::test]
#[ignore = "is run, and killed, by the test above"]
async fn commits_until_it_is_killed() {
    let url = std::env::var(URL).expect("the test above says where");
    let store = Store::open(&url).await.unwrap();
    let mut sample = Sample::new(1);
    match store.load(sample.state.id()).await {
        Ok(state) => sample.resume(state),
        Err(_) => sample.commit(&store).await.unwrap(),
    }
    loop {
        sample.create_task();
        sample.commit(&store).await.unwrap();
        writeln!(std::io::stdout(), "acknowledged {}", sample.committed).unwrap();
    }
}
