//! One log line.

use std::fmt::{Debug, Write};

use jiff::Timestamp;
use serde_json::{Map, Value};
use tooloo_trace::TraceContext;
use tracing::{
    Event, Level, Metadata,
    field::{Field, Visit},
};

use super::SERVICE;

const MESSAGE: &str = "message";

/// An event with all that is said of it.
pub(super) struct Line {
    metadata: &'static Metadata<'static>,
    message: String,
    service: Option<String>,
    ids: Option<(String, String)>,
    fields: Map<String, Value>,
}

impl Line {
    pub(super) fn new(event: &Event<'_>) -> Self {
        let mut line = Self {
            metadata: event.metadata(),
            message: String::new(),
            service: None,
            ids: None,
            fields: Map::new(),
        };
        event.record(&mut line);
        line
    }

    pub(super) fn trace(&mut self, context: &TraceContext) {
        let (trace, span) = (context.trace_id(), context.span_id());
        self.ids = Some((trace.to_string(), span.to_string()));
        self.service
            .get_or_insert_with(|| context.service().to_owned());
    }

    pub(super) fn names_service(&self) -> bool {
        self.service.is_some()
    }

    pub(super) fn service(&mut self, name: String) {
        self.service = Some(name);
    }

    pub(super) fn json(self) -> String {
        let mut members = Map::new();
        let mut insert = |name: &str, value: String| members.insert(name.to_owned(), value.into());
        insert("timestamp", now());
        insert("level", self.metadata.level().to_string());
        if let Some(service) = self.service {
            insert(SERVICE, service);
        }
        insert("target", self.metadata.target().to_owned());
        insert(MESSAGE, self.message);
        if let Some((trace, span)) = self.ids {
            insert("traceId", trace);
            insert("spanId", span);
        }
        for (name, value) in self.fields {
            members.entry(name).or_insert(value);
        }
        let mut text = Value::Object(members).to_string();
        text.push('\n');
        text
    }

    pub(super) fn pretty(self, colour: bool) -> String {
        let (level, start, dim, end) = match (colour, *self.metadata.level()) {
            (false, level) => (level, "", "", ""),
            (true, level) => (level, colour_of(level), "\x1b[2m", "\x1b[0m"),
        };
        let mut text = format!("{dim}{}{end} {start}{level:>5}{end} ", now());
        if let Some(service) = &self.service {
            text.push_str(&visible(service));
            text.push_str(": ");
        }
        text.push_str(&visible(&self.message));
        for (name, value) in &self.fields {
            let value = match value {
                Value::String(value) => visible(value),
                value => value.to_string(),
            };
            text.extend([" ", dim, name, "=", end, &value]);
        }
        if let Some((trace, _)) = &self.ids {
            text.extend([" ", dim, "traceId=", trace, end]);
        }
        text.push('\n');
        text
    }
}

fn now() -> String {
    Timestamp::try_from(tooloo_clock::wall())
        .map(|now| format!("{now:.6}"))
        .unwrap_or_default()
}

fn colour_of(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        _ => "\x1b[34m",
    }
}

/// Escapes what would break a line or steer a terminal: clients can have their words logged.
fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            visible.extend(character.escape_default());
        } else {
            visible.push(character);
        }
    }
    visible
}

impl Line {
    fn record(&mut self, field: &Field, value: Value) {
        match field.name() {
            MESSAGE => match value {
                Value::String(text) => self.message = text,
                value => self.message = value.to_string(),
            },
            SERVICE if value.is_string() => self.service = value.as_str().map(str::to_owned),
            name => {
                self.fields.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.record(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.record(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.record(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        // A value whose `Debug` fails is shown as far as it went.
        let _ = write!(text, "{value:?}");
        self.record(field, text.into());
    }
}
