//! Races that must be clean: in every mode, on both databases, through two processes, and while rows are
//! refused, connections are ended and commits are cut.

use crate::world::{MODES, Place, Size, race, setting, told};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::{scope, sleep};
use std::time::Duration;
use testkit::postgres::Server;
use testkit::proxy::{CutProxy, Mode, Pick, ServerSide};

/// Tokens are checked, as in production.
const STRICT: &[&str] = &["--auth", "unsigned"];

fn size() -> Size {
    Size { clients: setting("SLOTKEEPER_FAULT_CLIENTS", 24), slots: setting("SLOTKEEPER_FAULT_SLOTS", 30) }
}

#[test]
fn a_race_on_sqlite_is_clean_in_every_mode() {
    let place = Place::sqlite();
    let server = place.serve(STRICT);
    for mode in MODES {
        println!("{}", told(&format!("sqlite {mode}"), &race(&[&server], size(), &["--mode", mode])));
    }
    place.assert_clean();
}

#[test]
fn a_race_on_postgresql_is_clean_in_every_mode() {
    let place = Place::postgres();
    let server = place.serve(STRICT);
    for mode in MODES {
        println!("{}", told(&format!("postgresql {mode}"), &race(&[&server], size(), &["--mode", mode])));
    }
    place.assert_clean();
}

#[test]
fn a_race_through_two_processes_is_clean_in_every_mode() {
    let place = Place::postgres();
    let (one, two) = (place.serve(STRICT), place.serve(STRICT));
    for mode in MODES {
        println!("{}", told(&format!("two processes {mode}"), &race(&[&one, &two], size(), &["--mode", mode])));
    }
    place.assert_clean();
}

/// A tenth of the appointments is refused by the database for no reason of the booking rules; the next try may do.
#[test]
fn a_race_on_sqlite_is_clean_while_rows_are_refused() {
    let place = Place::sqlite();
    let server = place.serve(STRICT);
    let mut hand = place.connect();
    hand.execute(
        "CREATE TRIGGER poison BEFORE INSERT ON appointment WHEN abs(random()) % 10 = 0
         BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: injected'); END",
    );
    for mode in MODES {
        println!("{}", told(&format!("sqlite, rows refused, {mode}"), &race(&[&server], size(), &["--mode", mode])));
    }
    assert!(server.stderr().contains("injected"), "no row was refused");
    hand.execute("DROP TRIGGER poison");
    place.assert_clean();
}

#[test]
fn a_race_on_postgresql_is_clean_while_rows_are_refused() {
    let place = Place::postgres();
    let (one, two) = (place.serve(STRICT), place.serve(STRICT));
    let mut hand = place.connect();
    hand.execute(
        "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF random() < 0.05 THEN RAISE EXCEPTION 'injected' USING ERRCODE = 'unique_violation'; END IF;
             IF random() < 0.05 THEN RAISE EXCEPTION 'injected' USING ERRCODE = 'check_violation'; END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER poison BEFORE INSERT ON appointment FOR EACH ROW EXECUTE FUNCTION poison()",
    );
    for mode in MODES {
        println!("{}", told(&format!("postgresql, rows refused, {mode}"), &race(&[&one, &two], size(), &["--mode", mode])));
    }
    assert!(one.stderr().contains("injected"), "no row was refused");
    place.assert_clean();
}

/// Some connection of the servers, reader or writer, busy or idle, is ended by the administrator every few milliseconds.
#[test]
fn a_race_is_clean_while_connections_are_terminated_at_random() {
    let place = Place::postgres();
    let (one, two) = (place.serve(STRICT), place.serve(STRICT));
    let (over, ended) = (AtomicBool::new(false), AtomicU64::new(0));
    scope(|threads| {
        threads.spawn(|| {
            let mut admin = place.connect();
            while !over.load(SeqCst) {
                let count = admin.number(
                    "SELECT count(pg_terminate_backend(pid)) AS n FROM (SELECT pid FROM pg_stat_activity
                     WHERE application_name = 'slotkeeper' AND datname = current_database() ORDER BY random() LIMIT 1) AS victim",
                );
                ended.fetch_add(u64::try_from(count).unwrap(), SeqCst);
                sleep(Duration::from_millis(15));
            }
        });
        let raced = scope(|races| {
            let all = races.spawn(|| {
                for mode in MODES {
                    println!("{}", told(&format!("connections terminated, {mode}"), &race(&[&one, &two], size(), &["--mode", mode])));
                }
            });
            all.join()
        });
        over.store(true, SeqCst);
        if let Err(panic) = raced {
            std::panic::resume_unwind(panic);
        }
    });
    let ended = ended.load(SeqCst);
    println!("{ended} connections terminated");
    assert!(ended > 50, "only {ended} connections were terminated");
    place.assert_clean();
}

/// Every third commit is cut off; what the server side then does is different in each test.
fn commits_cut(mode_of_proxy: Mode) {
    let mut place = Place::postgres();
    let proxy = CutProxy::start(Server::shared().addr());
    place.seen = proxy.url(&place.url);
    let server = place.serve(STRICT);
    proxy.set(mode_of_proxy);
    for mode in MODES {
        println!("{}", told(&format!("{mode_of_proxy:?}, {mode}"), &race(&[&server], size(), &["--mode", mode])));
    }
    let counts = proxy.counts();
    println!("{counts:?}");
    assert!(counts.cut_before + counts.cut_after >= 10, "too few commits were cut: {counts:?}");
    place.assert_clean();
}

#[test]
fn a_race_is_clean_while_cut_before_the_commit_arrives() {
    commits_cut(Mode::CutBeforeCommit(Pick::Every(3)));
}

#[test]
fn a_race_is_clean_while_cut_after_the_commit_was_answered() {
    commits_cut(Mode::CutAfterCommit(Pick::Every(3), ServerSide::AnswersFirst));
}

#[test]
fn a_race_is_clean_while_cut_with_the_commit_at_work() {
    commits_cut(Mode::CutAfterCommit(Pick::PerMille { share: 300, seed: 7 }, ServerSide::AnswersLater));
}

#[test]
fn a_race_is_clean_while_both_sides_are_cut_at_the_commit() {
    commits_cut(Mode::CutAfterCommit(Pick::PerMille { share: 300, seed: 11 }, ServerSide::ClosedAtOnce));
}
