use super::*;
use chrono::{Datelike, NaiveDate, TimeDelta};
use domain::directory::{DirectoryFacts, DirectoryKind};
use domain::rota::PlannedSlot;
use domain::slot::Channel;
use domain::time::{LONDON, Span};
use fhir::stu3::naming;
use std::collections::{HashMap, HashSet};

const URGENT: &str = "2000099901";
const OUT_OF_HOURS: &str = "2000099902";
const DENTAL: &str = "2000099903";
const WALK_IN: &str = "2000099904";

/// The files of the demo provider, each of which a test may change.
struct Files {
    directory: String,
    diary: String,
}

impl Files {
    fn demo() -> Self {
        let directory = include_str!("../../../seed/directory.json").to_owned();
        let diary = include_str!("../../../seed/diary.toml").to_owned();
        Self { directory, diary }
    }

    /// Replaces the first occurrence, which must be there.
    fn directory(mut self, from: &str, to: &str) -> Self {
        assert!(self.directory.contains(from), "{from}");
        self.directory = self.directory.replacen(from, to, 1);
        self
    }

    fn diary(mut self, from: &str, to: &str) -> Self {
        assert!(self.diary.contains(from), "{from}");
        self.diary = self.diary.replacen(from, to, 1);
        self
    }

    /// The place of a text in the diary, `further` characters on.
    fn at(&self, text: &str, further: usize) -> String {
        let found = self.diary.lines().enumerate().find_map(|(line, content)| Some((line, content.find(text)?)));
        let (line, column) = found.unwrap_or_else(|| panic!("{text} is not in the diary"));
        format!("diary.toml:{}:{}:", line + 1, column + 1 + further)
    }

    fn write(&self) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("directory.json"), &self.directory).unwrap();
        std::fs::write(dir.path().join("diary.toml"), &self.diary).unwrap();
        dir
    }

    /// What is said about these files, line by line.
    fn refused(&self) -> Vec<String> {
        refused(self.write().path())
    }
}

fn refused(dir: &Path) -> Vec<String> {
    let error = read_dir(dir).expect_err("the files must be refused");
    error.to_string().lines().map(str::to_owned).collect()
}

/// Demands as many lines as parts, each line holding all of its parts.
#[track_caller]
fn assert_lines(lines: &[String], expected: &[&[&str]]) {
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, parts) in lines.iter().zip(expected) {
        for part in *parts {
            assert!(line.contains(part), "{part} is not in: {line}");
        }
    }
}

