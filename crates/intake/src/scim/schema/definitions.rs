//! The attributes themselves.

use super::{Attribute, ENTERPRISE, GROUP, KURSKOLL, Kind, Mutability, Schema, Schemas, USER};
use kurskoll_domain::directory::EmploymentForm;

/// The kinds of telephone numbers (RFC 7643, section 4.1.2).
pub const PHONES: [&str; 6] = ["work", "home", "mobile", "fax", "pager", "other"];

/// What a User has.
#[must_use]
pub fn user() -> Schemas {
    let reference = |name, description| Attribute::new(Kind::Reference, name, description);
    let core = Schema {
        id: USER.to_owned(),
        name: "User".to_owned(),
        description: "A person whom the register knows, or who waits until it does. What else RFC 7643 has of a User \
                      (password, addresses, ims, photos, profileUrl, entitlements, roles, x509Certificates) is accepted and not stored."
            .to_owned(),
        attributes: vec![
            Attribute::text(
                "userName",
                "The name by which the person signs in; a learning platform may name them by it.",
            )
            .required()
            .unique(),
            Attribute::complex(
                "name",
                "The person's name.",
                [
                    Attribute::text("givenName", "Given name."),
                    Attribute::text("familyName", "Family name."),
                    Attribute::text("middleName", "Middle names; stored as sent and not used."),
                    Attribute::text("honorificPrefix", "Title before the name; stored as sent and not used."),
                    Attribute::text("honorificSuffix", "Title after the name; stored as sent and not used."),
                    Attribute::text("formatted", "The whole name; stored as sent and not used."),
                ],
            ),
            Attribute::text("displayName", "The name to show; stored as sent and not used."),
            Attribute::text("nickName", "Stored as sent and not used."),
            Attribute::text("title", "The title at work; stored as sent and not used."),
            Attribute::text("userType", "Stored as sent and not used unless configured."),
            Attribute::text("preferredLanguage", "Stored as sent and not used."),
            Attribute::text("locale", "Stored as sent and not used."),
            Attribute::text("timezone", "Stored as sent and not used."),
            Attribute::complex(
                "phoneNumbers",
                "Numbers of the type work are stored as sent and not used. Numbers of other types never are.",
                [
                    Attribute::text("value", "The number."),
                    Attribute { canonical_values: vec!["work"], ..Attribute::text("type", "Its kind.") },
                    Attribute::new(Kind::Boolean, "primary", "Whether it is the one to use."),
                ],
            )
            .multi_valued(),
            Attribute::new(
                Kind::Boolean,
                "active",
                "Whether the person works here. Made false, it ends the employment today; made true again, it begins a new one. If another user of the same number is active, only what this user provisioned ends.",
            ),
            Attribute::complex(
                "emails",
                "One address is stored: one for work, else the primary one, else one without a type. One of the type home never is.",
                [
                    Attribute::text("value", "The address."),
                    Attribute {
                        canonical_values: vec!["work", "other"],
                        ..Attribute::text("type", "Its kind.")
                    },
                    Attribute::new(Kind::Boolean, "primary", "Whether it is the one to use."),
                ],
            )
            .multi_valued(),
            Attribute::complex(
                "groups",
                "The administrations in which the person is employed today, and the provider's groups of which the user is a member.",
                [
                    Attribute::text("value", "The id of the Group; of an administration its code.").case_exact(),
                    reference("$ref", "The address of the Group."),
                    Attribute::text("display", "The name of the Group."),
                ],
            )
            .multi_valued()
            .read_only(),
        ],
    };
    let enterprise = Schema {
        id: ENTERPRISE.to_owned(),
        name: "EnterpriseUser".to_owned(),
        description: "Where the person works.".to_owned(),
        attributes: vec![
            Attribute {
                mutability: Mutability::Immutable,
                ..Attribute::text(
                    "employeeNumber",
                    "HR's number of the employee; never a personal identity number. Several users may have one. A user without one \
                     waits until the directory knows one employee by the address or user name.",
                )
                .case_exact()
            },
            Attribute::text("costCenter", "Cost centre; stored and not used."),
            Attribute::text("organization", "Unless configured otherwise, carries the administration's code."),
            Attribute::text("division", "Division; stored and not used unless configured."),
            Attribute::text("department", "Unless configured otherwise, the unit."),
            Attribute::complex(
                "manager",
                "The person's manager.",
                [
                    Attribute::text("value", "The id of the manager's User.").case_exact(),
                    reference("$ref", "The address of the manager's User.").read_only(),
                    Attribute::text("displayName", "The manager's name.").read_only(),
                ],
            ),
        ],
    };
    let kurskoll = Schema {
        id: KURSKOLL.to_owned(),
        name: "KurskollUser".to_owned(),
        description: "What SCIM lacks: several employments with their days, and protected personal data.".to_owned(),
        attributes: vec![
            Attribute::new(
                Kind::Boolean,
                "protected",
                "Protected personal data: no report shows name, address or unit.",
            ),
            Attribute::new(
                Kind::Boolean,
                "waiting",
                "Whether the directory does not know yet which employee this is.",
            )
            .read_only(),
            Attribute::complex(
                "employments",
                "Every employment that this user is shown, ended ones included. Written, the list is whole: what it lacks ends today.",
                [
                    Attribute::text("id", "HR's id of the employment; left out, Kurskoll gives one.").case_exact(),
                    Attribute::text("administration", "The code of the administration.").required().case_exact(),
                    Attribute::text("unit", "The unit within it."),
                    Attribute {
                        canonical_values: EmploymentForm::ALL.map(EmploymentForm::as_str).into(),
                        ..Attribute::text("form", "How the person is employed.")
                    },
                    Attribute::text("startsOn", "The first day at work, as 2026-03-01.").required().case_exact(),
                    Attribute::text("endsOn", "The last day at work; left out: open.").case_exact(),
                ],
            )
            .multi_valued(),
        ],
    };
    Schemas { core, extensions: vec![enterprise, kurskoll], common: common(), beside: None }
}

