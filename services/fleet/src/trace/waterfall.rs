//! A trace as a picture: the tree of its spans beside the time that each took.

use std::{collections::BTreeSet, fmt::Write};

use super::span::{Placed, Span, tree};
use crate::show::{Paint, Tint, duration, fit, pad, printable, width};

const GAP: usize = 2;
const NARROWEST_BAR: usize = 10;
const NARROWEST_NAME: usize = 16;

/// Draws `spans`, of one trace and at least one, in `columns`.
pub(crate) fn draw(spans: &[Span], columns: usize, paint: Paint) -> String {
    let placed = tree(spans);
    let scale = Scale::of(&placed);
    let services: BTreeSet<_> = placed
        .iter()
        .map(|placed| placed.span.service.as_str())
        .collect();
    let services: Vec<_> = services.into_iter().collect();

    let rows: Vec<_> = placed
        .iter()
        .map(|placed| Row::new(placed, &services))
        .collect();
    let layout = Layout::new(&rows, columns);
    let mut text = headline(&placed, services.len(), &scale, paint);
    for (row, placed) in rows.iter().zip(&placed) {
        text.push_str(
            row.render(&layout, &scale.bar(placed.span, layout.bar), paint)
                .trim_end(),
        );
        text.push('\n');
    }
    text
}

/// The whole trace's beginning and duration, in milliseconds.
struct Scale {
    start: f64,
    duration: f64,
}

impl Scale {
    fn of(placed: &[Placed<'_>]) -> Self {
        let spans = || placed.iter().map(|placed| placed.span);
        let start = spans().map(start).fold(f64::INFINITY, f64::min);
        let end = spans()
            .map(|span| start_and_end(span).1)
            .fold(f64::NEG_INFINITY, f64::max);
        Self {
            start,
            duration: (end - start).max(f64::MIN_POSITIVE),
        }
    }

    /// Draws when `span` ran, in half columns; the shortest still shows.
    fn bar(&self, span: &Span, columns: usize) -> String {
        let halves = columns * 2;
        let (start, end) = start_and_end(span);
        let first = self.half(start, halves).min(halves.saturating_sub(1));
        let last = self
            .half(end, halves)
            .clamp(first + 1, halves.max(first + 1));
        let filled = |half: usize| (first..last).contains(&half);
        (0..columns)
            .map(
                |column| match (filled(column * 2), filled(column * 2 + 1)) {
                    (true, true) => '━',
                    (true, false) => '╸',
                    (false, true) => '╺',
                    (false, false) => ' ',
                },
            )
            .collect()
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a fraction of the columns of a terminal"
    )]
    fn half(&self, at: f64, halves: usize) -> usize {
        let fraction = ((at - self.start) / self.duration).clamp(0.0, 1.0);
        (fraction * halves as f64).round() as usize
    }
}

struct Row {
    service: String,
    tint: Tint,
    name: String,
    duration: String,
    status: String,
}

impl Row {
    fn new(placed: &Placed<'_>, services: &[&str]) -> Self {
        let span = placed.span;
        let nth = services
            .binary_search(&span.service.as_str())
            .expect("every span's service is listed");
        Self {
            service: printable(&span.service),
            tint: Tint::Distinct(nth),
            name: branch(&placed.followed) + &printable(&span.name),
            duration: duration(span.duration),
            status: printable(&span.status),
        }
    }

    fn render(&self, layout: &Layout, bar: &str, paint: Paint) -> String {
        let failed = self.status != "success";
        let (bar_tint, status_tint) = if failed {
            (Tint::Bad, Tint::Bad)
        } else {
            (self.tint, Tint::Good)
        };
        let gap = pad("", GAP);
        let fields = [
            paint.paint(self.tint, &pad(&self.service, layout.service)),
            pad(&fit(&self.name, layout.name), layout.name),
            paint.paint(bar_tint, bar),
            pad("", layout.duration.saturating_sub(width(&self.duration))) + &self.duration,
            paint.paint(status_tint, &self.status),
        ];
        fields.join(&gap)
    }
}

/// How many columns each field has.
struct Layout {
    service: usize,
    name: usize,
    bar: usize,
    duration: usize,
}

