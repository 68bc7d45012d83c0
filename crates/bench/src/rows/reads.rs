//! Reading an appointment by its id: B6.

use super::super::load::{Pace, drive};
use super::super::report::Row;
use super::super::requests::{InTurn, reads};
use super::super::round::{Heading, Joined, Measured, Side, measure};
use super::super::server::Server;
use super::super::stage::{Base, On, Stage};
use super::super::verdict::Marks;
use super::super::{BenchError, pgbench};
use super::{CLIENTS, DISTINCT};

struct Reads {
    base: Base,
    server: Server,
}

impl Reads {
    fn prepare(stage: &mut Stage<'_>) -> Result<Self, BenchError> {
        let base = stage.fresh(On::Postgres)?;
        let server = Server::serve(&stage.place, &base.url())?;
        Ok(Self { base, server })
    }
}

impl Measured for Reads {
    fn subject(&mut self, stage: &mut Stage<'_>, _: u32) -> Result<Side, BenchError> {
        let caller = self.server.caller(stage.clock);
        let requests = reads(&caller, &stage.diary, stage.filled_count(On::Postgres), DISTINCT);
        let outcome = drive::run(&stage.load(&self.server, CLIENTS, Pace::Closed, InTurn::new(requests, 200, None)))?;
        Ok(Side::rate(&outcome))
    }

    fn reference(&mut self, stage: &mut Stage<'_>, _: u32) -> Result<Option<Side>, BenchError> {
        let Base::Postgres(database) = &self.base else {
            return Err(BenchError::failed("pgbench needs PostgreSQL"));
        };
        let (count, time) = (stage.filled_count(On::Postgres), stage.settings.time);
        let ran = pgbench::read_by_id(stage.running_postgres()?, &stage.place, database, &stage.diary, count, CLIENTS, time)?;
        Ok(Some(Side::plain(ran.per_second)))
    }

    fn finish(self, stage: &mut Stage<'_>) -> Result<Vec<String>, BenchError> {
        drop(self.server);
        stage.discard(self.base)?;
        Ok(Vec::new())
    }
}

/// Read by id ÷ pgbench read.
pub(super) fn b6(stage: &mut Stage<'_>) -> Vec<Row> {
    let heading = Heading {
        id: "B6",
        subject: "reads by id, 64 clients",
        reference: "pgbench read, 64 clients",
        unit: "1/s",
        joined: Joined::Ratio,
        marks: Marks::at_least(0.35, 0.5, 0.7),
    };
    vec![measure(&heading, stage, Reads::prepare)]
}
