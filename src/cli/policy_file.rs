//! The policy file: which consumer organisations there are, what each sees of the diary, and what it may do.
//!
//! It reads and judges the text; whether the services and schedules exist is for whoever has a database. Pitfall:
//! every mistake is reported in one run with its line, and a file with a single mistake is not used at
//! all, because half a policy would show somebody what it should hide.

use super::toml_table::{Mistakes, Placed, Table, line_and_column};
use crate::http::{Client, Consumer, Policy};
use domain::ids::{NotAnId, OdsCode, ScheduleId, ServiceId};
use domain::policy::{Ceiling, Names, Reach, Rights, View};
use fhir::stu3::uec::compat::ApiVersion;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use toml::de::DeTable;

/// The largest policy file, in bytes.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// The most mistakes shown at once.
pub const MISTAKES_MAX: usize = 200;
/// The highest ceiling; more is no ceiling.
const PER_DAY_MAX: i64 = 1_000_000;

const ROOT_KEYS: [&str; 3] = ["consumer", "care_setting", "default"];
const CONSUMER_KEYS: [&str; 12] =
    ["ods", "name", "clients", "care_settings", "services", "schedules", "book", "read", "cancel", "daily_ceiling", "ceiling", "speaks"];
const DEFAULT_KEYS: [&str; 9] = ["care_settings", "services", "schedules", "book", "read", "cancel", "daily_ceiling", "ceiling", "speaks"];
const SETTING_KEYS: [&str; 3] = ["name", "services", "schedules"];
const CEILING_KEYS: [&str; 2] = ["service", "per_day"];

/// A policy and what was said of those it names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyFile {
    /// The policy.
    pub policy: Policy,
    /// What people call each organisation that has a name.
    pub names: BTreeMap<OdsCode, String>,
    /// Every service it names, and where it does so first.
    pub services: BTreeMap<ServiceId, String>,
    /// Every schedule it names, and where it does so first.
    pub schedules: BTreeMap<ScheduleId, String>,
}

/// The policy in a file.
///
/// # Errors
/// Every mistake, each with its file, line and column.
pub fn read(path: &Path) -> Result<PolicyFile, Vec<String>> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    opened.map_err(|error| vec![format!("{name}: cannot be read ({error}); it must be a policy file, see docs/policy.md")])?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
        return Err(vec![format!("{name}: is larger than {FILE_BYTES_MAX} bytes; is it a policy file?")]);
    }
    let text = String::from_utf8(bytes).map_err(|_| vec![format!("{name}: is not UTF-8; save it as UTF-8")])?;
    parse(&name, &text)
}

/// The policy in a text; `file` is what it is called in messages.
///
/// # Errors
/// Every mistake, each with its file, line and column.
pub fn parse(file: &str, text: &str) -> Result<PolicyFile, Vec<String>> {
    let mut reader = Reader::default();
    let (document, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        reader.root(&Table::root(&document));
    }
    // What a broken document seems to say would only mislead.
    for error in errors {
        reader.mistakes.add(error.span().map_or(0, |span| span.start), error.message());
    }
    let place = |at: usize| format!("{file}:{}", line_and_column(text, at));
    let Reader { mut mistakes, policy, names, services, schedules } = reader;
    if mistakes.0.is_empty() {
        let services = services.into_iter().map(|(id, at)| (id, place(at))).collect();
        let schedules = schedules.into_iter().map(|(id, at)| (id, place(at))).collect();
        return Ok(PolicyFile { policy, names, services, schedules });
    }
    mistakes.0.sort();
    let one_line = |message: &str| message.split_whitespace().collect::<Vec<_>>().join(" ");
    let more = mistakes.0.len().saturating_sub(MISTAKES_MAX);
    let shown = mistakes.0.iter().take(MISTAKES_MAX).map(|(at, message)| format!("{}: {}", place(*at), one_line(message)));
    Err(shown.chain((more > 0).then(|| format!("and {more} more"))).collect())
}

