//! Many at once, in one process: a slot is given away as often as it holds patients, whoever asks and however often
//! (docs/contract.md#resent-requests, #invariants). The app asks every invariant of the database when it is dropped.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use std::cell::Cell;
use testkit::{Answer, App, Ask, DENTAL, Setup, Slot, UTC, booking, cancelled, on_both};

fn impatient() -> Setup {
    Setup::with(|setup| setup.engine.allocator.deadline_ms = 400)
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    statuses
}

/// Books one slot so many times at once, each time for another organisation.
async fn rush(app: &App, slot: &Slot, clients: usize) -> Vec<Answer> {
    join_all((0..clients).map(|n| app.ask(Ask::book(&booking(slot)).of(&format!("X{n}"))))).await
}

#[track_caller]
fn winners_and_losers(answers: &[Answer], winners: usize) {
    let won = answers.iter().filter(|answer| answer.status == 201).count();
    let lost = answers.iter().filter(|answer| answer.is_slot_taken()).count();
    assert_eq!((won, lost), (winners, answers.len() - winners), "{:?}", statuses(answers));
}

/// Proves F36.
#[on_both]
async fn of_sixty_four_at_one_slot_one_has_it(app: App) {
    let slots = app.free_slots(UTC).await;
    for slot in &slots[..3] {
        winners_and_losers(&rush(&app, slot, 64).await, 1);
        assert_eq!(app.live_in(&slot.id).await, 1);
    }
    assert_eq!(app.free_slots(UTC).await, slots[3..]);
}

#[on_both]
async fn a_slot_for_two_is_given_away_twice(app: App) {
    for slot in &app.free_slots(DENTAL).await[..3] {
        winners_and_losers(&rush(&app, slot, 40).await, 2);
        assert_eq!(app.live_in(&slot.id).await, 2);
    }
}

#[on_both]
async fn many_slots_at_once_each_go_to_one(app: App) {
    let slots = &app.free_slots(UTC).await[..20];
    for answers in join_all(slots.iter().map(|slot| rush(&app, slot, 8))).await {
        winners_and_losers(&answers, 1);
    }
}

#[on_both]
async fn a_request_that_overtakes_itself_books_once(app: App) {
    let slots = app.free_slots(UTC).await;
    // The same request, and one under the same key for another slot.
    for (round, pair) in slots.chunks(2).take(5).enumerate() {
        let key = format!("key-{round}");
        let asks = (0..32).map(|n| app.ask(Ask::book(&booking(&pair[n % 2])).key(&key)));
        let answers = join_all(asks).await;
        let won: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
        assert_eq!(won.len(), 1, "{:?}", statuses(&answers));
        for lost in answers.iter().filter(|answer| answer.status != 201) {
            let told = lost.refused(409, "duplicate", "DUPLICATE_REJECTED");
            assert!(told.contains(&won[0].id()), "{told}");
        }
        assert_eq!(app.live_in(&pair[0].id).await + app.live_in(&pair[1].id).await, 1);
    }
}

#[on_both]
async fn a_resent_request_never_hears_that_its_own_slot_is_taken(app: App) {
    let slot = app.free_slot(UTC).await;
    // Eight consumers, each of whom sends its request four times.
    let asks = (0..32).map(|n| app.ask(Ask::book(&booking(&slot)).key("same").of(&format!("X{}", n % 8))));
    let answers = join_all(asks).await;
    let winner = answers.iter().position(|answer| answer.status == 201).expect("somebody has it") % 8;
    for (n, answer) in answers.iter().enumerate() {
        match answer.status {
            201 => {}
            409 => assert_eq!(n % 8, winner, "{}", answer.text()),
            _ => {
                answer.says_slot_taken();
                assert_ne!(n % 8, winner, "hears that its own slot is taken");
            }
        }
    }
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
}

