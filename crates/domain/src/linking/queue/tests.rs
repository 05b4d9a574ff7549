use proptest::prelude::*;

use super::*;
use crate::ids::EmployeeNumber;

const ANNA: EmployeeId = EmployeeId(1);
const BO: EmployeeId = EmployeeId(2);

fn keys(number: &str, email: &str, username: &str) -> LearnerKeys {
    let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    LearnerKeys {
        employee_number: EmployeeNumber::parse(number).ok(),
        email: text(email),
        username: text(username),
        account: None,
    }
}

fn grouped(learners: &[(i64, LearnerKeys)]) -> Vec<String> {
    let named: Vec<Named<'_>> = learners.iter().map(|(p, keys)| Named { platform: PlatformId(*p), keys }).collect();
    let entries = entries(&named, |_| vec![LinkingKey::EmployeeNumber, LinkingKey::Email, LinkingKey::Username]);
    entries.into_iter().map(|(identity, places)| format!("{} {places:?}", identity.value)).collect()
}

#[test]
fn learners_who_share_an_identity_are_one_entry_of_it() {
    let learners = [(1, keys("9", "x", "u")), (1, keys("", "x", "v")), (1, keys("", "", "w")), (2, keys("", "x", ""))];
    assert_eq!(grouped(&learners), ["x [0, 1]", "w [2]", "x [3]"]);
}

#[test]
fn of_several_identities_that_name_as_many_the_strongest_is_the_entrys() {
    assert_eq!(grouped(&[(1, keys("9", "x", "u"))]), ["9 [0]"]);
    assert_eq!(
        grouped(&[(1, keys("", "x", "u")), (1, keys("", "x", "")), (1, keys("", "", "u"))]),
        ["x [0, 1]", "u [2]"]
    );
}

fn fits(identity: &Identity) -> Fit {
    let is = |employees: &[EmployeeId]| Fit { employees: employees.to_vec(), by_hand: None };
    match identity.value.as_str() {
        "1" | "anna" => is(&[ANNA]),
        "2" => is(&[BO]),
        "both" => is(&[ANNA, BO]),
        "test" => Fit { employees: vec![], by_hand: Some(ByHand::Dismissed) },
        _ => Fit::default(),
    }
}

fn said(learner: LearnerKeys, order: &[LinkingKey]) -> Vec<String> {
    let verdicts = verdicts(&[&learner], order, fits);
    verdicts.iter().map(|v| format!("{} {}", v.key.as_str(), v.verdict.as_str())).collect()
}

#[test]
fn each_key_says_what_it_lacks() {
    let order = [LinkingKey::Email, LinkingKey::Username];
    assert_eq!(said(keys("", "x", ""), &order), ["email unknown", "username not_given"]);
    assert_eq!(
        said(keys("2", "anna", "both"), &order),
        ["email contradicted", "username ambiguous", "employee_number not_linked_by"]
    );
    assert_eq!(said(keys("", "test", "anna"), &order), ["email dismissed", "username fits"]);
}

proptest! {
    #[test]
    fn every_learner_is_in_one_entry_whose_identity_it_gives(
        learners in proptest::collection::vec((1_i64..3, "[0-9]?", "[a-c]?", "[d-f]"), 0..12)
    ) {
        let learners: Vec<(i64, LearnerKeys)> =
            learners.iter().map(|(platform, n, e, u)| (*platform, keys(n, e, u))).collect();
        let named: Vec<Named<'_>> = learners.iter().map(|(p, keys)| Named { platform: PlatformId(*p), keys }).collect();
        let entries = entries(&named, |_| LinkingKey::DEFAULT_ORDER.to_vec());
        let mut places: Vec<usize> = Vec::new();
        for (identity, members) in entries {
            for place in &members {
                prop_assert_eq!(learners[*place].1.identity(identity.key), Some(identity.clone()));
                prop_assert_eq!(learners[*place].0, learners[members[0]].0);
            }
            places.extend(members);
        }
        places.sort_unstable();
        prop_assert_eq!(places, (0..learners.len()).collect::<Vec<_>>());
    }
}
