//! `--auth jwks`: the issuers whose signed tokens are believed, from flags or from a file, and read again at SIGHUP.
//!
//! It turns settings into [`Issuer`]s; what a token must be is for `http`. Pitfall: a file is
//! checked to its end and every mistake is told with its line; and nothing is put in force before all of it is right.

mod file;
#[cfg(test)]
mod tests;

use super::Failure;
use crate::http::{
    Algorithm, Authorities, CLIENT_CLAIMS, ClientDirectory, Fetched, Issuer, KeyPlace, KeySet, KeySource, ORGANISATION_CLAIM, Organisation,
    Trust, read_key_file,
};
use domain::time::Timestamp;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Whose signed tokens are believed.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Signed tokens (--auth jwks)")]
pub struct IssuerArgs {
    /// Key set (JWKS) that tokens are signed with: a file, an https:// URL, or an http:// URL of this machine
    #[arg(long, value_name = "FILE|URL")]
    pub jwks: Option<String>,
    /// Claim `iss` of the tokens that are signed with --jwks, to the letter; repeatable
    #[arg(long, value_name = "URL")]
    pub issuer: Vec<String>,
    /// Algorithm they may be signed with; repeatable. Default: RS256 and ES256
    #[arg(long, value_name = "ALG", value_parser = Algorithm::ALL.map(Algorithm::name))]
    pub token_algorithm: Vec<String>,
    /// Where they say for whom they are: `claim` (requesting_organization) or `client` (the client's id). Default: claim
    #[arg(long, value_name = "WHERE", value_parser = ["claim", "client"])]
    pub token_organisation: Option<String>,
    /// Several issuers, each with settings of its own: a TOML file, read again at SIGHUP (docs/operations.md)
    #[arg(long, value_name = "FILE")]
    pub issuers: Option<PathBuf>,
    /// Certificate authorities (PEM) that https:// key sets are fetched under, in place of the public ones
    #[arg(long, value_name = "FILE")]
    pub jwks_ca: Option<PathBuf>,
}

impl IssuerArgs {
    /// The first of these flags that was given, to refuse it where it has no meaning.
    pub fn given(&self) -> Option<&'static str> {
        let flags = [
            ("--jwks", self.jwks.is_some()),
            ("--issuer", !self.issuer.is_empty()),
            ("--token-algorithm", !self.token_algorithm.is_empty()),
            ("--token-organisation", self.token_organisation.is_some()),
            ("--issuers", self.issuers.is_some()),
            ("--jwks-ca", self.jwks_ca.is_some()),
        ];
        flags.into_iter().find_map(|(flag, given)| given.then_some(flag))
    }
}

/// An issuer as it is set, its keys still to be had.
#[derive(Debug, Clone, PartialEq)]
struct Described {
    name: String,
    keys: KeyPlace,
    algorithms: Vec<Algorithm>,
    audiences: Vec<String>,
    organisation: Organisation,
    clients: Vec<(String, domain::ids::OdsCode)>,
    scope_claims: Option<Vec<String>>,
    life_s_max: Option<i64>,
    required: Vec<String>,
    reason_demanded: bool,
}

impl Described {
    /// An issuer of which nothing is said but where its keys are and how its organisations are found.
    ///
    /// A token that names the organisation as the standard has it is one of the standard's, and carries its other claims
    /// too. One that only names a client comes from a general token server, which knows nothing of direct care: there the
    /// list of clients says who may book.
    const fn usual(name: String, keys: KeyPlace, algorithms: Vec<Algorithm>, organisation: Organisation) -> Self {
        let reason_demanded = matches!(organisation, Organisation::Claim(_));
        Self {
            name,
            keys,
            algorithms,
            audiences: Vec::new(),
            organisation,
            clients: Vec::new(),
            scope_claims: None,
            life_s_max: None,
            required: Vec::new(),
            reason_demanded,
        }
    }

    fn with(self, keys: Arc<KeySource>) -> Issuer {
        let usual = Issuer::usual(self.name, keys);
        Issuer {
            algorithms: self.algorithms,
            audiences: self.audiences,
            organisation: self.organisation,
            clients: self.clients.into_iter().collect(),
            scope_claims: self.scope_claims.unwrap_or(usual.scope_claims),
            life_s_max: self.life_s_max,
            required: self.required,
            reason_demanded: self.reason_demanded,
            ..usual
        }
    }
}

/// The issuers that are in force, and what is needed to read them again.
pub struct Issuers {
    args: IssuerArgs,
    authorities: Option<Authorities>,
    /// What the service believes.
    pub trust: Arc<Trust>,
    /// A place that is still named keeps its source, and with it the keys it has.
    sources: RefCell<HashMap<KeyPlace, Arc<KeySource>>>,
}