#[on_both]
async fn of_several_cancels_one_succeeds(app: App) {
    for slot in &app.free_slots(UTC).await[..3] {
        let made = app.booked(slot).await;
        let id = made["id"].as_str().unwrap();
        let cancel = Ask::cancel(id, "W/\"1\"", &cancelled(&made));
        let answers = join_all((0..16).map(|_| app.ask(cancel.clone()))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{:?}", statuses(&answers));
        for lost in answers.iter().filter(|answer| answer.status != 200) {
            lost.refused(409, "conflict", "CONFLICTING_VALUES");
        }
        assert_eq!(app.get(&format!("Appointment/{id}")).await.header("ETag"), "W/\"2\"");
        assert_eq!(app.status_of(&slot.id).await, "free");
    }
}

#[on_both]
async fn a_slot_booked_and_cancelled_in_turn_is_never_taken_twice(app: App) {
    let slots = &app.free_slots(UTC).await[..2];
    // How many of us hold each slot, from the answer to the booking until the cancel is sent.
    let held: Vec<Cell<u32>> = slots.iter().map(|_| Cell::new(0)).collect();
    let booked = Cell::new(0);
    let client = async |n: usize| {
        for round in 0..12 {
            let at = (n + round) % slots.len();
            let answer = app.book(&booking(&slots[at])).await;
            if answer.status != 201 {
                answer.says_slot_taken();
                continue;
            }
            booked.set(booked.get() + 1);
            held[at].set(held[at].get() + 1);
            assert_eq!(held[at].get(), 1, "two hold one slot");
            let made = answer.json();
            held[at].set(held[at].get() - 1);
            app.cancel(made["id"].as_str().unwrap(), "W/\"1\"", &cancelled(&made)).await.expect(200);
        }
    };
    join_all((0..16).map(client)).await;
    assert!(booked.get() > 10, "only {} bookings succeeded", booked.get());
    for slot in slots {
        assert_eq!((app.live_in(&slot.id).await, app.status_of(&slot.id).await), (0, "free".to_owned()));
    }
}

/// Something outside that keeps a slot from being written to. Dropped, it lets go.
enum Lock {
    /// The whole database.
    Sqlite(SqliteConnection),
    /// The row of the slot.
    Postgresql(PgConnection),
}

impl Lock {
    fn on(app: &App, slots: &[Slot]) -> Self {
        match app.database.sqlite_path() {
            Some(path) => {
                let mut conn = SqliteConnection::establish(&path.to_string_lossy()).unwrap();
                conn.batch_execute("BEGIN IMMEDIATE").unwrap();
                Self::Sqlite(conn)
            }
            None => {
                let mut conn = PgConnection::establish(&app.database.url()).unwrap();
                let ids: Vec<String> = slots.iter().map(|slot| format!("'{}'", slot.id)).collect();
                conn.batch_execute(&format!("BEGIN; SELECT 1 FROM slot WHERE id IN ({}) FOR UPDATE", ids.join(", "))).unwrap();
                Self::Postgresql(conn)
            }
        }
    }

    fn release(self) {
        match self {
            Self::Sqlite(mut conn) => conn.batch_execute("ROLLBACK").unwrap(),
            Self::Postgresql(mut conn) => conn.batch_execute("ROLLBACK").unwrap(),
        }
    }
}

/// A refusal for want of time or room.
#[track_caller]
fn sent_away(answer: &Answer) {
    answer.refused(503, "transient", "INTERNAL_SERVER_ERROR");
    assert!(answer.header("Retry-After").parse::<u32>().unwrap() >= 1);
}

#[on_both(Setup::with(|setup| setup.engine.allocator.queue_max = 4))]
async fn whoever_comes_when_the_queue_is_full_is_never_booked(app: App) {
    let slots = &app.free_slots(UTC).await[..12];
    let lock = Lock::on(&app, slots);
    let ask = async |at: usize| (at, app.ask(Ask::book(&booking(&slots[at])).key(&format!("key-{at}"))).await);
    let mut asked: FuturesUnordered<_> = (0..slots.len()).map(ask).collect();
    // Nothing can be carried out, so that the four that found room stay under way and the others are answered.
    let mut away = Vec::new();
    for _ in 4..slots.len() {
        let (at, answer) = asked.next().await.unwrap();
        sent_away(&answer);
        away.push(at);
    }
    lock.release();
    while let Some((_, answer)) = asked.next().await {
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    for at in away {
        assert_eq!(app.live_in(&slots[at].id).await, 0);
        // The key is not burnt.
        app.ask(Ask::book(&booking(&slots[at])).key(&format!("key-{at}"))).await.expect(201);
    }
}

#[on_both(impatient())]
async fn a_claim_whose_time_is_up_is_never_booked(app: App) {
    let slots = app.free_slots(UTC).await;
    let (held, other) = (&slots[0], &slots[1]);
    let on_postgresql = app.database.sqlite_path().is_none();
    let lock = Lock::on(&app, &slots[..1]);
    let late = app.ask(Ask::book(&booking(held)).key("late"));
    // Whoever wants another slot does not wait for the row; SQLite has one lock for all.
    let meanwhile = async {
        if on_postgresql {
            app.book(&booking(other)).await.expect(201);
        }
    };
    let (late, ()) = futures_util::future::join(late, meanwhile).await;
    sent_away(&late);
    lock.release();
    // What is booked now is carried out after whatever might still be under way.
    app.booked(&slots[2]).await;
    assert_eq!((app.live_in(&held.id).await, app.status_of(&held.id).await), (0, "free".to_owned()));
    app.ask(Ask::book(&booking(held)).key("late")).await.expect(201);
}
