//! Names of people, as text.

use super::findings::Place;

/// A `HumanName` as people read it: given names and family name, or else its text.
pub(super) fn name_text(name: &Place<'_>) -> Option<String> {
    let parts: Vec<&str> = name.element.all("given").filter_map(|g| g.as_text()).chain(name.text("family")).map(str::trim).collect();
    let joined = parts.join(" ");
    if joined.is_empty() { name.text("text").map(str::to_owned) } else { Some(joined) }
}
