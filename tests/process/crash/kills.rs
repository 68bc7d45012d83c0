//! SIGKILL at a random moment of a race: of the only server, of one of two, of PostgreSQL.

use super::dice::Dice;
use super::tally::Tally;
use crate::SLOTKEEPER;
use crate::world::{MODES, Place, RACE_WAIT, Size, book, free_slots, judged, race_line, setting, tail};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;
use testkit::os::wait_until;
use testkit::postgres::{Server, Settings};
use testkit::process::{Job, Spawned};
use testkit::proxy::{CutProxy, Mode, Pick};

const STRICT: &[&str] = &["--auth", "unsigned"];
/// How long a client waits for an answer. Short, because a killed server gives none.
const TIMEOUT_S: &str = "4";
/// The longest time between a death and the new start.
const DEAD_MAX: Duration = Duration::from_millis(400);

fn rounds() -> usize {
    setting("SLOTKEEPER_CRASH_ROUNDS", 4)
}

fn size() -> Size {
    Size { clients: setting("SLOTKEEPER_CRASH_CLIENTS", 16), slots: setting("SLOTKEEPER_CRASH_SLOTS", 40) }
}

/// A race under way, with its journal.
struct Race {
    dir: TempDir,
    job: Job,
    mode: &'static str,
}

impl Race {
    /// Starts the race of a round and comes back at its random moment.
    fn at_a_random_moment(servers: &[&Spawned], round: usize, dice: &mut Dice) -> Self {
        let mode = MODES[round % MODES.len()];
        let dir = tempfile::tempdir().unwrap();
        let mut more = vec!["--mode", mode, "--journal", "journal", "--timeout", TIMEOUT_S];
        // What was won stays booked until the journal is settled.
        more.extend((mode != "book-cancel").then_some("--keep"));
        let line = race_line(servers, size(), &more);
        let words: Vec<&str> = line.iter().map(String::as_str).collect();
        let mut job = SLOTKEEPER.start_in(dir.path(), &words, &[]);
        let journal = dir.path().join("journal");
        // Moments are told by how much was journalled, so that a slow machine is hit in the middle as well.
        let bytes = dice.below(expected_bytes(mode)) * dice.below(1_000) / 1_000;
        while !job.is_over() && std::fs::metadata(&journal).map_or(0, |file| file.len()) <= bytes {
            sleep(Duration::from_micros(300));
        }
        sleep(dice.within(Duration::from_millis(8)));
        Self { dir, job, mode }
    }

    /// What becomes of the race itself: every other one dies with its server. The long mode is cut short
    /// some time after the new start, the others run to their end.
    fn end(self, killed: bool) -> TempDir {
        if killed {
            self.job.kill_9();
        } else if self.mode == "book-cancel" {
            sleep(Duration::from_secs(2));
            self.job.kill_9();
        } else {
            // Its own verdict may name the server that was away; the journal is what is judged.
            self.job.wait(RACE_WAIT);
        }
        self.dir
    }
}

/// The length of the journal of a race that nobody disturbs, less a tenth.
fn expected_bytes(mode: &str) -> u64 {
    const REQUEST_BYTES: usize = 2_600;
    let generations = if mode == "book-cancel" { 4 } else { 1 };
    u64::try_from(size().clients * size().slots * generations * REQUEST_BYTES * 9 / 10).unwrap()
}

/// Settles the journal through `servers` and asks for every invariant.
fn settle(place: &Place, servers: &[&Spawned], dir: &Path, tally: &mut Tally, moment: &str) {
    let journal = dir.join("journal");
    assert!(journal.is_file(), "{moment}: the race has sent nothing");
    let mut line = race_line(servers, size(), &["--settle"]);
    line.push(journal.display().to_string());
    let (ended, report) = judged(&line);
    let said: String = servers.iter().map(|server| tail(&server.stderr())).collect();
    assert_eq!(ended.code, Some(0), "{moment}:\n{}{}\nthe servers said:\n{said}", ended.stdout, ended.stderr);
    println!("{moment}: {}", tally.add(&journal, &report));
    place.assert_clean();
}

fn kill_the_only_server(what: &'static str, place: &Place) {
    let (mut dice, mut tally) = (Dice::cast(what), Tally::new(what));
    let mut server = place.serve(STRICT);
    for round in 0..rounds() {
        let race = Race::at_a_random_moment(&[&server], round, &mut dice);
        server.kill_9();
        let moment = format!("{what}, kill {}, {}", round + 1, race.mode);
        if round % 2 == 0 {
            let dir = race.end(true);
            server.restart();
            settle(place, &[&server], dir.path(), &mut tally, &moment);
        } else {
            sleep(dice.within(DEAD_MAX));
            server.restart();
            let dir = race.end(false);
            settle(place, &[&server], dir.path(), &mut tally, &moment);
        }
    }
    tally.print();
    tally.assert_struck();
}

