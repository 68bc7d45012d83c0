//! The file of `--issuers`: one `[[issuer]]` for each token server that is believed.

use super::Described;
use crate::cli::toml_table::{Mistakes, Placed, Table, line_and_column};
use crate::http::{Algorithm, CLIENT_CLAIMS, KeyPlace, ORGANISATION_CLAIM, Organisation};
use domain::ids::OdsCode;
use std::io::Read as _;
use std::path::Path;
use toml::de::DeTable;

/// The largest file, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// The most issuers.
const ISSUERS_MAX: usize = 100;
/// The longest life of a token that can be set, in seconds: a day.
const LIFE_S_MOST: i64 = 86_400;

const ISSUER_KEYS: [&str; 12] = [
    "issuer",
    "jwks",
    "algorithms",
    "audiences",
    "organisation",
    "organisation_claim",
    "client_claim",
    "clients",
    "scope_claim",
    "life_s_max",
    "required_claims",
    "reason_for_request",
];

/// The issuers in a file, or every mistake in it, one a line.
pub(super) fn read(path: &Path) -> Result<Vec<Described>, String> {
    let shown = path.display();
    let unreadable = |e: std::io::Error| format!("cannot read the issuers' file {shown}: {e}");
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX.saturating_add(1)).read_to_string(&mut text).map_err(unreadable)?;
    if u64::try_from(text.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
        return Err(format!("{shown}: is larger than {FILE_BYTES_MAX} bytes"));
    }
    let mut mistakes = Mistakes::default();
    let issuers = parse(&text, &mut mistakes);
    if mistakes.0.is_empty() {
        return Ok(issuers);
    }
    mistakes.0.sort_by_key(|(at, _)| *at);
    let line = |(at, message): &(usize, String)| {
        // One line each, whatever a parser has to say.
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{shown}:{}: {message}", line_and_column(&text, *at))
    };
    Err(mistakes.0.iter().map(line).collect::<Vec<_>>().join("\n"))
}

fn parse(text: &str, mistakes: &mut Mistakes) -> Vec<Described> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // What a broken document seems to say would only mislead.
        for error in errors {
            mistakes.add(error.span().map_or(0, |span| span.start), error.message());
        }
        return Vec::new();
    }
    let root = Table::root(&document);
    root.refuse_unknown(&["issuer"], mistakes);
    let tables = root.tables("issuer", mistakes);
    if tables.is_empty() {
        mistakes.add(0, "there is no issuer; write each as [[issuer]]");
    }
    if tables.len() > ISSUERS_MAX {
        mistakes.add(0, format!("{} issuers; a file has at most {ISSUERS_MAX}", tables.len()));
    }
    let mut issuers: Vec<Described> = Vec::new();
    for table in tables.iter().take(ISSUERS_MAX) {
        let Some(issuer) = issuer(table, mistakes) else { continue };
        if issuers.iter().any(|other| other.name == issuer.name) {
            mistakes.add(table.at, format!("the issuer `{}` is here twice", issuer.name));
        }
        issuers.push(issuer);
    }
    issuers
}

fn issuer(table: &Table<'_>, mistakes: &mut Mistakes) -> Option<Described> {
    table.refuse_unknown(&ISSUER_KEYS, mistakes);
    let name = table.text("issuer", mistakes);
    let keys = table.text("jwks", mistakes).and_then(|given| {
        let place = KeyPlace::parse(given.value);
        place.map_err(|why| mistakes.add(given.at, format!("`jwks`: {why}"))).ok()
    });
    let algorithms = algorithms(table, mistakes);
    let audiences = texts(table, "audiences", mistakes).unwrap_or_default();
    let clients = clients(table, mistakes);
    let organisation = organisation(table, clients.is_some(), mistakes);
    let scope_claims = texts(table, "scope_claim", mistakes);
    let life_s_max = table.optional_integer("life_s_max", (1, LIFE_S_MOST), mistakes).map(|life| life.value);
    let required = texts(table, "required_claims", mistakes).unwrap_or_default();
    let reason = one_of(table, "reason_for_request", ["required", "if-present"], mistakes);
    let usual = Described::usual(name?.value.to_owned(), keys?, algorithms, organisation);
    Some(Described {
        audiences,
        clients: clients.unwrap_or_default(),
        scope_claims,
        life_s_max,
        required,
        reason_demanded: reason.map_or(usual.reason_demanded, |reason| reason == "required"),
        ..usual
    })
}

