//! Reads what gungraun counted.

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};

use serde::Deserialize;
use serde_json::Value;

/// The instructions that one benchmark took.
#[derive(Clone, Debug)]
pub struct Count {
    /// The benchmark function it was given to.
    pub group: String,
    /// Its name there.
    pub name: String,
    /// The instructions, of the whole run.
    pub instructions: u64,
}

/// The counts of a benchmark's functions.
#[derive(Clone, Debug)]
pub struct Counts(pub Vec<Count>);

/// The part of gungraun's summary that says what was run and what it took.
#[derive(Deserialize)]
struct Summary {
    function_name: String,
    id: String,
    profiles: Vec<Value>,
}

impl Counts {
    /// Reads the summaries that gungraun left in a folder.
    ///
    /// # Errors
    ///
    /// Returns an error where there is no such folder, or one is not understood.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut counts = Vec::new();
        for entry in fs::read_dir(folder)? {
            let file = entry?.path().join("summary.json");
            if file.is_file() {
                counts.push(Count::read(&fs::read_to_string(file)?)?);
            }
        }
        Ok(Self(counts))
    }

    /// Returns the instructions of one benchmark.
    ///
    /// # Errors
    ///
    /// Returns an error that names it where it was not run.
    pub fn find(&self, group: &str, name: &str) -> io::Result<u64> {
        let mut counts = self.0.iter();
        let found = counts.find(|count| count.group == group && count.name == name);
        found
            .map(|count| count.instructions)
            .ok_or_else(|| missing(group, name))
    }
}

impl Count {
    pub(crate) fn read(summary: &str) -> io::Result<Self> {
        let summary: Summary = serde_json::from_str(summary)?;
        let instructions = summary.profiles.first().and_then(|profile| {
            profile
                .pointer("/data/total/metrics/Ir/values/new")
                .and_then(Value::as_u64)
        });
        let Some(instructions) = instructions else {
            let error = format!("no instructions are counted for {}", summary.id);
            return Err(io::Error::new(ErrorKind::InvalidData, error));
        };
        Ok(Self {
            group: summary.function_name,
            name: summary.id,
            instructions,
        })
    }
}

pub(crate) fn missing(group: &str, name: &str) -> io::Error {
    let error = format!("there are no figures of {group} {name}: run the benchmark first");
    io::Error::new(ErrorKind::NotFound, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_counted_is_an_error_that_names_it() {
        let error = Counts(Vec::new()).find("layer", "tenth").unwrap_err();
        assert!(error.to_string().contains("layer tenth"), "{error}");
        let error =
            Count::read(r#"{"function_name": "peer", "id": "slow", "profiles": []}"#).unwrap_err();
        assert!(error.to_string().contains("slow"), "{error}");
    }
}
