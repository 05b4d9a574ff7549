//! The report as a table for a terminal.

use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle,
};
use rust_decimal::Decimal;

use super::text::{exact, printable, seconds, width_of, wrapped};
use crate::domain::report::linked_share::{LinkedCount, LinkedShare, LinkedShares};
use crate::domain::report::{Figures, OnboardingReport, PlatformSilence, StatementsWithoutResult};
use crate::domain::training::Target;

/// Shown for a figure that is absent because nobody counts.
const ABSENT: &str = "–";

/// The narrowest terminal on which [`WIDE_HEADER`] leaves space for names; below it they are listed under the table.
const WIDE_FROM: usize = 115;

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

const NARROW_HEADER: [&str; 11] = [
    "Code",
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

/// The code column of the row for the whole city.
const CITY: &str = "city";

/// The report for a terminal `width` columns wide: the request, a line for each administration and for the city, and
/// how far the figures can be trusted.
///
/// Where waiting results could raise the completion rate, the range is shown instead, as `91.0–95.5`: its lower end is
/// the rate itself.
#[must_use]
pub fn report_table(report: &OnboardingReport, width: usize) -> String {
    let table = if width < WIDE_FROM { narrow(report) } else { wide(report, width) };
    format!("{}\n{table}\n{}", caption(report, width), data_quality(report, width))
}

fn caption(report: &OnboardingReport, width: usize) -> String {
    let version = match report.version {
        Some(version) => format!("version {version}"),
        None => "no version in effect".to_owned(),
    };
    let known_at = exact(report.known_at);
    let clocks = format!("As of {}, as known at {known_at}.", report.as_of);
    let due = format!("On time: those due from {} to {}.", report.due.from, report.due.to);
    let both = format!("{clocks} {due}");
    let lines = if width_of(&both) <= width { both } else { format!("{clocks}\n{due}") };
    format!("{}, {version}\n{lines}\n", report.requirement)
}

/// Codes and figures, then the names of the codes: no name is cut to fit.
fn narrow(report: &OnboardingReport) -> String {
    let mut table = Table::new();
    table.load_style(ruled()).force_no_tty().set_header(NARROW_HEADER);
    for administration in &report.administrations {
        let cells = std::iter::once(printable(administration.code.as_str())).chain(cells(&administration.figures));
        table.add_row(cells.collect::<Vec<_>>());
    }
    if let Some(city) = &report.city {
        table.add_row(std::iter::once(CITY.to_owned()).chain(cells(city)).collect::<Vec<_>>());
    }
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        if place > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let codes = report.administrations.iter().map(|administration| administration.code.as_str());
    let longest = codes.chain([CITY]).map(width_of).max().unwrap_or(0);
    let name = |(code, name): (&str, &str)| format!("{code:<longest$}  {}\n", printable(name));
    let administrations = report.administrations.iter().map(|each| (each.code.as_str(), each.name.as_str()));
    let names = administrations.chain(report.city.as_ref().map(|_| (CITY, "The whole city"))).map(name);
    format!("{}\n\n{}", table.trim_fmt(), names.collect::<String>())
}

fn wide(report: &OnboardingReport, width: usize) -> String {
    let mut table = Table::new();
    table
        .load_style(ruled())
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX))
        .force_no_tty()
        .set_header(WIDE_HEADER);
    let line = |code: &str, name: &str, figures: &Figures| {
        [printable(code), printable(name)].into_iter().chain(cells(figures)).collect::<Vec<_>>()
    };
    for administration in &report.administrations {
        table.add_row(line(administration.code.as_str(), &administration.name, &administration.figures));
    }
    if let Some(city) = &report.city {
        table.add_row(line("", "The whole city", city));
    }
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        // Figures are not wrapped: if there is little space, names take two lines.
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

