//! A trend.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::decimal;
use super::report::CountsView;
use crate::domain::report::{AdministrationFigures, Figures};

/// One requirement's figures on one day after another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrendView {
    #[schema(example = "infosec-onboarding")]
    pub requirement: String,
    /// The instant of knowledge: the same instant gives the same trend again.
    pub known_at: DateTime<Utc>,
    #[schema(example = "month")]
    pub interval: &'static str,
    /// `of_day`: each point in the tree of its own day; `today`: all in that of `tree_of`.
    #[schema(example = "of_day")]
    pub tree: &'static str,
    /// The day of the one tree of all points; null if each has its own.
    pub tree_of: Option<NaiveDate>,
    pub points: Vec<TrendPointView>,
}

/// The figures of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrendPointView {
    pub as_of: NaiveDate,
    /// The requirement's version that judged; null if none was in effect.
    #[schema(example = 1)]
    pub version: Option<u32>,
    /// The whole city, each person once; null for a caller who may not see it.
    pub city: Option<TrendFiguresView>,
    /// The administrations that the caller may see, by code.
    pub administrations: Vec<TrendAdministrationView>,
}

/// People counted by status, and the rates that follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrendFiguresView {
    pub counts: CountsView,
    /// The compliant and the expiring, in percent of those in scope; null if nobody is.
    #[schema(example = "94.2")]
    pub completion_rate: Option<String>,
    /// Those on time, in percent of those in scope who were due in the twelve months up to the day; null if there are
    /// none.
    #[schema(example = "88.3")]
    pub on_time_rate: Option<String>,
}

/// One administration's figures on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrendAdministrationView {
    #[schema(example = "SEF")]
    pub code: String,
    #[schema(example = "Serviceförvaltningen")]
    pub name: String,
    #[serde(flatten)]
    pub figures: TrendFiguresView,
}

impl From<&Figures> for TrendFiguresView {
    fn from(figures: &Figures) -> Self {
        Self {
            counts: CountsView::from(figures.counts),
            completion_rate: decimal(figures.completion_rate()),
            on_time_rate: decimal(figures.on_time_rate()),
        }
    }
}

impl From<&AdministrationFigures> for TrendAdministrationView {
    fn from(each: &AdministrationFigures) -> Self {
        Self { code: each.code.to_string(), name: each.name.clone(), figures: (&each.figures).into() }
    }
}
