//! The NHS number: ten digits, the last of which checks the others (NHS Data Dictionary, modulus 11).

/// A number with a valid check digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NhsNumber(String);

/// Why a text is not an NHS number. The text itself is never repeated: it may be a patient's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnNhsNumber {
    /// Anything but ten digits.
    #[error("an NHS number is ten digits without spaces")]
    NotTenDigits,
    /// Ten digits of which the last does not fit the others.
    #[error("the check digit (the tenth) does not fit the other nine")]
    WrongCheckDigit,
}

impl NhsNumber {
    /// The number in `text`: exactly ten digits whose weighted sum (10 down to 2) fits the check digit.
    pub fn parse(text: &str) -> Result<Self, NotAnNhsNumber> {
        if text.len() != 10 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotAnNhsNumber::NotTenDigits);
        }
        let (head, last) = text.split_at(9);
        match check_digit(head) {
            Some(digit) if last.bytes().eq([b'0' + digit]) => Ok(Self(text.to_owned())),
            _ => Err(NotAnNhsNumber::WrongCheckDigit),
        }
    }

    /// A number that was proven before it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The ten digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The check digit of nine digits; `None` when there is none (a remainder of ten is never issued).
pub fn check_digit(nine: &str) -> Option<u8> {
    let sum: u32 = nine.bytes().zip((2..=10u32).rev()).map(|(b, weight)| u32::from(b.wrapping_sub(b'0')) * weight).sum();
    match 11 - sum % 11 {
        11 => Some(0),
        10 => None,
        digit => u8::try_from(digit).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nhs_number::NHSNumber as Oracle;
    use proptest::prelude::*;

    /// Whether ten digits are valid by a third-party crate.
    fn oracle(text: &str) -> bool {
        text.parse::<Oracle>().is_ok_and(|number| number.validate_check_digit())
    }

    #[test]
    fn the_form_is_ten_digits_and_nothing_laxer() {
        for wrong in ["", "999048213", "99904821366", "999 048 2136", "999048213X", "٩٩٩٠٤٨٢١٣٦"] {
            assert_eq!(NhsNumber::parse(wrong), Err(NotAnNhsNumber::NotTenDigits), "{wrong}");
        }
        assert_eq!(NhsNumber::parse("9990482135"), Err(NotAnNhsNumber::WrongCheckDigit));
        assert_eq!(NhsNumber::parse("9990482136").unwrap().as_str(), "9990482136");
    }

    proptest! {
        #[test]
        fn the_check_digit_is_what_others_say(number in 9_990_000_000u64..=9_999_999_999) {
            let text = number.to_string();
            prop_assert_eq!(NhsNumber::parse(&text).is_ok(), oracle(&text));
        }
    }
}
