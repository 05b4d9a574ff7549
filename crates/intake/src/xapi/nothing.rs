//! Why a statement gives no result: for people, and as codes that are stored.

/// Why a statement gives no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Nothing {
    #[error("its verb is none that gives a result")]
    OtherVerb,
    #[error("its object is no activity")]
    NoActivity,
    #[error("its actor is a group, or has no identifier that fits")]
    NoLearner,
    #[error("it was completed without success")]
    WithoutSuccess,
    #[error("its result says that it is not completed")]
    NotCompleted,
    #[error("a quiz has neither a score nor success or failure")]
    NotGraded,
    #[error("an attempt has no quiz among its parents or groupings")]
    NoQuiz,
    #[error("there is no quiz where the profile looks for it")]
    NoQuizThere,
    #[error("there is no course where the profile looks for it")]
    NoCourse,
    #[error("cmi5 merely allows it: it lacks the category of the statements that cmi5 defines")]
    Cmi5Allowed,
    #[error("it is satisfied in no registration, which cmi5 demands")]
    NoRegistration,
    #[error("its activity's id is too long, or has control characters, so that no requirement can name it")]
    Unnameable,
    #[error("it is un-completed, which withdraws nothing as the platform's profile says")]
    WithdrawsNothing,
    #[error("a course is reported as failed or scored, which withdraws nothing")]
    CourseNotPassed,
    #[error("its actor is its instructor, who withdrew nothing of their own: let the profile say where the learner is")]
    ActorIsInstructor,
    #[error("there is no single person where the profile looks for the learner")]
    NoLearnerThere,
    #[error("there is no attempt where the profile looks for it")]
    NoAttempt,
    #[error("there is no time where the profile looks for it")]
    NoTime,
    #[error("somebody attended, and its result does not say that it was completed")]
    NotWhollyAttended,
    #[error("it is a part of an attempt that was graded, which says nothing of the whole")]
    PartOfAttempt,
    #[error(
        "its time is more than a day ahead: it counts when its delivery is read again (platform reread) after that"
    )]
    InTheFuture,
    #[error("its time is before 1990, when nobody did a course here")]
    TooLongAgo,
}

impl Nothing {
    /// Every reason that can be stored.
    pub(super) const ALL: [Self; 22] = [
        Self::OtherVerb,
        Self::NoActivity,
        Self::NoLearner,
        Self::WithoutSuccess,
        Self::NotCompleted,
        Self::NotGraded,
        Self::NoQuiz,
        Self::NoQuizThere,
        Self::NoCourse,
        Self::Cmi5Allowed,
        Self::NoRegistration,
        Self::Unnameable,
        Self::WithdrawsNothing,
        Self::CourseNotPassed,
        Self::ActorIsInstructor,
        Self::NoLearnerThere,
        Self::NoAttempt,
        Self::NoTime,
        Self::NotWhollyAttended,
        Self::PartOfAttempt,
        Self::InTheFuture,
        Self::TooLongAgo,
    ];

    /// Its code, as it is stored.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::OtherVerb => "other_verb",
            Self::NoActivity => "no_activity",
            Self::NoLearner => "no_learner",
            Self::WithoutSuccess => "without_success",
            Self::NotCompleted => "not_completed",
            Self::NotGraded => "not_graded",
            Self::NoQuiz => "no_quiz",
            Self::NoQuizThere => "no_quiz_there",
            Self::NoCourse => "no_course",
            Self::Cmi5Allowed => "cmi5_allowed",
            Self::NoRegistration => "no_registration",
            Self::Unnameable => "unnameable",
            Self::WithdrawsNothing => "withdraws_nothing",
            Self::CourseNotPassed => "course_not_passed",
            Self::ActorIsInstructor => "actor_is_instructor",
            Self::NoLearnerThere => "no_learner_there",
            Self::NoAttempt => "no_attempt",
            Self::NoTime => "no_time",
            Self::NotWhollyAttended => "not_wholly_attended",
            Self::PartOfAttempt => "part_of_attempt",
            Self::InTheFuture => "in_the_future",
            Self::TooLongAgo => "too_long_ago",
        }
    }
}