impl Issuers {
    /// The issuers that are set; `clients` is asked for clients that no issuer lists. Key sets in files are read now;
    /// those of servers are not there yet.
    ///
    /// # Errors
    /// [`Failure::Usage`] for settings, [`Failure::Failed`] for key sets in files.
    pub fn open(args: &IssuerArgs, clients: Box<ClientDirectory>, now: Timestamp) -> Result<Self, Failure> {
        let authorities = args.jwks_ca.as_ref().map(|path| {
            let pem = std::fs::read(path).map_err(|e| format!("cannot be read: {e}"));
            let authorities = pem.and_then(|pem| Authorities::of_pem(&pem));
            authorities.map_err(|why| Failure::Usage(format!("--jwks-ca {}: {why}", path.display())))
        });
        let issuers = Self {
            args: args.clone(),
            authorities: authorities.transpose()?,
            trust: Arc::new(Trust::new(Vec::new(), clients)),
            sources: RefCell::default(),
        };
        let described = described(args).map_err(Failure::Usage)?;
        issuers.put_in_force(described, now).map_err(Failure::Failed)?;
        Ok(issuers)
    }

    /// Reads everything again and puts it in force, or says why nothing has changed. Key sets of servers are fetched
    /// anew in the background, so this must be called where actix runs.
    ///
    /// # Errors
    /// Every mistake, one a line.
    pub fn again(&self, now: Timestamp) -> Result<String, String> {
        self.put_in_force(described(&self.args)?, now)?;
        self.trust.renew(now);
        Ok(self.summary())
    }

    /// Who is believed, for the log.
    pub fn summary(&self) -> String {
        let issuers = self.trust.issuers();
        let named: Vec<String> = issuers.iter().map(|issuer| format!("{} ({})", issuer.name, issuer.keys.shown())).collect();
        format!("signed tokens are accepted of {}", named.join(", "))
    }

    fn put_in_force(&self, described: Vec<Described>, now: Timestamp) -> Result<(), String> {
        // Every file first, so that one that cannot be used leaves all as it was.
        let mut read: HashMap<KeyPlace, Fetched> = HashMap::new();
        let mut mistakes = Vec::new();
        for place in described.iter().map(|issuer| &issuer.keys) {
            let KeyPlace::File(path) = place else { continue };
            let usable = read_key_file(path)
                .and_then(|fetched| KeySet::read(&fetched.text).map(|_| fetched).map_err(|e| format!("key set {}: {e}", path.display())));
            match usable {
                Ok(fetched) => drop(read.insert(place.clone(), fetched)),
                Err(why) => mistakes.push(why),
            }
        }
        if !mistakes.is_empty() {
            mistakes.dedup();
            return Err(mistakes.join("\n"));
        }
        let mut sources = HashMap::new();
        let mut before = self.sources.borrow_mut();
        let mut issuers = Vec::new();
        for described in described {
            let place = described.keys.clone();
            let source = sources.entry(place.clone()).or_insert_with(|| {
                let kept = before.get(&place).cloned();
                kept.unwrap_or_else(|| place.source(self.authorities.as_ref()))
            });
            if let Some(fetched) = read.get(&place) {
                source.take(fetched, now)?;
            }
            issuers.push(described.with(Arc::clone(source)));
        }
        *before = sources;
        self.trust.replace(issuers);
        Ok(())
    }
}

/// The issuers that flags and files describe, or every mistake, one a line.
fn described(args: &IssuerArgs) -> Result<Vec<Described>, String> {
    match (&args.issuers, args) {
        (Some(_), IssuerArgs { jwks: Some(_), .. }) => {
            Err("--jwks and --issuers exclude each other: name the key set in the file, as `jwks` of an [[issuer]]".to_owned())
        }
        (Some(_), args) if !args.issuer.is_empty() || !args.token_algorithm.is_empty() || args.token_organisation.is_some() => {
            let told = "--issuer, --token-algorithm and --token-organisation go with --jwks; with --issuers, the file says it";
            Err(told.to_owned())
        }
        (Some(path), _) => file::read(path),
        (None, args) => of_flags(args),
    }
}

fn of_flags(args: &IssuerArgs) -> Result<Vec<Described>, String> {
    let Some(jwks) = &args.jwks else {
        return Err("--auth jwks needs to know whose tokens to believe: --jwks FILE|URL with --issuer URL, or --issuers FILE".to_owned());
    };
    if args.issuer.is_empty() {
        return Err("--jwks needs --issuer: the claim `iss` of the tokens that are signed with it, to the letter".to_owned());
    }
    let keys = KeyPlace::parse(jwks).map_err(|why| format!("--jwks: {why}"))?;
    let mut algorithms: Vec<Algorithm> = args.token_algorithm.iter().filter_map(|name| Algorithm::parse(name)).collect();
    if algorithms.is_empty() {
        algorithms = Algorithm::USUAL.to_vec();
    }
    let organisation = match args.token_organisation.as_deref() {
        Some("client") => Organisation::Client(CLIENT_CLAIMS.map(str::to_owned).to_vec()),
        _ => Organisation::Claim(ORGANISATION_CLAIM.to_owned()),
    };
    let mut names = args.issuer.clone();
    names.dedup();
    Ok(names.into_iter().map(|name| Described::usual(name, keys.clone(), algorithms.clone(), organisation.clone())).collect())
}
