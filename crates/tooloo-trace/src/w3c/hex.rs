//! Lower-case hexadecimal, and no other.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The value of each byte as a digit; 16 and above for those that are none.
static VALUES: [u8; 256] = {
    let mut values = [0xff; 256];
    let mut digit = 0;
    while digit < DIGITS.len() {
        #[expect(clippy::cast_possible_truncation, reason = "there are sixteen digits")]
        {
            values[DIGITS[digit] as usize] = digit as u8;
        }
        digit += 1;
    }
    values
};

/// Reads exactly `2 * N` digits.
pub(crate) fn decode<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    // One test at the end instead of one a digit: what is no digit has a high bit set.
    let mut seen = 0;
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let (high, low) = (VALUES[usize::from(pair[0])], VALUES[usize::from(pair[1])]);
        seen |= high | low;
        *byte = (high << 4) | (low & 0xf);
    }
    (seen < 16).then_some(bytes)
}

/// Returns the two digits of each byte.
///
/// Plain arithmetic on a whole array, which compilers turn into a few vector instructions.
#[inline]
pub(crate) fn encode<const N: usize>(bytes: &[u8; N]) -> [[u8; 2]; N] {
    let mut text = [[0; 2]; N];
    for (pair, byte) in text.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 0xf)];
    }
    text
}

#[inline]
const fn digit(value: u8) -> u8 {
    const LETTERS: u8 = b'a' - 10 - b'0';
    value + b'0' + if value > 9 { LETTERS } else { 0 }
}
