//! `GET /Schedule`: the table of its parameters.
//!
//! What a reader would get wrong: an actor given by a bare id may be of any kind, and one list may mix kinds;
//! only a list of nothing but services becomes [`ScheduleSearch::services`], which also decides the service
//! that each schedule shows.

use super::actor::{actors, of_services};
use super::parameters::{Taken, read, reversed};
use super::value::{ID_EXPECTED, IDENTIFIER_EXPECTED, both, list, narrowed, ruled_out, token};
use super::{Query, SearchRules};
use crate::domain::directory::DirectoryKind;
use crate::domain::fault::{Fault, ParameterFault};
use crate::domain::ids::{ScheduleId, ServiceId};
use crate::domain::search::{Actor, ScheduleSearch, Window};

const NAMES: [&str; 7] =
    ["actor", "actor:healthcareservice", "actor:practitioner", "actor:practitionerrole", "actor:location", "date", "identifier"];

/// A system, if one was given, and a value.
type Identified = (Option<String>, String);

#[derive(Debug, Default)]
struct Asked {
    ids: Option<Vec<ScheduleId>>,
    services: Option<Vec<ServiceId>>,
    actors: Vec<Vec<Actor>>,
    identifiers: Option<Vec<Identified>>,
    date: Window,
    nothing: bool,
}

/// The schedule search in `pairs`. It needs no present: a schedule has no window unless one is given.
///
/// Fails with a [`Fault::Parameter`] that names the parameter and what would be right.
pub fn schedules(pairs: &[(String, String)], rules: &SearchRules) -> Result<Query<ScheduleSearch>, Fault> {
    let mut asked = Asked::default();
    let common = read(pairs, rules, &NAMES, true, |name, value| asked.take(name, value))?;
    if reversed(&asked.date) {
        return Err(Fault::Parameter(ParameterFault::WindowReversed { name: "date" }));
    }
    let nothing =
        asked.nothing || ruled_out(asked.ids.as_ref()) || ruled_out(asked.services.as_ref()) || ruled_out(asked.identifiers.as_ref());
    let search = ScheduleSearch {
        ids: asked.ids.unwrap_or_default(),
        services: asked.services.unwrap_or_default(),
        actors: asked.actors,
        identifiers: asked.identifiers.unwrap_or_default(),
        date: asked.date,
        updated: common.updated,
        nothing,
        includes: common.includes,
        paging: common.paging.clone(),
    };
    Ok(common.query(search))
}

impl Asked {
    fn take(&mut self, name: &str, value: &str) -> Result<Taken, Fault> {
        match name {
            "_id" => both(&mut self.ids, list(name, value, ID_EXPECTED, |item| ScheduleId::parse(item).ok())?),
            "identifier" => {
                let tokens = list(name, value, IDENTIFIER_EXPECTED, token)?;
                self.identify(tokens.into_iter().map(|t| (t.system, t.code)).collect());
            }
            "date" => self.date = narrowed(self.date, name, value)?,
            "actor" => self.act(actors(name, value, None)?),
            _ => match name.split_once(':').filter(|(base, _)| *base == "actor").and_then(|(_, kind)| actor_kind(kind)) {
                Some(kind) => self.act(actors(name, value, Some(kind))?),
                None => return Ok(Taken::Unknown),
            },
        }
        Ok(Taken::Honoured)
    }

    fn act(&mut self, group: Vec<Actor>) {
        match of_services(&group) {
            _ if group.is_empty() => self.nothing = true,
            Some(services) => both(&mut self.services, services),
            None => self.actors.push(group),
        }
    }

    /// A schedule has one identifier, so of two lists the pairs that agree are left, each as exact as it can be.
    fn identify(&mut self, wanted: Vec<Identified>) {
        let Some(kept) = self.identifiers.take() else {
            self.identifiers = Some(wanted);
            return;
        };
        let agreed = kept.iter().flat_map(|one| wanted.iter().filter_map(move |other| agreed(one, other)));
        self.identifiers = Some(agreed.collect());
    }
}

fn agreed(one: &Identified, other: &Identified) -> Option<Identified> {
    let systems_fit = one.0.is_none() || other.0.is_none() || one.0 == other.0;
    (systems_fit && one.1 == other.1).then(|| (one.0.clone().or_else(|| other.0.clone()), one.1.clone()))
}

/// The kind of a modifier (`:healthcareservice`), in whatever capitals.
fn actor_kind(modifier: &str) -> Option<DirectoryKind> {
    DirectoryKind::ALL.into_iter().filter(|k| *k != DirectoryKind::Organization).find(|k| k.name().eq_ignore_ascii_case(modifier))
}
