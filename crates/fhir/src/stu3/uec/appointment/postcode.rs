//! The form of a UK postcode.
//!
//! Knows forms only: whether a postcode exists is not checked. Some postcodes belong to no house and are valid all
//! the same, such as those of the forces (`BFPO 57`) and the pseudo postcodes of people without a fixed abode
//! (`ZZ99 3VZ`).

/// True when `text` has the form of a UK postcode, in either case, with or without its one space.
pub(super) fn is_postcode(text: &str) -> bool {
    let text = text.to_ascii_uppercase();
    if let Some(number) = text.strip_prefix("BFPO") {
        let number = number.strip_prefix(' ').unwrap_or(number);
        return (1..=4).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    }
    let Some((outward, inward)) = text.len().checked_sub(3).and_then(|at| text.split_at_checked(at)) else { return false };
    let outward = outward.strip_suffix(' ').unwrap_or(outward);
    if outward == "GIR" {
        return inward == "0AA";
    }
    form(inward) == "9AA" && outward_fits(outward)
}

/// `DH7`, `M1`, `SW1A`: an area of one or two letters, and a district.
fn outward_fits(outward: &str) -> bool {
    let second = outward.chars().nth(1);
    match form(outward).as_str() {
        "A9" | "A99" | "A9A" => true,
        // No area has I or Z in second place, but for the pseudo postcodes.
        "AA9" | "AA99" | "AA9A" => !matches!(second, Some('I' | 'Z')) || outward == "ZZ99",
        _ => false,
    }
}

/// The text with every letter as `A` and every digit as `9`.
fn form(text: &str) -> String {
    let letter = |c: char| if c.is_ascii_uppercase() { 'A' } else { c };
    text.chars().map(|c| if c.is_ascii_digit() { '9' } else { letter(c) }).collect()
}

#[cfg(test)]
mod tests {
    use super::is_postcode;

    #[test]
    fn a_postcode_is_known_in_either_case_and_without_the_space() {
        for text in
            ["DH7 9QQ", "M1 1AE", "M60 1NW", "W1A 1HQ", "CR2 6XH", "EC1A 1BB", "GIR 0AA", "BFPO 57", "BF1 3AA", "ZZ99 3VZ", "ZZ99 3WZ"]
        {
            assert!(is_postcode(text), "{text}");
            assert!(is_postcode(&text.to_lowercase()), "{text} in lower case");
            assert!(is_postcode(&text.replace(' ', "")), "{text} without space");
        }
    }

    #[test]
    fn what_only_resembles_a_postcode_is_not_one() {
        for text in [
            "",
            "DH",
            "DH7",
            "DH7  9QQ",
            " DH7 9QQ",
            "12345",
            "DH7-9QQ",
            "DH7 QQ9",
            "AZ1 1AA",
            "GIR 1AA",
            "BFPO",
            "BFPO 12345",
            "ÄÖ1 1AA",
            "é9QQ",
        ] {
            assert!(!is_postcode(text), "{text}");
        }
    }
}
