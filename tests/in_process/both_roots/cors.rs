//! Pages of other origins: nothing is said to them unless the operator named theirs, and whatever is said is a whole answer.

use slotkeeper::http::AuthMode;
use testkit::{Answer, App, Ask, Setup, UTC, booking, on_both};

const DIARY: &str = "https://diary.example.nhs.uk";
const OTHER: &str = "http://localhost:3000";
const FOREIGN: &str = "https://elsewhere.example";
const ROOTS: [&str; 2] = ["/STU3/1/booking", "/STU3/1/provider"];

fn named() -> Setup {
    Setup::with(|setup| setup.cors_origins = vec![DIARY.to_owned(), OTHER.to_owned()])
}

/// A preflight as browsers send it: no token and none of the consumer's headers.
fn preflight(path: &str, origin: &str, method: &str, headers: &str) -> Ask {
    let ask = ["Ssp-TraceID", "Ssp-From", "Ssp-To", "Ssp-InteractionID"]
        .into_iter()
        .fold(Ask::new("OPTIONS", path).without_token(), Ask::without);
    let ask = ask.header("Origin", origin).header("Access-Control-Request-Method", method);
    if headers.is_empty() { ask } else { ask.header("Access-Control-Request-Headers", headers) }
}

fn list(answer: &Answer, name: &str) -> Vec<String> {
    let mut names: Vec<String> = answer.header(name).split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    names.sort();
    names
}

#[track_caller]
fn says_nothing_of_origins(answer: &Answer) {
    let said = answer.headers.keys().find(|name| name.as_str().starts_with("access-control-allow"));
    assert!(said.is_none(), "{:?}", answer.headers);
}

#[track_caller]
fn is_whole(answer: &Answer) {
    for name in ["X-Request-ID", "Strict-Transport-Security"] {
        assert!(answer.header_if(name).is_some(), "{name}: {:?}", answer.headers);
    }
    assert_eq!(answer.header("Cache-Control"), "no-store");
    assert!(answer.header("Vary").contains("Origin") && answer.header("Vary").contains("Accept-Encoding"), "{}", answer.header("Vary"));
}

#[on_both]
async fn nothing_is_said_where_no_origin_is_named(app: App) {
    for root in ROOTS {
        let refused = app.ask(preflight("Appointment", DIARY, "POST", "authorization").on(root)).await;
        refused.refused(405, "not-supported", "BAD_REQUEST");
        says_nothing_of_origins(&refused);
        let answer = app.ask(Ask::get("metadata").header("Origin", DIARY).on(root)).await.expect(200);
        says_nothing_of_origins(&answer);
        assert_eq!(answer.header("Vary"), "Accept, Accept-Encoding");
    }
    let statement = app.ask(Ask::get("metadata").on_provider()).await.json();
    assert_eq!(statement["rest"][0]["security"]["cors"], false);
}

#[on_both(named())]
async fn a_named_origin_gets_leave_for_what_the_roots_use(app: App) {
    let headers = "authorization,content-type,content-encoding,if-match,if-none-match,x-request-id,prefer,accept,\
        ssp-traceid,ssp-from,ssp-to,ssp-interactionid";
    for root in ROOTS {
        for (path, method) in [("Slot?service=1", "GET"), ("Appointment", "POST"), ("Appointment/1", "PUT"), ("metadata", "HEAD")] {
            for origin in [DIARY, OTHER] {
                let leave = app.ask(preflight(path, origin, method, headers).key("mine").on(root)).await.expect(200);
                assert_eq!(leave.header("Access-Control-Allow-Origin"), origin);
                assert_eq!(list(&leave, "Access-Control-Allow-Methods"), ["get", "head", "post", "put"]);
                let allowed = list(&leave, "Access-Control-Allow-Headers");
                assert!(headers.split(',').all(|wanted| allowed.iter().any(|name| name == wanted)), "{allowed:?}");
                assert_eq!(leave.header("Access-Control-Max-Age"), "3600");
                assert!(leave.header_if("Access-Control-Allow-Credentials").is_none() && leave.body.is_empty());
                assert_eq!(leave.header("X-Correlation-ID"), "mine");
                is_whole(&leave);
            }
        }
    }
    let statement = app.ask(Ask::get("metadata").on_provider()).await.json();
    assert_eq!(statement["rest"][0]["security"]["cors"], true);
}

