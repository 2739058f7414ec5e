//! Documents that are meant to hurt.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::fixture::{Server, answer, code};

/// The document is refused with this code, and costs the server next to nothing.
async fn refused(server: &Server, document: &str, expected: &str) {
    let start = Instant::now();
    let (status, body) = server.query(document).await;
    let took = start.elapsed();
    let shown = &document[..document.len().min(80)];
    assert_eq!(status, 400, "{shown}: {body}");
    let codes: Vec<_> = body["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| error["extensions"]["code"].as_str().expect("a code"))
        .collect();
    assert!(codes.iter().all(|code| *code == expected), "{shown}: {body}");
    assert_eq!(body.get("data"), None, "{shown}");
    assert!(body.to_string().len() < 16 * 1024, "{shown}: {} bytes", body.to_string().len());
    // It takes milliseconds, but of a debug build on a busy machine; what slips through takes minutes.
    assert!(took < Duration::from_secs(5), "{shown}: {took:?}");
    println!("{took:?} for {shown}");
}

#[tokio::test]
async fn exponential_fragments_are_refused_at_once() {
    let server = Server::start().await;
    for levels in [12, 22, 29, 60] {
        let mut document = String::from("{ node { ...f0 } }");
        for level in 0..levels {
            let next = level + 1;
            write!(document, " fragment f{level} on Node {{ ...f{next} ...f{next} }}").expect("memory");
        }
        write!(document, " fragment f{levels} on Node {{ id }}").expect("memory");
        refused(&server, &document, "LIMIT_EXCEEDED").await;
    }
    let wide = format!(
        "{{ node {{ ...a }} }} fragment a on Node {{ {} }} fragment b on Node {{ {} }} fragment c on Node {{ {} }}",
        "...b ".repeat(1000),
        "...c ".repeat(1000),
        "id ".repeat(1000)
    );
    refused(&server, &wide, "LIMIT_EXCEEDED").await;
}

#[tokio::test]
async fn every_limit_has_its_refusal() {
    let server = Server::start().await;
    let nested = |depth: usize| format!("{{ {} id {} }}", "node { ".repeat(depth), "} ".repeat(depth));
    let cases = [
        ("too long", format!("{{ hello }} # {}", "x".repeat(32 * 1024))),
        ("too deep", nested(15)),
        ("brackets", "{a".repeat(15_000)),
        ("brackets in a value", format!("{{ text(bytes: {}", "[".repeat(30_000))),
        ("brackets behind an odd string", format!("{{ text(bytes: [\"\" {}", "[".repeat(30_000))),
        ("brackets in a type", format!("query ($a: {}", "[".repeat(30_000))),
        ("inline fragments", format!("{{ node {{ {} id {} }} }}", "... { ".repeat(40), "} ".repeat(40))),
        ("aliases", format!("{{ {} }}", (0..31).map(|n| format!("a{n}: hello ")).collect::<String>())),
        ("root fields", format!("{{ {} }}", "hello ".repeat(21))),
        ("selections", format!("{{ node {{ {} }} }}", "id ".repeat(1001))),
        ("directives", format!("{{ hello {} }}", "@skip(if: false) ".repeat(21))),
        ("arguments", format!("{{ add({}) }}", (0..21).map(|n| format!("a{n}: 1 ")).collect::<String>())),
        (
            "variables",
            format!("query ({}) {{ hello }}", (0..101).map(|n| format!("$a{n}: Int ")).collect::<String>()),
        ),
        (
            "introspection in circles",
            "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }".to_owned(),
        ),
        (
            "introspection in circles, by fragments",
            "{ __schema { types { ...a } } } fragment a on __Type { fields { type { ...b } } } \
             fragment b on __Type { possibleTypes { interfaces { name } } }"
                .to_owned(),
        ),
    ];
    for (name, document) in cases {
        println!("{name}:");
        refused(&server, &document, "LIMIT_EXCEEDED").await;
    }
    let (status, body) = server.query(&nested(14)).await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn what_is_wrong_with_a_document_is_the_clients_to_mend() {
    let server = Server::start().await;
    let cases = [
        "",
        "{",
        "{ hello",
        "{ hello \u{0} }",
        "{ \"\"\" }",
        "{ text(bytes: [\"\"\" [[[[\" [[[[ }",
        "{ nope }",
        "{ nope(a: 1) }",
        "{ hello { id } }",
        "{ node }",
        "{ __typename(a: 1) { b } nope }",
        "{ hello { nope(a: 1) } }",
        "{ hello @nope(if: true) }",
        "{ hello @skip }",
        "{ hello @skip(if: 1) }",
        "{ ...nope }",
        "{ ...a } fragment a on Query { ...a }",
        "{ ...a } fragment a on Query { ...b } fragment b on Query { node { ...c } } fragment c on Node { ...b }",
        "{ ...a } fragment a on Nope { hello }",
        "{ ...a } fragment a on Colour { hello }",
        "{ hello } fragment a on Query { hello }",
        "{ hello } { hello }",
        "query a { hello } query a { hello }",
        "query a { hello } query b { hello }",
        "fragment a on Query { hello }",
        "query ($a: Nope) { hello }",
        "query ($a: [Nope!] = [1]) { hello }",
        "query ($a: [[Nope]] = [[1]]) { hello }",
        "query ($a: Node = {id: 1}) { hello }",
        "query ($a: Colour = BLUE) { paint(with: [], colours: [$a]) }",
        "query ($a: Int = \"x\") { add(a: $a) }",
        "query ($a: Int!) { add(a: $a) }",
        "query ($a: Int, $a: Int) { add(a: $a) }",
        "{ add }",
        "{ add(a: \"x\") }",
        "{ add(a: 99999999999) }",
        "{ add(a: $nope) }",
        "{ add(a: 1, a: 2) }",
        "{ add(a: 1) add(a: 2) }",
        "{ paint(with: [{colour: RED, nope: 1}]) }",
        "{ paint(with: {colour: BLUE}) }",
        "{ paint(with: {}) }",
        "{ paint(with: 1) }",
        "subscription { held }",
        "subscription { held count(to: 1) }",
        "subscription { ...a } fragment a on Subscription { held }",
        "subscription { __typename }",
        "mutation { hello }",
        "schema { query: Query }",
    ];
    for document in cases {
        let (status, body) = server.query(document).await;
        let errors = body["errors"].as_array().unwrap_or_else(|| panic!("{document}: no errors: {body}"));
        for error in errors {
            assert_eq!(error["extensions"], json!({ "code": "BAD_USER_INPUT" }), "{document}: {body}");
            assert!(!error["message"].as_str().expect("a message").contains('\n'), "{document}: {body}");
        }
        let executed = body.get("data").is_some();
        assert_eq!(status, if executed { 200 } else { 400 }, "{document}: {body}");
        // The engine finds these two only while it executes.
        let late = ["{ add(a: 99999999999) }", "{ paint(with: 1) }"];
        assert_eq!(executed, late.contains(&document), "{document}: {body}");
    }
}

#[tokio::test]
async fn variables_are_checked_before_anything_is_executed() {
    let server = Server::start().await;
    let send = |query: &str, variables: Value| {
        answer(server.post(&json!({ "query": query, "variables": variables })))
    };
    let add = "query ($a: Int!, $b: Int) { add(a: $a, b: $b) }";
    let wrong = [
        json!({}),
        json!({ "a": null }),
        json!({ "a": "1" }),
        json!({ "a": 1.5 }),
        json!({ "a": 3_000_000_000_u64 }),
        json!({ "a": [1] }),
        json!({ "a": { "b": 1 } }),
        json!({ "a": 1, "b": true }),
    ];
    for variables in wrong {
        let (status, body) = send(add, variables.clone()).await;
        assert_eq!((status, code(&body)), (400, "BAD_USER_INPUT"), "{variables}: {body}");
        assert_eq!(body.get("data"), None, "{variables}");
    }
    let paint = "query ($with: [Paint!]!, $colours: [Colour!]) { paint(with: $with, colours: $colours) }";
    for variables in [
        json!({ "with": [{ "colour": "BLUE" }] }),
        json!({ "with": [{}] }),
        json!({ "with": [{ "colour": "RED", "nope": 1 }] }),
        json!({ "with": [null] }),
        json!({ "with": [], "colours": ["BLUE"] }),
        json!({ "with": [], "colours": [[]] }),
    ] {
        let (status, body) = send(paint, variables.clone()).await;
        assert_eq!((status, code(&body)), (400, "BAD_USER_INPUT"), "{variables}: {body}");
    }
    let (_, body) = send(add, json!({ "a": 1, "b": null, "unknown": {} })).await;
    assert_eq!(body, json!({ "data": { "add": 1 } }));
    let (_, body) =
        send(paint, json!({ "with": { "colour": "RED", "layers": 2 }, "colours": ["GREEN"] })).await;
    assert_eq!(body, json!({ "data": { "paint": 3 } }));
    let (_, body) = send("query ($c: [Colour!] = [RED]) { paint(with: [], colours: $c) }", json!({})).await;
    assert_eq!(body, json!({ "data": { "paint": 1 } }));
}

/// Fields that conflict are reported pair by pair, and the engine's messages repeat what they object to.
#[tokio::test]
async fn thousands_of_faults_make_a_short_answer() {
    let server = Server::start().await;
    let arguments: String = (0..20).map(|n| format!("a{n}: 1 ")).collect();
    refused(&server, &format!("{{ node {{ id({arguments}) {} }} }}", "id ".repeat(990)), "BAD_USER_INPUT")
        .await;
    refused(&server, &format!("{{ add(a: \"{}\") }}", "x".repeat(30_000)), "BAD_USER_INPUT").await;
    refused(&server, &format!("{{ {} }}", "x".repeat(30_000)), "BAD_USER_INPUT").await;
    let unused: String = (0..100).map(|n| format!("$a{n}: Int ")).collect();
    refused(&server, &format!("query ({unused}) {{ hello }}"), "BAD_USER_INPUT").await;
}

#[tokio::test]
async fn the_introspection_of_graphiql_is_within_the_limits() {
    let server = Server::start().await;
    let (status, body) = server.query(include_str!("introspection.graphql")).await;
    assert_eq!(status, 200, "{body}");
    assert!(body.get("errors").is_none(), "{body}");
    assert_eq!(body["data"]["__schema"]["queryType"]["name"], "Query");
}

#[tokio::test]
async fn deeply_nested_json_is_no_danger() {
    let server = Server::start().await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let body = format!("{{\"query\":\"{{ hello }}\",\"variables\":{{\"a\":{nested}}}}}");
        let request = server.post(&json!({})).body(body);
        let (status, body) = answer(request).await;
        assert_eq!((status, code(&body)), (400, "BAD_USER_INPUT"), "{body}");
    }
}
