//! Daily ceilings of the policy: so many live appointments of an organisation begin on one local day and no more,
//! whoever books at once and through how many servers (docs/contract.md#who-sees-whom, #invariants).

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use futures_util::future::{join, join_all};
use testkit::{
    Answer, App, Ask, DENTAL, OTHER_CONSUMER, OUT_OF_HOURS, PROVIDER_ORGANISATION, Season, Setup, Slot, UTC, booking, cancelled, on_both,
};

fn under(lines: &str) -> Setup {
    with_policy(&format!("[[consumer]]\nods = \"X9T20\"\n{lines}[default]\n"))
}

fn with_policy(policy: &str) -> Setup {
    Setup::with(|setup| setup.policy = Some(policy.to_owned()))
}

/// The free slots of a service on one day, where the local day is that of UTC.
async fn on_day(app: &App, service: &str, day: &str) -> Vec<Slot> {
    app.free_slots(service).await.into_iter().filter(|slot| slot.start.starts_with(day)).collect()
}

#[track_caller]
fn reached(answer: &Answer, says: &[&str]) {
    let told = answer.refused(422, "business-rule", "INVALID_REQUEST_STATE");
    assert!(says.iter().all(|part| told.contains(part)), "{told}");
}

#[track_caller]
fn booked_and_reached(answers: &[Answer], most: usize) {
    let booked = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(booked, most, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        reached(refused, &[&format!("at most {most} appointments on 2026-02-11")]);
    }
}

/// How many of the slots are no longer free.
async fn taken(app: &App, slots: &[Slot]) -> usize {
    let ids: Vec<&str> = slots.iter().map(|slot| slot.id.as_str()).collect();
    app.search(&format!("_id={}&status=busy&_count=0", ids.join(","))).await.expect(200).total().try_into().unwrap()
}

#[on_both(under("daily_ceiling = 10\n"))]
async fn of_sixty_four_at_a_ceiling_of_ten_ten_are_booked(app: App) {
    let slots = &on_day(&app, UTC, "2026-02-11").await[..64];
    // Others book on that day as if there was no ceiling, which there is not for them.
    let others = &on_day(&app, DENTAL, "2026-02-11").await[..8];
    let rush = join_all(slots.iter().map(|slot| app.ask(Ask::book(&booking(slot)))));
    let strangers = join_all(others.iter().map(|slot| app.ask(Ask::book(&booking(slot)).of(OTHER_CONSUMER))));
    let (answers, strangers) = join(rush, strangers).await;
    booked_and_reached(&answers, 10);
    assert!(strangers.iter().all(|answer| answer.status == 201));
    assert_eq!(taken(&app, slots).await, 10);
}

#[on_both(under("daily_ceiling = 10\n"))]
async fn two_servers_on_one_database_keep_one_ceiling(app: App) {
    let other = app.beside(under("daily_ceiling = 10\n")).await;
    let slots = &on_day(&app, UTC, "2026-02-11").await[..64];
    let asks = slots.iter().enumerate().map(|(n, slot)| {
        let server = if n % 2 == 0 { &app } else { &other };
        server.ask(Ask::book(&booking(slot)).key(&format!("key-{n}")))
    });
    booked_and_reached(&join_all(asks).await, 10);
    assert_eq!(taken(&app, slots).await, 10);
}

#[on_both(under("daily_ceiling = 1\n"))]
async fn a_cancel_makes_room_and_every_day_has_its_own(app: App) {
    let slots = on_day(&app, UTC, "2026-02-11").await;
    let made = app.booked(&slots[0]).await;
    reached(&app.book(&booking(&slots[1])).await, &["organisation X9T20", "at most 1 appointment on 2026-02-11", "another day"]);
    app.booked(&on_day(&app, UTC, "2026-02-12").await[0]).await;
    app.cancel(made["id"].as_str().unwrap(), "W/\"1\"", &cancelled(&made)).await.expect(200);
    app.booked(&slots[1]).await;
    reached(&app.book(&booking(&slots[2])).await, &["2026-02-11"]);
}

#[on_both(under("[[consumer.ceiling]]\nservice = \"2000099903\"\nper_day = 1\n"))]
async fn a_ceiling_of_a_service_is_for_that_service(app: App) {
    let dental = on_day(&app, DENTAL, "2026-02-11").await;
    let urgent = on_day(&app, UTC, "2026-02-11").await;
    app.booked(&dental[0]).await;
    reached(&app.book(&booking(&dental[1])).await, &["at most 1 appointment with service 2000099903 on 2026-02-11"]);
    let validated = app.ask(Ask::new("POST", "Appointment/$validate").bytes(booking(&dental[1]).to_string())).await.expect(200);
    assert!(validated.text().contains("at most 1 appointment with service 2000099903"), "{}", validated.text());
    app.booked(&urgent[0]).await;
    app.booked(&urgent[1]).await;
}

#[on_both(under("daily_ceiling = 2\n[[consumer.ceiling]]\nservice = \"2000099903\"\nper_day = 1\n"))]
async fn both_ceilings_hold(app: App) {
    let dental = on_day(&app, DENTAL, "2026-02-11").await;
    let hours = on_day(&app, OUT_OF_HOURS, "2026-02-11").await;
    app.booked(&dental[0]).await;
    reached(&app.book(&booking(&dental[1])).await, &["with service 2000099903"]);
    app.booked(&hours[0]).await;
    reached(&app.book(&booking(&hours[1])).await, &["at most 2 appointments on 2026-02-11"]);
}