/// What a table says of the diary, with the places of what it names.
struct Lists {
    services: Option<Vec<Placed<ServiceId>>>,
    schedules: Option<Vec<Placed<ScheduleId>>>,
}

impl Lists {
    fn view(&self) -> View {
        View { services: names(self.services.as_deref()), schedules: names(self.schedules.as_deref()) }
    }
}

fn names<T: Ord + Clone>(listed: Option<&[Placed<T>]>) -> Names<T> {
    listed.map_or(Names::All, |listed| Names::Only(listed.iter().map(|placed| placed.value.clone()).collect()))
}

#[derive(Default)]
struct Reader {
    mistakes: Mistakes,
    policy: Policy,
    names: BTreeMap<OdsCode, String>,
    services: BTreeMap<ServiceId, usize>,
    schedules: BTreeMap<ScheduleId, usize>,
}

impl Reader {
    fn root(&mut self, root: &Table<'_>) {
        root.refuse_unknown(&ROOT_KEYS, &mut self.mistakes);
        let mut settings = BTreeMap::new();
        for table in root.tables("care_setting", &mut self.mistakes) {
            self.setting(&table, &mut settings);
        }
        if root.has("default")
            && let Some(table) = root.table("default", &mut self.mistakes)
        {
            table.refuse_unknown(&DEFAULT_KEYS, &mut self.mistakes);
            self.policy.others = Some(self.rights(&table, &settings));
        }
        let consumers = root.tables("consumer", &mut self.mistakes);
        if consumers.is_empty() && !root.has("consumer") && !root.has("default") {
            self.mistakes.add(0, "nobody is admitted: name organisations as [[consumer]], or say in [default] what all may do");
        }
        for table in consumers {
            self.consumer(&table, &settings);
        }
    }

    fn setting(&mut self, table: &Table<'_>, settings: &mut BTreeMap<String, View>) {
        table.refuse_unknown(&SETTING_KEYS, &mut self.mistakes);
        let name = table.text("name", &mut self.mistakes);
        let view = self.lists(table).view();
        let Some(name) = name else { return };
        if settings.insert(name.value.to_owned(), view).is_some() {
            self.mistakes.add(name.at, format!("care setting `{}` is described a second time; join the two", name.value));
        }
    }

    fn consumer(&mut self, table: &Table<'_>, settings: &BTreeMap<String, View>) {
        table.refuse_unknown(&CONSUMER_KEYS, &mut self.mistakes);
        let given = table.text("ods", &mut self.mistakes);
        let name = table.optional_text("name", &mut self.mistakes);
        let consumer = self.rights(table, settings);
        let Some(given) = given else { return };
        let Some(ods) = OdsCode::parse(given.value) else {
            return self.mistakes.add(given.at, format!("`{}` is no ODS code: 1 to 12 letters and digits", given.value));
        };
        if let Some(name) = name {
            self.names.insert(ods.clone(), name.value.to_owned());
        }
        self.clients(table, &ods);
        if self.policy.consumers.insert(ods.clone(), consumer).is_some() {
            self.mistakes.add(given.at, format!("organisation {ods} is named a second time; join the two"));
        }
    }

    /// `clients`: `<client id>`, or `<issuer>|<client id>` where several authorisation servers are trusted.
    fn clients(&mut self, table: &Table<'_>, ods: &OdsCode) {
        for given in self.texts(table, "clients").unwrap_or_default() {
            let (issuer, id) = given.value.rsplit_once('|').map_or((None, given.value), |(issuer, id)| (Some(issuer), id));
            if id.trim().is_empty() || issuer.is_some_and(|issuer| issuer.trim().is_empty()) {
                self.mistakes.add(given.at, format!("`{}` must be `<client id>` or `<issuer>|<client id>`", given.value));
                continue;
            }
            let client = Client { issuer: issuer.map(str::to_owned), id: id.to_owned() };
            let meets =
                |other: &Client| other.id == client.id && (other.issuer == client.issuer || other.issuer.is_none() || issuer.is_none());
            match self.policy.clients.iter().find(|(other, _)| meets(other)) {
                Some((_, of)) if of == ods => self.mistakes.add(given.at, format!("client `{}` is named a second time", given.value)),
                Some((_, of)) => {
                    let told = format!("client `{}` already acts for organisation {of}; a client acts for one organisation", given.value);
                    self.mistakes.add(given.at, told);
                }
                None => drop(self.policy.clients.insert(client, ods.clone())),
            }
        }
    }

