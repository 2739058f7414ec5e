//! One execution for all who follow the same, and for nobody else.

use std::{sync::atomic::Ordering, time::Duration};

use serde_json::{Value, json};

use crate::fixture::{Server, Socket, until, within};

const FEED: &str =
    "subscription ($after: Int, $shape: Shape) { feed(after: $after, shape: $shape) { position } }";

/// A socket that follows the feed.
async fn follower(server: &Server, token: &str, variables: Value) -> Socket {
    let mut socket = Socket::admitted_with(server, token).await;
    follow(&mut socket, FEED, variables).await;
    socket
}

async fn follow(socket: &mut Socket, query: &str, variables: Value) {
    let payload = json!({ "query": query, "variables": variables });
    socket.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
}

/// The next item.
async fn item(socket: &mut Socket) -> Value {
    let mut message = socket.receive().await;
    assert_eq!(message["type"], "next", "{message}");
    message["payload"]["data"]["feed"].take()
}

/// Exactly these positions come next.
async fn expect(socket: &mut Socket, positions: impl IntoIterator<Item = u64>) {
    for position in positions {
        assert_eq!(item(socket).await["position"], position);
    }
}

/// So that what is written meets readers at every stage of coming and going.
async fn let_others_go_on() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// Waits until `begun` executions have begun, of which `alive` are left.
async fn executions(server: &Server, begun: usize, alive: i32) {
    let feed = &server.gate.feed;
    let holds = || (feed.begun.load(Ordering::Relaxed), feed.alive.load(Ordering::Relaxed)) == (begun, alive);
    let found = || (feed.begun.load(Ordering::Relaxed), feed.alive.load(Ordering::Relaxed));
    let waiting = tokio::time::timeout(Duration::from_secs(10), until("executions", holds)).await;
    assert!(waiting.is_ok(), "expected {:?} executions, found {:?}", (begun, alive), found());
}

#[tokio::test]
async fn an_event_is_resolved_once_however_many_follow() {
    let server = Server::start().await;
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(follower(&server, "Bearer good", json!({})).await);
    }
    // Each begins with its own, and the first starts the one that is left.
    executions(&server, 21, 1).await;
    server.gate.feed.append(3);
    server.gate.feed.append(2);
    for socket in &mut sockets {
        expect(socket, 1..=5).await;
    }
    assert_eq!(server.gate.feed.resolved.load(Ordering::Relaxed), 5);

    drop(sockets);
    executions(&server, 21, 0).await;
    until("nothing is left", || server.connections.is_empty()).await;
}

#[tokio::test]
async fn who_shares_nothing_is_executed_alone() {
    let server = Server::start().await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(follower(&server, "Bearer alone", json!({})).await);
    }
    executions(&server, 3, 3).await;
    server.gate.feed.append(2);
    for socket in &mut sockets {
        expect(socket, 1..=2).await;
    }
    assert_eq!(server.gate.feed.resolved.load(Ordering::Relaxed), 6);
}

#[tokio::test]
async fn each_begins_where_it_wishes() {
    let server = Server::start().await;
    let feed = &server.gate.feed;
    let mut first = follower(&server, "Bearer good", json!({})).await;
    executions(&server, 2, 1).await;
    feed.append(300);
    expect(&mut first, 1..=300).await;

    // What it asks for is still there.
    let mut inside = follower(&server, "Bearer good", json!({ "after": 290 })).await;
    expect(&mut inside, 291..=300).await;
    executions(&server, 3, 1).await;
    assert_eq!(feed.resolved.load(Ordering::Relaxed), 300);

    // What it asks for is gone: it goes on alone until it has caught up.
    let mut before = follower(&server, "Bearer good", json!({ "after": 5 })).await;
    expect(&mut before, 6..=300).await;
    executions(&server, 4, 1).await;

    let mut now = follower(&server, "Bearer good", json!({ "after": 300 })).await;
    let mut ahead = follower(&server, "Bearer good", json!({ "after": 302 })).await;
    let refused = ahead.receive().await;
    assert_eq!(refused["payload"][0]["extensions"]["code"], "EVENTS_AHEAD", "{refused}");
    executions(&server, 6, 1).await;

    let resolved = feed.resolved.load(Ordering::Relaxed);
    feed.append(2);
    for socket in [&mut first, &mut inside, &mut before, &mut now] {
        expect(socket, 301..=302).await;
    }
    assert_eq!(feed.resolved.load(Ordering::Relaxed), resolved + 2);
}

