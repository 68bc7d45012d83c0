//! Reads SQL as far as needed to know which tables with which columns a migration leaves behind.
//!
//! Knows `CREATE`, `ALTER` and `DROP TABLE` as both databases spell them; types and constraints are not
//! compared, because they differ rightly. Pitfall: the order of columns counts,
//! because rows are read by position.

use std::collections::BTreeMap;

/// Tables with their columns in order.
pub type Schema = BTreeMap<String, Vec<String>>;

/// Words an entry of `CREATE TABLE` begins with when it is not a column.
const CONSTRAINTS: &[&str] = &["primary", "unique", "check", "foreign", "constraint", "exclude", "like"];

/// Carries out the statements of one migration.
pub fn apply(schema: &mut Schema, sql: &str) {
    let tokens = tokens(sql);
    for statement in tokens.split(|token| token == ";") {
        let words: Vec<&str> = statement.iter().map(String::as_str).filter(|word| !is_noise(word)).collect();
        match words.as_slice() {
            ["create", "table", rest @ ..] => {
                if let Some((name, body)) = table_name(rest) {
                    schema.insert(name, columns(body));
                }
            }
            ["drop", "table", rest @ ..] => {
                for name in rest.split(|word| *word == ",").filter_map(|name| table_name(name)) {
                    schema.remove(&name.0);
                }
            }
            ["alter", "table", rest @ ..] => {
                if let Some((name, change)) = table_name(rest) {
                    alter(schema, &name, change);
                }
            }
            _ => {}
        }
    }
}

fn alter(schema: &mut Schema, table: &str, change: &[&str]) {
    let Some(columns) = schema.get_mut(table) else { return };
    match change {
        ["rename", "to", name, ..] => {
            if let Some(columns) = schema.remove(table) {
                schema.insert((*name).to_owned(), columns);
            }
        }
        ["rename", "column", from, "to", to, ..] | ["rename", from, "to", to, ..] => {
            for column in columns.iter_mut().filter(|column| column == from) {
                *column = (*to).to_owned();
            }
        }
        ["drop", "column", name, ..] => columns.retain(|column| column != name),
        ["add", "column", name, ..] => columns.push((*name).to_owned()),
        ["add", name, ..] if !CONSTRAINTS.contains(name) => columns.push((*name).to_owned()),
        _ => {}
    }
}

/// Words that do not change which table is meant.
fn is_noise(word: &str) -> bool {
    matches!(word, "if" | "not" | "exists" | "only" | "temp" | "temporary" | "unlogged" | "null")
}

/// The table's name without its schema, and what follows it.
fn table_name<'a>(words: &'a [&'a str]) -> Option<(String, &'a [&'a str])> {
    match words {
        [_, ".", name, rest @ ..] | [name, rest @ ..] => Some(((*name).to_owned(), rest)),
        [] => None,
    }
}

/// The column names within the first pair of brackets.
fn columns(body: &[&str]) -> Vec<String> {
    let (mut depth, mut columns, mut entry_begins) = (0_usize, Vec::new(), false);
    for word in body {
        match *word {
            "(" => {
                depth += 1;
                entry_begins = depth == 1;
            }
            ")" if depth == 1 => return columns,
            ")" => depth = depth.saturating_sub(1),
            "," => entry_begins = depth == 1,
            name if entry_begins => {
                entry_begins = false;
                if !CONSTRAINTS.contains(&name) {
                    columns.push(name.to_owned());
                }
            }
            _ => {}
        }
    }
    columns
}

/// Words in lower case and single marks, without comments, texts and function bodies; quoted names are words.
fn tokens(sql: &str) -> Vec<String> {
    let (mut tokens, mut rest) = (Vec::new(), sql);
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '$' if rest.starts_with("$$") => rest[2..].find("$$").map_or(rest.len(), |end| end + 4),
            // A doubled quote within a text reads as two texts, which comes to the same.
            '\'' => rest[1..].find('\'').map_or(rest.len(), |end| end + 2),
            '"' => {
                let end = rest[1..].find('"').map_or(rest.len(), |end| end + 2);
                tokens.push(rest[..end].trim_matches('"').to_lowercase());
                end
            }
            c if c.is_alphanumeric() || c == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                tokens.push(rest[..end].to_lowercase());
                end
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push(c.to_string());
                }
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    tokens
}