    /// What a consumer, or `[default]`, may see and do. What is not said is as it would be without a policy.
    fn rights(&mut self, table: &Table<'_>, settings: &BTreeMap<String, View>) -> Consumer {
        let usual = Rights::usual();
        let views = self.views(table, settings);
        let book = table.optional_boolean("book", &mut self.mistakes).unwrap_or(usual.book);
        let read = self.word(table, "read", &[("own", Reach::Own), ("all", Reach::All)]).map_or(usual.read, |read| read.value);
        let given = self.word(table, "cancel", &[("own", Reach::Own), ("all", Reach::All), ("none", Reach::None)]);
        let cancel = given.as_ref().map_or(usual.cancel, |cancel| cancel.value);
        if let Some(given) = given.filter(|_| cancel == Reach::All && read != Reach::All) {
            self.mistakes
                .add(given.at, "cancel = \"all\" needs read = \"all\": whoever cancels an appointment sends it back as it was read");
        }
        let ceilings = self.ceilings(table, &views);
        if !book && !ceilings.is_empty() {
            self.mistakes.add(table.at, "there is a ceiling on the bookings of somebody who may not book; take out one of the two");
        }
        let versions = ApiVersion::ALL.map(|version| (version.number(), version));
        let speaks = self.word(table, "speaks", &versions).map(|version| version.value);
        Consumer { rights: Arc::new(Rights { views, book, read, cancel, ceilings }), speaks }
    }

    /// The parts of the diary that are seen: what any of the care settings shows, as far as the own lists show it too.
    fn views(&mut self, table: &Table<'_>, settings: &BTreeMap<String, View>) -> Vec<View> {
        let lists = self.lists(table);
        let own = lists.view();
        let Some(given) = self.texts(table, "care_settings") else { return vec![own] };
        let mut shown = Vec::new();
        let mut seen = BTreeSet::new();
        for setting in &given {
            match settings.get(setting.value) {
                _ if !seen.insert(setting.value) => self.mistakes.add(setting.at, format!("`{}` is named a second time", setting.value)),
                Some(view) => shown.push(view),
                None => {
                    let known = settings.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                    let known = if known.is_empty() {
                        "none is described; write it as [[care_setting]]".to_owned()
                    } else {
                        format!("known: {known}")
                    };
                    self.mistakes.add(setting.at, format!("there is no care setting `{}`; {known}", setting.value));
                }
            }
        }
        if shown.len() < given.len() || shown.is_empty() {
            return vec![own];
        }
        let hidden = "is in none of its care settings, and would stay hidden: take it out, or add it to one of them";
        for service in lists.services.iter().flatten().filter(|id| !shown.iter().any(|view| view.services.admits(&id.value))) {
            self.mistakes.add(service.at, format!("service {} {hidden}", service.value));
        }
        for schedule in lists.schedules.iter().flatten().filter(|id| !shown.iter().any(|view| view.schedules.admits(&id.value))) {
            self.mistakes.add(schedule.at, format!("schedule {} {hidden}", schedule.value));
        }
        let views: Vec<View> = shown.into_iter().map(|view| view.meet(&own)).filter(|view| !view.is_blind()).collect();
        if views.is_empty() {
            self.mistakes.add(table.at, "its care settings and its own lists have nothing in common, so that it would see nothing");
        }
        views
    }

