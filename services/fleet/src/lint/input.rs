//! Reads files, or standard input.

use std::{
    fs::File,
    io::{self, Error, ErrorKind, Read},
};

/// How many bytes one file may have.
const MOST: u64 = 16 << 20;

/// Reads a file, or standard input where the name is `-`.
pub(super) fn read(name: &str) -> io::Result<String> {
    let text = if name == "-" {
        take(io::stdin().lock())
    } else {
        take(File::open(name)?)
    }?;
    String::from_utf8(text).map_err(|_| Error::new(ErrorKind::InvalidData, "not text in UTF-8"))
}

fn take(input: impl Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    input.take(MOST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MOST {
        let error = format!("larger than {} MiB", MOST >> 20);
        return Err(Error::new(ErrorKind::FileTooLarge, error));
    }
    Ok(text)
}
