//! Reading an appointment by its id: B6.

use crate::client::drive;
use crate::client::workload::Pace;
use crate::environment::{Backend, Environment, TestDatabase};
use crate::error::BenchError;
use crate::pgbench;
use crate::requests::{InTurn, reads};
use crate::round::{Benchmark, Measurement, measure};
use crate::row::Row;
use crate::row::{Comparison, RowSpec};
use crate::rows::sizes::{CLIENTS, DISTINCT};
use crate::server::Server;
use crate::verdict::Thresholds;

struct Reads {
    base: TestDatabase,
    server: Server,
}

impl Reads {
    fn prepare(env: &mut Environment<'_>) -> Result<Self, BenchError> {
        let base = env.fresh(Backend::Postgres)?;
        let server = env.serve(&base.url())?;
        Ok(Self { base, server })
    }
}

impl Benchmark for Reads {
    fn subject(&mut self, env: &mut Environment<'_>, _: u32) -> Result<Measurement, BenchError> {
        let caller = self.server.caller(env.clock);
        let requests = reads(&caller, &env.diary, env.filled_count(Backend::Postgres), DISTINCT);
        let outcome = drive::run(&env.load(&self.server, CLIENTS, Pace::Closed, InTurn::new(requests, 200, None)))?;
        Ok(Measurement::rate(&outcome))
    }

    fn reference(&mut self, env: &mut Environment<'_>, _: u32) -> Result<Option<Measurement>, BenchError> {
        let TestDatabase::Postgres(database) = &self.base else {
            return Err(BenchError::failed("pgbench needs PostgreSQL"));
        };
        let (count, time) = (env.filled_count(Backend::Postgres), env.settings.time);
        let ran = pgbench::read_by_id(env.running_postgres()?, &env.workdir, database, &env.diary, count, CLIENTS, time)?;
        Ok(Some(Measurement::plain(ran.per_second)))
    }

    fn finish(self, env: &mut Environment<'_>) -> Result<Vec<String>, BenchError> {
        drop(self.server);
        env.discard(self.base)?;
        Ok(Vec::new())
    }
}

/// Read by id ÷ pgbench read.
pub(crate) fn b6(env: &mut Environment<'_>) -> Vec<Row> {
    let spec = RowSpec {
        id: "B6",
        subject: "reads by id, 64 clients",
        reference: "pgbench read, 64 clients",
        unit: "1/s",
        joined: Comparison::Ratio,
        marks: Thresholds::at_least(0.35, 0.5, 0.7),
    };
    vec![measure(&spec, env, Reads::prepare)]
}