    fn ceilings(&mut self, table: &Table<'_>, views: &[View]) -> Vec<Ceiling> {
        let overall = table.optional_integer("daily_ceiling", (1, PER_DAY_MAX), &mut self.mistakes);
        let mut ceilings: Vec<Ceiling> = overall.into_iter().map(|most| Ceiling { service: None, per_day: most.value }).collect();
        for table in table.tables("ceiling", &mut self.mistakes) {
            table.refuse_unknown(&CEILING_KEYS, &mut self.mistakes);
            let given = table.text("service", &mut self.mistakes);
            let most = table.integer("per_day", (1, PER_DAY_MAX), &mut self.mistakes);
            let Some(given) = given else { continue };
            let Some(service) = self.report(ServiceId::parse(given.value), given.at) else { continue };
            if !views.iter().any(|view| view.services.admits(&service)) {
                self.mistakes.add(given.at, format!("there is a ceiling on service {service}, which is not seen"));
            }
            if ceilings.iter().any(|ceiling| ceiling.service.as_ref() == Some(&service)) {
                self.mistakes.add(given.at, format!("service {service} has a second ceiling; keep one"));
            }
            self.services.entry(service.clone()).or_insert(given.at);
            ceilings.extend(most.map(|most| Ceiling { service: Some(service), per_day: most.value }));
        }
        ceilings
    }

    fn lists(&mut self, table: &Table<'_>) -> Lists {
        let services = self.ids(table, "services", ServiceId::parse);
        let schedules = self.ids(table, "schedules", ScheduleId::parse);
        for placed in services.iter().flatten() {
            self.services.entry(placed.value.clone()).or_insert(placed.at);
        }
        for placed in schedules.iter().flatten() {
            self.schedules.entry(placed.value.clone()).or_insert(placed.at);
        }
        Lists { services, schedules }
    }

    /// A list of ids that may be absent, which means all.
    fn ids<T: PartialEq>(&mut self, table: &Table<'_>, key: &str, parse: fn(&str) -> Result<T, NotAnId>) -> Option<Vec<Placed<T>>> {
        let mut ids: Vec<Placed<T>> = Vec::new();
        for given in self.texts(table, key)? {
            let Some(value) = self.report(parse(given.value), given.at) else { continue };
            if ids.iter().any(|known| known.value == value) {
                self.mistakes.add(given.at, format!("`{}` is named a second time", given.value));
            } else {
                ids.push(Placed { value, at: given.at });
            }
        }
        Some(ids)
    }

    /// A list of texts that may be absent, but not empty.
    fn texts<'d>(&mut self, table: &Table<'d>, key: &str) -> Option<Vec<Placed<&'d str>>> {
        if !table.has(key) {
            return None;
        }
        let given = table.texts(key, &mut self.mistakes)?;
        if given.value.is_empty() {
            self.mistakes.add(given.at, format!("`{key}` is empty; name at least one, or leave it out"));
        }
        Some(given.value)
    }

    /// One of several words, which may be absent.
    fn word<T: Copy>(&mut self, table: &Table<'_>, key: &str, words: &[(&str, T)]) -> Option<Placed<T>> {
        let given = table.optional_text(key, &mut self.mistakes)?;
        let found = words.iter().find(|(word, _)| *word == given.value).map(|(_, meant)| *meant);
        if found.is_none() {
            let known = words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
            self.mistakes.add(given.at, format!("`{key}` is \"{}\"; it must be one of {known}", given.value));
        }
        found.map(|value| Placed { value, at: given.at })
    }

    fn report<T>(&mut self, parsed: Result<T, NotAnId>, at: usize) -> Option<T> {
        parsed.map_err(|not_an_id| self.mistakes.add(at, not_an_id.to_string())).ok()
    }
}

/// The organisation each client acts for, in the order of the clients.
pub fn clients_of<'p>(clients: &'p HashMap<Client, OdsCode>, ods: &OdsCode) -> Vec<&'p Client> {
    let mut of: Vec<&Client> = clients.iter().filter(|(_, acts_for)| *acts_for == ods).map(|(client, _)| client).collect();
    of.sort();
    of
}

#[cfg(test)]
mod tests;
