//! The database goes away, or takes its connections with it: what consumers hear, and what the log says.

use crate::world::{Hand, Place, SERVICE, book, free_slots};
use std::thread::scope;
use std::time::{Duration, Instant};
use testkit::os::wait_until;
use testkit::postgres::{Server, Settings};
use testkit::process::{Reply, Spawned};
use testkit::proxy::CutProxy;

/// More cuts than a pool has connections: whoever counts tries gives up before.
const CUTS: i64 = 12;
const OUT_OF_REACH: &str = "the database is out of reach";

/// Ends every read of the servers that waits for a table that `stranger` has locked, until so many were ended.
fn cut_readers(place: &Place, cuts: i64, is_over: &dyn Fn() -> bool) -> i64 {
    let mut admin = place.connect();
    let (mut ended, until) = (0, Instant::now() + Duration::from_secs(30));
    while ended < cuts && !is_over() && Instant::now() < until {
        ended += admin.number(
            "SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity WHERE application_name = 'slotkeeper'
             AND datname = current_database() AND wait_event_type = 'Lock'",
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    ended
}

fn lock(place: &Place) -> Hand {
    let mut stranger = place.connect();
    stranger.execute("BEGIN; LOCK TABLE slot, schedule, service, directory, appointment, appointment_version IN ACCESS EXCLUSIVE MODE");
    stranger
}

#[test]
fn a_read_whose_connection_is_cut_is_asked_on_another() {
    let place = Place::postgres();
    let server = place.serve(&["--availability-index", "off"]);
    let slots = free_slots(&server, 1);
    let booked = book(server.addr(), &slots[0], "before").unwrap();
    let appointment: serde_json::Value = serde_json::from_slice(&booked.body).unwrap();
    let root = "/STU3/1/provider";
    for path in [
        format!("{root}/Slot?service={SERVICE}&status=free&_count=3"),
        format!("{root}/Slot/{}", slots[0].id),
        format!("{root}/Schedule?actor=HealthcareService/{SERVICE}"),
        format!("{root}/Appointment/{}", appointment["id"].as_str().unwrap()),
        format!("{root}/Appointment?slot=Slot/{}", slots[0].id),
        format!("{root}/HealthcareService/{SERVICE}"),
    ] {
        let mut stranger = lock(&place);
        let (reply, ended) = scope(|threads| {
            let asking = threads.spawn(|| server.get(&path));
            let ended = cut_readers(&place, CUTS, &|| asking.is_finished());
            stranger.execute("ROLLBACK");
            (asking.join().unwrap(), ended)
        });
        assert_eq!(reply.status, 200, "{path} after {ended} cuts: {}", reply.text());
        assert_eq!(ended, CUTS, "{path} was answered before its connection was cut often enough");
    }
    assert!(!server.stderr().contains(OUT_OF_REACH), "a cut connection is no outage: {}", server.stderr());
    place.assert_clean();
}

#[test]
fn the_diary_whose_connection_is_cut_is_read_on_another() {
    let place = Place::postgres();
    drop(place.serve(&[]));
    let dir = tempfile::tempdir().unwrap();
    let mut stranger = lock(&place);
    let diary = crate::SLOTKEEPER.start_in(dir.path(), &["diary", "--database-url", &place.url], &[]);
    let ended = cut_readers(&place, CUTS, &|| false);
    stranger.execute("ROLLBACK");
    let diary = diary.wait(Duration::from_secs(60));
    assert_eq!(diary.code, Some(0), "after {ended} cuts: {}", diary.stderr);
    assert_eq!(ended, CUTS);
}

fn assert_out_of_reach(what: &str, reply: &Reply) {
    assert_eq!(reply.status, 503, "{what}: {}", reply.text());
    assert!(reply.text().contains(OUT_OF_REACH), "{what}: {}", reply.text());
    assert!(reply.header("retry-after").is_some(), "{what}: no Retry-After");
}

/// What the log says that somebody has to look at.
fn alarms(server: &Spawned) -> Vec<String> {
    server.stderr().lines().filter(|line| line.contains("ERROR") || line.contains("WARN")).map(str::to_owned).collect()
}

/// Asks for everything at once and demands that all of it hears that the database is out of reach.
fn assert_all_out_of_reach(server: &Spawned, slot: &crate::world::Slot, appointment: &str) {
    let root = "/STU3/1/provider";
    let paths = [
        format!("{root}/Slot?service={SERVICE}&status=free&_count=3"),
        format!("/STU3/1/provider/Slot?service={SERVICE}&status=free"),
        format!("{root}/Slot/{}", slot.id),
        format!("{root}/Appointment/{appointment}"),
        format!("{root}/Organization/Y9Z41"),
    ];
    scope(|threads| {
        let reads: Vec<_> = paths.iter().map(|path| threads.spawn(move || (path, server.get(path)))).collect();
        let booking = threads.spawn(|| book(server.addr(), slot, "away").unwrap());
        for read in reads {
            let (path, reply) = read.join().unwrap();
            assert_out_of_reach(path, &reply);
        }
        assert_out_of_reach("a booking", &booking.join().unwrap());
    });
    let ready = server.get("/health/ready");
    assert!(ready.status == 503 && ready.text().contains(OUT_OF_REACH), "{}", ready.text());
}

#[test]
fn a_stopped_postgresql_is_out_of_reach_and_logged_in_two_lines() {
    let database = Server::start(Settings::default());
    let place = Place::durable(&database);
    let server = place.serve(&["--deadline-ms", "1500"]);
    let slots = free_slots(&server, 3);
    let booked = book(server.addr(), &slots[0], "before").unwrap();
    let appointment: serde_json::Value = serde_json::from_slice(&booked.body).unwrap();
    let before = alarms(&server);
    database.stop();
    let begin = Instant::now();
    assert_all_out_of_reach(&server, &slots[1], appointment["id"].as_str().unwrap());
    let away = alarms(&server).split_off(before.len());
    assert_eq!(away.len(), 1, "{away:#?}");
    assert!(away[0].contains(OUT_OF_REACH), "{away:#?}");
    database.restart();
    let lasted = begin.elapsed();
    let well = || alarms(&server).len() > before.len() + 1 && server.get("/health/ready").status == 200;
    assert!(wait_until(Duration::from_secs(20), well), "{}", server.stderr());
    assert_eq!(book(server.addr(), &slots[2], "back").unwrap().status, 201);
    let all = alarms(&server).split_off(before.len());
    assert_eq!(all.len(), 2, "{all:#?}");
    let (_, told) = all[1].split_once("reached again; it was out of reach for ").unwrap();
    let told: f64 = told.trim_end_matches(" s").parse().unwrap();
    assert!(told >= lasted.as_secs_f64() - 2.0, "it lasted {lasted:?}: {told}");
    place.assert_clean();
}

#[test]
fn a_network_that_is_down_is_said_to_be_an_unreachable_database() {
    let mut place = Place::postgres();
    let proxy = CutProxy::start(Server::shared().addr());
    place.seen = proxy.url(&place.url);
    let server = place.serve(&["--deadline-ms", "1500"]);
    let slots = free_slots(&server, 2);
    let booked = book(server.addr(), &slots[0], "before").unwrap();
    let appointment: serde_json::Value = serde_json::from_slice(&booked.body).unwrap();
    proxy.refuse_new(true);
    proxy.cut_all();
    assert_all_out_of_reach(&server, &slots[1], appointment["id"].as_str().unwrap());
    proxy.refuse_new(false);
    let well = wait_until(Duration::from_secs(20), || server.get("/health/ready").status == 200);
    assert!(well, "{}", server.stderr());
    place.assert_clean();
}

#[test]
fn a_silent_postgresql_is_said_to_be_out_of_reach() {
    let database = Server::start(Settings::default());
    let place = Place::durable(&database);
    let server = place.serve(&["--deadline-ms", "1500"]);
    let slots = free_slots(&server, 2);
    assert_eq!(book(server.addr(), &slots[0], "before").unwrap().status, 201);
    database.freeze();
    let begin = Instant::now();
    scope(|threads| {
        let reading = threads.spawn(|| server.get(&format!("/STU3/1/provider/Slot/{}", slots[1].id)));
        assert_out_of_reach("a booking", &book(server.addr(), &slots[1], "silent").unwrap());
        assert_out_of_reach("a read", &reading.join().unwrap());
    });
    assert!(begin.elapsed() < Duration::from_secs(9), "the answers took {:?}", begin.elapsed());
    database.thaw();
    let well =
        wait_until(Duration::from_secs(20), || server.stderr().contains("reached again") && server.get("/health/ready").status == 200);
    assert!(well, "{}", server.stderr());
    place.assert_clean();
}
