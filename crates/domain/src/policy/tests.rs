use super::*;
use crate::time::LONDON;

fn ods(code: &str) -> OdsCode {
    OdsCode::parse(code).unwrap()
}

fn service(id: &str) -> ServiceId {
    ServiceId::parse(id).unwrap()
}

fn schedule(id: &str) -> ScheduleId {
    ScheduleId::parse(id).unwrap()
}

fn services(ids: &[&str]) -> Names<ServiceId> {
    Names::Only(ids.iter().map(|id| service(id)).collect())
}

fn schedules(ids: &[&str]) -> Names<ScheduleId> {
    Names::Only(ids.iter().map(|id| schedule(id)).collect())
}

fn access(rights: Rights) -> Access {
    Access::Organisation { code: ods("X1"), rights: Arc::new(rights) }
}

fn offered(id: &str) -> OfferedService {
    OfferedService { service: service(id), provider: Some(ods("P1")) }
}

#[test]
fn two_views_are_never_mixed() {
    let views = vec![
        View { services: services(&["a"]), schedules: schedules(&["1"]) },
        View { services: services(&["b"]), schedules: schedules(&["2"]) },
    ];
    let caller = access(Rights { views, ..Rights::usual() });
    assert!(caller.sees(&schedule("1"), &service("a"), None) && caller.sees(&schedule("2"), &service("b"), None));
    assert!(!caller.sees(&schedule("1"), &service("b"), None) && !caller.sees(&schedule("2"), &service("a"), None));
    assert!(caller.sees_service(&service("a"), None) && !caller.sees_service(&service("c"), None));
    let both = Offering { zone: LONDON, services: vec![offered("b"), offered("a")] };
    assert_eq!(caller.seen(&schedule("1"), &both), [&offered("a")]);
}

#[test]
fn what_two_lists_mean_is_what_both_name() {
    let own = View { services: services(&["a", "b"]), schedules: Names::All };
    let setting = View { services: services(&["b", "c"]), schedules: schedules(&["1"]) };
    assert_eq!(own.meet(&setting), View { services: services(&["b"]), schedules: schedules(&["1"]) });
    assert!(own.meet(&View { services: services(&["d"]), schedules: Names::All }).is_blind());
    assert_eq!(View::EVERYTHING.meet(&own), own);
    assert!(access(Rights::usual()).sees_everything() && !access(Rights { views: vec![own], ..Rights::usual() }).sees_everything());
}

#[test]
fn the_provider_of_a_service_has_every_right_only_there() {
    let (me, other) = (ods("X1"), ods("P1"));
    let ceilings = vec![Ceiling { service: None, per_day: 1 }];
    let caller = access(Rights { ceilings, ..Rights::none() });
    assert!(caller.sees(&schedule("1"), &service("a"), Some(&me)) && !caller.sees(&schedule("1"), &service("a"), Some(&other)));
    assert_eq!(caller.may_book(Some(&me)), Ok(()));
    assert_eq!(caller.may_book(Some(&other)), Err(Denial::Booking { organisation: me.clone() }));
    let own = OfferedService { service: service("a"), provider: Some(me.clone()) };
    assert!(caller.quotas(&own, Timestamp::from_ms(0), LONDON).is_empty());
    assert_eq!(caller.quotas(&offered("a"), Timestamp::from_ms(0), LONDON).len(), 1);
    let (schedule, service) = (schedule("1"), service("a"));
    let of = |provider| AccessFacts { booked_by: None, provider, schedule: &schedule, service: &service };
    assert!(caller.may_read(of(Some(&me))) && !caller.may_read(of(Some(&other))));
    assert!(caller.may_cancel(of(Some(&me))).is_ok() && caller.may_cancel(of(Some(&other))).is_err());
}

#[test]
fn others_appointments_are_reached_only_where_the_diary_is_seen() {
    let (me, other) = (ods("X1"), ods("X2"));
    let (schedule, seen, unseen) = (schedule("1"), service("a"), service("b"));
    let of = |booked_by, service| AccessFacts { booked_by: Some(booked_by), provider: None, schedule: &schedule, service };
    let rights =
        |read, cancel| Rights { views: vec![View { services: services(&["a"]), schedules: Names::All }], read, cancel, ..Rights::usual() };
    let caller = access(rights(Reach::All, Reach::Own));
    assert!(caller.may_read(of(&other, &seen)) && !caller.may_read(of(&other, &unseen)));
    assert!(caller.may_read(of(&me, &unseen)), "its own, even where it no longer sees the service");
    assert_eq!(caller.may_cancel(of(&me, &unseen)), Ok(()));
    assert_eq!(caller.may_cancel(of(&other, &seen)), Err(Denial::CancellingOthers { organisation: me.clone() }));
    let caller = access(rights(Reach::All, Reach::All));
    assert!(caller.may_cancel(of(&other, &seen)).is_ok() && caller.may_cancel(of(&other, &unseen)).is_err());
    let caller = access(rights(Reach::Own, Reach::None));
    assert!(caller.may_read(of(&me, &seen)) && !caller.may_read(of(&other, &seen)));
    assert_eq!(caller.may_cancel(of(&me, &seen)), Err(Denial::Cancelling { organisation: me.clone() }));
}

#[test]
fn a_ceiling_counts_the_local_day_of_23_or_25_hours() {
    let ceilings = vec![Ceiling { service: None, per_day: 2 }, Ceiling { service: Some(service("b")), per_day: 1 }];
    let caller = access(Rights { ceilings, ..Rights::usual() });
    let at = |text: &str| Timestamp::parse(text).unwrap();
    // The clocks go forward on 29 March 2026: the day ends at 23:00 UTC.
    let quotas = caller.quotas(&offered("a"), at("2026-03-29T12:00:00Z"), LONDON);
    assert_eq!(quotas.len(), 1, "the ceiling of another service is none of its business");
    let tally = &quotas[0].tally;
    assert_eq!(tally.span.length_ms(), 23 * 3_600_000);
    let counts = |text| tally.counts(Some(&ods("X1")), &service("a"), at(text));
    assert!(counts("2026-03-29T00:00:00Z") && counts("2026-03-29T22:59:59Z") && !counts("2026-03-29T23:00:00Z"));
    assert!(!tally.counts(Some(&ods("X2")), &service("a"), at("2026-03-29T12:00:00Z")));
    assert_eq!(caller.quotas(&offered("b"), at("2026-03-29T12:00:00Z"), LONDON).len(), 2);
    // Any two tallies that overlap have a day to hold in common, whatever their zones.
    let far = caller.quotas(&offered("a"), at("2026-03-29T12:00:00Z"), chrono_tz::Pacific::Auckland);
    assert!(far[0].tally.days_touched().any(|day| tally.days_touched().contains(&day)));
}

#[test]
fn a_full_day_is_named_and_uncounted_days_are_not_full() {
    let ceilings = vec![Ceiling { service: None, per_day: 2 }];
    let quotas = access(Rights { ceilings, ..Rights::usual() }).quotas(&offered("a"), Timestamp::from_ms(0), LONDON);
    let with = |count| HashMap::from([(quotas[0].tally.clone(), count)]);
    assert_eq!(ceiling_reached(&quotas, &with(1)), None);
    assert_eq!(ceiling_reached(&quotas, &HashMap::new()), None);
    let day = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
    assert_eq!(
        ceiling_reached(&quotas, &with(2)),
        Some(Refusal::CeilingReached { organisation: ods("X1"), service: None, day, per_day: 2 })
    );
}
