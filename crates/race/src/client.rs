//! One client of a race: it books and cancels, and writes a line in the journal before and after.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use indicatif::ProgressBar;
use load::client::{Client, Request, Servers};

use crate::answer::{Answer, of_booking};
use crate::error::RaceError;
use crate::journal::{Journal, JournalLine};

/// What all clients of a run share.
#[derive(Debug)]
pub(crate) struct Run {
    pub servers: Arc<Servers>,
    pub journal: Journal,
    pub bar: ProgressBar,
}

/// One client. Lives on one thread.
pub(crate) struct RaceClient {
    pub run: Arc<Run>,
    pub http: Client,
}

impl RaceClient {
    /// A client with a connection of its own.
    pub(crate) fn new(run: &Arc<Run>) -> Self {
        Self { http: Client::new(&run.servers), run: Arc::clone(run) }
    }

    /// Sends a booking once.
    pub(crate) async fn book(&self, server: usize, slot: &str, request_id: &str, body: &str) -> Answer {
        self.run.journal.write(&JournalLine::Sent {
            sent: request_id.to_owned(),
            slot: slot.to_owned(),
            server: self.run.servers.root(server).to_owned(),
            body: body.to_owned(),
        });
        let reply = self.http.send(&Request::book(server, request_id, body)).await;
        let status = reply.as_ref().map(|reply| reply.status).ok();
        let answer = of_booking(reply, request_id);
        // A lost answer leaves no line: the request stays open for whoever reads the journal.
        if let Some(status) = status.filter(|_| !matches!(answer, Answer::Lost(_))) {
            self.run.journal.write(&JournalLine::Answered {
                answered: request_id.to_owned(),
                status,
                appointment: answer.appointment().map(str::to_owned),
                taken: answer == Answer::Taken,
            });
        }
        answer
    }

    /// Sends the same booking again until something is decided (docs/contract.md#invariants, 4), or time runs out.
    pub(crate) async fn settle(&self, server: usize, slot: &str, request_id: &str, body: &str) -> Answer {
        let mut backoff = self.http.backoff();
        loop {
            let answer = self.book(server, slot, request_id, body).await;
            if !answer.is_undecided() || !self.http.wait_to_retry(server, &mut backoff).await {
                return answer;
            }
        }
    }
}

/// Does `jobs` with so many `workers` at once, each with a client of its own; the results come in no order.
pub(crate) async fn in_parallel<J, R, F>(run: &Arc<Run>, workers: usize, jobs: Vec<J>, work: F) -> Result<Vec<R>, RaceError>
where
    J: 'static,
    R: 'static,
    F: AsyncFn(&RaceClient, J) -> R + 'static,
{
    let workers = workers.min(jobs.len());
    let jobs = Rc::new(RefCell::new(jobs));
    let work = Rc::new(work);
    let tasks: Vec<_> = (0..workers)
        .map(|_| {
            let client = RaceClient::new(run);
            let (jobs, work) = (Rc::clone(&jobs), Rc::clone(&work));
            actix_rt::spawn(async move {
                let mut results = Vec::new();
                loop {
                    let Some(job) = jobs.borrow_mut().pop() else { return results };
                    results.push(work(&client, job).await);
                }
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        // A check that vanished must not look like a check that passed.
        results.extend(task.await.map_err(|_| RaceError::Failed("a part of the race ended early; there is no verdict".to_owned()))?);
    }
    Ok(results)
}
