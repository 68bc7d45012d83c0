//! Windows of a slot search, pages and limits (docs/contract.md#names-ids-time, #limits;
//! docs/specification/uec.md#a6-slot-search): what a date means, also where the clocks change.

use testkit::{Answer, App, PUBLIC_URL, Season, Setup, Slot, UTC, found, on_both, starts};

/// All of Wednesday and Thursday.
const DAYS: &str = "start=ge2026-02-11&start=lt2026-02-13";
const ROOM_1: &str = "9f82a69f-a923-44ba-b27f-fff750fb6630";
const ROOM_2: &str = "036354c0-3dab-4d76-b059-4ddb798d5b1a";
const NIGHT_DESK: &str = "31d8ef81-5b5e-4f73-95ac-45c978dc26ac";

/// Proves F24.
#[on_both]
async fn every_prefix_of_a_window_means_what_fhir_says(app: App) {
    let all = found(&app, &format!("schedule={ROOM_1}&start=ge2026-02-09&start=lt2026-02-18")).await;
    let at = |day: u32, time: &str| format!("2026-02-{day:02}T{time}:00.000+00:00");
    // Parameters, and the half-open stretch of starts they mean.
    let cases = [
        ("start=ge2026-02-11T10:00:00Z&start=lt2026-02-11T11:00:00Z", at(11, "10:00"), at(11, "11:00")),
        ("start=gt2026-02-11T10:00:00Z&start=le2026-02-11T11:00:00Z", at(11, "10:01"), at(11, "11:01")),
        ("start=ge2026-02-11T10:00:00.000Z&start=le2026-02-11T11:00:00.000Z", at(11, "10:00"), at(11, "11:01")),
        ("start=2026-02-11", at(11, "00:00"), at(12, "00:00")),
        ("start=eq2026-02-11", at(11, "00:00"), at(12, "00:00")),
        ("start=ge2026-02-11&start=le2026-02-12", at(11, "00:00"), at(13, "00:00")),
        ("start=gt2026-02-11&start=lt2026-02-13", at(12, "00:00"), at(13, "00:00")),
        ("start=2026-02", at(9, "00:00"), at(28, "00:00")),
        ("start=ge2026-02-12&start=2026-02", at(12, "00:00"), at(28, "00:00")),
        ("start=2026-02-11T10:00Z", at(11, "10:00"), at(11, "10:01")),
        ("start=eq2026-02-11T10:00:00Z", at(11, "10:00"), at(11, "10:01")),
        ("start=2026-02-11T10:00:01Z", at(11, "10:01"), at(11, "10:02")),
        ("start=ge2026-02-11T10:00:00&start=lt2026-02-11T11:00:00", at(11, "10:00"), at(11, "11:00")),
        ("start=ge2026-02-11T12:00:00%2B02:00&start=lt2026-02-11T06:00:00-05:00", at(11, "10:00"), at(11, "11:00")),
        ("start=ge2026-02-11T10:00:00Z&start=ge2026-02-11T09:00:00Z&start=lt2026-02-11T11:00:00Z", at(11, "10:00"), at(11, "11:00")),
        // The beginning of the window may lie in the past, its end may not.
        ("start=ge2026-02-09T12:00:00Z&start=lt2026-02-10T12:00:00Z", at(9, "12:00"), at(10, "12:00")),
    ];
    for (window, from, until) in cases {
        let expected: Vec<Slot> = all.iter().filter(|slot| from <= slot.start && slot.start < until).cloned().collect();
        let given = found(&app, &format!("schedule={ROOM_1}&{window}")).await;
        assert_eq!(starts(&given), starts(&expected), "{window}");
    }
}

#[on_both]
async fn an_unencoded_plus_is_understood(app: App) {
    let plain = found(&app, &format!("service={UTC}&start=ge2026-02-11T10:00:00Z&start=le2026-02-11T12:00:00Z")).await;
    assert!(!plain.is_empty());
    for plus in ["+", "%2B", "%20"] {
        let window = format!("start=ge2026-02-11T11:00:00{plus}01:00&start=le2026-02-11T13:00:00{plus}01:00");
        assert_eq!(found(&app, &format!("service={UTC}&{window}")).await, plain, "{window}");
    }
}

