//! How much better a figure could be: unlinked results, and the people that they could satisfy.

use std::collections::BTreeMap;

/// How many hold which items; bit *i* stands for a requirement's *i*-th item.
pub type ByItems = BTreeMap<u64, u64>;

/// The most people not yet done that waiting results could make done (DESIGN, "Data quality is part of the figure").
///
/// * `undone`: people in scope who are not done, by the items that hold for them.
/// * `waiting`: learners with waiting results, by the items that these would make hold.
/// * `alternatives`: the items of each alternative.
///
/// A learner counts if it makes an alternative whole together with a person's own items, each learner for one person
/// and each person once. Several learners together for one person do not count, since they are not one human.
#[must_use]
pub fn could_be_done(undone: &ByItems, waiting: &ByItems, alternatives: &[u64]) -> u64 {
    let satisfies = |held: u64, brought: u64| alternatives.iter().any(|whole| (held | brought) & whole == *whole);
    let learners = waiting.iter().filter(|(brought, _)| undone.keys().any(|held| satisfies(*held, **brought)));
    let people = undone.iter().filter(|(held, _)| waiting.keys().any(|brought| satisfies(**held, *brought)));
    let (learners, people): (u64, u64) = (learners.map(|(_, count)| count).sum(), people.map(|(_, count)| count).sum());
    learners.min(people)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COURSE: u64 = 0b001;
    const QUIZ: u64 = 0b010;
    const OLD_COURSE: u64 = 0b100;
    const ALTERNATIVES: [u64; 2] = [COURSE | QUIZ, OLD_COURSE];

    #[test]
    fn each_waiting_learner_could_satisfy_one_person() {
        let undone = ByItems::from([(0, 10)]);
        assert_eq!(could_be_done(&undone, &ByItems::from([(COURSE | QUIZ, 3)]), &ALTERNATIVES), 3);
        assert_eq!(could_be_done(&undone, &ByItems::from([(COURSE | QUIZ, 30)]), &ALTERNATIVES), 10);
        assert_eq!(could_be_done(&undone, &ByItems::from([(OLD_COURSE, 2)]), &ALTERNATIVES), 2);
    }

    #[test]
    fn half_of_an_alternative_satisfies_only_who_has_the_other_half() {
        let waiting = ByItems::from([(QUIZ, 5)]);
        assert_eq!(could_be_done(&ByItems::from([(0, 10)]), &waiting, &ALTERNATIVES), 0);
        assert_eq!(could_be_done(&ByItems::from([(0, 10), (COURSE, 2)]), &waiting, &ALTERNATIVES), 2);
    }

    #[test]
    fn nothing_waiting_could_satisfy_nobody() {
        assert_eq!(could_be_done(&ByItems::from([(0, 10)]), &ByItems::new(), &ALTERNATIVES), 0);
        assert_eq!(could_be_done(&ByItems::new(), &ByItems::from([(OLD_COURSE, 2)]), &ALTERNATIVES), 0);
    }
}
