//! The names that settings go by in the environment and in the configuration file, and what a misspelt one was meant to be.
//!
//! Pitfall: not every variable with our prefix is a setting. Kubernetes sets some of its own for a service called
//! `slotkeeper`, and our own tests and scripts have theirs.

use clap::{Arg, Command};

/// What every variable of the environment begins with.
pub(super) const PREFIX: &str = "SLOTKEEPER_";
/// Variables of our tests and scripts; no command reads them.
const OF_TESTS: [&str; 3] = ["ANSWERS", "BASE_URL", "BIN"];
/// What others of them begin with.
const OF_TESTS_PREFIXES: [&str; 3] = ["CRASH_", "FAULT_", "TEST_"];

/// The variable of a flag.
pub(crate) fn variable(flag: &str) -> String {
    format!("{PREFIX}{}", flag.to_ascii_uppercase().replace('-', "_"))
}

/// The key of a flag in the configuration file.
pub(super) fn key(flag: &str) -> String {
    flag.replace('-', "_")
}

/// The flags of all commands that may be set elsewhere than on the command line. One environment and one file serve them all.
pub(super) fn flags(command: &Command) -> Vec<&str> {
    let all = command.get_subcommands().flat_map(Command::get_arguments).chain(command.get_arguments());
    let mut flags: Vec<&str> = all.filter_map(Arg::get_long).filter(|flag| !matches!(*flag, "help" | "version")).collect();
    flags.sort_unstable();
    flags.dedup();
    flags
}

/// The first variable of the environment that means nothing, as it is to be told.
pub(super) fn misspelt_variable(command: &Command, environment: &[(String, String)]) -> Option<String> {
    let known: Vec<String> = flags(command).into_iter().map(variable).collect();
    let (name, _) = environment.iter().find(|(name, _)| {
        name.strip_prefix(PREFIX).is_some_and(|rest| !known.contains(name) && !is_of_tests(rest) && !is_of_kubernetes(rest))
    })?;
    let meant = match nearest(name.strip_prefix(PREFIX)?, known.iter().filter_map(|name| name.strip_prefix(PREFIX))) {
        Some(near) => format!("did you mean {PREFIX}{near}?"),
        None => "it is SLOTKEEPER_ and the name of a flag; `slotkeeper COMMAND --help` lists them".to_owned(),
    };
    Some(format!("no setting is called {name}; {meant}"))
}

/// The first of these keys of a configuration file that means nothing, and what is to be told of it.
pub(super) fn misspelt_key<'k>(command: &Command, keys: impl Iterator<Item = &'k str>) -> Option<(&'k str, String)> {
    let known: Vec<String> = flags(command).into_iter().filter(|flag| *flag != super::CONFIG).map(key).collect();
    let mut keys = keys;
    let wrong = keys.find(|key| !known.iter().any(|known| known == key))?;
    let meant = match nearest(wrong, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "keys are the names of flags, `-` written as `_`; `slotkeeper COMMAND --help` lists them".to_owned(),
    };
    Some((wrong, format!("the key `{wrong}` is not known; {meant}")))
}

fn is_of_tests(rest: &str) -> bool {
    OF_TESTS.contains(&rest) || OF_TESTS_PREFIXES.iter().any(|prefix| rest.starts_with(prefix))
}

/// `SERVICE_HOST`, `SERVICE_PORT`, `PORT`, `PORT_8080_TCP_ADDR`, and those of services whose names begin with ours.
fn is_of_kubernetes(rest: &str) -> bool {
    let ends = ["SERVICE_HOST", "SERVICE_PORT"].iter().any(|end| rest.ends_with(end)) || rest == "PORT" || rest.ends_with("_PORT");
    let of_port = |(_, number): (&str, &str)| number.starts_with(|c: char| c.is_ascii_digit());
    ends || rest.contains("SERVICE_PORT_")
        || rest.starts_with("PORT_") && rest.split_once("PORT_").is_some_and(of_port)
        || rest.split_once("_PORT_").is_some_and(of_port)
}

/// The name that is nearest to a misspelt one; none where every one is far away.
fn nearest<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let near = names.map(|name| (distance(wrong, name), name)).min()?;
    (near.0 * 3 <= wrong.chars().count().max(3)).then_some(near.1)
}

/// In how many letters two names differ: added, left out or changed; two that changed places count as one.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    let mut previous = None;
    for (at, letter) in one.chars().enumerate() {
        let mut row = vec![at + 1];
        for (j, (known, steps)) in other.iter().zip(last.windows(2)).enumerate() {
            let [diagonal, above] = *steps else { continue };
            let left = row.last().copied().unwrap_or_default();
            let mut least = (diagonal + usize::from(letter != *known)).min(above + 1).min(left + 1);
            let swapped = j.checked_sub(1).filter(|j| other.get(*j) == Some(&letter) && previous == Some(*known));
            if let Some(steps) = swapped.and_then(|j| before_last.get(j)) {
                least = least.min(steps + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
        previous = Some(letter);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_added_left_out_changed_and_swapped_are_counted() {
        for (one, other, steps) in [
            ("listen", "listen", 0),
            ("listne", "listen", 1),
            ("lisen", "listen", 1),
            ("", "abc", 3),
            ("queue_mx", "queue_max", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(one, other), steps, "{one} {other}");
        }
        assert_eq!(nearest("LISTNE", ["LOG", "LISTEN"].into_iter()), Some("LISTEN"));
        assert_eq!(nearest("NONSENSE", ["LOG", "LISTEN"].into_iter()), None);
    }

    #[test]
    fn what_kubernetes_and_our_scripts_set_is_no_misspelling() {
        for rest in ["SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_8080_TCP", "PORT_8080_TCP_ADDR", "DB_PORT_5432_TCP"]
        {
            assert!(is_of_kubernetes(rest), "{rest}");
        }
        for rest in ["PORTT", "PUBLIC_URL", "SUPPORT_"] {
            assert!(!is_of_kubernetes(rest), "{rest}");
        }
        assert!(is_of_tests("BIN") && is_of_tests("FAULT_SLOTS") && !is_of_tests("LISTNE"));
    }
}
