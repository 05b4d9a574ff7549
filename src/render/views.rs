//! Answers in JSON, and their schemas.
//!
//! Rates and scores are strings with one decimal, so that no reader makes them binary fractions; what nobody counts in
//! is `null`.

mod compliance;
mod imports;
mod platforms;
mod report;
mod results;
mod trend;

use rust_decimal::Decimal;

pub use compliance::{CompliancePageView, ComplianceRowView};
pub use imports::{
    DifferencePageView, DifferenceRowView, DifferenceView, ImportPageView, ImportSummaryView, ImportView,
    ImportWithDifferenceView, UndoneImportView, UnusualView,
};
pub use platforms::{PlatformHealthView, ResultSilenceView, SilenceView, seconds};
pub use report::{
    AdministrationView, CountsView, DataQualityView, FiguresView, LinkedShareView, LinkedSharesView,
    PlatformLinkedShareView, PlatformSilenceView, RateRangeView, ReportView,
};

pub use results::{ResultsImportView, RowProblemView};
pub use trend::{TrendAdministrationView, TrendFiguresView, TrendPointView, TrendView};

fn decimal(value: Option<Decimal>) -> Option<String> {
    value.map(|value| value.to_string())
}
