//! What every request shares.

use super::super::access::AccessSink;
use super::super::policy::PolicyInForce;
use super::super::settings::Settings;
use super::read_limiter::ReadLimiter;
use super::response_cache::ResponseCache;
use crate::engine::Engine;
use fhir::service_roots::ServiceRoots;
use std::sync::Arc;

/// What every request shares.
pub struct Service {
    /// Everything the service does.
    pub engine: Arc<Engine>,
    /// How it is reached and guarded.
    pub settings: Settings,
    /// What consumer organisations may see and do.
    pub policy: Arc<PolicyInForce>,
    /// Where every access is recorded, if anywhere.
    pub access: Option<AccessSink>,
    /// Responses to searches of slots that may be given again.
    pub response_cache: ResponseCache,
    /// The paths of every root that is served, as patterns.
    pub root_paths: &'static [&'static str],
    /// How many reads of the database there are at once.
    pub read_limiter: ReadLimiter,
}

impl Service {
    /// A service under no policy, whose accesses nobody records.
    pub fn new(engine: Arc<Engine>, settings: Settings, root_paths: &'static [&'static str]) -> Self {
        let response_cache = ResponseCache::new(settings.limits.answers_bytes_max);
        let read_limiter = ReadLimiter::of(&engine);
        Self { engine, settings, policy: Arc::default(), access: None, response_cache, root_paths, read_limiter }
    }

    /// Where references lead that are this server's own.
    pub fn roots(&self) -> ServiceRoots<'_> {
        ServiceRoots { public_url: &self.settings.public_url, paths: self.root_paths }
    }
}
