//! `kurskoll token`

use std::collections::BTreeSet;

use clap::{Args, Subcommand};

use super::{CommandError, open, output};
use crate::app::Caller;
use crate::app::operating::sign_tokens::TokenRequest;
use crate::auth::parse_ttl;
use crate::domain::access::Role;
use crate::domain::ids::AdministrationCode;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a bearer token
    #[command(after_help = "Examples:\n  kurskoll token issue --role city --subject anna\n  \
        kurskoll token issue --role administration --administration SEF --ttl 30d")]
    Issue(IssueArguments),
    /// Make a new signing key; tokens that the older ones signed stay valid until they expire
    #[command(after_help = "Examples:\n  kurskoll token rotate-key\n  kurskoll token rotate-key --revoke-older")]
    RotateKey {
        /// Remove the older keys: every token that was issued before is no longer valid
        #[arg(long)]
        revoke_older: bool,
    },
}

#[derive(Debug, Args)]
pub struct IssueArguments {
    /// The role: admin, city, administration, auditor or scim; may be given several times
    #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role)]
    roles: Vec<Role>,
    /// The administrations that the role administration is for; may be given several times
    #[arg(long = "administration", value_name = "CODE")]
    administrations: Vec<AdministrationCode>,
    /// How long it is valid, such as 30m, 8h or 30d
    #[arg(long, default_value = "8h", value_parser = parse_ttl)]
    ttl: std::time::Duration,
    /// Its subject, as the audit trail will show it
    #[arg(long, default_value = "operator")]
    subject: String,
}

fn role(text: &str) -> Result<Role, String> {
    let roles = || Role::ALL.into_iter().filter(|role| role.is_by_token());
    let names = || roles().map(Role::as_str).collect::<Vec<_>>().join(", ");
    roles().find(|role| role.as_str() == text).ok_or_else(|| format!("the roles are {}", names()))
}

/// The token is issued all the same: it may be for an administration that opens tomorrow.
fn unknown_administrations(unknown: &[&AdministrationCode], known: &BTreeSet<AdministrationCode>) -> String {
    let unknown: Vec<&str> = unknown.iter().map(|code| code.as_str()).collect();
    let known: Vec<&str> = known.iter().map(AdministrationCode::as_str).collect();
    let there_are =
        if known.is_empty() { "there are none yet".to_owned() } else { format!("there are: {}", known.join(", ")) };
    format!("the token shows nothing of {}, which is not known; {there_are}", unknown.join(", "))
}

pub async fn run(command: Command) -> Result<(), CommandError> {
    let opened = open().await?;
    match command {
        Command::Issue(IssueArguments { roles, administrations, ttl, subject }) => {
            let request = TokenRequest {
                subject,
                roles: roles.into_iter().collect::<BTreeSet<_>>(),
                administrations: administrations.into_iter().collect(),
                holds_for: ttl,
            };
            let known = opened.app.list_codes(&Caller::operator()).await?.administrations;
            let unknown: Vec<&AdministrationCode> = request.administrations.difference(&known).collect();
            let settings = opened.settings.token_settings();
            let token = opened.app.issue_token(&Caller::operator(), &settings, &request).await?;
            output::print(&format!("{token}\n"))?;
            if !unknown.is_empty() {
                eprintln!("Warning: {}", unknown_administrations(&unknown, &known));
            }
        }
        Command::RotateKey { revoke_older } => {
            let kid = opened.app.rotate_key(&Caller::operator(), revoke_older).await?;
            eprintln!("Tokens are signed with key {kid} from now on.");
        }
    }
    Ok(())
}
