//! Versions of the NHS Booking FHIR API, and what a server must forgive to serve consumers of an older one
//! (docs/specification/uec.md#g-versions).
//!
//! It knows versions and what changed between them, and no body, query or header.
//!
//! Pitfall: a version here is the *oldest* one that is served. Everything up to the latest is served as well, so
//! the leniencies only ever add up: nothing that is right in 2.0.4 is wrong under `--compat 1.0.6`.

/// A published version that consumers in the field were built on (docs/specification/uec.md#g-versions: 1.0.6 to 2.0.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApiVersion {
    /// 1.0.6, April 2020: the last without a contained Slot.
    V1_0_6,
    /// 2.0.0-beta, August 2020: contained Slot, `#slot` reference.
    V2_0_0,
    /// 2.0.1-beta, October 2020: supportingInformation and participant are only recommended.
    V2_0_1,
    /// 2.0.2-beta, March 2021: the provider sets `created`; X-Request-ID.
    V2_0_2,
    /// 2.0.3, April 2021: the capability names `end` as a parameter of Slot.
    V2_0_3,
    /// 2.0.4-live, June 2021: what the booking root is assured against.
    V2_0_4,
}

/// What is forgiven on the booking root. Each is what an older version allowed, or did not know yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent differences between versions, each with a name")]
pub struct Leniencies {
    /// `slot.reference` may be `Slot/<id>`, and then no Slot is contained.
    pub slot_by_reference: bool,
    /// No Patient need be contained where a participant's actor names the patient by identifier and display.
    pub patient_by_actor: bool,
    /// No `DocumentReference` need be contained, nor `supportingInformation` be given.
    pub document_optional: bool,
    /// Telecoms without any `rank`, or no telecoms at all.
    pub contacts_unranked: bool,
    /// `Appointment.created` is the consumer's: it is kept as sent.
    pub created_by_consumer: bool,
    /// POST and PUT may come without `X-Request-ID`; such a request cannot be recognised when it is sent again.
    pub request_id_optional: bool,
    /// `end` restricts the end of the slots that are searched.
    pub end_parameter: bool,
}

impl Leniencies {
    /// Nothing is forgiven: the API as assured.
    pub const NONE: Self = Self {
        slot_by_reference: false,
        patient_by_actor: false,
        document_optional: false,
        contacts_unranked: false,
        created_by_consumer: false,
        request_id_optional: false,
        end_parameter: false,
    };
}

impl ApiVersion {
    /// Every version, oldest first.
    pub const ALL: [Self; 6] = [Self::V1_0_6, Self::V2_0_0, Self::V2_0_1, Self::V2_0_2, Self::V2_0_3, Self::V2_0_4];
    /// What the booking root implements.
    pub const LATEST: Self = Self::V2_0_4;

    /// The number, as `--compat` takes it.
    pub const fn number(self) -> &'static str {
        match self {
            Self::V1_0_6 => "1.0.6",
            Self::V2_0_0 => "2.0.0",
            Self::V2_0_1 => "2.0.1",
            Self::V2_0_2 => "2.0.2",
            Self::V2_0_3 => "2.0.3",
            Self::V2_0_4 => "2.0.4",
        }
    }

    /// The version of a number.
    pub fn parse(number: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.number() == number)
    }

    /// What is forgiven when this is the oldest version served.
    ///
    /// Not forgiven, because no version allowed it: a missing `description`, or a missing `end` (2.0.0 made it
    /// mandatory by name, but STU3 demands it of every booked appointment: app-2 and app-3). Nothing is needed
    /// for the other changes: `HealthcareService.id` equals its identifier (2.0.2), every spelling of
    /// `_include` is always understood, and a patient without NHS number is always taken (2.0.0).
    pub fn leniencies(self) -> Leniencies {
        Leniencies {
            // 2.0.0 brought the contained Slot (docs/specification/uec.md#g-versions; #b5-appointment, row `slot`).
            slot_by_reference: self < Self::V2_0_0,
            // 2.0.1 made supportingInformation and participant recommendations; the Booking Standard 1.0.0, which
            // is pinned to 2.0.4, demands the contained trio again (docs/specification/uec.md#b5-appointment;
            // #i-disagreements, row 15).
            patient_by_actor: self < Self::V2_0_4,
            document_optional: self < Self::V2_0_4,
            // The rules of ranks came with Standard 0.2.0 (February 2021), after 2.0.1
            // (docs/specification/uec.md#g-versions, "Standard side").
            contacts_unranked: self < Self::V2_0_2,
            created_by_consumer: self < Self::V2_0_2,
            request_id_optional: self < Self::V2_0_2,
            // In the capability until 2.0.3, removed by 2.0.4 (docs/specification/uec.md#a6-slot-search and #g-versions).
            end_parameter: self < Self::V2_0_4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forgiven(version: ApiVersion) -> [bool; 7] {
        let all = version.leniencies();
        [
            all.slot_by_reference,
            all.created_by_consumer,
            all.request_id_optional,
            all.contacts_unranked,
            all.patient_by_actor,
            all.document_optional,
            all.end_parameter,
        ]
    }

    #[test]
    fn an_older_version_forgives_more_and_the_latest_nothing() {
        let counts = ApiVersion::ALL.map(|version| forgiven(version).iter().filter(|f| **f).count());
        assert_eq!(counts, [7, 6, 6, 3, 3, 0]);
        for (older, newer) in ApiVersion::ALL.into_iter().zip(ApiVersion::ALL.into_iter().skip(1)) {
            let kept = forgiven(older).into_iter().zip(forgiven(newer)).all(|(old, new)| old || !new);
            assert!(older < newer && kept, "{}", newer.number());
        }
        assert_eq!(ApiVersion::LATEST.leniencies(), Leniencies::NONE);
    }

    #[test]
    fn a_version_is_named_by_its_number_and_by_nothing_else() {
        for version in ApiVersion::ALL {
            assert_eq!(ApiVersion::parse(version.number()), Some(version));
        }
        for number in ["", "1.0.5", "2.0.5", "2.0", "v2.0.4", "2.0.0-beta"] {
            assert_eq!(ApiVersion::parse(number), None, "{number}");
        }
    }
}