#[on_both(named())]
async fn a_foreign_origin_gets_no_leave(app: App) {
    for root in ROOTS {
        for origin in [FOREIGN, "null", "https://diary.example.nhs.uk.elsewhere.example", "http://diary.example.nhs.uk", "*", ""] {
            let refused = app.ask(preflight("Appointment", origin, "POST", "authorization").on(root)).await;
            refused.refused(403, "forbidden", "ACCESS DENIED");
            says_nothing_of_origins(&refused);
            is_whole(&refused);
        }
    }
    let in_xml = app.ask(preflight("Slot", FOREIGN, "GET", "").header("Accept", "application/fhir+xml")).await.expect(403);
    assert!(in_xml.text().contains("<OperationOutcome"));
}

#[on_both(named())]
async fn a_preflight_for_more_than_the_roots_use_is_refused(app: App) {
    for root in ROOTS {
        for (method, headers) in
            [("DELETE", ""), ("PATCH", "authorization"), ("PUT", "x-other"), ("PUT", "authorization, x y"), ("get", "")]
        {
            let refused = app.ask(preflight("Appointment/1", DIARY, method, headers).on(root)).await;
            let told = refused.refused(403, "forbidden", "ACCESS DENIED");
            assert!(told.contains("GET, HEAD, POST, PUT") && told.contains("If-None-Match"), "{told}");
            says_nothing_of_origins(&refused);
            is_whole(&refused);
        }
    }
}

#[on_both(named())]
async fn answers_may_be_read_by_named_origins_and_by_nobody_else(app: App) {
    let mut slots = app.free_slots(UTC).await.into_iter();
    for root in ROOTS {
        let mut asks = vec![
            Ask::get(format!("Slot?service={UTC}")),
            Ask::get("Slot/nowhere"),
            Ask::get("Slot").without_token(),
            Ask::get("metadata").header("If-None-Match", "*"),
        ];
        asks.extend([Ask::book(&booking(&slots.next().unwrap())), Ask::book(&booking(&slots.next().unwrap()))]);
        for (at, ask) in asks.into_iter().enumerate() {
            let (may, origin) = if at == 5 { (false, FOREIGN) } else { (true, DIARY) };
            let read = app.ask(ask.clone().header("Origin", origin).on(root)).await;
            assert!(matches!(read.status, 200 | 201 | 304 | 403 | 404), "a foreign page's request is carried out as any other");
            is_whole(&read);
            if !may {
                says_nothing_of_origins(&read);
                continue;
            }
            assert_eq!(read.header("Access-Control-Allow-Origin"), origin);
            let readable = list(&read, "Access-Control-Expose-Headers");
            for wanted in
                ["etag", "location", "content-location", "last-modified", "x-request-id", "x-correlation-id", "retry-after", "allow"]
            {
                assert!(readable.iter().any(|name| name == wanted), "{wanted}: {readable:?}");
            }
            if ask.method == "GET" {
                says_nothing_of_origins(&app.ask(ask.clone().header("Origin", FOREIGN).on(root)).await);
                says_nothing_of_origins(&app.ask(ask.on(root)).await);
            }
        }
    }
}

#[on_both(named())]
async fn what_is_no_preflight_is_not_possible_as_before(app: App) {
    for root in ROOTS {
        for ask in [Ask::new("OPTIONS", "Appointment"), Ask::new("OPTIONS", "Appointment").header("Origin", DIARY)] {
            let refused = app.ask(ask.on(root)).await;
            refused.refused(405, "not-supported", "BAD_REQUEST");
            let mut allowed = list(&refused, "Allow");
            allowed.sort();
            assert_eq!(allowed, ["get", "head", "post"]);
            is_whole(&refused);
        }
        assert_eq!(app.ask(Ask::new("OPTIONS", "Nothing").header("Origin", DIARY).on(root)).await.status, 404);
    }
}

#[on_both(Setup::with(|setup| {
        setup.auth = AuthMode::Off;
        setup.cors_origins = vec!["*".to_owned()];
    }))]
async fn every_origin_may_read_where_all_are_named(app: App) {
    for root in ROOTS {
        let leave = app.ask(preflight("Appointment", FOREIGN, "POST", "prefer").on(root)).await.expect(200);
        assert_eq!(leave.header("Access-Control-Allow-Origin"), "*");
        let read = app.ask(Ask::get("metadata").header("Origin", FOREIGN).on(root)).await.expect(200);
        assert_eq!(read.header("Access-Control-Allow-Origin"), "*");
    }
}
