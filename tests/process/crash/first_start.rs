//! SIGKILL during the very first start: while tables are made, and while the demo provider is loaded.

use super::dice::Dice;
use crate::SLOTKEEPER;
use crate::world::{Place, book, free_slots, setting};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};
use testkit::os::free_port;

const LIMIT: Duration = Duration::from_secs(60);
const SLOTS: &str = "SELECT count(*) AS n FROM slot";

fn rounds() -> usize {
    setting("SLOTKEEPER_CRASH_ROUNDS", 8)
}

fn places(kind: &str) -> Place {
    if kind == "sqlite" { Place::sqlite() } else { Place::postgres() }
}

/// Either the database is whole, or one sentence says what to do.
fn assert_whole_or_told(place: &Place) -> bool {
    let ended = SLOTKEEPER.run(&["check", "--database-url", &place.url], LIMIT);
    let told = ended.stderr.contains("slotkeeper migrate") && ended.stderr.lines().count() == 1;
    assert!(ended.code == Some(0) || (ended.code == Some(1) && told), "{:?}: {}{}", ended.code, ended.stdout, ended.stderr);
    ended.code == Some(0)
}

#[test]
fn a_migration_that_is_killed_is_done_by_the_next_one() {
    let mut dice = Dice::cast("migrate");
    for kind in ["sqlite", "postgresql"] {
        let whole = places(kind);
        let migrate = |place: &Place| SLOTKEEPER.run(&["migrate", "--database-url", &place.url], LIMIT);
        let begin = Instant::now();
        assert_eq!(migrate(&whole).code, Some(0));
        let takes = begin.elapsed();
        let mut untouched = 0;
        for round in 1..=rounds() {
            let place = places(kind);
            let job = SLOTKEEPER.start_in(Path::new("/"), &["migrate", "--database-url", &place.url], &[]);
            let moment = dice.within(takes);
            sleep(moment);
            job.kill_9();
            untouched += usize::from(!assert_whole_or_told(&place));
            let ended = migrate(&place);
            assert_eq!(ended.code, Some(0), "{kind}, kill {round} after {moment:?}: {}", ended.stderr);
            place.assert_clean();
            assert_eq!(place.number(SLOTS), 0);
        }
        println!("{kind}: {} migrations killed, {untouched} of them before they were done", rounds());
    }
}

#[test]
fn a_first_start_that_is_killed_is_completed_by_the_next() {
    let mut dice = Dice::cast("first start");
    for kind in ["sqlite", "postgresql"] {
        let whole = places(kind);
        let begin = Instant::now();
        drop(whole.serve(&[]));
        let (takes, full) = (begin.elapsed(), whole.number(SLOTS));
        let mut counts = [0, 0, 0];
        for round in 1..=rounds() {
            let place = places(kind);
            let listen = format!("127.0.0.1:{}", free_port());
            let line = ["serve", "--demo", "--accept-data-loss", "--listen", &listen, "--database-url", &place.url];
            let job = SLOTKEEPER.start_in(Path::new("/"), &line, &[]);
            let moment = dice.within(takes);
            sleep(moment);
            job.kill_9();
            let found = if assert_whole_or_told(&place) { Some(place.number(SLOTS)) } else { None };
            assert!(found.is_none_or(|n| n == 0 || n == full), "{kind}, kill {round} after {moment:?}: {found:?} of {full} slots");
            counts[found.map_or(0, |n| if n == 0 { 1 } else { 2 })] += 1;
            let server = place.serve(&[]);
            assert_eq!(place.number(SLOTS), full, "{kind}, kill {round} after {moment:?}");
            let slot = free_slots(&server, 1).remove(0);
            assert_eq!(book(server.addr(), &slot, "first").unwrap().status, 201);
            place.assert_clean();
        }
        println!(
            "{kind}: {} first starts killed: {} without tables, {} without slots, {} complete",
            rounds(),
            counts[0],
            counts[1],
            counts[2]
        );
    }
}
