use super::*;

const FULL: &str = r#"
# A care setting and a consumer of everything.
[[care_setting]]
name = "urgent"
services = ["2000099901"]

[[care_setting]]
name = "night"
schedules = ["31d8ef81-5b5e-4f73-95ac-45c978dc26ac"]

[[consumer]]
ods = "x9t20"
name = "Example 111 Service"
clients = ["iuc-7", "https://auth.example|iuc-8"]
care_settings = ["urgent", "night"]
services = ["2000099901", "2000099902"]
book = true
read = "all"
cancel = "all"
daily_ceiling = 40
speaks = "1.0.6"

[[consumer.ceiling]]
service = "2000099901"
per_day = 10

[default]
services = ["2000099901"]
book = false
"#;

fn ods(code: &str) -> OdsCode {
    OdsCode::parse(code).unwrap()
}

fn service(id: &str) -> ServiceId {
    ServiceId::parse(id).unwrap()
}

#[track_caller]
fn mistakes(text: &str) -> Vec<String> {
    parse("policy.toml", text).map(|file| format!("{file:?}")).unwrap_err()
}

/// A text has exactly these mistakes, each told by its place and a part of what is said.
#[track_caller]
fn has(text: &str, expected: &[(&str, &str)]) {
    let found = mistakes(text);
    let fits = found.iter().zip(expected).all(|(found, (place, part))| {
        found.strip_prefix("policy.toml:").is_some_and(|rest| rest.starts_with(&format!("{place}: "))) && found.contains(part)
    });
    assert!(fits && found.len() == expected.len(), "{found:#?}");
}

#[test]
fn a_file_says_who_sees_and_does_what() {
    let file = parse("policy.toml", FULL).unwrap();
    let consumer = file.policy.consumer(&ods("X9T20")).unwrap();
    let both = Names::Only([service("2000099901"), service("2000099902")].into());
    let night = Names::Only([ScheduleId::parse("31d8ef81-5b5e-4f73-95ac-45c978dc26ac").unwrap()].into());
    let urgent = View { services: Names::Only([service("2000099901")].into()), schedules: Names::All };
    assert_eq!(consumer.rights.views, [urgent, View { services: both, schedules: night }]);
    assert_eq!((consumer.rights.book, consumer.rights.read, consumer.rights.cancel), (true, Reach::All, Reach::All));
    let most = |of: Option<&str>, per_day| Ceiling { service: of.map(service), per_day };
    assert_eq!(consumer.rights.ceilings, [most(None, 40), most(Some("2000099901"), 10)]);
    assert_eq!(consumer.speaks, Some(ApiVersion::V1_0_6));
    let others = file.policy.consumer(&ods("X1")).unwrap();
    assert_eq!((others.rights.book, others.rights.read, others.speaks), (false, Reach::Own, None));
    assert_eq!(file.names.get(&ods("X9T20")).map(String::as_str), Some("Example 111 Service"));
    assert_eq!(file.services.get(&service("2000099902")).map(String::as_str), Some("policy.toml:16:27"));
    assert_eq!(file.schedules.values().collect::<Vec<_>>(), ["policy.toml:9:14"]);
}

#[test]
fn a_client_acts_for_the_organisation_that_claims_it() {
    let policy = parse("policy.toml", FULL).unwrap().policy;
    assert_eq!(policy.consumer_of_client("https://anybody.example", "iuc-7"), Some(&ods("X9T20")));
    assert_eq!(policy.consumer_of_client("https://auth.example", "iuc-8"), Some(&ods("X9T20")));
    assert_eq!(policy.consumer_of_client("https://anybody.example", "iuc-8"), None);
    assert_eq!(policy.consumer_of_client("https://auth.example", "iuc-9"), None);
}

#[test]
fn what_a_policy_leaves_out_is_as_without_one() {
    let policy = parse("policy.toml", "[[consumer]]\nods = \"X9T20\"\n").unwrap().policy;
    assert_eq!(*policy.consumer(&ods("X9T20")).unwrap().rights, Rights::usual());
    assert_eq!(policy.consumer(&ods("X1")), None);
}

#[test]
fn all_mistakes_are_told_at_once_each_with_its_line() {
    let text = r#"colour = "red"
[[consumer]]
ods = "X9-T20"
boook = true
read = "some"
services = ["20000 99901"]

[[consumer]]
name = "Nobody"
book = "yes"
speaks = "2.0"
daily_ceiling = 0
care_settings = ["urgent"]
"#;
    let expected = [
        ("1:1", "unknown key `colour`; known here: consumer, care_setting, default"),
        ("3:7", "`X9-T20` is no ODS code"),
        ("4:1", "unknown key `boook`"),
        ("5:8", "`read` is \"some\"; it must be one of \"own\", \"all\""),
        ("6:13", "`20000 99901` is not an id"),
        ("8:1", "`ods` is missing"),
        ("10:8", "`book` must be true or false"),
        ("11:10", "`speaks` is \"2.0\"; it must be one of \"1.0.6\""),
        ("12:17", "`daily_ceiling` must be a whole number from 1"),
        ("13:18", "there is no care setting `urgent`; none is described"),
    ];
    has(text, &expected);
}

