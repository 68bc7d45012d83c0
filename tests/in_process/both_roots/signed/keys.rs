//! Keys that come and go, and tokens that were proven before they went.

use super::*;
use testkit::on_both;

#[on_both(Setup::signed(|_| ()))]
async fn a_token_known_as_good_still_expires_and_keeps_its_root(app: App) {
    let token = signer("a").token(&put(claims(&app), "/requested_scope", "organization/slot.read"));
    for _ in 0..3 {
        bearing(&app, &token).await.expect(200);
    }
    let bearer = format!("Bearer {token}");
    refused(&app.ask(Ask::get("Appointment/1").authorization(&bearer)).await, "requested_scope", "scope");
    let on_provider = Ask::get(format!("Slot?service={UTC}&start=2026-02-11")).on_provider().authorization(&bearer);
    refused(&app.ask(on_provider).await, "aud", "the other root");
    app.it_is("2026-02-10T09:05:59Z");
    bearing(&app, &token).await.expect(200);
    app.it_is("2026-02-10T09:06:00Z");
    refused(&bearing(&app, &token).await, "expired", "old");
}

#[on_both(Setup::signed(|_| ()))]
async fn an_issuer_that_is_trusted_no_longer_is_refused_at_once(app: App) {
    let token = signer("a").token(&claims(&app));
    bearing(&app, &token).await.expect(200);
    let keys = Arc::clone(&app.trust.issuers()[0].keys);
    app.trust.replace(vec![Issuer::usual(OTHER_ISSUER, Arc::clone(&keys))]);
    refused(&bearing(&app, &token).await, "`iss`", "an issuer that is gone");
    let mut stricter = Issuer::usual(ISSUER, keys);
    stricter.required = vec!["jti".to_owned()];
    app.trust.replace(vec![stricter]);
    refused(&bearing(&app, &token).await, "`jti`", "an issuer that demands more");
}

#[on_both(Setup::signed(|_| ()))]
async fn a_new_key_counts_and_a_withdrawn_one_ends_with_the_fetch(app: App) {
    let shelf = Shelf::with(&["a"]);
    app.trust.replace(vec![Issuer::usual(ISSUER, shelf.source())]);
    let [old, new] = ["a", "b"].map(|id| signer(id).token(&claims(&app)));
    bearing(&app, &old).await.expect(200);
    refused(&bearing(&app, &new).await, "key is not known", "not published yet");
    assert_eq!(shelf.fetched(), 1);
    // The new key is published; the first token signed with it brings the set in.
    shelf.put(Ok(key_set(&["a", "b"])));
    app.it_is("2026-02-10T09:00:30Z");
    bearing(&app, &new).await.expect(200);
    bearing(&app, &old).await.expect(200);
    assert_eq!(shelf.fetched(), 2);
    // The old one is withdrawn.
    shelf.put(Ok(key_set(&["b", "c"])));
    app.it_is("2026-02-10T09:01:00Z");
    bearing(&app, &signer("c").token(&claims(&app))).await.expect(200);
    refused(&bearing(&app, &old).await, "key is not known", "withdrawn");
    bearing(&app, &new).await.expect(200);
    // The token server goes away: its keys stay.
    shelf.put(Err("away".to_owned()));
    app.it_is("2026-02-10T09:02:00Z");
    refused(&bearing(&app, &old).await, "key is not known", "away");
    bearing(&app, &new).await.expect(200);
    assert_eq!(shelf.fetched(), 4);
}

#[on_both(Setup::signed(|_| ()))]
async fn a_flood_of_invented_keys_fetches_once_and_harms_nobody(app: App) {
    let shelf = Shelf::with(&["a"]);
    app.trust.replace(vec![Issuer::usual(ISSUER, shelf.source())]);
    let good = signer("a").token(&claims(&app));
    bearing(&app, &good).await.expect(200);
    let flood = (0..200).map(|number| {
        let invented = signer("b").token_with(&header(&json!({"kid": format!("invented-{number}")})), &claims(&app));
        let app = &app;
        async move { refused(&bearing(app, &invented).await, "key is not known", "invented") }
    });
    futures_util::future::join_all(flood).await;
    bearing(&app, &good).await.expect(200);
    assert_eq!(shelf.fetched(), 1);
    app.it_is(&Timestamp::from_ms(app.clock_ms() + ASK_AGAIN_MS).to_fhir());
    for number in 0..20 {
        let invented = signer("b").token_with(&header(&json!({"kid": format!("more-{number}")})), &claims(&app));
        refused(&bearing(&app, &invented).await, "key is not known", "invented");
    }
    assert_eq!(shelf.fetched(), 2);
}

#[on_both(Setup::signed(|_| ()))]
async fn a_token_may_name_no_key_while_there_is_no_choice(app: App) {
    let shelf = Shelf::with(&["a", "c"]);
    app.trust.replace(vec![Issuer::usual(ISSUER, shelf.source())]);
    let nameless = |id: &str| {
        let algorithm = format!("{:?}", signer(id).algorithm);
        signer(id).token_with(&json!({"alg": algorithm}), &claims(&app))
    };
    bearing(&app, &nameless("a")).await.expect(200);
    bearing(&app, &nameless("c")).await.expect(200);
    refused(&bearing(&app, &nameless("b")).await, "signature", "another key");
    // Its only key is replaced by another: the set is asked for again, although no unknown key was named.
    shelf.put(Ok(key_set(&["b"])));
    app.it_is("2026-02-10T09:00:30Z");
    bearing(&app, &nameless("b")).await.expect(200);
    // Two keys of one kind: nobody can tell which is meant.
    shelf.put(Ok(key_set(&["a", "b"])));
    app.it_is("2026-02-10T09:01:00Z");
    bearing(&app, &signer("a").token(&claims(&app))).await.expect(200);
    refused(&bearing(&app, &nameless("a")).await, "key is not known", "two keys");
}

#[on_both(Setup::signed(|_| ()))]
async fn without_keys_tokens_are_refused_and_it_is_not_ready(app: App) {
    let shelf = Shelf::with(&["a"]);
    shelf.put(Err("away".to_owned()));
    app.trust.replace(vec![Issuer::usual(ISSUER, shelf.source())]);
    let ready = || app.ask(Ask { root: "", ..Ask::get("health/ready") }.without_token());
    let told = ready().await.expect(503).text();
    assert!(told.contains("keys"), "{told}");
    let token = signer("a").token(&claims(&app));
    refused(&bearing(&app, &token).await, "cannot be had", "away");
    shelf.put(Ok(key_set(&["a"])));
    refused(&bearing(&app, &token).await, "cannot be had", "too early to ask again");
    app.it_is("2026-02-10T09:00:30Z");
    bearing(&app, &token).await.expect(200);
    ready().await.expect(200);
}
