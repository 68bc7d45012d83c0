//! `slotkeeper policy FILE`: what each consumer may see and do, in words; and the policy file of `serve`.
//!
//! Pitfall: what a file names and the database does not hold is only warned of, because the diary
//! may be loaded later; what is wrong in the file itself is never put in force.

use super::policy_file::{self, PolicyFile, clients_of};
use super::reload::Reloads;
use super::{DatabaseArgs, Failure, maintenance, say};
use crate::http::{AuthMode, Consumer, Service};
use domain::ids::{OdsCode, ScheduleId, ServiceId};
use domain::policy::{Names, Reach, Rights, View};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What `slotkeeper policy` is told.
#[derive(Debug, Clone, clap::Args)]
pub struct PolicyArgs {
    /// The policy file, as `serve --policy` takes it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The database, to name the organisations that provide its services: there they see and do everything, whatever the file
    /// says. It is only read
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
}

/// The services that organisations provide, by organisation.
type Provided = BTreeMap<OdsCode, Vec<ServiceId>>;

/// Runs the command.
///
/// # Errors
/// [`Failure::Usage`] when the file holds mistakes, [`Failure::Failed`] when there is no such database.
pub fn run(args: &PolicyArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let file = policy_file::read(&args.file).map_err(|mistakes| Failure::Usage(mistakes.join("\n")))?;
    let provided = args.database_url.clone().map(provided_in).transpose()?;
    let services_of = |ods: &OdsCode| provided.as_ref().and_then(|provided| provided.get(ods));
    let mut named: Vec<(&OdsCode, &Consumer)> = file.policy.consumers.iter().collect();
    named.sort_by_key(|(ods, _)| *ods);
    for (ods, consumer) in named {
        let name = file.names.get(ods).map(|name| format!("  {name}")).unwrap_or_default();
        say(out, &format!("{ods}{name}"))?;
        if let Some(services) = services_of(ods) {
            provides(services, out)?;
            line(out, "elsewhere", "as follows")?;
        }
        describe(consumer, out)?;
        let clients = clients_of(&file.policy.clients, ods);
        if !clients.is_empty() {
            let shown = |client: &&crate::http::Client| match &client.issuer {
                Some(issuer) => format!("{} of {issuer}", client.id),
                None => client.id.clone(),
            };
            line(out, "clients", &clients.iter().map(shown).collect::<Vec<_>>().join(", "))?;
        }
    }
    let unnamed = provided.iter().flatten().filter(|(ods, _)| !file.policy.consumers.contains_key(ods));
    for (ods, services) in unnamed {
        say(out, &ods.to_string())?;
        provides(services, out)?;
        line(out, "elsewhere", if file.policy.others.is_some() { "as every other organisation" } else { "sees nothing" })?;
    }
    match &file.policy.others {
        Some(others) => {
            say(out, "every other organisation")?;
            describe(others, out)?;
        }
        None => say(out, "every other organisation is refused")?,
    }
    match provided {
        Some(provided) if provided.is_empty() => say(out, "nobody provides a service in that database yet"),
        Some(_) => Ok(()),
        None => say(out, OF_PROVIDERS),
    }
}

/// What holds where the file has nothing to say.
const OF_PROVIDERS: &str = "whatever this says, an organisation that provides a service here sees and does everything there, without \
    ceilings; --database-url URL names such organisations";

/// Who provides the services of a database.
fn provided_in(database_url: String) -> Result<Provided, Failure> {
    let mut provided = Provided::new();
    for service in maintenance(&DatabaseArgs { database_url }.open()?).services()? {
        if let Some(ods) = service.ods {
            provided.entry(ods).or_default().push(service.id);
        }
    }
    Ok(provided)
}

fn provides(services: &[ServiceId], out: &mut dyn Write) -> Result<(), Failure> {
    let services = services.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    line(out, "provides", &format!("services {services}: there it sees, books, reads and cancels everything, without ceilings"))
}