/// Proves F32.
#[test]
fn a_server_on_sqlite_killed_at_random_keeps_promises() {
    kill_the_only_server("server on SQLite", &Place::sqlite());
}

/// Proves F32.
#[test]
fn a_server_on_postgresql_killed_at_random_keeps_promises() {
    kill_the_only_server("server on PostgreSQL", &Place::postgres());
}

/// The survivor answers for the dead one: requests that were sent there are sent again here.
/// Proves F54.
#[test]
fn one_of_two_servers_killed_at_random_keeps_promises() {
    let what = "one of two servers on PostgreSQL";
    let place = Place::postgres();
    let (mut dice, mut tally) = (Dice::cast(what), Tally::new(what));
    let mut servers = [place.serve(STRICT), place.serve(STRICT)];
    for round in 0..rounds() {
        let race = Race::at_a_random_moment(&[&servers[0], &servers[1]], round, &mut dice);
        let (dead, alive) = if dice.below(2) == 0 { (0, 1) } else { (1, 0) };
        servers[dead].kill_9();
        let moment = format!("{what}, kill {}, {}", round + 1, race.mode);
        if round % 2 == 0 {
            let dir = race.end(true);
            settle(&place, &[&servers[alive]], dir.path(), &mut tally, &moment);
            servers[dead].restart();
        } else {
            sleep(dice.within(DEAD_MAX));
            servers[dead].restart();
            let dir = race.end(false);
            settle(&place, &[&servers[0], &servers[1]], dir.path(), &mut tally, &moment);
        }
    }
    tally.print();
    tally.assert_struck();
}

/// The servers live on and must find back by themselves.
#[test]
fn killing_postgresql_at_random_keeps_every_promise() {
    let what = "PostgreSQL itself, under two servers";
    let database = Server::start(Settings::default());
    let place = Place::durable(&database);
    let (mut dice, mut tally) = (Dice::cast(what), Tally::new(what));
    let servers = [place.serve(STRICT), place.serve(STRICT)];
    let both = [&servers[0], &servers[1]];
    for round in 0..setting("SLOTKEEPER_CRASH_POSTGRES_ROUNDS", 3) {
        let race = Race::at_a_random_moment(&both, round, &mut dice);
        database.kill_9();
        let moment = format!("{what}, kill {}, {}", round + 1, race.mode);
        let killed = round % 2 == 0;
        sleep(dice.within(DEAD_MAX));
        database.restart();
        let dir = race.end(killed);
        let ready = |server: &Spawned| server.request("GET", "/health/ready", &[], &[]).is_ok_and(|reply| reply.status == 200);
        let back = wait_until(Duration::from_secs(20), || both.iter().all(|server| ready(server)));
        assert!(back, "{moment}: not ready 20 s after the database was: {}", tail(&servers[0].stderr()));
        settle(&place, &both, dir.path(), &mut tally, &moment);
    }
    tally.print();
    tally.assert_struck();
}

/// The server dies while its commit is on the way; the commit arrives when the next server runs already.
#[test]
fn a_commit_after_its_server_died_is_named_on_resending() {
    let mut place = Place::postgres();
    let proxy = CutProxy::start(Server::shared().addr());
    place.seen = proxy.url(&place.url);
    // The one commit to come is the booking's: an index that is being built ends its reading with one as well.
    let mut server = place.serve(&["--availability-index", "off"]);
    let slot = free_slots(&server, 1).remove(0);
    let commits = proxy.counts().commits;
    proxy.set(Mode::HoldCommit(Pick::Every(1), Duration::from_millis(2_500)));
    let (addr, same) = (server.addr(), slot.clone());
    let first = std::thread::spawn(move || book(addr, &same, "late"));
    assert!(wait_until(Duration::from_secs(2), || proxy.counts().commits > commits), "no commit was sent");
    proxy.set(Mode::Pass);
    server.kill_9();
    assert!(first.join().unwrap().is_err(), "the killed server has answered");
    server.restart();
    let booked = "SELECT count(*) AS n FROM appointment";
    let before = place.number(booked);
    let again = book(server.addr(), &slot, "late").unwrap();
    println!("{before} appointments when the request was sent again; then {}", again.status);
    assert_eq!(again.status, 409, "{}", again.text());
    assert_eq!(place.number(booked), 1);
    place.assert_clean();
}
