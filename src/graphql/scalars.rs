//! Values that GraphQL has no type for, and ids.

use async_graphql::{ID, InputValueError, InputValueResult, Number, Scalar, ScalarType, Value};
use chrono::{DateTime as ChronoDateTime, SecondsFormat, Utc};
use routing::Attributes;
use routing::ids::Id;
use routing::state::task::{NotATarget, RoutingTarget};
use routing::time::Timestamp;

use super::error::{Error, Result};

/// An instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DateTime(pub Timestamp);

/// The years that RFC 3339 can write.
const YEARS: std::ops::RangeInclusive<i32> = 0..=9999;

/// RFC 3339 in UTC with millisecond precision, e.g. `2026-01-31T09:30:00.000Z`. Input may have another offset
/// and another precision; what is finer than a millisecond is cut off.
#[Scalar(name = "DateTime", specified_by_url = "https://datatracker.ietf.org/doc/html/rfc3339")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let instant = ChronoDateTime::parse_from_rfc3339(text)
            .map_err(|_| InputValueError::custom("expected RFC 3339, e.g. 2026-01-31T09:30:00.000Z"))?;
        Ok(DateTime(Timestamp(instant.timestamp_millis())))
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(_))
    }

    fn to_value(&self) -> Value {
        Value::String(text_of(self.0))
    }
}

/// An instant as the API writes it.
pub fn text_of(at: Timestamp) -> String {
    use chrono::Datelike;
    let instant = ChronoDateTime::<Utc>::from_timestamp_millis(at.0).filter(|at| YEARS.contains(&at.year()));
    // Deadlines are sums of instants and durations and may lie beyond; the end of time is as far as we write.
    let instant = instant.unwrap_or(if at.0 < 0 { START_OF_TIME } else { END_OF_TIME });
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}

const START_OF_TIME: ChronoDateTime<Utc> =
    ChronoDateTime::from_timestamp_millis(-62_167_219_200_000).expect("the year 0");
const END_OF_TIME: ChronoDateTime<Utc> =
    ChronoDateTime::from_timestamp_millis(253_402_300_799_999).expect("the year 9999");

impl From<Timestamp> for DateTime {
    fn from(at: Timestamp) -> DateTime {
        DateTime(at)
    }
}

/// A JSON object.
#[derive(Clone, Debug)]
pub enum JsonObject {
    /// As the core keeps it. Whatever clients send is this.
    Attributes(Attributes),
    /// Put together for an answer: always an object.
    Fields(Value),
}

/// A JSON object, such as attributes. Keys keep their order. Attributes of Workers and Tasks have at most 4,096
/// characters, counted as they are stored, without blanks between keys and values.
#[Scalar(name = "JSONObject")]
impl ScalarType for JsonObject {
    fn parse(value: Value) -> InputValueResult<Self> {
        if !matches!(value, Value::Object(_)) {
            return Err(InputValueError::expected_type(value));
        }
        let json = value.into_json().map_err(|_| InputValueError::custom("expected a JSON object"))?;
        Attributes::of(&json)
            .map(JsonObject::Attributes)
            .ok_or_else(|| InputValueError::custom("expected a JSON object"))
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::Object(_))
    }

    fn to_value(&self) -> Value {
        match self {
            JsonObject::Attributes(attributes) => value_of(attributes),
            JsonObject::Fields(fields) => fields.clone(),
        }
    }
}

impl JsonObject {
    /// The attributes that a client sent.
    pub fn into_attributes(self) -> Attributes {
        match self {
            JsonObject::Attributes(attributes) => attributes,
            JsonObject::Fields(fields) => {
                let json = fields.into_json().ok();
                json.and_then(|json| Attributes::of(&json)).unwrap_or_else(Attributes::empty)
            }
        }
    }
}

/// Attributes as the API writes them.
pub fn value_of(attributes: &Attributes) -> Value {
    serde_json::from_str(attributes.as_str()).expect("attributes are checked when they are made")
}

/// A position in a log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Sequence(pub u64);

/// Where JSON numbers stop being exact.
const SEQUENCE_END: u64 = 1 << 53;

