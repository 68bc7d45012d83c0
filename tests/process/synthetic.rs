//! Goal: `seed --synthetic` lays a diary out once, on both databases. Method: the built binary.

use crate::SLOTKEEPER;
use std::process::{Command, Stdio};
use testkit::postgres::Server;

fn slotkeeper(words: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(SLOTKEEPER.path()).args(words).stdin(Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_synthetic_diary_is_laid_out_once_grows_and_never_mixes() {
    let dir = tempfile::tempdir().unwrap();
    let sqlite = |name: &str| format!("sqlite://{}", dir.path().join(name).display());
    let database = Server::shared().create_database_from("template1");
    for url in [sqlite("a.db"), database.url.clone()] {
        let seed = |size: &str| slotkeeper(&["seed", "--synthetic", size, "--from", "2030-03-30", "--database-url", &url]);
        assert_eq!(slotkeeper(&["migrate", "--database-url", &url]).0, Some(0));
        let (code, text) = seed("3x2x60");
        assert!(code == Some(0) && text.contains("360 new slots of 360"), "{url}: {text}");
        assert!(seed("3x2x60").1.contains(" 0 new slots of 360"), "{url}");
        assert!(seed("4×3×70").1.contains("480 new slots of 840"), "{url}");
        let (code, text) = slotkeeper(&["check", "--database-url", &url]);
        assert!(code == Some(0) && text.contains("clean: 840 slots"), "{url}: {text}");
        assert_eq!(seed("4x3").0, Some(2), "{url}");
    }
    let other = sqlite("b.db");
    assert_eq!(slotkeeper(&["migrate", "--database-url", &other]).0, Some(0));
    assert_eq!(slotkeeper(&["seed", "seed", "--days", "1", "--database-url", &other]).0, Some(0));
    let (code, text) = slotkeeper(&["seed", "--synthetic", "1x1x1", "--database-url", &other]);
    assert!(code == Some(1) && text.contains("--among-others"), "{text}");
    assert_eq!(slotkeeper(&["seed", "--synthetic", "1x1x1", "--among-others", "--database-url", &other]).0, Some(0));
}
