//! What a source file looks like.

use std::path::Path;

use crate::workspace::Source;

/// How long a file may be before its tests.
const LONGEST: usize = 250;

/// Finds files that are too long before their tests.
pub(crate) fn length(sources: &[Source]) -> Vec<String> {
    let lengths = shipped(sources).map(|source| (source, before_tests(&source.text).count()));
    lengths
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(source, lines)| format!("{}: {lines} lines", source.path.display()))
        .collect()
}

/// Finds files that do not say on their first line what they are for.
pub(crate) fn job(sources: &[Source]) -> Vec<String> {
    let silent = |source: &&Source| {
        !source
            .text
            .lines()
            .next()
            .is_some_and(|line| line.starts_with("//! "))
    };
    sources
        .iter()
        .filter(silent)
        .map(|source| source.path.display().to_string())
        .collect()
}

/// Finds `unwrap` outside of tests and documentation.
pub(crate) fn unwraps(sources: &[Source]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in shipped(sources) {
        for (number, line) in before_tests(&source.text).enumerate() {
            let code = line.split("//").next().unwrap_or(line);
            if code.contains(".unwrap()") {
                breaches.push(format!("{}:{}", source.path.display(), number + 1));
            }
        }
    }
    breaches
}

/// Returns the lines of a file that come before its tests.
pub(crate) fn before_tests(text: &str) -> impl Iterator<Item = &str> {
    let mut lines = text.lines().peekable();
    std::iter::from_fn(move || {
        let line = lines.next()?;
        let module = lines.peek().is_some_and(|next| opens_module(next));
        (line != "#[cfg(test)]" || !module).then_some(line)
    })
    .fuse()
}

fn opens_module(line: &str) -> bool {
    let words = line.split(' ');
    let mut words =
        words.skip_while(|word| word.starts_with("pub") || *word == "in" || word.ends_with(')'));
    words.next() == Some("mod")
}

fn shipped(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources.iter().filter(|source| !is_test(&source.path))
}

/// Whether a file holds nothing but tests: `tests.rs`, or anything in a folder called `tests`.
fn is_test(path: &Path) -> bool {
    path.with_extension("").iter().any(|part| part == "tests")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> [Source; 1] {
        [Source {
            path: path.into(),
            text: text.to_owned(),
        }]
    }

    #[test]
    fn a_long_file_is_found() {
        let (full, over) = ("x\n".repeat(250), "x\n".repeat(251));
        assert_eq!(length(&source("crates/a/src/a.rs", &full)).len(), 0);
        assert_eq!(
            length(&source("crates/a/src/a.rs", &over)),
            ["crates/a/src/a.rs: 251 lines"]
        );
        assert_eq!(length(&source("crates/a/tests/a.rs", &over)).len(), 0);
        assert_eq!(length(&source("crates/a/src/a/tests.rs", &over)).len(), 0);
        let tested = format!("{full}#[cfg(test)]\nmod tests {{\n{over}");
        assert_eq!(length(&source("crates/a/src/a.rs", &tested)).len(), 0);
        let dodged = format!("#[cfg(test)]\nfn one() {{}}\n{full}");
        assert_eq!(length(&source("crates/a/src/a.rs", &dodged)).len(), 1);
    }

    #[test]
    fn tests_begin_with_their_module() {
        for module in [
            "mod tests {",
            "pub(crate) mod tests {",
            "pub(in crate::a) mod tests {",
            "mod tests;",
        ] {
            let text = format!("one\n#[cfg(test)]\n{module}\n");
            assert_eq!(before_tests(&text).count(), 1, "{module}");
        }
        for dodge in ["fn module() {", "use mod_tests;", "// mod tests {"] {
            let text = format!("one\n#[cfg(test)]\n{dodge}\n");
            assert_eq!(before_tests(&text).count(), 3, "{dodge}");
        }
    }

    #[test]
    fn a_file_that_does_not_say_its_job_is_found() {
        assert_eq!(job(&source("a.rs", "//! Tells the time.\n")).len(), 0);
        for silent in [
            "",
            "use std::fmt;\n//! Late.",
            "//!\n//! Late.",
            "// A comment.",
            "/// An item's.",
        ] {
            assert_eq!(job(&source("a.rs", silent)).len(), 1, "{silent:?}");
        }
    }

    #[test]
    fn an_unwrap_that_ships_is_found() {
        let unwrap = "fn one() {\n    two().unwrap();\n}\n";
        assert_eq!(
            unwraps(&source("crates/a/src/a.rs", unwrap)),
            ["crates/a/src/a.rs:2"]
        );
        assert_eq!(unwraps(&source("crates/a/tests/a.rs", unwrap)).len(), 0);
        assert_eq!(
            unwraps(&source("crates/a/src/a.rs", "/// two().unwrap();")).len(),
            0
        );
        let tested = format!("#[cfg(test)]\nmod tests {{\n{unwrap}");
        assert_eq!(unwraps(&source("crates/a/src/a.rs", &tested)).len(), 0);
    }
}
