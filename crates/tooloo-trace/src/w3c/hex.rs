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

/// The two digits of each byte.
static PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < pairs.len() {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 0xf]];
        byte += 1;
    }
    pairs
};

/// Writes `bytes` as digits into `text`, which has two places a byte.
#[inline]
pub(crate) fn encode(bytes: &[u8], text: &mut [u8]) {
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&PAIRS[usize::from(*byte)]);
    }
}
