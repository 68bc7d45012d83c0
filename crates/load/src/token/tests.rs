use super::*;

const AUDIENCE: &str = "http://127.0.0.1:8080/STU3/1/booking";
const NOW: Timestamp = Timestamp::from_ms(1_770_739_530_999);

fn claims(scope: &str) -> Claims {
    Claims::new(AUDIENCE, scope, ORGANIZATION_DEFAULT, NOW, UNSIGNED_LIFETIME_S)
}

fn part(token: &str, index: usize) -> Value {
    let text = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

#[test]
fn an_unsigned_token_keeps_its_dot_and_carries_every_claim() {
    let token = unsigned(&claims("patient/appointment.write organization/slot.read"));
    assert_eq!(token.matches('.').count(), 2);
    assert!(token.ends_with('.'));
    assert_eq!(part(&token, 0), json!({"alg": "none", "typ": "JWT"}));
    let payload = part(&token, 1);
    assert_eq!(payload["iat"], 1_770_739_530);
    assert_eq!(payload["exp"], 1_770_739_830);
    assert_eq!(payload["aud"], AUDIENCE);
    assert_eq!(payload["requested_scope"], "patient/appointment.write organization/slot.read");
    assert_eq!(payload["reason_for_request"], "directcare");
    assert_eq!(payload["requesting_organization"]["identifier"][0]["value"], "X9T20");
    assert_eq!(payload["requesting_device"]["resourceType"], "Device");
    assert_eq!(payload["sub"], payload["requesting_practitioner"]["id"]);
}

#[test]
fn a_key_signs_the_token_and_its_public_half_accepts_it() {
    let folder = tempfile::tempdir().unwrap();
    for (algorithm, private, public) in [(Algorithm::RS256, RSA_PRIVATE, RSA_PUBLIC), (Algorithm::ES256, EC_PRIVATE, EC_PUBLIC)] {
        let file = folder.path().join("key.pem");
        fs::write(&file, private).unwrap();
        let token = signed(&claims(SCOPE_SLOT_READ), &file, Some("k1")).unwrap();
        let key = if algorithm == Algorithm::RS256 {
            jsonwebtoken::DecodingKey::from_rsa_pem(public.as_bytes()).unwrap()
        } else {
            jsonwebtoken::DecodingKey::from_ec_pem(public.as_bytes()).unwrap()
        };
        let mut rules = jsonwebtoken::Validation::new(algorithm);
        rules.validate_exp = false;
        rules.set_audience(&[AUDIENCE]);
        let read = jsonwebtoken::decode::<Value>(&token, &key, &rules).unwrap();
        assert_eq!(read.header.kid.as_deref(), Some("k1"));
        assert_eq!(read.claims["exp"], 1_770_739_830);
    }
}

#[test]
fn a_key_set_is_the_public_half_of_its_key_and_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    for (private, kty, parts) in [(RSA_PRIVATE, "RSA", &["n", "e"][..]), (EC_PRIVATE, "EC", &["crv", "x", "y"])] {
        let file = folder.path().join("key.pem");
        fs::write(&file, private).unwrap();
        let set: Value = serde_json::from_str(&key_set(&file, Some("k1")).unwrap()).unwrap();
        let key = set["keys"][0].as_object().unwrap();
        assert_eq!((&key["kty"], &key["kid"], &key["use"]), (&json!(kty), &json!("k1"), &json!("sig")));
        let names: Vec<&str> = key.keys().map(String::as_str).filter(|name| !["kty", "kid", "use", "alg"].contains(name)).collect();
        assert!(names.len() == parts.len() && parts.iter().all(|part| names.contains(part)), "{names:?}");
    }
}

#[test]
fn a_missing_key_file_and_one_without_a_key_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    assert!(matches!(signed(&claims(SCOPE_SLOT_READ), &file, None), Err(KeyError::Unreadable { .. })));
    fs::write(&file, RSA_PUBLIC).unwrap();
    assert!(matches!(signed(&claims(SCOPE_SLOT_READ), &file, None), Err(KeyError::Unusable { .. })));
}

