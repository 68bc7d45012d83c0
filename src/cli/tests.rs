//! docs/configuration.md lists every flag as clap knows it; the test here fails when the two differ.

use super::Cli;
use super::config;
use clap::{Arg, ArgAction, Command, CommandFactory};
use std::fmt::Write as _;
use std::fs;

/// The document, below the package.
const DOCUMENT: &str = "docs/configuration.md";
/// What is between these two lines is written by the test, everything else by hand.
const BEGIN: &str = "<!-- flags: begin -->\n";
/// See [`BEGIN`].
const END: &str = "<!-- flags: end -->\n";
/// How the document is written anew.
const REWRITE: &str = "SLOTKEEPER_TEST_REWRITE";

/// Every flag of every command, as Markdown.
fn tables(cli: &Command) -> String {
    let mut text = String::from("\n### All commands\n");
    table(&mut text, None, &cli.get_arguments().filter(|arg| is_listed(arg)).collect::<Vec<_>>());
    for command in cli.get_subcommands().filter(|command| !command.is_hide_set()) {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        write!(text, "\n### {}\n\n{}.\n", command.get_name(), plain(&about)).unwrap();
        let args: Vec<&Arg> = command.get_arguments().filter(|arg| is_listed(arg)).collect();
        let mut headings: Vec<Option<&str>> = args.iter().map(|arg| arg.get_help_heading()).collect();
        headings.dedup();
        headings.sort_by_key(Option::is_some);
        headings.dedup();
        for heading in headings {
            let of_heading: Vec<&Arg> = args.iter().filter(|arg| arg.get_help_heading() == heading).copied().collect();
            table(&mut text, heading, &of_heading);
        }
    }
    text.push('\n');
    text
}

/// `--help` and `--version` are clap's own.
fn is_listed(arg: &Arg) -> bool {
    !matches!(arg.get_action(), ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version)
}

fn table(text: &mut String, heading: Option<&str>, args: &[&Arg]) {
    if let Some(heading) = heading {
        write!(text, "\n{heading}:\n").unwrap();
    }
    text.push_str("\n| flag | environment | default | meaning |\n|---|---|---|---|\n");
    for arg in args {
        let cells = [named(arg), variable(arg), default(arg), meaning(arg)];
        writeln!(text, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | ")).unwrap();
    }
}

fn named(arg: &Arg) -> String {
    let value = value_name(arg);
    match arg.get_long() {
        Some(flag) if value.is_empty() => format!("`--{flag}`"),
        Some(flag) => format!("`--{flag} {value}`"),
        None => format!("`{value}`"),
    }
}

fn value_name(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    if takes_value(arg) { names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ") } else { String::new() }
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

fn variable(arg: &Arg) -> String {
    arg.get_long().map(|flag| format!("`{}`", config::variable(flag))).unwrap_or_default()
}

/// The default clap knows, or else the one that the help names, because it depends on other flags.
fn default(arg: &Arg) -> String {
    if !takes_value(arg) {
        return "false".to_owned();
    }
    let values: Vec<String> = arg.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    if values.is_empty() { help(arg).1 } else { values.join(", ") }
}

/// The help of the flag, with what clap shows beside it.
fn meaning(arg: &Arg) -> String {
    let mut meaning = help(arg).0;
    if matches!(arg.get_action(), ArgAction::Append) && !meaning.contains("repeatable") {
        meaning.push_str("; repeatable");
    }
    let values: Vec<String> = arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if takes_value(arg) && !values.is_empty() {
        write!(meaning, ". One of {}", values.join(", ")).unwrap();
    }
    meaning
}

/// What the help says, and what it says of the default at its end.
fn help(arg: &Arg) -> (String, String) {
    let help = plain(&arg.get_help().map(ToString::to_string).unwrap_or_default());
    match help.split_once(" Default: ") {
        Some((meaning, default)) => (meaning.trim_end_matches('.').to_owned(), default.to_owned()),
        None => (help, String::new()),
    }
}

/// One line, in which Markdown sees no tags.
fn plain(help: &str) -> String {
    help.lines().map(str::trim).collect::<Vec<_>>().join(" ").replace('<', "&lt;")
}

#[test]
fn the_document_lists_every_flag_as_it_is() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT);
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap_or_else(|| panic!("{DOCUMENT} has no line `{}`", BEGIN.trim()));
    let (written, after) = rest.split_once(END).unwrap_or_else(|| panic!("{DOCUMENT} has no line `{}`", END.trim()));
    let right = tables(&Cli::command());
    if std::env::var_os(REWRITE).is_some() {
        fs::write(&path, format!("{before}{BEGIN}{right}{END}{after}")).unwrap();
        return;
    }
    let differs = written.lines().zip(right.lines()).find(|(is, should)| is != should);
    assert!(
        written == right,
        "{DOCUMENT} does not say what the flags are; write it anew with `{REWRITE}=1 cargo test --lib cli::tests`. \
         The first line that differs, as it is and as it should be: {differs:#?}"
    );
}