#[tokio::test]
async fn who_begins_far_back_makes_nobody_wait() {
    let server = Server::start().await;
    server.gate.feed.append(5_000);
    let mut old = follower(&server, "Bearer good", json!({ "after": 0 })).await;
    executions(&server, 1, 1).await;
    let mut new = follower(&server, "Bearer good", json!({})).await;
    executions(&server, 3, 2).await;
    server.gate.feed.append(1);
    expect(&mut new, [5_001]).await;
    expect(&mut old, 1..=5_001).await;
    executions(&server, 3, 1).await;
    server.gate.feed.append(1);
    expect(&mut new, [5_002]).await;
    expect(&mut old, [5_002]).await;
}

#[tokio::test]
async fn who_is_too_slow_goes_back_to_the_log_and_misses_nothing() {
    const N: u64 = 3_000;
    let server = Server::start().await;
    let variables = json!({ "shape": { "every": 1, "bytes": 8_000 } });
    let text = "subscription ($shape: Shape) { feed(shape: $shape) { position text } }";
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let mut socket = Socket::admitted(&server).await;
        follow(&mut socket, text, variables.clone()).await;
        sockets.push(socket);
    }
    executions(&server, 4, 1).await;
    let [quick, quick_too, slow] = &mut sockets[..] else { panic!("three sockets") };
    // In pieces, so that those who read are never far behind.
    for position in (1..=N).step_by(4) {
        server.gate.feed.append(4);
        expect(quick, position..position + 4).await;
        expect(quick_too, position..position + 4).await;
    }
    assert_eq!(server.gate.feed.begun.load(Ordering::Relaxed), 4, "the slow one is held up by itself");
    expect(slow, 1..=N).await;
    assert!(server.gate.feed.begun.load(Ordering::Relaxed) > 4, "it went back to the log");
    until("all are together again", || server.gate.feed.alive.load(Ordering::Relaxed) == 1).await;
    server.gate.feed.append(1);
    for socket in [quick, quick_too, slow] {
        expect(socket, [N + 1]).await;
    }
}

#[tokio::test]
async fn many_who_come_and_go_get_every_position_once() {
    let server = Server::start().await;
    let feed = server.gate.feed.clone();
    let writing = tokio::spawn(async move {
        for n in 0..400 {
            feed.append(1 + n % 7);
            let_others_go_on().await;
        }
        *feed.length.borrow()
    });
    // Each leaves after another number of positions, so that there are always others who stay.
    let one = |n: u64| {
        let server = &server;
        async move {
            let (mut after, every) = (0, 1 + n % 2);
            // Each time a new socket, which goes on where the last one was.
            while after < 1_400 {
                let variables = json!({ "after": after, "shape": { "every": every } });
                let mut socket = follower(server, "Bearer good", variables).await;
                for _ in 0..20 + 13 * n {
                    let next = after / every * every + every;
                    assert_eq!(item(&mut socket).await["position"], next);
                    after = next;
                    if after >= 1_400 {
                        break;
                    }
                }
            }
        }
    };
    let all = (0..12).map(one);
    within("all of it", futures_util::future::join_all(all)).await;
    assert_eq!(writing.await.expect("it writes"), 1_597);
    until("nothing is left", || server.gate.feed.alive.load(Ordering::Relaxed) == 0).await;
}

#[tokio::test]
async fn others_go_on_when_the_first_one_leaves_or_its_token_expires() {
    let server = Server::start().await;
    let first = follower(&server, "Bearer good", json!({})).await;
    executions(&server, 2, 1).await;
    let mut second = follower(&server, "Bearer for 400", json!({})).await;
    let mut third = follower(&server, "Bearer good", json!({})).await;
    executions(&server, 4, 1).await;
    server.gate.feed.append(1);
    expect(&mut second, [1]).await;
    drop(first);
    let error = second.receive().await;
    assert_eq!(error["payload"][0]["extensions"]["code"], "UNAUTHENTICATED", "{error}");
    assert_eq!(second.closed().await, (4403, "token expired".to_owned()));
    server.gate.feed.append(1);
    expect(&mut third, 1..=2).await;
    executions(&server, 4, 1).await;
    third.send(json!({ "type": "complete", "id": "1" })).await;
    executions(&server, 4, 0).await;
    follow(&mut third, FEED, json!({ "after": 1 })).await;
    expect(&mut third, [2]).await;
    executions(&server, 6, 1).await;
}

#[tokio::test]
async fn the_token_of_the_first_one_ends_for_the_first_one_alone() {
    let server = Server::start().await;
    let mut first = follower(&server, "Bearer for 300", json!({})).await;
    executions(&server, 2, 1).await;
    let mut second = follower(&server, "Bearer good", json!({})).await;
    executions(&server, 3, 1).await;
    assert_eq!(first.closed().await.0, 4403);
    server.gate.feed.append(1);
    expect(&mut second, [1]).await;
    executions(&server, 3, 1).await;
}

