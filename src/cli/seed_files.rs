//! The files a provider is seeded from: its directory as FHIR Bundles, its diary as working times.
//!
//! It reads and judges; what becomes of the plan is for the engine, which loads all of it or nothing. Pitfall:
//! every mistake in every file is reported in one run, because whoever writes
//! such files would rather mend ten lines once than one line ten times.

mod across;
mod diary;
#[cfg(test)]
mod tests;

use super::toml_table::{Mistakes, line_and_column};
use domain::directory::DirectoryRecord;
use domain::fault::{Problem, ProblemKind};
use domain::rota::WorkingTimes;
use domain::schedule::Schedule;
use fhir::codec::json;
use fhir::stu3;
use fhir::stu3::directory;
use fhir::validate;
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The largest seed file, in bytes.
pub const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The most seed files in one directory.
pub const FILES_MAX: usize = 200;
/// The most mistakes shown at once.
pub const PROBLEMS_MAX: usize = 200;
/// The name of the diary.
pub const DIARY: &str = "diary.toml";

/// What a directory of seed files asks for; consistent in itself.
#[derive(Debug, Clone, PartialEq)]
pub struct SeedPlan {
    /// Organisations, places, services, clinicians and roles, in the order of the files.
    pub directory: Vec<DirectoryRecord>,
    /// The schedules.
    pub schedules: Vec<Schedule>,
    /// When each of them works, in the same order.
    pub working_times: Vec<WorkingTimes>,
    /// How far ahead slots are made, in days from today.
    pub horizon_days: u16,
}

/// Why a directory of seed files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The directory cannot be read.
    #[error("cannot read {}: {source}; it must be a directory with {DIARY} and FHIR Bundles in *.json", path.display())]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// More files than [`FILES_MAX`].
    #[error("{} has more than {FILES_MAX} seed files; join some of them", path.display())]
    TooManyFiles {
        /// The directory.
        path: PathBuf,
    },
    /// Mistakes in the files: all of them, one a line.
    #[error("{}", Lines(.0))]
    Invalid(Vec<SeedProblem>),
}

/// One mistake in one seed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedProblem {
    /// The name of the file.
    pub file: String,
    /// Line and column (`12:5`) or an expression path (`Bundle.entry[3].resource.id`); empty where the whole
    /// file is meant.
    pub place: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for SeedProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, place, message } = self;
        // One line each, whatever a parser has to say.
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        if place.is_empty() { write!(f, "{file}: {message}") } else { write!(f, "{file}:{place}: {message}") }
    }
}

struct Lines<'p>(&'p [SeedProblem]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().take(PROBLEMS_MAX).enumerate() {
            write!(f, "{}{problem}", if index == 0 { "" } else { "\n" })?;
        }
        match self.0.len().saturating_sub(PROBLEMS_MAX) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

