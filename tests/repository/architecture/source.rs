//! Reads Rust source as far as needed to know which layers, crates and environment calls it names.
//!
//! Knows the form of tokens and paths, not the rules about them. Pitfall: an outside
//! crate counts only where it heads a path (`diesel::…`) or stands in a `use`; a local variable of the same
//! name does not.

use std::path::Path;

/// One thing a file names.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    /// The line it stands on, from 1.
    pub line: usize,
    /// Whether it stands in a unit test.
    pub in_tests: bool,
    pub target: Target,
}

/// What is named.
#[derive(Debug, PartialEq, Eq)]
pub enum Target {
    /// An item of the crate root, in most cases a layer; `*` for a glob over the root.
    Layer(String),
    /// The head of a path that is not `crate`, `self` or `super`.
    Crate(String),
    /// A call that reads or changes the process environment.
    Environment(String),
}

/// A word or a single mark, with its line.
#[derive(Debug)]
struct Token {
    line: usize,
    text: String,
}

/// Everything `text` names; `file` is its path below `src/`, which tells what `super` means in it.
pub fn named_in(file: &Path, text: &str) -> Vec<Named> {
    let tokens = tokens(text);
    let mut module = module_of(file);
    let whole_file_is_test = module.iter().any(|part| part == "tests");
    // The depth of braces at which each inline module ends, and whether it is one of tests.
    let mut inline: Vec<(usize, bool)> = Vec::new();
    let (mut depth, mut cfg_test, mut found) = (0_usize, false, Vec::new());
    for at in 0..tokens.len() {
        match word(&tokens, at) {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                if inline.last().is_some_and(|(end, _)| *end == depth) {
                    inline.pop();
                    module.pop();
                }
            }
            "cfg" if (1..4).map(|next| word(&tokens, at + next)).eq(["(", "test", ")"]) => cfg_test = true,
            "mod" if is_name(word(&tokens, at + 1)) => {
                if word(&tokens, at + 2) == "{" {
                    inline.push((depth, cfg_test));
                    module.push(word(&tokens, at + 1).to_owned());
                }
                cfg_test = false;
            }
            "use" | "fn" | "struct" | "enum" | "impl" | "const" | "static" => cfg_test = false,
            _ => {}
        }
        let leads = word(&tokens, at.wrapping_sub(1));
        let in_use = leads == "use" || leads == "crate" && word(&tokens, at.wrapping_sub(2)) == "extern";
        if !begins_path(&tokens, at, in_use) {
            continue;
        }
        let in_tests = whole_file_is_test || inline.iter().any(|(_, tests)| *tests);
        let mut paths = Vec::new();
        expand(&tokens, at, &[], &mut paths);
        for path in paths.iter().filter(|path| in_use || path.len() > 1) {
            let targets = targets_of(path, &module);
            found.extend(targets.into_iter().map(|target| Named { line: tokens[at].line, in_tests, target }));
        }
    }
    found
}

/// `src/store/slots.rs` and `src/store/slots/mod.rs` are `store::slots`.
fn module_of(file: &Path) -> Vec<String> {
    let stem = file.with_extension("");
    let parts = stem.iter().filter_map(|part| part.to_str()).map(str::to_owned);
    parts.filter(|part| !matches!(part.as_str(), "mod" | "lib" | "main")).collect()
}

/// The token's text; nothing outside the file.
fn word(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| token.text.as_str())
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// A path begins at a name, or at the group of a `use`, that no `::` or `.` leads to. A leading `::` counts
/// as nothing if no name stands before it.
fn begins_path(tokens: &[Token], at: usize, in_use: bool) -> bool {
    let here = word(tokens, at);
    if !(is_name(here) || in_use && here == "{") {
        return false;
    }
    match word(tokens, at.wrapping_sub(1)) {
        "." => false,
        "::" => {
            let before = word(tokens, at.wrapping_sub(2));
            !(is_name(before) && !matches!(before, "use" | "return" | "in" | "as") || before == ">")
        }
        _ => true,
    }
}

