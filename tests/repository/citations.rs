//! Goal: every citation of a document of this repository leads somewhere.
//! Method: all files are read as text. Collected are `docs/….md` with or without `#anchor`, also where a comment is broken
//! into lines; a bare `#anchor` that follows in the same sentence, which means the same document; and the relative links of
//! Markdown. File and heading must exist, by the rule with which GitHub makes anchors of headings.

use super::root;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path};

/// Folders that are not sources.
const NOT_SOURCES: [&str; 3] = ["target", "node_modules", "__pycache__"];
/// Files that cite nothing: this one speaks of citations, the other one names a crate.
const NOT_READ: [&str; 2] = ["citations.rs", "Cargo.lock"];
/// How far behind a citation a bare `#anchor` still belongs to it, in bytes.
const SENTENCE_BYTES: usize = 200;
/// Names the cited documents once had. Nobody outside could look them up.
const FORMER_NAMES: [&str; 2] = ["decisions.md", "the digest"];

/// A place that is named: in which file and line, which document, and which heading of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Citation {
    line: usize,
    document: String,
    anchor: Option<String>,
}

/// Every text file with its path below the root.
fn sources() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let hidden = name.starts_with('.') && name != ".ci";
            if hidden || NOT_READ.contains(&name.as_str()) || path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                if !NOT_SOURCES.contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if let Ok(text) = fs::read_to_string(&path) {
                let below = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                found.insert(below, text);
            }
        }
    }
    found
}

/// The text as one line, without what begins a comment line, and where each line of the file begins in it.
fn joined(text: &str) -> (String, Vec<usize>) {
    let mut whole = String::new();
    let mut begins = Vec::new();
    for line in text.lines() {
        begins.push(whole.len());
        let line = line.trim();
        let leader = ["//!", "///", "//", "# ", "-- "].into_iter().find(|leader| line.starts_with(leader)).unwrap_or("");
        whole.push_str(line[leader.len()..].trim());
        // An empty line ends a sentence.
        whole.push(if line.len() == leader.trim_end().len() { '\n' } else { ' ' });
    }
    (whole, begins)
}

fn anchor_at(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('#')?;
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_')).unwrap_or(rest.len());
    let anchor = rest[..end].trim_end_matches('-');
    anchor.starts_with(char::is_alphanumeric).then_some(anchor)
}

/// The citations in a text.
fn citations(text: &str) -> Vec<Citation> {
    let (whole, begins) = joined(text);
    let line_of = |at: usize| begins.partition_point(|begin| *begin <= at);
    let mut found = Vec::new();
    for (at, _) in whole.match_indices("docs/") {
        let before = whole[..at].chars().next_back();
        // Part of another path, or the target of a link, which is relative to its file.
        if before.is_some_and(|c| c.is_alphanumeric() || "/._-".contains(c)) || whole[..at].ends_with("](") {
            continue;
        }
        let end = whole[at..].find(|c: char| !(c.is_alphanumeric() || "/._-".contains(c))).map_or(whole.len(), |end| at + end);
        let Some(stem) = whole[at..end].find(".md") else { continue };
        let path_end = at + stem + ".md".len();
        let document = whole[at..path_end].to_owned();
        let own = anchor_at(&whole[path_end..]);
        found.push(Citation { line: line_of(at), document: document.clone(), anchor: own.map(str::to_owned) });
        let Some(own) = own else { continue };
        let mut limit = (path_end + 1 + own.len() + SENTENCE_BYTES).min(whole.len());
        while !whole.is_char_boundary(limit) {
            limit -= 1;
        }
        let rest = &whole[path_end + 1 + own.len()..limit];
        let stops = [")", ". ", "\n", "docs/"].into_iter().filter_map(|stop| rest.find(stop)).min().unwrap_or(rest.len());
        for (mark, _) in rest[..stops].match_indices(" #") {
            if let Some(anchor) = anchor_at(&rest[mark + 1..]) {
                let line = line_of(path_end + 1 + own.len() + mark + 1);
                found.push(Citation { line, document: document.clone(), anchor: Some(anchor.to_owned()) });
            }
        }
    }
    found
}

/// The lines of a Markdown file outside its blocks of code, numbered.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut in_code = false;
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            lines.push((at + 1, line));
        }
    }
    lines
}

/// The relative links of a Markdown file, each as the path below the root that it leads to.
fn links(path: &str, text: &str) -> Vec<Citation> {
    let mut found = Vec::new();
    for (line, prose) in prose(text) {
        for (at, _) in prose.match_indices("](") {
            let rest = &prose[at + 2..];
            let target = &rest[..rest.find([')', ' ']).unwrap_or(rest.len())];
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor.to_owned())));
            let document = if file.is_empty() { path.to_owned() } else { below_root(path, file) };
            found.push(Citation { line, document, anchor });
        }
    }
    found
}