/// One seed file, read.
struct SeedFile {
    name: String,
    /// Its content, or why there is none.
    content: Result<Vec<u8>, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileKind {
    Diary,
    Bundle,
    /// Some other TOML file: most likely a diary whose name is misspelt.
    Misnamed,
}

impl SeedFile {
    fn kind(&self) -> FileKind {
        let path = Path::new(&self.name);
        if path.file_name().is_some_and(|name| name == DIARY) {
            FileKind::Diary
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            FileKind::Misnamed
        } else {
            FileKind::Bundle
        }
    }
}

/// The plan in a directory: every `*.json` in it is a FHIR Bundle, and `diary.toml` the diary.
///
/// # Errors
/// [`SeedError`]: the directory cannot be read, or the files in it hold mistakes, all of which are listed.
pub fn read_dir(dir: &Path) -> Result<SeedPlan, SeedError> {
    plan(&files_of(dir)?)
}

/// The demo provider, which is compiled in (docs/contract.md#demo-provider).
///
/// # Errors
/// [`SeedError::Invalid`] if the files compiled in are wrong, which a test rules out.
pub fn demo() -> Result<SeedPlan, SeedError> {
    let file = |name: &str, text: &str| SeedFile { name: name.to_owned(), content: Ok(text.as_bytes().to_vec()) };
    plan(&[
        file("seed/directory.json", include_str!("../../seed/directory.json")),
        file("seed/diary.toml", include_str!("../../seed/diary.toml")),
    ])
}

fn files_of(dir: &Path) -> Result<Vec<SeedFile>, SeedError> {
    let unreadable = |source| SeedError::Unreadable { path: dir.to_owned(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_seed = path.extension().is_some_and(|extension| extension == "json" || extension == "toml");
        if is_seed {
            paths.push(path);
        }
        if paths.len() > FILES_MAX {
            return Err(SeedError::TooManyFiles { path: dir.to_owned() });
        }
    }
    // The order of a directory is chance; that of the plan is not.
    paths.sort();
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(paths.into_iter().map(|path| SeedFile { name: name(&path), content: content(&path) }).collect())
}

fn content(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= FILE_BYTES_MAX) {
        Ok(bytes)
    } else {
        Err(format!("is larger than {FILE_BYTES_MAX} bytes; split it"))
    }
}

fn plan(files: &[SeedFile]) -> Result<SeedPlan, SeedError> {
    let mut problems = Vec::new();
    let mut found = across::Found::default();
    let mut diary = None;
    for file in files {
        let content = match &file.content {
            Ok(content) => content,
            Err(message) => {
                problems.push(whole(&file.name, message.clone()));
                found.incomplete = true;
                continue;
            }
        };
        match file.kind() {
            FileKind::Diary => diary = read_diary(&file.name, content, &mut problems),
            FileKind::Bundle => read_bundle(&file.name, content, &mut found, &mut problems),
            FileKind::Misnamed => problems.push(whole(&file.name, format!("is not read; the diary is called {DIARY}"))),
        }
    }
    if !files.iter().any(|file| file.kind() == FileKind::Diary) {
        problems.push(whole(DIARY, "is missing; it holds the working times, see seed/diary.toml".to_owned()));
    }
    found.check(&mut problems);
    let Some((diary, mut mistakes)) = diary else { return Err(SeedError::Invalid(problems)) };
    found.check_diary(&diary.content.entries, &mut mistakes);
    mistakes.0.sort_by_key(|(at, _)| *at);
    problems.extend(mistakes.0.into_iter().map(|(at, message)| SeedProblem {
        file: diary.file.clone(),
        place: line_and_column(&diary.text, at),
        message,
    }));
    if !problems.is_empty() {
        return Err(SeedError::Invalid(problems));
    }
    let (schedules, working_times) = diary.content.entries.into_iter().map(|e| (e.schedule, e.working_times)).unzip();
    Ok(SeedPlan { directory: found.into_records(), schedules, working_times, horizon_days: diary.content.horizon_days })
}

struct DiaryFile {
    file: String,
    text: String,
    content: diary::Diary,
}

fn read_diary(file: &str, content: &[u8], problems: &mut Vec<SeedProblem>) -> Option<(DiaryFile, Mistakes)> {
    let Ok(text) = std::str::from_utf8(content) else {
        problems.push(whole(file, "is not UTF-8; save it as UTF-8".to_owned()));
        return None;
    };
    let mut mistakes = Mistakes::default();
    let content = diary::read(text, &mut mistakes);
    Some((DiaryFile { file: file.to_owned(), text: text.to_owned(), content }, mistakes))
}

fn read_bundle(file: &str, content: &[u8], found: &mut across::Found, problems: &mut Vec<SeedProblem>) {
    match json::read(content, stu3::definitions()) {
        Ok(read) => {
            let directory::Survey { records, problems: own } = directory::survey(&read.tree);
            found.add(file, records);
            let general = validate::check_read(&read, stu3::definitions()).into_iter().filter(|p| !own.iter().any(|o| says_the_same(o, p)));
            let mut all: Vec<Problem> = general.collect();
            all.extend(own);
            all.sort_by_key(|p| entry_of(&p.expression));
            problems.extend(all.into_iter().map(|p| SeedProblem { file: file.to_owned(), place: p.expression, message: p.message }));
        }
        Err(unreadable) => {
            problems.push(whole(file, unreadable.problem));
            found.incomplete = true;
        }
    }
}

/// True when the general rules of FHIR found what those of the directory say better: something at the same
/// place, or around or inside it. A problem of a whole resource says nothing about its parts, unless the
/// resource should not be there at all.
fn says_the_same(own: &Problem, general: &Problem) -> bool {
    let within = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with(['.', '[']));
    let (o, g) = (own.expression.as_str(), general.expression.as_str());
    let is_whole = |expression: &str| expression.ends_with(".resource");
    let around = within(o, g) && !is_whole(g);
    let inside = within(g, o) && (!is_whole(o) || own.kind == ProblemKind::Structure);
    o == g || around || inside
}

/// The number of the entry in `Bundle.entry[3].resource.id`; what concerns the whole Bundle comes first.
fn entry_of(expression: &str) -> Option<u32> {
    expression.strip_prefix("Bundle.entry[")?.split_once(']')?.0.parse().ok()
}

fn whole(file: &str, message: String) -> SeedProblem {
    SeedProblem { file: file.to_owned(), place: String::new(), message }
}