#[test]
fn what_is_said_twice_is_a_mistake() {
    let text = r#"[[care_setting]]
name = "urgent"
[[care_setting]]
name = "urgent"
[[consumer]]
ods = "X1"
clients = ["a", "a", "https://auth.example|b"]
care_settings = ["urgent", "urgent"]
[[consumer]]
ods = "x1"
[[consumer]]
ods = "X2"
clients = ["a", "b"]
services = ["1", "1"]
[[consumer.ceiling]]
service = "1"
per_day = 1
[[consumer.ceiling]]
service = "1"
per_day = 2
"#;
    let expected = [
        ("4:8", "care setting `urgent` is described a second time"),
        ("7:17", "client `a` is named a second time"),
        ("8:28", "`urgent` is named a second time"),
        ("10:7", "organisation X1 is named a second time"),
        ("13:12", "client `a` already acts for organisation X1"),
        ("13:17", "client `b` already acts for organisation X1"),
        ("14:18", "`1` is named a second time"),
        ("19:11", "service 1 has a second ceiling"),
    ];
    has(text, &expected);
}

#[test]
fn what_contradicts_itself_is_a_mistake() {
    let text = r#"[[care_setting]]
name = "urgent"
services = ["1"]
schedules = ["a"]
[[care_setting]]
name = "dental"
services = ["2"]
[[consumer]]
ods = "X1"
care_settings = ["urgent"]
services = ["1", "3"]
schedules = ["a", "b"]
[[consumer]]
ods = "X2"
book = false
daily_ceiling = 3
[[consumer]]
ods = "X3"
cancel = "all"
[[consumer]]
ods = "X4"
services = ["1"]
ceiling = [{ service = "2", per_day = 1 }]
[[consumer]]
ods = "X5"
services = []
clients = ["|", "https://auth.example|"]
[[consumer]]
ods = "X6"
care_settings = ["urgent", "dental"]
services = ["1"]
schedules = ["c"]
"#;
    let expected = [
        ("11:18", "service 3 is in none of its care settings"),
        ("12:19", "schedule b is in none of its care settings"),
        ("13:1", "a ceiling on the bookings of somebody who may not book"),
        ("19:10", "cancel = \"all\" needs read = \"all\""),
        ("23:24", "a ceiling on service 2, which is not seen"),
        ("26:12", "`services` is empty"),
        ("27:12", "must be `<client id>` or `<issuer>|<client id>`"),
        ("27:17", "must be `<client id>` or `<issuer>|<client id>`"),
        ("28:1", "nothing in common"),
    ];
    has(text, &expected);
}

#[test]
fn a_file_that_admits_nobody_or_is_no_toml_is_refused() {
    has("", &[("1:1", "nobody is admitted")]);
    has("# nothing\n[[care_setting]]\nname = \"a\"\n", &[("1:1", "nobody is admitted")]);
    assert!(mistakes("[[consumer]]\nods = X1\n")[0].starts_with("policy.toml:2:"));
    assert!(mistakes("[default]\n[default]\n")[0].starts_with("policy.toml:2:"));
    has("default = 3\n", &[("1:11", "`default` must be a table")]);
    has("consumer = 3\n", &[("1:12", "`consumer` must be a list of tables")]);
}

#[test]
fn many_mistakes_are_cut_short_and_an_unreadable_file_named() {
    let text: String = (0..300).map(|n| format!("[[consumer]]\nods = \"X{n}\"\nnonsense = 1\n")).collect();
    let found = mistakes(&text);
    assert_eq!((found.len(), found.last().map(String::as_str)), (MISTAKES_MAX + 1, Some("and 100 more")));
    let missing = read(Path::new("/nowhere/policy.toml")).unwrap_err();
    assert!(missing[0].starts_with("/nowhere/policy.toml: cannot be read"), "{missing:?}");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("policy.toml");
    std::fs::write(&file, [0xFF]).unwrap();
    assert!(read(&file).unwrap_err()[0].contains("is not UTF-8"));
    std::fs::write(&file, vec![b' '; usize::try_from(FILE_BYTES_MAX).unwrap() + 1]).unwrap();
    assert!(read(&file).unwrap_err()[0].contains("is larger than"));
}
