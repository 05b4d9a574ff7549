//! A trend for a terminal.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::app::reports::trend::{Trend, TrendPoint};
use crate::domain::report::Figures;
use crate::render::text;

/// The width of a point's column, with its gap.
const POINT: usize = 16;

/// A line for each administration and the city, a column for each point: the completion rates. As many points side by
/// side as fit, then the next ones below.
pub fn trend_table(trend: &Trend, width: usize) -> String {
    let tree = match trend.tree_of {
        Some(day) => format!("in the tree of {day}"),
        None => "each point in the tree of its day".to_owned(),
    };
    let known_at = text::exact(trend.known_at);
    let caption = format!("By {}, {tree}, as known at {known_at}.", trend.interval);
    let title = format!("{}, completion rate in percent (of those in scope)", trend.requirement);
    let names = trend.points.iter().flat_map(|point| &point.administrations).map(|each| each.code.as_str());
    let longest = names.map(text::width_of).max().unwrap_or(0).max(THE_CITY.len());
    let at_once = (width.saturating_sub(longest) / POINT).max(1);
    let blocks = trend.points.chunks(at_once).map(|points| block(points, longest));
    let head = format!("{}\n{}\n", text::wrapped(&title, width), text::wrapped(&caption, width));
    std::iter::once(head).chain(blocks).collect::<Vec<_>>().join("\n")
}

const THE_CITY: &str = "The city";

/// Some points side by side.
fn block(points: &[TrendPoint], longest: usize) -> String {
    let mut lines: BTreeMap<(bool, &str), BTreeMap<NaiveDate, Figures>> = BTreeMap::new();
    let mut text = " ".repeat(longest);
    for point in points {
        text += &format!("{:>POINT$}", point.as_of.to_string());
        for each in &point.administrations {
            lines.entry((false, each.code.as_str())).or_default().insert(point.as_of, each.figures);
        }
        if let Some(city) = point.city {
            lines.entry((true, THE_CITY)).or_default().insert(point.as_of, city);
        }
    }
    text.push('\n');
    for ((_, name), figures) in lines {
        let cells =
            points.iter().map(|point| format!("{:>POINT$}", figures.get(&point.as_of).map_or_else(String::new, cell)));
        text += &format!("{:<longest$}{}\n", text::printable(name), cells.collect::<String>());
    }
    text
}

fn cell(figures: &Figures) -> String {
    let rate = figures.completion_rate().map_or_else(|| "–".to_owned(), |rate| rate.to_string());
    format!("{rate} ({})", figures.counts.in_scope())
}
