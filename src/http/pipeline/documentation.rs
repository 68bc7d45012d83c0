//! What is said of an operation to people and tools: the part of OpenAPI that nothing else can be asked for.

use domain::fault::Fault;

/// What OpenAPI says of an operation.
#[derive(Debug, Clone, Copy)]
pub struct Documentation {
    /// What it does, in one word: the end of its id.
    pub verb: &'static str,
    /// What it does, in one sentence without its full stop.
    pub summary: &'static str,
    /// What else is to be known.
    pub notes: Option<&'static str>,
    /// Parameters of the query besides those that are declared for the resource: names and meanings.
    pub query: &'static [(&'static str, &'static str)],
    /// What goes into the body.
    pub body: BodySample,
    /// The status of success and what it means.
    pub success: (u16, &'static str),
    /// The resource type of a good answer.
    pub answer: &'static str,
    /// A good answer.
    pub example: AnswerSample,
}

/// What goes into the body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodySample {
    /// No resource.
    None,
    /// A booking.
    Booking,
    /// A cancel.
    Cancel,
    /// A booking, alone or among Parameters.
    Validation,
}

/// What is shown as a good answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerSample {
    /// Nothing.
    None,
    /// What a search of slots finds.
    Slots,
    /// The resource of this type in what a search of slots finds.
    OfSlots(&'static str),
    /// An appointment that was booked.
    Booked,
    /// An appointment that was cancelled.
    Cancelled,
}

/// A fault an operation can answer.
#[derive(Debug, Clone)]
pub struct FaultSample {
    /// Its name among the examples.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// One of its kind.
    pub fault: Fault,
}

impl FaultSample {
    /// A sample of a fault.
    pub const fn new(name: &'static str, meaning: &'static str, fault: Fault) -> Self {
        Self { name, meaning, fault }
    }
}
