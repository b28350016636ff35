//! Names of topics, and how hard they are.

use std::{error, fmt};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest name, in characters.
pub(crate) const MAX_NAME: usize = 80;

/// The longest id, in bytes.
const MAX_ID: usize = 160;

/// What people call a topic: one line, without space at its ends or twice in a row.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, min_length = 1, max_length = 80, example = "Graph Theory")]
pub(crate) struct TopicName(String);

/// What a topic is called in paths and in the database: `graph-theory` for "Graph Theory".
///
/// It reads any spelling of the name, so "Graph Theory" finds it too.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, max_length = 160, example = "graph-theory")]
pub(crate) struct TopicId(String);

/// How hard a topic is: it sets the parameters of the topic's model.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub(crate) enum Difficulty {
    Easy,
    #[default]
    Medium,
    Hard,
}

/// A text that cannot name a topic.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BadName {
    TooLong,
    ControlCharacter,
    NothingToRead,
}

impl TopicName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn id(&self) -> TopicId {
        TopicId(slug(&self.0))
    }
}

impl TryFrom<String> for TopicName {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        if text.chars().nth(MAX_NAME).is_some() {
            return Err(BadName::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(BadName::ControlCharacter);
        }
        let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match slug(&name) {
            id if id.is_empty() => Err(BadName::NothingToRead),
            id if id.len() > MAX_ID => Err(BadName::TooLong),
            _ => Ok(Self(name)),
        }
    }
}

impl TopicId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes an id as the database has it.
    pub(crate) fn stored(id: String) -> Self {
        Self(id)
    }
}

impl TryFrom<String> for TopicId {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        if text.len() > MAX_ID {
            return Err(BadName::TooLong);
        }
        match slug(&text) {
            id if id.is_empty() => Err(BadName::NothingToRead),
            id if id.len() > MAX_ID => Err(BadName::TooLong),
            id => Ok(Self(id)),
        }
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Difficulty {
    const ALL: [Self; 3] = [Self::Easy, Self::Medium, Self::Hard];

    /// Finds a difficulty by what [`as_str`](Self::as_str) calls it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|difficulty| difficulty.as_str() == name)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Easy => "easy",
            Self::Medium => "medium",
            Self::Hard => "hard",
        }
    }
}

// By way of a string: JSON's parser calls a number in an enum's place no JSON at all.
impl TryFrom<String> for Difficulty {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, &'static str> {
        Self::named(&name).ok_or("a difficulty is `easy`, `medium` or `hard`")
    }
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "a topic's name has at most {MAX_NAME} characters"),
            Self::ControlCharacter => f.write_str("a topic's name has no control characters"),
            Self::NothingToRead => f.write_str("a topic's name needs a letter or a digit"),
        }
    }
}

impl error::Error for BadName {}

/// Keeps letters and digits in lower case, and one `-` for whatever else stands between them.
///
/// `+` and `#` are read aloud, so that C, C++ and C# stay three topics.
fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    let mut gap = false;
    for character in text.chars().flat_map(char::to_lowercase) {
        let aloud = match character {
            '+' => "plus",
            '#' => "sharp",
            _ if character.is_alphanumeric() => "",
            _ => {
                gap = true;
                continue;
            }
        };
        if gap && !slug.is_empty() {
            slug.push('-');
        }
        gap = false;
        if aloud.is_empty() {
            slug.push(character);
        } else {
            slug.push_str(aloud);
        }
    }
    slug
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(text: &str) -> String {
        TopicId::try_from(text.to_owned()).unwrap().to_string()
    }

    #[test]
    fn one_id_for_every_spelling() {
        for spelling in [
            "Graph Theory",
            " graph  theory ",
            "GRAPH_THEORY",
            "graph-theory",
            "-graph/theory?",
        ] {
            assert_eq!(id(spelling), "graph-theory");
        }
    }

    #[test]
    fn names_that_differ_in_a_sign_stay_apart() {
        assert_eq!(id("C"), "c");
        assert_eq!(id("C++"), "cplusplus");
        assert_eq!(id("C#"), "csharp");
        assert_eq!(id("Théorie des graphes"), "théorie-des-graphes");
    }

    #[test]
    fn refuses_what_cannot_name_a_topic() {
        let name = |text: &str| TopicName::try_from(text.to_owned());
        assert_eq!(name(""), Err(BadName::NothingToRead));
        assert_eq!(name(" ?!"), Err(BadName::NothingToRead));
        assert_eq!(name("a\u{0}b"), Err(BadName::ControlCharacter));
        assert_eq!(name("two\nlines"), Err(BadName::ControlCharacter));
        assert_eq!(name(&"x".repeat(MAX_NAME + 1)), Err(BadName::TooLong));
        assert!(name(&"x".repeat(MAX_NAME)).is_ok());
        assert_eq!(name(&"#".repeat(MAX_NAME)), Err(BadName::TooLong));
    }

    proptest! {
        #[test]
        fn an_id_is_bounded_plain_and_its_own_id(text in any::<String>()) {
            if let Ok(name) = TopicName::try_from(text) {
                let id = name.id();
                prop_assert!(id.as_str().len() <= MAX_ID);
                prop_assert!(!id.as_str().starts_with('-') && !id.as_str().ends_with('-'));
                prop_assert!(!id.as_str().contains(['/', '?', '#', '%', ' ']));
                prop_assert_eq!(TopicId::try_from(id.to_string()).unwrap(), id);
            }
        }

        #[test]
        fn a_name_is_its_own_name(text in any::<String>()) {
            if let Ok(name) = TopicName::try_from(text) {
                prop_assert_eq!(TopicName::try_from(name.as_str().to_owned()).unwrap(), name);
            }
        }
    }
}
