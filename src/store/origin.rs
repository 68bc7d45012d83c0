//! The origin of a request, as columns: they are listed here, once, for the audit trail and for the claims of both
//! databases.

use super::schema::audit;
use diesel::prelude::*;
use domain::appointment::Origin;
use domain::ids::OdsCode;
use std::sync::LazyLock;

/// Makes the row, the names of its columns and its texts of one list.
macro_rules! origin_row {
    ($origin:ident => $($column:ident: $text:expr,)*) => {
        /// The columns of an origin.
        #[derive(Insertable)]
        #[diesel(table_name = audit)]
        pub(super) struct OriginRow<'a> {
            $($column: Option<&'a str>,)*
        }

        /// The names of the columns.
        const NAMES: &[&str] = &[$(stringify!($column)),*];

        impl<'a> OriginRow<'a> {
            /// The columns of one origin.
            pub(super) fn of($origin: &'a Origin) -> Self {
                Self { $($column: $text,)* }
            }

            /// Their values, in the order of [`COLUMNS`].
            pub(super) fn texts(&self) -> [Option<&'a str>; NAMES.len()] {
                [$(self.$column),*]
            }
        }
    };
}

origin_row! { origin =>
    consumer: origin.consumer.as_ref().map(OdsCode::as_str),
    issuer: origin.issuer.as_deref(),
    user_id: origin.user.as_deref(),
    user_role: origin.role.as_deref(),
    device: origin.device.as_deref(),
    request_id: origin.request_id.as_deref(),
    answer_id: origin.answer_id.as_deref(),
    trace_id: origin.trace_id.as_deref(),
    from_asid: origin.from_asid.as_deref(),
    to_asid: origin.to_asid.as_deref(),
    interaction_id: origin.interaction_id.as_deref(),
}

/// The names of the columns, parted by commas, for a statement that is written as text.
pub(super) static COLUMNS: LazyLock<String> = LazyLock::new(|| NAMES.join(", "));

/// The origins of a batch: one array a column, one entry an origin.
#[derive(Debug, Default)]
pub(super) struct OriginArrays([Vec<Option<String>>; NAMES.len()]);

impl OriginArrays {
    pub(super) fn push(&mut self, origin: &Origin) {
        for (array, text) in self.0.iter_mut().zip(OriginRow::of(origin).texts()) {
            array.push(text.map(str::to_owned));
        }
    }

    /// The arrays, in the order of [`COLUMNS`].
    pub(super) fn arrays(&self) -> impl Iterator<Item = &Vec<Option<String>>> {
        self.0.iter()
    }
}
