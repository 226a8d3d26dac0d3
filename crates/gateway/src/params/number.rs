//! Whole numbers as clients spell them. Some hold an id in a float and print `1e+06`.

/// A signed 64-bit number from decimal digits, with an optional fraction and exponent as long as the value
/// is whole: `3`, `3.0`, `1.234567e+06`. A `+` that became a space in a query counts as one.
pub(super) fn parse(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let text = text.replace(' ', "+");
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text.as_str(), 0),
    };
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if whole.is_empty() || digits.len() > 30 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let shift = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    if shift.unsigned_abs() > 30 {
        return None;
    }
    let digits: i128 = digits.parse().ok()?;
    let power = 10_i128.checked_pow(shift.unsigned_abs())?;
    let value = if shift >= 0 {
        digits.checked_mul(power)?
    } else if digits % power == 0 {
        digits / power
    } else {
        return None;
    };
    i64::try_from(value.checked_mul(sign)?).ok()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn whole_numbers_in_any_spelling() {
        for (text, number) in [
            ("3", 3),
            ("3.0", 3),
            ("+7", 7),
            ("-2", -2),
            ("1e+06", 1_000_000),
            ("1e 06", 1_000_000),
            ("1.234567e+06", 1_234_567),
            ("3.048003698e+09", 3_048_003_698),
            ("1200e-2", 12),
            ("9223372036854775807", i64::MAX),
            ("9.007199254740993e15", 9_007_199_254_740_993),
        ] {
            assert_eq!(parse(text), Some(number), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_whole_number_is_none() {
        for text in [
            "",
            " ",
            "x",
            "1.5",
            "1e-1",
            "1e309",
            "9223372036854775808",
            "0x10",
            "１",
            ".5",
            "e5",
            "--1",
            "1e",
            "NaN",
            "inf",
            "1e99999999999",
            "1,000",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
