//! `kurskoll export`

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;

use super::interrupt::{Interrupted, unless_interrupted};
use super::new_file::NewFile;
use super::{CommandError, explained, open, output, values};
use crate::app::reports::clocks::Clocks;
use crate::app::reports::export::{RowsRequest, csv_chunks, workbook};
use crate::app::{App, Caller};
use crate::domain::ids::{AdministrationCode, RequirementCode};
use crate::render::export_csv::Dialect;
use crate::render::text;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kurskoll export --administration SEF --output sef.csv --dialect excel-sv\n  \
    kurskoll export --administration SEF --output sef.xlsx --as-of 2026-02-26")]
pub struct Arguments {
    /// The administration's code
    #[arg(long)]
    administration: AdministrationCode,
    /// The file to write: a name that ends in .csv or .xlsx, or - for CSV on standard output
    #[arg(long, value_name = "FILE.csv|FILE.xlsx")]
    output: PathBuf,
    /// Replace an existing file
    #[arg(long)]
    force: bool,
    /// Only this requirement
    #[arg(long)]
    requirement: Option<RequirementCode>,
    /// The day; today by default
    #[arg(long, value_parser = values::day)]
    as_of: Option<NaiveDate>,
    /// The instant of knowledge (RFC 3339); now by default
    #[arg(long, value_parser = values::instant)]
    known_at: Option<DateTime<Utc>>,
    /// How CSV is written: rfc4180, or excel-sv (BOM, semicolons, decimal commas)
    #[arg(long, default_value = "rfc4180", value_parser = dialect)]
    dialect: Dialect,
}

fn dialect(text: &str) -> Result<Dialect, String> {
    Dialect::parse(text).ok_or_else(|| "the dialects are rfc4180 and excel-sv".to_owned())
}

pub async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let kind = arguments.output.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    let to_standard_output = arguments.output == Path::new("-");
    if !to_standard_output && !matches!(kind.as_deref(), Some("csv" | "xlsx")) {
        let usage = "--output takes a name that ends in .csv or .xlsx, or - for standard output";
        clap::Error::raw(clap::error::ErrorKind::ValueValidation, format!("{usage}\n")).exit();
    }
    let file = if to_standard_output { None } else { Some(NewFile::for_place(&arguments.output, arguments.force)?) };
    let app = open().await?.app;
    let is_file = file.is_some();
    match unless_interrupted(write(&app, arguments, file, kind.as_deref() == Some("xlsx"))).await {
        None => {
            let left = if is_file { "no file was written" } else { "what was written is not whole" };
            Err(Interrupted(left.to_owned()).into())
        }
        Some(Err(error)) => Err(explained(&app, error).await),
        Some(Ok(())) => Ok(()),
    }
}

async fn write(app: &App, arguments: Arguments, file: Option<NewFile>, as_workbook: bool) -> Result<(), CommandError> {
    let request = RowsRequest {
        administration: arguments.administration,
        requirement: arguments.requirement,
        clocks: Clocks { as_of: arguments.as_of, known_at: arguments.known_at },
        status: None,
        unit: None,
    };
    let place = arguments.output.display().to_string();
    let rows = app.export_rows(&Caller::operator(), &request).await?;
    let (as_of, known_at, count) = (rows.as_of, rows.known_at, Arc::new(AtomicU64::new(0)));
    let rows = rows.counted(count.clone());
    let is_file = file.is_some();
    match file {
        Some(mut file) if as_workbook => {
            file.write_all(&workbook(rows).await?)?;
            file.finish()?;
        }
        Some(file) => {
            let mut file = io::BufWriter::new(file);
            let mut chunks = csv_chunks(rows, arguments.dialect);
            while let Some(chunk) = chunks.recv().await {
                file.write_all(&chunk?)?;
            }
            file.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?;
        }
        None => {
            let mut chunks = csv_chunks(rows, arguments.dialect);
            while let Some(chunk) = chunks.recv().await {
                output::print(std::str::from_utf8(&chunk?)?)?;
            }
        }
    }
    let count = count.load(Ordering::Relaxed);
    let clocks = format!("as of {as_of}, as known at {}", text::exact(known_at));
    if is_file {
        let rows = output::counted(usize::try_from(count).unwrap_or(usize::MAX), "row");
        eprintln!("Wrote {rows} of {} to {place}, {clocks}.", request.administration);
    }
    if count == 0 {
        eprintln!("{}", why_empty(app, &request, as_of).await?);
    }
    Ok(())
}

/// Why an administration has no row on a day, and where to look.
async fn why_empty(app: &App, request: &RowsRequest, as_of: NaiveDate) -> Result<String, CommandError> {
    let codes = app.list_codes(&Caller::operator()).await?;
    if codes.requirements.is_empty() {
        return Ok("There is no row: no requirement is known yet; `kurskoll requirements apply FILE.toml` makes them."
            .to_owned());
    }
    let what = match &request.requirement {
        Some(requirement) => format!("requirement {requirement} binds"),
        None => "any requirement binds".to_owned(),
    };
    Ok(format!(
        "There is no row: on {as_of} nobody works in {} whom {what}. `kurskoll directory imports` says what HR's files brought, \
         and a requirement's audience and effective_from whom it binds.",
        request.administration
    ))
}
