//! What tests check afterwards: the report, a person's row, the stored deliveries, the derived rows.

use std::collections::{BTreeMap, BTreeSet};

use kurskoll::app::Caller;
use kurskoll::app::receiving::show_deliveries::DeliveriesRequest;
use kurskoll::domain::access::Role;
use kurskoll::store::deliveries::StoredDelivery;
use serde_json::Value;

use super::app::{Answer, TestApp};

/// One row of an export, by its columns' names.
pub type ExportRow = BTreeMap<String, String>;

impl Answer {
    /// Sends a request; an error means that no answer, or only a part, was received.
    pub async fn to(request: reqwest::RequestBuilder) -> reqwest::Result<Self> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()));
        let headers = headers.collect();
        Ok(Self { status, headers, body: response.text().await? })
    }

    /// The problem with a status, without the request's id.
    pub fn refused(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let mut problem = self.json();
        assert_eq!(problem["status"], status);
        let request_id = problem.as_object_mut().and_then(|members| members.remove("request_id"));
        assert_eq!(request_id.as_ref().and_then(Value::as_str), Some(self.headers["x-request-id"].as_str()));
        problem
    }
}

impl TestApp {
    /// `GET` as the auditor.
    pub async fn get_as_auditor(&self, path: &str) -> Answer {
        let token = self.token(Role::Auditor, &[]).await;
        self.get(path, Some(&token)).await
    }

    /// The report of a requirement today, as known now.
    pub async fn report(&self, requirement: &str) -> Value {
        self.get_as_city(&format!("/api/v1/reports/onboarding?requirement={requirement}")).await.ok()
    }

    /// The rows of an administration's export today, by employee number; for cities with one requirement.
    pub async fn export(&self, administration: &str) -> BTreeMap<String, ExportRow> {
        let answer = self.get_as_city(&format!("/api/v1/administrations/{administration}/export.csv")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let mut reader = csv::Reader::from_reader(answer.body.as_bytes());
        let rows = reader.deserialize().map(|row| row.expect("a row"));
        rows.map(|row: ExportRow| (row["employee_number"].clone(), row)).collect()
    }

    /// The row of one person in an administration's export.
    pub async fn export_row(&self, administration: &str, number: &str) -> ExportRow {
        self.export(administration).await.remove(number).expect("a row of the person")
    }

    /// Every stored delivery, newest first.
    pub async fn stored_deliveries(&self) -> Vec<StoredDelivery> {
        let request = DeliveriesRequest { at_most: 100_000, ..DeliveriesRequest::default() };
        self.app.list_deliveries(&Caller::operator(), &request).await.expect("the stored deliveries")
    }

    /// The platforms' ids of every stored delivery.
    pub async fn stored_ids(&self) -> BTreeSet<String> {
        self.stored_deliveries().await.into_iter().map(|delivery| delivery.key.into()).collect()
    }

    /// Recomputes everything that is derived, and finds no difference; returns how many events were compared.
    pub async fn verified_events(&self) -> u64 {
        let verified = self.app.verify(&Caller::operator(), |_| {}).await.expect("a verification");
        assert_eq!(verified.differences, Vec::<String>::new());
        verified.events
    }
}
