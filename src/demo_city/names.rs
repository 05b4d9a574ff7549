//! Made-up people's names, and the addresses and usernames that a city makes from them.

use std::collections::HashMap;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

/// Given names, the commonest first.
#[rustfmt::skip]
const GIVEN_NAMES: [&str; 120] = [
    "Anna", "Maria", "Lars", "Eva", "Mikael", "Anders", "Karin", "Johan", "Sara", "Fatima", "Per", "Lena", "Mohammed",
    "Emma", "Kristina", "Erik", "Åsa", "Ali", "Jenny", "Karl", "Malin", "Amina", "Peter", "Susanne", "Jan", "Elin",
    "Linda", "Thomas", "Ahmed", "Ingrid", "Daniel", "Zahra", "Marie", "Fredrik", "Hanna", "Andreas", "Agnieszka",
    "Hassan", "Birgitta", "Ida", "Stefan", "Maja", "Jasmina", "Mats", "Ulrika", "Alexander", "Sofia", "Bo", "Layla",
    "Katarina", "Magnus", "Elisabeth", "Emir", "Annika", "Håkan", "Gunilla", "Omar", "Camilla", "Björn", "Anette",
    "Jelena", "Ulf", "Helena", "Oskar", "Nadia", "Göran", "Carina", "Simon", "Yasmin", "Pia", "Viktor", "Cecilia",
    "Dragan", "Therese", "Rickard", "Noor", "Marianne", "Gustav", "Petra", "Samir", "Monika", "Jörgen", "Märta",
    "Linh", "Sören", "Josefin", "Tuan", "Ellen", "Ibrahim", "Frida", "Roland", "Mariam", "Örjan", "Ann-Marie", "Abdi",
    "Karl-Johan", "Siv", "Priya", "Niklas", "Hodan", "Matilda", "Piotr", "Gun-Britt", "Zoë", "Mehmet", "Ewa", "Léa",
    "Torbjörn", "Ayşe", "Tove", "Hüseyin", "Ronja", "Łukasz", "Aino", "Väinö", "Signe", "José", "Mei", "Kerstin",
    "Ágnes",
];

/// Family names, the commonest first.
#[rustfmt::skip]
const FAMILY_NAMES: [&str; 120] = [
    "Andersson", "Johansson", "Nilsson", "Karlsson", "Larsson", "Persson", "Svensson", "Olsson", "Hansson", "Ali",
    "Jönsson", "Eriksson", "Gustafsson", "Petersson", "Ahmed", "Bengtsson", "Lindberg", "Mårtensson", "Hassan",
    "Lindström", "Lundgren", "Berg", "Mohammed", "Nguyen", "Petrović", "Sjöberg", "Jovanović", "Åkesson", "Hussein",
    "Lindqvist", "Holm", "Björk", "Kowalska", "Sandberg", "Öberg", "Ibrahim", "Ekström", "Månsson", "Nordin",
    "Khalil", "Wallin", "Hadžić", "Håkansson", "Lund", "Söderberg", "Hoxha", "Ström", "Danielsson", "Yılmaz",
    "Holmgren", "Abdi", "Sundberg", "Krasniqi", "Fransson", "Nyström", "Begić", "Lindgren", "Berggren", "Salem",
    "Ivarsson", "Falk", "Åberg", "Popović", "Martinsson", "Nowak", "Rosén", "Warsame", "Bergqvist", "Jakobsson",
    "Hermansson", "Tran", "Löfgren", "Dahl", "Rahimi", "Strömberg", "Ek", "Isaksson", "Kaya", "Ståhl", "Hedlund",
    "Kovačević", "Nordström", "Sjögren", "Haddad", "Norén", "Blomqvist", "Pham", "Åström", "Lehtonen", "Lindén",
    "Farah", "Viklund", "Mattsson", "Osman", "Virtanen", "Ottosson", "Singh", "Dahlberg", "Papadopoulos", "Hellström",
    "Jansson", "Suleiman", "Bodén", "Schmidt", "Öhman", "Fernández", "Wójcik", "Kjær", "Östlund", "von Essen",
    "Müller", "O'Connor", "Zetterström", "Grönlund", "Bäckström", "af Ekenstam", "Hallberg", "Mäkinen", "Çelik",
    "Wiśniewska",
];

/// A made-up person's name: common names come often, so that a large city has many of the same.
pub(super) fn draw_name(rng: &mut Xoshiro256PlusPlus) -> (&'static str, &'static str) {
    (draw(rng, &GIVEN_NAMES), draw(rng, &FAMILY_NAMES))
}

fn draw(rng: &mut Xoshiro256PlusPlus, names: &[&'static str]) -> &'static str {
    let mut at = || rng.random_range(0..names.len());
    let (first, second) = (at(), at());
    names[first.min(second)]
}

/// A name in the letters of an address: `Åsa` is `asa`, `O'Connor` is `oconnor`.
fn address_part(name: &str) -> String {
    name.to_lowercase()
        .chars()
        .filter_map(|letter| match letter {
            'a'..='z' | '-' => Some(letter),
            'å' | 'ä' | 'á' | 'æ' => Some('a'),
            'ö' | 'ó' | 'ø' => Some('o'),
            'é' | 'ë' => Some('e'),
            'ü' => Some('u'),
            'ı' | 'í' => Some('i'),
            'ć' | 'č' | 'ç' => Some('c'),
            'ś' | 'ş' => Some('s'),
            'ł' => Some('l'),
            'ž' => Some('z'),
            _ => None,
        })
        .collect()
}

/// Hands out e-mail addresses and usernames, each once: the second Anna Andersson is `anna.andersson2@example.org`.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    handed_out: HashMap<String, u32>,
}

impl Addresses {
    pub fn email(&mut self, given_name: &str, family_name: &str) -> String {
        let base = self.unique(format!("{}.{}", address_part(given_name), address_part(family_name)));
        format!("{base}@example.org")
    }

    /// Three letters of each name, as many cities make them: `annand`.
    pub fn username(&mut self, given_name: &str, family_name: &str) -> String {
        let three = |name: &str| address_part(name).chars().filter(|c| *c != '-').take(3).collect::<String>();
        self.unique(format!("{}{}", three(given_name), three(family_name)))
    }

    fn unique(&mut self, base: String) -> String {
        let times = self.handed_out.entry(base.clone()).and_modify(|times| *times += 1).or_insert(1);
        if *times == 1 { base } else { format!("{base}{times}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_of_a_name_gets_a_number() {
        let mut addresses = Addresses::default();
        assert_eq!(addresses.email("Anna", "Andersson"), "anna.andersson@example.org");
        assert_eq!(addresses.email("Anna", "Andersson"), "anna.andersson2@example.org");
        assert_eq!(addresses.email("Ann-Marie", "O'Connor"), "ann-marie.oconnor@example.org");
        assert_eq!(addresses.username("Åsa", "Öberg"), "asaobe");
    }

    #[test]
    fn every_letter_of_the_names_is_known_to_the_addresses() {
        for name in GIVEN_NAMES.iter().chain(&FAMILY_NAMES) {
            let letters = name.chars().filter(|c| !matches!(c, ' ' | '\'')).count();
            assert_eq!(address_part(name).chars().count(), letters, "{name}");
        }
    }
}
