//! Expressions: one table of cases, the positions of errors, and a bounded walk through nonsense.

use std::borrow::Cow;

use routing::expression::{
    ChannelFacts, Error, Expression, Facts, Kind, NESTING_MAX, Path, SOURCE_CHARACTERS_MAX, TaskFacts,
    WorkerCounts, WorkerFacts,
};
use routing::warnings;
use serde_json::{Value, json};

/// One JSON object per line: an expression, what it is evaluated against, what is expected and why.
const CASES: &str = include_str!("expression-cases.jsonl");

/// Noon and 34 minutes on a Thursday: 2024-02-29T12:34:56Z.
const LEAP_DAY: i64 = 1_709_210_096_000;

#[test]
fn every_case_of_the_table_holds() {
    let cases = cases();
    assert_eq!(cases.len(), 211);
    let failures: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases fail:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

/// Compares the answer with the expected one, for the whole Task and for its projection.
fn check(case: &Case) -> Result<(), String> {
    let Case { id, kind, source, expected, why, .. } = case;
    let described =
        |found: &str| format!("case {id}, {kind:?} {source:?}: {found}, expected {expected} ({why})");
    let expression = match Expression::parse(*kind, source) {
        Err(_) if expected == "error" => return Ok(()),
        Err(error) => return Err(described(&error.to_string())),
        Ok(expression) => expression,
    };
    let answer = case.answer(&expression, TaskFacts::Document(&case.task));
    let projected = case.answer(&expression, TaskFacts::Projection(&expression.project(&case.task)));
    if Value::Bool(answer) != *expected {
        return Err(described(&format!("{answer}")));
    }
    if projected != answer {
        return Err(described(&format!("{projected} for the projection")));
    }
    Ok(())
}

#[test]
fn errors_point_at_the_place() {
    const PHRASES: [(&str, &str); 7] = [
        ("CONDITION", r#"a comparison or "(""#),
        ("OPERATOR", "an operator (==, !=, <, <=, >, >=, CONTAINS, HAS, IN, NOT IN)"),
        ("VALUE", "a value (a text in quotes, a number, true, false, null, a list or a key)"),
        ("HYPHEN", "a hyphen cannot be part of a key"),
        (
            "TIME",
            "taskrouter.currentTime, taskrouter.currentHour, taskrouter.currentMin or taskrouter.dayOfWeek",
        ),
        ("QUEUE", "a key of the Worker; the time of day is for filters and targets"),
        ("COUNT", "workers.available, workers.unavailable or workers.<Activity id>"),
    ];
    let table = [
        (Kind::Filter, "", 1, 1, "the end, expected CONDITION"),
        (Kind::Filter, " \n\t", 2, 2, "the end, expected CONDITION"),
        (Kind::Filter, "()", 1, 2, r#"")", expected CONDITION"#),
        (Kind::Filter, "vip", 1, 4, "the end, expected OPERATOR"),
        (Kind::Filter, "vip ==", 1, 7, "the end, expected VALUE"),
        (Kind::Filter, "skill-level > 3", 1, 6, r#""-", expected OPERATOR; HYPHEN"#),
        (Kind::Filter, "zone-2 > 3", 1, 5, r#""-2", expected OPERATOR; HYPHEN"#),
        (Kind::Filter, "zone -2 > 3", 1, 6, r#""-2", expected OPERATOR"#),
        (Kind::Filter, "x == tags[0]-2", 1, 13, r#""-2", expected AND, OR or the end; HYPHEN"#),
        (Kind::Queue, "a == 1 AND\n  b == 'x' c == 2", 2, 12, r#""c", expected AND, OR or the end"#),
        (Kind::Queue, "größe == 'ß' 'x'", 1, 14, "the text 'x', expected AND, OR or the end"),
        (Kind::Filter, "(a == 1", 1, 8, r#"the end, expected AND, OR or ")""#),
        (Kind::Filter, "a == 1)", 1, 7, r#"")", expected AND, OR or the end"#),
        (Kind::Filter, "a == 'open", 1, 6, "the text 'open, expected VALUE; its closing quote is missing"),
        (Kind::Filter, "a == ’x’", 1, 6, r#""’", expected VALUE; quotes are " or '"#),
        (Kind::Filter, "a == 1 && b == 2", 1, 8, r#""&&", expected AND, OR or the end; write AND"#),
        (Kind::Filter, "!(a == 1)", 1, 1, r#""!", expected CONDITION; write != or NOT IN"#),
        (Kind::Filter, "NOT a == 1", 1, 1, r#""NOT", expected CONDITION; NOT occurs in NOT IN only"#),
        (Kind::Filter, "a NOT 'x'", 1, 7, "the text 'x', expected IN behind NOT"),
        (Kind::Filter, "a NOT <- []", 1, 7, r#""<-", expected IN behind NOT"#),
        (Kind::Filter, "a === 1", 1, 5, r#""=", expected VALUE"#),
        (Kind::Filter, "a LIKE 'x%'", 1, 3, r#""LIKE", expected OPERATOR"#),
        (Kind::Filter, "a IN ['x',]", 1, 11, r#""]", expected VALUE"#),
        (Kind::Filter, "a IN ['x' 'y']", 1, 11, r#"the text 'y', expected "," or "]""#),
        (Kind::Filter, "a[-1] == 1", 1, 3, r#""-1", expected the number of an element, from 0"#),
        (Kind::Filter, "a[1.0] == 1", 1, 3, r#""1.0", expected the number of an element, from 0"#),
        (Kind::Filter, "a..b == 1", 1, 3, r#"".", expected a name behind the dot"#),
        (Kind::Filter, "a == 1e5", 1, 6, r#""1e5", expected VALUE; a key cannot begin with a digit"#),
        (Kind::Filter, "taskrouter.hour > 8", 1, 1, r#""taskrouter.hour", expected TIME"#),
        (
            Kind::Target,
            "worker.a == 1 OR level > 5",
            1,
            18,
            r#""level", expected a key that begins with task., worker. or taskrouter."#,
        ),
        (Kind::Queue, "taskrouter.currentHour > 8", 1, 1, r#""taskrouter.currentHour", expected QUEUE"#),
        (Kind::SkipIf, "1 == 1 OR task.vip == true", 1, 11, r#""task.vip", expected COUNT"#),
    ];
    for (kind, source, line, column, rest) in table {
        let rest = PHRASES.iter().fold(rest.to_owned(), |rest, (name, phrase)| rest.replace(name, phrase));
        let expected = format!("line {line}, column {column}: found {rest}");
        assert_eq!(refusal(kind, source).to_string(), expected, "for {source:?}");
    }
}

#[test]
fn errors_stay_short_and_on_one_line() {
    let error = refusal(Kind::Filter, &format!("a == 1 '{}'", "long\n".repeat(100)));
    assert_eq!(error.found, "the text 'long long long long long long long long…");
    assert_eq!((error.line, error.column), (1, 8));
}

#[test]
fn length_and_nesting_have_limits() {
    // Characters count, not bytes.
    let of_length = |length: usize| format!("'{}' == ''", "ü".repeat(length - 8));
    assert!(Expression::parse(Kind::Filter, &of_length(SOURCE_CHARACTERS_MAX)).is_ok());
    let error = refusal(Kind::Filter, &of_length(SOURCE_CHARACTERS_MAX + 1));
    assert_eq!(error.to_string(), "line 1, column 4097: found more, expected at most 4096 characters");

    let nested = |levels: usize| format!("{}1==1{}", "(".repeat(levels), ")".repeat(levels));
    assert!(is_true(Kind::Filter, &nested(NESTING_MAX), &Facts::default()));
    let error = refusal(Kind::Filter, &nested(NESTING_MAX + 1));
    let expected = "line 1, column 65: found \"(\", expected at most 64 levels of parentheses and brackets";
    assert_eq!(error.to_string(), expected);
    assert_eq!(refusal(Kind::Filter, &"[".repeat(4000)).column, 65);

    // Neither a long chain nor a long path is deep.
    let chain = vec!["1=1"; SOURCE_CHARACTERS_MAX / 8].join(" AND ");
    assert!(is_true(Kind::Filter, &chain, &Facts::default()));
    assert!(is_true(Kind::Filter, &format!("{}a == null", "a.".repeat(2000)), &Facts::default()));

    let digits = "9".repeat(400);
    let error = refusal(Kind::Filter, &format!("a == {digits}"));
    assert_eq!((error.column, error.expected.as_str()), (6, "a number with fewer digits"));
    // As an attribute it is just more than every constant.
    let task = json!({ "a": digits });
    assert!(is_true(Kind::Filter, "a > 5", &of_task(&task)));
}

#[test]
fn keys_name_what_their_place_allows() {
    let table = [
        (Kind::Filter, "a.b[1].c == null", true),
        (Kind::Filter, "worker.a == null", true), // an attribute of the Task that happens to have this name
        (Kind::Filter, "task == null", true),
        (Kind::Filter, "taskrouter.dayOfWeek == 'Thu'", true),
        (Kind::Filter, "taskrouter.dayOfWeek.x == null", false),
        (Kind::Filter, "a.988ENsk.in.NULL == null", true),
        (Kind::Filter, "größe_$1 [ 0 ] . b == null", true),
        (Kind::Filter, "988ENsk == null", false),
        (Kind::Filter, "in == null", false),
        (Kind::Target, "task.a == worker.a", true),
        (Kind::Target, "task[0] == 1", false),
        (Kind::Target, "worker == null", false),
        (Kind::Target, "Task.a == 1", false),
        (Kind::Target, "workers.available == 1", false),
        (Kind::Target, "taskrouter.currentTime >= 0930", true),
        (Kind::Queue, "worker.a == null AND a == null", true),
        (Kind::Queue, "taskrouter.a == null", false),
        (Kind::SkipIf, "workers.available == 0 OR workers.9a < 3 OR 1==1", true),
        (Kind::SkipIf, "workers.a.b == 0", false),
        (Kind::SkipIf, "workers == 0", false),
        (Kind::SkipIf, "available == 0", false),
        (Kind::SkipIf, "taskrouter.currentHour > 8", false),
    ];
    for (kind, source, allowed) in table {
        assert_eq!(Expression::parse(kind, source).is_ok(), allowed, "{kind:?} {source:?}");
    }
}

#[test]
fn values_compare_as_described() {
    let task = json!({
        "big": 9_007_199_254_740_993_u64, "max": u64::MAX, "min": i64::MIN,
        "digits": "0042", "decimal": "-4.50", "dotted": "1.",
        "list": [1, "2", null, [3], {"a": 4}, true], "object": {"a": 1}, "yes": true,
    });
    let table = [
        // Integers compare exactly, also as text.
        ("big == 9007199254740993", true),
        ("big > 9007199254740992", true),
        ("big == '9007199254740993'", true),
        ("max == 18446744073709551615", true),
        ("min == -9223372036854775808", true),
        ("max > min", true),
        ("digits == 42", true),
        ("digits == 0042.0", true),
        ("digits == '42'", false),
        ("decimal == -4.5", true),
        ("decimal < -4", true),
        ("dotted == 1", false),
        ("dotted != 1", true),
        ("-0 == 0", true),
        ("'10' < '9'", true),
        ("10 < '9'", false),
        // Membership reads numbers in the same way.
        ("list HAS '1'", true),
        ("list HAS '1.0'", true),
        ("list HAS 2", true),
        ("list HAS true", true),
        ("list HAS false", false),
        ("'01' IN [1, 2]", true),
        ("list HAS 3", false),
        ("list HAS 'x'", false),
        ("'x' NOT IN [1]", true),
        ("list HAS list", false),
        ("list NOT IN list", false),
        ("object IN list", false),
        ("object NOT IN list", false),
        ("[1] IN [[1]]", false),
        // No array holds NULL.
        ("list HAS null", false),
        ("list HAS missing", false),
        ("missing IN [null]", false),
        ("missing NOT IN [null]", true),
        // With NULL, == and != test for presence, whatever the type; so do two keys.
        ("object == null", false),
        ("null != object", true),
        ("missing != object", true),
        ("object == object", false),
        ("object != object", false),
        ("missing <= null", false),
        // Booleans are equal or not, and have no order.
        ("yes == true", true),
        ("yes <= true", false),
        ("yes != 'true'", true),
        // CONTAINS is for text.
        ("digits CONTAINS '04'", true),
        ("digits CONTAINS 4", false),
        ("big CONTAINS '9'", false),
        // Keys in a list, escapes, line breaks.
        ("42 IN [missing, digits]", true),
        (r#"'a\'b' == "a'b""#, true),
        (r#"'\\' == "\x" OR '\x' == 'x'"#, true),
        ("'a\nb' != 'a b'", true),
        // The longest symbol wins.
        ("big >-6", false),
        ("big > -6", true),
        ("list >-1", true),
        ("1<-[1]", true),
    ];
    for (source, expected) in table {
        assert_eq!(is_true(Kind::Filter, source, &of_task(&task)), expected, "{source}");
    }
}

#[test]
fn prefixes_yield_to_attributes_of_their_name() {
    let outer = json!({ "type": "outer" });
    let own = json!({ "type": "outer", "task": { "type": "own" } });
    let empty = json!({ "type": "outer", "task": null });
    for (task, expected) in [(&outer, "outer"), (&own, "own"), (&empty, "")] {
        let source = format!("task.type == '{expected}' OR '{expected}' == '' AND task.type == null");
        let expression = Expression::parse(Kind::Filter, &source).unwrap();
        assert!(expression.is_true(&of_task(task)), "{source} of {task}");
        let projection = expression.project(task);
        let facts = Facts { task: TaskFacts::Projection(&projection), ..Facts::default() };
        assert!(expression.is_true(&facts), "{source} of {task}, projected");
    }

    let plain = Worker::new(json!({ "team": "a", "sid": "attribute" }), None);
    let own = Worker::new(json!({ "team": "a", "worker": { "team": "b", "sid": "own" } }), None);
    for (worker, source, expected) in [
        (&plain, "worker.team == 'a'", true),
        (&plain, "worker.sid == 'attribute' OR sid == 'attribute'", false),
        (&plain, "worker.sid == sid", true),
        (&own, "worker.team == 'b' AND team == 'a'", true),
        (&own, "worker.sid == 'own'", true),
        (&own, "sid == 'own'", false),
    ] {
        let facts = Facts { worker: Some(worker), ..Facts::default() };
        assert_eq!(is_true(Kind::Queue, source, &facts), expected, "{source}");
    }
}

#[test]
fn the_time_of_day_is_utc() {
    const MINUTE: i64 = 60_000;
    const DAY: i64 = 24 * 60 * MINUTE;
    let table = [
        (0, "taskrouter.currentTime == 0 AND taskrouter.dayOfWeek == 'Thu'", true),
        (0, "taskrouter.currentHour == '00' AND taskrouter.currentMin == '00'", true),
        (-1, "taskrouter.currentTime == 2359 AND taskrouter.dayOfWeek == 'WED'", true),
        (-7 * DAY, "taskrouter.dayOfWeek == 'Thu'", true),
        (LEAP_DAY, "taskrouter.currentTime == 1234", true),
        (LEAP_DAY, "taskrouter.dayOfWeek == 'THU' AND 'thu' IN [taskrouter.dayOfWeek]", true),
        (LEAP_DAY, "taskrouter.dayOfWeek IN ['Mon', 'THU']", true),
        (LEAP_DAY, "taskrouter.dayOfWeek NOT IN ['SAT', 'SUN']", true),
        (LEAP_DAY, "taskrouter.dayOfWeek CONTAINS 'hU' AND 'MON, THU' CONTAINS taskrouter.dayOfWeek", true),
        (LEAP_DAY, "taskrouter.dayOfWeek CONTAINS 'Thursday' OR taskrouter.dayOfWeek == 4", false),
        (9 * 60 * MINUTE, "taskrouter.currentHour > 8 AND taskrouter.currentHour < 10", true),
        (9 * 60 * MINUTE, "taskrouter.currentHour == '09' AND taskrouter.currentHour == 9", true),
        (
            9 * 60 * MINUTE + 5 * MINUTE,
            "taskrouter.currentMin == '05' AND taskrouter.currentTime == 0905",
            true,
        ),
        (DAY - 1, "taskrouter.currentTime == 2359 AND taskrouter.currentMin == '59'", true),
        (i64::MIN, "taskrouter.currentTime < 0", false),
        (i64::MAX, "taskrouter.currentTime > 2359", false),
    ];
    for (now_ms, source, expected) in table {
        let facts = Facts { now_ms, ..Facts::default() };
        assert_eq!(is_true(Kind::Target, source, &facts), expected, "{source} at {now_ms}");
    }
}

#[test]
fn the_free_capacity_is_rounded_down_and_never_negative() {
    for (configured_capacity, open, expected) in
        [(3, 0, 100), (3, 1, 66), (3, 2, 33), (3, 3, 0), (3, 4, 0), (0, 0, 0), (0, 5, 0), (u32::MAX, 1, 99)]
    {
        let facts = ChannelFacts { configured_capacity, assigned_tasks: 0, open };
        assert_eq!(facts.available_capacity_percentage(), expected, "{facts:?}");
    }
}

#[test]
fn an_expression_tells_what_it_reads() {
    let of = |kind, source: &str| {
        let expression = Expression::parse(kind, source).unwrap();
        let paths: Vec<String> = expression.task_paths().iter().map(Path::to_string).collect();
        let flags = [
            (expression.depends_on_task(), "task"),
            (expression.depends_on_worker(), "worker"),
            (expression.depends_on_activity(), "activity"),
            (expression.depends_on_load(), "load"),
            (expression.depends_on_time(), "time"),
        ];
        let flags: Vec<&str> = flags.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect();
        (paths.join(" "), flags.join(" "))
    };
    let table = [
        (Kind::Filter, "1 == 1", "", ""),
        (Kind::Filter, "b.c[0] == a OR a == 1 AND b . c [0] == task.a", "b.c[0] a task.a", "task"),
        (Kind::Filter, "[a, [b]] HAS a", "a b", "task"),
        (Kind::Target, "task.b == 1 AND task.a == task.b", "b a", "task"),
        (Kind::Target, "worker.sid == worker.friendly_name OR worker.x == 1", "", "worker"),
        (Kind::Target, "worker.activity_sid == 'x'", "", "worker activity"),
        (Kind::Target, "worker.channel.voice.assigned_tasks == 0", "", "worker load"),
        (Kind::Target, "worker.channel.voice.other == 0", "", "worker"),
        (Kind::Target, "taskrouter.currentMin == 0", "", "time"),
        (Kind::Queue, "channel.voice.assigned_tasks == 0", "", "worker"),
        (Kind::Queue, "activity_name == 'x'", "", "worker activity"),
        (Kind::SkipIf, "workers.available == 0", "", ""),
    ];
    for (kind, source, paths, flags) in table {
        assert_eq!(of(kind, source), (paths.to_owned(), flags.to_owned()), "{kind:?} {source:?}");
    }
}

#[test]
fn a_projection_holds_no_more_than_it_must() {
    let expression = Expression::parse(Kind::Filter, "a != null AND tags[1] == b AND tags HAS c").unwrap();
    let task = json!({ "a": { "much": "more" }, "tags": [1, "2", [3], { "d": 4 }, null, false], "z": 1 });
    let projection = [json!({}), json!("2"), json!(null), json!([1, "2", false]), json!(null)];
    assert_eq!(expression.project(&task), projection);
    // A projection that is too short is missing something, which is NULL.
    let facts = Facts { task: TaskFacts::Projection(&[]), ..Facts::default() };
    assert!(!expression.is_true(&facts));
}

#[test]
fn missing_facts_read_as_null() {
    let table = [
        (Kind::Filter, "a == null AND task.a == null"),
        (Kind::Target, "task.a == null AND worker.a == null AND worker.sid == null"),
        (Kind::Target, "worker.activity_name == null AND worker.channel.voice.assigned_tasks == null"),
        (Kind::SkipIf, "workers.available == null AND workers.unavailable == null AND workers.WA1 == null"),
    ];
    for (kind, source) in table {
        assert!(is_true(kind, source, &Facts::default()), "{source}");
    }
    let counts = Counts(json!({ "available": 2, "unavailable": 1, "by_activity": { "WA1": 2 } }));
    let facts = Facts { workers: Some(&counts), ..Facts::default() };
    assert!(is_true(Kind::SkipIf, "workers.WA1 == 2 AND workers.WA2 == null", &facts));
}

#[test]
fn paths_are_read_and_printed() {
    let document =
        json!({ "routing": { "levels": { "es": 3 } }, "tags": [{ "name": "x" }], "nothing": null });
    let table = [
        ("routing.levels.es", Some(json!(3))),
        ("tags[0].name", Some(json!("x"))),
        ("tags", Some(json!([{ "name": "x" }]))),
        ("nothing", Some(json!(null))),
        ("nothing.more", None),
        ("routing[0]", None),
        ("tags.0", None),
        ("tags[1]", None),
        ("tags[99999999999999999999999]", None),
    ];
    for (source, expected) in table {
        let path = Path::parse(source).unwrap();
        assert_eq!(path.find(&document), expected.as_ref(), "{source}");
        assert_eq!(Path::parse(&path.to_string()), Ok(path), "{source}");
    }
    assert_eq!(Path::parse(" a . b [ 007 ] ").unwrap().to_string(), "a.b[7]");

    let rest = |source: &str| Path::parse(source).unwrap().strip_prefix("task").map(|rest| rest.to_string());
    assert_eq!(rest("task.owner.sid"), Some("owner.sid".to_owned()));
    assert_eq!(rest("task"), None);
    assert_eq!(rest("task[0]"), None);
    assert_eq!(rest("tasks.owner"), None);

    let message = |source: &str| Path::parse(source).unwrap_err().to_string();
    assert_eq!(message(""), "line 1, column 1: found the end, expected a name");
    assert_eq!(message("a b"), r#"line 1, column 3: found "b", expected ".", "[" or the end"#);
    assert_eq!(
        message("task.skill-level"),
        r#"line 1, column 11: found "-", expected ".", "[" or the end; a hyphen cannot be part of a key"#
    );
    assert_eq!(message("a[x]"), r#"line 1, column 3: found "x", expected the number of an element, from 0"#);
}

#[test]
fn expressions_print_as_written_and_are_shared_freely() {
    fn assert_shareable<T: Clone + Send + Sync + Eq + 'static>(_: &T) {}
    let expression = Expression::parse(Kind::Queue, " skills HAS  'x'").unwrap();
    assert_shareable(&expression);
    assert_eq!(expression.to_string(), " skills HAS  'x'");
    assert_eq!(format!("{expression:?}"), r#"Queue(" skills HAS  'x'")"#);
    assert_eq!(expression.kind(), Kind::Queue);
    assert_eq!(expression, expression.clone());
    assert_ne!(expression, Expression::parse(Kind::Filter, expression.source()).unwrap());
    assert_ne!(expression, Expression::parse(Kind::Queue, "skills HAS 'x'").unwrap());
}

/// Random texts, half of them mutated cases and half soups of tokens. Nothing panics, what parses is found
/// again in its own text, and a projection answers like the Task it was made of.
///
/// `SWITCHYARD_EXPRESSION_ROUNDS` sets how many; with `--nocapture` it says how many of them were expressions.
#[test]
fn nonsense_is_refused_or_answered() {
    const ROUNDS: u64 = 200_000;
    let rounds = std::env::var("SWITCHYARD_EXPRESSION_ROUNDS").ok();
    let rounds = rounds.map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"));
    let n_threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let cases = &cases();
    let parsed: u64 = std::thread::scope(|scope| {
        let walk =
            |first: u64| (first..=rounds).step_by(n_threads as usize).map(|seed| walk(seed, cases)).sum();
        let threads: Vec<_> =
            (1..=n_threads).map(|first| scope.spawn(move || -> u64 { walk(first) })).collect();
        threads.into_iter().map(|thread| thread.join().expect("no complaint")).sum()
    });
    println!("{rounds} texts, {parsed} of them expressions, no panic");
    // A walk that is always refused at the door tests only the door.
    assert!(parsed > rounds / 20, "only {parsed} of {rounds} texts are expressions");
}

/// 1 where the text of this seed is an expression.
fn walk(seed: u64, cases: &[Case]) -> u64 {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let case = &cases[random.below(cases.len())];
    let source = if random.below(2) == 0 { mutated(&case.source, &mut random) } else { soup(&mut random) };
    let kind = [case.kind, Kind::Filter, Kind::Target, Kind::Queue, Kind::SkipIf][random.below(5)];
    match std::panic::catch_unwind(|| try_nonsense(kind, &source, case)) {
        Ok(Ok(was_parsed)) => u64::from(was_parsed),
        Ok(Err(complaint)) => panic!("seed {seed}, {kind:?} {source:?}: {complaint}"),
        Err(_) => panic!("seed {seed}, {kind:?} {source:?}: panics"),
    }
}

/// Whether the text is an expression, or what is wrong with the module.
fn try_nonsense(kind: Kind, source: &str, case: &Case) -> Result<bool, String> {
    let _ = Path::parse(source);
    let expression = match Expression::parse(kind, source) {
        Ok(expression) => expression,
        Err(error) => {
            let line =
                source.split('\n').nth(error.line as usize - 1).ok_or("the error is behind the last line")?;
            if error.column as usize > line.chars().count() + 1 {
                return Err(format!("the error is behind the end of its line: {error}"));
            }
            if error.to_string().chars().count() > 300 || error.to_string().contains('\n') {
                return Err(format!("the error is too long: {error}"));
            }
            return Ok(false);
        }
    };
    let again = Expression::parse(kind, expression.source()).map_err(|error| error.to_string())?;
    if again != expression || again.root() != expression.root() {
        return Err("its own source is another expression".into());
    }
    if warnings::of_expression(&expression).iter().any(|warning| warning.position.is_none()) {
        return Err("a warning points nowhere".into());
    }
    let projection = expression.project(&case.task);
    let whole = case.answer(&expression, TaskFacts::Document(&case.task));
    let attributes = case.worker.as_ref().map_or(&Value::Null, |worker| &worker.attributes);
    if whole && !has_an_anchor(&expression, attributes) {
        return Err("it is true for a Worker who has none of its anchors".into());
    }
    if case.answer(&expression, TaskFacts::Projection(&projection)) != whole {
        return Err(format!("the projection answers {}", !whole));
    }
    if case.answer(&expression, TaskFacts::Document(&case.task)) != whole {
        return Err("it answers twice differently".into());
    }
    Ok(true)
}

/// What `anchors` says of the Workers for whom the expression may be true.
fn has_an_anchor(expression: &Expression, attributes: &Value) -> bool {
    let Some(anchors) = expression.anchors() else { return true };
    anchors.iter().any(|anchor| match anchor.path.find(attributes) {
        Some(Value::Array(values)) => values.iter().any(|value| value.as_str() == Some(&anchor.text)),
        Some(value) => value.as_str() == Some(&anchor.text),
        None => false,
    })
}

#[test]
fn anchors_are_read_off_where_they_can_be() {
    let anchors = |source: &str| {
        let expression = Expression::parse(Kind::Queue, source).expect("an expression");
        let anchors = expression.anchors()?;
        Some(anchors.iter().map(|anchor| format!("{}={}", anchor.path, anchor.text)).collect::<Vec<_>>())
    };
    for (source, expected) in [
        ("skills HAS 'billing'", Some(vec!["skills=billing"])),
        ("'billing' IN routing.skills AND level > 3", Some(vec!["routing.skills=billing"])),
        ("team == 'north' OR team = 'south'", Some(vec!["team=north", "team=south"])),
        ("team IN ['north', 'south'] AND skills HAS 'x'", Some(vec!["skills=x"])),
        ("team IN []", Some(vec![])),
        ("worker.team == 'north'", Some(vec!["team=north", "worker.team=north"])),
        // A text that is a number equals the number, too; names and what is not equality tell nothing.
        ("level == '6'", None),
        ("friendly_name == 'ann'", None),
        ("team != 'north'", None),
        ("team NOT IN ['north']", None),
        ("skills HAS 'x' OR level > 3", None),
        ("1==1", None),
    ] {
        let expected = expected.map(|texts| texts.into_iter().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(anchors(source), expected, "{source}");
    }
}

fn soup(random: &mut Random) -> String {
    const KEYS: &str = "type wait langs nums acct.deep.n acct.tags[0] nosuch task.type task.lang task worker \
        worker.skills worker.sid worker.activity_name worker.channel.chat.assigned_tasks sid activity_sid \
        worker.channel.sms.available_capacity_percentage taskrouter.currentTime taskrouter.dayOfWeek digits \
        taskrouter.currentHour workers.available workers.WA01 [type,'de'] [[],1,nosuch]";
    const CONSTANTS: &str =
        "'x' \"de\" '' '42' true FALSE null 0 -5 12 7.50 00000000000000000000000000009 []";
    const OPERATORS: &str = "== = != < <= > >= >- <- CONTAINS has In NOT\tIN";
    const REST: &str = "AND or ( ) [ ] , . ' \" \\ NOT - \n é \u{a0}";
    // Every other soup has the order of a sentence, so that it often is one.
    let orderly = random.below(2) == 0;
    let mut soup = String::new();
    for position in 0..=random.below(24) {
        let words = match (orderly, position % 4) {
            (true, 0 | 2) => [KEYS, CONSTANTS][random.below(2)],
            (true, 1) => OPERATORS,
            (true, _) => "AND OR",
            (false, _) => [KEYS, CONSTANTS, OPERATORS, REST][random.below(4)],
        };
        let words: Vec<&str> = words.split(' ').collect();
        soup.push_str(words[random.below(words.len())]);
        if orderly || random.below(3) > 0 {
            soup.push(' ');
        }
    }
    soup
}

/// Removes, repeats, replaces or swaps a few characters.
fn mutated(source: &str, random: &mut Random) -> String {
    const REPLACEMENTS: [char; 20] = [
        '(', ')', '[', ']', '\'', '"', '\\', '.', ',', '-', '=', '!', '<', '>', '0', 'N', ' ', '\n', 'ß',
        '\u{0}',
    ];
    let mut characters: Vec<char> = source.chars().collect();
    for _ in 0..1 + random.below(4) {
        if characters.is_empty() {
            break;
        }
        let (place, other) = (random.below(characters.len()), random.below(characters.len()));
        match random.below(5) {
            0 => drop(characters.remove(place)),
            1 => characters[place] = REPLACEMENTS[random.below(REPLACEMENTS.len())],
            2 => characters.insert(place, REPLACEMENTS[random.below(REPLACEMENTS.len())]),
            3 => characters.swap(place, other),
            _ => {
                let part = characters[place.min(other)..=place.max(other)].to_vec();
                characters.extend(part);
            }
        }
    }
    characters.into_iter().collect()
}

/// Xorshift: good enough for nonsense, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

fn refusal(kind: Kind, source: &str) -> Error {
    Expression::parse(kind, source).expect_err(source)
}

fn is_true(kind: Kind, source: &str, facts: &Facts<'_>) -> bool {
    match Expression::parse(kind, source) {
        Ok(expression) => expression.is_true(facts),
        Err(error) => panic!("{source}: {error}"),
    }
}

fn of_task(task: &Value) -> Facts<'_> {
    Facts { task: TaskFacts::Document(task), ..Facts::default() }
}

struct Case {
    id: u64,
    kind: Kind,
    source: String,
    /// `true`, `false` or `"error"`.
    expected: Value,
    why: String,
    task: Value,
    worker: Option<Worker>,
    counts: Option<Counts>,
}

impl Case {
    fn answer(&self, expression: &Expression, task: TaskFacts<'_>) -> bool {
        expression.is_true(&Facts {
            task,
            worker: self.worker.as_ref().map(|worker| worker as &dyn WorkerFacts),
            workers: self.counts.as_ref().map(|counts| counts as &dyn WorkerCounts),
            now_ms: LEAP_DAY,
        })
    }
}

fn cases() -> Vec<Case> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let case = |line: &str| {
        let case: Value = serde_json::from_str(line).expect("a JSON object on every line");
        let kind = match case["kind"].as_str() {
            Some("constant" | "filter") => Kind::Filter,
            Some("target") => Kind::Target,
            Some("queue") => Kind::Queue,
            Some("skip_if") => Kind::SkipIf,
            other => panic!("no kind of expression: {other:?}"),
        };
        let present = |name: &str| case.get(name).filter(|value| !value.is_null()).cloned();
        Case {
            id: case["id"].as_u64().expect("a number"),
            kind,
            source: text(&case["expr"]),
            expected: case["expect"].clone(),
            why: text(&case["why"]),
            task: present("task").unwrap_or_else(|| json!({})),
            worker: present("worker").map(|attributes| Worker::new(attributes, present("worker_fields"))),
            counts: present("workers").map(Counts),
        }
    };
    CASES.lines().map(case).collect()
}

struct Worker {
    attributes: Value,
    /// System fields as the cases write them.
    fields: Value,
}

impl Worker {
    fn new(attributes: Value, fields: Option<Value>) -> Worker {
        let somebody = json!({
            "sid": "WK99", "friendly_name": "somebody", "activity_sid": "WA99", "activity_name": "Idle",
        });
        Worker { attributes, fields: fields.unwrap_or(somebody) }
    }

    fn field(&self, name: &str) -> &str {
        self.fields[name].as_str().expect("a text")
    }
}

impl WorkerFacts for Worker {
    fn attributes(&self) -> &Value {
        &self.attributes
    }

    fn id(&self) -> &str {
        self.field("sid")
    }

    fn name(&self) -> &str {
        self.field("friendly_name")
    }

    fn activity_id(&self) -> Cow<'_, str> {
        self.field("activity_sid").into()
    }

    fn activity_name(&self) -> &str {
        self.field("activity_name")
    }

    fn channel(&self, unique_name: &str) -> Option<ChannelFacts> {
        let channel = self.fields.get("channels")?.get(unique_name)?;
        let count =
            |name: &str| u32::try_from(channel[name].as_u64().expect("a count")).expect("a small count");
        Some(ChannelFacts {
            configured_capacity: count("configured_capacity"),
            assigned_tasks: count("accepted"),
            open: count("pending") + count("accepted") + count("wrapping"),
        })
    }
}

/// `available`, `unavailable` and `by_activity` as the cases write them.
struct Counts(Value);

impl WorkerCounts for Counts {
    fn available(&self) -> u64 {
        self.0["available"].as_u64().expect("a count")
    }

    fn unavailable(&self) -> u64 {
        self.0["unavailable"].as_u64().expect("a count")
    }

    fn in_activity(&self, activity_id: &str) -> Option<u64> {
        self.0["by_activity"].get(activity_id).and_then(Value::as_u64)
    }
}
