//! The report as a table for a terminal.

use std::fmt::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle,
};
use rust_decimal::Decimal;

use crate::domain::report::linked_share::LinkedCount;
use crate::domain::report::{Figures, OnboardingReport, StatementsWithoutResult};
use crate::domain::training::Target;

/// The width in columns where nobody says another, as when the report goes to a pipe.
const USUAL_WIDTH: u16 = 120;

/// Stands for a figure that is absent because nobody counts.
const ABSENT: &str = "–";

/// The narrowest terminal on which [`WIDE_HEADER`] leaves room for names.
const WIDE_FROM: u16 = 115;

const WIDE_HEADER: [&str; 12] = [
    "Code",
    "Administration",
    "In\nscope",
    "Compliant",
    "Expiring",
    "Pending",
    "Overdue",
    "Expired",
    "Exempt",
    "On\nleave",
    "Completion\n%",
    "On time\n%",
];

const NARROW_HEADER: [&str; 12] = [
    "Code",
    "Administration",
    "In\nscope",
    "Com-\npliant",
    "Expi-\nring",
    "Pen-\nding",
    "Over-\ndue",
    "Ex-\npired",
    "Ex-\nempt",
    "On\nleave",
    "Comple-\ntion %",
    "On\ntime %",
];

/// The place of the administrations' names among the columns.
const NAME_COLUMN: usize = 1;

/// The report for a terminal `width` columns wide: what was asked, a line for each administration and for the city, and
/// how far the figures can be trusted.
///
/// Where waiting results could raise the completion rate, the range stands in its place, as `91.0–95.5`: its lower end is
/// the rate itself.
#[must_use]
pub fn report_table(report: &OnboardingReport, width: Option<u16>) -> String {
    format!("{}\n{}\n{}", caption(report), figures(report, width), data_quality(report))
}

fn caption(report: &OnboardingReport) -> String {
    let version = match report.version {
        Some(version) => format!("version {version}"),
        None => "no version in effect".to_owned(),
    };
    format!(
        "{requirement}, {version}\nAs of {as_of}, as known at {known_at}. On time: those due from {from} to {to}.\n",
        requirement = report.requirement,
        as_of = report.as_of,
        known_at = instant(report.known_at),
        from = report.due.from,
        to = report.due.to,
    )
}

