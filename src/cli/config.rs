//! Where settings come from: flag, then environment, then file, then default; merged here and nowhere else.
//!
//! What the environment and the file say is put onto the command line, behind what was typed, and parsed
//! once more: so a value is checked by the same rules and refused in the same words wherever it came from.
//! Pitfall: this is the only place that reads the environment.

mod names;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, Parser};
pub(crate) use names::variable;
use std::ffi::OsString;
use std::path::Path;

/// The flag that names the configuration file.
const CONFIG: &str = "config";

/// A command line that cannot be used, or one that only asked for help.
#[derive(Debug)]
pub enum Refused {
    /// Help or version, for stdout; exit 0.
    Told(String),
    /// One line saying what was wrong and what would be right; exit 2.
    Usage(String),
}

/// The command line of this process, completed from its environment and its configuration file.
///
/// # Errors
/// [`Refused`].
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn of_this_process<C: Parser>() -> Result<C, Refused> {
    let ours = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(names::PREFIX));
    let text = |text: OsString| text.to_string_lossy().into_owned();
    resolve(std::env::args_os().collect(), &ours.map(|(name, value)| (text(name), text(value))).collect::<Vec<_>>())
}

/// A command line, completed from `environment`, of which only our own variables matter, and from the configuration file it names.
///
/// # Errors
/// [`Refused`].
pub fn resolve<C: Parser>(typed: Vec<OsString>, environment: &[(String, String)]) -> Result<C, Refused> {
    let command = with_negative_numbers(C::command());
    let set = |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    // A first look, blind to mistakes, only to see which command it is and what was typed.
    let Ok(first) = command.clone().ignore_errors(true).try_get_matches_from(&typed) else { return parse(&command, typed) };
    let Some((name, matches)) = first.subcommand() else { return parse(&command, typed) };
    let Some(chosen) = command.find_subcommand(name) else { return parse(&command, typed) };
    if let Some(told) = names::misspelt_variable(&command, environment) {
        return Err(Refused::Usage(told));
    }
    let named = matches.try_get_one::<String>(CONFIG).ok().flatten().cloned().or_else(|| set(&variable(CONFIG)));
    let file = named.map(|path| read_file(&command, &path)).transpose()?.unwrap_or_default();
    let mut completed = typed;
    let mut places = Vec::new();
    for arg in chosen.get_arguments().chain(command.get_arguments().filter(|arg| arg.is_global_set())) {
        let Some(flag) = arg.get_long().filter(|flag| !matches!(*flag, CONFIG | "help" | "version")) else { continue };
        if was_typed(matches, arg) {
            continue;
        }
        let variable = variable(flag);
        if let Some(text) = set(&variable) {
            let values = if takes_many(arg) { text.split(',').map(|part| part.trim().to_owned()).collect() } else { vec![text] };
            add(&mut completed, arg, flag, values, &variable)?;
            places.push((flag, variable));
        } else if let Some((values, place)) = file.values(flag) {
            add(&mut completed, arg, flag, values, &place)?;
            places.push((flag, place));
        }
    }
    parse(&command, completed).map_err(|refused| match refused {
        // A value nobody typed is told together with where it stands.
        Refused::Usage(told) => Refused::Usage(match places.iter().find(|(flag, _)| told.contains(&format!("--{flag}"))) {
            Some((_, place)) => format!("{told} (from {place})"),
            None => told,
        }),
        other => other,
    })
}

/// A negative number is the value of the flag before it, for that flag to refuse by its name: without this clap takes `-1`
/// for a flag of its own.
fn with_negative_numbers(command: Command) -> Command {
    let takes = |arg: Arg| if arg.get_action().takes_values() && arg.get_long().is_some() { arg.allow_negative_numbers(true) } else { arg };
    command.mut_args(takes).mut_subcommands(with_negative_numbers)
}

fn parse<C: Parser>(command: &Command, words: Vec<OsString>) -> Result<C, Refused> {
    let matches = command.clone().try_get_matches_from(words).map_err(|e| refused(&e))?;
    C::from_arg_matches(&matches).map_err(|e| refused(&e))
}

