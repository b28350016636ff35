//! Answers and token counts that follow from the prompt alone.

use fastrand::Rng;

/// Tokens that the chat format adds to each message, and to the whole.
const PER_MESSAGE: u32 = 4;
const PER_REQUEST: u32 = 3;

const OPENINGS: &[&str] = &[
    "In short,",
    "One way to see it:",
    "Taken step by step,",
    "The usual answer is that",
    "Looked at closely,",
];
const BRIDGES: &[&str] = &[
    "depends on",
    "is best understood through",
    "follows from",
    "is easily confused with",
    "can be traced back to",
    "is measured against",
];
const CLOSINGS: &[&str] = &[
    "which is why an example helps.",
    "so start with the smallest case.",
    "and the rest is practice.",
    "unless the inputs are biased.",
    "as long as the costs are counted.",
];

/// Writes an answer to `prompt`: the same prompt and model always get the same one.
pub(crate) fn answer(model: &str, prompt: &str) -> String {
    let mut rng = Rng::with_seed(fingerprint(model) ^ fingerprint(prompt).rotate_left(1));
    let mut words: Vec<&str> = prompt
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() > 3)
        .take(200)
        .collect();
    if words.is_empty() {
        words.push("this");
    }
    let pick = |rng: &mut Rng, from: &[&'static str]| from[rng.usize(..from.len())];
    let sentences: Vec<String> = (0..rng.usize(2..=5))
        .map(|_| {
            let (topic, ground) = (
                words[rng.usize(..words.len())],
                words[rng.usize(..words.len())],
            );
            let (opening, bridge) = (pick(&mut rng, OPENINGS), pick(&mut rng, BRIDGES));
            let closing = pick(&mut rng, CLOSINGS);
            format!("{opening} {topic} {bridge} {ground}, {closing}")
        })
        .collect();
    sentences.join(" ")
}

/// Splits text into pieces the way byte-pair encoders do on average: a word of up to six letters
/// is one token, a longer one is several; three digits are one; so is each mark, and each
/// character of scripts that such encoders have seen little of.
///
/// The pieces put together are the text, and there are never more of them than bytes.
pub(crate) fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        // A space belongs to the word after it.
        let lead = usize::from(first == ' ');
        let body = &rest[lead..];
        let length = match body.chars().next() {
            Some(c) if c.is_ascii_alphabetic() => run(body, 6, |c| c.is_ascii_alphabetic()),
            Some(c) if c.is_ascii_digit() => run(body, 3, |c| c.is_ascii_digit()),
            Some(c) => c.len_utf8(),
            None => 0,
        };
        let (token, after) = rest.split_at(lead + length);
        tokens.push(token);
        rest = after;
    }
    tokens
}

/// Counts the tokens of a chat's messages.
pub(crate) fn count_prompt<'a>(messages: impl Iterator<Item = &'a str>) -> u32 {
    messages.fold(PER_REQUEST, |sum, message| {
        let count = u32::try_from(tokens(message).len()).unwrap_or(u32::MAX);
        sum.saturating_add(PER_MESSAGE).saturating_add(count)
    })
}

/// Returns how many bytes of `text`, at most `limit`, match from its start.
fn run(text: &str, limit: usize, matches: impl Fn(char) -> bool) -> usize {
    // The characters matched are ASCII: as many bytes as characters.
    text.chars().take(limit).take_while(|&c| matches(c)).count()
}

/// Hashes text as FNV-1a does, the same on every machine and in every version.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_same_prompt_gets_the_same_answer_and_another_gets_another() {
        let answer = |prompt| super::answer("m", prompt);
        assert_eq!(answer("what is a graph"), answer("what is a graph"));
        assert_ne!(answer("what is a graph"), answer("what is a tree"));
        assert!(answer("Dijkstra").contains("Dijkstra"));
        assert!(!answer("").is_empty());
    }

    #[test]
    fn counts_like_an_encoder() {
        assert_eq!(tokens("Hello, world!"), ["Hello", ",", " world", "!"]);
        assert_eq!(
            tokens("segmentation 12345"),
            ["segmen", "tation", " 123", "45"]
        );
        assert_eq!(tokens("日本"), ["日", "本"]);
        assert_eq!(count_prompt(["Hello, world!"].into_iter()), 3 + 4 + 4);
    }

    proptest! {
        #[test]
        fn tokens_put_together_are_the_text(text in any::<String>()) {
            let tokens = tokens(&text);
            prop_assert!(tokens.len() <= text.len());
            prop_assert!(tokens.iter().all(|token| !token.is_empty()));
            prop_assert_eq!(tokens.concat(), text);
        }

        #[test]
        fn any_prompt_gets_an_answer(prompt in any::<String>()) {
            prop_assert!(!answer("m", &prompt).is_empty());
        }
    }
}
