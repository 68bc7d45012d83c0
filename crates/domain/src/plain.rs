//! Text from outside as it is printed: consumers choose names and reasons, and a terminal does what control characters say.
//!
//! Pitfall: control characters are not the only danger. Bidirectional overrides change the order in which a line is read, so
//! that a name can look like another one, or like the column beside it.

/// The text with a space for each character that would not be seen as itself.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { ' ' } else { c }).collect()
}

/// The same for a text of several lines, which stay lines.
pub fn plain_lines(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) && c != '\n' { ' ' } else { c }).collect()
}

/// JSON with such characters written as escapes, so that nothing is lost and nothing is printed raw.
pub fn plain_json(json: &str) -> String {
    let mut plain = String::with_capacity(json.len());
    for c in json.chars() {
        // Line breaks stand between elements; within a text JSON has escaped them already.
        if is_hidden(c) && c != '\n' { plain.push_str(&format!("\\u{:04x}", u32::from(c))) } else { plain.push(c) }
    }
    plain
}

/// Control characters, separators of lines and paragraphs, and everything that sets the direction of a text.
fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIDDEN: &str = "a\u{1b}[2J\u{7}b\u{202e}c\u{2066}d\u{200f}e\u{9b}f\u{2028}g";

    #[test]
    fn nothing_hidden_is_left_and_nothing_else_is_changed() {
        assert_eq!(plain(HIDDEN), "a [2J b c d e f g");
        assert_eq!(plain("one\ntwo\tthree"), "one two three");
        assert_eq!(plain_lines("one\ntwo\u{202e}\rthree"), "one\ntwo  three");
        for kept in ["Zoë O’Brien-Łukasz", "ناصر", "👩‍⚕️", "a  b"] {
            assert_eq!(plain(kept), kept);
        }
    }

    #[test]
    fn json_keeps_what_it_says() {
        let json = plain_json("{\"a\": \"x\u{202e}y\"}\n");
        assert_eq!(json, "{\"a\": \"x\\u202ey\"}\n");
    }
}