fn cells(figures: &Figures) -> [String; 10] {
    let counts = &figures.counts;
    [
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

/// The range of the completion rate, if there is one.
fn range(figures: &Figures) -> Option<(Decimal, Decimal)> {
    figures.completion_rate_range().filter(|(lowest, highest)| lowest != highest)
}

fn percent(rate: Option<Decimal>) -> String {
    rate.map_or_else(|| ABSENT.to_owned(), |rate| rate.to_string())
}

fn data_quality(report: &OnboardingReport, width: usize) -> String {
    let quality = &report.data_quality;
    let mut lines = Vec::new();
    let mut all = report.administrations.iter().map(|administration| &administration.figures).chain(&report.city);
    if all.any(|figures| range(figures).is_some()) {
        lines.push("A range: the rate if none, and if all, of the waiting results that could count did.".to_owned());
    }
    lines.push(format!("Results that wait unlinked: {}", quality.unlinked_results));
    if let Some(city) = &quality.city {
        lines.push(format!("Results that are dismissed: {}", city.dismissed_results));
        lines.push(format!("Deliveries in quarantine:   {}", city.quarantined_deliveries));
        lines.extend(linked_shares(&city.linked));
        lines.extend(city.platforms.iter().map(platform_line));
        lines.extend(city.without_result.iter().map(without_result));
    }
    lines.iter().map(|line| wrapped(line, width) + "\n").collect()
}

/// The share of results that was linked: of all platforms, then of each.
fn linked_shares(linked: &LinkedShares) -> Vec<String> {
    let periods = linked.periods;
    let all = (format!("Linked, of the results from {} to {}", periods.from, periods.to), &linked.overall);
    let each = linked.platforms.iter().map(|(code, share)| (format!("- of platform {}", printable(code)), share));
    let line = |(name, share): (String, &LinkedShare)| {
        let warning = if share.has_fallen() { ". WARNING: it has fallen" } else { "" };
        let of = |count: LinkedCount| match count.share() {
            Some(share) => format!("{} of {} ({share} %)", count.linked, count.results()),
            None => "0 of 0".to_owned(),
        };
        let (now, before) = (of(share.now), of(share.before));
        let (from, to) = (periods.before_from, periods.before_to());
        format!("{name}: {now}, from {from} to {to} {before}{warning}")
    };
    std::iter::once(all).chain(each).map(line).collect()
}

fn platform_line(platform: &PlatformSilence) -> String {
    let name = printable(&platform.platform);
    let deliveries = match platform.silent_since {
        Some(since) => format!("silent since {}", seconds(since)),
        None => "has never sent anything".to_owned(),
    };
    let results = match platform.results.last_result_at {
        Some(at) => format!(", last result {}", seconds(at)),
        None if platform.silent_since.is_some() => ", no result so far".to_owned(),
        None => String::new(),
    };
    let warning = if platform.results.alarm.rings() { ". WARNING: no result for longer than is usual" } else { "" };
    format!("Platform {name}: {deliveries}{results}{warning}")
}

/// The line about statements that give no result of what a requirement names.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixtures::report;
    use crate::render::text::USUAL_WIDTH;

    #[test]
    fn a_report_reads_as_a_table_with_its_caption_and_its_data_quality() {
        insta::assert_snapshot!(report_table(&report(), 120), @r"
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
        Linked, of the results from 2026-01-30 to 2026-02-26: 1490 of 1500 (99.3 %), from 2026-01-02 to 2026-01-29 1500 of 1512
          (99.2 %)
        - of platform larportal: 1475 of 1475 (100.0 %), from 2026-01-02 to 2026-01-29 1460 of 1470 (99.3 %)
        - of platform moodle: 15 of 25 (60.0 %), from 2026-01-02 to 2026-01-29 40 of 42 (95.2 %). WARNING: it has fallen
        Platform larportal: silent since 2026-02-26T11:58:03Z, last result 2026-02-26T09:12:44Z
        Platform moodle: has never sent anything. WARNING: no result for longer than is usual
        Statements about quiz https://larportal.example.org/mod/quiz/view.php?id=1 that give no result of it: 214 of platform
          moodle with the verb http://adlnet.gov/expapi/verbs/completed, because it says that it was completed, without a score
          and without pass or fail
        ");
    }

    #[test]
    fn a_narrow_terminal_has_codes_whose_names_stand_below() {
        insta::assert_snapshot!(report_table(&report(), USUAL_WIDTH), @r"
        infosec-onboarding, version 2
        As of 2026-02-26, as known at 2026-02-26T12:00:00Z.
        On time: those due from 2025-02-27 to 2026-02-26.

        Code    In   Com- Expi- Pen- Over-   Ex-  Ex-    On   Comple-     On
             scope pliant  ring ding   due pired empt leave    tion % time %
        ---------------------------------------------------------------------
        AVF    211    180    12    9     7     3    2     5 91.0–92.9   88.3
        SEF      0      0     0    0     0     0    0     0         –      –
        city   211    180    12    9     7     3    2     5 91.0–92.9   88.3

        AVF   Arbetsmarknads- och vuxenutbildningsförvaltningen
        SEF   Serviceförvaltningen
        city  The whole city

        A range: the rate if none, and if all, of the waiting results that could count
          did.
        Results that wait unlinked: 12
        Results that are dismissed: 3
        Deliveries in quarantine:   1
        Linked, of the results from 2026-01-30 to 2026-02-26: 1490 of 1500 (99.3 %),
          from 2026-01-02 to 2026-01-29 1500 of 1512 (99.2 %)
        - of platform larportal: 1475 of 1475 (100.0 %), from 2026-01-02 to 2026-01-29
          1460 of 1470 (99.3 %)
        - of platform moodle: 15 of 25 (60.0 %), from 2026-01-02 to 2026-01-29 40 of 42
          (95.2 %). WARNING: it has fallen
        Platform larportal: silent since 2026-02-26T11:58:03Z, last result
          2026-02-26T09:12:44Z
        Platform moodle: has never sent anything. WARNING: no result for longer than is
          usual
        Statements about quiz https://larportal.example.org/mod/quiz/view.php?id=1 that
          give no result of it: 214 of platform moodle with the verb
          http://adlnet.gov/expapi/verbs/completed, because it says that it was
          completed, without a score and without pass or fail
        ");
    }

    #[test]
    fn somebody_who_may_not_see_the_city_gets_no_line_of_it() {
        let own = OnboardingReport { city: None, version: None, ..report() };
        let text = report_table(&own, 120);
        assert!(!text.contains("city"), "{text}");
        assert!(text.contains("no version in effect"), "{text}");
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        let mut report = report();
        if let Some(administration) = report.administrations.first_mut() {
            administration.name = "\u{1b}[2JServ\u{7}".to_owned();
        }
        let text = report_table(&report, 120);
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    }
}
