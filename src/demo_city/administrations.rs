//! The thirteen administrations: their boards, their shares of the city, and the names of their units.

/// The unit of an administration's head and heads of division; the same name everywhere, so that a requirement can name
/// it.
pub(super) const LEADERSHIP_UNIT: &str = "Förvaltningsledningen";

/// How many people share a unit, about.
const PEOPLE_PER_UNIT: usize = 22;

/// An administration of the made-up city.
#[derive(Debug)]
pub(super) struct Administration {
    pub code: &'static str,
    pub name: &'static str,
    pub board: &'static str,
    /// Its part of the city's employees, in thousandths; all together make 1,000.
    pub permille: usize,
    /// How many of a hundred have a valid training.
    pub trained_percent: u32,
    divisions: &'static [&'static str],
    units: UnitNames,
}

#[derive(Debug)]
enum UnitNames {
    /// Offices, named after what they do.
    Offices(&'static [&'static str]),
    /// Schools and homes: what they are, and a place.
    InPlaces(&'static [&'static str]),
}

const AREAS: [&str; 4] = ["Område Norr", "Område Söder", "Område Väster", "Område Öster"];

#[rustfmt::skip]
const PLACES: [&str; 30] = [
    "Rönnen", "Linden", "Blåsippan", "Ängen", "Svalan", "Lärkan", "Fyren", "Åkern", "Björken", "Solrosen", "Havet",
    "Kronan", "Gläntan", "Ärlan", "Östergård", "Västerbo", "Månen", "Skogsdungen", "Kullen", "Bäcken", "Tärnan",
    "Eken", "Hasseln", "Vallmon", "Stranden", "Bryggan", "Lunden", "Höjden", "Ådalen", "Näckrosen",
];

const OFFICE: &[&str] = &[
    "HR-enheten",
    "Ekonomienheten",
    "Kommunikationsenheten",
    "Juridikenheten",
    "Enheten för digitalisering",
    "Enheten för upphandling",
    "Registrators- och arkivenheten",
    "Utvecklingsenheten",
    "Enheten för uppföljning",
];