#[on_both(with_policy("[default]\ndaily_ceiling = 1\n"))]
async fn the_ceiling_of_a_default_is_each_organisations_own(app: App) {
    let slots = on_day(&app, UTC, "2026-02-11").await;
    for n in 0..4 {
        let ods = format!("X{n}");
        app.ask(Ask::book(&booking(&slots[n])).of(&ods)).await.expect(201);
        reached(&app.ask(Ask::book(&booking(&slots[10])).of(&ods)).await, &[&ods]);
    }
}

#[on_both(under("daily_ceiling = 1\n"))]
async fn what_no_ceiling_refuses_is_refused_as_before(app: App) {
    let slots = on_day(&app, UTC, "2026-02-11").await;
    let first = Ask::book(&booking(&slots[0])).key("key");
    let made = app.ask(first.clone()).await.expect(201);
    // A resent key wins, a taken slot is said alone, and an unknown one is unknown.
    assert!(app.ask(first).await.refused(409, "duplicate", "DUPLICATE_REJECTED").contains(&made.id()));
    assert!(app.ask(Ask::book(&booking(&slots[1])).key("key")).await.refused(409, "duplicate", "DUPLICATE_REJECTED").contains(&made.id()));
    app.book(&booking(&slots[0])).await.says_slot_taken();
    let unknown = Slot { id: "00000000-0000-4000-8000-000000000000".to_owned(), ..slots[1].clone() };
    app.book(&booking(&unknown)).await.refused(422, "not-found", "REFERENCE_NOT_FOUND");
    // The failed attempt burns no key.
    let second = Ask::book(&booking(&slots[1])).key("second");
    reached(&app.ask(second.clone()).await, &["2026-02-11"]);
    app.policy("[default]\n");
    app.ask(second).await.expect(201);
}

#[on_both(with_policy("[[consumer]]\nods = \"Y9Z41\"\ndaily_ceiling = 1\n[default]\n"))]
async fn the_provider_is_under_no_ceiling_on_its_own_services(app: App) {
    for slot in &on_day(&app, UTC, "2026-02-11").await[..3] {
        app.ask(Ask::book(&booking(slot)).of(PROVIDER_ORGANISATION)).await.expect(201);
    }
}

#[on_both(under("daily_ceiling = 3\n"))]
async fn a_lowered_ceiling_takes_nothing_away(app: App) {
    let slots = on_day(&app, UTC, "2026-02-11").await;
    for slot in &slots[..3] {
        app.booked(slot).await;
    }
    app.policy("[[consumer]]\nods = \"X9T20\"\ndaily_ceiling = 1\n");
    reached(&app.book(&booking(&slots[3])).await, &["at most 1 appointment on 2026-02-11"]);
    assert_eq!(taken(&app, &slots[..4]).await, 3);
}

#[on_both(Setup::with(|setup| {
        setup.season = Season::Spring;
        setup.policy = Some("[[consumer]]\nods = \"X9T20\"\ndaily_ceiling = 1\n".to_owned());
    }))]
async fn the_day_is_the_local_one(app: App) {
    // The clocks go forward on Sunday 29 March 2026: from then on midnight in London is 23:00 UTC.
    let slots = app.free_slots(OUT_OF_HOURS).await;
    let at = |from: &str, until: &str| {
        slots.iter().find(|slot| (from..until).contains(&slot.start.as_str())).unwrap_or_else(|| panic!("no slot from {from} to {until}"))
    };
    let sunday_first = at("2026-03-29T00:00", "2026-03-29T01:00");
    let sunday_last = at("2026-03-29T20:00", "2026-03-29T23:00");
    let monday_first = at("2026-03-29T23:00", "2026-03-30T00:00");
    app.booked(sunday_first).await;
    reached(&app.book(&booking(sunday_last)).await, &["on 2026-03-29"]);
    app.booked(monday_first).await;
    reached(&app.book(&booking(at("2026-03-30T00:00", "2026-03-30T22:00"))).await, &["on 2026-03-30"]);
}

/// On PostgreSQL a stranger may hold the lock of a day: nobody is refused because of it, and nobody else waits for it.
#[on_both(under("daily_ceiling = 1\n"))]
async fn a_lock_that_a_stranger_holds_is_waited_for_and_no_answer(app: App) {
    let slots = on_day(&app, UTC, "2026-02-11").await;
    if app.database.sqlite_path().is_some() {
        return app.booked(&slots[0]).await.as_object().map_or((), |_| ());
    }
    let mut stranger = PgConnection::establish(&app.database.url()).unwrap();
    let day = 1_770_768_000_000_i64 / 86_400_000;
    stranger
        .batch_execute(&format!(
            "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('ceiling' || chr(31) || 'X9T20' || chr(31) || {day}, 1))"
        ))
        .unwrap();
    let waiting = app.ask(Ask::book(&booking(&slots[0])));
    let meanwhile = async {
        app.ask(Ask::book(&booking(&slots[1])).of(OTHER_CONSUMER)).await.expect(201);
        app.booked(&on_day(&app, UTC, "2026-02-12").await[0]).await;
        assert_eq!(app.live_in(&slots[0].id).await, 0);
        stranger.batch_execute("ROLLBACK").unwrap();
    };
    let (answer, ()) = join(waiting, meanwhile).await;
    answer.expect(201);
    reached(&app.book(&booking(&slots[2])).await, &["2026-02-11"]);
}
