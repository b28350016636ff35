//! The topics a new database starts with.

use crate::topic::Difficulty;

/// Name and difficulty, in the order they are taught.
pub(crate) const TOPICS: [(&str, Difficulty); 9] = [
    ("Data Structures", Difficulty::Easy),
    ("Algorithms", Difficulty::Medium),
    ("Computer Architecture", Difficulty::Medium),
    ("Operating Systems", Difficulty::Medium),
    ("Computer Networks", Difficulty::Easy),
    ("Databases", Difficulty::Easy),
    ("Compilers", Difficulty::Hard),
    ("Distributed Systems", Difficulty::Hard),
    ("Cryptography", Difficulty::Hard),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::topic::TopicName;

    #[test]
    fn every_topic_has_a_valid_name_and_an_id_of_its_own() {
        let ids: HashSet<_> = TOPICS
            .iter()
            .map(|&(name, _)| TopicName::try_from(name.to_owned()).unwrap().id())
            .collect();
        assert_eq!(ids.len(), TOPICS.len());
    }
}
