//! What was found, and what could not be looked at.

use std::{fmt, io};

use serde::Serialize;
use tooloo_query::{Finding, Place, SyntaxError};

/// What was found in all files.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) findings: Vec<Found>,
    pub(super) troubles: Vec<Trouble>,
}

/// A finding, and the file it is in.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    pub(super) file: String,
    #[serde(flatten)]
    pub(super) finding: Finding,
}

/// A file that could not be looked at.
#[derive(Debug, Serialize)]
pub(super) struct Trouble {
    pub(super) file: String,
    pub(super) message: String,
    pub(super) place: Option<Place>,
}

impl Report {
    pub(super) fn add(&mut self, file: &str, findings: Vec<Finding>) {
        let found = findings.into_iter().map(|finding| Found {
            file: shown(file),
            finding,
        });
        self.findings.extend(found);
    }
}

impl Trouble {
    pub(super) fn syntax(file: &str, error: &SyntaxError) -> Self {
        Self {
            file: shown(file),
            message: error.message().to_owned(),
            place: error.place(),
        }
    }

    pub(super) fn unreadable(file: &str, error: &io::Error) -> Self {
        Self {
            file: shown(file),
            message: error.to_string(),
            place: None,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(place) = self.place {
            write!(f, ":{place}")?;
        }
        write!(f, ": {}", self.message)
    }
}

fn shown(file: &str) -> String {
    match file {
        "-" => "stdin".to_owned(),
        file => file.to_owned(),
    }
}