#[on_both(Setup::season(Season::Autumn))]
async fn a_day_without_zone_is_a_day_in_london(app: App) {
    // Saturday, an hour ahead of UTC, and Monday, in time with it: room 2 works from 09:00 to 21:00 in London.
    let saturday = found(&app, &format!("schedule={ROOM_2}&start=2026-10-24")).await;
    assert_eq!(saturday[0].start, "2026-10-24T08:00:00.000+00:00");
    let monday = found(&app, &format!("schedule={ROOM_2}&start=2026-10-26")).await;
    assert_eq!(monday[0].start, "2026-10-26T09:00:00.000+00:00");
    assert_eq!(saturday.len(), monday.len());
    // A time without zone too.
    let from_ten = found(&app, &format!("schedule={ROOM_2}&start=ge2026-10-24T10:00:00&start=lt2026-10-25")).await;
    assert_eq!(from_ten[0].start, "2026-10-24T09:00:00.000+00:00");
    // Midnight in London is 23:00 in UTC: the night desk's slot belongs to Saturday.
    let night = found(&app, &format!("schedule={NIGHT_DESK}&start=2026-10-24")).await;
    assert_eq!(night[0].start, "2026-10-23T23:00:00.000+00:00");
}

/// Slots of the night desk that begin from Saturday 22:00 to Sunday 08:00, checked to follow on each other.
async fn night(app: &App, from: &str, until: &str) -> Vec<Slot> {
    let slots = found(app, &format!("schedule={NIGHT_DESK}&start=ge{from}&start=lt{until}")).await;
    for pair in slots.windows(2) {
        assert_eq!(pair[0].end, pair[1].start);
    }
    slots
}

/// Proves F24.
#[on_both(Setup::season(Season::Autumn))]
async fn a_night_has_twenty_five_hours_in_autumn(app: App) {
    // 22:00 British Summer Time to 08:00 Greenwich Mean Time: eleven hours of four slots.
    assert_eq!(night(&app, "2026-10-24T21:00:00Z", "2026-10-25T08:00:00Z").await.len(), 44);
    // All of the local day, 25 hours of it: until 08:00 and from 22:00, eleven hours again.
    assert_eq!(found(&app, &format!("schedule={NIGHT_DESK}&start=2026-10-25")).await.len(), 44);
}

#[on_both(Setup::season(Season::Spring))]
async fn a_night_has_twenty_three_hours_in_spring(app: App) {
    assert_eq!(night(&app, "2026-03-28T22:00:00Z", "2026-03-29T07:00:00Z").await.len(), 36);
    let sunday = found(&app, &format!("schedule={NIGHT_DESK}&start=2026-03-29")).await;
    assert_eq!(sunday.len(), 36);
    assert_eq!(sunday[0].start, "2026-03-29T00:00:00.000+00:00");
    assert_eq!(sunday.last().unwrap().start, "2026-03-29T22:45:00.000+00:00");
}

#[on_both]
async fn a_window_in_the_past_or_reversed_is_refused(app: App) {
    for past in ["start=ge2026-02-08&start=le2026-02-09", "start=le2026-02-10T08:59:59Z", "start=2026-02-09", "start=lt2020"] {
        app.search(&format!("service={UTC}&{past}")).await.refused(400, "value", "INVALID_PARAMETER");
    }
    for reversed in ["start=ge2026-02-13&start=lt2026-02-12", "start=ge2026-02-12T10:00:00Z&start=le2026-02-12T09:00:00Z"] {
        app.search(&format!("service={UTC}&{reversed}")).await.refused(422, "value", "INVALID_PARAMETER");
    }
}

#[on_both]
async fn a_window_over_the_limit_is_too_costly(app: App) {
    let told =
        app.search(&format!("service={UTC}&start=ge2026-02-11&start=le2026-03-20")).await.refused(422, "too-costly", "INVALID_PARAMETER");
    assert!(told.contains("31 days") && told.contains("start"), "{told}");
    app.search(&format!("service={UTC}&start=ge2026-02-11T00:00:00Z&start=lt2026-03-14T00:00:00Z&status=busy")).await.expect(200);
    // Free slots lie in the future, so that a window which begins long ago is short.
    app.search(&format!("service={UTC}&status=free&start=ge2010-01-01&start=le2026-02-12")).await.expect(200);
    app.search(&format!("service={UTC}&start=ge2010-01-01&start=le2026-02-12")).await.refused(422, "too-costly", "INVALID_PARAMETER");
}

