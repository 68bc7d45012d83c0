//! Cursors as text: where a page ended, for the `_cursor` of a `next` link.
//!
//! The text is opaque to consumers and safe in a URL. It is not signed: a forged one only names another place in a
//! list its sender may read anyway. Only the one spelling that [`cursor_text`] writes is read back, so that two
//! links never differ and mean the same.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use domain::ids::is_fhir_id;
use domain::search::Cursor;
use domain::time::Timestamp;

/// The text of a cursor.
pub fn cursor_text(cursor: &Cursor) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}/{}", cursor.start.ms(), cursor.id))
}

/// The cursor of a text that [`cursor_text`] wrote; `None` for every other text.
pub fn parse_cursor(text: &str) -> Option<Cursor> {
    let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let (start, id) = plain.split_once('/')?;
    let cursor = Cursor { start: Timestamp::from_ms(start.parse().ok()?), id: id.to_owned() };
    (is_fhir_id(id) && cursor_text(&cursor) == text).then_some(cursor)
}
