//! The order of checks: of two faults in one request, the earlier one is answered (docs/contract.md#order-of-checks).

use serde_json::Value;
use testkit::{Answer, App, Ask, OTHER_CONSUMER, Setup, Slot, UTC, booking, cancelled, on_both, put};

/// So that a body can be too large without being large.
fn small_bodies() -> Setup {
    Setup::with(|setup| setup.http.body_bytes_max = 20_000)
}

/// One thing that is wrong with a request, and the answer to it.
struct Fault<'f> {
    name: &'static str,
    put_in: Box<dyn Fn(Ask) -> Ask + 'f>,
    answered: fn(&Answer) -> bool,
}

fn fault<'f>(name: &'static str, answered: fn(&Answer) -> bool, put_in: impl Fn(Ask) -> Ask + 'f) -> Fault<'f> {
    Fault { name, put_in: Box::new(put_in), answered }
}

/// The body of a request, changed where it is still JSON.
fn with_body(ask: Ask, change: impl FnOnce(Value) -> Value) -> Ask {
    match ask.body.as_deref().map(serde_json::from_slice) {
        Some(Ok(body)) => ask.bytes(change(body).to_string()),
        _ => ask,
    }
}

fn told(answer: &Answer, status: u16, text: &str) -> bool {
    answer.status == status && answer.text().contains(text)
}