#[tokio::test]
async fn what_differs_is_not_mixed() {
    let server = Server::start().await;
    let query = "subscription ($every: Int!) { feed(shape: { every: $every }) { position audience } }";
    let aliased = "subscription ($every: Int!) { feed(shape: { every: $every }) { position a: audience } }";
    let mut sockets = Vec::new();
    let cases = [
        ("Bearer audience 1", query, 1, json!(1)),
        ("Bearer audience 2", query, 1, json!(2)),
        ("Bearer audience 1", query, 2, json!(1)),
        ("Bearer audience 1", aliased, 1, json!(null)),
        ("Bearer alone", query, 1, json!(null)),
    ];
    for (token, query, every, audience) in cases {
        for _ in 0..2 {
            let mut socket = Socket::admitted_with(&server, token).await;
            follow(&mut socket, query, json!({ "every": every })).await;
            sockets.push((socket, every, audience.clone()));
        }
    }
    // Four groups, with two own executions each before; and the two who share nothing.
    executions(&server, 14, 6).await;
    server.gate.feed.append(4);
    for (socket, every, audience) in &mut sockets {
        for position in (1..=4).filter(|position| position % *every == 0) {
            let item = item(socket).await;
            assert_eq!((&item["position"], &item["audience"]), (&json!(position), &*audience));
        }
    }
    assert_eq!(server.gate.feed.resolved.load(Ordering::Relaxed), 3 * 4 + 2 + 2 * 4);
}

