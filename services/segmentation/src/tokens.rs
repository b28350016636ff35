//! Turns messages into terms: words without stop words, reduced to their stems.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use rust_stemmers::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

/// A longer run of letters is a hash or an encoded blob, not a word.
const LONGEST_WORD: usize = 48;

static STOP_WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let english = stop_words::get(stop_words::Language::English);
    english.iter().copied().collect()
});

/// The terms of a conversation, message by message.
///
/// A term is an index below [`vocabulary`](Self::vocabulary); equal stems share one.
#[derive(Debug)]
pub(crate) struct Terms {
    messages: Vec<Vec<usize>>,
    // For each term its written forms, each with how often it occurs, first seen first.
    forms: Vec<Vec<(String, u32)>>,
}

impl Terms {
    /// Reads the terms of `texts`.
    pub(crate) fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut reader = Reader::new();
        let messages = texts.into_iter().map(|text| reader.read(text)).collect();
        Self {
            messages,
            forms: reader.forms,
        }
    }

    /// Returns the terms of each message, in the order they were written.
    pub(crate) fn messages(&self) -> &[Vec<usize>] {
        &self.messages
    }

    /// Returns how many different terms there are.
    pub(crate) fn vocabulary(&self) -> usize {
        self.forms.len()
    }

    /// Returns the most frequent written form of `term`; of equals the first.
    pub(crate) fn word(&self, term: usize) -> &str {
        let mut forms = self.forms[term].iter();
        let mut best = forms.next().expect("a term exists because it was written");
        for form in forms {
            if form.1 > best.1 {
                best = form;
            }
        }
        &best.0
    }
}

struct Reader {
    stemmer: Stemmer,
    ids: HashMap<String, usize>,
    forms: Vec<Vec<(String, u32)>>,
}

impl Reader {
    fn new() -> Self {
        Self {
            stemmer: Stemmer::create(Algorithm::English),
            ids: HashMap::new(),
            forms: Vec::new(),
        }
    }

    fn read(&mut self, text: &str) -> Vec<usize> {
        // The stop list and the stemmer know the typewriter's apostrophe only.
        let text = text.to_lowercase().replace('\u{2019}', "'");
        let words = text.unicode_words().filter(|word| carries_meaning(word));
        words.map(|word| self.term(word)).collect()
    }

    fn term(&mut self, word: &str) -> usize {
        let stem = if word.is_ascii() {
            self.stemmer.stem(word)
        } else {
            word.into()
        };
        let next = self.forms.len();
        let id = *self.ids.entry(stem.into_owned()).or_insert(next);
        if id == next {
            self.forms.push(Vec::new());
        }
        let forms = &mut self.forms[id];
        match forms.iter_mut().find(|(form, _)| form == word) {
            Some((_, count)) => *count += 1,
            None => forms.push((word.to_owned(), 1)),
        }
        id
    }
}

fn carries_meaning(word: &str) -> bool {
    // One Latin letter says nothing, one ideograph is a word.
    let single_letter = word.len() == 1;
    !single_letter
        && word.len() <= LONGEST_WORD
        && word.chars().any(char::is_alphabetic)
        && !STOP_WORDS.contains(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        let terms = Terms::of([text]);
        let message = &terms.messages()[0];
        message
            .iter()
            .map(|&term| terms.word(term).to_owned())
            .collect()
    }

    #[test]
    fn drops_stop_words_numbers_and_single_letters() {
        assert_eq!(
            words("The train isn\u{2019}t at 10 a.m. or 7 x"),
            ["train", "a.m"]
        );
    }

    #[test]
    fn joins_the_inflections_of_a_word_and_shows_the_commonest() {
        let terms = Terms::of(["The gardener was planting", "plants plants plant"]);
        assert_eq!(terms.messages()[0][1], terms.messages()[1][0]);
        assert_eq!(terms.word(terms.messages()[1][2]), "plants");
    }

    #[test]
    fn reads_scripts_other_than_latin() {
        assert_eq!(words("Привет, мир!"), ["привет", "мир"]);
        assert_eq!(words("学習").len(), 2);
    }

    #[test]
    fn skips_what_is_too_long_to_be_a_word() {
        assert_eq!(words(&format!("see {} there", "ab".repeat(40))), ["see"]);
    }

    proptest! {
        #[test]
        fn reads_any_text(texts in proptest::collection::vec(".{0,80}", 0..6)) {
            let terms = Terms::of(texts.iter().map(String::as_str));
            prop_assert_eq!(terms.messages().len(), texts.len());
            for &term in terms.messages().iter().flatten() {
                prop_assert!(term < terms.vocabulary());
                prop_assert!(!terms.word(term).is_empty());
            }
        }

        #[test]
        fn stems_any_ascii_word(text in "[a-z'.0-9_ ]{0,60}") {
            let _ = Terms::of([text.as_str()]);
        }
    }
}
