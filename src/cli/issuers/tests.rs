use super::*;
use domain::ids::OdsCode;
use std::fs;
use tempfile::TempDir;

const NOW: Timestamp = Timestamp::from_ms(1_770_739_530_000);

fn key_set(id: &str) -> String {
    let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let key = jsonwebtoken::EncodingKey::from_ec_pem(pem.as_bytes()).unwrap();
    let mut public = jsonwebtoken::jwk::Jwk::from_encoding_key(&key, jsonwebtoken::Algorithm::ES256).unwrap();
    public.common.key_id = Some(id.to_owned());
    serde_json::json!({"keys": [public]}).to_string()
}

/// A directory with a key set and an issuers' file.
struct Files(TempDir);

impl Files {
    fn new(issuers: &str) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.write("keys.json", &key_set("a"));
        files.write("issuers.toml", &issuers.replace("KEYS", &files.path("keys.json")));
        files
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn args(&self) -> IssuerArgs {
        IssuerArgs { issuers: Some(self.path("issuers.toml").into()), ..IssuerArgs::default() }
    }

    fn described(&self) -> Result<Vec<Described>, String> {
        described(&self.args())
    }
}

const FULL: &str = r#"
[[issuer]]
issuer = "https://tokens.example.nhs.uk/"
jwks = "https://tokens.example.nhs.uk/jwks"

[[issuer]]
issuer = "https://login.example.com/tenant/v2.0"
jwks = "KEYS"
algorithms = ["RS256", "PS384"]
audiences = "api://slotkeeper"
organisation = "client"
client_claim = ["azp", "appid"]
clients = { "2f3c-41" = "x9t20", other = "X9T21" }
scope_claim = "roles"
life_s_max = 5400
required_claims = ["jti", "sub"]
reason_for_request = "required"
"#;

#[test]
fn a_file_says_everything_of_every_issuer() {
    let files = Files::new(FULL);
    let described = files.described().unwrap();
    let url = KeyPlace::Url("https://tokens.example.nhs.uk/jwks".to_owned());
    let claim = Organisation::Claim("requesting_organization".to_owned());
    let usual = Described::usual("https://tokens.example.nhs.uk/".to_owned(), url, vec![Algorithm::Rs256, Algorithm::Es256], claim);
    assert_eq!(described[0], usual);
    assert!(usual.reason_demanded);
    let second = &described[1];
    assert_eq!(second.keys, KeyPlace::File(files.path("keys.json").into()));
    assert_eq!(second.algorithms, [Algorithm::Rs256, Algorithm::Ps384]);
    assert_eq!(second.audiences, ["api://slotkeeper"]);
    assert_eq!(second.organisation, Organisation::Client(vec!["azp".to_owned(), "appid".to_owned()]));
    let code = |text| OdsCode::parse(text).unwrap();
    assert_eq!(second.clients, [("2f3c-41".to_owned(), code("X9T20")), ("other".to_owned(), code("X9T21"))]);
    assert_eq!(second.scope_claims.as_deref(), Some(&["roles".to_owned()][..]));
    assert_eq!((second.life_s_max, second.required.as_slice()), (Some(5_400), &["jti".to_owned(), "sub".to_owned()][..]));
    assert!(second.reason_demanded);
}

#[test]
fn by_default_the_clients_decide_how_organisations_are_found() {
    let of = |more: &str| {
        let files = Files::new(&format!("[[issuer]]\nissuer = \"i\"\njwks = \"KEYS\"\n{more}\n"));
        let issuer = files.described().unwrap_or_else(|e| panic!("{more}: {e}")).remove(0);
        (issuer.organisation, issuer.reason_demanded)
    };
    let claim = |name: &str| Organisation::Claim(name.to_owned());
    let usual_client = Organisation::Client(["client_id", "azp", "appid", "sub"].map(str::to_owned).to_vec());
    assert_eq!(of(""), (claim("requesting_organization"), true));
    assert_eq!(of("organisation_claim = \"ods_code\""), (claim("ods_code"), true));
    assert_eq!(of("clients = { a = \"X9T20\" }"), (usual_client.clone(), false));
    assert_eq!(of("organisation = \"client\""), (usual_client.clone(), false));
    assert_eq!(of("client_claim = \"appid\""), (Organisation::Client(vec!["appid".to_owned()]), false));
    assert_eq!(of("reason_for_request = \"if-present\""), (claim("requesting_organization"), false));
    assert_eq!(of("organisation = \"client\"\nreason_for_request = \"required\""), (usual_client, true));
}

#[test]
fn every_mistake_in_a_file_is_told_with_its_line() {
    let files = Files::new(
        r#"colour = "red"
[[issuer]]
issuer = ""
jwks = "http://tokens.example.nhs.uk/jwks"
algorithms = ["RS256", "HS256", "none"]
organisation = "both"
life_s_max = 0
scope_claim = []
reason_for_request = true
clients = { a = "no-code!" }
[[issuer]]
jwks = "KEYS"
issuers = "x"
organisation = "claim"
client_claim = "azp"
clients = { a = "X9T20" }
[[issuer]]
issuer = "same"
jwks = "KEYS"
organisation = "client"
organisation_claim = "ods"
[[issuer]]
issuer = "same"
jwks = "KEYS"
"#,
    );
    let told = files.described().unwrap_err();
    let lines: Vec<&str> = told.lines().collect();
    let expected = [
        (":1:1: ", "colour"),
        (":3:", "`issuer` must not be empty"),
        (":4:", "https"),
        (":5:", "`HS256`"),
        (":5:", "`none`"),
        (":6:", "\"claim\" or \"client\""),
        (":7:", "1 to 86400"),
        (":8:", "`scope_claim` must not be empty"),
        (":9:", "text in quotes"),
        (":10:", "no-code!"),
        (":11:", "`issuer` is missing"),
        (":11:", "`clients` goes with"),
        (":13:", "issuers"),
        (":15:", "`client_claim` goes with"),
        (":21:", "`organisation_claim` goes with"),
        (":22:", "twice"),
    ];
    assert_eq!(lines.len(), expected.len(), "{told}");
    for (place, what) in expected {
        assert!(lines.iter().any(|line| line.contains(&format!("issuers.toml{place}")) && line.contains(what)), "{place} {what}: {told}");
    }
    for (text, what) in [("", "no issuer"), ("[[issuer", "issuers.toml:1:"), ("issuer = 1", "list of tables")] {
        let told = Files::new(text).described().unwrap_err();
        assert!(told.contains(what), "{text}: {told}");
    }
    let nowhere = IssuerArgs { issuers: Some("/nowhere/issuers.toml".into()), ..IssuerArgs::default() };
    assert!(described(&nowhere).unwrap_err().contains("/nowhere/issuers.toml"));
}