/// The slots of a service that begin in the local days from `first` on.
fn slots(plan: &SeedPlan, service: &str, first: NaiveDate, days: i64) -> Vec<PlannedSlot> {
    let span = Span { from: Span::of_day(first, LONDON).from, until: Span::of_day(first + TimeDelta::days(days), LONDON).from };
    let serving = plan.schedules.iter().zip(&plan.working_times).filter(|(s, _)| s.services.iter().any(|s| s.as_str() == service));
    // A night session of the day before reaches into the first day.
    serving
        .flat_map(|(_, times)| (-1..days).flat_map(|offset| times.slots_of_day(first + TimeDelta::days(offset))))
        .filter(|slot| span.contains(slot.start))
        .collect()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn the_demo_provider_is_without_mistakes_and_the_same_from_disk() {
    let plan = demo().unwrap();
    assert_eq!(plan, read_dir(Files::demo().write().path()).unwrap());
    assert_eq!(plan.horizon_days, 14);
    let ids_of = |kind| plan.directory.iter().filter(|r| r.facts.kind() == kind).map(|r| r.id.as_str()).collect::<Vec<_>>();
    assert_eq!(ids_of(DirectoryKind::Organization), ["Y9Z41"]);
    assert_eq!(ids_of(DirectoryKind::HealthcareService), [URGENT, OUT_OF_HOURS, DENTAL, WALK_IN]);
    assert!(ids_of(DirectoryKind::Location).len() >= 2);
}

/// docs/contract.md#demo-provider: from tomorrow 00:00 London to four days later at least 240 free slots, blocked
/// ones inside, others before and after. Every day of three years is somebody's tomorrow.
#[test]
fn tomorrow_the_urgent_treatment_centre_offers_240_slots() {
    let plan = demo().unwrap();
    for offset in 0..3 * 365 {
        let tomorrow = day("2026-01-01") + TimeDelta::days(offset);
        let window = slots(&plan, URGENT, tomorrow, 4);
        let free = window.iter().filter(|s| !s.blocked).map(|s| s.capacity).sum::<i32>();
        assert!(free >= 240, "{free} from {tomorrow}");
        assert!(window.iter().any(|s| s.blocked), "nothing is blocked from {tomorrow}");
        assert!(slots(&plan, URGENT, tomorrow - TimeDelta::days(1), 1).iter().any(|s| !s.blocked), "before {tomorrow}");
        assert!(slots(&plan, URGENT, tomorrow + TimeDelta::days(4), 1).iter().any(|s| !s.blocked), "after {tomorrow}");
        assert!(slots(&plan, URGENT, tomorrow, 1).iter().any(|s| !s.blocked), "on {tomorrow} itself");
    }
}

#[test]
fn every_urgent_treatment_slot_holds_one_appointment() {
    assert!(slots(&demo().unwrap(), URGENT, day("2026-06-01"), 7).iter().all(|s| s.capacity == 1));
}

#[test]
fn the_other_services_have_the_slots_they_are_known_for() {
    let plan = demo().unwrap();
    assert!(slots(&plan, WALK_IN, day("2026-01-01"), 365).is_empty(), "the walk-in centre never has slots");
    let weekday_hours = |service: &str| -> HashSet<u32> {
        use chrono::Timelike as _;
        let of_week = slots(&plan, service, day("2026-06-01"), 7);
        of_week.iter().map(|s| s.start.local(LONDON)).filter(|at| at.weekday().num_days_from_monday() < 5).map(|at| at.hour()).collect()
    };
    let out_of_hours = weekday_hours(OUT_OF_HOURS);
    assert!((9..18).all(|hour| !out_of_hours.contains(&hour)), "{out_of_hours:?}");
    assert!([0, 3, 7, 19, 23].iter().all(|hour| out_of_hours.contains(hour)), "{out_of_hours:?}");
    assert!(weekday_hours(DENTAL).iter().all(|hour| *hour < 13));
    let channels: Vec<Option<Channel>> = slots(&plan, OUT_OF_HOURS, day("2026-06-01"), 7).iter().map(|s| s.channel).collect();
    assert!(channels.contains(&Some(Channel::Telephone)) && channels.contains(&None), "not every slot names its channel");
}

#[test]
fn one_schedule_of_the_demo_serves_two_services() {
    let plan = demo().unwrap();
    let shared = plan.schedules.iter().filter(|s| s.services.len() > 1).collect::<Vec<_>>();
    assert_eq!(shared.len(), 1);
    assert_eq!(shared[0].services.iter().map(|s| s.as_str()).collect::<Vec<_>>(), [OUT_OF_HOURS, URGENT]);
}

/// The joins the official harness makes on an answer (docs/specification/uec.md#a6-slot-search, checks 4 to 8), on what
/// the seed would put into the answer for each service.
#[test]
fn the_harness_can_join_what_the_demo_gives() {
    let plan = demo().unwrap();
    let by_name: HashMap<(DirectoryKind, &str), &DirectoryRecord> =
        plan.directory.iter().map(|r| ((r.facts.kind(), r.id.as_str()), r)).collect();
    for schedule in &plan.schedules {
        let Some(practitioner) = &schedule.practitioner else { continue };
        let record = by_name[&(DirectoryKind::Practitioner, practitioner.as_str())];
        let profiles: Vec<&str> = directory::identifiers(&record.resource, naming::SDS_ROLE).collect();
        assert_eq!(profiles, [schedule.role.as_ref().unwrap().as_str()], "one profile each, so that the counts match");
        assert_eq!(directory::identifiers(&record.resource, naming::SDS_USER).count(), 1);
    }
    for service in [URGENT, OUT_OF_HOURS, DENTAL, WALK_IN] {
        let record = by_name[&(DirectoryKind::HealthcareService, service)];
        let DirectoryFacts::HealthcareService { organization, location, .. } = &record.facts else { panic!() };
        assert_eq!(organization.as_ref().unwrap().as_str(), "Y9Z41");
        assert!(by_name.contains_key(&(DirectoryKind::Location, location.as_ref().unwrap().as_str())));
    }
    for record in &plan.directory {
        let profile = format!("https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-{}-1", record.facts.kind().name());
        assert_eq!(record.resource.text_at("meta.profile"), Some(profile.as_str()));
    }
}

#[test]
fn the_mistakes_of_all_files_are_reported_at_once() {
    let files = Files::demo()
        .directory(r#""type": "collection""#, r#""type": "batch""#)
        .directory("\"Location/34d2a985", "\"Location/99d2a985")
        .diary("slot_minutes = 15", "slot_minutes = 0")
        .diary("until = \"14:00\"", "untill = \"14:00\"")
        .diary("\"555040200102\"", "\"555040200103\"");
    let lines = files.refused();
    let expected: [&[&str]; 7] = [
        &["directory.json:Bundle.type:", "`batch`", "`collection`"],
        &["directory.json:Bundle.entry[5].resource.location.reference:", "Location/99d2a985", "none of the files"],
        &[&files.at("slot_minutes = 0", 15), "`slot_minutes`", "1 to 1440"],
        &["diary.toml:", "`until` is missing"],
        &[&files.at("untill", 0), "unknown key `untill`", "valid_until"],
        &[&files.at("\"555040200103\"", 0), "PractitionerRole/555040200103 is not a role of"],
        &["diary.toml:", "service `2000099903` shows Location/99d2a985"],
    ];
    assert_lines(&lines, &expected);
}

/// The general rules of FHIR and its profiles hold for seed files, too, and say nothing twice.
#[test]
fn a_directory_that_is_not_valid_fhir_is_refused() {
    let files = Files::demo()
        .directory("\"female\"", "\"woman\"")
        .directory("\"mode\": \"instance\"", "\"mode\": 5")
        .directory("\"name\": [{", "\"communication\": [{\"text\": \"English\"}], \"name\": [{")
        .directory("\"display\": \"General Medical Practitioner\"", "\"userSelected\": false");
    // What the rules of the directory say themselves is not said again by the general ones.
    let files = files
        .directory("\"value\": \"0191 498 0100\", \"use\": \"work\"", "\"value\": \"0191 498 0100\", \"use\": \"home\"")
        .directory("\"code\": \"R0260\"", "\"code\": \"R0260\" }, { \"code\": \"x\"");
    let expected: [&[&str]; 7] = [
        &["directory.json:Bundle.entry[0].resource.telecom[0].use:", "`home`"],
        &["directory.json:Bundle.entry[1].resource.mode:"],
        &["directory.json:Bundle.entry[7].resource.gender:"],
        &["directory.json:Bundle.entry[7].resource.communication:", "prohibits"],
        &["directory.json:Bundle.entry[12].resource.code[0].coding:", "exactly one"],
        &["directory.json:Bundle.entry[12].resource.code[0].coding[0].display:"],
        &["directory.json:Bundle.entry[12].resource.code[0].coding[1].display:"],
    ];
    assert_lines(&files.refused(), &expected);
}

#[test]
fn a_schedule_at_another_place_than_its_services_is_refused() {
    let files = Files::demo().diary("services = [\"2000099902\", \"2000099901\"]", "services = [\"2000099902\", \"2000099903\"]");
    let line = ["`2000099903` shows Location/34d2a985", "wrong site"];
    assert_lines(&files.refused(), &[&line]);
    let files = Files::demo().diary("location = \"34d2a985-ffef-479d-899e-2315db0afa32\"", "");
    assert_lines(&files.refused(), &[&["`location = \"34d2a985-ffef-479d-899e-2315db0afa32\"`"]]);
}

#[test]
fn references_of_the_diary_lead_into_the_directory() {
    let files = Files::demo()
        .diary("services = [\"2000099901\"]", "services = [\"2000099999\", \"2000099901\", \"2000099901\"]")
        .diary("practitioner = \"b4baf79c", "practitioner = \"00baf79c")
        .diary("role = \"555040200103\"", "role = \"1\"")
        .diary("role = \"555040200104\"", "")
        .diary("location = \"34d2a985", "location = \"00d2a985");
    let expected: [&[&str]; 8] = [
        &["HealthcareService/2000099999 is in none"],
        &["service `2000099901` is named twice"],
        &["Practitioner/00baf79c", "none of the files"],
        &["PractitionerRole/555040200102 is not a role of Practitioner/00baf79c"],
        &["PractitionerRole/1 is in none"],
        &["the schedule needs `role`: one of 555040200104"],
        &["`2000099903` shows Location/34d2a985"],
        &["Location/00d2a985", "none of the files"],
    ];
    assert_lines(&files.refused(), &expected);
}

#[test]
fn a_role_profile_that_is_nobodys_role_is_refused() {
    // The practitioner names another's role; their own schedule then misses theirs.
    let own = r#""https://fhir.nhs.uk/Id/sds-role-profile-id", "value": "555040200101""#;
    let files = Files::demo().directory(own, &own.replace("555040200101", "555040200102"));
    let expected: [&[&str]; 2] = [
        &["directory.json:Bundle.entry[7].resource.identifier:", "`555040200102` must be the id of a PractitionerRole whose practitioner"],
        &["diary.toml:", "no identifier of system", "`555040200101`"],
    ];
    assert_lines(&files.refused(), &expected);
}

#[test]
fn names_used_twice_are_refused_also_across_files() {
    let files = Files::demo().diary("036354c0-3dab-4d76-b059-4ddb798d5b1a", "9f82a69f-a923-44ba-b27f-fff750fb6630").diary("UTC-3", "UTC-1");
    let dir = files.write();
    let second = r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Organization","id":"Y9Z41","name":"Again"}}]}"#;
    std::fs::write(dir.path().join("more.json"), second).unwrap();
    let expected: [&[&str]; 3] = [
        &["more.json:Bundle.entry[0].resource.id:", "Organization/Y9Z41 is already in directory.json, entry 0"],
        &["diary.toml:", "the id is already that of schedule `Urgent treatment, room 1`"],
        &["diary.toml:", "the identifier is already that of schedule `Urgent treatment, room 1`"],
    ];
    assert_lines(&refused(dir.path()), &expected);
}

#[test]
fn an_unreadable_file_hides_and_invents_no_mistake() {
    let mut files = Files::demo().diary("horizon_days = 14", "horizon_days = 0");
    files.directory.push('x');
    let expected: [&[&str]; 2] = [&["directory.json: line "], &[&files.at("horizon_days = 0", 15), "1 to 366"]];
    assert_lines(&files.refused(), &expected);
    let dir = files.directory("{\n", "{{\n").write();
    let other = r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Location","id":"l","managingOrganization":{"reference":"Organization/Y9Z41"}}}]}"#;
    std::fs::write(dir.path().join("places.json"), other).unwrap();
    assert_eq!(refused(dir.path()).len(), 2, "the organisation may be in the broken file");
    let broken = Files::demo().diary("name = \"Urgent treatment, room 1\"", "name = Urgent");
    let lines = broken.refused();
    assert!(lines.iter().all(|l| l.starts_with(&broken.at("name = Urgent", 7))), "{lines:#?}");
}

#[test]
fn what_each_key_of_the_diary_may_say_is_checked() {
    let files = Files::demo()
        .diary("id = \"9f82a69f-a923-44ba", "id = \"9F82a69f-a923-44ba")
        .diary("system = \"https://weirside.example/Id/diary\"", "system = \"diary\"")
        .diary("name = \"Urgent treatment, room 1\"", "name = \"\"\nzone = \"London\"\nactive = 1")
        .diary("[\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"]", "[\"mon\", \"Tuesday\"]")
        .diary("from = \"08:00\"", "from = \"8:00\"")
        .diary("channel = \"In-person\"", "channel = \"Letter\"\ncapacity = 0\nvalid_from = \"June\"")
        .diary("until = \"13:15\" }", "until = \"13:15\", why = \"lunch\" }");
    let expected: [&[&str]; 11] = [
        &["`id` must be a UUID of version 4"],
        &["`system` must be a URI"],
        &["`name` must not be empty"],
        &["`London` is no time zone", "Europe/London"],
        &["`active` must be true or false"],
        &["`Tuesday` is no day", "mon, tue"],
        &["`8:00` is no time of day"],
        &["`Letter` is no channel", "In-person, Telephone or Video"],
        &["`capacity`", "1 to 1000"],
        &["`valid_from` must be a day such as 2026-06-01"],
        &["unknown key `why`", "from, until"],
    ];
    assert_lines(&files.refused(), &expected);
}

#[test]
fn impossible_working_times_are_refused_where_they_stand() {
    let files = Files::demo()
        .diary("until = \"16:00\"", "until = \"16:00\"\nvalid_from = 2026-06-01\nvalid_until = \"2026-05-31\"")
        .diary("{ from = \"13:00\", until = \"13:40\" }", "{ from = \"08:00\", until = \"13:40\" }");
    let expected: [&[&str]; 2] = [
        &["diary.toml:", "valid_until 2026-05-31 is before"],
        &["diary.toml:", "blocked from 08:00 until 13:40", "from 09:00 until 21:00"],
    ];
    assert_lines(&files.refused(), &expected);
    let overlapping = Files::demo().diary("days = [\"sat\", \"sun\"]", "days = [\"fri\", \"sat\"]");
    assert_lines(&overlapping.refused(), &[&["diary.toml:", "overlaps session 1", "Fri from 08:00 until 16:00"]]);
}

#[test]
fn only_a_uuid_of_version_4_names_a_schedule() {
    for bad in
        ["9f82a69f-a923-14ba-b27f-fff750fb6630", "9f82a69f-a923-44ba-727f-fff750fb6630", "room-1", "9f82a69fa92344bab27ffff750fb6630"]
    {
        let files = Files::demo().diary("9f82a69f-a923-44ba-b27f-fff750fb6630", bad);
        assert_lines(&files.refused(), &[&["`id` must be a UUID of version 4"]]);
    }
}

#[test]
fn a_validity_is_kept() {
    let files = Files::demo()
        .diary("until = \"16:00\"", "until = \"16:00\"\nvalid_from = 2026-06-01\nvalid_until = \"2026-06-30\"\nchannel = \"Video\"");
    let files = files.diary("\nchannel = \"In-person\"", "");
    let plan = read_dir(files.write().path()).unwrap();
    let session = &plan.working_times[0].sessions[0];
    assert_eq!((session.valid_from, session.valid_until), (Some(day("2026-06-01")), Some(day("2026-06-30"))));
    assert_eq!(session.channel, Some(Channel::Video));
}

#[test]
fn a_directory_that_is_not_there_or_has_no_diary_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(read_dir(&dir.path().join("none")), Err(SeedError::Unreadable { .. })));
    std::fs::write(dir.path().join("dairy.toml"), "").unwrap();
    std::fs::write(dir.path().join("notes.txt"), "not read").unwrap();
    let expected: [&[&str]; 2] = [&["dairy.toml: ", "the diary is called diary.toml"], &["diary.toml: is missing"]];
    assert_lines(&refused(dir.path()), &expected);
}

#[test]
fn what_is_too_large_is_refused() {
    let dir = Files::demo().write();
    let large = usize::try_from(FILE_BYTES_MAX).unwrap() + 1;
    std::fs::write(dir.path().join("large.json"), vec![b' '; large]).unwrap();
    assert_lines(&refused(dir.path()), &[&["large.json: is larger than 4194304 bytes"]]);
    for index in 0..FILES_MAX {
        std::fs::write(dir.path().join(format!("{index}.json")), "").unwrap();
    }
    assert!(matches!(read_dir(dir.path()), Err(SeedError::TooManyFiles { .. })));
}

#[test]
fn a_flood_of_mistakes_is_cut_off() {
    let line = SeedProblem { file: "a.json".to_owned(), place: String::new(), message: "wrong".to_owned() };
    let text = SeedError::Invalid(vec![line; PROBLEMS_MAX + 5]).to_string();
    assert_eq!(text.lines().count(), PROBLEMS_MAX + 1);
    assert!(text.ends_with("and 5 more"));
}
