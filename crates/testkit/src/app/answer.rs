//! An answer, read whole, and what tests say of it.

use super::ask::Ask;
use crate::examiner::Exchange;
use actix_web::body::MessageBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::HeaderMap;
use serde_json::Value;

const SPINE: &str = "https://fhir.nhs.uk/STU3/CodeSystem/Spine-ErrorOrWarningCode-1";

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub async fn of<B: MessageBody>(response: ServiceResponse<B>) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = actix_web::body::to_bytes(response.into_body()).await.unwrap_or_else(|_| panic!("a body of an answer failed"));
        Self { status, headers, body: body.to_vec() }
    }

    /// What was asked and answered, to be examined.
    pub fn exchange(&self, ask: &Ask) -> Exchange {
        let header = |name: &str| self.header_if(name).unwrap_or_default().to_owned();
        Exchange {
            method: ask.method.clone(),
            uri: ask.uri(),
            status: self.status,
            content_type: header("Content-Type"),
            content_encoding: header("Content-Encoding"),
            location: header("Location"),
            body: self.body.clone(),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("an answer is UTF-8")
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("no JSON ({e}): {}", self.text()))
    }

    /// A header, which is there.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.header_if(name).unwrap_or_else(|| panic!("{} without {name}: {:?}", self.status, self.headers))
    }

    pub fn header_if(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The same answer, whose status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The id of the resource in the answer.
    #[track_caller]
    pub fn id(&self) -> String {
        self.json()["id"].as_str().expect("an id").to_owned()
    }

    /// The issues of a refusal of this status, each of which is as every issue must be.
    #[track_caller]
    pub fn issues(&self, status: u16) -> Vec<Value> {
        assert_eq!(self.status, status, "{}", self.text());
        let outcome = self.json();
        assert_eq!(outcome["resourceType"], "OperationOutcome", "{outcome}");
        assert!(outcome["id"].as_str().is_some_and(|id| !id.is_empty()), "{outcome}");
        assert!(!outcome.to_string().contains("Spine-OperationOutcome-1"), "claims a profile it does not meet: {outcome}");
        let issues = outcome["issue"].as_array().cloned().unwrap_or_default();
        assert!(!issues.is_empty(), "{outcome}");
        for issue in &issues {
            assert_eq!(issue["severity"], "error", "{outcome}");
            for text in ["/code", "/diagnostics", "/details/coding/0/system", "/details/coding/0/code", "/details/coding/0/display"] {
                assert!(issue.pointer(text).and_then(Value::as_str).is_some_and(|text| !text.is_empty()), "{text}: {outcome}");
            }
        }
        issues
    }

    /// A refusal of this status with one issue of this code and of a code of the Spine; returns its diagnostics.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str, spine: &str) -> String {
        let issues = self.issues(status);
        assert_eq!(issues.len(), 1, "{issues:?}");
        assert_eq!(issues[0]["code"], code, "{issues:?}");
        assert_eq!(issues[0]["details"]["coding"][0]["system"], SPINE, "{issues:?}");
        assert_eq!(issues[0]["details"]["coding"][0]["code"], spine, "{issues:?}");
        issues[0]["diagnostics"].as_str().unwrap().to_owned()
    }

    /// The expressions of all issues of a refusal.
    #[track_caller]
    pub fn expressions(&self, status: u16) -> Vec<String> {
        let issues = self.issues(status);
        issues
            .iter()
            .flat_map(|i| i["expression"].as_array().cloned().unwrap_or_default())
            .map(|e| e.as_str().unwrap().to_owned())
            .collect()
    }

    /// True when this says, to the letter, that the slot is taken (docs/specification/uec.md#b9-operationoutcome, #h3-refusals).
    pub fn is_slot_taken(&self) -> bool {
        let issue = serde_json::json!([{
            "severity": "error",
            "code": "processing",
            "details": {"coding": [{"system": "http://hl7.org/fhir/issue-type", "code": "processing", "display": "Processing Failure"}]},
            "diagnostics": "Slot no longer available",
        }]);
        self.status == 422 && self.json()["resourceType"] == "OperationOutcome" && self.json()["issue"] == issue
    }

    #[track_caller]
    pub fn says_slot_taken(&self) {
        assert!(self.is_slot_taken(), "{} {}", self.status, self.text());
    }

    /// The resources of one type in a Bundle.
    #[track_caller]
    pub fn all(&self, kind: &str) -> Vec<Value> {
        let bundle = self.json();
        assert_eq!(bundle["resourceType"], "Bundle", "{bundle}");
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        entries.into_iter().map(|entry| entry["resource"].clone()).filter(|resource| resource["resourceType"] == kind).collect()
    }

    #[track_caller]
    pub fn ids(&self, kind: &str) -> Vec<String> {
        self.all(kind).iter().map(|resource| resource["id"].as_str().unwrap().to_owned()).collect()
    }

    #[track_caller]
    pub fn total(&self) -> u64 {
        self.json()["total"].as_u64().unwrap_or_else(|| panic!("no total: {}", self.text()))
    }

    /// The URL of a link of a Bundle.
    pub fn link(&self, relation: &str) -> Option<String> {
        let links = self.json()["link"].as_array().cloned().unwrap_or_default();
        links.iter().find(|link| link["relation"] == relation).map(|link| link["url"].as_str().unwrap().to_owned())
    }
}
