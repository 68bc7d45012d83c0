//! Who asks for what, and when: everything of a round that is decided before it starts.
//!
//! Pure. All clients walk the slots in the same order, so that they meet at each slot; spreading them out would race nobody.

use std::time::Duration;

use domain::time::Timestamp;
use load::patient::{FoundSlot, Person, booking};
use load::random::SeededRng;

use crate::options::{GROUP_MIN, Mode};

/// How often each client tries each slot in `book-cancel`.
const GENERATIONS: usize = 4;
/// Into how many groups the clients are divided in `same-request`, where there are enough of them.
const GROUPS_MAX: usize = 8;

/// One round.
#[derive(Debug)]
pub(crate) struct Plan {
    pub round: u32,
    pub mode: Mode,
    /// In the order every client walks them.
    pub slots: Vec<FoundSlot>,
    pub people: Vec<Person>,
    pub clients: usize,
    pub servers: usize,
    pub rate: Option<u32>,
    /// The seed of this run, different in every run.
    pub run_seed: u64,
    /// When the run began; written into every body, so that the same body can be made again.
    pub written: Timestamp,
}

/// One booking as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Booking {
    pub request_id: String,
    pub body: String,
}

/// Names one attempt of one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    pub client: usize,
    /// Place in [`Plan::slots`].
    pub slot: usize,
    /// The how many-th try of this client at this slot.
    pub generation: usize,
}

impl Plan {
    /// Tries of one client at one slot.
    pub(crate) const fn generations(&self) -> usize {
        match self.mode {
            Mode::BookCancel => GENERATIONS,
            Mode::Book | Mode::SameRequest => 1,
        }
    }

    /// All bookings of the round.
    pub(crate) fn request_count(&self) -> usize {
        self.clients * self.slots.len() * self.generations()
    }

    /// How many connections send one request at once.
    pub(crate) fn group_size(&self) -> usize {
        match self.mode {
            Mode::SameRequest => (self.clients / GROUPS_MAX).max(GROUP_MIN),
            Mode::Book | Mode::BookCancel => 1,
        }
    }

    /// Who is behind a client: itself, or in `same-request` its group. A rest too small for a group joins the last one.
    pub(crate) fn asker(&self, client: usize) -> usize {
        let groups = (self.clients / self.group_size()).max(1);
        (client / self.group_size()).min(groups - 1)
    }

    /// How many clients stand behind each asker.
    pub(crate) fn asker_sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.asker(self.clients.saturating_sub(1)) + 1];
        for client in 0..self.clients {
            if let Some(size) = sizes.get_mut(self.asker(client)) {
                *size += 1;
            }
        }
        sizes
    }

    /// The server a client talks to. Members of a group are neighbours, so a group is spread over all servers.
    pub(crate) const fn server(&self, client: usize) -> usize {
        match client.checked_rem(self.servers) {
            Some(server) => server,
            None => 0,
        }
    }

    /// What is sent in `turn`: the same bytes whenever it is asked, and for every member of a group.
    pub(crate) fn booking(&self, turn: Turn) -> Option<Booking> {
        let asker = self.asker(turn.client);
        let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let parts = [self.run_seed, u64::from(self.round), number(asker), number(turn.slot), number(turn.generation)];
        let mut rng = SeededRng::of(&parts);
        let request_id = rng.uuid();
        let body = booking(self.people.get(asker)?, self.slots.get(turn.slot)?, &mut rng, self.written);
        Some(Booking { request_id, body })
    }

    /// When `turn` is due after the start; `None` in a closed loop.
    pub(crate) fn due(&self, turn: Turn) -> Option<Duration> {
        let rate = u64::from(self.rate?);
        // The members of a group are due together: they send one request at once.
        let client = self.asker(turn.client) * self.group_size();
        let order = (turn.slot * self.generations() + turn.generation) * self.clients + client;
        let micros = u64::try_from(order).ok()?.checked_mul(1_000_000)?.checked_div(rate)?;
        Some(Duration::from_micros(micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use load::patient::invent;

    fn plan(mode: Mode, clients: usize) -> Plan {
        let slot = FoundSlot {
            id: "s".into(),
            identifier: "s".into(),
            schedule: "Schedule/a".into(),
            start: "2026-02-11T09:30:00.000+00:00".into(),
            end: "2026-02-11T09:45:00.000+00:00".into(),
        };
        Plan {
            round: 1,
            mode,
            slots: vec![slot],
            people: invent(clients, 1),
            clients,
            servers: 2,
            rate: Some(100),
            run_seed: 5,
            written: Timestamp::from_ms(0),
        }
    }

    #[test]
    fn groups_of_four_or_more_send_the_same_bytes_to_all_servers() {
        for clients in [4, 5, 7, 9, 64, 70] {
            let plan = plan(Mode::SameRequest, clients);
            let sizes = plan.asker_sizes();
            assert!(sizes.iter().all(|size| *size >= 4) && sizes.iter().sum::<usize>() == clients, "{clients}: {sizes:?}");
        }
        let plan = plan(Mode::SameRequest, 64);
        let sent = |client| plan.booking(Turn { client, slot: 0, generation: 0 }).unwrap();
        assert_eq!(sent(0), sent(7));
        assert_ne!(sent(0).request_id, sent(8).request_id);
        assert_ne!(plan.server(0), plan.server(1));
    }

    #[test]
    fn an_open_loop_spreads_the_requests_of_all_clients_evenly() {
        let plan = plan(Mode::Book, 10);
        let due = |client, slot| plan.due(Turn { client, slot, generation: 0 }).unwrap();
        assert_eq!(due(0, 0), Duration::ZERO);
        assert_eq!(due(3, 0), Duration::from_millis(30));
        assert_eq!(due(0, 1), Duration::from_millis(100));
        let plan = self::plan(Mode::SameRequest, 8);
        let due = |client| plan.due(Turn { client, slot: 0, generation: 0 }).unwrap();
        assert_eq!((due(3), due(4), due(7)), (Duration::ZERO, Duration::from_millis(40), Duration::from_millis(40)));
    }
}