fn figures(report: &OnboardingReport, width: Option<u16>) -> String {
    let width = width.unwrap_or(USUAL_WIDTH);
    let mut table = Table::new();
    table
        .load_style(ruled())
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .force_no_tty()
        .set_header(if width < WIDE_FROM { NARROW_HEADER } else { WIDE_HEADER });
    for administration in &report.administrations {
        table.add_row(line(administration.code.as_str(), &administration.name, &administration.figures));
    }
    if let Some(city) = &report.city {
        table.add_row(line("", "The whole city", city));
    }
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        // Figures stay whole: a narrow terminal folds the names.
        if place != NAME_COLUMN {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
        if place > NAME_COLUMN {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt() + "\n"
}

/// A rule under the header, and no other lines.
const fn ruled() -> TableStyle {
    TableStyle::new().header_lines(ContentLineStyle::none()).header_separator(LineStyle::none().fill('-'))
}

fn line(code: &str, name: &str, figures: &Figures) -> [String; 12] {
    let counts = &figures.counts;
    [
        printable(code),
        printable(name),
        counts.in_scope().to_string(),
        counts.compliant.to_string(),
        counts.expiring.to_string(),
        counts.pending.to_string(),
        counts.overdue.to_string(),
        counts.expired.to_string(),
        counts.exempt.to_string(),
        counts.on_leave.to_string(),
        completion(figures),
        percent(figures.on_time_rate()),
    ]
}

fn completion(figures: &Figures) -> String {
    range(figures).map_or_else(|| percent(figures.completion_rate()), |(lowest, highest)| format!("{lowest}–{highest}"))
}

/// The range of the completion rate, where it is one.
fn range(figures: &Figures) -> Option<(Decimal, Decimal)> {
    figures.completion_rate_range().filter(|(lowest, highest)| lowest != highest)
}

fn percent(rate: Option<Decimal>) -> String {
    rate.map_or_else(|| ABSENT.to_owned(), |rate| rate.to_string())
}

fn data_quality(report: &OnboardingReport) -> String {
    let quality = &report.data_quality;
    let mut text = String::new();
    let mut all = report.administrations.iter().map(|administration| &administration.figures).chain(&report.city);
    if all.any(|figures| range(figures).is_some()) {
        text.push_str("A range: the rate if none, and if all, of the waiting results that could count did.\n");
    }
    // Writing to a String cannot fail.
    let _ = writeln!(text, "Results that wait unlinked: {}", quality.unlinked_results);
    let Some(city) = &quality.city else { return text };
    let _ = write!(
        text,
        "Results that are dismissed: {}\nDeliveries in quarantine:   {}\n",
        city.dismissed_results, city.quarantined_deliveries
    );
    let linked = &city.linked;
    let periods = linked.periods;
    let all = (format!("Linked, of the results from {} to {}", periods.from, periods.to), &linked.overall);
    let each = linked.platforms.iter().map(|(code, share)| (format!("- of platform {}", printable(code)), share));
    for (name, share) in std::iter::once(all).chain(each) {
        let warning = if share.has_fallen() { ". WARNING: it has fallen" } else { "" };
        let of = |count: LinkedCount| match count.share() {
            Some(share) => format!("{} of {} ({share} %)", count.linked, count.results()),
            None => "0 of 0".to_owned(),
        };
        let (now, before) = (of(share.now), of(share.before));
        let (from, to) = (periods.before_from, periods.before_to());
        let _ = writeln!(text, "{name}: {now}, from {from} to {to} {before}{warning}");
    }
    for platform in &city.platforms {
        let name = printable(&platform.platform);
        let _ = match platform.silent_since {
            Some(since) => write!(text, "Platform {name}: silent since {}", instant(since)),
            None => write!(text, "Platform {name}: has never sent anything"),
        };
        let results = &platform.results;
        let _ = match results.last_result_at {
            Some(at) => write!(text, ", last result {}", instant(at)),
            None if platform.silent_since.is_some() => write!(text, ", has never told a result"),
            None => Ok(()),
        };
        let silent = if results.alarm.rings() { ". WARNING: no result for longer than is usual" } else { "" };
        let _ = writeln!(text, "{silent}");
    }
    for found in &city.without_result {
        let _ = writeln!(text, "{}", without_result(found));
    }
    text
}

/// What is said of statements that give no result of what a requirement names.
#[must_use]
pub fn without_result(found: &StatementsWithoutResult) -> String {
    let StatementsWithoutResult { platform, target, statements, verb, because, .. } = found;
    let target = match target {
        Target::Course(course) => format!("course {course}"),
        Target::Quiz(quiz) => format!("quiz {quiz}"),
    };
    format!(
        "Statements about {} that give no result of it: {statements} of platform {} with the verb {}, because {because}",
        printable(&target),
        printable(platform),
        printable(verb)
    )
}

fn instant(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A text without the characters by which it could steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixtures::report;

    #[test]
    fn a_report_reads_as_a_table_with_its_caption_and_its_data_quality() {
        insta::assert_snapshot!(report_table(&report(), None), @r"
        infosec-onboarding, version 2
        As of 2026-02-26, as known at 2026-02-26T12:00:00Z. On time: those due from 2025-02-27 to 2026-02-26.

        Code Administration                   In Compliant Expiring Pending Overdue Expired Exempt    On Completion On time
                                           scope                                                   leave          %       %
        --------------------------------------------------------------------------------------------------------------------
        AVF  Arbetsmarknads- och             211       180       12       9       7       3      2     5  91.0–92.9    88.3
             vuxenutbildningsförvaltningen
        SEF  Serviceförvaltningen              0         0        0       0       0       0      0     0          –       –
             The whole city                  211       180       12       9       7       3      2     5  91.0–92.9    88.3

        A range: the rate if none, and if all, of the waiting results that could count did.
        Results that wait unlinked: 12
        Results that are dismissed: 3
        Deliveries in quarantine:   1
        Linked, of the results from 2026-01-30 to 2026-02-26: 1490 of 1500 (99.3 %), from 2026-01-02 to 2026-01-29 1500 of 1512 (99.2 %)
        - of platform larportal: 1475 of 1475 (100.0 %), from 2026-01-02 to 2026-01-29 1460 of 1470 (99.3 %)
        - of platform moodle: 15 of 25 (60.0 %), from 2026-01-02 to 2026-01-29 40 of 42 (95.2 %). WARNING: it has fallen
        Platform larportal: silent since 2026-02-26T11:58:03.250Z, last result 2026-02-26T09:12:44Z
        Platform moodle: has never sent anything. WARNING: no result for longer than is usual
        Statements about quiz https://larportal.example.org/mod/quiz/view.php?id=1 that give no result of it: 214 of platform moodle with the verb http://adlnet.gov/expapi/verbs/completed, because it tells that it was completed, without a score and without pass or fail
        ");
    }

    #[test]
    fn a_narrow_terminal_folds_the_names_and_keeps_the_figures_whole() {
        insta::assert_snapshot!(report_table(&report(), Some(100)), @r"
        infosec-onboarding, version 2
        As of 2026-02-26, as known at 2026-02-26T12:00:00Z. On time: those due from 2025-02-27 to 2026-02-26.

        Code Administration                    In   Com- Expi- Pen- Over-   Ex-  Ex-    On   Comple-     On
                                            scope pliant  ring ding   due pired empt leave    tion % time %
        ----------------------------------------------------------------------------------------------------
        AVF  Arbetsmarknads- och              211    180    12    9     7     3    2     5 91.0–92.9   88.3
             vuxenutbildningsförvaltningen
        SEF  Serviceförvaltningen               0      0     0    0     0     0    0     0         –      –
             The whole city                   211    180    12    9     7     3    2     5 91.0–92.9   88.3

        A range: the rate if none, and if all, of the waiting results that could count did.
        Results that wait unlinked: 12
        Results that are dismissed: 3
        Deliveries in quarantine:   1
        Linked, of the results from 2026-01-30 to 2026-02-26: 1490 of 1500 (99.3 %), from 2026-01-02 to 2026-01-29 1500 of 1512 (99.2 %)
        - of platform larportal: 1475 of 1475 (100.0 %), from 2026-01-02 to 2026-01-29 1460 of 1470 (99.3 %)
        - of platform moodle: 15 of 25 (60.0 %), from 2026-01-02 to 2026-01-29 40 of 42 (95.2 %). WARNING: it has fallen
        Platform larportal: silent since 2026-02-26T11:58:03.250Z, last result 2026-02-26T09:12:44Z
        Platform moodle: has never sent anything. WARNING: no result for longer than is usual
        Statements about quiz https://larportal.example.org/mod/quiz/view.php?id=1 that give no result of it: 214 of platform moodle with the verb http://adlnet.gov/expapi/verbs/completed, because it tells that it was completed, without a score and without pass or fail
        ");
    }

    #[test]
    fn somebody_who_may_not_see_the_city_gets_no_line_of_it() {
        let own = OnboardingReport { city: None, version: None, ..report() };
        let text = report_table(&own, None);
        assert!(!text.contains("city"), "{text}");
        assert!(text.contains("no version in effect"), "{text}");
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        let mut report = report();
        if let Some(administration) = report.administrations.first_mut() {
            administration.name = "\u{1b}[2JServ\u{7}".to_owned();
        }
        let text = report_table(&report, None);
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    }
}
