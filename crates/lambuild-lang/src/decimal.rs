//! Exact decimals: what a number with a fraction is, and its arithmetic.
//! Nothing is ever rounded; what does not fit has no answer.

use std::cmp::Ordering;
use std::fmt;

/// The most digits after the point; with them, ten to the scale still fits 64 bits.
const MAX_SCALE: u8 = 18;

/// A number that is an integer of 64 bits divided by a power of ten. One number has
/// one form: there are no zeros at the end of the fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    mantissa: i64,
    scale: u8,
}

impl From<i64> for Decimal {
    fn from(mantissa: i64) -> Self {
        Decimal { mantissa, scale: 0 }
    }
}

impl Decimal {
    /// The number as written: digits, a point, digits, with a `-` before them or not.
    /// `None` for any other text, and for what does not fit.
    pub fn parse(text: &str) -> Option<Decimal> {
        let (whole, fraction) = text.split_once('.')?;
        let digits = whole.strip_prefix('-').unwrap_or(whole);
        let written = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !written(digits) || !written(fraction) {
            return None;
        }
        let fraction = fraction.trim_end_matches('0');
        let scale = u8::try_from(fraction.len())
            .ok()
            .filter(|scale| *scale <= MAX_SCALE)?;
        let mantissa = format!("{whole}{fraction}").parse().ok()?;
        Some(Decimal { mantissa, scale })
    }

    /// The number as an integer, when it has no fraction.
    pub fn integer(self) -> Option<i64> {
        (self.scale == 0).then_some(self.mantissa)
    }

    /// The sum; `None` beyond 64 bits.
    pub fn plus(self, other: Decimal) -> Option<Decimal> {
        let (a, b, scale) = self.aligned(other);
        Decimal::fit(a + b, scale)
    }

    /// The difference; `None` beyond 64 bits.
    pub fn minus(self, other: Decimal) -> Option<Decimal> {
        let (a, b, scale) = self.aligned(other);
        Decimal::fit(a - b, scale)
    }

    /// The product; `None` beyond 64 bits.
    pub fn times(self, other: Decimal) -> Option<Decimal> {
        let mantissa = i128::from(self.mantissa) * i128::from(other.mantissa);
        Decimal::fit(mantissa, u32::from(self.scale) + u32::from(other.scale))
    }

    /// The quotient by a number that is not 0; `None` when no decimal of 64 bits is exactly it.
    pub fn divided_by(self, other: Decimal) -> Option<Decimal> {
        let mut over = i128::from(self.mantissa) * power(u32::from(other.scale));
        let mut under = i128::from(other.mantissa) * power(u32::from(self.scale));
        let common = common_divisor(over.abs(), under.abs()) * under.signum();
        (over, under) = (over.checked_div(common)?, under.checked_div(common)?);
        let (twos, rest) = take_out(under, 2);
        let (fives, rest) = take_out(rest, 5);
        let scale = twos.max(fives);
        if rest != 1 || scale > u32::from(MAX_SCALE) {
            return None;
        }
        Decimal::fit(over.checked_mul(power(scale) / under)?, scale)
    }

    /// Both mantissas for the larger scale, and that scale.
    fn aligned(self, other: Decimal) -> (i128, i128, u32) {
        let scale = self.scale.max(other.scale);
        let raised = |of: Decimal| i128::from(of.mantissa) * power(u32::from(scale - of.scale));
        (raised(self), raised(other), u32::from(scale))
    }

    fn fit(mut mantissa: i128, mut scale: u32) -> Option<Decimal> {
        while scale > 0 && mantissa % 10 == 0 {
            (mantissa, scale) = (mantissa / 10, scale - 1);
        }
        let scale = u8::try_from(scale).ok().filter(|scale| *scale <= MAX_SCALE)?;
        Some(Decimal {
            mantissa: i64::try_from(mantissa).ok()?,
            scale,
        })
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b, _) = self.aligned(*other);
        a.cmp(&b)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As it is written in a file.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale == 0 {
            return self.mantissa.fmt(f);
        }
        let (sign, size) = (
            if self.mantissa < 0 { "-" } else { "" },
            self.mantissa.unsigned_abs(),
        );
        let unit = 10u64.pow(u32::from(self.scale));
        let width = usize::from(self.scale);
        write!(f, "{sign}{}.{:0width$}", size / unit, size % unit)
    }
}

/// Ten to a power of at most 36.
fn power(exponent: u32) -> i128 {
    10i128.pow(exponent)
}

fn common_divisor(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// How often a factor is in a number, and what remains without it.
fn take_out(mut number: i128, factor: i128) -> (u32, i128) {
    let mut count = 0;
    while number != 0 && number % factor == 0 {
        (number, count) = (number / factor, count + 1);
    }
    (count, number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    fn shown(result: Option<Decimal>) -> String {
        result.map_or("none".to_owned(), |number| number.to_string())
    }

    #[test]
    fn arithmetic_is_exact_or_has_no_answer() {
        assert_eq!(shown(decimal("0.1").plus(decimal("0.2"))), "0.3");
        assert_eq!(shown(decimal("0.5").plus(decimal("0.5"))), "1");
        assert_eq!(shown(decimal("1.5").times(decimal("-1.5"))), "-2.25");
        assert_eq!(shown(Decimal::from(1).divided_by(Decimal::from(8))), "0.125");
        assert_eq!(shown(decimal("0.3").divided_by(decimal("-0.1"))), "-3");
        assert_eq!(shown(Decimal::from(1).divided_by(Decimal::from(3))), "none");
        assert_eq!(shown(Decimal::from(i64::MAX).plus(decimal("0.5"))), "none");
        assert_eq!(
            shown(Decimal::from(i64::MIN).divided_by(Decimal::from(-1))),
            "none"
        );
        assert_eq!(
            shown(decimal("0.0000000001").times(decimal("0.0000000001"))),
            "none"
        );
    }

    #[test]
    fn one_number_has_one_form() {
        assert_eq!(decimal("1.50"), decimal("1.5"));
        assert_eq!(decimal("-2.0").integer(), Some(-2));
        assert_eq!(decimal("-0.05").to_string(), "-0.05");
        for wrong in [
            "1",
            "1.",
            ".5",
            "1.5e3",
            "+1.5",
            "1.-5",
            "9223372036854775807.5",
            "0.0000000000000000001",
        ] {
            assert_eq!(Decimal::parse(wrong), None, "{wrong}");
        }
    }

    fn numbers() -> impl Strategy<Value = Decimal> {
        (any::<i64>(), 0..=MAX_SCALE)
            .prop_map(|(mantissa, scale)| Decimal::fit(mantissa.into(), scale.into()).unwrap())
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(number in numbers()) {
            let text = number.to_string();
            let text = if number.integer().is_some() { format!("{text}.0") } else { text };
            prop_assert_eq!(Decimal::parse(&text), Some(number));
        }

        #[test]
        fn each_operation_undoes_its_opposite(a in numbers(), b in numbers()) {
            if let Some(sum) = a.plus(b) {
                prop_assert_eq!(sum.minus(b), Some(a));
            }
            if let Some(quotient) = a.divided_by(b).filter(|_| b != Decimal::from(0)) {
                prop_assert_eq!(quotient.times(b), Some(a));
            }
            if let Some(product) = a.times(b).filter(|_| b != Decimal::from(0)) {
                prop_assert_eq!(product.divided_by(b), Some(a));
            }
        }
    }
}