/// All paths that begin at a token, a `use` group multiplied out. Gives the position after it.
fn expand(tokens: &[Token], mut at: usize, before: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    loop {
        match word(tokens, at) {
            "{" => {
                at += 1;
                while !matches!(word(tokens, at), "}" | "") {
                    let next = expand(tokens, at, &path, paths);
                    at = next.max(at + 1);
                }
                return at + 1;
            }
            "*" => path.push("*".to_owned()),
            name if is_name(name) => path.push(name.to_owned()),
            _ => {}
        }
        at += 1;
        let goes_on = word(tokens, at) == "::";
        let next = word(tokens, at + 1);
        if goes_on && (is_name(next) || matches!(next, "{" | "*")) {
            at += 1;
            continue;
        }
        // `name as other` names no second thing.
        if word(tokens, at) == "as" {
            at += 2;
        }
        paths.push(path);
        return at;
    }
}

/// What a path within `module` names.
fn targets_of(path: &[String], module: &[String]) -> Vec<Target> {
    let mut targets = Vec::new();
    let mut pairs = path.iter().zip(path.iter().skip(1));
    if let Some((_, call)) = pairs.find(|(env, call)| *env == "env" && reads_environment(call)) {
        targets.push(Target::Environment(call.clone()));
    }
    let Some(head) = path.first() else { return targets };
    match head.as_str() {
        "crate" => targets.extend(path.get(1).filter(|name| *name != "self").cloned().map(Target::Layer)),
        "super" | "self" => {
            let ups = path.iter().filter(|part| *part == "super").count();
            let rest = path.iter().find(|part| !matches!(part.as_str(), "super" | "self"));
            if ups >= module.len() && ups > 0 {
                targets.extend(rest.cloned().map(Target::Layer));
            }
        }
        name => targets.push(Target::Crate(name.to_owned())),
    }
    targets
}

fn reads_environment(call: &str) -> bool {
    matches!(call, "var" | "var_os" | "vars" | "vars_os" | "set_var" | "remove_var" | "*")
}

/// Names and marks without comments, texts and characters; `::` is one token.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let (mut tokens, mut i, mut line) = (Vec::new(), 0, 1);
    while i < chars.len() {
        let begin = i;
        match at(i) {
            '/' if at(i + 1) == '/' => i += chars.iter().skip(i).take_while(|c| **c != '\n').count(),
            '/' if at(i + 1) == '*' => i = after_block_comment(&chars, i),
            '"' => i = after_text(&chars, i),
            '\'' if at(i + 1) == '\\' => i += 3 + chars.iter().skip(i + 3).take_while(|c| **c != '\'').count() + 1,
            '\'' if at(i + 2) == '\'' => i += 3,
            c if c.is_alphanumeric() || c == '_' => {
                i += chars.iter().skip(i).take_while(|c| c.is_alphanumeric() || **c == '_').count();
                let word: String = chars.get(begin..i).unwrap_or_default().iter().collect();
                let hashes = chars.iter().skip(i).take_while(|c| **c == '#').count();
                if matches!(word.as_str(), "r" | "br" | "cr") && at(i + hashes) == '"' {
                    i = after_raw_text(&chars, i, hashes);
                } else {
                    tokens.push(Token { line, text: word });
                }
            }
            ':' if at(i + 1) == ':' => {
                i += 2;
                tokens.push(Token { line, text: "::".to_owned() });
            }
            c if c.is_whitespace() => i += 1,
            c => {
                i += 1;
                tokens.push(Token { line, text: c.to_string() });
            }
        }
        line += chars.iter().take(i).skip(begin).filter(|c| **c == '\n').count();
    }
    tokens
}

fn after_block_comment(chars: &[char], mut i: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(pair) = chars.get(i..i + 2) {
        match pair {
            ['/', '*'] => depth += 1,
            ['*', '/'] => depth -= 1,
            _ => {
                i += 1;
                continue;
            }
        }
        i += 2;
        if depth == 0 {
            return i;
        }
    }
    chars.len()
}

fn after_text(chars: &[char], begin: usize) -> usize {
    let mut i = begin + 1;
    while let Some(c) = chars.get(i) {
        match c {
            '"' => return i + 1,
            '\\' => i += 2,
            _ => i += 1,
        }
    }
    chars.len()
}

fn after_raw_text(chars: &[char], begin: usize, hashes: usize) -> usize {
    let mut i = begin + hashes + 1;
    while i < chars.len() {
        let closing = chars.iter().skip(i + 1).take(hashes).filter(|c| **c == '#').count();
        if chars.get(i) == Some(&'"') && closing == hashes {
            return i + 1 + hashes;
        }
        i += 1;
    }
    chars.len()
}
