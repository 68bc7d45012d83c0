//! Goal: the three commands that the demo prints do what is said of them, whatever the hour. Method: the clock is set, the
//! commands are taken as printed, and what curl would send is sent.

use testkit::{App, Ask, PUBLIC_URL, Season, Setup, on_both};

/// What curl sends when the command is pasted.
fn pasted(command: &str) -> Ask {
    let quoted: Vec<&str> = command.split('\'').skip(1).step_by(2).collect();
    let url = quoted[0].strip_prefix(PUBLIC_URL).unwrap();
    let token = quoted.iter().find_map(|part| part.strip_prefix("Authorization: ")).unwrap();
    let method = if command.contains("-X POST") { "POST" } else { "GET" };
    let ask = Ask::new(method, url.strip_prefix("/STU3/1/provider/").unwrap()).on_provider().authorization(token);
    match quoted.iter().find(|part| part.starts_with('{')) {
        Some(body) => ask.bytes(*body),
        None => ask,
    }
}

/// Pastes all three at this time; when the slot begins that they book.
async fn try_at(app: &App, time: &str) -> String {
    app.it_is(time);
    let printed = app.demo_commands();
    let [search, book, read] = printed.lines().filter(|line| line.starts_with("curl ")).collect::<Vec<_>>()[..] else {
        panic!("{printed}");
    };
    let shown = app.ask(pasted(search)).await.expect(200).ids("Slot");
    let booked = app.ask(pasted(book)).await.expect(201).json();
    let slot = booked["slot"][0]["reference"].as_str().unwrap().strip_prefix("Slot/").unwrap();
    assert!(shown.iter().any(|id| id == slot), "{time}: what is booked, {slot}, is none of those shown: {shown:?}");
    app.ask(pasted(book)).await.says_slot_taken();
    let coming = app.ask(pasted(read)).await.expect(200).ids("Appointment");
    assert_eq!(coming, [booked["id"].as_str().unwrap()], "{time}");
    booked["start"].as_str().unwrap().to_owned()
}

#[on_both]
async fn the_printed_commands_work_on_a_working_day(app: App) {
    // Three rooms are open at noon, and more than five slots begin within the hour that is left to try them.
    for time in ["2026-02-10T09:05:00Z", "2026-02-10T12:05:00Z", "2026-02-10T18:25:00Z", "2026-02-10T23:55:00Z"] {
        try_at(&app, time).await;
    }
}

#[on_both(Setup::season(Season::Spring))]
async fn the_printed_commands_work_while_clocks_go_forward(app: App) {
    for time in ["2026-03-28T23:55:00Z", "2026-03-29T00:59:50Z", "2026-03-29T01:00:00Z"] {
        // The consulting room of the night is closed; the day begins at eight in London.
        assert_eq!(try_at(&app, time).await[..11], *"2026-03-29T", "{time}");
    }
}

#[on_both(Setup::season(Season::Autumn))]
async fn the_printed_commands_work_while_clocks_go_back(app: App) {
    // On Friday evening until two o'clock in London, an hour ahead of UTC: the slot is tomorrow there, and today in UTC.
    assert_eq!(try_at(&app, "2026-10-23T22:40:00Z").await, "2026-10-23T23:50:00.000+00:00");
    for time in ["2026-10-24T22:55:00Z", "2026-10-25T00:30:00Z", "2026-10-25T00:59:50Z", "2026-10-25T01:30:00Z"] {
        assert_eq!(try_at(&app, time).await[..11], *"2026-10-25T", "{time}");
    }
}