/// clap's message on one line: what was wrong and its tip, without the usage that follows.
fn refused(error: &clap::Error) -> Refused {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Refused::Told(text),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Refused::Usage("a command is missing; `slotkeeper --help` lists them, `slotkeeper serve --demo` shows what it does".to_owned())
        }
        _ => {
            let told = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:")).filter(|line| !line.is_empty());
            let told: Vec<&str> = told.filter(|line| !line.starts_with("For more information")).collect();
            let told = told.join("; ").replace(":;", ":");
            Refused::Usage(told.strip_prefix("error: ").unwrap_or(&told).to_owned())
        }
    }
}

fn was_typed(matches: &ArgMatches, arg: &Arg) -> bool {
    matches!(matches.value_source(arg.get_id().as_str()), Some(ValueSource::CommandLine))
}

fn takes_many(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// Puts values onto the command line as if they had been typed.
fn add(words: &mut Vec<OsString>, arg: &Arg, flag: &str, values: Vec<String>, place: &str) -> Result<(), Refused> {
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        match values.first().map(String::as_str) {
            Some("true" | "1") => words.push(format!("--{flag}").into()),
            Some("false" | "0" | "") | None => {}
            Some(other) => return Err(Refused::Usage(format!("{place} is `{other}`; it must be true or false"))),
        }
        return Ok(());
    }
    words.extend(values.into_iter().map(|value| OsString::from(format!("--{flag}={value}"))));
    Ok(())
}

/// A configuration file: flat TOML, its keys the flags' names with `_`.
#[derive(Default)]
struct File {
    path: String,
    table: toml::Table,
}