fn describe(consumer: &Consumer, out: &mut dyn Write) -> Result<(), Failure> {
    let Rights { views, book, read, cancel, ceilings } = consumer.rights.as_ref();
    for view in views {
        line(out, "sees", &seen(view))?;
    }
    let with = |service: &Option<ServiceId>| service.as_ref().map(|id| format!(" with service {id}")).unwrap_or_default();
    let most: String = ceilings.iter().map(|c| format!(", at most {} a day{}", c.per_day, with(&c.service))).collect();
    line(out, "books", &format!("{}{most}", if *book { "yes" } else { "no" }))?;
    line(out, "reads", reach(*read))?;
    line(out, "cancels", reach(*cancel))?;
    line(out, "speaks", &consumer.speaks.map_or_else(|| "what --compat says".to_owned(), |v| format!("{} and later", v.number())))
}

fn line(out: &mut dyn Write, what: &str, says: &str) -> Result<(), Failure> {
    say(out, &format!("    {what:<8} {says}"))
}

fn seen(view: &View) -> String {
    match (&view.services, &view.schedules) {
        (Names::All, Names::All) => "everything".to_owned(),
        (Names::Only(services), Names::All) => format!("services {}", listed(services)),
        (Names::All, Names::Only(schedules)) => format!("schedules {}", listed(schedules)),
        (Names::Only(services), Names::Only(schedules)) => {
            format!("services {} in schedules {}", listed(services), listed(schedules))
        }
    }
}

fn listed<T: Display>(names: &std::collections::BTreeSet<T>) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

const fn reach(reach: Reach) -> &'static str {
    match reach {
        Reach::None => "nothing",
        Reach::Own => "what it booked",
        Reach::All => "what it booked, and what others booked in all it sees",
    }
}

/// The policy file of a server, read and found right.
pub struct PolicySource {
    path: PathBuf,
    file: PolicyFile,
}

impl PolicySource {
    /// Reads it.
    ///
    /// # Errors
    /// [`Failure::Usage`] when it holds mistakes, or when nobody would be held to it.
    pub fn read(path: &Path, auth: AuthMode) -> Result<Self, Failure> {
        if auth == AuthMode::Off {
            return Err(Failure::Usage(
                "--policy tells organisations apart, and with --auth off nobody says who they are: use --auth unsigned, or leave it out"
                    .to_owned(),
            ));
        }
        let file = policy_file::read(path).map_err(|mistakes| Failure::Usage(mistakes.join("\n")))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Puts it in force, and whatever the file says later, at every SIGHUP.
    pub fn put_in_force(self, service: &Arc<Service>, reloads: &mut Reloads) {
        let Self { path, file } = self;
        log::info!("policy: {}", put(service, file));
        let service = Arc::clone(service);
        reloads.add("policy", move || {
            let file = policy_file::read(&path).map_err(|mistakes| mistakes.join("; "))?;
            Ok(put(&service, file))
        });
    }
}

/// Puts a policy in force; what it comes to, in words.
fn put(service: &Service, file: PolicyFile) -> String {
    warn_of_unknown(service, &file);
    let consumers = file.policy.consumers.len();
    let others = if file.policy.others.is_some() { "under the default" } else { "refused" };
    service.policy.replace(file.policy);
    format!("organisations named: {consumers}; all others are {others}")
}

/// Says what the policy names and the database does not hold.
fn warn_of_unknown(service: &Service, file: &PolicyFile) {
    let services: Vec<ServiceId> = file.services.keys().cloned().collect();
    let schedules: Vec<ScheduleId> = file.schedules.keys().cloned().collect();
    // What stopped it is in the log already, and the policy is right whatever the database holds.
    let Ok((services, schedules)) = service.engine.missing(&services, &schedules) else { return };
    let place = |place: Option<&String>| place.cloned().unwrap_or_default();
    for id in services {
        log::warn!("{}: there is no service {id} yet; is the number right?", place(file.services.get(&id)));
    }
    for id in schedules {
        log::warn!("{}: there is no schedule {id} yet; is the id right?", place(file.schedules.get(&id)));
    }
}