/// Every pair of faults, in the order in which they are to be found.
async fn pairs(app: &App, good: &Ask, faults: &[Fault<'_>]) {
    let mut wrong = Vec::new();
    for (at, early) in faults.iter().enumerate() {
        let alone = app.ask((early.put_in)(good.clone())).await;
        if !(early.answered)(&alone) {
            wrong.push(format!("{} alone: {} {:.200}", early.name, alone.status, alone.text()));
        }
        for late in &faults[at + 1..] {
            let answer = app.ask((early.put_in)((late.put_in)(good.clone()))).await;
            if !(early.answered)(&answer) {
                wrong.push(format!("{} with {}: {} {:.200}", early.name, late.name, answer.status, answer.text()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The faults that are found before anything is looked up, in their order.
fn of_the_gate<'f>(method: &'static str) -> Vec<Fault<'f>> {
    vec![
        fault("route", |a| told(a, 404, "there is nothing at"), |ask| Ask { path: "Nothing/here".to_owned(), ..ask }),
        fault("method", |a| a.status == 405 && a.header_if("Allow").is_some(), move |ask| Ask { method: method.to_owned(), ..ask }),
        fault("header twice", |a| told(a, 400, "Ssp-To must be sent once"), |ask| ask.header("Ssp-To", "1").header("Ssp-To", "1")),
        fault("declared length", |a| told(a, 413, "body"), |ask| ask.header("Content-Length", "2000000")),
        fault("token", |a| told(a, 403, "Authorization"), Ask::without_token),
        fault("header", |a| told(a, 400, "Ssp-From"), |ask| ask.without("Ssp-From")),
    ]
}

fn of_the_body<'f>() -> Vec<Fault<'f>> {
    vec![
        fault("media type", |a| told(a, 415, "text/plain"), |ask| ask.header("Content-Type", "text/plain")),
        fault("format", |a| told(a, 415, "image/png"), |ask| ask.header("Accept", "image/png")),
        fault(
            "length",
            |a| told(a, 413, "body"),
            |ask| {
                let mut body = ask.body.clone().unwrap();
                body.resize(30_000, b' ');
                ask.without("Content-Length").bytes(body)
            },
        ),
    ]
}

fn unparseable<'f>() -> Fault<'f> {
    fault(
        "parse",
        |a| told(a, 400, "MESSAGE_NOT_WELL_FORMED"),
        |ask| {
            let body = ask.body.clone().unwrap();
            ask.bytes(&body[1..])
        },
    )
}

#[on_both(small_bodies())]
async fn of_two_faults_of_a_booking_the_earlier_is_answered(app: App) {
    let slots = app.free_slots(UTC).await;
    let (taken, begun): (&Slot, Slot) = (&slots[0], Slot::of(&app.search(&format!("service={UTC}&start=2026-02-10")).await.all("Slot")[0]));
    app.booked(taken).await;
    app.ask(Ask::book(&booking(&slots[1])).key("used")).await.expect(201);
    let another_slot = |ask: Ask, slot: &Slot| {
        with_body(ask, |body| {
            let mut changed = booking(slot);
            changed["contained"][1] = body["contained"][1].clone();
            changed
        })
    };
    let duplicate = || fault("resent", |a| told(a, 409, "DUPLICATE_REJECTED"), |ask| ask.key("used"));
    let mut faults = of_the_gate("PATCH");
    faults.extend(of_the_body());
    faults.push(duplicate());
    faults.push(unparseable());
    faults.push(fault(
        "shape",
        |a| told(a, 422, "Appointment.contained[1].gender"),
        |ask| with_body(ask, |body| put(body, "/contained/1/gender", "f")),
    ));
    faults.push(fault(
        "unknown slot",
        |a| told(a, 422, "REFERENCE_NOT_FOUND"),
        |ask| {
            with_body(ask, |body| {
                let body = put(body, "/contained/2/id", "nowhere");
                put(put(body, "/contained/2/identifier/0/value", "nowhere"), "/slot/0/reference", "#nowhere")
            })
        },
    ));
    faults.push(fault(
        "contradiction",
        |a| told(a, 422, "CONFLICTING_VALUES"),
        |ask| with_body(ask, |body| put(body, "/contained/2/schedule/reference", "Schedule/another")),
    ));
    faults.push(fault("begun", |a| told(a, 422, "INVALID_REQUEST_STATE"), move |ask| another_slot(ask, &begun)));
    faults.push(fault("taken", Answer::is_slot_taken, move |ask| another_slot(ask, taken)));
    pairs(&app, &Ask::book(&booking(&slots[2])), &faults).await;
    app.ask(Ask::book(&booking(&slots[2]))).await.expect(201);
}

#[on_both(small_bodies())]
async fn of_two_faults_of_a_cancel_the_earlier_is_answered(app: App) {
    let slot = app.free_slot(UTC).await;
    let made = app.booked(&slot).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let mut faults = of_the_gate("DELETE");
    faults.extend(of_the_body());
    faults.push(unparseable());
    faults.push(fault(
        "unknown",
        |a| told(a, 404, "NO_RECORD_FOUND"),
        |ask| Ask { path: "Appointment/95e58add-0b10-4a8c-817c-2729eb0cab75".to_owned(), ..ask },
    ));
    faults.push(fault("not theirs", |a| told(a, 403, "another organisation"), |ask| ask.of(OTHER_CONSUMER)));
    faults.push(fault(
        "no version",
        |a| a.status == 412,
        |ask| Ask { headers: ask.headers.iter().filter(|(name, _)| name != "If-Match").cloned().collect(), ..ask },
    ));
    faults.push(fault(
        "stale version",
        |a| told(a, 409, "If-Match"),
        |ask| {
            let kept: Vec<_> = ask.headers.iter().filter(|(name, _)| name != "If-Match").cloned().collect();
            Ask { headers: kept, ..ask }.header("If-Match", "W/\"7\"")
        },
    ));
    faults.push(fault("shape", |a| told(a, 400, "Appointment.id"), |ask| with_body(ask, |body| put(body, "/id", "another"))));
    faults.push(fault(
        "difference",
        |a| told(a, 422, "Appointment.description"),
        |ask| with_body(ask, |body| put(body, "/description", "Something else")),
    ));
    let good = Ask::cancel(&id, "W/\"1\"", &cancelled(&made));
    pairs(&app, &good, &faults).await;
    app.ask(good).await.expect(200);
}

#[on_both]
async fn of_two_faults_of_a_search_the_earlier_is_answered(app: App) {
    let mut faults = of_the_gate("POST");
    faults.push(fault("format", |a| told(a, 415, "image/png"), |ask| ask.header("Accept", "image/png")));
    faults.push(fault(
        "unknown parameter",
        |a| told(a, 400, "colour"),
        |ask| {
            let path = if ask.path.contains('?') { format!("{}&colour=blue", ask.path) } else { ask.path.clone() };
            Ask { path, ..ask }
        },
    ));
    faults.push(fault("unknown service", |a| a.status == 404, |ask| Ask { path: ask.path.replace(UTC, "2999999999"), ..ask }));
    // A length is declared by whoever sends a body.
    faults.retain(|fault| fault.name != "declared length");
    pairs(&app, &Ask::get(format!("Slot?service={UTC}&start=2026-02-11")), &faults).await;
}
