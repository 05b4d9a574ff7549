//! `kurskoll export`

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;

use super::new_file::NewFile;
use super::{CommandError, explained, open, output, values};
use crate::app::export_administration::RowsRequest;
use crate::app::knowledge::Clocks;
use crate::app::{App, Asker};
use crate::domain::ids::{AdministrationCode, RequirementCode};
use crate::render::export_csv::Dialect;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kurskoll export --administration SEF --output sef.csv --dialect excel-sv\n  \
    kurskoll export --administration SEF --output sef.xlsx --as-of 2026-02-26")]
pub struct Arguments {
    /// The administration's code
    #[arg(long)]
    administration: AdministrationCode,
    /// Where to: a name that ends in .csv or .xlsx, or - for CSV on standard output
    #[arg(long, value_name = "FILE.csv|FILE.xlsx")]
    output: PathBuf,
    /// Replace a file that is there already
    #[arg(long)]
    force: bool,
    /// Only this requirement
    #[arg(long)]
    requirement: Option<RequirementCode>,
    /// The day; today where it is left out
    #[arg(long, value_parser = values::day)]
    as_of: Option<NaiveDate>,
    /// The instant of knowledge (RFC 3339); now where it is left out
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
    match write(&app, arguments, file, kind.as_deref() == Some("xlsx")).await {
        Err(error) => Err(explained(&app, error).await),
        written => written,
    }
}

async fn write(
    app: &App,
    arguments: Arguments,
    mut file: Option<NewFile>,
    as_workbook: bool,
) -> Result<(), CommandError> {
    let request = RowsRequest {
        administration: arguments.administration,
        requirement: arguments.requirement,
        clocks: Clocks { as_of: arguments.as_of, known_at: arguments.known_at },
        status: None,
        unit: None,
    };
    let asker = Asker::operator();
    if let Some(mut file) = file.take_if(|_| as_workbook) {
        file.write_all(&app.export_xlsx(&asker, &request).await?)?;
        return Ok(file.finish()?);
    }
    let mut pieces = app.export_csv(&asker, &request, arguments.dialect).await?;
    let Some(file) = file else {
        while let Some(piece) = pieces.recv().await {
            output::print(std::str::from_utf8(&piece?)?)?;
        }
        return Ok(());
    };
    let mut file = io::BufWriter::new(file);
    while let Some(piece) = pieces.recv().await {
        file.write_all(&piece?)?;
    }
    Ok(file.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?)
}