/// A position in a Workspace's event log: 1, 2, 3, … with no hole; 0 is before the first event. A JSON integer
/// below 2^53, because `Int` ends at 2^31.
#[Scalar(name = "Sequence")]
impl ScalarType for Sequence {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::Number(number) = &value else { return Err(InputValueError::expected_type(value)) };
        match number.as_u64().filter(|number| *number < SEQUENCE_END) {
            Some(sequence) => Ok(Sequence(sequence)),
            None => Err(InputValueError::custom("expected an integer from 0 to 2^53 - 1")),
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::Number(_))
    }

    fn to_value(&self) -> Value {
        Value::Number(Number::from(self.0))
    }
}

/// The typed id that the input `field` holds.
pub fn id<I: Id>(field: &str, text: &ID) -> Result<I> {
    text.parse::<I>().map_err(|_| {
        Error::bad_input(
            field,
            format!("not an id of the kind {}: expected {} and 32 hex digits", I::KIND, I::PREFIX),
        )
    })
}

/// The typed id that the input `field` may hold.
pub fn optional_id<I: Id>(field: &str, text: Option<&ID>) -> Result<Option<I>> {
    text.map(|text| id(field, text)).transpose()
}

/// Where the input `field` sends a Task.
pub fn routing_target(field: &str, text: &ID) -> Result<RoutingTarget> {
    text.parse().map_err(|error: NotATarget| Error::bad_input(field, error.to_string()))
}

/// A count that the input `field` holds: the core counts without a sign, `Int` has one.
pub fn count(field: &str, number: i32) -> Result<u32> {
    u32::try_from(number).map_err(|_| {
        Error::bad_input(field, format!("expected a number that is not negative, found {number}"))
    })
}

/// A count that the input `field` may hold.
pub fn optional_count(field: &str, number: Option<i32>) -> Result<Option<u32>> {
    number.map(|number| count(field, number)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<i64> {
        DateTime::parse(text.into()).ok().map(|at| at.0.0)
    }

    #[test]
    fn an_instant_is_written_in_utc_with_milliseconds_and_read_with_any_offset() {
        assert_eq!(text_of(Timestamp(1_769_851_800_000)), "2026-01-31T09:30:00.000Z");
        assert_eq!(text_of(Timestamp(-1)), "1969-12-31T23:59:59.999Z");
        assert_eq!(read("2026-01-31T09:30:00.000Z"), Some(1_769_851_800_000));
        assert_eq!(read("2026-01-31T11:30:00.0009+02:00"), Some(1_769_851_800_000));
        assert_eq!(read("2026-01-31"), None);
        assert_eq!(read("2026-01-31T09:30:00"), None);
    }

    #[test]
    fn an_instant_beyond_the_calendar_is_its_end() {
        assert_eq!(text_of(Timestamp(i64::MAX)), "9999-12-31T23:59:59.999Z");
        assert_eq!(text_of(Timestamp(i64::MIN)), "0000-01-01T00:00:00.000Z");
    }

    #[test]
    fn attributes_are_objects_and_keep_their_order() {
        let written = r#"{"b":1,"a":{"x":[1.5,"é",null]}}"#;
        let value: Value = serde_json::from_str(written).unwrap();
        let object = <JsonObject as ScalarType>::parse(value).unwrap();
        assert_eq!(serde_json::to_string(&ScalarType::to_value(&object)).unwrap(), written);
        assert_eq!(object.into_attributes().as_str(), written);
        assert!(<JsonObject as ScalarType>::parse(Value::List(Vec::new())).is_err());
    }

    #[test]
    fn a_sequence_is_an_exact_integer() {
        let read = |text: &str| <Sequence as ScalarType>::parse(serde_json::from_str(text).unwrap()).ok();
        assert_eq!(read("9007199254740991"), Some(Sequence(9_007_199_254_740_991)));
        for wrong in ["-1", "1.5", "9007199254740992", "\"1\""] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_wrong_id_is_blamed_on_its_field() {
        let error = id::<routing::ids::TaskId>("taskId", &ID::from("WK00")).unwrap_err();
        assert_eq!(error.field().as_deref(), Some("taskId"));
        assert_eq!(error.message(), "not an id of the kind Task: expected WT and 32 hex digits");
    }
}