pub(super) const ADMINISTRATIONS: [Administration; 13] = [
    Administration {
        code: "STK",
        name: "Stadskontoret",
        board: "Kommunstyrelsen",
        permille: 22,
        trained_percent: 97,
        divisions: &["Avdelningen för ledningsstöd", "Ekonomiavdelningen", "HR-avdelningen"],
        units: UnitNames::Offices(OFFICE),
    },
    Administration {
        code: "SEF",
        name: "Serviceförvaltningen",
        board: "Servicenämnden",
        permille: 35,
        trained_percent: 94,
        divisions: &["Avdelningen för IT", "Avdelningen för måltider", "Avdelningen för fastigheter"],
        units: UnitNames::Offices(&[
            "IT-support",
            "Drift och nät",
            "Systemförvaltning",
            "Produktionskök",
            "Fastighetsservice",
            "Lokalvård",
            "Kontaktcenter",
            "Transporter",
        ]),
    },
    Administration {
        code: "FGK",
        name: "Fastighets- och gatukontoret",
        board: "Tekniska nämnden",
        permille: 24,
        trained_percent: 88,
        divisions: &["Avdelningen för offentlig miljö", "Avdelningen för mark", "Avdelningen för trafik"],
        units: UnitNames::Offices(&["Parkenheten", "Gatuenheten", "Trafikenheten", "Markenheten", "Projektenheten"]),
    },
    Administration {
        code: "SBK",
        name: "Stadsbyggnadskontoret",
        board: "Stadsbyggnadsnämnden",
        permille: 13,
        trained_percent: 93,
        divisions: &["Planavdelningen", "Bygglovsavdelningen"],
        units: UnitNames::Offices(&["Detaljplaneenheten", "Bygglovsenheten", "Kart- och mätenheten", "Geodataenheten"]),
    },
    Administration {
        code: "MF",
        name: "Miljöförvaltningen",
        board: "Miljönämnden",
        permille: 10,
        trained_percent: 96,
        divisions: &["Avdelningen för tillsyn", "Avdelningen för hållbarhet"],
        units: UnitNames::Offices(&[
            "Livsmedelsenheten",
            "Hälsoskyddsenheten",
            "Luft- och bullerenheten",
            "Klimatenheten",
        ]),
    },
    Administration {
        code: "KF",
        name: "Kulturförvaltningen",
        board: "Kulturnämnden",
        permille: 18,
        trained_percent: 84,
        divisions: &["Avdelningen för bibliotek", "Avdelningen för museer och scen"],
        units: UnitNames::InPlaces(&["Biblioteket", "Kulturskolan", "Museet"]),
    },
    Administration {
        code: "FRF",
        name: "Fritidsförvaltningen",
        board: "Fritidsnämnden",
        permille: 20,
        trained_percent: 60,
        divisions: &AREAS,
        units: UnitNames::InPlaces(&["Fritidsgården", "Simhallen", "Idrottsplatsen"]),
    },
    Administration {
        code: "FSF",
        name: "Förskoleförvaltningen",
        board: "Förskolenämnden",
        permille: 160,
        trained_percent: 86,
        divisions: &AREAS,
        units: UnitNames::InPlaces(&["Förskolan"]),
    },
    Administration {
        code: "GRF",
        name: "Grundskoleförvaltningen",
        board: "Grundskolenämnden",
        permille: 166,
        trained_percent: 90,
        divisions: &AREAS,
        units: UnitNames::InPlaces(&["Grundskolan", "Fritidshemmet", "Anpassade grundskolan"]),
    },
    Administration {
        code: "GYVF",
        name: "Gymnasie- och vuxenutbildningsförvaltningen",
        board: "Gymnasie- och vuxenutbildningsnämnden",
        permille: 105,
        trained_percent: 91,
        divisions: &["Avdelningen för gymnasier", "Avdelningen för vuxenutbildning"],
        units: UnitNames::InPlaces(&["Gymnasiet", "Vuxenutbildningen"]),
    },
    Administration {
        code: "FUNK",
        name: "Funktionsstödsförvaltningen",
        board: "Funktionsstödsnämnden",
        permille: 130,
        trained_percent: 80,
        divisions: &AREAS,
        units: UnitNames::InPlaces(&["LSS-boendet", "Daglig verksamhet", "Personlig assistans"]),
    },
    Administration {
        code: "HVOF",
        name: "Hälsa-, vård- och omsorgsförvaltningen",
        board: "Hälsa-, vård- och omsorgsnämnden",
        permille: 167,
        trained_percent: 85,
        divisions: &AREAS,
        units: UnitNames::InPlaces(&["Hemtjänsten", "Vårdboendet", "Hemsjukvården", "Mötesplatsen"]),
    },
    Administration {
        code: "ASF",
        name: "Arbetsmarknads- och socialförvaltningen",
        board: "Arbetsmarknads- och socialnämnden",
        permille: 130,
        trained_percent: 82,
        divisions: &["Avdelningen för individ och familj", "Avdelningen för arbetsmarknad", "Avdelningen för boende"],
        units: UnitNames::InPlaces(&["Socialkontoret", "Jobbcentrum", "Stödboendet"]),
    },
];

impl Administration {
    /// The names of its units in a city of so many people: the leadership first, then at least one more.
    pub fn unit_names(&self, people_in_city: usize) -> Vec<String> {
        let (kinds, places) = match self.units {
            UnitNames::Offices(kinds) => (kinds, &[""][..]),
            UnitNames::InPlaces(kinds) => (kinds, &PLACES[..]),
        };
        let count = (people_in_city * self.permille / 1_000 / PEOPLE_PER_UNIT).max(1);
        let different = kinds.len() * places.len();
        let ordinary = (0..count).map(|at| {
            let division = self.divisions[at % self.divisions.len()];
            let name = format!("{} {}", kinds[at % kinds.len()], places[at / kinds.len() % places.len()]);
            match at / different {
                0 => format!("{division} / {}", name.trim_end()),
                again => format!("{division} / {} {}", name.trim_end(), again + 1),
            }
        });
        std::iter::once(LEADERSHIP_UNIT.to_owned()).chain(ordinary).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_administrations_make_one_city_from_a_hundredth_to_a_sixth() {
        assert_eq!(ADMINISTRATIONS.iter().map(|a| a.permille).sum::<usize>(), 1_000);
        assert_eq!(ADMINISTRATIONS.iter().map(|a| a.permille).min(), Some(10));
        assert_eq!(ADMINISTRATIONS.iter().map(|a| a.permille).max(), Some(167));
        assert_eq!(ADMINISTRATIONS.iter().map(|a| a.code).collect::<HashSet<_>>().len(), 13);
    }

    #[test]
    fn no_two_units_of_an_administration_have_the_same_name() {
        for administration in &ADMINISTRATIONS {
            let units = administration.unit_names(300_000);
            assert_eq!(units.iter().collect::<HashSet<_>>().len(), units.len(), "{}", administration.code);
        }
    }
}
