//! A conversation to show the splitting on: one lesson that wanders over four topics.

/// Who speaks, and what they say.
pub(crate) const CONVERSATION: &[(&str, &str)] = &[
    (
        "user",
        "I keep mixing up binary search trees and heaps. What makes a search tree special?",
    ),
    (
        "assistant",
        "In a binary search tree every key in the left subtree of a node is smaller than the node's key, and every key in the right subtree is larger. Searching compares keys and walks down one path from the root.",
    ),
    (
        "user",
        "So searching a tree takes as many steps as the tree is high?",
    ),
    (
        "assistant",
        "Yes. A balanced tree of n keys has height log n, but keys inserted in sorted order make a tree that is a plain list, with height n. Red-black trees rotate nodes on insertion to stay balanced.",
    ),
    ("user", "And what does a rotation change in the tree?"),
    (
        "assistant",
        "A rotation lifts a child node above its parent. The order of the keys stays the same, only the heights of the two subtrees change, so the tree gets balanced again.",
    ),
    (
        "user",
        "Thanks, clear now. My database query is slow, by the way. It reads an orders table with ten million rows.",
    ),
    (
        "assistant",
        "Look at the query plan first. If the database scans the whole orders table, the query filters on a column without an index.",
    ),
    (
        "user",
        "The plan says sequential scan, and the filter is on the customer column.",
    ),
    (
        "assistant",
        "Then create an index on the customer column. The database finds the rows of one customer through the index instead of scanning the table. Put the order date second in the index if the query sorts by date.",
    ),
    (
        "user",
        "The index helped: the query went from four seconds to three milliseconds. Does an index slow down inserts into the table?",
    ),
    (
        "assistant",
        "A little. Every insert into the table also writes each index, so drop an index that no query plan uses.",
    ),
    (
        "user",
        "Great. Another thing: I have a job interview on Friday and I get terribly nervous.",
    ),
    (
        "assistant",
        "Practice helps most against nerves. Say your answers to common interview questions out loud, and let a friend play the interviewer.",
    ),
    ("user", "Which interview questions should I practice?"),
    (
        "assistant",
        "Prepare three stories: a conflict in your team, a failure you learned from, and a project you are proud of. Most interviewers ask questions that one of these stories answers.",
    ),
    ("user", "How long should a story be in the interview?"),
    (
        "assistant",
        "About two minutes. Tell the situation, what you did and how it ended, then stop and let the interviewer ask the next question.",
    ),
    (
        "user",
        "I will practice the stories tonight. Last topic for today: how do I bake sourdough bread that isn't flat?",
    ),
    (
        "assistant",
        "Flat bread usually means a weak starter or dough that rose too long. Feed the sourdough starter until it doubles within six hours before you bake.",
    ),
    (
        "user",
        "My starter doubles in five hours, but the dough spreads out in the oven.",
    ),
    (
        "assistant",
        "Then the dough rose too long or was shaped too loosely. Let the dough rise in a cool kitchen, shape the bread tightly and bake it in a hot iron pot, so that the oven spring goes upwards.",
    ),
    (
        "user",
        "What temperature should the oven and the pot have for the bread?",
    ),
    (
        "assistant",
        "Heat the oven with the pot to 250 degrees, bake the bread covered for twenty minutes, then uncover the pot so the crust browns.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{segments, texttiling, tokens::Terms, tuning::Tuning};

    #[test]
    fn splits_into_its_four_topics() {
        let terms = Terms::of(CONVERSATION.iter().map(|&(_, text)| text));
        let tuning = Tuning::default();
        let tiles = texttiling::tile(&terms, &tuning.tiling());
        let segments = segments::describe(&terms, &tiles, 3);
        let starts: Vec<usize> = segments
            .iter()
            .map(|segment| segment.messages.start)
            .collect();
        assert_eq!(starts, [0, 6, 12, 18]);
        let words: Vec<&str> = segments
            .iter()
            .map(|s| s.keywords[0].word.as_str())
            .collect();
        assert_eq!(words, ["tree", "index", "interview", "bread"]);
    }
}