// Keys made for this test alone.
const RSA_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQCnBUizTpZBSeUF
FcApVAFonRqF5/8ndHY62WaoIKxaXPxcxU7CsPe+JJqklM+Q6LspwZrpIKbYTkxx
p++Ur8ijYJ1f/RAPHMajnTvfVrqCZyy+ssbhpgwSciypOXhOt+G0JC5C9o6o02lV
sFPvJbYIY/WdLczuVKq8/d1VMo9vnDrp78fbRW3jwiZIy5uLtiWBI9z9QqIlkhS6
E9PKQbW1/qJy/YZOVDRMITfmO10gDCd5/hxNu0oUPII+EO7B01xIbaae2w49Zg7G
brnUUgi08adyu5VZxFms/2IZ1mXv201odVrMND/tQf+RQVICLkzRW7WXmTnlBnOQ
KS/aWi99AgMBAAECggEAGQcy7YGzhO2aluA7R0YqHt/Z+2J4SxSJ6ggteLjKsxDX
lVxQ0N59hX4NOWf+Ubf6Yge7277zmZrkHCz++yA7V/YwpxNwPl+AycBUWkOwF733
x8zY/jPof7QhyqsMwvkNprW8Q/cYCicCFB/j+ASF6mx2QBs+qCFCY6dELVHyChaY
iULdif3aqdG58TIKKmUczzzzCuyMMiNYxpGe+F/Qqk80T/WCoTel5wAzT8UG6Zla
v5KruvGW/leaDJj9wAm+zDYSSisCUvQxocK4j0u/ksdaRmKw6OaCfMPCX8p//kkZ
R3ysXzNbEkConxWtj2Gu966Y9Mrb5X9frSKDZmGwqQKBgQDP4eOeFBwZy053czQY
othBApoGjl7XWpacp0RgldfBOuBfeZU4Uwfcg/Rd7I4XxsS4b+xLghZw5PnbT3Kx
q61mqiCp6UKrirDPmjqU8SBXf4sC9xI4udvcq+11ax8Ab/YdcpmQokPsYIlOVyI6
JOAzQjWLiWdL0KvMwapKW0fApQKBgQDNrh/jZm27QI1+6WdHDEJEBYpfB2TZF6vK
SrOEl3tIPQDaxcyEktU9DXc+6+k4iI0zQYegC/aLd4Qsye1qVP1y3bt3d4PK6M9j
1mM56rMw9P2du2CZtFB8jctPrZeenliPMDfFjZ7b7kWsfvoRQupYKcdBndmYnysR
Wzb+3NBj+QKBgQC0JlO0+ERp7g/v4DwzZVv26qRELjjuc6i11RaihPhWkglDc//m
sb3MUeYBRzDUVgLAuu2RegisiSIl9jG02swIfkKUPHr0Ydpb7pH55QRcD0GOrkJy
Ok7Ya337FXvmSyCD4H5IIvat7/LNmyEkNjS89xGj/M0xnIJljSdgDL6fqQKBgDcI
4H94aOQx4aqTyY65OQH6eYvz7ogoTU9TrbVM0zABIrlnM9JFd8leUQoFFeKKpz2P
yzqH+PBYioVxgpVxKGAT9JWC5UDmCpgsRWC57DitVS9fc/msxdyOFFi9mlRXCltG
C6ZQvrEakIoXb9IulYYBp89m7VJpRJzgS1bmvtwBAoGBALDvaHGr4sHLgH92TH8A
Dm2WGVyE0yRtCTfdYLjYhfWS1zkd0jAuVjuUenR0QrFora+TbPBJ4JFT+1dETquQ
68iIei3yZ8vGQWhqJs8v0zIt48drmY3dEL52lRxMX8oflOJv74kdvghBF7aQ7Z01
VrVTGoxIRGI7+G+HWry2AuY8
-----END PRIVATE KEY-----
";
const RSA_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApwVIs06WQUnlBRXAKVQB
aJ0ahef/J3R2OtlmqCCsWlz8XMVOwrD3viSapJTPkOi7KcGa6SCm2E5McafvlK/I
o2CdX/0QDxzGo50731a6gmcsvrLG4aYMEnIsqTl4TrfhtCQuQvaOqNNpVbBT7yW2
CGP1nS3M7lSqvP3dVTKPb5w66e/H20Vt48ImSMubi7YlgSPc/UKiJZIUuhPTykG1
tf6icv2GTlQ0TCE35jtdIAwnef4cTbtKFDyCPhDuwdNcSG2mntsOPWYOxm651FII
tPGncruVWcRZrP9iGdZl79tNaHVazDQ/7UH/kUFSAi5M0Vu1l5k55QZzkCkv2lov
fQIDAQAB
-----END PUBLIC KEY-----
";
const EC_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg15LQahmxlnM48hU/
DosT269q95FoNOEgQDeVmlbAJRahRANCAASH+Yja76NkvU5RLKQPMprVdFoewIov
q0ihhdqgy+yhwRTupUnvPLrPwyTd1DwWDgOFuJvb5oogldUAZTBa84ke
-----END PRIVATE KEY-----
";
const EC_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEh/mI2u+jZL1OUSykDzKa1XRaHsCK
L6tIoYXaoMvsocEU7qVJ7zy6z8Mk3dQ8Fg4Dhbib2+aKIJXVAGUwWvOJHg==
-----END PUBLIC KEY-----
";
