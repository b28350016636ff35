//! Log lines: JSON for machines or pretty for eyes, each with the trace it belongs to.

mod line;

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id},
};
use tracing_subscriber::{
    Layer, filter::Targets, layer::Context, layer::SubscriberExt, registry::LookupSpan,
    util::SubscriberInitExt,
};

use self::line::Line;
use crate::{ConfigError, KitConfig, LogFormat, panics};

/// The field of a span or an event that names the service it belongs to.
const SERVICE: &str = "service";

/// Starts logging to the standard error stream, for the whole process.
///
/// Spans of the program join the traces they happen in, and panics become log lines.
///
/// # Errors
///
/// Returns a [`ConfigError`] where the level is no level, or logging was started before.
pub fn start_logs(config: &KitConfig) -> Result<(), ConfigError> {
    let targets: Targets = config
        .log_level
        .parse()
        .map_err(|error| ConfigError::invalid("log_level", error))?;
    let lines = Lines::new(Style::of(config.log_format), io::stderr);
    tracing_subscriber::registry()
        .with(tooloo_trace::tracing_layer().with_filter(LevelFilter::INFO))
        .with(lines.with_filter(targets))
        .try_init()
        .map_err(|error| ConfigError::invalid("log_format", error))?;
    panics::log();
    Ok(())
}

/// How lines are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Style {
    Json,
    Pretty { colour: bool },
}

/// Writes a line for each event.
struct Lines<W> {
    style: Style,
    to: W,
}

/// The service that a span names.
struct Service(String);

impl Style {
    fn of(format: LogFormat) -> Self {
        let terminal = io::stderr().is_terminal();
        // See no-color.org.
        let colour = terminal && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        match format {
            LogFormat::Pretty => Self::Pretty { colour },
            LogFormat::Auto if terminal => Self::Pretty { colour },
            LogFormat::Auto | LogFormat::Json => Self::Json,
        }
    }
}

impl<W> Lines<W> {
    fn new(style: Style, to: W) -> Self {
        Self { style, to }
    }
}

impl<S, W, O> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn() -> O + 'static,
    O: Write,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut named = ServiceField(None);
        attributes.record(&mut named);
        if let (Some(name), Some(span)) = (named.0, context.span(id)) {
            span.extensions_mut().insert(Service(name));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Line::new(event);
        if let Some(trace) = tooloo_trace::current() {
            line.trace(&trace);
        } else if !line.names_service() {
            let mut spans = context.event_scope(event).into_iter().flatten();
            let service =
                spans.find_map(|span| Some(span.extensions().get::<Service>()?.0.clone()));
            if let Some(service) = service {
                line.service(service);
            }
        }
        let text = match self.style {
            Style::Json => line.json(),
            Style::Pretty { colour } => line.pretty(colour),
        };
        // One write a line, so that lines of several threads do not mix. Where the log is gone,
        // there is nowhere to tell.
        drop((self.to)().write_all(text.as_bytes()));
    }
}

struct ServiceField(Option<String>);

impl Visit for ServiceField {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == SERVICE {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn std::fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tooloo_trace::{TraceConfig, Tracer};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(style: Style, log: impl FnOnce()) -> String {
        let sink = Sink::default();
        let to = sink.clone();
        let lines = Lines::new(style, move || to.clone());
        let subscriber = tracing_subscriber::registry().with(lines);
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    #[tokio::test]
    async fn lines_carry_the_ids_and_the_service_of_the_current_trace() {
        let tracer = Tracer::new(TraceConfig::new("training"));
        let span = tracer.start_trace("round");
        let line = logged(Style::Json, || {
            let work = span.in_scope(async { tracing::info!(topic = "heaps", "practised") });
            futures_util::FutureExt::now_or_never(work).unwrap();
        });
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["message"], "practised");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["service"], "training");
        assert_eq!(line["topic"], "heaps");
        assert_eq!(line["traceId"], span.context().trace_id().to_string());
        assert_eq!(line["spanId"], span.context().span_id().to_string());
    }

    #[test]
    fn outside_of_a_trace_a_span_names_the_service() {
        let line = logged(Style::Json, || {
            let _task = tracing::info_span!("task", service = "coach").entered();
            tracing::warn!("idle");
        });
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["service"], "coach");
        assert_eq!(line.get("traceId"), None);
    }

    #[test]
    fn a_message_cannot_forge_a_second_line_or_colours() {
        for style in [Style::Json, Style::Pretty { colour: false }] {
            let text = logged(style, || {
                tracing::info!(path = "a\nERROR b \x1b[31m", "said\r\nmore");
            });
            assert_eq!(text.lines().count(), 1, "{text:?}");
            assert!(!text.contains('\x1b'), "{text:?}");
        }
    }

    #[test]
    fn pretty_lines_are_coloured_only_where_asked() {
        let plain = logged(Style::Pretty { colour: false }, || tracing::info!("hello"));
        assert!(
            plain.contains("INFO") && !plain.contains('\x1b'),
            "{plain:?}"
        );
        let coloured = logged(Style::Pretty { colour: true }, || tracing::info!("hello"));
        assert!(coloured.contains("\x1b["), "{coloured:?}");
    }
}