/// What a Group has.
#[must_use]
pub fn group() -> Schemas {
    let core = Schema {
        id: GROUP.to_owned(),
        name: "Group".to_owned(),
        description:
            "A group of the provider's, which it writes; or an administration of the city with those who are employed \
                      there today, which is read-only: HR's file names it."
                .to_owned(),
        attributes: vec![
            Attribute::text("displayName", "The name of the group, or of the administration.").required(),
            Attribute::complex(
                "members",
                "Users; of an administration, those who are employed there today.",
                [
                    Attribute { mutability: Mutability::Immutable, ..Attribute::text("value", "The id of the User.") }
                        .case_exact(),
                    Attribute {
                        mutability: Mutability::Immutable,
                        ..Attribute::new(Kind::Reference, "$ref", "The address of the User.")
                    },
                    Attribute {
                        mutability: Mutability::Immutable,
                        canonical_values: vec!["User"],
                        ..Attribute::text("type", "User.")
                    },
                ],
            )
            .multi_valued(),
        ],
    };
    Schemas { core, extensions: Vec::new(), common: common(), beside: None }
}

fn common() -> Vec<Attribute> {
    let always = |attribute: Attribute| Attribute { is_always_returned: true, ..attribute };
    vec![
        always(Attribute::text("schemas", "The schemas of the resource.").multi_valued().case_exact().read_only()),
        always(Attribute::text("id", "Kurskoll's id of the resource.").case_exact().unique().read_only()),
        Attribute::text("externalId", "The provider's own id.").case_exact(),
        Attribute::complex(
            "meta",
            "About the resource.",
            [
                Attribute::text("resourceType", "User or Group.").case_exact(),
                Attribute::new(Kind::DateTime, "created", "When the register came to know it."),
                Attribute::new(Kind::DateTime, "lastModified", "When it last changed."),
                Attribute::new(Kind::Reference, "location", "Its address."),
                Attribute::text("version", "Its ETag.").case_exact(),
            ],
        )
        .read_only(),
    ]
}
