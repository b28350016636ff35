//! Reads the text that Prometheus scrapes.

use std::collections::BTreeMap;

/// One line: its name, its labels and its value.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Sample {
    pub(crate) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

/// Reads every sample of an OpenMetrics text.
pub(crate) fn parse(text: &str) -> Vec<Sample> {
    assert!(
        text.ends_with("# EOF\n"),
        "an OpenMetrics text ends with # EOF"
    );
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(sample)
        .collect()
}

fn sample(line: &str) -> Sample {
    let (name, rest) = match line.find(['{', ' ']) {
        Some(at) if line[at..].starts_with('{') => (&line[..at], &line[at + 1..]),
        Some(at) => (&line[..at], &line[at..]),
        None => panic!("{line:?} has no value"),
    };
    let mut labels = BTreeMap::new();
    let mut rest = rest;
    while let Some((label, after)) = rest
        .split_once("=\"")
        .filter(|(label, _)| !label.contains([' ', '}']))
    {
        let end = end_of_quoted(after).unwrap_or_else(|| panic!("{line:?} leaves a quote open"));
        let value = after[..end].replace("\\\"", "\"").replace("\\\\", "\\");
        labels.insert(label.trim_start_matches(',').to_owned(), value);
        rest = &after[end + 1..];
    }
    let value = rest.trim_start_matches('}').split_whitespace().next();
    let value = value.and_then(|value| value.parse().ok());
    Sample {
        name: name.to_owned(),
        labels,
        value: value.unwrap_or_else(|| panic!("{line:?} has no value")),
    }
}

fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, character)| {
        let end = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        end.then_some(at)
    })
}

#[test]
fn reads_labels_with_anything_in_them() {
    let samples = parse(
        "# TYPE a counter\na_total{x=\"1\",y=\"{ \\\"}\\\\\"} 2.5 # {trace_id=\"ab\"} 1\nb 3\n# EOF\n",
    );
    assert_eq!(
        (samples[0].name.as_str(), samples[0].value),
        ("a_total", 2.5)
    );
    assert_eq!(
        (samples[0].label("x"), samples[0].label("y")),
        ("1", "{ \"}\\")
    );
    assert_eq!((samples[1].name.as_str(), samples[1].value), ("b", 3.0));
}
