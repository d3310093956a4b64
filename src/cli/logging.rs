//! The log: which lines, and their form. Text is what `env_logger` makes of it; JSON is one object a line.

use std::io::{self, Write};

use env_logger::Builder;
use env_logger::fmt::Formatter;
use log::kv::{self, Key, Value, VisitSource, VisitValue};
use log::{Level, Record};
use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::config::{LogConfig, LogFormat};

/// Sets up the log of this process, to standard error. `RUST_LOG`, where it is set, decides about the lines.
pub(super) fn init(config: &LogConfig) {
    let mut builder = Builder::new();
    match std::env::var("RUST_LOG") {
        Ok(filters) if !filters.is_empty() => builder.parse_filters(&filters),
        _ => builder.filter_level(config.level),
    };
    if config.format == LogFormat::Json {
        builder.format(write_json);
    }
    builder.init();
}

fn write_json(output: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let time = output.timestamp_millis().to_string();
    serde_json::to_writer(&mut *output, &Line::new(&time, record))?;
    writeln!(output)
}

/// One line of the log.
#[derive(Serialize)]
struct Line<'a> {
    /// RFC 3339, UTC, to the millisecond.
    time: &'a str,
    level: &'static str,
    target: &'a str,
    message: String,
    #[serde(skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Json>,
}

impl<'a> Line<'a> {
    fn new(time: &'a str, record: &Record<'a>) -> Self {
        let level = match record.level() {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        };
        let mut fields = Fields(Map::new());
        // A field that cannot be told must not cost the line.
        let _ = record.key_values().visit(&mut fields);
        Self { time, level, target: record.target(), message: record.args().to_string(), fields: fields.0 }
    }
}

/// The fields of a record.
struct Fields(Map<String, Json>);

impl<'a> VisitSource<'a> for Fields {
    fn visit_pair(&mut self, key: Key<'a>, value: Value<'a>) -> Result<(), kv::Error> {
        let mut field = Field(Json::Null);
        value.visit(&mut field)?;
        self.0.insert(key.to_string(), field.0);
        Ok(())
    }
}

/// One field's value: numbers and switches as such, everything else as text.
struct Field(Json);

impl VisitValue<'_> for Field {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), kv::Error> {
        self.0 = Json::from(value.to_string());
        Ok(())
    }

    fn visit_null(&mut self) -> Result<(), kv::Error> {
        self.0 = Json::Null;
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), kv::Error> {
        self.0 = Json::from(value);
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), kv::Error> {
        self.0 = Json::from(value);
        Ok(())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), kv::Error> {
        self.0 = Json::from(value);
        Ok(())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), kv::Error> {
        self.0 = Json::from(value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(record: &Record<'_>) -> String {
        serde_json::to_string(&Line::new("now", record)).expect("a line is JSON")
    }

    #[test]
    fn a_line_keeps_the_types_of_its_fields() {
        let fields: [(&str, Value<'_>); 5] = [
            ("id", Value::from_display(&"67e5\"\n")),
            ("attempts", Value::from(3_u32)),
            ("offset", Value::from(-1)),
            ("ratio", Value::from(0.5)),
            ("late", Value::from(true)),
        ];
        let source: &dyn kv::Source = &fields.as_slice();
        let record = Record::builder()
            .level(Level::Warn)
            .target("safelight::task")
            .args(format_args!("task \"finished\"\nat last"))
            .key_values(source)
            .build();
        let line = line(&record);
        assert_eq!(line.lines().count(), 1, "one object, one line");
        assert!(
            line.starts_with(
                r#"{"time":"now","level":"warn","target":"safelight::task","message":"task \"finished\"\nat last","fields":{"#
            ),
            "{line}"
        );
        let parsed: Json = serde_json::from_str(&line).expect("a line is JSON");
        assert_eq!(parsed["fields"], json!({"id": "67e5\"\n", "attempts": 3, "offset": -1, "ratio": 0.5, "late": true}));
    }

    #[test]
    fn a_line_without_fields_has_none() {
        let line = line(&Record::builder().args(format_args!("starting")).build());
        assert_eq!(line, r#"{"time":"now","level":"info","target":"","message":"starting"}"#);
    }
}
