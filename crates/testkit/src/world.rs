//! What a test works on, and how one is run on one database.

use crate::app::{App, Setup};
use crate::database::{Database, Kind};
use crate::place::Place;
use actix_web::rt::System;
use actix_web::rt::time::timeout;
use std::rc::Rc;
use std::time::Duration;

/// No test takes nearly as long, however busy the machine is.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(100);

/// Something that tests work on, made anew for each of them on one database.
pub trait World: Sized {
    /// What a test may want otherwise.
    type Setup: Default;

    /// Makes one.
    fn on(kind: Kind, setup: Self::Setup) -> impl Future<Output = Self>;
}

impl World for App {
    type Setup = Setup;

    async fn on(kind: Kind, setup: Setup) -> Self {
        Self::start(Rc::new(Database::fresh(kind, setup.season)), 0, setup).await
    }
}

impl World for Place {
    type Setup = ();

    async fn on(kind: Kind, (): ()) -> Self {
        Self::of(kind)
    }
}

/// Runs one test on one database; `#[on_both]` calls it.
pub fn run<W: World, F: Future<Output = ()>>(kind: Kind, setup: W::Setup, test: impl FnOnce(W) -> F) {
    System::new().block_on(async move {
        let world = W::on(kind, setup).await;
        let ended = timeout(TEST_TIMEOUT, test(world)).await;
        assert!(ended.is_ok(), "the test hangs");
    });
}

/// The same for a test that waits by itself.
pub fn run_blocking<W: World>(kind: Kind, setup: W::Setup, test: impl FnOnce(W)) {
    let world = System::new().block_on(W::on(kind, setup));
    test(world);
}
