//! Spans as the services show them, and the tree that they make.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What one service knows of a trace.
#[derive(Debug, Deserialize)]
pub(crate) struct Part {
    pub(crate) spans: Vec<Span>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the services call it so")]
pub(crate) struct Span {
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) parent_span_id: Option<String>,
    pub(crate) name: String,
    pub(crate) service: String,
    pub(crate) start_time: Timestamp,
    /// Milliseconds.
    pub(crate) duration: f64,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) attributes: Map<String, Value>,
}

/// A span in its place: after its parent, among its siblings by their start.
#[derive(Debug)]
pub(crate) struct Placed<'a> {
    pub(crate) span: &'a Span,
    /// For each level above it, and its own, whether more siblings follow.
    pub(crate) followed: Vec<bool>,
}

/// Orders spans as a tree, depth first.
///
/// A span whose parent is not here stands at the top: the parent may be the caller's, or of a
/// service that has forgotten it. Of two spans with one id the first counts.
pub(crate) fn tree(spans: &[Span]) -> Vec<Placed<'_>> {
    let mut ids = HashSet::new();
    let mut ordered: Vec<_> = spans
        .iter()
        .filter(|span| ids.insert(span.span_id.as_str()))
        .collect();
    ordered.sort_by(|a, b| {
        a.start_time
            .cmp(&b.start_time)
            .then(b.duration.total_cmp(&a.duration))
    });

    let mut children: HashMap<&str, Vec<&Span>> = HashMap::new();
    let mut tops = Vec::new();
    for &span in &ordered {
        match span
            .parent_span_id
            .as_deref()
            .filter(|parent| ids.contains(parent))
        {
            Some(parent) => children.entry(parent).or_default().push(span),
            None => tops.push(span),
        }
    }

    let mut forest = Forest {
        children,
        placed: Vec::with_capacity(ordered.len()),
        seen: HashSet::new(),
    };
    forest.place(&tops);
    // What is left hangs in a circle, which honest services do not make.
    for &span in &ordered {
        forest.place(&[span]);
    }
    forest.placed
}

struct Forest<'a> {
    children: HashMap<&'a str, Vec<&'a Span>>,
    placed: Vec<Placed<'a>>,
    seen: HashSet<&'a str>,
}

impl<'a> Forest<'a> {
    /// Places `tops` and all that is under them, without recursion: the depth is the senders' choice.
    fn place(&mut self, tops: &[&'a Span]) {
        let mut next = Vec::new();
        stack(&mut next, tops, &[]);
        while let Some((span, followed)) = next.pop() {
            if !self.seen.insert(span.span_id.as_str()) {
                continue;
            }
            let below = self.children.remove(span.span_id.as_str());
            stack(&mut next, &below.unwrap_or_default(), &followed);
            self.placed.push(Placed { span, followed });
        }
    }
}

/// Stacks siblings so that the first of them is taken next.
fn stack<'a>(next: &mut Vec<(&'a Span, Vec<bool>)>, siblings: &[&'a Span], above: &[bool]) {
    for (index, &span) in siblings.iter().enumerate().rev() {
        let mut followed = above.to_vec();
        followed.push(index + 1 < siblings.len());
        next.push((span, followed));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A span of `service` that starts and lasts milliseconds into the trace.
    pub(crate) fn span(
        id: &str,
        parent: Option<&str>,
        service: &str,
        start: i64,
        duration: f64,
    ) -> Span {
        Span {
            trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
            span_id: id.to_owned(),
            parent_span_id: parent.map(str::to_owned),
            name: format!("GET /{id}"),
            service: service.to_owned(),
            start_time: Timestamp::from_millisecond(1_763_123_400_000 + start).unwrap(),
            duration,
            status: "success".to_owned(),
            attributes: Map::new(),
        }
    }

    fn shape(spans: &[Span]) -> Vec<(String, usize)> {
        tree(spans)
            .iter()
            .map(|placed| (placed.span.span_id.clone(), placed.followed.len()))
            .collect()
    }

    fn expect(shape: &[(String, usize)], expected: &[(&str, usize)]) {
        let shape: Vec<_> = shape
            .iter()
            .map(|(id, depth)| (id.as_str(), *depth))
            .collect();
        assert_eq!(shape, expected);
    }

    #[test]
    fn children_follow_their_parent_by_their_start() {
        let spans = [
            span("c", Some("a"), "meta", 5, 1.0),
            span("d", Some("b"), "meta", 2, 1.0),
            span("a", None, "web", 0, 9.0),
            span("b", Some("a"), "web", 1, 3.0),
        ];
        expect(&shape(&spans), &[("a", 1), ("b", 2), ("d", 3), ("c", 2)]);
        assert_eq!(tree(&spans)[1].followed, [false, true]);
    }

    #[test]
    fn a_span_without_its_parent_stands_at_the_top() {
        let spans = [
            span("b", Some("gone"), "web", 1, 1.0),
            span("a", None, "web", 0, 9.0),
        ];
        expect(&shape(&spans), &[("a", 1), ("b", 1)]);
    }

    #[test]
    fn a_span_that_two_services_report_shows_once() {
        let spans = [
            span("a", None, "web", 0, 9.0),
            span("a", None, "web", 0, 9.0),
        ];
        expect(&shape(&spans), &[("a", 1)]);
    }

    #[test]
    fn a_circle_shows_each_span_once() {
        let spans = [
            span("a", Some("b"), "web", 0, 9.0),
            span("b", Some("a"), "web", 1, 9.0),
            span("s", Some("s"), "web", 2, 9.0),
        ];
        expect(&shape(&spans), &[("a", 1), ("b", 2), ("s", 1)]);
    }
}
