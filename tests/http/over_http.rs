//! GraphQL over HTTP: what is wrong with a request, and how it is told.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use switchyard::http::Settings;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::fixture::{Server, answer, code, with, within};

const HELLO: &str = "{ hello }";

#[tokio::test]
async fn a_query_is_answered() {
    let server = Server::start().await;
    assert_eq!(server.query(HELLO).await, (200, json!({ "data": { "hello": "hello" } })));
    let get = server
        .client
        .get(server.url("/graphql"))
        .query(&[
            ("query", "query a { hello } query b($n: Int!) { add(a: $n) }"),
            ("operationName", "b"),
            ("variables", r#"{"n":41}"#),
            ("extensions", r#"{"minSequence":7}"#),
        ])
        .header("authorization", "Bearer good");
    assert_eq!(answer(get).await, (200, json!({ "data": { "add": 41 } })));
    let mutation = json!({ "query": "mutation { set(value: 5) }", "extensions": { "other": [] } });
    assert_eq!(answer(server.post(&mutation)).await, (200, json!({ "data": { "set": 5 } })));
}

#[tokio::test]
async fn a_request_may_ask_for_a_minimum_sequence() {
    let server = Server::start().await;
    let ask = |extensions: Value| {
        answer(server.post(&json!({ "query": "{ sequence }", "extensions": extensions })))
    };
    assert_eq!(ask(json!({ "minSequence": 42 })).await.1, json!({ "data": { "sequence": 42 } }));
    assert_eq!(ask(json!(null)).await.1, json!({ "data": { "sequence": 0 } }));
    for wrong in [json!("42"), json!(-1), json!(1.5)] {
        let (status, body) = ask(json!({ "minSequence": wrong })).await;
        assert_eq!((status, code(&body)), (400, "BAD_USER_INPUT"), "{body}");
    }
}

/// One row for each way to get a request wrong.
#[tokio::test]
async fn every_wrong_request_has_its_status_and_code() {
    struct Case(&'static str, fn(&Server) -> RequestBuilder, u16, &'static str);
    fn good(server: &Server) -> RequestBuilder {
        server.post(&json!({ "query": HELLO }))
    }
    fn get(server: &Server, query: &[(&str, &str)]) -> RequestBuilder {
        server.client.get(server.url("/graphql")).query(query).header("authorization", "Bearer good")
    }
    fn bare(server: &Server) -> RequestBuilder {
        server.client.post(server.url("/graphql"))
    }
    let cases = [
        Case("no token", |s| bare(s).json(&json!({ "query": HELLO })), 401, "UNAUTHENTICATED"),
        Case("bad token", |s| with(good(s), "authorization", b"Bearer bad"), 401, "UNAUTHENTICATED"),
        Case("expired token", |s| with(good(s), "authorization", b"Bearer expired"), 401, "UNAUTHENTICATED"),
        Case("unreadable token", |s| with(good(s), "authorization", b"Bearer \xff"), 401, "UNAUTHENTICATED"),
        Case("other method", |s| s.client.request(Method::PUT, s.url("/graphql")), 405, "BAD_USER_INPUT"),
        Case(
            "mutation by GET",
            |s| get(s, &[("query", "mutation { set(value: 1) }")]),
            405,
            "BAD_USER_INPUT",
        ),
        Case("not acceptable", |s| with(good(s), "accept", b"text/html"), 406, "BAD_USER_INPUT"),
        Case("empty content type", |s| with(good(s), "content-type", b""), 415, "BAD_USER_INPUT"),
        Case("no content type", |s| bare(s).bearer_auth("good").body("{}"), 415, "BAD_USER_INPUT"),
        Case("text/plain", |s| with(good(s), "content-type", b"text/plain"), 415, "BAD_USER_INPUT"),
        Case(
            "UTF-16",
            |s| with(good(s), "content-type", b"application/json; charset=utf-16"),
            415,
            "BAD_USER_INPUT",
        ),
        Case("empty body", |s| good(s).body(""), 400, "BAD_USER_INPUT"),
        Case("not JSON", |s| good(s).body("{\"query"), 400, "BAD_USER_INPUT"),
        Case("not UTF-8", |s| good(s).body(&b"{\"query\":\"\xff\"}"[..]), 400, "BAD_USER_INPUT"),
        Case("more than JSON", |s| good(s).body("{\"query\":\"{hello}\"} x"), 400, "BAD_USER_INPUT"),
        Case("a batch", |s| s.post(&json!([{ "query": HELLO }])), 400, "BAD_USER_INPUT"),
        Case("a list of the fields", |s| s.post(&json!([HELLO, null, null, null])), 400, "BAD_USER_INPUT"),
        Case("a string", |s| s.post(&json!(HELLO)), 400, "BAD_USER_INPUT"),
        Case("no query", |s| s.post(&json!({})), 400, "BAD_USER_INPUT"),
        Case("null query", |s| s.post(&json!({ "query": null })), 400, "BAD_USER_INPUT"),
        Case(
            "wrong variables",
            |s| s.post(&json!({ "query": HELLO, "variables": [] })),
            400,
            "BAD_USER_INPUT",
        ),
        Case("wrong name", |s| s.post(&json!({ "query": HELLO, "operationName": 1 })), 400, "BAD_USER_INPUT"),
        Case(
            "unknown name",
            |s| s.post(&json!({ "query": HELLO, "operationName": "a" })),
            400,
            "BAD_USER_INPUT",
        ),
        Case("GET without query", |s| get(s, &[("q", HELLO)]), 400, "BAD_USER_INPUT"),
        Case(
            "GET, wrong variables",
            |s| get(s, &[("query", HELLO), ("variables", "[")]),
            400,
            "BAD_USER_INPUT",
        ),
        Case("socket path without socket", |s| s.client.get(s.url("/graphql/ws")), 426, "BAD_USER_INPUT"),
    ];
    let server = Server::start().await;
    for Case(name, request, expected_status, expected_code) in cases {
        let (status, body) = answer(request(&server)).await;
        assert_eq!(status, expected_status, "{name}: {body}");
        assert_eq!(code(&body), expected_code, "{name}");
        assert_eq!(body.get("data"), None, "{name}");
    }
}

#[tokio::test]
async fn refusals_carry_the_headers_that_explain_them() {
    let server = Server::start().await;
    let header = async |request: RequestBuilder, name: &str| {
        let response = within("an answer", request.send()).await.expect("the server answers");
        response.headers().get(name).map(|value| value.to_str().expect("ASCII").to_owned())
    };
    let post = || server.client.post(server.url("/graphql"));
    assert_eq!(header(post(), "www-authenticate").await.as_deref(), Some("Bearer realm=\"switchyard\""));
    assert_eq!(
        header(post().bearer_auth("bad"), "www-authenticate").await.as_deref(),
        Some("Bearer realm=\"switchyard\", error=\"invalid_token\"")
    );
    let put = server.client.put(server.url("/graphql"));
    assert_eq!(header(put, "allow").await.as_deref(), Some("GET, POST"));
    let get = server.client.get(server.url("/graphql")).query(&[("query", "mutation { set(value: 1) }")]);
    assert_eq!(header(get.bearer_auth("good"), "allow").await.as_deref(), Some("POST"));
    let good = || server.post(&json!({ "query": HELLO }));
    assert_eq!(header(good(), "cache-control").await.as_deref(), Some("no-store"));
    assert_eq!(header(good(), "vary").await.as_deref(), Some("accept"));
}

#[tokio::test]
async fn the_answer_comes_in_the_media_type_that_the_client_prefers() {
    const GRAPHQL: &str = "application/graphql-response+json; charset=utf-8";
    const JSON: &str = "application/json; charset=utf-8";
    let cases = [
        ("*/*", 200, JSON),
        ("application/*", 200, JSON),
        ("application/json", 200, JSON),
        ("application/graphql-response+json", 400, GRAPHQL),
        ("Application/GraphQL-Response+JSON;charset=UTF-8", 400, GRAPHQL),
        ("application/graphql-response+json, application/json", 400, GRAPHQL),
        ("application/json, application/graphql-response+json", 400, GRAPHQL),
        ("application/json;q=0.9, application/graphql-response+json;q=0.8", 200, JSON),
        ("text/html, application/json;q=0.5, */*;q=0.1", 200, JSON),
        ("application/json;q=0, */*", 400, GRAPHQL),
        ("application/graphql-response+json;charset=utf-16, application/json", 200, JSON),
        ("text/html", 406, JSON),
        ("application/json;q=0", 406, JSON),
        ("application/json;q=2", 406, JSON),
        ("", 406, JSON),
    ];
    let server = Server::start().await;
    for (accept, status, content_type) in cases {
        let request = server
            .client
            .post(server.url("/graphql"))
            .bearer_auth("good")
            .header("accept", accept)
            .json(&json!({ "query": "{ nope }" }));
        let response = within("an answer", request.send()).await.expect("the server answers");
        assert_eq!(response.status().as_u16(), status, "{accept}");
        assert_eq!(response.headers()["content-type"], content_type, "{accept}");
    }
}

#[tokio::test]
async fn a_body_up_to_the_limit_is_read_and_a_larger_one_is_not() {
    let server = Server::start().await;
    let send = |bytes: usize| {
        let text = "x".repeat(bytes);
        let query = "mutation ($text: String!) { length(text: $text) }";
        answer(server.post(&json!({ "query": query, "variables": { "text": text } })))
    };
    let (status, body) = send(4 * 1024 * 1024 - 200).await;
    assert_eq!((status, body), (200, json!({ "data": { "length": 4 * 1024 * 1024 - 200 } })));
    let (status, body) = send(4 * 1024 * 1024).await;
    assert_eq!((status, code(&body)), (413, "LIMIT_EXCEEDED"));
}

#[tokio::test]
async fn an_error_of_a_field_keeps_its_code_and_the_data_beside_it() {
    let server = Server::start().await;
    let (status, body) = server.query("{ hello refuses }").await;
    assert_eq!((status, code(&body)), (200, "NOT_FOUND"));
    assert_eq!(body["data"], json!({ "hello": "hello", "refuses": null }));
    assert_eq!(body["errors"][0]["message"], "There is no such thing");
    let (status, body) = server.query("{ node { node { fails } } }").await;
    assert_eq!((status, code(&body), &body["data"]), (200, "NOT_FOUND", &json!(null)));
}

#[tokio::test]
async fn what_nobody_foresaw_is_hidden_behind_the_request_id() {
    let server = Server::start().await;
    for (query, expected_status) in
        [("{ leaks }", 200), ("{ careless }", 200), ("{ internal }", 200), ("{ hello panics }", 500)]
    {
        let request = server.post(&json!({ "query": query })).header("x-request-id", "abc-1");
        let (status, body) = answer(request).await;
        assert_eq!(status, expected_status, "{query}");
        assert_eq!(
            body["errors"][0]["extensions"],
            json!({ "code": "INTERNAL", "requestId": "abc-1" }),
            "{query}"
        );
        assert!(!body.to_string().contains("secret"), "{query}: {body}");
    }
    // Outside of any operation, too.
    let (status, body) = answer(with(server.post(&json!({})), "authorization", b"Bearer panic")).await;
    assert_eq!((status, code(&body)), (500, "INTERNAL"));
}

#[tokio::test]
async fn a_request_id_is_taken_over_if_it_can_be_logged() {
    let server = Server::start().await;
    let long = "x".repeat(65);
    for (given, kept) in [("a.b:c-d_9", true), ("", false), ("a b", false), ("a\"b", false), (&long, false)] {
        let request = server.client.get(server.url("/health/live")).header("x-request-id", given);
        let response = within("an answer", request.send()).await.expect("the server answers");
        let returned = response.headers()["x-request-id"].to_str().expect("ASCII");
        assert_eq!(returned == given, kept, "{given}: {returned}");
        assert!(!returned.is_empty());
    }
}

#[tokio::test]
async fn an_operation_that_takes_too_long_is_unavailable() {
    let settings = Settings { request_timeout: Duration::from_millis(50), ..Settings::default() };
    let server = Server::start_with(settings).await;
    let (status, body) = server.query("{ never }").await;
    assert_eq!((status, code(&body)), (503, "UNAVAILABLE"));
}

#[tokio::test]
async fn a_page_of_a_known_origin_may_call_and_others_may_not() {
    let settings =
        Settings { origins: vec!["https://desk.example".parse().expect("ASCII")], ..Settings::default() };
    let server = Server::start_with(settings).await;
    let allowed = async |origin: &str, method: Method| {
        let request = server
            .client
            .request(method, server.url("/graphql"))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type");
        let response = within("an answer", request.send()).await.expect("the server answers");
        response
            .headers()
            .get("access-control-allow-origin")
            .map(|origin| origin.to_str().expect("ASCII").to_owned())
    };
    assert_eq!(
        allowed("https://desk.example", Method::OPTIONS).await.as_deref(),
        Some("https://desk.example")
    );
    assert_eq!(allowed("https://desk.example", Method::POST).await.as_deref(), Some("https://desk.example"));
    for other in ["https://evil.example", "https://desk.example.evil", "http://desk.example", "null"] {
        assert_eq!(allowed(other, Method::OPTIONS).await, None, "{other}");
        assert_eq!(allowed(other, Method::POST).await, None, "{other}");
    }
}

#[tokio::test]
async fn half_a_head_and_half_a_body_are_not_waited_for() {
    let settings = Settings {
        head_timeout: Duration::from_millis(100),
        body_timeout: Duration::from_millis(100),
        ..Settings::default()
    };
    let server = Server::start_with(settings).await;
    let talk = async |text: &str| {
        let mut stream = TcpStream::connect(server.address).await.expect("somebody listens");
        stream.write_all(text.as_bytes()).await.expect("the connection is open");
        let mut answer = String::new();
        within("the end", stream.read_to_string(&mut answer)).await.expect("text");
        answer
    };
    let head = talk("POST /graphql HTTP/1.1\r\nhost: a\r\n").await;
    assert!(head.is_empty() || head.starts_with("HTTP/1.1 4"), "{head}");
    let body = talk(
        "POST /graphql HTTP/1.1\r\nhost: a\r\nauthorization: Bearer good\r\ncontent-type: application/json\r\n\
         content-length: 100\r\n\r\n{\"query\":",
    )
    .await;
    assert!(body.starts_with("HTTP/1.1 408"), "{body}");
}
