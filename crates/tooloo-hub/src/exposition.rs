//! Makes one metrics page of what several components wrote.
//!
//! Each component writes as if it were alone. Here families that two of them share become one, as
//! the formats demand, and exemplars move from the histograms that hold them to those that count.

use std::{collections::HashMap, fmt};

use prometheus_client::{
    encoding::{
        prometheus_protobuf::{
            self,
            prometheus_data_model::{Metric, MetricFamily},
        },
        text,
    },
    registry::Registry,
};
use prost::Message;

/// Separates a sample from its exemplar in OpenMetrics text.
const EXEMPLAR: &str = " # ";

pub(crate) fn text(metrics: &Registry, exemplars: &Registry) -> Result<String, fmt::Error> {
    let mut written = String::new();
    text::encode(&mut written, metrics)?;
    let mut sampled = String::new();
    text::encode(&mut sampled, exemplars)?;
    Ok(merge_text(&written, &sampled))
}

pub(crate) fn protobuf(metrics: &Registry, exemplars: &Registry) -> Result<Vec<u8>, fmt::Error> {
    let mut families = merge_families(prometheus_protobuf::encode(metrics)?);
    move_exemplars(&mut families, prometheus_protobuf::encode(exemplars)?);
    let mut page = Vec::new();
    for family in families {
        family
            .encode_length_delimited(&mut page)
            .map_err(|_| fmt::Error)?;
    }
    Ok(page)
}

fn merge_text(written: &str, sampled: &str) -> String {
    let exemplars: HashMap<&str, &str> = sampled
        .lines()
        .filter_map(|line| {
            let (sample, exemplar) = line.rsplit_once(EXEMPLAR)?;
            Some((series(sample)?, exemplar))
        })
        .collect();

    // A family's lines follow its `# HELP`, `# TYPE` and `# UNIT`, whose third word is its name.
    let mut families: Vec<(&str, String)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut place = None;
    let mut repeated = false;
    for line in written.lines() {
        if let Some(meta) = line.strip_prefix("# ") {
            let Some(name) = meta.split(' ').nth(1) else {
                continue; // `# EOF`
            };
            if place.is_none_or(|at: usize| families[at].0 != name) {
                repeated = places.contains_key(name);
                place = Some(*places.entry(name).or_insert_with(|| {
                    families.push((name, String::new()));
                    families.len() - 1
                }));
            }
            if repeated {
                continue;
            }
        }
        let Some(at) = place else { continue };
        let lines = &mut families[at].1;
        lines.push_str(line);
        if let Some(exemplar) = series(line).and_then(|series| exemplars.get(series)) {
            lines.push_str(EXEMPLAR);
            lines.push_str(exemplar);
        }
        lines.push('\n');
    }
    let mut page: String = families.into_iter().map(|(_, lines)| lines).collect();
    page.push_str("# EOF\n");
    page
}

/// Returns a sample's name and labels, without its value.
fn series(sample: &str) -> Option<&str> {
    sample.rsplit_once(' ').map(|(series, _)| series)
}

fn merge_families(written: Vec<MetricFamily>) -> Vec<MetricFamily> {
    let mut families: Vec<MetricFamily> = Vec::with_capacity(written.len());
    for family in written {
        match families.iter_mut().find(|known| known.name == family.name) {
            Some(known) => known.metric.extend(family.metric),
            None => families.push(family),
        }
    }
    families
}

fn move_exemplars(families: &mut [MetricFamily], sampled: Vec<MetricFamily>) {
    for source in sampled {
        let Some(family) = families.iter_mut().find(|known| known.name == source.name) else {
            continue;
        };
        for from in source.metric {
            if let Some(to) = family
                .metric
                .iter_mut()
                .find(|known| known.label == from.label)
            {
                move_exemplars_of(to, from);
            }
        }
    }
}

fn move_exemplars_of(to: &mut Metric, from: Metric) {
    let (Some(to), Some(from)) = (&mut to.histogram, from.histogram) else {
        return;
    };
    for (to, from) in to.bucket.iter_mut().zip(from.bucket) {
        to.exemplar = from.exemplar;
    }
    // A scraper may read the native buckets alone, so they list the exemplars again.
    to.exemplars = to
        .bucket
        .iter()
        .filter_map(|bucket| bucket.exemplar.clone())
        .collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_the_families_of_two_components() {
        let written = "# HELP a A.\n# TYPE a gauge\na{component=\"x\"} 1\n# HELP b B.\n# TYPE b gauge\nb 2\n\
                       # HELP a A.\n# TYPE a gauge\na{component=\"y\"} 3\n# EOF\n";
        assert_eq!(
            merge_text(written, "# EOF\n"),
            "# HELP a A.\n# TYPE a gauge\na{component=\"x\"} 1\na{component=\"y\"} 3\n\
             # HELP b B.\n# TYPE b gauge\nb 2\n# EOF\n"
        );
    }

    #[test]
    fn moves_exemplars_to_the_series_they_belong_to() {
        let written =
            "# TYPE d histogram\nd_bucket{le=\"1.0\"} 7\nd_bucket{le=\"+Inf\"} 9\n# EOF\n";
        let sampled = "# TYPE d histogram\nd_bucket{le=\"1.0\"} 1 # {trace_id=\"ab\"} 0.5\n\
                       d_bucket{le=\"+Inf\"} 1\n# EOF\n";
        assert_eq!(
            merge_text(written, sampled),
            "# TYPE d histogram\nd_bucket{le=\"1.0\"} 7 # {trace_id=\"ab\"} 0.5\n\
             d_bucket{le=\"+Inf\"} 9\n# EOF\n"
        );
    }
}