#[test]
fn flags_describe_one_key_set_and_whoever_signs_with_it() {
    let args = |change: fn(&mut IssuerArgs)| {
        let mut args = IssuerArgs { jwks: Some("keys.json".to_owned()), issuer: vec!["a".to_owned()], ..IssuerArgs::default() };
        change(&mut args);
        described(&args)
    };
    assert_eq!(args(|_| ()).unwrap()[0].algorithms, [Algorithm::Rs256, Algorithm::Es256]);
    let two = args(|args| args.issuer.push("b".to_owned())).unwrap();
    assert_eq!((two.len(), two[1].name.as_str()), (2, "b"));
    assert_eq!(args(|args| args.token_algorithm = vec!["EdDSA".to_owned()]).unwrap()[0].algorithms, [Algorithm::EdDsa]);
    let client = args(|args| args.token_organisation = Some("client".to_owned())).unwrap().remove(0);
    assert!(matches!(client.organisation, Organisation::Client(_)) && !client.reason_demanded);
    for (told, refused) in [
        ("--jwks FILE|URL", args(|args| args.jwks = None)),
        ("--issuer", args(|args| args.issuer.clear())),
        ("https://", args(|args| args.jwks = Some("http://tokens.example.nhs.uk/".to_owned()))),
        ("exclude", args(|args| args.issuers = Some("issuers.toml".into()))),
        (
            "the file says it",
            args(|args| {
                args.issuers = Some("issuers.toml".into());
                args.jwks = None;
            }),
        ),
    ] {
        let why = refused.unwrap_err();
        assert!(why.contains(told), "{told}: {why}");
    }
}

fn knows(issuers: &Issuers, name: &str) -> bool {
    issuers.trust.issuers().iter().any(|issuer| issuer.name == name)
}

#[test]
fn files_that_are_read_again_take_effect_together_or_not_at_all() {
    let one = "[[issuer]]\nissuer = \"one\"\njwks = \"KEYS\"\n";
    let files = Files::new(one);
    let issuers = Issuers::open(&files.args(), Box::new(|_, _| None), NOW).unwrap_or_else(|e| panic!("{e}"));
    let keys = || issuers.trust.issuers()[0].keys.keys(NOW).unwrap();
    let before = keys();
    actix_web::rt::System::new().block_on(async {
        files.write("other.json", &key_set("b"));
        let both = one.replace("KEYS", &files.path("keys.json")) + &one.replace("one", "two").replace("KEYS", &files.path("other.json"));
        files.write("issuers.toml", &both);
        assert!(issuers.again(NOW).unwrap().contains("two"));
        assert!(knows(&issuers, "one") && knows(&issuers, "two"));
        // The keys of a place that is still named are kept, and what was proven with them.
        assert!(Arc::ptr_eq(&before, &keys()));
        // Another set in one file and nonsense in the other: neither is taken.
        files.write("keys.json", &key_set("c"));
        files.write("other.json", "nonsense");
        let why = issuers.again(NOW).unwrap_err();
        assert!(why.contains("other.json") && why.contains("JSON"), "{why}");
        assert!(Arc::ptr_eq(&before, &keys()));
        files.write("issuers.toml", "[[issuer]]\n");
        assert!(issuers.again(NOW).unwrap_err().contains("issuers.toml:1:"));
        assert!(knows(&issuers, "two"));
        files.write("issuers.toml", &one.replace("KEYS", &files.path("keys.json")));
        issuers.again(NOW).unwrap();
        assert!(!knows(&issuers, "two") && !Arc::ptr_eq(&before, &keys()));
    });
}

#[test]
fn at_the_start_settings_are_usage_and_a_key_set_may_fail() {
    let files = Files::new("[[issuer]]\nissuer = \"one\"\njwks = \"KEYS\"\n");
    let exit = |args: &IssuerArgs| Issuers::open(args, Box::new(|_, _| None), NOW).err().map(|failure| failure.exit_code());
    assert_eq!(exit(&files.args()), None);
    files.write("keys.json", "{}");
    assert_eq!(exit(&files.args()), Some(1));
    fs::remove_file(files.path("keys.json")).unwrap();
    assert_eq!(exit(&files.args()), Some(1));
    files.write("issuers.toml", "");
    assert_eq!(exit(&files.args()), Some(2));
    assert_eq!(exit(&IssuerArgs::default()), Some(2));
    let authorities = IssuerArgs { jwks_ca: Some(files.path("issuers.toml").into()), ..files.args() };
    assert_eq!(exit(&authorities), Some(2));
}
