//! Figures as people read them.

/// Writes milliseconds in the unit that suits them, to three digits.
pub(crate) fn duration(milliseconds: f64) -> String {
    let (value, unit) = match milliseconds {
        value if value < 0.9995 => (value * 1e3, "µs"),
        value if value < 999.5 => (value, "ms"),
        value => (value / 1e3, "s"),
    };
    let digits = match value {
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

/// Writes seconds as the two largest units that they fill.
pub(crate) fn uptime(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {:02}s", seconds % 60),
        (0, _, _) => format!("{hours}h {minutes:02}m"),
        _ => format!("{days}d {hours:02}h"),
    }
}

/// Writes a count with its thousands apart.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes events a second.
pub(crate) fn rate(a_second: f64) -> String {
    if a_second < 99.95 {
        format!("{a_second:.1}/s")
    } else {
        format!("{a_second:.0}/s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_take_the_unit_that_suits_them() {
        let shown = [
            0.0, 0.0123, 0.9994, 0.9996, 9.99, 12.345, 99.96, 999.4, 1000.0, 61_234.0,
        ]
        .map(duration);
        let expected = [
            "0.00 µs", "12.3 µs", "999 µs", "1.00 ms", "9.99 ms", "12.3 ms", "100 ms", "999 ms",
            "1.00 s", "61.2 s",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn uptimes_show_their_two_largest_units() {
        let shown = [0, 59, 61, 3_599, 3_600, 86_399, 90_000].map(uptime);
        assert_eq!(
            shown,
            [
                "0s", "59s", "1m 01s", "59m 59s", "1h 00m", "23h 59m", "1d 01h"
            ]
        );
    }

    #[test]
    fn counts_part_their_thousands() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