impl File {
    /// The values of a flag and where they stand.
    fn values(&self, flag: &str) -> Option<(Vec<String>, String)> {
        let key = names::key(flag);
        let place = format!("`{key}` in {}", self.path);
        let values = match self.table.get(&key)? {
            toml::Value::Array(many) => many.iter().map(plain).collect(),
            one => vec![plain(one)],
        };
        Some((values, place))
    }
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn read_file(command: &Command, path: &str) -> Result<File, Refused> {
    let text =
        std::fs::read_to_string(Path::new(path)).map_err(|e| Refused::Usage(format!("cannot read the configuration file {path}: {e}")))?;
    let told = |at: usize, what: &str| {
        let line = text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
        Refused::Usage(format!("{path}:{line}: {what}"))
    };
    let read = toml::de::DeTable::parse(&text).map_err(|e| told(e.span().map_or(0, |span| span.start), e.message()))?;
    let mut keys: Vec<_> = read.get_ref().keys().collect();
    keys.sort_by_key(|key| key.span().start);
    if let Some((wrong, what)) = names::misspelt_key(command, keys.iter().map(|key| key.get_ref().as_ref())) {
        let at = keys.iter().find(|key| key.get_ref().as_ref() == wrong).map_or(0, |key| key.span().start);
        return Err(told(at, &what));
    }
    let table = text.parse().map_err(|e: toml::de::Error| told(e.span().map_or(0, |span| span.start), e.message()))?;
    Ok(File { path: path.to_owned(), table })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Parser)]
    #[command(name = "test")]
    struct Line {
        #[command(subcommand)]
        command: Sub,
    }

    #[derive(Debug, clap::Subcommand)]
    enum Sub {
        Serve {
            #[arg(long, global = true)]
            config: Option<String>,
            #[arg(long, default_value_t = 1)]
            queue_max: u32,
            #[arg(long)]
            audience: Vec<String>,
            #[arg(long)]
            demo: bool,
        },
        Diary {
            #[arg(long)]
            day: Option<String>,
        },
    }

    fn line(typed: &[&str], environment: &[(&str, &str)]) -> Result<(u32, Vec<String>, bool), String> {
        let environment: Vec<(String, String)> = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let typed = std::iter::once("test").chain(typed.iter().copied()).map(OsString::from).collect();
        match resolve::<Line>(typed, &environment) {
            Ok(Line { command: Sub::Serve { queue_max, audience, demo, config: _ } }) => Ok((queue_max, audience, demo)),
            Ok(Line { command: Sub::Diary { day } }) => Err(format!("another command, {day:?}")),
            Err(Refused::Usage(text) | Refused::Told(text)) => Err(text),
        }
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn a_flag_beats_environment_file_and_default() {
        let file = file("queue_max = 2\naudience = [\"a\", \"b\"]\ndemo = true\n");
        let path = file.path().to_str().unwrap();
        assert_eq!(line(&["serve"], &[]).unwrap(), (1, vec![], false));
        assert_eq!(line(&["serve", "--config", path], &[]).unwrap(), (2, vec!["a".into(), "b".into()], true));
        let environment = [("SLOTKEEPER_CONFIG", path), ("SLOTKEEPER_QUEUE_MAX", "3"), ("SLOTKEEPER_DEMO", "false")];
        assert_eq!(line(&["serve"], &environment).unwrap().0, 3);
        assert!(!line(&["serve"], &environment).unwrap().2);
        assert_eq!(line(&["serve", "--queue-max", "4"], &environment).unwrap().0, 4);
        assert_eq!(line(&["serve"], &[("SLOTKEEPER_AUDIENCE", "x, y")]).unwrap().1, ["x", "y"]);
    }

    #[test]
    fn what_is_wrong_is_said_on_one_line_with_what_would_be_right() {
        for typed in [&["serve", "--quue-max", "2"][..], &["serve", "--queue-max", "many"], &["serv"], &[]] {
            let told = line(typed, &[]).unwrap_err();
            assert!(!told.contains('\n') && !told.is_empty(), "{told}");
        }
        assert!(line(&["serve"], &[("SLOTKEEPER_QUEUE_MAX", "many")]).unwrap_err().contains("from SLOTKEEPER_QUEUE_MAX"));
        assert!(line(&["serve"], &[("SLOTKEEPER_DEMO", "perhaps")]).unwrap_err().contains("true or false"));
        assert!(line(&["serve", "--config", "/nowhere.toml"], &[]).unwrap_err().contains("/nowhere.toml"));
    }
    #[test]
    fn a_misspelt_key_is_refused_with_its_line_and_the_nearest_name() {
        let told = |text: &str| {
            let file = file(text);
            let told = line(&["serve", "--config", file.path().to_str().unwrap()], &[]).unwrap_err();
            told.split_once(".toml:").map_or_else(|| told.rsplit_once("tmp").unwrap().1.to_owned(), |(_, rest)| rest.to_owned())
        };
        let unknown = told("# ours\ndemo = true\nqueue_mx = 2\n");
        assert!(unknown.contains(":3: the key `queue_mx` is not known; did you mean `queue_max`?"), "{unknown}");
        assert!(!unknown.contains("audience"), "{unknown}");
        let section = told("[server]\ndemo = true\n");
        assert!(section.contains(":1: the key `server` is not known; keys are the names of flags"), "{section}");
        assert!(told("demo = true\nqueue_max =\n").contains(":2: "));
    }

    #[test]
    fn a_misspelt_variable_is_refused_with_the_nearest_name() {
        let told = line(&["serve"], &[("SLOTKEEPER_QUEUE_MX", "3")]).unwrap_err();
        assert_eq!(told, "no setting is called SLOTKEEPER_QUEUE_MX; did you mean SLOTKEEPER_QUEUE_MAX?");
        let far = line(&["serve"], &[("SLOTKEEPER_NONSENSE", "3")]).unwrap_err();
        assert!(far.contains("SLOTKEEPER_NONSENSE") && far.contains("--help"), "{far}");
        // That of another command, one of Kubernetes, one of our scripts, and one of somebody else.
        let others = [("SLOTKEEPER_DAY", "x"), ("SLOTKEEPER_PORT", "tcp://10.0.0.1:80"), ("SLOTKEEPER_BIN", "b"), ("SLOT", "s")];
        assert_eq!(line(&["serve"], &others).unwrap(), (1, vec![], false));
    }

    #[test]
    fn negative_numbers_are_refused_by_name_in_both_spellings() {
        for typed in [&["serve", "--queue-max", "-1"][..], &["serve", "--queue-max=-1"], &["serve", "--queue-max", "-1.5"]] {
            let told = line(typed, &[]).unwrap_err();
            assert!(told.contains("--queue-max") && told.contains("-1"), "{told}");
        }
        // A flag that is no number takes the text and judges it itself.
        assert_eq!(line(&["serve", "--audience", "-3"], &[]).unwrap().1, ["-3"]);
    }
}
