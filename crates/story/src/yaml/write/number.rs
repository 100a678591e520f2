//! Numbers -> text.

/// Writes a float as JavaScript does, in the shortest digits that read back equal, but always with
/// a dot: a reader must see a float, and YAML 1.1 knows no `5e-7`.
pub(crate) fn float_text(float: f64) -> String {
    if float.is_nan() {
        return ".nan".to_owned();
    }
    let sign = if float.is_sign_negative() { "-" } else { "" };
    if float.is_infinite() {
        return format!("{sign}.inf");
    }
    if float == 0.0 {
        return format!("{sign}0.0");
    }
    let scientific = format!("{:e}", float.abs());
    let (mantissa, exponent) = scientific.split_once('e').expect("{:e} writes an exponent");
    let digits = mantissa.replace('.', "");
    let exponent: i32 = exponent.parse().expect("{:e} writes a decimal exponent");
    // As in ECMAScript's Number::toString: the number is 0.digits times ten to the `point`.
    let point = exponent + 1;
    let length = i32::try_from(digits.len()).expect("a float has at most 17 digits");
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let text = if length <= point && point <= 21 {
        format!("{digits}{}.0", zeros(point - length))
    } else if 0 < point && point <= 21 {
        let at = usize::try_from(point).unwrap_or(0);
        format!("{}.{}", &digits[..at], &digits[at..])
    } else if -6 < point && point <= 0 {
        format!("0.{}{digits}", zeros(-point))
    } else {
        let direction = if exponent < 0 { '-' } else { '+' };
        let (first, rest) = digits.split_at(1);
        format!("{first}.{rest}e{direction}{}", exponent.abs())
    };
    format!("{sign}{text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;
    use crate::yaml::resolve;

    #[test]
    fn float_text_is_short_and_reads_back() {
        let table = [
            (1.5, "1.5"),
            (-0.1, "-0.1"),
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (1e20, "100000000000000000000.0"),
            (1e21, "1.e+21"),
            (1.25e21, "1.25e+21"),
            (0.000_001, "0.000001"),
            (1e-7, "1.e-7"),
            (1.5e-7, "1.5e-7"),
            (123_456.789, "123456.789"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5.e-324"),
            (f64::INFINITY, ".inf"),
            (f64::NEG_INFINITY, "-.inf"),
            (f64::NAN, ".nan"),
        ];
        for (float, expected) in table {
            let text = float_text(float);
            assert_eq!(text, expected, "text of {float:?}");
            let read = resolve::plain(&text);
            assert!(
                read.same(&Value::Float(float)),
                "{text} reads back as {float:?}, not {read:?}"
            );
        }
    }
}