/// A list of texts, or one text; a list without any is a mistake, because nobody means that.
fn texts(table: &Table<'_>, key: &str, mistakes: &mut Mistakes) -> Option<Vec<String>> {
    let given = table.optional_texts(key, mistakes)?;
    if given.value.is_empty() {
        mistakes.add(given.at, format!("`{key}` must not be empty; leave it out for the usual"));
    }
    Some(given.value.into_iter().map(|text| text.value.to_owned()).collect())
}

fn one_of(table: &Table<'_>, key: &str, known: [&'static str; 2], mistakes: &mut Mistakes) -> Option<&'static str> {
    let given = table.optional_text(key, mistakes)?;
    let found = known.into_iter().find(|known| *known == given.value);
    if found.is_none() {
        mistakes.add(given.at, format!("`{key}` must be \"{}\"", known.join("\" or \"")));
    }
    found
}

fn algorithms(table: &Table<'_>, mistakes: &mut Mistakes) -> Vec<Algorithm> {
    let Some(given) = table.optional_texts("algorithms", mistakes) else { return Algorithm::USUAL.to_vec() };
    if given.value.is_empty() {
        mistakes.add(given.at, "`algorithms` must not be empty");
    }
    let mut known = |name: &Placed<&str>| {
        let algorithm = Algorithm::parse(name.value);
        if algorithm.is_none() {
            let all = Algorithm::ALL.map(Algorithm::name).join(", ");
            mistakes.add(name.at, format!("`{}` is no algorithm that tokens may be signed with; known: {all}", name.value));
        }
        algorithm
    };
    given.value.iter().filter_map(&mut known).collect()
}

fn clients(table: &Table<'_>, mistakes: &mut Mistakes) -> Option<Vec<(String, OdsCode)>> {
    let pairs = table.optional_pairs("clients", mistakes)?;
    let mut known = |(client, code): (&str, Placed<&str>)| {
        let parsed = OdsCode::parse(code.value);
        if parsed.is_none() {
            mistakes.add(code.at, format!("`{}` is no ODS code: 1 to 12 letters and digits", code.value));
        }
        Some((client.to_owned(), parsed?))
    };
    Some(pairs.into_iter().filter_map(&mut known).collect())
}

/// How the organisation is found: as it is said, else through the clients where there are any, else in the claim.
fn organisation(table: &Table<'_>, has_clients: bool, mistakes: &mut Mistakes) -> Organisation {
    let said = one_of(table, "organisation", ["claim", "client"], mistakes);
    let claim = table.optional_text("organisation_claim", mistakes);
    let client_claims = table.optional_texts("client_claim", mistakes);
    let through_client = said.map_or(has_clients || (client_claims.is_some() && claim.is_none()), |said| said == "client");
    if through_client && let Some(claim) = &claim {
        mistakes.add(claim.at, "`organisation_claim` goes with organisation = \"claim\", and this issuer's is found through the client");
    }
    if !through_client && has_clients {
        mistakes.add(table.at, "`clients` goes with organisation = \"client\", and this issuer's is found in a claim");
    }
    if !through_client && let Some(given) = &client_claims {
        mistakes.add(given.at, "`client_claim` goes with organisation = \"client\", and this issuer's is found in a claim");
    }
    if through_client {
        let given = client_claims.map(|given| given.value.into_iter().map(|claim| claim.value.to_owned()).collect::<Vec<_>>());
        Organisation::Client(given.filter(|names| !names.is_empty()).unwrap_or_else(|| CLIENT_CLAIMS.map(str::to_owned).to_vec()))
    } else {
        Organisation::Claim(claim.map_or(ORGANISATION_CLAIM, |claim| claim.value).to_owned())
    }
}