impl Layout {
    fn new(rows: &[Row], columns: usize) -> Self {
        let widest =
            |field: fn(&Row) -> &str| rows.iter().map(|row| width(field(row))).max().unwrap_or(0);
        let service = widest(|row| &row.service);
        let duration = widest(|row| &row.duration);
        let fixed = service + duration + widest(|row| &row.status) + 4 * GAP;
        let room = columns.saturating_sub(fixed);
        // The names get what they need, but never so much that no bar is left.
        let name = widest(|row| &row.name).min((room / 2).max(NARROWEST_NAME));
        Self {
            service,
            name,
            bar: room.saturating_sub(name).max(NARROWEST_BAR),
            duration,
        }
    }
}

fn headline(placed: &[Placed<'_>], services: usize, scale: &Scale, paint: Paint) -> String {
    let trace = &placed.first().expect("a trace has a span").span;
    let failed = placed
        .iter()
        .filter(|placed| placed.span.status != "success")
        .count();
    let mut text = format!(
        "trace {}",
        paint.paint(Tint::Bold, &printable(&trace.trace_id))
    );
    let figures = [
        duration(scale.duration),
        plural(placed.len(), "span"),
        plural(services, "service"),
    ];
    for figure in figures {
        write!(text, "  {figure}").expect("writing to a String does not fail");
    }
    if failed > 0 {
        write!(
            text,
            "  {}",
            paint.paint(Tint::Bad, &format!("{failed} failed"))
        )
        .expect("writing to a String does not fail");
    }
    write!(text, "\nstarted {}\n\n", trace.start_time).expect("writing to a String does not fail");
    text
}

/// Draws the way from the top to a span: `├─ ` where siblings follow, `└─ ` where none do.
fn branch(followed: &[bool]) -> String {
    let Some((own, above)) = followed.get(1..).and_then(<[bool]>::split_last) else {
        return String::new();
    };
    let lines = above
        .iter()
        .map(|followed| if *followed { "│  " } else { "   " });
    lines.chain([if *own { "├─ " } else { "└─ " }]).collect()
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn start(span: &Span) -> f64 {
    span.start_time.as_duration().as_secs_f64() * 1e3
}

fn start_and_end(span: &Span) -> (f64, f64) {
    let start = start(span);
    (start, start + span.duration.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::{super::span::tests::span, *};

    fn failing(mut span: Span) -> Span {
        span.status = "error".to_owned();
        span
    }

    #[test]
    fn shows_where_the_time_went() {
        let spans = [
            span("root", None, "web", 0, 20.0),
            span("call", Some("root"), "web", 5, 10.0),
            span("work", Some("call"), "training", 6, 8.0),
            failing(span("log", Some("root"), "web", 19, 1.0)),
        ];
        let drawn = draw(&spans, 70, Paint::plain());
        let expected = "\
trace 0af7651916cd43dd8448eb211c80319c  20.0 ms  4 spans  2 services  1 failed
started 2025-11-14T12:30:00Z

web       GET /root        ━━━━━━━━━━━━━━━━━━━━━━━━━  20.0 ms  success
web       ├─ GET /call           ╺━━━━━━━━━━━━        10.0 ms  success
training  │  └─ GET /work         ╺━━━━━━━━━╸         8.00 ms  success
web       └─ GET /log                              ━  1.00 ms  error
";
        assert_eq!(drawn, expected, "\n{drawn}");
    }

    #[test]
    fn keeps_within_the_columns_it_is_given() {
        let long = "日本語の長い名前".repeat(10);
        let mut spans = [
            span("a", None, "web", 0, 1.0),
            span("b", Some("a"), "training", 0, 0.5),
        ];
        spans[1].name = long;
        for columns in [60, 80, 120, 200] {
            let drawn = draw(&spans, columns, Paint::plain());
            for line in drawn.lines().skip(3) {
                assert!(width(line) <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn draws_a_trace_that_took_no_time() {
        let drawn = draw(&[span("a", None, "web", 0, 0.0)], 80, Paint::plain());
        assert!(drawn.contains("1 span  1 service\n"), "{drawn}");
        assert!(drawn.contains('╸') || drawn.contains('━'), "{drawn}");
    }

    #[test]
    fn every_span_shows_a_bar() {
        let spans = [
            span("a", None, "web", 0, 1000.0),
            span("b", Some("a"), "web", 999, 0.001),
            span("c", Some("a"), "web", 1000, 0.0),
        ];
        let drawn = draw(&spans, 80, Paint::plain());
        for line in drawn.lines().skip(3) {
            assert!(line.contains(['━', '╸', '╺']), "{line}");
        }
    }
}
