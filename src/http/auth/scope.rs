//! Scopes: two vocabularies, one table (docs/contract.md#scopes).

/// What an interaction needs of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// No token at all.
    Nothing,
    /// Reading slots, schedules and the directory.
    ReadSlots,
    /// Reading appointments.
    ReadAppointments,
    /// Booking and cancelling.
    WriteAppointments,
}

impl Need {
    /// The scopes any one of which will do; the first is the standard's own.
    const fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Nothing => &[],
            Self::ReadSlots => &[
                "organization/slot.read",
                "slot/*.read",
                "schedule/*.read",
                "location/*.read",
                "organization/*.read",
                "healthcareservice/*.read",
                "practitioner/*.read",
            ],
            // Earlier consumers know only the scope for writing (docs/specification/uec.md#g-versions).
            Self::ReadAppointments => {
                &["patient/appointment.read", "patient/appointment.write", "appointment/*.read", "appointment/*.write"]
            }
            Self::WriteAppointments => &["patient/appointment.write", "appointment/*.write"],
        }
    }

    /// True when one of the space-separated scopes will do.
    pub fn is_met_by(self, scope: &str) -> bool {
        self == Self::Nothing || scope.split_ascii_whitespace().any(|given| self.scopes().contains(&given))
    }

    /// A scope that would do, for messages.
    pub fn example(self) -> &'static str {
        self.scopes().first().copied().unwrap_or("none")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_opens_its_own_door_only() {
        assert!(Need::ReadSlots.is_met_by("organization/slot.read"));
        assert!(Need::ReadSlots.is_met_by("openid schedule/*.read"));
        assert!(!Need::ReadSlots.is_met_by("patient/appointment.write"));
        assert!(Need::ReadAppointments.is_met_by("patient/appointment.write"));
        assert!(!Need::WriteAppointments.is_met_by("patient/appointment.read"));
        assert!(!Need::WriteAppointments.is_met_by(""));
        assert!(!Need::WriteAppointments.is_met_by("patient/appointment.writer"));
    }
}