fn below_root(from: &str, to: &str) -> String {
    let mut parts: Vec<String> =
        Path::new(from).parent().unwrap().components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
    for component in Path::new(to).components() {
        match component {
            Component::ParentDir => assert!(parts.pop().is_some(), "{from}: {to} leads out of the repository"),
            Component::CurDir => {}
            other => parts.push(other.as_os_str().to_string_lossy().into_owned()),
        }
    }
    parts.join("/")
}

/// The anchors of a Markdown file: of each heading in small letters, blanks as hyphens, without punctuation, and numbered
/// where there was one of the same name before.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = BTreeSet::new();
    for (_, line) in prose(text) {
        let Some(heading) = line.strip_prefix('#').map(|rest| rest.trim_start_matches('#')).filter(|rest| rest.starts_with(' ')) else {
            continue;
        };
        let kept = heading.trim().to_lowercase().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
        let slug = kept.replace(' ', "-");
        let before = seen.entry(slug.clone()).or_default();
        found.insert(if *before == 0 { slug } else { format!("{slug}-{before}") });
        *before += 1;
    }
    found
}

#[test]
fn every_citation_leads_somewhere() {
    let sources = sources();
    let mut wrong = Vec::new();
    let mut followed = 0;
    for (path, text) in &sources {
        let mut all = citations(text);
        if Path::new(path).extension().is_some_and(|extension| extension == "md") {
            all.extend(links(path, text));
        }
        for Citation { line, document, anchor } in all {
            let place = format!("{path}:{line}");
            followed += 1;
            match (sources.get(&document), anchor) {
                (Some(cited), Some(anchor)) if !anchors(cited).contains(&anchor) => {
                    wrong.push(format!("{place}: {document} has no heading #{anchor}"));
                }
                (None, _) if !root().join(&document).exists() => wrong.push(format!("{place}: there is no {document}")),
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "citations that lead nowhere:\n{}", wrong.join("\n"));
    assert!(followed > 300, "only {followed} citations were found: they are no longer read rightly");
}

#[test]
fn nothing_is_cited_that_is_not_in_the_repository() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let (whole, begins) = joined(&text);
        let small = whole.to_lowercase();
        // Small letters may be of another length; then the line is not told exactly.
        let line_of = |at: usize| begins.partition_point(|begin| *begin <= at);
        for name in FORMER_NAMES {
            wrong.extend(small.match_indices(name).map(|(at, _)| format!("{path}:{}: {name}", line_of(at))));
        }
        for (at, _) in whole.match_indices("igest ") {
            let section = whole[at + "igest ".len()..].split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
            if section.len() == 1 && ("A"..="I").contains(&section) {
                wrong.push(format!("{path}:{}: digest {section}", line_of(at)));
            }
        }
    }
    assert!(wrong.is_empty(), "cite docs/contract.md or docs/specification/ instead:\n{}", wrong.join("\n"));
}

#[test]
fn citations_are_read_as_people_read_them() {
    let cited = |text: &str| -> Vec<String> {
        citations(text).into_iter().map(|c| format!("{} {} {}", c.line, c.document, c.anchor.unwrap_or_default())).collect()
    };
    assert_eq!(cited("// as docs/a.md says."), ["1 docs/a.md "]);
    assert_eq!(
        cited("/// (docs/b/a.md#a7-book to\n/// #a9-cancel, row 4; #x) and #y"),
        ["1 docs/b/a.md a7-book", "2 docs/b/a.md a9-cancel", "2 docs/b/a.md x"]
    );
    assert_eq!(cited("//! one (x;\n//! docs/a.md#limits, 4).\n//!\n//! #not-this"), ["2 docs/a.md limits"]);
    assert_eq!(cited("# docs/a.md#one,\n# #two\n#[test]"), ["1 docs/a.md one", "2 docs/a.md two"]);
    assert!(cited("https://example.org/docs/a.md ../docs/a.md docs/a.json [a](docs/a.md)").is_empty());
    let linked: Vec<_> = links("docs/x/a.md", "[a](../b.md#c) [d](#e) [f](https://x.example/g.md)\n```\n[h](i.md)\n```\n");
    let expected = [("docs/b.md", "c"), ("docs/x/a.md", "e")];
    assert_eq!(linked.iter().map(|c| (c.document.as_str(), c.anchor.as_deref().unwrap())).collect::<Vec<_>>(), expected);
}

#[test]
fn anchors_are_those_of_github() {
    let page = "# Names, ids, time\n## A.10 Appointment search\n### `serve --demo`\n```\n# not one\n```\n## Same\n## Same\n#no heading\n";
    let expected = ["a10-appointment-search", "names-ids-time", "same", "same-1", "serve---demo"];
    assert_eq!(anchors(page).into_iter().collect::<Vec<_>>(), expected);
}