#[tokio::test]
async fn what_ends_the_execution_ends_it_for_each() {
    for (variables, expected) in [
        (json!({ "shape": { "every": 1, "failsAt": 3 } }), "EVENTS_EXPIRED"),
        (json!({ "shape": { "every": 1, "panicsAt": 3 } }), "INTERNAL"),
    ] {
        let server = Server::start().await;
        let mut sockets = Vec::new();
        for _ in 0..3 {
            sockets.push(follower(&server, "Bearer good", variables.clone()).await);
        }
        executions(&server, 4, 1).await;
        server.gate.feed.append(5);
        for socket in &mut sockets {
            expect(socket, 1..=2).await;
            let error = socket.receive().await;
            assert_eq!(error["type"], "error", "{error}");
            assert_eq!(error["payload"][0]["extensions"]["code"], expected, "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        executions(&server, 4, 0).await;
        // The id is free, the socket goes on, and the next execution is another one.
        for socket in &mut sockets {
            follow(socket, FEED, json!({ "after": 3, "shape": variables["shape"] })).await;
            expect(socket, 4..=5).await;
        }
        executions(&server, 8, 1).await;
    }
}

#[tokio::test]
async fn a_shutdown_ends_all() {
    let server = Server::start().await;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(follower(&server, "Bearer good", json!({})).await);
    }
    executions(&server, 6, 1).await;
    server.shutdown.cancel();
    for socket in &mut sockets {
        assert_eq!(socket.closed().await.0, 1001);
    }
    executions(&server, 6, 0).await;
}

// ── What is alike: one execution, each message for one ───────────────────────────────────────────────────

const LETTERS: &str = "subscription ($to: String!, $after: Int, $names: String!, $bytes: Int, $panicsAt: Int) \
    { letters(to: $to, after: $after, names: $names, bytes: $bytes, panicsAt: $panicsAt) { position reader text } }";

/// A socket on which somebody follows their letters.
async fn addressee(server: &Server, to: char, mut variables: Value) -> Socket {
    let mut socket = Socket::admitted_with(server, &format!("Bearer letters {to}")).await;
    variables["to"] = to.to_string().into();
    follow(&mut socket, LETTERS, variables).await;
    socket
}

/// The letters at exactly these positions come next, read by whom they are for.
async fn expect_letters(socket: &mut Socket, to: char, positions: impl IntoIterator<Item = u64>) {
    for position in positions {
        let message = socket.receive().await;
        let letter = &message["payload"]["data"]["letters"];
        assert_eq!((&letter["position"], &letter["reader"]), (&json!(position), &json!(to)), "{message}");
    }
}

/// The positions after `after` up to `until` that are for the `nth` of `of`.
fn positions(nth: u64, of: u64, after: u64, until: u64) -> impl Iterator<Item = u64> {
    (after + 1..=until).filter(move |position| position % of == nth)
}

#[tokio::test]
async fn who_follow_the_like_are_served_by_one_execution_each_with_what_is_theirs() {
    let server = Server::start().await;
    let feed = &server.gate.feed;
    let mut sockets = Vec::new();
    for (nth, name) in "abcdefgh".chars().enumerate() {
        // Two have a second socket.
        for _ in 0..1 + usize::from(nth < 2) {
            let mut socket = addressee(&server, name, json!({ "names": "abcdefgh" })).await;
            expect_letters(&mut socket, name, [0]).await;
            sockets.push((socket, nth as u64, name));
        }
    }
    executions(&server, 11, 1).await;
    let begun_with = feed.resolved.load(Ordering::Relaxed);
    feed.append(20);
    feed.append(33);
    for (socket, nth, name) in &mut sockets {
        expect_letters(socket, *name, positions(*nth, 8, 0, 53)).await;
    }
    assert_eq!(feed.resolved.load(Ordering::Relaxed), begun_with + 53, "once, also for who has two sockets");
    executions(&server, 11, 1).await;

    drop(sockets);
    executions(&server, 11, 0).await;
    until("nothing is left", || server.connections.is_empty()).await;
}

#[tokio::test]
async fn what_is_resolved_for_many_knows_no_caller_but_the_addressee() {
    let server = Server::start().await;
    let query = "subscription ($to: String!) { letters(to: $to, names: \"a\") { position reader caller } }";
    let mut socket = Socket::admitted_with(&server, "Bearer letters a").await;
    follow(&mut socket, query, json!({ "to": "a" })).await;
    let first = socket.receive().await;
    assert_eq!(first["payload"]["data"]["letters"], json!({ "position": 0, "reader": "a", "caller": "a" }));
    executions(&server, 2, 1).await;
    server.gate.feed.append(1);
    let second = socket.receive().await;
    assert_eq!(second["payload"]["data"]["letters"], json!({ "position": 1, "reader": "a", "caller": null }));
}

#[tokio::test]
async fn who_says_in_another_way_whose_letters_they_want_is_executed_alone() {
    let server = Server::start().await;
    let literal = "subscription { letters(to: \"a\", names: \"ab\") { position } }";
    let twice = "subscription ($to: String!) { letters(to: $to, names: $to) { position reader } }";
    let default = "subscription ($to: String! = \"a\") { letters(to: $to, names: \"ab\") { position } }";
    let of_another = "subscription ($to: String!) { letters(to: $to, names: \"ab\") { position } }";
    for (n, (query, variables)) in
        [(literal, json!({})), (default, json!({})), (of_another, json!({ "to": "b" }))]
            .into_iter()
            .enumerate()
    {
        let mut socket = Socket::admitted_with(&server, "Bearer letters a").await;
        follow(&mut socket, query, variables).await;
        assert_eq!(socket.receive().await["type"], "next", "{query}");
        executions(&server, n + 1, 1).await;
        drop(socket);
        executions(&server, n + 1, 0).await;
    }
    // Two arguments say it: both are filled in.
    let mut sockets = Vec::new();
    for to in ["a", "b"] {
        let mut socket = Socket::admitted_with(&server, &format!("Bearer letters {to}")).await;
        follow(&mut socket, twice, json!({ "to": to })).await;
        assert_eq!(socket.receive().await["payload"]["data"]["letters"]["reader"], to);
        sockets.push(socket);
    }
    executions(&server, 6, 1).await;
}

#[tokio::test]
async fn each_goes_on_where_it_was_with_the_like() {
    let server = Server::start().await;
    let feed = &server.gate.feed;
    let names = json!({ "names": "ab" });
    let mut ann = addressee(&server, 'a', names.clone()).await;
    expect_letters(&mut ann, 'a', [0]).await;
    executions(&server, 2, 1).await;
    feed.append(300);
    expect_letters(&mut ann, 'a', positions(0, 2, 0, 300)).await;

    // Nothing of hers has gone by since; but something of his, which the one execution did not keep.
    let mut also_ann = addressee(&server, 'a', json!({ "names": "ab", "after": 300 })).await;
    executions(&server, 3, 1).await;
    let mut bo = addressee(&server, 'b', json!({ "names": "ab", "after": 290 })).await;
    expect_letters(&mut bo, 'b', positions(1, 2, 290, 300)).await;
    executions(&server, 4, 1).await;

    feed.append(5);
    expect_letters(&mut ann, 'a', positions(0, 2, 300, 305)).await;
    expect_letters(&mut also_ann, 'a', positions(0, 2, 300, 305)).await;
    expect_letters(&mut bo, 'b', positions(1, 2, 300, 305)).await;
    executions(&server, 4, 1).await;
}

#[tokio::test]
async fn who_does_not_empty_the_box_goes_back_to_the_log_and_misses_nothing() {
    const N: u64 = 2_000;
    let server = Server::start().await;
    let variables = json!({ "names": "ab", "bytes": 8_000 });
    let mut quick = addressee(&server, 'a', variables.clone()).await;
    let mut slow = addressee(&server, 'b', variables).await;
    expect_letters(&mut quick, 'a', [0]).await;
    executions(&server, 3, 1).await;
    for position in (0..N).step_by(2) {
        server.gate.feed.append(2);
        expect_letters(&mut quick, 'a', [position + 2]).await;
    }
    assert!(
        server.gate.feed.resolved.load(Ordering::Relaxed) < 2 * N as usize,
        "nothing is done for who does not read"
    );
    expect_letters(&mut slow, 'b', [0].into_iter().chain(positions(1, 2, 0, N))).await;
    assert!(server.gate.feed.begun.load(Ordering::Relaxed) > 3, "it went back to the log");
    until("both are together again", || server.gate.feed.alive.load(Ordering::Relaxed) == 1).await;
    server.gate.feed.append(2);
    expect_letters(&mut quick, 'a', [N + 2]).await;
    expect_letters(&mut slow, 'b', [N + 1]).await;
}

#[tokio::test]
async fn addressees_who_come_and_go_get_every_letter_once() {
    let server = Server::start().await;
    let feed = server.gate.feed.clone();
    let writing = tokio::spawn(async move {
        for n in 0..1_500 {
            feed.append(1 + n % 5);
            let_others_go_on().await;
        }
        *feed.length.borrow()
    });
    // Each name is followed twice, and each leaves after another number of letters.
    let one = |n: u64| {
        let server = &server;
        async move {
            let (nth, name) = (n % 6, (b'a' + (n % 6) as u8) as char);
            let mut after = 0;
            let mut expected = positions(nth, 6, 0, 3_000).peekable();
            while expected.peek().is_some() {
                let mut socket = addressee(server, name, json!({ "names": "abcdef", "after": after })).await;
                for position in expected.by_ref().take(10 + 7 * n as usize) {
                    expect_letters(&mut socket, name, [position]).await;
                    after = position;
                }
            }
        }
    };
    within("all of it", futures_util::future::join_all((0..12).map(one))).await;
    assert_eq!(writing.await.expect("it writes"), 4_500);
    until("nothing is left", || server.gate.feed.alive.load(Ordering::Relaxed) == 0).await;
}

#[tokio::test]
async fn what_goes_wrong_with_one_letter_is_the_matter_of_whom_it_is_for() {
    let server = Server::start().await;
    let variables = json!({ "names": "abc", "panicsAt": 4 });
    let mut sockets = Vec::new();
    for name in "abc".chars() {
        let mut socket = addressee(&server, name, variables.clone()).await;
        expect_letters(&mut socket, name, [0]).await;
        sockets.push(socket);
    }
    executions(&server, 4, 1).await;
    server.gate.feed.append(9);
    let [ann, bo, cy] = &mut sockets[..] else { panic!("three sockets") };
    // Position 4 is for the second.
    expect_letters(ann, 'a', [3, 6, 9]).await;
    expect_letters(cy, 'c', [2, 5, 8]).await;
    expect_letters(bo, 'b', [1]).await;
    let error = bo.receive().await;
    assert_eq!(error["payload"][0]["extensions"]["code"], "INTERNAL", "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    server.gate.feed.append(3);
    expect_letters(ann, 'a', [12]).await;
    expect_letters(cy, 'c', [11]).await;
    until("they are together again", || server.gate.feed.alive.load(Ordering::Relaxed) == 1).await;
}

#[tokio::test]
async fn an_addressee_whose_token_expires_gets_nothing_more() {
    let server = Server::start().await;
    let mut ann = addressee(&server, 'a', json!({ "names": "ab" })).await;
    expect_letters(&mut ann, 'a', [0]).await;
    let mut bo = Socket::admitted_with(&server, "Bearer letters b 400").await;
    follow(&mut bo, LETTERS, json!({ "names": "ab", "to": "b" })).await;
    expect_letters(&mut bo, 'b', [0]).await;
    executions(&server, 3, 1).await;
    server.gate.feed.append(2);
    expect_letters(&mut bo, 'b', [1]).await;
    let error = bo.receive().await;
    assert_eq!(error["payload"][0]["extensions"]["code"], "UNAUTHENTICATED", "{error}");
    assert_eq!(bo.closed().await, (4403, "token expired".to_owned()));
    server.gate.feed.append(2);
    expect_letters(&mut ann, 'a', [2, 4]).await;
    executions(&server, 3, 1).await;
}
