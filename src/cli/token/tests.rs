use super::*;
use crate::http::KeySet;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

fn args(line: &[&str]) -> TokenArgs {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: TokenArgs,
    }
    let words = std::iter::once("token").chain(line.iter().copied());
    <Line as clap::Parser>::try_parse_from(words).unwrap().args
}

fn part(token: &str, index: usize) -> Value {
    let text = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

const NOW: Timestamp = Timestamp::from_ms(1_770_739_530_999);

#[test]
fn repeated_scopes_are_joined_and_a_subject_is_the_practitioner() {
    let token = print(&args(&["--scope", "slot/*.read", "--scope", "schedule/*.read", "--subject", "u-9"]), NOW).unwrap();
    let payload = part(&token, 1);
    assert_eq!(payload["requested_scope"], "slot/*.read schedule/*.read");
    assert_eq!(payload["requesting_practitioner"]["id"], "u-9");
}

#[test]
fn the_server_reads_the_key_set_that_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    std::fs::write(&file, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let line = ["--key", file.to_str().unwrap(), "--kid", "k1"];
    let printed = print(&args(&[&line[..], &["--print-jwks"]].concat()), NOW).unwrap();
    assert_eq!(KeySet::read(printed.as_bytes()).unwrap().len(), 1);
    assert_eq!(print(&args(&line), NOW).unwrap().split('.').filter(|part| !part.is_empty()).count(), 3);
}

#[test]
fn arguments_no_server_could_accept_are_wrong_usage() {
    for line in [["--scope", " "], ["--audience", "here"], ["--organization", "no-ods!"]] {
        assert!(print(&args(&line), NOW).unwrap_err().is_usage(), "{line:?}");
    }
    assert!(!print(&args(&["--key", "/nowhere.pem"]), NOW).unwrap_err().is_usage(), "a file that is missing is a failure");
}