#[on_both(Setup::with(|setup| setup.http.window_days_max = 2))]
async fn an_open_window_reaches_to_the_limit(app: App) {
    let open = found(&app, &format!("service={UTC}&status=free&start=ge2026-02-11T00:00:00Z")).await;
    let closed = found(&app, &format!("service={UTC}&status=free&start=ge2026-02-11T00:00:00Z&start=lt2026-02-13T00:00:00Z")).await;
    assert_eq!(open, closed);
    let without = found(&app, &format!("service={UTC}&status=free")).await;
    assert!(without.iter().all(|slot| slot.start.as_str() < "2026-02-12T09:00:01"));
    assert!(!without.is_empty());
}

/// The path of the next page, if there is one.
fn next_page(answer: &Answer) -> Option<String> {
    answer.link("next").map(|url| url.strip_prefix(&format!("{PUBLIC_URL}/STU3/1/booking/")).expect("under the same root").to_owned())
}

#[on_both]
async fn pages_are_the_whole_and_their_totals_agree(app: App) {
    let query = format!("service={UTC}&status=free&{DAYS}&_include=Slot:schedule");
    let whole = app.search(&query).await.expect(200);
    let mut collected = Vec::new();
    let mut next = Some(format!("Slot?{query}&_count=50"));
    while let Some(page) = next {
        let answer = app.get(&page).await.expect(200);
        let slots = answer.ids("Slot");
        assert!(!slots.is_empty() && slots.len() <= 50);
        assert_eq!(answer.total(), whole.total());
        assert!(!answer.all("Schedule").is_empty(), "includes belong to every page");
        collected.extend(slots);
        next = next_page(&answer);
    }
    assert_eq!(collected, whole.ids("Slot"));
    assert!(collected.len() > 100);
}

#[on_both]
async fn pages_are_stable_while_others_book(app: App) {
    let query = format!("service={UTC}&status=free&{DAYS}");
    let before = found(&app, &query).await;
    let first = app.search(&format!("{query}&_count=10")).await.expect(200);
    // The first page's last slot, one within it, one of the second page and the first of the third are taken.
    for taken in [9, 4, 12, 20] {
        app.booked(&before[taken]).await;
    }
    let second = app.get(&next_page(&first).unwrap()).await.expect(200);
    let third = app.get(&next_page(&second).unwrap()).await.expect(200);
    let expected: Vec<&str> =
        before[10..].iter().map(|s| s.id.as_str()).filter(|id| *id != before[12].id && *id != before[20].id).take(20).collect();
    let given: Vec<String> = second.ids("Slot").into_iter().chain(third.ids("Slot")).collect();
    assert_eq!(given, expected);
    assert_eq!(second.total(), before.len() as u64 - 4);
}

#[on_both]
async fn no_entries_and_the_total_when_nothing_but_the_count_is_asked(app: App) {
    let query = format!("service={UTC}&status=free&{DAYS}&_include=Slot:schedule");
    let total = app.search(&query).await.expect(200).total();
    for count in ["_count=0", "_summary=count"] {
        let answer = app.search(&format!("{query}&{count}")).await.expect(200);
        assert_eq!(answer.total(), total, "{count}");
        assert!(answer.json().get("entry").is_none(), "{count}");
    }
}

#[on_both(Setup::with(|setup| setup.engine.slots_max = 20))]
async fn more_slots_than_the_limit_are_too_costly(app: App) {
    let query = format!("service={UTC}&{DAYS}");
    let told = app.search(&query).await.refused(422, "too-costly", "INVALID_PARAMETER");
    assert!(told.contains("20") && told.contains("_count"), "{told}");
    assert_eq!(app.search(&format!("{query}&_count=20")).await.expect(200).all("Slot").len(), 20);
    // A page is never larger than the limit.
    let page = app.search(&format!("{query}&_count=500")).await.expect(200);
    assert!(page.all("Slot").len() <= 20 && next_page(&page).is_some());
}
